//! A connection: opened, set up so that the guard's reading of a statement is the server's, called off from another one.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use mysql_async::prelude::Queryable as _;
use mysql_async::{Conn, DriverError, Opts};
use portwright_core::limits;
use tokio::time::timeout;

use super::dsn::Dsn;
use crate::shared::sql::Access;

/// Bytes of one packet, which is a row.
pub(super) const PACKET_BYTES_MAX: usize = 16 * 1024 * 1024;

/// How long a server may take to end what it was told to end.
const SETTLE_WAIT: Duration = Duration::from_secs(5);

/// What is set in each session, at its start and after each reset. Backslashes escape and double quotes hold texts, as
/// the guard reads them; moments are in UTC; a value that does not fit is an error.
const SETUP: &str = "SET SESSION sql_mode = CONCAT('STRICT_TRANS_TABLES,ERROR_FOR_DIVISION_BY_ZERO,\
    NO_ENGINE_SUBSTITUTION', IF(FIND_IN_SET('ONLY_FULL_GROUP_BY', @@GLOBAL.sql_mode), ',ONLY_FULL_GROUP_BY', '')), \
    time_zone = '+00:00', autocommit = 1, net_write_timeout = 60";

/// Outside of a transaction that says otherwise, nothing is written.
const READ_ONLY: &str = "SET SESSION TRANSACTION READ ONLY";

/// Whose server it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flavor {
    MySql,
    MariaDb,
}

/// Why there is no session.
#[derive(Debug, thiserror::Error)]
pub(super) enum OpenError {
    #[error("the server did not answer in time")]
    TimedOut,
    #[error(transparent)]
    Refused(#[from] mysql_async::Error),
    #[error("the server is too old (MySQL 8.0.13 or MariaDB 10.2.4 is needed)")]
    TooOld,
}

/// An open connection.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) conn: Conn,
    pub(super) flavor: Flavor,
}

/// Opens sessions, and ends what runs on them.
#[derive(Debug)]
pub(super) struct Opener {
    pub(super) dsn: Dsn,
    access: Access,
    /// The server was seen to have no TLS, and need not have.
    plain: AtomicBool,
}

impl Opener {
    pub(super) fn new(dsn: Dsn, access: Access) -> Self {
        // The driver asks for the process's provider of TLS. Whoever has chosen one keeps it.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        Self { dsn, access, plain: AtomicBool::new(false) }
    }

    pub(super) async fn open(&self) -> Result<Session, OpenError> {
        timeout(limits::CONNECT_WAIT, self.opened()).await.unwrap_or(Err(OpenError::TimedOut))
    }

    async fn opened(&self) -> Result<Session, OpenError> {
        let mut conn = self.connected().await?;
        let version: Option<String> = conn.query_first("SELECT VERSION()").await?;
        let is_maria = version.is_some_and(|version| version.to_ascii_lowercase().contains("mariadb"));
        let flavor = if is_maria { Flavor::MariaDb } else { Flavor::MySql };
        let oldest = if is_maria { (10, 2, 4) } else { (8, 0, 13) };
        if conn.server_version() < oldest {
            return Err(OpenError::TooOld);
        }
        Ok(Session { conn, flavor })
    }

    async fn connected(&self) -> Result<Conn, mysql_async::Error> {
        let plain = self.plain.load(Ordering::Relaxed);
        match Conn::new(self.options(plain)).await {
            Err(mysql_async::Error::Driver(DriverError::NoClientSslFlagFromServer)) if self.dsn.may_be_plain() => {
                self.plain.store(true, Ordering::Relaxed);
                Conn::new(self.options(true)).await
            }
            opened => opened,
        }
    }

    fn options(&self, plain: bool) -> Opts {
        let mut setup = vec![SETUP];
        if self.access == Access::ReadOnly {
            setup.push(READ_ONLY);
        }
        let options = self
            .dsn
            .options(plain)
            .setup(setup)
            .prefer_socket(false)
            .tcp_nodelay(true)
            .tcp_keepalive(Some(Duration::from_mins(1)))
            .client_found_rows(true)
            // What is prepared does not outlive the reset after each call.
            .stmt_cache_size(0_usize)
            .wait_timeout(Some(0))
            .max_allowed_packet(Some(PACKET_BYTES_MAX));
        options.into()
    }

    /// Ends the statement that runs on a session, or the session with it.
    async fn kill(&self, what: &str, id: u32) -> Result<(), OpenError> {
        let ended = async {
            let mut conn = self.connected().await?;
            conn.query_drop(format!("KILL {what} {id}")).await?;
            conn.disconnect().await?;
            Ok(())
        };
        timeout(SETTLE_WAIT, ended).await.unwrap_or(Err(OpenError::TimedOut))
    }

    /// Makes a session ready for another call: what runs is ended, and nothing is left behind. None if that can't be.
    pub(super) async fn settle(&self, mut session: Session, running: bool) -> Option<Session> {
        let id = session.conn.id();
        if !running {
            return timeout(SETTLE_WAIT, session.reset()).await.ok()?.ok().map(|()| session);
        }
        // The driver does not know where the line stands if it was left in the middle of an answer.
        if session.conn.is_disconnected() {
            self.end(id).await;
            return None;
        }
        if self.kill("QUERY", id).await.is_ok() {
            // What is still on the line is read and thrown away; then comes the server's word that it stopped.
            let settled = timeout(SETTLE_WAIT, async {
                if session.reset().await.is_err() {
                    session.reset().await?;
                }
                Ok::<_, mysql_async::Error>(())
            });
            if matches!(settled.await, Ok(Ok(()))) && !session.conn.is_disconnected() {
                return Some(session);
            }
        }
        self.end(id).await;
        None
    }

    async fn end(&self, id: u32) {
        if let Err(error) = self.kill("CONNECTION", id).await
            && !matches!(&error, OpenError::Refused(mysql_async::Error::Server(gone)) if gone.code == UNKNOWN_THREAD)
        {
            tracing::warn!(%error, "a session could not be ended; it ends when its statement does");
        }
    }
}

/// `ER_NO_SUCH_THREAD`: it has ended by itself.
const UNKNOWN_THREAD: u16 = 1094;

impl Session {
    /// Rolls back, and takes away all that a call may have left.
    async fn reset(&mut self) -> Result<(), mysql_async::Error> {
        self.conn.reset().await.map(drop)
    }

    /// Begins a transaction whose statement may take this long and give so many rows.
    pub(super) async fn begin(
        &mut self,
        access: Access,
        wait: Duration,
        rows_max: Option<usize>,
    ) -> Result<(), mysql_async::Error> {
        // Zero would be no bound.
        let millis = wait.as_millis().max(1);
        let bound = match self.flavor {
            Flavor::MySql => format!("max_execution_time = {millis}"),
            Flavor::MariaDb => format!("max_statement_time = {}.{:03}", millis / 1000, millis % 1000),
        };
        // One row more than is wanted says that there are more.
        let rows = rows_max.map_or_else(|| "DEFAULT".to_owned(), |rows| rows.saturating_add(1).to_string());
        let locks = wait.as_secs().max(1);
        let set = format!(
            "SET SESSION {bound}, sql_select_limit = {rows}, lock_wait_timeout = {locks}, \
             innodb_lock_wait_timeout = {locks}"
        );
        self.conn.query_drop(set).await?;
        let mode = if access == Access::ReadOnly { "READ ONLY" } else { "READ WRITE" };
        self.conn.query_drop(format!("START TRANSACTION {mode}")).await
    }
}
