//! Portwright: databases, files, clusters and APIs as production MCP servers, by configuration.
//!
//! The program `portwright` is [`cli`]; [`config`] reads its configuration. For people who write Rust there are two
//! doors: [`App`] puts a server together from sources and guards, and [`Program`] is the whole command line with kinds
//! of source of their own. What sources and guards are is told by [`portwright_core`].

pub mod app;
pub mod cli;
pub mod config;
#[cfg(all(feature = "sqlite", feature = "files"))]
mod demo;
mod init;
mod inspect;
mod install;
mod lint;
mod login;
pub mod program;

pub use app::App;
pub use portwright_server::AuditPlan;
#[cfg(feature = "upstream")]
pub use portwright_sources::upstream::{Mounted, mount};
pub use program::Program;

/// The guide's code is compiled.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/guide/library.md")]
mod guide {}
