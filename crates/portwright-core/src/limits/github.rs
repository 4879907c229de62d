//! Bounds of GitHub.

use std::time::Duration;

/// Entries of a page, where the caller asks for nothing else.
pub const HUB_PAGE: u8 = 30;

/// Bytes of one text (a description, a comment) in a list; the whole is read by itself.
pub const HUB_TEXT_BYTES_MAX: usize = 4 * 1024;

/// Files that one commit writes.
pub const HUB_FILES_MAX: usize = 100;

/// Bytes of a file that is read as text.
pub const HUB_FILE_BYTES_MAX: usize = 1024 * 1024;

/// Between two requests that write, as GitHub asks of its callers.
pub const HUB_WRITE_EVERY: Duration = Duration::from_secs(1);

/// Entries of a tree that one answer tells.
pub const HUB_TREE_MAX: usize = 1_000;
