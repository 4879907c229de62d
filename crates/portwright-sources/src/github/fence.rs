//! Which repositories may be touched.

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
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

    /// What narrows a search to it, as far as a search can say it.
    pub(super) fn qualifiers(&self) -> String {
        let one = |pattern: &String| match pattern.split_once('/') {
            Some((owner, name)) if !owner.contains(['*', '?', '[', '{']) => {
                if name.contains(['*', '?', '[', '{']) {
                    format!(" user:{owner}")
                } else {
                    format!(" repo:{pattern}")
                }
            }
            _ => String::new(),
        };
        self.written.iter().map(one).collect()
    }
}
