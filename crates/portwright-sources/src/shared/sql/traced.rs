//! The span around a statement: which database, and what kind of statement; never its text or its values.

use portwright_core::CLIENT_SPAN;
use tracing::Instrument;

use super::database::{Dialect, SqlError};

/// Statements that a span may name. The first word of a model's SQL is the model's, so no other word is passed on.
const OPERATIONS: [&str; 11] =
    ["SELECT", "INSERT", "UPDATE", "DELETE", "WITH", "VALUES", "TABLE", "EXPLAIN", "MERGE", "CREATE", "CALL"];

/// What stands for reading the catalogs.
pub(super) const SCHEMA: &str = "SCHEMA";

/// The kind of a statement.
pub(super) fn operation(sql: &str) -> &'static str {
    let first = sql.trim_start().split(|letter: char| !letter.is_ascii_alphabetic()).next().unwrap_or_default();
    OPERATIONS.into_iter().find(|known| known.eq_ignore_ascii_case(first)).unwrap_or("STATEMENT")
}

/// Asks the database within a span of its own.
pub(super) async fn traced<T>(
    dialect: &Dialect,
    operation: &'static str,
    asking: impl Future<Output = Result<T, SqlError>>,
) -> Result<T, SqlError> {
    let span = tracing::debug_span!(
        CLIENT_SPAN,
        db.system.name = system(dialect),
        db.operation.name = operation,
        db.response.status_code = tracing::field::Empty,
        error.r#type = tracing::field::Empty,
    );
    if span.is_disabled() {
        return asking.await;
    }
    let result = asking.instrument(span.clone()).await;
    if let Err(error) = &result {
        if let SqlError::Database { code, .. } = error {
            span.record("db.response.status_code", code.as_str());
        }
        span.record("error.type", word(error));
    }
    result
}

/// OpenTelemetry's name of a database.
fn system(dialect: &Dialect) -> &'static str {
    match dialect.name {
        "PostgreSQL" => "postgresql",
        "SQLite" => "sqlite",
        "MySQL" => "mysql",
        "MariaDB" => "mariadb",
        other => other,
    }
}

fn word(error: &SqlError) -> &'static str {
    match error {
        SqlError::Rejected(_) => "rejected",
        SqlError::Database { .. } => "database",
        SqlError::Value { .. } | SqlError::Values(_) => "value",
        SqlError::PoolBusy(_) => "pool_busy",
        SqlError::Unreachable(_) => "unreachable",
        SqlError::Cancelled => "cancelled",
        _ => "failed",
    }
}

#[cfg(test)]
mod tests {
    use super::operation;

    #[test]
    fn only_known_words_are_passed_on() {
        assert_eq!(operation("  select 1"), "SELECT");
        assert_eq!(operation("WITH x AS (SELECT 1) SELECT * FROM x"), "WITH");
        assert_eq!(operation("hunter2 from t"), "STATEMENT");
        assert_eq!(operation(""), "STATEMENT");
    }
}
