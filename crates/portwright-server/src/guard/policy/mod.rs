//! What a principal may do: roles with rules on tools, resources and prompts.

mod pattern;

pub use pattern::{BadPattern, Pattern};
