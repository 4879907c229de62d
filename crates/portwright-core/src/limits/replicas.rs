//! Bounds of what replicas tell each other.

use std::time::Duration;

/// How much a replica may say at once, in bytes: what a client may, and what goes around it.
pub const REPLICA_WORD_BYTES_MAX: usize = 2 * super::MESSAGE_BYTES_MAX;

/// How many words wait to be said; what does not fit is not said.
pub const REPLICA_WORDS_MAX: usize = 1_024;

/// How many events of a stream wait for a client that hears it by another replica; whoever is slower comes back for it.
pub const REPLICA_EVENTS_MAX: usize = 256;

/// How many streams are heard, and spoken, by way of other replicas.
pub const REPLICA_STREAMS_MAX: usize = 1_024;

/// How long a replica waits for the one that keeps a stream to say so.
pub const REPLICA_ANSWER_WAIT: Duration = Duration::from_secs(2);

/// The shortest secret that replicas may share, in bytes.
pub const REPLICA_SECRET_BYTES_MIN: usize = 32;

/// A session as other replicas read it, in bytes.
pub const REPLICA_RECORD_BYTES_MAX: usize = 4 * super::WATCHED_BYTES_MAX;

/// How many sessions are named to the store at once.
pub const REPLICA_SESSIONS_AT_ONCE: usize = 256;

/// After how long a silence a replica looks whether it still hears.
pub const REPLICA_SILENCE: Duration = Duration::from_secs(15);

/// How many replicas answer a question.
pub const REPLICAS_MAX: usize = 256;
