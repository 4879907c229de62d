//! Repositories: what is in them and what became of it.

pub(super) mod branches;
pub(super) mod contents;
pub(super) mod history;
pub(super) mod releases;
pub(super) mod writing;

use schemars::JsonSchema;
use serde::Deserialize;

/// What a list of a repository is asked by: whose, and which page.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct OfRepository {
    /// Owner
    pub(super) owner: String,
    /// Name
    pub(super) repo: String,
    /// From 1
    #[serde(default)]
    pub(super) page: Option<u64>,
    /// At most 100
    #[serde(default, rename = "perPage")]
    pub(super) per_page: Option<u8>,
}
