//! Bounds of the audit: of refused credentials, and of sinks, the places beside the file that get a copy of each record.

use std::time::Duration;

/// Sinks of one audit.
pub const AUDIT_SINKS_MAX: usize = 8;

/// How long a sink may take for a batch. Two of them end before a caller's patience does ([`AUDIT_WAIT`](super::AUDIT_WAIT)).
pub const AUDIT_SINK_WAIT: Duration = Duration::from_secs(2);

/// How long a sink that failed is left alone before it is tried again.
pub const AUDIT_SINK_RETRY: Duration = Duration::from_secs(1);

/// Records that wait for one sink: minutes of a busy server. What comes then stays in the file alone.
pub const AUDIT_SINK_RECORDS_MAX: usize = 32 * 1024;

/// Bytes of records that wait for one sink.
pub const AUDIT_SINK_BYTES_MAX: usize = 32 * 1024 * 1024;

/// Records that a sink gets at once.
pub const AUDIT_SINK_BATCH_MAX: usize = 512;

/// Bytes of records that a sink gets at once, unless one record alone has more.
pub const AUDIT_SINK_BATCH_BYTES: usize = 1024 * 1024;

/// Refused credentials that leave a record of their own within [`AUDIT_STRANGERS_WINDOW`]; the rest is counted.
pub const AUDIT_STRANGERS_MAX: usize = 60;

/// See [`AUDIT_STRANGERS_MAX`]: together, about two megabytes an hour.
pub const AUDIT_STRANGERS_WINDOW: Duration = Duration::from_mins(1);

/// How long the audit's writer waits for records to come together, where several did before.
pub const AUDIT_GATHER: Duration = Duration::from_micros(100);

/// How much of the trail is looked through for one page of records, in bytes.
pub const AUDIT_SEARCH_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// How much of it is read at once, in bytes.
pub const AUDIT_SEARCH_READ_BYTES: u64 = 256 * 1024;
