//! What a person reads before they decide.
//!
//! Names and arguments are a caller's words, and may want to look like ours. Each stands on one line, between quotation
//! marks that it can't close, and nothing in it is hidden, obeyed or followed by whoever shows it: what a terminal, a
//! page or Markdown would act on is written as JSON writes it, `\u001b`. Nothing is taken out, since what runs is what was
//! asked about; what looks like a secret is named as left out, and what is too long is said to be.

use std::borrow::Cow;
use std::fmt::Write as _;

use portwright_core::{Context, Effects, limits};
use serde_json::Value;

use super::Asked;
use crate::guard::audit;
use crate::guard::redact::{REDACTED, looks_secret};
use crate::guard::sanitize::characters::{Found, clean};

/// The question.
pub(super) fn message(asked: &Asked<'_>, cx: &Context) -> String {
    let operation = &asked.call.operation;
    let mut out = format!("May this {} be {}?\n\n", operation.noun(), verb(operation.noun()));
    let _ = write!(out, "{}: {}", operation.noun(), name(operation.name()));
    if let Some(target) = &asked.call.target {
        let does = if target.effects == Effects::None { "it only reads" } else { "it may change something" };
        let _ = write!(out, ", of the source {} ({does})", name(&target.source));
    }
    let _ = write!(out, "\non behalf of: {} ({})", name(&asked.principal.id), asked.principal.auth.as_str());
    if let Some(client) = &cx.client {
        let _ = write!(out, "\nby the client that calls itself {} {}", name(&client.name), name(&client.version));
    }
    let _ = write!(out, "\nbecause of the rule: {}\n\n", quoted_inside(asked.rule));
    out.push_str(&arguments(asked));
    out.push_str("\nAccept to have it done once; decline if not.");
    out
}

fn verb(noun: &str) -> &'static str {
    match noun {
        "tool" => "called",
        "resource" => "read",
        _ => "used",
    }
}

fn arguments(asked: &Asked<'_>) -> String {
    let Some(arguments) = asked.call.operation.arguments().filter(|arguments| !arguments.is_empty()) else {
        return "without arguments\n".to_owned();
    };
    let told = audit::values(arguments);
    let mut out = "with these arguments, which the caller wrote:\n".to_owned();
    for (key, value) in told.iter().take(limits::APPROVAL_ARGUMENTS_MAX) {
        let whole = arguments.get(key).unwrap_or(value).to_string().chars().count();
        let _ = writeln!(out, "- {}: {}", name(key), inside(value, whole));
    }
    if let Some(more) = arguments.len().checked_sub(limits::APPROVAL_ARGUMENTS_MAX).filter(|more| *more > 0) {
        let _ = writeln!(out, "and {more} more, which are not shown here");
    }
    out
}

/// A name of somebody else's, between quotation marks.
pub(super) fn name(text: &str) -> String {
    if looks_secret(text) {
        return REDACTED.to_owned();
    }
    inside(&text.into(), text.chars().count())
}

/// A value on one line of JSON. What is longer is cut, and a line of its own says that it had `whole` characters.
pub(super) fn inside(value: &Value, whole: usize) -> String {
    let text = value.to_string();
    let mut out = String::new();
    let shown: Cow<'_, str> = match text.char_indices().nth(limits::APPROVAL_VALUE_CHARS_MAX) {
        Some((end, _)) => Cow::Owned(text[..end].to_owned()),
        None => Cow::Borrowed(&text),
    };
    escape(&shown, &mut out);
    if shown.len() < text.len() {
        let _ = write!(out, "\n  (cut: it has {whole} characters, and the rest is not shown here)");
    }
    out
}

fn quoted_inside(text: &str) -> String {
    let mut out = String::new();
    escape(text, &mut out);
    out
}

/// Writes text in which nothing acts. JSON stays JSON of the same value: what is replaced stands in strings alone.
fn escape(text: &str, out: &mut String) {
    let hides = clean(text, &mut Found::default()) != text;
    let mut last = ' ';
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        // An address that is not followed; a page's, a Markdown reader's and a mail reader's alike.
        if rest.starts_with("://") {
            out.push_str(r":\/\/");
            (last, rest) = ('/', &rest[3..]);
            continue;
        }
        let acts = match letter {
            '(' | '[' => last == ']',
            '.' => out.ends_with("www") || out.ends_with("WWW"),
            // What turns the direction of writing is honest within a text, and not beside our own words.
            '<'
            | '>'
            | '&'
            | '`'
            | '\u{61c}'
            | '\u{200e}'
            | '\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}' => true,
            _ => !letter.is_ascii() && (hides || letter.is_whitespace()) || letter.is_control(),
        };
        if acts {
            let mut units = [0; 2];
            for unit in letter.encode_utf16(&mut units) {
                let _ = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(letter);
        }
        last = letter;
        rest = &rest[letter.len_utf8()..];
    }
}
