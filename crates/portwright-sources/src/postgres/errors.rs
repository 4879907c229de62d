//! PostgreSQL's errors in the shared words.

use std::time::Duration;

use tokio_postgres::error::{DbError, ErrorPosition, SqlState};

use crate::shared::sql::SqlError;

/// Whether the connection is gone, or about to go.
pub(super) fn is_lost(error: &tokio_postgres::Error) -> bool {
    let leaving = [SqlState::ADMIN_SHUTDOWN, SqlState::CRASH_SHUTDOWN, SqlState::CANNOT_CONNECT_NOW];
    match error.code() {
        Some(code) => leaving.contains(code) || code.code().starts_with("08"),
        None => error.is_closed() || is_io(error),
    }
}

fn is_io(error: &tokio_postgres::Error) -> bool {
    std::error::Error::source(error).is_some_and(<dyn std::error::Error>::is::<std::io::Error>)
}

/// Whether what was prepared no longer fits the tables, or is gone.
pub(super) fn is_stale(error: &tokio_postgres::Error) -> bool {
    let code = error.code();
    code == Some(&SqlState::INVALID_SQL_STATEMENT_NAME)
        || (code == Some(&SqlState::FEATURE_NOT_SUPPORTED)
            && error.as_db_error().is_some_and(|error| error.message().contains("cached plan")))
}

/// `prefix`: characters that we put before the caller's statement.
pub(super) fn told(error: tokio_postgres::Error, timeout: Duration, prefix: usize) -> SqlError {
    if is_lost(&error) {
        return SqlError::Unreachable(Box::new(error));
    }
    match error.as_db_error() {
        Some(db) if *db.code() == SqlState::QUERY_CANCELED => SqlError::TimedOut(timeout),
        Some(db) => SqlError::Database {
            message: message(db),
            code: db.code().code().to_owned(),
            position: match db.position() {
                Some(ErrorPosition::Original(at)) => (*at as usize).checked_sub(prefix).filter(|at| *at > 0),
                _ => None,
            },
        },
        None => SqlError::Internal(Box::new(error)),
    }
}

/// The message, what it says of the data at fault, and what to do.
fn message(db: &DbError) -> String {
    let mut words = db.message().to_owned();
    // Details of other errors may name what only the server should know.
    let about_data = db.code().code().starts_with("23") || db.code().code().starts_with("22");
    if let Some(detail) = db.detail().filter(|_| about_data) {
        words.push_str(". ");
        words.push_str(detail.trim_end_matches('.'));
    }
    if let Some(hint) = db.hint() {
        words.push_str(". ");
        words.push_str(hint);
    }
    if words.contains("no binary output function") {
        words.push_str(". Cast the column to text");
    }
    words
}
