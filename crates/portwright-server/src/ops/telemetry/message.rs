//! OTLP's messages: what a span, a log record and a request hold.

use std::borrow::Cow;
use std::time::{SystemTime, UNIX_EPOCH};

use super::encode::Encode;

/// A value of an attribute.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Text(String),
    Flag(bool),
    Int(i64),
    Double(f64),
}

pub(super) type Attribute = (Cow<'static, str>, Value);

/// Where something stands in a trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ids {
    pub(super) trace: u128,
    pub(super) span: u64,
}

/// A span that ended.
#[derive(Debug)]
pub(super) struct Span {
    pub(super) ids: Ids,
    pub(super) parent: Option<u64>,
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) start: SystemTime,
    pub(super) end: SystemTime,
    pub(super) attributes: Vec<Attribute>,
    pub(super) events: Vec<Event>,
    pub(super) failed: bool,
}

/// What part a span's work has in a trace; the numbers are OTLP's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Internal = 1,
    Server = 2,
    Client = 3,
}

/// What happened within a span.
#[derive(Debug)]
pub(super) struct Event {
    pub(super) at: SystemTime,
    pub(super) name: String,
    pub(super) attributes: Vec<Attribute>,
}

/// A log record.
#[derive(Debug)]
pub(super) struct Log {
    pub(super) at: SystemTime,
    pub(super) ids: Option<Ids>,
    /// OTLP's number and word.
    pub(super) severity: (u32, &'static str),
    pub(super) body: String,
    pub(super) attributes: Vec<Attribute>,
}

pub(super) fn nanos(time: SystemTime) -> u64 {
    u64::try_from(time.duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos()).unwrap_or(u64::MAX)
}

pub(super) fn attributes<E: Encode>(out: &mut E, field: u32, attributes: &[Attribute]) {
    out.messages(field, "attributes", attributes, |out, (key, value)| {
        out.text(1, "key", key);
        out.message(2, "value", |out| match value {
            Value::Text(text) => out.text(1, "stringValue", text),
            Value::Flag(flag) => out.flag(2, "boolValue", *flag),
            Value::Int(number) => out.int(3, "intValue", *number),
            Value::Double(number) => out.double(4, "doubleValue", *number),
        });
    });
}

/// A request of any signal: what it comes from, and the items. `outer` and `inner` are the names of its two lists in JSON.
pub(super) fn request<E: Encode>(
    resource: &[Attribute],
    (outer, inner): (&'static str, &'static str),
    items: impl FnOnce(&mut E),
) -> Vec<u8> {
    let mut out = E::new();
    out.messages(1, outer, [items], |out, items| {
        out.message(1, "resource", |out| attributes(out, 1, resource));
        out.messages(2, inner, [items], |out, items| {
            out.message(1, "scope", |out| {
                out.text(1, "name", "portwright");
                out.text(2, "version", env!("CARGO_PKG_VERSION"));
            });
            items(out);
        });
    });
    out.bytes()
}

pub(super) fn spans<E: Encode>(resource: &[Attribute], spans: &[Span]) -> Vec<u8> {
    request::<E>(resource, ("resourceSpans", "scopeSpans"), |out| out.messages(2, "spans", spans, span))
}

fn span<E: Encode>(out: &mut E, span: &Span) {
    out.id(1, "traceId", &span.ids.trace.to_be_bytes());
    out.id(2, "spanId", &span.ids.span.to_be_bytes());
    if let Some(parent) = span.parent {
        out.id(4, "parentSpanId", &parent.to_be_bytes());
    }
    out.text(5, "name", &span.name);
    out.small(6, "kind", span.kind as u32);
    out.fixed(7, "startTimeUnixNano", nanos(span.start));
    out.fixed(8, "endTimeUnixNano", nanos(span.end));
    attributes(out, 9, &span.attributes);
    out.messages(11, "events", &span.events, |out, event| {
        out.fixed(1, "timeUnixNano", nanos(event.at));
        out.text(2, "name", &event.name);
        attributes(out, 3, &event.attributes);
    });
    if span.failed {
        /// `STATUS_CODE_ERROR`
        const ERROR: u32 = 2;
        out.message(15, "status", |out| out.small(3, "code", ERROR));
    }
    // Sampled.
    out.fixed_small(16, "flags", 1);
}

pub(super) fn logs<E: Encode>(resource: &[Attribute], logs: &[Log]) -> Vec<u8> {
    request::<E>(resource, ("resourceLogs", "scopeLogs"), |out| out.messages(2, "logRecords", logs, log))
}

fn log<E: Encode>(out: &mut E, log: &Log) {
    out.fixed(1, "timeUnixNano", nanos(log.at));
    out.small(2, "severityNumber", log.severity.0);
    out.text(3, "severityText", log.severity.1);
    out.message(5, "body", |out| out.text(1, "stringValue", &log.body));
    attributes(out, 6, &log.attributes);
    if let Some(ids) = log.ids {
        out.id(9, "traceId", &ids.trace.to_be_bytes());
        out.id(10, "spanId", &ids.span.to_be_bytes());
    }
    out.fixed(11, "observedTimeUnixNano", nanos(log.at));
}
