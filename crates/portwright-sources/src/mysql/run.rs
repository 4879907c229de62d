//! One statement in one transaction: prepared, bound, read as a stream within its bounds.

use std::sync::Arc;
use std::time::Duration;

use mysql_async::prelude::Queryable as _;
use mysql_async::{BinaryProtocol, QueryResult, Row};
use tokio::time::Instant;

use super::Access;
use super::documents::Documents;
use super::errors::{is_lost, mismatch, told};
use super::guard::Kind;
use super::pool::Lease;
use super::types::{Form, bound, columns};
use crate::shared::sql::rows::row_bytes;
use crate::shared::sql::{Query, Rows, SqlError, Truncation};

/// A statement on its way.
#[derive(Debug, Clone, Copy)]
pub(super) struct Job<'a> {
    pub(super) query: Query<'a>,
    /// The statement as sent: the caller's, or with EXPLAIN before it.
    pub(super) sql: &'a str,
    pub(super) kind: Kind,
    pub(super) documents: &'a Documents,
    pub(super) deadline: Instant,
}

/// Why an attempt failed.
#[derive(Debug)]
pub(super) enum Failure {
    /// The connection was gone before the server can have done anything that lasts.
    Lost(SqlError),
    Told(SqlError),
}

impl From<SqlError> for Failure {
    fn from(error: SqlError) -> Self {
        Self::Told(error)
    }
}

impl Job<'_> {
    fn failed(&self, error: mysql_async::Error, lease: &mut Lease) -> Failure {
        let lost = is_lost(&error);
        if !lost && !error.is_fatal() {
            // The server has answered with an error: nothing runs any more.
            lease.rest();
        }
        let told = told(error, self.query.timeout);
        if lost && self.query.access == Access::ReadOnly { Failure::Lost(told) } else { Failure::Told(told) }
    }

    /// What the server may take for it: a breath more than we wait, so that it is we who tell.
    fn wait(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now()) + Duration::from_millis(500)
    }
}

/// Runs it. The lease rests afterwards if the server has nothing left to do.
pub(super) async fn run(lease: &mut Lease, job: Job<'_>) -> Result<Rows, Failure> {
    let values = bound(job.query.values)?;
    lease.start();
    let writes = job.query.access == Access::ReadWrite;
    let rows_max = Some(job.query.rows_max).filter(|rows| *rows < usize::MAX && job.kind == Kind::Query);
    let begun = lease.session()?.begin(job.query.access, job.wait(), rows_max).await;
    if let Err(error) = begun {
        let lost = is_lost(&error);
        let failed = job.failed(error, lease);
        // Nothing of the statement was sent yet.
        return Err(match failed {
            Failure::Told(error) if lost => Failure::Lost(error),
            other => other,
        });
    }
    let prepared = lease.session()?.conn.prep(job.sql).await;
    let statement = match prepared {
        Ok(statement) => statement,
        Err(error) => return Err(job.failed(error, lease)),
    };
    if usize::from(statement.num_params()) != values.len() {
        lease.rest();
        return Err(mismatch(statement.num_params().into(), values.len()).into());
    }
    let forms = job.documents.forms(lease.session()?, &statement.columns()).await;
    let forms = match forms {
        Ok(forms) => forms,
        Err(error) => return Err(job.failed(error, lease)),
    };
    let answered = lease.session()?.conn.exec_iter(&statement, values).await;
    let answer = match answered {
        Ok(mut answer) => collect(&mut answer, &forms, job).await,
        Err(error) => Err(error),
    };
    let (mut rows, ended) = match answer {
        Ok(answer) => answer,
        Err(error) => return Err(job.failed(error, lease)),
    };
    if writes {
        let count = lease.session()?.conn.affected_rows();
        if job.kind == Kind::Write {
            rows.wrote(job.query.sql, count);
        }
        commit(lease, job).await?;
    }
    if ended {
        lease.rest();
    }
    Ok(rows)
}

/// Reads rows up to the bounds; whether the server has sent all of them.
async fn collect(
    answer: &mut QueryResult<'_, 'static, BinaryProtocol>,
    prepared: &[Form],
    job: Job<'_>,
) -> Result<(Rows, bool), mysql_async::Error> {
    let described = answer.columns();
    let described = described.as_deref().unwrap_or_default();
    // What runs may have other columns than what was prepared, as CALL does.
    let own: Vec<Form> = described.iter().map(Form::of).collect();
    let forms = if prepared.len() == own.len() { prepared } else { &own };
    let mut rows = Rows { columns: Arc::from(columns(described, forms)), ..Rows::default() };
    let mut bytes = 0_usize;
    while let Some(row) = answer.next().await? {
        if rows.truncated.is_none() {
            if rows.rows.len() >= job.query.rows_max {
                rows.truncated = Some(Truncation::Rows);
            } else {
                let raw = Row::unwrap(row).into_iter();
                let values: Vec<_> = raw.zip(forms).map(|(raw, form)| form.json(raw)).collect();
                bytes = bytes.saturating_add(row_bytes(&rows.columns, &values));
                if bytes > job.query.bytes_max {
                    rows.truncated = Some(Truncation::Bytes);
                } else {
                    rows.rows.push(values);
                }
            }
        }
        // What writes must come to its end; what reads is called off.
        if rows.truncated.is_some() && job.query.access == Access::ReadOnly {
            return Ok((rows, false));
        }
    }
    Ok((rows, true))
}

/// Ends a writing transaction. If the connection breaks here, nobody knows how it ended.
async fn commit(lease: &mut Lease, job: Job<'_>) -> Result<(), Failure> {
    match lease.session()?.conn.query_drop("COMMIT").await {
        Ok(()) => Ok(()),
        Err(error) if is_lost(&error) => Err(Failure::Told(SqlError::Database {
            message:
                "the connection was lost while the change was being committed; look whether it took effect before \
                      trying again"
                    .to_owned(),
            code: "2013".to_owned(),
            position: None,
        })),
        Err(error) => Err(job.failed(error, lease)),
    }
}
