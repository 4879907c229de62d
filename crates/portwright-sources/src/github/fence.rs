//! Which repositories may be touched.

use globset::{Glob, GlobBuilder, GlobSet, GlobSetBuilder};
use portwright_core::Refusal;

/// The repositories that the plan allows; without a list all that the token allows.
#[derive(Debug, Clone, Default)]
pub(super) struct Fence {
    set: Option<GlobSet>,
    written: Vec<String>,
}

impl Fence {
    /// Patterns of `owner/name`; the first that can't be read is the error.
    pub(super) fn new(written: &[String]) -> Result<Self, (usize, String)> {
        let mut set = GlobSetBuilder::new();
        for (index, pattern) in written.iter().enumerate() {
            if pattern.split('/').count() != 2 || pattern.split('/').any(str::is_empty) {
                return Err((
                    index,
                    format!("`{pattern}` is not of the form `owner/name`; write `acme/*` for all of an owner"),
                ));
            }
            let glob = GlobBuilder::new(&pattern.to_lowercase()).literal_separator(true).build();
            set.add(glob.map_err(|error| (index, error.to_string()))?);
        }
        let set = set.build().map_err(|error| (0, error.to_string()))?;
        Ok(Self { set: Some(set).filter(|_| !written.is_empty()), written: written.to_vec() })
    }

    pub(super) fn is_closed(&self) -> bool {
        self.set.is_some()
    }

    pub(super) fn allows(&self, owner: &str, repo: &str) -> bool {
        self.set.as_ref().is_none_or(|set| set.is_match(format!("{owner}/{repo}").to_lowercase()))
    }

    /// Refuses a repository that may not be touched, in the words for one that does not exist.
    pub(super) fn check(&self, owner: &str, repo: &str) -> Result<(), Refusal> {
        let name = |text: &str| {
            let letters = text.chars().all(|letter| letter.is_ascii_alphanumeric() || "-_.".contains(letter));
            letters && !text.is_empty() && text.len() <= 100 && text != "." && text != ".."
        };
        if !name(owner) || !name(repo) {
            return Err(Refusal::invalid("`owner` and `repo` hold letters, digits, `-`, `_` and `.` only"));
        }
        if self.allows(owner, repo) {
            return Ok(());
        }
        Err(Refusal::failed(format!("there is no repository `{owner}/{repo}` that this server may use")))
    }

    /// Whether all that an owner has may be touched.
    pub(super) fn holds_all_of(&self, owner: &str) -> bool {
        let all = |(pattern, name): (&str, &str)| (name == "*" || name == "**") && Self::fits(pattern, owner);
        !self.is_closed() || (!owner.is_empty() && self.patterns().any(all))
    }

    /// Owner and name of each pattern, as written.
    pub(super) fn patterns(&self) -> impl Iterator<Item = (&str, &str)> {
        self.written.iter().filter_map(|pattern| pattern.split_once('/'))
    }

    /// Whether a name fits one half of a pattern.
    pub(super) fn fits(pattern: &str, name: &str) -> bool {
        let glob = Glob::new(&pattern.to_lowercase()).map(|glob| glob.compile_matcher());
        glob.is_ok_and(|glob| glob.is_match(name.to_lowercase()))
    }
}
