//! Paths that are not there for anybody.

use std::path::Path;

use globset::GlobSet;

/// Globs of paths within a root.
#[derive(Debug, Clone, Default)]
pub(super) struct Exclude(GlobSet);

impl Exclude {
    pub(super) fn new(set: GlobSet) -> Self {
        Self(set)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a path within a root is left out, itself or by a folder that it is in.
    pub(super) fn fits(&self, path: &Path) -> bool {
        !self.0.is_empty() && path.ancestors().any(|path| !path.as_os_str().is_empty() && self.0.is_match(path))
    }

    /// The same, of a path whose folder is known not to be left out.
    pub(super) fn fits_here(&self, path: &Path) -> bool {
        !self.0.is_empty() && self.0.is_match(path)
    }
}
