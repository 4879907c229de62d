//! A source over an SQL database: declared tools, the kind's own tools, live schema as resources.
//!
//! All of it is written once, over the [`Database`] trait; PostgreSQL and SQLite are equal by construction.

pub mod config;
pub mod database;
pub mod placeholders;
pub mod rows;
pub mod source;

pub use config::{PoolPlan, SqlPlan};
pub use database::{
    Access, ColumnInfo, Database, Description, Dialect, ForeignKey, Index, OutputColumn, ParamType, Query, Rows,
    Schema, Scope, SqlError, Table, TableKind, Truncation,
};
pub use rows::{base64, float, integer, integer_schema, json_bytes, unique_names};
pub use source::SqlSource;
