//! Bounds of folders of files.

/// Bytes of text that a reading of a file gives, and of a list's names. The plan may change it (`max_bytes`).
pub const FILE_BYTES_MAX: usize = 64 * 1024;

/// Bytes of an image, a sound or another file that is read whole, before it is written as base64.
pub const MEDIA_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Bytes of a file that is edited, or read in an encoding whose lines can't be found without decoding all before them:
/// the whole of it is held in memory.
pub const WHOLE_FILE_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// Bytes of a file whose digest is taken.
pub const DIGEST_BYTES_MAX: u64 = 512 * 1024 * 1024;

/// Bytes of the names of a file's extended attributes, and of the value of each: what Linux itself allows.
pub const ATTRIBUTE_BYTES_MAX: usize = 64 * 1024;

/// Files that one call reads.
pub const FILES_AT_ONCE_MAX: usize = 50;

/// Edits that one call makes.
pub const EDITS_MAX: usize = 200;

/// Entries of a list or a tree, where the caller asks for nothing else.
pub const ENTRIES_MAX: usize = 500;

/// Entries that a caller may ask for.
pub const ENTRIES_CEILING: usize = 5_000;

/// Names of one folder that are read to be put into order. A folder with more is listed as far as this.
pub const FOLDER_NAMES_MAX: usize = 200_000;

/// How deep a walk goes below the folder where it begins.
pub const WALK_DEPTH_MAX: usize = 64;

/// Matches of a search, where the caller asks for nothing else.
pub const MATCHES_MAX: usize = 100;

/// Matches that a caller may ask for.
pub const MATCHES_CEILING: usize = 2_000;

/// Bytes of a line of a search's result; longer ones are cut around the match.
pub const MATCH_LINE_BYTES_MAX: usize = 400;

/// Lines of context around a match.
pub const MATCH_CONTEXT_MAX: usize = 20;

/// Bytes of one line that a search holds. A file with a longer one is skipped, and counted.
pub const SEARCH_LINE_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Bytes that a compiled pattern may take.
pub const GREP_PATTERN_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Files that one thread of a search takes up at a time.
pub const SEARCH_BATCH: usize = 64;

/// Calls of one source that work on files at a time. A file system that hangs must not take all threads.
pub const FILE_JOBS_MAX: usize = 16;

/// Bytes of an ignore file that are read.
pub const IGNORE_FILE_BYTES_MAX: usize = 1024 * 1024;

/// Files that are watched for all subscribers of a source.
pub const WATCHES_MAX: usize = 1_000;

/// Files and folders that one deletion takes away.
pub const DELETED_MAX: usize = 10_000;

/// Bytes of a text that is read as a resource, which has no parts.
pub const FILE_RESOURCE_BYTES_MAX: usize = 1024 * 1024;
