//! A source over an SQL database: declared tools, the kind's own tools, live schema as resources.
//!
//! All of it is written once, over the [`Database`] trait; PostgreSQL and SQLite are equal by construction.

pub mod database;

pub use database::{
    Access, ColumnInfo, Database, Description, Dialect, ForeignKey, Index, OutputColumn, ParamType, Query, Rows,
    Schema, SqlError, Table, TableKind, Truncation,
};
