//! [`Appender`]: one connection that only ever adds rows, for whoever keeps records in a table.
//!
//! It is no source and knows no tool: it has what the sources have of connection strings and TLS, and a transaction that
//! may write.

use std::path::Path;

use portwright_core::{Secret, limits};
use tokio::sync::Mutex;
use tokio_postgres::types::{ToSql, Type};

use super::dsn::{Dsn, DsnError};
use super::session::{OpenError, Opener, Session};
use super::tls::TlsError;

/// Adds rows to a table of one database. Connects when there is something to add, and again after the connection broke.
#[derive(Debug)]
pub struct Appender {
    opener: Opener,
    /// Statements that come first on each new connection.
    prepare: String,
    session: Mutex<Option<Box<Session>>>,
}

/// Why a connection string can't be used.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct UrlError(#[from] UrlErrorKind);

#[derive(Debug, thiserror::Error)]
enum UrlErrorKind {
    #[error(transparent)]
    Dsn(#[from] DsnError),
    #[error("TLS can't be set up")]
    Tls(#[from] TlsError),
}

/// Why rows were not added.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    #[error("{}", with_cause(.0))]
    Open(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The text of others would not come back as it was.
    #[error("the database's encoding is {0}, not UTF8")]
    Encoding(String),
    /// The server does not take these values.
    #[error("{}", spoken(.0))]
    Values(#[source] tokio_postgres::Error),
    #[error("{}", spoken(.0))]
    Statement(#[source] tokio_postgres::Error),
}

/// Why there is no connection.
type OpenErrorBox = Box<dyn std::error::Error + Send + Sync>;

impl From<OpenError> for AppendError {
    fn from(error: OpenError) -> Self {
        Self::Open(Box::new(error))
    }
}

fn with_cause(error: &OpenErrorBox) -> String {
    match error.source() {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}

/// What the server said. Its details may hold values, so they are left out.
fn spoken(error: &tokio_postgres::Error) -> String {
    error.as_db_error().map_or_else(|| error.to_string(), |told| format!("{} ({})", told.message(), told.code().code()))
}

impl Appender {
    /// To the database that `url` tells of; paths in it are relative to `base`. Connects to nothing yet.
    ///
    /// # Errors
    ///
    /// When the connection string can't be used.
    pub fn new(url: &Secret, base: &Path, prepare: impl Into<String>) -> Result<Self, UrlError> {
        let dsn = Dsn::parse(url, base).map_err(UrlErrorKind::from)?;
        let opener = Opener::new(dsn, limits::AUDIT_SINK_WAIT).map_err(UrlErrorKind::from)?;
        Ok(Self { opener, prepare: prepare.into(), session: Mutex::default() })
    }

    /// Runs one statement; its parameters are arrays of text, a column each. A connection that broke since the last time
    /// is replaced first.
    ///
    /// # Errors
    ///
    /// When the server can't be reached or does not do it. What was done then is not known.
    pub async fn append(&self, statement: &str, columns: &[Vec<String>]) -> Result<(), AppendError> {
        let mut place = self.session.lock().await;
        // Taken out, so that a call that is given up leaves no connection with half an answer on it.
        let session = match place.take().filter(|session| session.is_open()) {
            Some(session) => session,
            None => self.open().await?,
        };
        let parameters: Vec<(&(dyn ToSql + Sync), Type)> =
            columns.iter().map(|column| (column as &(dyn ToSql + Sync), Type::TEXT_ARRAY)).collect();
        let done = session.client.query_typed(statement, &parameters).await;
        if session.is_open() {
            *place = Some(session);
        }
        done.map(drop).map_err(|error| {
            // Classes 22 and 23: data exceptions and constraints.
            let values = error.code().is_some_and(|code| matches!(code.code().get(..2), Some("22" | "23")));
            if values { AppendError::Values(error) } else { AppendError::Statement(error) }
        })
    }

    async fn open(&self) -> Result<Box<Session>, AppendError> {
        let session = Box::new(self.opener.open().await?);
        let writes = "SET default_transaction_read_only = off";
        session.client.batch_execute(writes).await.map_err(AppendError::Statement)?;
        let encoding = session.client.query_typed("SELECT pg_catalog.current_setting('server_encoding')", &[]).await;
        let encoding = encoding.and_then(|rows| rows.first().map_or(Ok(String::new()), |row| row.try_get(0)));
        let encoding = encoding.map_err(AppendError::Statement)?;
        if encoding != "UTF8" {
            return Err(AppendError::Encoding(encoding));
        }
        if !self.prepare.is_empty() {
            session.client.batch_execute(&self.prepare).await.map_err(AppendError::Statement)?;
        }
        Ok(session)
    }
}
