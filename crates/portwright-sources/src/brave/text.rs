//! What the search service sends, as plain text: tags out, entities read, one line, bounded.

use portwright_core::limits;
use serde_json::Value;

/// The text at a pointer, as plain text. Empty and missing are the same.
pub(super) fn text(value: &Value, pointer: &str) -> Option<String> {
    value.pointer(pointer).and_then(Value::as_str).map(plain).filter(|text| !text.is_empty())
}

/// A text or a number at a pointer, as text.
pub(super) fn said(value: &Value, pointer: &str) -> Option<String> {
    let number = || value.pointer(pointer).and_then(Value::as_number).map(ToString::to_string);
    text(value, pointer).or_else(number)
}

/// The web address at a pointer. Anything else that may stand there (`javascript:`) is none.
pub(super) fn address(value: &Value, pointer: &str) -> Option<String> {
    let text = value.pointer(pointer)?.as_str()?.trim();
    let web = ["https://", "http://"]
        .iter()
        .any(|scheme| text.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme)));
    let sound = text.len() <= limits::SEARCH_GOGGLE_BYTES_MAX
        && !text.contains(|letter: char| letter.is_control() || letter.is_whitespace());
    (web && sound).then(|| text.to_owned())
}

/// The entries of a list at a pointer; none if there is no list.
pub(super) fn list<'a>(value: &'a Value, pointer: &str) -> impl Iterator<Item = &'a Value> + use<'a> {
    value.pointer(pointer).and_then(Value::as_array).into_iter().flatten()
}

/// The texts of a list at a pointer; none if it has none.
pub(super) fn texts(value: &Value, pointer: &str, most: usize) -> Option<Vec<String>> {
    let plain = list(value, pointer).filter_map(Value::as_str).map(plain).filter(|text| !text.is_empty());
    Some(plain.take(most).collect::<Vec<_>>()).filter(|texts| !texts.is_empty())
}

/// Without tags, entities and line breaks, cut to its bound.
pub(super) fn plain(text: &str) -> String {
    bounded(text, limits::SEARCH_TEXT_CHARACTERS_MAX)
}

/// The same with another bound, in characters.
pub(super) fn bounded(text: &str, most: usize) -> String {
    // A stranger wrote it: work is bounded before it begins. Ten bytes and more for each character leave room for tags.
    let read = entities(&without_tags(&text[..text.floor_char_boundary(most.saturating_mul(16))]));
    let mut words = String::new();
    let mut characters = 0;
    for word in read.split(|letter: char| letter.is_whitespace() || letter.is_control()).filter(|word| !word.is_empty())
    {
        let space = (characters > 0).then_some(' ');
        for letter in space.into_iter().chain(word.chars()) {
            if characters >= most {
                words.push('…');
                return words;
            }
            words.push(letter);
            characters += 1;
        }
    }
    words
}

/// A tag begins like one: `a < b` is none.
fn without_tags(text: &str) -> String {
    let (mut out, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(at) = rest.find('<') {
        let (before, tag) = rest.split_at(at);
        out.push_str(before);
        let begins = tag[1..].starts_with(|letter: char| letter.is_ascii_alphabetic() || "/!".contains(letter));
        let Some(end) = tag.find('>').filter(|_| begins) else {
            out.push('<');
            rest = &tag[1..];
            continue;
        };
        let name = tag[1..end].trim_start_matches('/');
        let breaks = ["br", "p", "li", "div", "tr"].iter().any(|one| {
            name.get(..one.len()).is_some_and(|start| start.eq_ignore_ascii_case(one))
                && !name[one.len()..].starts_with(|letter: char| letter.is_ascii_alphanumeric())
        });
        if breaks {
            out.push(' ');
        }
        rest = &tag[end + 1..];
    }
    out.push_str(rest);
    out
}

const NAMED: [(&str, char); 21] = [
    ("amp", '&'),
    ("lt", '<'),
    ("gt", '>'),
    ("quot", '"'),
    ("apos", '\''),
    ("nbsp", ' '),
    ("hellip", '…'),
    ("mdash", '—'),
    ("ndash", '–'),
    ("lsquo", '‘'),
    ("rsquo", '’'),
    ("ldquo", '“'),
    ("rdquo", '”'),
    ("laquo", '«'),
    ("raquo", '»'),
    ("bull", '•'),
    ("middot", '·'),
    ("copy", '©'),
    ("reg", '®'),
    ("deg", '°'),
    ("euro", '€'),
];

/// Reads each entity once: `&amp;lt;` is the text `&lt;`.
fn entities(text: &str) -> String {
    const LONGEST: usize = 10;
    let (mut out, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        let name = after.bytes().take(LONGEST).position(|byte| byte == b';').map(|end| &after[..end]);
        if let Some((name, letter)) = name.and_then(|name| entity(name).map(|letter| (name, letter))) {
            out.push(letter);
            rest = &after[name.len() + 1..];
        } else {
            out.push('&');
            rest = after;
        }
    }
    out.push_str(rest);
    out
}

fn entity(name: &str) -> Option<char> {
    if let Some(number) = name.strip_prefix('#') {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16).ok()?,
            None => number.parse().ok()?,
        };
        return char::from_u32(code).filter(|letter| !letter.is_control());
    }
    NAMED.iter().find(|(known, _)| *known == name).map(|(_, letter)| *letter)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::{address, bounded, plain};

    #[test]
    fn tags_and_entities_become_text() {
        for (html, expected) in [
            ("<strong>Rust</strong> &amp; C++", "Rust & C++"),
            ("&quot;Hello, World!&quot;", "\"Hello, World!\""),
            ("it&#x27;s &#39;so&#39; &apos;good&apos;", "it's 'so' 'good'"),
            ("a < b and c > d", "a < b and c > d"),
            ("one<br/>two<BR>three", "one two three"),
            ("&lt;script&gt; is a tag", "<script> is a tag"),
            ("&amp;lt;", "&lt;"),
            ("AT&T; R&D", "AT&T; R&D"),
            ("&bogus; &#xZZ; &#0; &#1114112;", "&bogus; &#xZZ; &#0; &#1114112;"),
            ("  many\n\n spaces\u{0}\u{7}here ", "many spaces here"),
            ("5 <3", "5 <3"),
            ("open <strong", "open <strong"),
            ("<a href=\"x\">link</a>", "link"),
        ] {
            assert_eq!(plain(html), expected, "{html}");
        }
        assert_eq!(bounded("abcdef", 3), "abc…");
        assert_eq!(bounded("äöü", 3), "äöü");
    }

    #[test]
    fn addresses_are_of_the_web() {
        let of = |url: &str| address(&json!({ "url": url }), "/url");
        assert_eq!(of("https://example.com/a").as_deref(), Some("https://example.com/a"));
        assert_eq!(of("HTTP://example.com/").as_deref(), Some("HTTP://example.com/"));
        for url in ["javascript:alert(1)", "data:text/html,x", "", "ftp://x", "https://a b", "https://a\nb"] {
            assert_eq!(of(url), None, "{url}");
        }
        assert_eq!(of(&format!("https://{}", "a".repeat(5000))), None);
    }

    proptest! {
        #[test]
        fn any_text_ends_up_bounded(text in "\\PC{0,300}|(<|&|;|#|>|a|/| ){0,80}") {
            prop_assert!(bounded(&text, 50).chars().count() <= 51);
        }
    }
}
