//! What two sources or more really share.

pub mod access;
pub mod decode;
pub mod http;
pub mod own;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
pub mod sql;
