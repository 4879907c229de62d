//! Bounds of definitions that come from other servers.

/// Levels of one definition, all of its schema included. Deeper ones are left out.
pub const DEFINITION_DEPTH_MAX: usize = 64;

/// Definitions of one other server that are remembered as they came first; a server that goes through more names than
/// these is at no one's cost but its own.
pub const DEFINITIONS_PINNED_MAX: usize = 65_536;
