//! A source over an SQL database: declared tools, the kind's own tools, live schema as resources.
//!
//! All of it is written once, over the [`Database`] trait; PostgreSQL and SQLite are equal by construction. Read it in
//! this order: [`database`] (what a database must do), [`config`] and [`declared`] (what is written, and what is
//! meant), [`source`] (what a call does), [`result`] and [`refuse`] (what becomes of rows and errors).

pub mod browse;
mod choice;
pub mod config;
pub mod database;
pub mod declared;
pub mod documents;
pub mod offer;
pub mod own;
pub mod params;
pub mod placeholders;
pub mod refuse;
pub mod result;
pub mod rows;
pub mod source;
pub mod text;
mod traced;

pub use config::{Bounds, PoolPlan, SqlPlan, decode, resource_schema, schema, tool_schema};
pub use database::{
    Access, ColumnInfo, Database, Description, Dialect, ForeignKey, Imagined, Index, IndexMethod, OutputColumn,
    ParamType, Query, Rows, Schema, Scope, SqlError, Table, TableKind, Truncation,
};
pub use rows::{base64, float, integer, integer_schema, json_bytes, row_bytes, unique_names};
pub use source::SqlSource;
