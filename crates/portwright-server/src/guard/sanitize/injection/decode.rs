//! Payloads that a model reads as well as their plain text: Base64, hexadecimal, percent-encoding, entities.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use portwright_core::limits;

use crate::guard::sanitize::characters::entity;

/// A payload in plain text, and where it stood.
pub(super) struct Payload {
    pub(super) text: String,
    pub(super) start: usize,
    pub(super) end: usize,
    /// Whether it is the whole text, with some of its letters decoded.
    pub(super) whole: bool,
}

/// The shortest run of letters that may hold an order.
const RUN_BYTES_MIN: usize = 20;

/// Every payload that is text; no more than a bound of them, each up to a bound.
pub(super) fn payloads(text: &str) -> Vec<Payload> {
    let mut payloads = Vec::new();
    runs(text, &mut payloads);
    if text.contains('%')
        && let Some(plain) = percent(text)
    {
        payloads.push(Payload { text: plain, start: 0, end: text.len(), whole: true });
    }
    if text.contains("&#") {
        payloads.push(Payload { text: entities(text).into_owned(), start: 0, end: text.len(), whole: true });
    }
    payloads
}

/// Unbroken runs of the letters of Base64 and hexadecimal.
fn runs(text: &str, payloads: &mut Vec<Payload>) {
    let bytes = text.as_bytes();
    let is_run = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_');
    let mut at = 0;
    while at < bytes.len() && payloads.len() < limits::PAYLOADS_MAX {
        let length = bytes[at..].iter().take_while(|byte| is_run(byte)).count();
        if length >= RUN_BYTES_MIN {
            let run = &text[at..at + length];
            if let Some(plain) = hexadecimal(run).or_else(|| base64(run)) {
                payloads.push(Payload { text: plain, start: at, end: at + length, whole: false });
            }
        }
        at += length + 1;
    }
}

fn base64(run: &str) -> Option<String> {
    let run = &run[..run.len().min(limits::PAYLOAD_BYTES_MAX)];
    let run = &run[..run.len() - usize::from(run.len() % 4 == 1)];
    let engine = if run.contains(['-', '_']) { &URL_SAFE_NO_PAD } else { &STANDARD_NO_PAD };
    // What comes first tells nearly always whether it is text.
    let head = engine.decode(&run[..run.len().min(16)]).ok()?;
    if !head.iter().all(|byte| matches!(byte, b' '..=b'~' | b'\n' | b'\t' | b'\r' | 0x80..)) {
        return None;
    }
    prose(engine.decode(run).ok()?)
}

fn hexadecimal(run: &str) -> Option<String> {
    if run.len() % 2 == 1 || !run.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let run = &run.as_bytes()[..run.len().min(limits::PAYLOAD_BYTES_MAX)];
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let bytes = run.chunks_exact(2).map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?));
    prose(bytes.collect::<Option<Vec<u8>>>()?)
}

/// Bytes that are text of several words.
fn prose(bytes: Vec<u8>) -> Option<String> {
    let text = match String::from_utf8(bytes) {
        Ok(text) => text,
        // A run that was cut may end in the middle of a character.
        Err(error) if error.utf8_error().error_len().is_none() => {
            let valid = error.utf8_error().valid_up_to();
            let mut bytes = error.into_bytes();
            bytes.truncate(valid);
            String::from_utf8(bytes).ok()?
        }
        Err(_) => return None,
    };
    let spaces = text.bytes().filter(|byte| *byte == b' ').count();
    let clean = !text.chars().any(|letter| letter.is_control() && !letter.is_whitespace());
    (clean && (spaces >= 2 || !text.is_ascii()) && text.len() >= 8).then_some(text)
}

fn percent(text: &str) -> Option<String> {
    const ESCAPES_MIN: usize = 4;
    let text = &text[..text.floor_char_boundary(limits::PAYLOAD_BYTES_MAX)];
    let bytes = text.as_bytes();
    let digit = |at: usize| bytes.get(at).and_then(|byte| char::from(*byte).to_digit(16));
    let (mut plain, mut at, mut escapes) = (Vec::with_capacity(bytes.len()), 0, 0);
    while at < bytes.len() {
        match (bytes[at], digit(at + 1), digit(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                plain.push(u8::try_from(high * 16 + low).unwrap_or(b' '));
                escapes += 1;
                at += 3;
            }
            (byte, ..) => {
                plain.push(byte);
                at += 1;
            }
        }
    }
    (escapes >= ESCAPES_MIN).then(|| String::from_utf8_lossy(&plain).into_owned())
}

fn entities(text: &str) -> Cow<'_, str> {
    let text = &text[..text.floor_char_boundary(limits::PAYLOAD_BYTES_MAX)];
    let mut plain = String::with_capacity(text.len());
    let mut copied = 0;
    for (start, _) in text.match_indices("&#") {
        let Some((letter, bytes)) = entity(&text[start..]) else { continue };
        plain.push_str(&text[copied..start]);
        plain.push(letter);
        copied = start + bytes;
    }
    plain.push_str(&text[copied..]);
    Cow::Owned(plain)
}
