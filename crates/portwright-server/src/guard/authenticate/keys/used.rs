//! When each key was last used: a file beside the keys, written now and then, so that nobody waits for it.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::Timestamp;

use super::file::{beside, replace};

/// The last use of each key, by its id.
pub type LastUses = BTreeMap<String, Timestamp>;

/// What was written of the keys in `keys`; nothing where there is nothing that can be read.
pub fn last_uses(keys: &Path) -> LastUses {
    let text = std::fs::read_to_string(beside(keys, ".used")).unwrap_or_default();
    serde_json::from_str(&text).unwrap_or_default()
}

/// Adds these to what is written; the later of two moments stays.
pub(super) fn add(keys: &Path, new: LastUses) -> std::io::Result<()> {
    let mut all = last_uses(keys);
    for (id, at) in new {
        let kept = all.entry(id).or_insert(at);
        *kept = at.max(*kept);
    }
    replace(&beside(keys, ".used"), &serde_json::to_string(&all)?, false)
}
