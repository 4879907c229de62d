//! What two sources or more really share.

pub mod decode;
pub mod http;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
pub mod sql;
