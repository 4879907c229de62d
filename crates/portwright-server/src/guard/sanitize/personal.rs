//! Personal data in text: numbers that prove themselves by their check digits, addresses and telephone numbers by shape.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

/// A pattern that a test holds to compile; without it, everything is taken out.
fn compiled(pattern: &str) -> Option<Regex> {
    Regex::new(pattern).ok()
}

static EMAIL: LazyLock<Option<Regex>> = LazyLock::new(|| {
    compiled(
        r#"[^\s@<>()\[\]{}",;:\\|=/`]{1,64}@(?:[^\s@<>()\[\]{}",;:\\|=/`.']{1,63}\.){1,8}[^\s@<>()\[\]{}",;:\\|=/`.'0-9]{2,24}"#,
    )
});
static CARD: LazyLock<Option<Regex>> = LazyLock::new(|| compiled(r"\b[2-6][0-9](?:[ -]?[0-9]){10,17}\b"));
static IBAN: LazyLock<Option<Regex>> =
    LazyLock::new(|| compiled(r"(?i)\b[A-Z]{2}[0-9]{2}(?:[ -]?[A-Z0-9]{4}){2,7}(?:[ -]?[A-Z0-9]{1,3})?\b"));
static PHONE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    compiled(
        r"(?:\+|\b00)[1-9][0-9]{0,2}[ ./-]?(?:\(0?[0-9]{1,4}\)[ ./-]?)?[0-9](?:[ ./-]?[0-9]){5,12}\b|\(0?[0-9]{2,5}\)[ ./-]?[0-9](?:[ ./-]?[0-9]){4,9}\b|\b[2-9][0-9]{2}[.-][0-9]{3}[.-][0-9]{4}\b",
    )
});

/// Whether all patterns compile.
#[cfg(test)]
pub(super) fn all_compile() -> bool {
    [&EMAIL, &CARD, &IBAN, &PHONE].iter().all(|pattern| pattern.is_some())
}

pub(super) fn emails(text: &str) -> Vec<Range<usize>> {
    if !text.contains('@') {
        return Vec::new();
    }
    places(EMAIL.as_ref(), text, |_| true)
}

pub(super) fn cards(text: &str) -> Vec<Range<usize>> {
    places(CARD.as_ref(), text, |found| luhn(found.bytes().filter(u8::is_ascii_digit)))
}

pub(super) fn ibans(text: &str) -> Vec<Range<usize>> {
    places(IBAN.as_ref(), text, |found| mod97(found) == 1)
}

pub(super) fn phones(text: &str) -> Vec<Range<usize>> {
    places(PHONE.as_ref(), text, |found| (7..=15).contains(&found.bytes().filter(u8::is_ascii_digit).count()))
}

fn places(pattern: Option<&Regex>, text: &str, proof: impl Fn(&str) -> bool) -> Vec<Range<usize>> {
    let Some(pattern) = pattern else { return std::iter::once(0..text.len()).collect() };
    pattern.find_iter(text).filter(|found| proof(found.as_str())).map(|found| found.range()).collect()
}

/// ISO/IEC 7812-1, annex B.
fn luhn(digits: impl DoubleEndedIterator<Item = u8>) -> bool {
    let sum: u32 = digits
        .rev()
        .enumerate()
        .map(|(place, digit)| {
            let digit = u32::from(digit - b'0') * if place % 2 == 1 { 2 } else { 1 };
            if digit > 9 { digit - 9 } else { digit }
        })
        .sum();
    sum > 0 && sum.is_multiple_of(10)
}

/// ISO 13616: the first four characters at the end, letters as numbers, modulo 97.
fn mod97(found: &str) -> u32 {
    let plain: Vec<u8> = found.bytes().filter(u8::is_ascii_alphanumeric).collect();
    let (head, tail) = plain.split_at(4.min(plain.len()));
    tail.iter().chain(head).fold(0, |sum, byte| match byte {
        b'0'..=b'9' => (sum * 10 + u32::from(byte - b'0')) % 97,
        letter => (sum * 100 + u32::from(letter.to_ascii_uppercase() - b'A') + 10) % 97,
    })
}
