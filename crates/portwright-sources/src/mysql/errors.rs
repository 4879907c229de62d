//! The server's errors in the shared words.

use std::time::Duration;

use mysql_async::{DriverError, Error, ServerError};

use super::session::PACKET_BYTES_MAX;
use crate::shared::sql::SqlError;

/// The server ends the session: it shuts down, or somebody ended the connection.
const FAREWELLS: [u16; 6] = [1053, 1077, 1152, 1159, 1927, 4031];
/// The statement was called off, or its time was over: by a kill, by MySQL's clock, by MariaDB's.
const STOPPED: [u16; 3] = [1317, 3024, 1969];
/// Waits for locks that took too long.
const LOCKED: [u16; 1] = [1205];
/// What the user may not do. Their messages name the user and the host.
const DENIED: [u16; 8] = [1044, 1045, 1142, 1143, 1227, 1370, 1698, 3118];
/// The transaction only reads.
const READ_ONLY: [u16; 3] = [1792, 1290, 1836];

/// Whether the connection is gone, or about to go.
pub(super) fn is_lost(error: &Error) -> bool {
    match error {
        Error::Io(_) | Error::Driver(DriverError::ConnectionClosed) => true,
        Error::Server(server) => FAREWELLS.contains(&server.code),
        _ => false,
    }
}

/// The shared words for it.
pub(super) fn told(error: Error, timeout: Duration) -> SqlError {
    if is_lost(&error) {
        return SqlError::Unreachable(Box::new(error));
    }
    match error {
        Error::Server(server) => by_code(server, timeout),
        Error::Driver(DriverError::PacketTooLarge) => SqlError::Database {
            message: format!(
                "a row of the result is larger than {} MiB; ask for fewer columns, or for parts of long values \
                 (LEFT(text, 1000))",
                PACKET_BYTES_MAX / (1024 * 1024)
            ),
            code: "1153".to_owned(),
            position: None,
        },
        Error::Driver(DriverError::StmtParamsMismatch { required, supplied }) => mismatch(required.into(), supplied),
        other => SqlError::Internal(Box::new(other)),
    }
}

/// There are more or fewer placeholders than values.
pub(super) fn mismatch(takes: usize, given: usize) -> SqlError {
    SqlError::Values(match given {
        0 => "the statement has placeholders, and nothing to put there; write the values into it".to_owned(),
        given => format!("the statement takes {takes} parameters, and {given} were given"),
    })
}

fn by_code(server: ServerError, timeout: Duration) -> SqlError {
    let ServerError { code, message, .. } = server;
    if STOPPED.contains(&code) {
        return SqlError::TimedOut(timeout);
    }
    let message = match code {
        _ if DENIED.contains(&code) => denied(&message),
        _ if READ_ONLY.contains(&code) => {
            return SqlError::Rejected("the access is read-only, and the statement would write".to_owned());
        }
        _ if LOCKED.contains(&code) => "another transaction holds what the statement needs; try again later".to_owned(),
        _ => match message.split_once(" for the right syntax to use ") {
            Some((_, place)) => format!("the server can't read the statement {place}"),
            None => message,
        },
    };
    SqlError::Database { message, code: code.to_string(), position: None }
}

/// `SELECT command denied to user 'u'@'10.0.0.7' for table 't'` without the user and the host.
fn denied(message: &str) -> String {
    let Some((before, rest)) = message.split_once(" to user ").or_else(|| message.split_once(" for user ")) else {
        return "the database's user may not do this".to_owned();
    };
    let after = rest.split_once(" for ").or_else(|| rest.split_once(" to ")).map_or("", |(_, after)| after);
    let what = if after.is_empty() { String::new() } else { format!(" for {after}") };
    format!("{before}{what}: the database's user may not do this")
}

#[cfg(test)]
mod tests {
    use super::denied;

    #[test]
    fn what_is_denied_is_told_without_who_and_where() {
        for (said, words) in [
            (
                "SELECT command denied to user 'u'@'10.0.0.7' for table `shop`.`secret`",
                "SELECT command denied for table `shop`.`secret`: the database's user may not do this",
            ),
            (
                "Access denied for user 'u'@'10.0.0.7' to database 'x'",
                "Access denied for database 'x': the database's user may not do this",
            ),
            ("Access denied; you need the SUPER privilege", "the database's user may not do this"),
        ] {
            assert_eq!(denied(said), words);
        }
    }
}
