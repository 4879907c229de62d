//! What the tests share: the workspace's files, a running Portwright, clients that speak the protocol byte by byte,
//! databases to serve.

pub(crate) mod files;
