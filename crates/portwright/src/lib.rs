//! Portwright: databases, files, clusters and APIs as production MCP servers, by configuration.
//!
//! The program `portwright` is [`cli`]; [`config`] reads its configuration; [`App`] is for people who put a server
//! together in Rust, with sources of their own.

pub mod app;
pub mod cli;
pub mod config;
#[cfg(feature = "sqlite")]
mod demo;

pub use app::App;
