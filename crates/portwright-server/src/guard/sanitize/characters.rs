//! Characters that a reader can't see, or sees as something else: taken out, or put right.
//!
//! Hidden text is an order that the person who approves does not see; escape sequences redraw a terminal; bidirectional
//! overrides show text in another order than a model reads it; letters of another script make a word look like one that
//! it is not. Honest text uses some of the same characters: joiners in Persian, Indic scripts and emoji, flags,
//! variation selectors, marks and isolates in right-to-left lines. Those stay, where they do their work and only there.
//!
//! Four passes, each one linear, until none of them finds anything: what one puts in the place of an entity may take its
//! ground from a character behind it. No new entity comes of that, so three rounds are the most.

use std::borrow::Cow;

use super::scripts::{
    base_takes_selector, is_flag, is_hidden, is_joining, is_letter, is_pictograph, is_rtl, is_spaceless, latin_of,
};

/// What was found and put right.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Found {
    /// Control characters and escape sequences.
    pub controls: u32,
    /// Overrides and unbalanced embeddings of writing direction.
    pub directions: u32,
    /// Zero-width characters, tags, stray joiners and variation selectors, and entities that stand for them.
    pub hidden: u32,
    /// Words whose letters were borrowed from another script.
    pub lookalikes: u32,
}

impl Found {
    pub fn total(self) -> u32 {
        self.controls.saturating_add(self.directions).saturating_add(self.hidden).saturating_add(self.lookalikes)
    }

    pub(super) fn add(&mut self, other: Self) {
        self.controls = self.controls.saturating_add(other.controls);
        self.directions = self.directions.saturating_add(other.directions);
        self.hidden = self.hidden.saturating_add(other.hidden);
        self.lookalikes = self.lookalikes.saturating_add(other.lookalikes);
    }
}

/// The text without what hides or disguises. Borrowed when there is nothing to do, which is nearly always.
pub fn clean<'a>(text: &'a str, found: &mut Found) -> Cow<'a, str> {
    if is_plain(text) {
        return Cow::Borrowed(text);
    }
    let mut text = Cow::Borrowed(text);
    loop {
        let mut done = true;
        for pass in [controls, hidden, words, entities] {
            if let Some(changed) = pass(&text, found) {
                text = Cow::Owned(changed);
                done = false;
            }
        }
        if done {
            return text;
        }
    }
}

/// Printable ASCII and white space, without the start of a numeric entity. One look over the bytes.
fn is_plain(text: &str) -> bool {
    let odd = text.bytes().fold(false, |odd, byte| odd | !matches!(byte, b' '..=b'~' | b'\n' | b'\t' | b'\r'));
    !odd && !text.contains("&#")
}

/// Control characters, and the sequences that an escape begins.
fn controls(text: &str, found: &mut Found) -> Option<String> {
    let is_control = |letter: char| letter.is_control() && !matches!(letter, '\n' | '\t' | '\r');
    let first = text.find(is_control)?;
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    let mut at = first;
    loop {
        kept.push_str(&rest[..at]);
        rest = &rest[at..];
        rest = &rest[sequence_bytes(rest)..];
        found.controls = found.controls.saturating_add(1);
        match rest.find(is_control) {
            Some(next) => at = next,
            None => break,
        }
    }
    kept.push_str(rest);
    Some(kept)
}

/// How long the escape sequence is that starts here, or the single control character.
fn sequence_bytes(text: &str) -> usize {
    let bytes = text.as_bytes();
    let (kind, start) = match bytes {
        [0x1b, kind, ..] => (*kind, 2),
        // The one-character forms of CSI and OSC.
        [0xc2, 0x9b, ..] => (b'[', 2),
        [0xc2, 0x9d, ..] => (b']', 2),
        _ => return text.chars().next().map_or(0, char::len_utf8),
    };
    let alone = if bytes[0] == 0x1b { 1 } else { 2 };
    match kind {
        b'[' => {
            let parameters = bytes[start..].iter().take(64).take_while(|byte| matches!(byte, 0x20..=0x3f)).count();
            match bytes.get(start + parameters) {
                Some(0x40..=0x7e) => start + parameters + 1,
                _ => alone,
            }
        }
        // A string up to its terminator. It ends at the next control character in any case, so each byte is looked at
        // once however many strings are opened.
        b']' | b'P' | b'X' | b'^' | b'_' => {
            let body = text[start..].find(char::is_control).map_or(text.len(), |body| start + body);
            match &bytes[body..] {
                [0x07, ..] => body + 1,
                [0x1b, b'\\', ..] | [0xc2, 0x9c, ..] => body + 2,
                _ => start,
            }
        }
        b'0'..=b'~' => start,
        _ => alone,
    }
}

const OVERRIDES: [char; 2] = ['\u{202d}', '\u{202e}'];

/// Characters without a shape, and those that steer direction: line by line, since direction ends with the line.
fn hidden(text: &str, found: &mut Found) -> Option<String> {
    if !text.contains(is_hidden) {
        return None;
    }
    let before = (found.directions, found.hidden);
    let mut kept = String::with_capacity(text.len());
    for (number, line) in text.split_inclusive('\n').enumerate() {
        visible_line(line, number == 0, &mut kept, found);
    }
    ((found.directions, found.hidden) != before).then_some(kept)
}

fn visible_line(line: &str, first: bool, kept: &mut String, found: &mut Found) {
    let from = kept.len();
    let directed = line.contains(is_rtl);
    let balanced = directed && is_balanced(line);
    let mut previous: Option<char> = None;
    let mut rest = line.chars();
    while let Some(letter) = rest.next() {
        let next = rest.clone().next().filter(|next| !is_hidden(*next));
        let stays = match letter {
            '\u{200e}' | '\u{200f}' | '\u{61c}' => directed && !previous.is_some_and(is_mark),
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => balanced,
            // A byte-order mark stands at the start of files.
            '\u{feff}' => first && kept.is_empty() && from == 0,
            // A place where a word may be broken, in scripts without spaces.
            '\u{200b}' => previous.is_some_and(is_spaceless) && next.is_some_and(is_spaceless),
            '\u{ad}' => previous.is_some_and(is_letter) && next.is_some_and(is_letter) && !broken_before(&kept[from..]),
            '\u{200c}' => previous.is_some_and(is_joining),
            '\u{200d}' => {
                previous.is_some_and(is_joining)
                    || previous.is_some_and(|p| is_pictograph(p) || p == '\u{fe0f}') && next.is_some_and(is_pictograph)
            }
            '\u{e0000}'..='\u{e007f}' => {
                if previous == Some('\u{1f3f4}')
                    && let Some(tags) = is_flag(letter, &rest)
                {
                    kept.push(letter);
                    kept.extend(rest.by_ref().take(tags));
                    previous = Some('\u{e007f}');
                    continue;
                }
                false
            }
            other if is_hidden(other) => previous.is_some_and(|base| base_takes_selector(base, other)),
            _ => true,
        };
        if stays {
            kept.push(letter);
            previous = Some(letter);
        } else if matches!(letter, '\u{200e}' | '\u{200f}' | '\u{61c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        {
            found.directions = found.directions.saturating_add(1);
        } else {
            found.hidden = found.hidden.saturating_add(1);
        }
    }
}

fn is_mark(letter: char) -> bool {
    matches!(letter, '\u{200e}' | '\u{200f}' | '\u{61c}')
}

/// Soft hyphens divide words; between every two letters they hide one.
fn broken_before(kept: &str) -> bool {
    kept.chars().rev().take(2).any(|letter| letter == '\u{ad}')
}

/// Embeddings and isolates are closed where they were opened, nest no deeper than people nest them, and nothing is
/// overridden.
fn is_balanced(line: &str) -> bool {
    const DEPTH_MAX: usize = 4;
    let mut open = Vec::new();
    for letter in line.chars() {
        match letter {
            _ if OVERRIDES.contains(&letter) => return false,
            '\u{202a}' | '\u{202b}' => open.push('\u{202c}'),
            '\u{2066}'..='\u{2068}' => open.push('\u{2069}'),
            '\u{202c}' | '\u{2069}' if open.pop() != Some(letter) => return false,
            _ => {}
        }
        if open.len() > DEPTH_MAX {
            return false;
        }
    }
    open.is_empty()
}

/// Latin words with letters of other scripts that look the same: spelled in Latin.
fn words(text: &str, found: &mut Found) -> Option<String> {
    if !text.contains(|letter| latin_of(letter).is_some()) {
        return None;
    }
    let mut kept = String::new();
    let mut copied = 0;
    let mut rest = 0;
    while let Some(start) = text[rest..].find(char::is_alphabetic).map(|at| rest + at) {
        let end = text[start..].find(|letter: char| !letter.is_alphabetic()).map_or(text.len(), |at| start + at);
        if is_disguised(&text[start..end]) {
            kept.push_str(&text[copied..start]);
            kept.extend(text[start..end].chars().map(|letter| latin_of(letter).unwrap_or(letter)));
            copied = end;
            found.lookalikes = found.lookalikes.saturating_add(1);
        }
        rest = end;
    }
    if copied == 0 {
        return None;
    }
    kept.push_str(&text[copied..]);
    Some(kept)
}

/// Basic Latin letters together with others, all of which look like Latin ones. Words that really mix scripts have
/// letters that do not.
fn is_disguised(word: &str) -> bool {
    const LETTERS_MIN: usize = 3;
    let (mut latin, mut borrowed, mut letters) = (false, false, 0);
    for letter in word.chars() {
        letters += 1;
        if letter.is_ascii() {
            latin = true;
        } else if latin_of(letter).is_some() {
            borrowed = true;
        } else {
            return false;
        }
    }
    latin && borrowed && letters >= LETTERS_MIN
}

/// Numeric entities that stand for what the passes above take out. They get a character in their place, since taking
/// them out could leave another one behind.
fn entities(text: &str, found: &mut Found) -> Option<String> {
    let mut kept = String::new();
    let mut copied = 0;
    for (start, _) in text.match_indices("&#") {
        let Some((letter, bytes)) = entity(&text[start..]) else { continue };
        let hides = letter.is_control() && !matches!(letter, '\n' | '\t' | '\r')
            || OVERRIDES.contains(&letter)
            || matches!(letter, '\u{e0000}'..='\u{e01ef}');
        if hides {
            kept.push_str(&text[copied..start]);
            kept.push(char::REPLACEMENT_CHARACTER);
            copied = start + bytes;
            found.hidden = found.hidden.saturating_add(1);
        }
    }
    if copied == 0 {
        return None;
    }
    kept.push_str(&text[copied..]);
    Some(kept)
}

/// The character of a numeric entity at the start of `text`, and the entity's length.
pub(super) fn entity(text: &str) -> Option<(char, usize)> {
    const DIGITS_MAX: usize = 8;
    let digits = text.strip_prefix("&#")?;
    let (digits, radix) = match digits.strip_prefix(['x', 'X']) {
        Some(digits) => (digits, 16),
        None => (digits, 10),
    };
    let length = digits.bytes().take(DIGITS_MAX).take_while(|byte| char::from(*byte).is_digit(radix)).count();
    let letter = char::from_u32(u32::from_str_radix(digits.get(..length)?, radix).ok()?)?;
    let semicolon = usize::from(digits[length..].starts_with(';'));
    Some((letter, text.len() - digits.len() + length + semicolon))
}
