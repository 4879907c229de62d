//! [`SqlError`] to [`Refusal`]: the one place where a database's words become words for the caller.

use std::time::Duration;

use portwright_core::Refusal;

use super::database::SqlError;
use super::placeholders::line_and_column;

/// How long to wait before trying again when the pool is busy.
const BUSY_WAIT: Duration = Duration::from_secs(1);

/// For a statement that the caller did not write: where it stands in it says nothing.
pub fn refuse(error: SqlError) -> Refusal {
    refuse_statement(error, None)
}

/// The same for one whose values have these names.
pub fn refuse_declared(error: SqlError, names: &[String]) -> Refusal {
    match error {
        SqlError::Value { index, words } if index < names.len() => {
            Refusal::invalid(format!("`{}`: {words}", names[index]))
        }
        other => refuse(other),
    }
}

/// For a statement that the caller wrote: `sql` as it was sent.
pub fn refuse_statement(error: SqlError, sql: Option<&str>) -> Refusal {
    let words = error.to_string();
    match error {
        SqlError::Rejected(_) => Refusal::failed(words),
        SqlError::Database { message, position, .. } => match (sql, position) {
            (Some(sql), Some(position)) => {
                Refusal::failed(format!("{message} ({}{})", line_and_column(sql, position), near(sql, position)))
            }
            _ => Refusal::failed(message),
        },
        SqlError::Value { .. } | SqlError::Values(_) => Refusal::invalid(words),
        SqlError::PoolBusy(_) => Refusal::unavailable(words).retry_after(BUSY_WAIT),
        SqlError::Unreachable(cause) => Refusal::unavailable(words).because(cause),
        SqlError::TimedOut(_) => Refusal::timed_out(words),
        SqlError::Cancelled => Refusal::cancelled(),
        SqlError::Internal(cause) => Refusal::internal(cause),
    }
}

/// The words at a position, so that nobody has to count columns.
fn near(sql: &str, position: usize) -> String {
    let rest: String = sql.chars().skip(position.saturating_sub(1)).take_while(|c| *c != '\n').take(24).collect();
    if rest.trim().is_empty() { String::new() } else { format!(", at `{}`", rest.trim_end()) }
}

#[cfg(test)]
mod tests {
    use std::error::Error;
    use std::time::Duration;

    use portwright_core::RefusalKind;

    use super::{refuse, refuse_declared, refuse_statement};
    use crate::shared::sql::SqlError;

    #[test]
    fn a_database_error_points_into_the_statement() {
        let error =
            || SqlError::Database { message: "no such column: nam".into(), code: "1".into(), position: Some(8) };
        let refusal = refuse_statement(error(), Some("SELECT nam FROM t"));
        assert_eq!(refusal.kind(), RefusalKind::Failed);
        assert_eq!(refusal.public(), "no such column: nam (line 1, column 8, at `nam FROM t`)");
        assert_eq!(refuse(error()).public(), "no such column: nam");
    }

    #[test]
    fn a_value_that_does_not_fit_is_named() {
        let error = || SqlError::Value { index: 1, words: "it is not base64".into() };
        let names = ["id".to_owned(), "photo".to_owned()];
        assert_eq!(refuse_declared(error(), &names).public(), "`photo`: it is not base64");
        assert_eq!(refuse(error()).public(), "parameter 2: it is not base64");
    }

    #[test]
    fn faults_keep_their_cause_to_the_log() {
        let refusal = refuse(SqlError::Unreachable("connect to 10.0.0.7 failed".into()));
        assert_eq!(refusal.kind(), RefusalKind::Unavailable);
        assert!(!refusal.public().contains("10.0.0.7"));
        assert_eq!(refusal.source().map(ToString::to_string).as_deref(), Some("connect to 10.0.0.7 failed"));
        assert_eq!(refuse(SqlError::Internal("oops".into())).public(), "internal error");
    }

    #[test]
    fn busy_says_when_to_come_again() {
        let refusal = refuse(SqlError::PoolBusy(Duration::from_secs(5)));
        assert_eq!((refusal.kind(), refusal.wait()), (RefusalKind::Unavailable, Some(Duration::from_secs(1))));
    }
}
