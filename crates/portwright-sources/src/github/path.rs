//! Paths of the API: whatever a caller writes is one segment, or several that it may name, and nothing else.

use portwright_core::Refusal;

use crate::shared::http::percent_encoded;

/// A path of the API, made of segments that are encoded each.
#[derive(Debug, Clone, Default)]
pub(super) struct Path {
    text: String,
    /// The first thing that may not stand in it.
    wrong: Option<String>,
}

impl Path {
    /// Begins with words of ours.
    pub(super) fn of(words: &[&str]) -> Self {
        words.iter().fold(Self::default(), |path, word| path.word(word))
    }

    /// One more word of ours.
    pub(super) fn word(mut self, word: &str) -> Self {
        self.text.push('/');
        self.text.push_str(word);
        self
    }

    /// One more segment of a caller's.
    pub(super) fn segment(mut self, text: &str) -> Self {
        if text.is_empty() || text == "." || text == ".." || text.chars().any(char::is_control) {
            self.wrong.get_or_insert_with(|| text.to_owned());
        }
        self.text.push('/');
        self.text.push_str(&percent_encoded(text));
        self
    }

    /// A number.
    pub(super) fn number(self, number: u64) -> Self {
        self.segment(&number.to_string())
    }

    /// A path of a caller's: each of its segments.
    pub(super) fn segments(self, text: &str) -> Self {
        let text = text.trim_start_matches('/').trim_end_matches('/');
        if text.is_empty() {
            return self;
        }
        text.split('/').fold(self, Self::segment)
    }

    /// As it stands in a URL.
    pub(super) fn written(&self) -> Result<&str, Refusal> {
        match &self.wrong {
            None => Ok(&self.text),
            Some(wrong) => Err(Refusal::invalid(format!("`{}` can't be a part of a path here", wrong.escape_debug()))),
        }
    }
}
