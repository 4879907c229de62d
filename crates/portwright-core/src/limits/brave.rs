//! Bounds of searches of the web.

use std::time::Duration;

/// The least time between two searches where the configuration and the service say nothing: one a second, what the
/// smallest plan allows.
pub const SEARCH_INTERVAL: Duration = Duration::from_secs(1);

/// Searches a second that the plan may set at most; a slip of the pen must not become a flood.
pub const SEARCH_RATE_CEILING: u32 = 1000;

/// Searches that wait for their turn. More would wait longer than anybody has time.
pub const SEARCH_QUEUE_MAX: usize = 64;

/// How long a search may wait for its turn. The plan may change it (`wait`).
pub const SEARCH_QUEUE_WAIT: Duration = Duration::from_secs(10);

/// How long one request to the search service may take. The plan may change it (`timeout`).
pub const SEARCH_WAIT: Duration = Duration::from_secs(10);

/// How long equal searches are answered from memory. The plan may change it (`cache`).
pub const SEARCH_CACHE_TTL: Duration = Duration::from_mins(1);

/// The longest that the plan may keep answers: what is older is no search any more.
pub const SEARCH_CACHE_TTL_MAX: Duration = Duration::from_hours(24);

/// Answers that are kept.
pub const SEARCH_CACHE_ENTRIES_MAX: usize = 256;

/// Bytes of the answers that are kept, as they came.
pub const SEARCH_CACHE_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Bytes of one answer of the search service. Two hundred images are some 300 KB.
pub const SEARCH_ANSWER_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Characters of a query, by the service's own bound.
pub const SEARCH_QUERY_CHARACTERS_MAX: usize = 400;

/// Words of a query, by the service's own bound.
pub const SEARCH_QUERY_WORDS_MAX: usize = 50;

/// Goggles of one search, and bytes of one that is written out: the address must stay one that servers take.
pub const SEARCH_GOGGLES_MAX: usize = 3;
/// Bytes of one goggle.
pub const SEARCH_GOGGLE_BYTES_MAX: usize = 2048;

/// Bytes of what a search returns as JSON; results beyond it are left out. The plan may change it (`max_bytes`).
pub const SEARCH_RESULT_BYTES_MAX: usize = 64 * 1024;

/// The least and the most that the plan may set there: one result, and more than the service sends.
pub const SEARCH_RESULT_BYTES_RANGE: (usize, usize) = (4 * 1024, 1024 * 1024);

/// Bytes of the excerpts that one call returns as context: four bytes for each of the most tokens that may be asked for.
pub const SEARCH_CONTEXT_BYTES_MAX: usize = 4 * 32_768;

/// Characters of one text in a result.
pub const SEARCH_TEXT_CHARACTERS_MAX: usize = 1000;

/// Times that a summary is asked for until it is there, the first included. Each is a request of the plan.
pub const SUMMARY_POLLS_MAX: usize = 6;

/// The pause between two of them.
pub const SUMMARY_POLL_PAUSE: Duration = Duration::from_millis(500);

/// How long nothing is asked once the month's requests are used up, before one call looks again: the plan may have been
/// enlarged.
pub const SEARCH_QUOTA_LOOK: Duration = Duration::from_mins(10);

/// The longest time after which a caller is told to come again: plans count by the month.
pub const SEARCH_RETRY_MAX: Duration = Duration::from_hours(31 * 24);
