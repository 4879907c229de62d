//! What two sources or more really share.

#[cfg(any(feature = "postgres", feature = "sqlite"))]
pub mod sql;
