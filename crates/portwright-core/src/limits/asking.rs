//! Bounds of questions to the client.

use std::time::Duration;

/// How long one call may wait for its client's answers, all questions together. A person reads, thinks, looks something
/// up. The plan may change it (`limits.ask_timeout`).
pub const ASK_WAIT: Duration = Duration::from_mins(5);

/// Questions that may be open at once: of one session, and of one call.
pub const ASKS_OPEN_MAX: usize = 16;

/// Questions that one call may put in all.
pub const ASKS_OF_CALL_MAX: usize = 64;

/// Rounds that a call may take where each question ends it.
pub const ASK_ROUNDS_MAX: u32 = 32;

/// Bytes of a question's key. It goes to the client and back.
pub const ASK_KEY_BYTES_MAX: usize = 128;

/// Bytes of one question as JSON. A form is small; what a model is given to write about may not be.
pub const ASK_BYTES_MAX: usize = 256 * 1024;

/// States that were carried and are used up, remembered until they expire, of one principal: as many as one that answers
/// a question each tenth of a second. Further ones are refused.
pub const ASK_SPENT_OF_ONE_MAX: usize = 4096;

/// The same of all principals.
pub const ASK_SPENT_MAX: usize = 65_536;

/// Bytes of what a client carries from one round to the next: earlier answers and what the source remembers.
pub const ASK_STATE_BYTES_MAX: usize = 256 * 1024;
