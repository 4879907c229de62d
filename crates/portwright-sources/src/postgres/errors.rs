//! PostgreSQL's errors in the shared words.

use std::error::Error;
use std::io;
use std::time::Duration;

use tokio_postgres::error::{DbError, ErrorPosition};

use crate::shared::sql::SqlError;

/// What went wrong on a session, whoever spoke on it.
#[derive(Debug)]
pub(super) enum Fault {
    /// The connection is gone, or about to go.
    Lost(Box<dyn Error + Send + Sync>),
    /// The server refused a statement.
    Refused(Report),
    Other(Box<dyn Error + Send + Sync>),
}

/// What the server says of an error.
#[derive(Debug, Clone, Default, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub(super) struct Report {
    /// SQLSTATE.
    pub(super) code: String,
    pub(super) message: String,
    pub(super) detail: Option<String>,
    pub(super) hint: Option<String>,
    /// In characters from 1 of the statement as sent.
    pub(super) position: Option<usize>,
}

impl Report {
    /// Reads the body of an `ErrorResponse`: a byte for the field and its text, each ended by a zero.
    pub(super) fn parse(body: &[u8]) -> Self {
        let mut report = Self::default();
        for field in body.split(|byte| *byte == 0) {
            let Some((kind, text)) = field.split_first() else { continue };
            let text = String::from_utf8_lossy(text).into_owned();
            match kind {
                b'C' => report.code = text,
                b'M' => report.message = text,
                b'D' => report.detail = Some(text),
                b'H' => report.hint = Some(text),
                b'P' => report.position = text.parse().ok(),
                _ => {}
            }
        }
        report
    }

    /// The server ends the session, or never began it.
    fn is_farewell(&self) -> bool {
        matches!(self.code.as_str(), "57P01" | "57P02" | "57P03") || self.code.starts_with("08")
    }

    /// What was prepared no longer fits the tables, or is gone.
    fn is_stale(&self) -> bool {
        self.code == "26000" || (self.code == "0A000" && self.message.contains("cached plan"))
    }

    /// The message, what it says of the data at fault, and what to do.
    fn words(&self) -> String {
        let mut words = self.message.clone();
        // Details of other errors may name what only the server should know.
        let about_data = self.code.starts_with("23") || self.code.starts_with("22");
        if let Some(detail) = self.detail.as_deref().filter(|_| about_data) {
            words.push_str(". ");
            words.push_str(detail.trim_end_matches('.'));
        }
        if let Some(hint) = &self.hint {
            words.push_str(". ");
            words.push_str(hint);
        }
        if words.contains("no binary output function") {
            words.push_str(". Cast the column to text");
        }
        words
    }
}

impl From<&DbError> for Report {
    fn from(error: &DbError) -> Self {
        Self {
            code: error.code().code().to_owned(),
            message: error.message().to_owned(),
            detail: error.detail().map(str::to_owned),
            hint: error.hint().map(str::to_owned),
            position: match error.position() {
                Some(ErrorPosition::Original(at)) => Some(*at as usize),
                _ => None,
            },
        }
    }
}

impl From<Report> for Fault {
    fn from(report: Report) -> Self {
        if report.is_farewell() { Self::Lost(Box::new(report)) } else { Self::Refused(report) }
    }
}

impl From<tokio_postgres::Error> for Fault {
    fn from(error: tokio_postgres::Error) -> Self {
        match error.as_db_error() {
            Some(db) => Report::from(db).into(),
            None if error.is_closed() || is_io(&error) => Self::Lost(Box::new(error)),
            None => Self::Other(Box::new(error)),
        }
    }
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Self::Lost(Box::new(error))
    }
}

fn is_io(error: &tokio_postgres::Error) -> bool {
    error.source().is_some_and(<dyn Error>::is::<io::Error>)
}

impl Fault {
    pub(super) fn is_lost(&self) -> bool {
        matches!(self, Self::Lost(_))
    }

    /// Whether what was prepared is of no use any more.
    pub(super) fn is_stale(&self) -> bool {
        matches!(self, Self::Refused(report) if report.is_stale())
    }

    /// `prefix`: characters that we put before the caller's statement.
    pub(super) fn told(self, timeout: Duration, prefix: usize) -> SqlError {
        match self {
            Self::Lost(error) => SqlError::Unreachable(error),
            Self::Other(error) => SqlError::Internal(error),
            // The statement was called off, or its time was over.
            Self::Refused(report) if report.code == "57014" => SqlError::TimedOut(timeout),
            Self::Refused(report) => SqlError::Database {
                message: report.words(),
                position: report.position.and_then(|at| at.checked_sub(prefix)).filter(|at| *at > 0),
                code: report.code,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Report;

    #[test]
    fn a_report_is_read_field_by_field() {
        let body = b"SERROR\0VERROR\0C42703\0Mcolumn \"x\" does not exist\0P8\0Hlook\0\0";
        let report = Report::parse(body);
        assert_eq!((report.code.as_str(), report.position, report.hint.as_deref()), ("42703", Some(8), Some("look")));
        assert_eq!(report.words(), "column \"x\" does not exist. look");
        assert_eq!(Report::parse(b"\0\xff\0C").code, "");
    }
}
