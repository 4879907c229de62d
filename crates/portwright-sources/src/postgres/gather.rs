//! The rows of a result as they come, up to the bounds.

use std::sync::Arc;

use futures::future::try_join_all;
use serde_json::Value;
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};
use tokio_postgres::{Client, Statement};

use super::pool::Lease;
use super::run::Failure;
use super::session::Prepared;
use super::types::{Cell, Decoded, opaque};
use crate::shared::sql::{Query, Rows, Truncation, row_bytes};

/// Values that only the server can write as text, asked for at a time.
const ASKED_TOGETHER: usize = 32;

/// A value that waits for the server's text.
pub(super) struct Asked {
    row: usize,
    column: usize,
    bytes: Vec<u8>,
}

/// Whether more rows are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wish {
    More,
    Enough,
}

/// A result that grows.
pub(super) struct Gather {
    pub(super) result: Rows,
    /// Values that the server is to be asked for.
    pub(super) asked: Vec<Asked>,
    types: Arc<[Type]>,
    bytes: usize,
    rows_max: usize,
    bytes_max: usize,
}

impl Gather {
    pub(super) fn new(prepared: &Prepared, query: Query<'_>) -> Self {
        Self {
            result: Rows { columns: prepared.columns.clone(), ..Rows::default() },
            asked: Vec::new(),
            types: prepared.types.clone(),
            bytes: 0,
            rows_max: query.rows_max,
            bytes_max: query.bytes_max,
        }
    }

    /// Columns of a row.
    pub(super) fn width(&self) -> usize {
        self.types.len()
    }

    /// Takes a row, unless it is beyond the bounds.
    pub(super) fn row<'a>(&mut self, cells: impl IntoIterator<Item = Cell<'a>>) -> Wish {
        if self.result.truncated.is_some() {
            return Wish::Enough;
        }
        if self.result.rows.len() == self.rows_max {
            self.result.truncated = Some(Truncation::Rows);
            return Wish::Enough;
        }
        let mut values = Vec::with_capacity(self.types.len());
        let before = self.asked.len();
        let mut waiting = 0;
        for (column, (cell, ty)) in cells.into_iter().zip(&*self.types).enumerate() {
            match cell.decode(ty) {
                Decoded::Json(value) => values.push(value),
                Decoded::Ask(bytes) => {
                    waiting += cell.length();
                    values.push(Value::Null);
                    self.asked.push(Asked { row: self.result.rows.len(), column, bytes });
                }
            }
        }
        self.bytes += row_bytes(&self.result.columns, &values) + waiting;
        if self.bytes > self.bytes_max {
            self.asked.truncate(before);
            self.result.truncated = Some(Truncation::Bytes);
            return Wish::Enough;
        }
        self.result.rows.push(values);
        Wish::More
    }

    /// Asks the server to write values as text, column by column, in the transaction that is open.
    pub(super) async fn ask(self, lease: &mut Lease) -> Result<Rows, Failure> {
        let Self { mut result, asked, types, .. } = self;
        let client = &lease.session()?.client;
        let mut left = Vec::new();
        for (index, ty) in types.iter().enumerate() {
            let of_column: Vec<&Asked> = asked.iter().filter(|each| each.column == index).collect();
            if of_column.is_empty() {
                continue;
            }
            match texts(client, ty, &of_column).await {
                Ok(texts) => {
                    for (each, text) in of_column.iter().zip(texts) {
                        result.rows[each.row][index] = text.into();
                    }
                }
                Err(error) => {
                    tracing::debug!(%error, ty = ty.name(), "type has no text form");
                    left.extend(of_column);
                }
            }
        }
        for each in left {
            result.rows[each.row][each.column] = opaque(types[each.column].name(), &each.bytes);
        }
        lease.rest();
        Ok(result)
    }
}

/// Bytes as the server sent them.
#[derive(Debug)]
struct Raw<'a>(&'a [u8]);

impl ToSql for Raw<'_> {
    fn to_sql(&self, _: &Type, out: &mut bytes::BytesMut) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        out.extend_from_slice(self.0);
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

async fn texts(client: &Client, ty: &Type, asked: &[&Asked]) -> Result<Vec<Option<String>>, tokio_postgres::Error> {
    let write = client.prepare_typed("SELECT $1::pg_catalog.text", std::slice::from_ref(ty)).await?;
    let mut texts = Vec::with_capacity(asked.len());
    for together in asked.chunks(ASKED_TOGETHER) {
        texts.extend(try_join_all(together.iter().map(|each| text(client, &write, &each.bytes))).await?);
    }
    Ok(texts)
}

async fn text(client: &Client, write: &Statement, bytes: &[u8]) -> Result<Option<String>, tokio_postgres::Error> {
    client.query_one(write, &[&Raw(bytes)]).await?.try_get(0)
}
