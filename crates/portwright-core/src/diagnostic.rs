//! [`Diagnostic`]: one thing that is wrong with a configuration or with what it points at: where, what, how to mend it.

use std::fmt;

/// A place in the configuration: the keys that lead to it, as a JSON Pointer (RFC 6901). The configuration module
/// knows file, line and column for each.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pointer(String);

impl Pointer {
    /// The whole document.
    pub fn root() -> Self {
        Self::default()
    }

    /// From text such as `/sources/shop/url`.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// One step deeper; `~` and `/` within `key` are escaped.
    #[must_use]
    pub fn join(&self, key: impl fmt::Display) -> Self {
        let key = key.to_string().replace('~', "~0").replace('/', "~1");
        Self(format!("{}/{key}", self.0))
    }

    /// The place that holds this one.
    pub fn parent(&self) -> Option<Self> {
        self.0.rfind('/').map(|at| Self(self.0[..at].to_owned()))
    }

    /// As RFC 6901 writes it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// It works, but a careful operator would want to know.
    Advice,
    /// It can't work, or must not.
    Error,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// Where in the configuration.
    pub place: Pointer,
    /// A stable id, for documentation and for `--json`: `unknown-key`, `missing-secret`.
    pub rule: &'static str,
    /// What is wrong, in one sentence without a full stop. Never a secret's value.
    pub message: String,
    /// How to mend it.
    pub hint: Option<String>,
}

impl Diagnostic {
    /// What keeps the configuration from being used.
    pub fn error(place: Pointer, rule: &'static str, message: impl Into<String>) -> Self {
        Self { severity: Severity::Error, place, rule, message: message.into(), hint: None }
    }

    /// What works, and could be better.
    pub fn advice(place: Pointer, rule: &'static str, message: impl Into<String>) -> Self {
        Self { severity: Severity::Advice, place, rule, message: message.into(), hint: None }
    }

    /// Adds how to mend it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

#[cfg(test)]
mod tests {
    use super::Pointer;

    #[test]
    fn pointers_escape_their_keys() {
        let place = Pointer::root().join("resources").join("db://a~b").join(0);
        assert_eq!(place.as_str(), "/resources/db:~1~1a~0b/0");
        assert_eq!(place.parent(), Some(Pointer::new("/resources/db:~1~1a~0b")));
        assert_eq!(Pointer::root().parent(), None);
    }
}
