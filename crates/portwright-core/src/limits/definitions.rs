//! Bounds of definitions that come from other servers.

/// Levels of one definition, all of its schema included. Deeper ones are left out.
pub const DEFINITION_DEPTH_MAX: usize = 64;
