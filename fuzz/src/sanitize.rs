//! Text out of a source.

use portwright_server::guard::sanitize::{Cleaner, Injection, Redact, SanitizePlan};

/// What no text may hold that was cleaned.
fn is_hidden(letter: char) -> bool {
    (letter.is_control() && !matches!(letter, '\n' | '\r' | '\t'))
        || matches!(letter, '\u{202d}' | '\u{202e}' | '\u{2060}' | '\u{e0001}')
}

/// Cleans a text twice, by a plan that does everything.
pub fn clean(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let redact = Redact::NAMES.iter().filter_map(|name| Redact::named(name)).collect();
    let cleaner = Cleaner::new(&SanitizePlan { injection: Injection::Mark, redact, ..SanitizePlan::default() });
    let (once, _) = cleaner.text(&text).expect("our lists are whole");
    assert!(!once.chars().any(is_hidden), "{once:?}");
    let (twice, _) = cleaner.text(&once).expect("our lists are whole");
    assert_eq!(twice, once, "a second cleaning found something");
    if text.bytes().all(|byte| (b'a'..=b'z').contains(&byte) || byte == b' ') {
        assert_eq!(once, text, "plain words changed");
    }
}
