//! What a name looks like, whatever it is written with: two names of one likeness can't be told from each other by a
//! reader. It is for comparing alone, and is shown to nobody.

use unicode_normalization::UnicodeNormalization;

use super::scripts::{is_hidden, latin_of};

/// Of a tool's or prompt's name: case, and signs that many fonts draw alike, make no difference.
pub(crate) fn of_name(name: &str) -> String {
    let plain = shapes(name).flat_map(char::to_lowercase);
    plain
        .map(|letter| match letter {
            '1' | 'i' | '|' | 'ı' => 'l',
            '0' => 'o',
            '-' | '\u{2010}'..='\u{2015}' | '\u{2212}' | '.' | ' ' => '_',
            other => other,
        })
        .collect()
}

/// Of a URI or its template, in which case, digits and signs do make a difference. Letters that are written in percents
/// are read first, since clients show them so.
pub(crate) fn of_uri(uri: &str) -> String {
    shapes(&unescaped(uri)).collect()
}

/// The letters by their shapes: without what can't be seen, forms and widths made one, and letters of other scripts as
/// the Latin ones that they look like.
fn shapes(text: &str) -> impl Iterator<Item = char> {
    let seen = text.nfkc().filter(|letter| !is_hidden(*letter) && !letter.is_control());
    seen.map(|letter| latin_of(letter).or_else(|| nearly_latin(letter)).unwrap_or(letter))
}

/// Letters that a reader can tell from Latin ones who looks closely.
fn nearly_latin(letter: char) -> Option<char> {
    Some(match letter {
        'α' | 'ɑ' => 'a',
        'ɡ' | 'ց' => 'g',
        'ɩ' | 'ι' => 'i',
        'к' | 'κ' => 'k',
        'ν' => 'v',
        'п' | 'ո' => 'n',
        'ρ' => 'p',
        'г' => 'r',
        'υ' | 'ս' => 'u',
        'ω' | 'ѡ' => 'w',
        'օ' => 'o',
        _ => return None,
    })
}

/// With the percent-encoded bytes beyond ASCII read. What they come to if they are no text stays as it is.
fn unescaped(uri: &str) -> String {
    let (bytes, mut read, mut at) = (uri.as_bytes(), Vec::with_capacity(uri.len()), 0);
    while at < bytes.len() {
        let digits = bytes.get(at + 1..at + 3).and_then(|digits| std::str::from_utf8(digits).ok());
        let byte = digits.filter(|_| bytes[at] == b'%').and_then(|digits| u8::from_str_radix(digits, 16).ok());
        let beyond = byte.filter(|byte| !byte.is_ascii());
        read.push(beyond.unwrap_or(bytes[at]));
        at += if beyond.is_some() { 3 } else { 1 };
    }
    String::from_utf8(read).unwrap_or_else(|_| uri.to_owned())
}

#[cfg(test)]
mod tests {
    use super::{of_name, of_uri};

    #[test]
    fn names_that_look_alike_are_alike() {
        for twin in ["сору", "ｃｏｐｙ", "co\u{200b}py", "COPY", "𝖼𝗈𝗉𝗒", "c0py", "cοργ".replace('γ', "y").as_str()]
        {
            assert_eq!(of_name(twin), of_name("copy"), "{twin}");
        }
        assert_eq!(of_name("list-tables"), of_name("List_Tab1es"));
        for other in ["copies", "cop", "kopy", "コピー"] {
            assert_ne!(of_name(other), of_name("copy"), "{other}");
        }
    }

    #[test]
    fn addresses_that_look_alike_are_alike_and_others_are_not() {
        for twin in ["x://nоte", "x://n%D0%BEte", "x://no\u{200b}te", "x://no%E2%80%8Bte", "x://ｎｏｔｅ"] {
            assert_eq!(of_uri(twin), of_uri("x://note"), "{twin}");
        }
        for other in ["x://Note", "x://note1", "x://n0te", "x://not%65", "x://n%FFte", "x://n%ote"] {
            assert_ne!(of_uri(other), of_uri("x://note"), "{other}");
        }
    }
}
