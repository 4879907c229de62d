//! Bounds of access tokens and of what is asked about them.

use std::time::Duration;

/// Bytes of an access token. Larger ones are no tokens, but an attack on whoever parses them.
pub const TOKEN_BYTES_MAX: usize = 8 * 1024;

/// Claims of an access token, and parameters of its header.
pub const TOKEN_CLAIMS_MAX: usize = 256;

/// How far an issuer's clock may differ from ours. The plan may change it, within [`CLOCK_SKEW_MAX`].
pub const CLOCK_SKEW: Duration = Duration::from_mins(1);

/// The largest such difference that the plan may allow.
pub const CLOCK_SKEW_MAX: Duration = Duration::from_mins(5);

/// How often an issuer is asked for its keys at most, whatever tokens come.
pub const JWKS_ASK_EVERY: Duration = Duration::from_secs(30);

/// How long an issuer's keys are taken for fresh.
pub const JWKS_FRESH: Duration = Duration::from_hours(1);

/// How long they are believed while the issuer can't be reached.
pub const JWKS_KEPT_MAX: Duration = Duration::from_hours(24);

/// Keys of one issuer.
pub const JWKS_KEYS_MAX: usize = 64;

/// Bits of an RSA key that is believed.
pub const RSA_BITS_MIN: usize = 2048;

/// Questions to an issuer about tokens that may be open at once.
pub const INTROSPECTIONS_MAX: usize = 64;

/// Tokens whose issuer's word is kept.
pub const INTROSPECTED_MAX: usize = 16_384;

/// How long an issuer's word that a token holds counts, whatever comes. A token that was revoked holds no longer than that.
pub const INTROSPECTION_KEPT: Duration = Duration::from_mins(1);

/// How old that word is when the issuer is asked again, while it still counts: neither callers nor streams wait for that.
pub const INTROSPECTION_FRESH: Duration = Duration::from_secs(30);

/// How long its word that a token does not hold is kept.
pub const INTROSPECTION_NO_KEPT: Duration = Duration::from_secs(10);
