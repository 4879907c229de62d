//! The redactor: takes out of text what the plan names, and counts it.

use std::borrow::Cow;
use std::ops::Range;

use portwright_core::limits;
use regex::{Regex, RegexBuilder};

use super::personal;
use super::secrets::{self, Broken};
use crate::guard::redact::REDACTED;

/// What is taken out of replies.
#[derive(Debug, Clone)]
pub enum Redact {
    /// Keys, tokens, private keys, passwords in connection strings.
    Secrets,
    /// Addresses of mail.
    Email,
    /// Numbers of payment cards, with a right check digit.
    Card,
    /// Numbers of bank accounts, with right check digits.
    Iban,
    /// Numbers of telephones.
    Phone,
    /// What the plan's own expression matches.
    Pattern(Regex),
}

impl Redact {
    /// The words of the configuration.
    pub const NAMES: [&str; 5] = ["secrets", "email", "card", "iban", "phone"];

    /// The kind of that name.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "secrets" => Self::Secrets,
            "email" => Self::Email,
            "card" => Self::Card,
            "iban" => Self::Iban,
            "phone" => Self::Phone,
            _ => return None,
        })
    }

    /// An expression of the plan. One that matches nothing at all would match everywhere.
    pub fn pattern(expression: &str) -> Result<Self, PatternError> {
        let pattern = RegexBuilder::new(expression)
            .size_limit(limits::PATTERN_BYTES_MAX)
            .dfa_size_limit(limits::PATTERN_BYTES_MAX)
            .build()
            .map_err(|error| PatternError::Compile(error.to_string()))?;
        if pattern.is_match("") { Err(PatternError::Empty) } else { Ok(Self::Pattern(pattern)) }
    }
}

/// Why an expression can't be used.
#[derive(Debug, thiserror::Error)]
pub enum PatternError {
    #[error("{0}")]
    Compile(String),
    #[error("it matches the empty text, so it would match everywhere")]
    Empty,
}

/// Text without what `kinds` name; counts what was taken out.
pub(super) fn redact<'a>(text: &'a str, kinds: &[Redact], count: &mut u32) -> Result<Cow<'a, str>, Broken> {
    // What was taken out may have hidden the start of something else, so text is looked at again after a change.
    const ROUNDS_MAX: usize = 4;
    let mut text = Cow::Borrowed(text);
    for _ in 0..ROUNDS_MAX {
        let places = merged(places(&text, kinds)?, &text);
        if places.is_empty() {
            break;
        }
        *count = count.saturating_add(u32::try_from(places.len()).unwrap_or(u32::MAX));
        text = Cow::Owned(without(&text, &places));
    }
    Ok(text)
}

/// Where what `kinds` name stands.
fn places(text: &str, kinds: &[Redact]) -> Result<Vec<Range<usize>>, Broken> {
    let mut places: Vec<Range<usize>> = Vec::new();
    for kind in kinds {
        match kind {
            Redact::Secrets => places.append(&mut secrets::find(text)?),
            Redact::Email => places.append(&mut personal::emails(text)),
            Redact::Card => places.append(&mut personal::cards(text)),
            Redact::Iban => places.append(&mut personal::ibans(text)),
            Redact::Phone => places.append(&mut personal::phones(text)),
            Redact::Pattern(pattern) => places.extend(pattern.find_iter(text).map(|found| found.range())),
        }
    }
    Ok(places)
}

fn without(text: &str, places: &[Range<usize>]) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut copied = 0;
    for place in places {
        kept.push_str(&text[copied..place.start]);
        kept.push_str(REDACTED);
        copied = place.end;
    }
    kept.push_str(&text[copied..]);
    kept
}

/// In order, without overlaps, and without what was taken out before.
fn merged(mut places: Vec<Range<usize>>, text: &str) -> Vec<Range<usize>> {
    if places.is_empty() {
        return places;
    }
    let taken: Vec<Range<usize>> =
        text.match_indices(REDACTED).map(|(start, word)| start..start + word.len()).collect();
    places.retain(|place| {
        let next = taken.partition_point(|earlier| earlier.end <= place.start);
        taken.get(next).is_none_or(|earlier| earlier.start >= place.end)
    });
    places.sort_unstable_by_key(|place| (place.start, place.end));
    let mut merged: Vec<Range<usize>> = Vec::with_capacity(places.len());
    for place in places {
        match merged.last_mut() {
            Some(last) if place.start <= last.end => last.end = last.end.max(place.end),
            _ => merged.push(place),
        }
    }
    merged
}
