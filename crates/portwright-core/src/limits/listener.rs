//! Bounds of the listener: of connections, and of what comes before anybody knows who calls.

use std::time::Duration;

/// How long a client may take to send its request head.
pub const HEAD_WAIT: Duration = Duration::from_secs(10);

/// How long a client may take to send its request body.
pub const BODY_WAIT: Duration = Duration::from_secs(30);

/// How long a reader may take to accept a message before it is shed.
pub const WRITE_WAIT: Duration = Duration::from_secs(30);

/// Connections on the listener, in all. More than there are sessions: over HTTP+SSE and WebSocket each holds one.
pub const CONNECTIONS_MAX: usize = 12_288;

/// How long a peer may be silent before the system asks whether it is still there, and how long bytes may stay
/// unacknowledged before it is given up. Networks that are slow for a while survive it; clients that are gone do not.
pub const HALF_OPEN_WAIT: (Duration, Duration) = (Duration::from_secs(40), Duration::from_secs(80));

/// How long a connection may be idle between requests. Longer than clients keep one for reuse.
pub const CONNECTION_IDLE: Duration = Duration::from_mins(2);

/// How often a connection is looked at for the waits above: one timer a connection, none a request.
pub const CONNECTION_TICK: Duration = Duration::from_secs(5);

/// How long a TLS handshake may take, from the moment of the connection.
pub const HANDSHAKE_WAIT: Duration = Duration::from_secs(10);

/// How often the listener's certificates are looked at, at most.
pub const CERTIFICATE_LOOK_EVERY: Duration = Duration::from_secs(1);

/// How long before its end a certificate is spoken of.
pub const CERTIFICATE_END_NEAR: Duration = Duration::from_hours(14 * 24);

/// Addresses that are counted one by one.
pub const ADDRESSES_MAX: usize = 16_384;

/// Connections from one address in a second, unless the plan says otherwise.
pub const CONNECTIONS_OF_ONE_PER_SECOND: u64 = 100;

/// Credentials from one address in a minute that do not hold, unless the plan says otherwise.
pub const FAILURES_OF_ONE_PER_MINUTE: u64 = 60;
