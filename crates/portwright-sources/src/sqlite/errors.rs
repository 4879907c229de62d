//! SQLite's errors in the shared words.

use std::time::Duration;

use rusqlite::ErrorCode;

use super::authorizer::{Gate, READ_ONLY};
use super::stop::{Stop, Why};
use crate::shared::sql::SqlError;

/// What is known around an error.
#[derive(Debug, Clone, Copy)]
pub(super) struct Around<'a> {
    pub(super) gate: &'a Gate,
    pub(super) stop: &'a Stop,
    pub(super) timeout: Duration,
    /// Bytes that were put before the caller's statement.
    pub(super) prefix: usize,
}

pub(super) fn halted(why: Why, timeout: Duration) -> SqlError {
    match why {
        Why::Cancelled => SqlError::Cancelled,
        Why::TimedOut => SqlError::TimedOut(timeout),
    }
}

pub(super) fn told(error: rusqlite::Error, around: Around<'_>) -> SqlError {
    use rusqlite::Error as E;
    let words = |text: &str| SqlError::Rejected(text.to_owned());
    match error {
        E::MultipleStatement => words("only one statement runs at a time; send the others one by one"),
        E::InvalidParameterCount(..) => {
            words("the statement has placeholders, and there is nothing to put in; write the values out")
        }
        E::SqlInputError { error, msg, sql, offset } => {
            let position = usize::try_from(offset).ok().and_then(|offset| sql.get(around.prefix..offset));
            let position = position.map(|before| before.chars().count() + 1);
            by_code(error, msg, position, around)
        }
        E::SqliteFailure(error, message) => {
            let message = message.unwrap_or_else(|| error.to_string());
            by_code(error, message, None, around)
        }
        E::Utf8Error(..) | E::NulError(..) => words("the statement holds a character that SQLite can't read"),
        other => SqlError::Internal(Box::new(other)),
    }
}

fn by_code(error: rusqlite::ffi::Error, message: String, position: Option<usize>, around: Around<'_>) -> SqlError {
    let denied = || around.gate.denied().map(SqlError::Rejected);
    let cause = || Box::new(rusqlite::Error::SqliteFailure(error, Some(message.clone())));
    match error.code {
        ErrorCode::OperationInterrupted => halted(around.stop.why(), around.timeout),
        ErrorCode::AuthorizationForStatementDenied => {
            denied().unwrap_or_else(|| SqlError::Rejected(format!("it is not allowed here: {message}")))
        }
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked if around.stop.must_stop() => {
            halted(around.stop.why(), around.timeout)
        }
        ErrorCode::TooBig => SqlError::Database {
            message: format!("{message}: a value is too long to be read here; select its length() or other columns"),
            code: error.extended_code.to_string(),
            position,
        },
        ErrorCode::ReadOnly => SqlError::Rejected(READ_ONLY.to_owned()),
        ErrorCode::CannotOpen
        | ErrorCode::NotADatabase
        | ErrorCode::SystemIoFailure
        | ErrorCode::PermissionDenied
        | ErrorCode::FileLockingProtocolFailed => SqlError::Unreachable(cause()),
        ErrorCode::OutOfMemory => SqlError::Database {
            message: "the statement needs more memory than it may have; aggregate fewer or shorter values".to_owned(),
            code: error.extended_code.to_string(),
            position,
        },
        ErrorCode::InternalMalfunction | ErrorCode::ApiMisuse => SqlError::Internal(cause()),
        _ => {
            // A view that uses a function off the list fails with SQLITE_ERROR; what was denied says more.
            let known = message.starts_with("not authorized").then(denied).flatten();
            let code = error.extended_code.to_string();
            known.unwrap_or(SqlError::Database { message, code, position })
        }
    }
}

/// Whether a connection may have gone bad with this error.
pub(super) fn breaks(error: &SqlError) -> bool {
    matches!(error, SqlError::Unreachable(_) | SqlError::Internal(_))
}
