//! Bounds of the store that replicas share.

use std::time::Duration;

/// How long the store may take to answer.
pub const STORE_WAIT: Duration = Duration::from_secs(1);

/// How long nobody asks it again after it did not answer.
pub const STORE_PAUSE: Duration = Duration::from_secs(1);

/// How long a place among the calls that run is held for a replica that says nothing more; it speaks up three times in
/// that time.
pub const STORE_LEASE: Duration = Duration::from_secs(30);

/// How long a call waits before it looks again whether a place became free.
pub const STORE_LOOK_AGAIN: Duration = Duration::from_millis(50);
