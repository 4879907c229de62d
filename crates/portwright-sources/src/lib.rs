//! The sources that come with Portwright: one folder each.
//!
//! A source knows [`portwright_core`] and its own host, and nothing of servers, sessions or guards. [`KINDS`] is the
//! whole list; to add a source is to add its folder, its line here and its Cargo feature.

use portwright_core::SourceKind;

#[cfg(feature = "brave")]
pub mod brave;
pub mod declared;
#[cfg(feature = "files")]
pub mod files;
#[cfg(feature = "github")]
pub mod github;
#[cfg(feature = "kubernetes")]
pub mod kubernetes;
#[cfg(feature = "mysql")]
pub mod mysql;
#[cfg(feature = "postgres")]
pub mod postgres;
pub mod shared;
#[cfg(feature = "sqlite")]
pub mod sqlite;
#[cfg(feature = "upstream")]
pub mod upstream;

/// Every kind of source that `kind = "…"` may name.
pub const KINDS: &[&dyn SourceKind] = &[
    #[cfg(feature = "kubernetes")]
    &kubernetes::KubernetesKind,
    #[cfg(feature = "mysql")]
    &mysql::MySql,
    #[cfg(feature = "postgres")]
    &postgres::Postgres,
    #[cfg(feature = "sqlite")]
    &sqlite::Sqlite,
    #[cfg(feature = "files")]
    &files::Files,
    #[cfg(feature = "github")]
    &github::GitHub,
    #[cfg(feature = "brave")]
    &brave::Brave,
];
