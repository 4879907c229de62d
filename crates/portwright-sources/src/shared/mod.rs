//! What two sources or more really share.

pub mod decode;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
pub mod sql;
