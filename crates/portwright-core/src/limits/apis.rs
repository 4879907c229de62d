//! Bounds of APIs on the Web.

use std::time::Duration;

/// Calls that wait for their turn at an API.
pub const PACE_WAITERS_MAX: usize = 64;

/// How long a call waits for its turn at an API. The plan may change it (`wait`).
pub const PACE_WAIT: Duration = Duration::from_secs(10);

/// How long an API is left alone at most, whatever it says of itself; then it is asked again.
pub const PACE_CLOSED_MAX: Duration = Duration::from_hours(1);

/// How long an API may take for an answer. The plan may change it (`timeout`).
pub const API_WAIT: Duration = Duration::from_secs(15);

/// Bytes of an API's answer that are read.
pub const API_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Bytes of text that a call gives of an API's answer. The plan may change it (`max_bytes`).
pub const API_RESULT_BYTES_MAX: usize = 64 * 1024;

/// Answers that are kept to be given again.
pub const API_CACHE_ENTRIES_MAX: usize = 256;

/// Bytes of those.
pub const API_CACHE_BYTES_MAX: usize = 16 * 1024 * 1024;
