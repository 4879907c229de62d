//! One record, and its line: compact JSON, fields in a fixed order, chained to the line before it.
//!
//! `hash` is SHA-256 over the record without `hash`, in canonical JSON (RFC 8785). Each value is written once, already in
//! its canonical form; the hash takes the same bytes in the order that the canonical form asks for.

use std::fmt;
use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use portwright_core::limits;
use serde::Serialize;
use sha2::{Digest, Sha256};

/// The fields of a line, in their order.
pub(super) const FIELDS: [&str; 23] = [
    "seq",
    "ts",
    "id",
    "principal",
    "auth",
    "transport",
    "client",
    "protocol",
    "operation",
    "name",
    "source",
    "args",
    "decision",
    "rule",
    "outcome",
    "error",
    "duration_ms",
    "result_bytes",
    "result_tokens",
    "truncated",
    "flags",
    "prev",
    "hash",
];

/// The places in [`FIELDS`] of all but `hash`, sorted by name.
const CANONICAL: [usize; 22] = [11, 4, 6, 12, 16, 15, 20, 2, 9, 8, 14, 21, 3, 7, 17, 18, 13, 0, 10, 5, 19, 1];

/// Where the chain stands: the number and the hash of a record. The start of a chain is number 0 and a hash of zeros.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Link {
    pub(super) seq: u64,
    pub(super) hash: [u8; 32],
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.seq, hex(&self.hash))
    }
}

/// What a record says, before it has a place in the chain.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) ts: SystemTime,
    pub(super) id: Arc<str>,
    pub(super) principal: Option<String>,
    pub(super) auth: Option<&'static str>,
    pub(super) transport: Option<&'static str>,
    pub(super) client: Option<String>,
    pub(super) protocol: Option<String>,
    pub(super) operation: &'static str,
    pub(super) name: Option<String>,
    pub(super) source: Option<Arc<str>>,
    /// Canonical JSON.
    pub(super) args: Option<String>,
    pub(super) decision: Option<&'static str>,
    pub(super) rule: Option<String>,
    pub(super) outcome: &'static str,
    pub(super) error: Option<&'static str>,
    pub(super) duration: Option<Duration>,
    pub(super) result_bytes: Option<u64>,
    pub(super) truncated: bool,
    pub(super) flags: Vec<String>,
}

/// Bytes of a token, on average. Nobody knows the model's tokenizer, so `result_tokens` is an estimate.
const TOKEN_BYTES: u64 = 4;

impl Record {
    /// What the audit says of itself.
    pub(super) fn own(operation: &'static str, outcome: &'static str, args: String) -> Self {
        Self {
            ts: SystemTime::now(),
            id: "audit".into(),
            principal: None,
            auth: None,
            transport: None,
            client: None,
            protocol: None,
            operation,
            name: None,
            source: None,
            args: Some(args),
            decision: None,
            rule: None,
            outcome,
            error: None,
            duration: None,
            result_bytes: None,
            truncated: false,
            flags: Vec::new(),
        }
    }

    /// Appends the record's line, which follows `last`, and says where the chain stands then.
    pub(super) fn append(&self, last: Link, lines: &mut Vec<u8>) -> Link {
        let seq = last.seq + 1;
        let mut line = Line { lines, spans: [(0, 0); FIELDS.len()], at: 0 };
        line.raw(format_args!("{seq}"));
        line.raw(format_args!("\"{:.6}\"", timestamp(self.ts)));
        line.text(Some(&self.id));
        line.text(self.principal.as_deref());
        line.text(self.auth);
        line.text(self.transport);
        line.text(self.client.as_deref());
        line.text(self.protocol.as_deref());
        line.text(Some(self.operation));
        line.text(self.name.as_deref());
        line.text(self.source.as_deref());
        line.raw(format_args!("{}", self.args.as_deref().unwrap_or("null")));
        line.text(self.decision);
        line.text(self.rule.as_deref());
        line.text(Some(self.outcome));
        line.text(self.error);
        line.raw(format_args!("{}", OrNull(self.duration.map(Millis))));
        line.raw(format_args!("{}", OrNull(self.result_bytes)));
        line.raw(format_args!("{}", OrNull(self.result_bytes.map(|bytes| bytes.div_ceil(TOKEN_BYTES)))));
        line.raw(format_args!("{}", self.truncated));
        line.json(&self.flags);
        line.raw(format_args!("\"{}\"", hex(&last.hash)));
        let hash = line.hash();
        line.raw(format_args!("\"{}\"", hex(&hash)));
        lines.extend_from_slice(b"}\n");
        Link { seq, hash }
    }
}

/// A line in the making.
struct Line<'a> {
    lines: &'a mut Vec<u8>,
    /// Where each value stands.
    spans: [(usize, usize); FIELDS.len()],
    at: usize,
}

impl Line<'_> {
    fn raw(&mut self, value: fmt::Arguments<'_>) {
        let start = self.begin();
        // Writing to memory does not fail.
        let _ = self.lines.write_fmt(value);
        self.end(start);
    }

    fn text(&mut self, value: Option<&str>) {
        self.json(&value);
    }

    fn json(&mut self, value: &impl Serialize) {
        let start = self.begin();
        let _ = serde_json::to_writer(&mut *self.lines, value);
        self.end(start);
    }

    fn begin(&mut self) -> usize {
        self.lines.extend_from_slice(if self.at == 0 { b"{\"" } else { b",\"" });
        self.lines.extend_from_slice(FIELDS[self.at].as_bytes());
        self.lines.extend_from_slice(b"\":");
        self.lines.len()
    }

    fn end(&mut self, start: usize) {
        self.spans[self.at] = (start, self.lines.len());
        self.at += 1;
    }

    fn hash(&self) -> [u8; 32] {
        hash(|field| {
            let (start, end) = self.spans[field];
            &self.lines[start..end]
        })
    }
}

/// The hash of a record whose values, by their place in [`FIELDS`], are already canonical.
pub(super) fn hash<'a>(value: impl Fn(usize) -> &'a [u8]) -> [u8; 32] {
    // Put together first: a hash takes one long text faster than eighty short ones.
    let mut canonical = Vec::with_capacity(1024);
    for (at, field) in CANONICAL.into_iter().enumerate() {
        canonical.extend_from_slice(if at == 0 { b"{\"" } else { b",\"" });
        canonical.extend_from_slice(FIELDS[field].as_bytes());
        canonical.extend_from_slice(b"\":");
        canonical.extend_from_slice(value(field));
    }
    canonical.push(b'}');
    Sha256::digest(&canonical).into()
}

/// UTC, RFC 3339.
pub(super) fn timestamp(time: SystemTime) -> jiff::Timestamp {
    // Out of range only on a machine whose clock is thousands of years off.
    jiff::Timestamp::try_from(time).unwrap_or(jiff::Timestamp::UNIX_EPOCH)
}

/// Milliseconds with up to three decimals, as canonical JSON writes them.
struct Millis(Duration);

impl fmt::Display for Millis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let micros = self.0.as_micros();
        write!(f, "{}", micros / 1000)?;
        match micros % 1000 {
            0 => Ok(()),
            part if part % 100 == 0 => write!(f, ".{}", part / 100),
            part if part % 10 == 0 => write!(f, ".{:02}", part / 10),
            part => write!(f, ".{part:03}"),
        }
    }
}

struct OrNull<T>(Option<T>);

impl<T: fmt::Display> fmt::Display for OrNull<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(value) => value.fmt(f),
            None => f.write_str("null"),
        }
    }
}

/// Text as it may stand in a record.
pub(super) fn cut(text: &str) -> String {
    let end = text.floor_char_boundary(limits::AUDIT_VALUE_BYTES_MAX);
    let mut kept = text[..end].to_owned();
    if end < text.len() {
        kept.push('…');
    }
    kept
}

pub(super) fn hex(bytes: &[u8; 32]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut out = String::with_capacity(64);
    for byte in bytes {
        out.push(char::from(DIGITS[usize::from(byte >> 4)]));
        out.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    out
}

/// The inverse of [`hex`]; strict, so that a hash has one spelling.
pub(super) fn unhex(text: &str) -> Option<[u8; 32]> {
    let digits = text.as_bytes();
    let mut bytes = [0; 32];
    if digits.len() != 64 {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(bytes)
}

fn digit(letter: u8) -> Option<u8> {
    match letter {
        b'0'..=b'9' => Some(letter - b'0'),
        b'a'..=b'f' => Some(letter - b'a' + 10),
        _ => None,
    }
}
