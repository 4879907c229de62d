//! Text as words and sentences, in one form whatever the spelling: lower case, without accents, styled letters plain.

use super::vocabulary;

/// One word.
#[derive(Debug, Clone, Copy)]
pub(super) struct Word {
    /// Of its plain form.
    pub(super) hash: u32,
    /// What it means, as bits of [`vocabulary`].
    pub(super) sense: u64,
    /// Where it stands in the text.
    pub(super) start: usize,
    pub(super) end: usize,
    /// Whether a sentence starts here.
    pub(super) first: bool,
}

/// The longest word that is told from others by its letters.
const WORD_BYTES_MAX: usize = 32;

/// All words of a text.
pub(super) fn words(text: &str) -> Vec<Word> {
    let bytes = text.as_bytes();
    let mut words = Vec::with_capacity(text.len() / 6);
    let mut plain = String::with_capacity(WORD_BYTES_MAX);
    let (mut at, mut gap) = (0, 0);
    while at < bytes.len() {
        if !starts_word(bytes[at]) {
            at += 1;
            continue;
        }
        // In JSON and its like, `\n` is two characters.
        if at > 0 && bytes[at - 1] == b'\\' && matches!(bytes[at], b'n' | b't' | b'r') {
            at += 1;
            continue;
        }
        let Some(word) = word_at(text, at, &mut plain) else {
            at += text[at..].chars().next().map_or(1, char::len_utf8);
            continue;
        };
        let first = words.is_empty() || ends_sentence(&text[gap..at], text[at..].chars().next());
        words.push(Word { first, ..word });
        at = word.end;
        gap = at;
    }
    words
}

fn starts_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte >= 0xc2
}

fn word_at(text: &str, start: usize, plain: &mut String) -> Option<Word> {
    plain.clear();
    let rest = &text[start..];
    let made = |sense: u64, name: &str, end: usize| {
        Some(Word { hash: hash(name.as_bytes()), sense, start, end, first: false })
    };
    if is_link(rest) {
        let length = rest.find(|c: char| c.is_whitespace() || "\"'<>()[]{}\\".contains(c)).unwrap_or(rest.len());
        return made(vocabulary::LINK, "<link>", start + length);
    }
    let mut end = start;
    let (mut digits, mut letters) = (0, 0);
    for letter in rest.chars() {
        if letter == '\'' || letter == '_' || letter == '’' {
            if letter == '\'' && !rest[end - start + 1..].starts_with(|next: char| next.is_ascii_alphabetic()) {
                break;
            }
            end += letter.len_utf8();
            continue;
        }
        if !letter.is_alphanumeric() {
            break;
        }
        if is_ideograph(letter) {
            if end == start {
                plain.push(letter);
                end += letter.len_utf8();
            }
            break;
        }
        end += letter.len_utf8();
        digits += usize::from(letter.is_ascii_digit());
        letters += usize::from(!letter.is_ascii_digit());
        if plain.len() < WORD_BYTES_MAX {
            push_plain(letter, plain);
        }
    }
    if end == start {
        return None;
    }
    if text[end..].starts_with('@') && text[end + 1..].starts_with(|next: char| next.is_alphanumeric()) {
        let host = text[end + 1..].find(|c: char| !(c.is_alphanumeric() || c == '.' || c == '-'));
        let end = host.map_or(text.len(), |length| end + 1 + length);
        return made(vocabulary::ADDRESS, "<address>", end);
    }
    if digits > 0 && (letters == 0 || digits + letters >= 10) {
        let (sense, name) = if digits + letters >= 10 { (vocabulary::NUMBER, "<number>") } else { (0, "<digits>") };
        return made(sense, name, end);
    }
    Some(Word { hash: hash(plain.as_bytes()), sense: vocabulary::sense(plain), start, end, first: false })
}

fn is_link(rest: &str) -> bool {
    let bytes = rest.as_bytes();
    match bytes.first() {
        Some(b'h' | b'H') => {
            let head = bytes.get(..8).unwrap_or(bytes);
            head.eq_ignore_ascii_case(b"https://") || head.len() > 7 && head[..7].eq_ignore_ascii_case(b"http://")
        }
        Some(b'w' | b'W') => bytes.get(..4).is_some_and(|head| head.eq_ignore_ascii_case(b"www.")),
        _ => false,
    }
}

/// Whether what stands between two words ends a sentence.
fn ends_sentence(gap: &str, next: Option<char>) -> bool {
    let upper = next.is_some_and(char::is_uppercase);
    let mut lines = 0;
    let mut previous = ' ';
    for letter in gap.chars() {
        match letter {
            '\n' => lines += 1,
            '\\' => lines += usize::from(upper),
            '。' | '！' | '？' | '；' | '|' | '\u{2022}' | '<' | '>' | '{' | '}' | '[' | ']' => return true,
            ' ' | '\'' | '"' | '*' | ')' if matches!(previous, '!' | '?' | '.' | ';') => return true,
            ':' | '"' | '#' | '(' | '—' if upper => return true,
            _ => {}
        }
        previous = letter;
    }
    lines > 1 || lines == 1 && (upper || gap.contains(['-', '*', '#', '.', '!', '?', ':'])) || previous == '!'
}

/// Scripts whose words are not divided by spaces: each character counts.
fn is_ideograph(letter: char) -> bool {
    matches!(letter, '\u{e00}'..='\u{eff}' | '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}')
}

/// A letter in its plain form.
fn push_plain(letter: char, plain: &mut String) {
    if letter.is_ascii() {
        plain.push(letter.to_ascii_lowercase());
        return;
    }
    let styled = match letter {
        // Full-width and mathematical letters.
        '\u{ff21}'..='\u{ff3a}' | '\u{ff41}'..='\u{ff5a}' => char::from_u32(u32::from(letter) - 0xfee0),
        '\u{1d400}'..='\u{1d6a3}' => {
            let place = (u32::from(letter) - 0x1d400) % 52;
            char::from_u32(if place < 26 { 0x61 + place } else { 0x61 + place - 26 })
        }
        _ => None,
    };
    if let Some(styled) = styled {
        plain.push(styled.to_ascii_lowercase());
        return;
    }
    for lower in letter.to_lowercase() {
        match lower {
            'à'..='å' | 'ā' | 'ă' | 'ą' => plain.push('a'),
            'è'..='ë' | 'ē' | 'ė' | 'ę' | 'ě' => plain.push('e'),
            'ì'..='ï' | 'ī' | 'į' | 'ı' => plain.push('i'),
            'ò'..='ö' | 'ø' | 'ō' | 'ő' => plain.push('o'),
            'ù'..='ü' | 'ū' | 'ů' | 'ű' => plain.push('u'),
            'ç' | 'ć' | 'č' => plain.push('c'),
            'ñ' | 'ń' | 'ň' => plain.push('n'),
            'ś' | 'š' | 'ş' => plain.push('s'),
            'ź' | 'ż' | 'ž' => plain.push('z'),
            'ł' => plain.push('l'),
            'ğ' => plain.push('g'),
            'ý' | 'ÿ' => plain.push('y'),
            'ř' => plain.push('r'),
            'ß' => plain.push_str("ss"),
            '\u{300}'..='\u{36f}' => {}
            other => plain.push(other),
        }
    }
}

/// FNV-1a.
pub(super) fn hash(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
}
