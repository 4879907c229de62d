//! "Did you mean": the known word that a mistyped one stands for.

/// The candidate closest to `word`, if one is close enough that a slip of the hand explains it.
pub(crate) fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    /// Longer words are no slip, and comparing them costs the product of their lengths.
    const WORD_CHARS_MAX: usize = 128;
    let length = word.chars().count();
    if length > WORD_CHARS_MAX {
        return None;
    }
    let typed = fold(word);
    let allowed = (length / 3).max(1);
    candidates
        .into_iter()
        .filter(|candidate| candidate.len() <= WORD_CHARS_MAX * 4)
        .map(|candidate| (strsim::damerau_levenshtein(&typed, &fold(candidate)), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Case, and the difference between `-` and `_`, are slips that cost nothing.
fn fold(word: &str) -> String {
    word.to_lowercase().replace('-', "_")
}

/// `` `a`, `b` and `c` ``, at most twelve of them.
pub(crate) fn listed<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    const SHOWN: usize = 12;
    let words: Vec<_> = words.into_iter().collect();
    let mut shown: Vec<_> = words.iter().take(SHOWN).map(|word| format!("`{word}`")).collect();
    if words.len() > SHOWN {
        return format!("{} and {} more", shown.join(", "), words.len() - SHOWN);
    }
    match (shown.pop(), shown.is_empty()) {
        (None, _) => String::new(),
        (Some(last), true) => last,
        (Some(last), false) => format!("{} and {last}", shown.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::{listed, nearest};

    #[test]
    fn slips_are_found_and_other_words_are_not() {
        let known = ["access", "max_rows", "timeout", "url"];
        assert_eq!(nearest("acces", known), Some("access"));
        assert_eq!(nearest("Max-Rows", known), Some("max_rows"));
        assert_eq!(nearest("tiemout", known), Some("timeout"));
        assert_eq!(nearest("password", known), None);
        assert_eq!(nearest(&"u".repeat(100_000), known), None);
    }

    #[test]
    fn lists_read_as_a_sentence() {
        assert_eq!(listed([]), "");
        assert_eq!(listed(["a"]), "`a`");
        assert_eq!(listed(["a", "b", "c"]), "`a`, `b` and `c`");
        assert!(listed(["x"; 20]).ends_with("and 8 more"));
    }
}
