//! One statement on one connection: prepared, bound, stepped within its bounds.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use portwright_core::limits;
use rusqlite::{CachedStatement, Statement, StatementStatus, params_from_iter};
use serde_json::Value;

use super::authorizer::Mode;
use super::pool::Lease;
use super::values::{Affinity, Bound, bindable, column};
use crate::shared::decode::did_you_mean;
use crate::shared::sql::rows::row_bytes;
use crate::shared::sql::{Description, OutputColumn, Query, Rows, SqlError, Truncation, unique_names};

/// A statement with all that it needs, for another thread.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) sql: String,
    pub(super) values: Vec<Value>,
    declared: bool,
    rows_max: usize,
    bytes_max: usize,
}

impl Job {
    pub(super) fn new(query: &Query<'_>) -> Result<Self, SqlError> {
        if !query.declared && query.sql.len() > limits::SQL_BYTES_MAX {
            let most = limits::SQL_BYTES_MAX;
            return Err(SqlError::Rejected(format!("the statement is longer than {most} bytes")));
        }
        bindable(query.values)?;
        Ok(Self {
            sql: query.sql.to_owned(),
            values: query.values.to_vec(),
            declared: query.declared,
            rows_max: query.rows_max,
            bytes_max: query.bytes_max,
        })
    }
}

/// A prepared statement, kept for the next call or not.
enum Prepared<'a> {
    Kept(CachedStatement<'a>),
    Once(Statement<'a>),
}

impl<'a> Prepared<'a> {
    fn statement(&mut self) -> &mut Statement<'a> {
        match self {
            Self::Kept(statement) => statement,
            Self::Once(statement) => statement,
        }
    }
}

fn prepare<'a>(lease: &'a Lease, sql: &str, keep: bool) -> Result<Prepared<'a>, SqlError> {
    if sql.contains('\0') {
        return Err(SqlError::Rejected("the statement holds a NUL character".into()));
    }
    let db = &lease.conn.db;
    let prepared = if keep { db.prepare_cached(sql).map(Prepared::Kept) } else { db.prepare(sql).map(Prepared::Once) };
    let mut prepared = prepared.map_err(|error| hinted(lease, lease.told(error, 0)))?;
    if prepared.statement().expanded_sql().is_none() {
        return Err(SqlError::Rejected("there is no statement here".into()));
    }
    // What the authorizer was not asked about, such as REINDEX where there is no index.
    let statement = prepared.statement();
    if lease.mode == Mode::Reader && (statement.column_count() == 0 || !statement.readonly()) {
        return Err(SqlError::Rejected(super::authorizer::READ_ONLY.to_owned()));
    }
    Ok(prepared)
}

/// What a statement gives, without running it.
pub(super) fn describe(lease: &Lease, sql: &str, read_only: bool) -> Result<Description, SqlError> {
    let mut prepared = prepare(lease, sql, true)?;
    let (columns, _) = columns(prepared.statement());
    Ok(Description { params: Vec::new(), columns: columns.to_vec(), read_only })
}

/// Runs a statement that reads.
pub(super) fn read(lease: &mut Lease, job: &Job) -> Result<Rows, SqlError> {
    step(lease, job)
}

/// Runs a statement in a transaction of its own.
pub(super) fn write(lease: &mut Lease, job: &Job) -> Result<Rows, SqlError> {
    own(lease, "BEGIN IMMEDIATE")?;
    lease.conn.gate.set(Mode::Writer);
    let written = step(lease, job).and_then(|rows| {
        // From here on nobody can call it off: it is either committed or has failed.
        lease.stop.settle().map_err(|why| super::errors::halted(why, lease.timeout))?;
        own(lease, "COMMIT")?;
        Ok(rows)
    });
    if written.is_err() && !lease.conn.db.is_autocommit() {
        // The deadline must not stop the way back; if it fails, the pool drops the connection.
        lease.conn.run_under(None);
        let _ = own(lease, "ROLLBACK");
    }
    written
}

fn own(lease: &Lease, sql: &str) -> Result<(), SqlError> {
    lease.conn.gate.set(Mode::Own);
    lease.conn.db.execute_batch(sql).map_err(|error| lease.told(error, 0))
}

fn step(lease: &Lease, job: &Job) -> Result<Rows, SqlError> {
    let changes_before = lease.conn.db.total_changes();
    let mut prepared = prepare(lease, &job.sql, job.declared)?;
    let statement = prepared.statement();
    let writes = !statement.readonly();
    let prepared_before = statement.get_status(StatementStatus::RePrepare);
    let (names, mut affinities) = columns(statement);
    let mut rows = Rows { columns: names, ..Rows::default() };
    let mut bytes = 2;
    let bound = params_from_iter(job.values.iter().map(Bound));
    let mut cursor = statement.query(bound).map_err(|error| lease.told(error, 0))?;
    while let Some(row) = cursor.next().map_err(|error| lease.told(error, 0))? {
        let now = row.as_ref();
        if rows.rows.is_empty() && now.get_status(StatementStatus::RePrepare) != prepared_before {
            // The schema has changed since the statement was prepared, and its columns may have.
            (rows.columns, affinities) = columns(now);
        }
        if rows.rows.len() == job.rows_max {
            rows.truncated = Some(Truncation::Rows);
            break;
        }
        let value = |(index, affinity): (usize, &Affinity)| row.get_ref(index).map(|value| affinity.json(value));
        let values: Result<Vec<Value>, _> = affinities.iter().enumerate().map(value).collect();
        let values = values.map_err(|error| lease.told(error, 0))?;
        bytes += row_bytes(&rows.columns, &values);
        if bytes > job.bytes_max {
            rows.truncated = Some(Truncation::Bytes);
            break;
        }
        rows.rows.push(values);
    }
    drop(cursor);
    if writes {
        rows.wrote(&job.sql, lease.conn.db.total_changes() - changes_before);
    }
    Ok(rows)
}

fn columns(statement: &Statement<'_>) -> (Arc<[OutputColumn]>, Vec<Affinity>) {
    let found = statement.columns();
    let names = unique_names(found.map(|column| column.name().to_owned()).collect::<Vec<_>>().iter().map(|it| &**it));
    let found = statement.columns();
    let (columns, affinities): (Vec<_>, Vec<_>) =
        names.into_iter().zip(found).map(|(name, found)| column(name, found.decl_type())).unzip();
    (columns.into(), affinities)
}

/// Adds the name that was probably meant to an error about a name.
fn hinted(lease: &Lease, error: SqlError) -> SqlError {
    let SqlError::Database { message, code, position } = error else { return error };
    let near = ["no such table: ", "no such column: "].iter().find_map(|kind| {
        let wrong = message.strip_prefix(kind)?;
        let wrong = wrong.rsplit('.').next().unwrap_or(wrong).trim_matches('"');
        let sql = match *kind {
            "no such table: " => {
                "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type != 'shadow' LIMIT 1000"
            }
            _ => {
                "SELECT DISTINCT c.name FROM pragma_table_list t, pragma_table_info(t.name) c \
                 WHERE t.schema = 'main' AND t.type != 'shadow' AND t.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' LIMIT 5000"
            }
        };
        lease.conn.gate.set(Mode::Own);
        let mut statement = lease.conn.db.prepare(sql).ok()?;
        let names = statement.query_map([], |row| row.get::<_, String>(0)).ok()?;
        let names: Vec<String> = names.filter_map(Result::ok).collect();
        did_you_mean(wrong, names.iter().map(String::as_str)).map(str::to_owned)
    });
    let message = match near {
        Some(near) => format!("{message}; did you mean `{near}`?"),
        None if message.starts_with("no such table: ") => format!("{message}; list_tables shows all that there are"),
        None => message,
    };
    SqlError::Database { message, code, position }
}

/// The plan of a statement that reads, as a tree; with `analyze`, it is run and what it took is added.
pub(super) fn explain(lease: &mut Lease, job: &Job, analyze: bool) -> Result<String, SqlError> {
    const PREFIX: &str = "EXPLAIN QUERY PLAN ";
    let mut prepared = prepare(lease, &job.sql, false)?;
    if prepared.statement().is_explain() != 0 {
        return Err(SqlError::Rejected("leave EXPLAIN out; give the statement itself".into()));
    }
    drop(prepared);
    let told = |error| lease.told(error, PREFIX.len());
    let mut statement = lease.conn.db.prepare(&format!("{PREFIX}{}", job.sql)).map_err(told)?;
    let mut cursor = statement.query([]).map_err(told)?;
    let mut lines: Vec<String> = Vec::new();
    let mut depths: HashMap<i64, usize> = HashMap::new();
    while let Some(row) = cursor.next().map_err(told)? {
        let node: (i64, i64, String) = (|| Ok((row.get(0)?, row.get(1)?, row.get(3)?)))().map_err(told)?;
        let (id, parent, detail) = node;
        let depth = depths.get(&parent).map_or(0, |depth| depth + 1);
        depths.insert(id, depth);
        lines.push(format!("{}{detail}", "  ".repeat(depth)));
    }
    if lines.is_empty() {
        lines.push("(no table is read)".to_owned());
    }
    if analyze {
        lines.push(measured(lease, job)?);
    }
    Ok(lines.join("\n"))
}

fn measured(lease: &Lease, job: &Job) -> Result<String, SqlError> {
    let told = |error| lease.told(error, 0);
    let started = Instant::now();
    let mut statement = lease.conn.db.prepare(&job.sql).map_err(told)?;
    let mut cursor = statement.query([]).map_err(told)?;
    let mut count = 0_u64;
    while cursor.next().map_err(told)?.is_some() {
        count += 1;
    }
    drop(cursor);
    let status = |what| statement.get_status(what);
    Ok(format!(
        "\nrows: {count}\ntime: {:.3} ms\nsteps of full scans: {}\nsorts: {}\nmachine steps: {}",
        started.elapsed().as_secs_f64() * 1000.0,
        status(StatementStatus::FullscanStep),
        status(StatementStatus::Sort),
        status(StatementStatus::VmStep),
    ))
}
