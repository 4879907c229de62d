//! Bounds of definitions that come from other servers.

/// Levels of one definition, all of its schema included. Deeper ones are left out.
pub const DEFINITION_DEPTH_MAX: usize = 64;

/// Definitions of other servers that are remembered as they came first.
pub const DEFINITIONS_PINNED_MAX: usize = 65_536;
