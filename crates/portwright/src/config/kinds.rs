//! [`Kinds`]: what `kind = "…"` may name: the sources that come with Portwright, and those of one's own.

use std::fmt;

use portwright_core::SourceKind;
use portwright_sources::KINDS;

/// The kinds that a configuration may name. The default has those that come with Portwright.
#[derive(Clone, Copy, Default)]
pub struct Kinds {
    own: &'static [&'static dyn SourceKind],
}

/// A kind whose name is taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there are two kinds of source `{0}`")]
pub struct TwoOfAName(pub String);

impl Kinds {
    /// Those that come with Portwright.
    pub const BUILT_IN: Self = Self { own: &[] };

    /// Those that come with Portwright, and `own`. They are kept for as long as the program runs.
    pub fn with(own: Vec<&'static dyn SourceKind>) -> Result<Self, TwoOfAName> {
        let kinds = Self { own: own.leak() };
        let mut seen = std::collections::HashSet::new();
        match kinds.all().find(|kind| !seen.insert(kind.name())) {
            Some(twice) => Err(TwoOfAName(twice.name().to_owned())),
            None => Ok(kinds),
        }
    }

    /// All of them, ours first.
    pub fn all(self) -> impl Iterator<Item = &'static dyn SourceKind> {
        KINDS.iter().chain(self.own).copied()
    }

    /// The kind of that name.
    pub fn find(self, name: &str) -> Option<&'static dyn SourceKind> {
        self.all().find(|kind| kind.name() == name)
    }
}

impl fmt::Debug for Kinds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.all().map(SourceKind::name)).finish()
    }
}
