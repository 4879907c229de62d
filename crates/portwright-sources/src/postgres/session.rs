//! One connection: how it is opened, how a statement on it is called off, how it is made clean again.

use std::collections::HashMap;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use portwright_core::limits::CONNECT_WAIT;
use tokio::io::AsyncReadExt as _;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};
use tokio_postgres::tls::{MakeTlsConnect, NoTls};
use tokio_postgres::types::Type;
use tokio_postgres::{CancelToken, Client, Config, Statement};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::dsn::Dsn;
use super::flight::Flight;
use super::line::Bounded;
use super::run::columns;
use super::tls;
use super::wire::{BoundedTls, Endpoint, Socket};
use crate::shared::sql::OutputColumn;

/// How long the server may take to stop a statement that was called off, and to end its transaction.
const SETTLE_WAIT: Duration = Duration::from_secs(5);

/// The first pause before the server is asked again to stop.
const CANCEL_PAUSE: Duration = Duration::from_millis(50);

/// Statements that one connection keeps prepared. Only those of the configuration are.
const PREPARED_MAX: usize = 1000;

/// What ends a transaction and leaves nothing behind. Everything that a read-only call may have set ends with its
/// transaction, but for locks that are the session's.
const RESET_READ: &str = "ROLLBACK; SELECT pg_catalog.pg_advisory_unlock_all()";
const RESET_WRITE: &str = "ROLLBACK; CLOSE ALL; SET SESSION AUTHORIZATION DEFAULT; RESET ALL; UNLISTEN *; \
                           SELECT pg_catalog.pg_advisory_unlock_all(); DISCARD TEMP; DISCARD SEQUENCES";

/// How long a transaction may rest while the next message is on its way, beyond its statement's time.
const REST_MILLIS: u128 = 5_000;

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub(super) enum OpenError {
    #[error("TLS can't be set up")]
    Tls(#[from] tls::TlsError),
    #[error("the host has no address")]
    Resolve(#[source] io::Error),
    #[error("no connection to the server")]
    Connect(#[source] io::Error),
    #[error("the server did not answer in time")]
    TimedOut,
    #[error("the server refused the session")]
    Refused(#[from] tokio_postgres::Error),
    #[error("no server takes {0} transactions")]
    WrongServer(&'static str),
}

/// Opens connections to one database.
#[derive(Clone)]
pub(super) struct Opener {
    dsn: Arc<Dsn>,
    tls: MakeRustlsConnect,
    /// How long a statement may run, unless its call says otherwise.
    statement_wait: Duration,
}

impl std::fmt::Debug for Opener {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Opener").field("dsn", &self.dsn).finish_non_exhaustive()
    }
}

/// A prepared statement, with what its rows are.
#[derive(Debug, Clone)]
pub(super) struct Prepared {
    pub(super) statement: Statement,
    pub(super) columns: Arc<[OutputColumn]>,
    pub(super) types: Arc<[Type]>,
}

impl From<Statement> for Prepared {
    fn from(statement: Statement) -> Self {
        let types = statement.columns().iter().map(|column| column.type_().clone()).collect();
        Self { columns: columns(&statement).into(), types, statement }
    }
}

/// A statement of the configuration.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) prepared: Prepared,
    /// What flights call it: the driver keeps its own name for itself.
    pub(super) name: String,
    /// Whether the server knows that name.
    pub(super) is_named: bool,
}

/// An open connection.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) client: Client,
    pub(super) flight: Flight,
    /// Statements of the configuration by their text.
    pub(super) statements: HashMap<String, Kept>,
    /// How many of the statements that every flight has are prepared.
    pub(super) every_prepared: usize,
    /// What holds for every transaction, as SQL. Said once, since what changes it within a read-only call ends with
    /// that call's transaction; said again after a call that wrote.
    settings: String,
    /// How long a statement may run by these settings.
    pub(super) statement_wait: Duration,
    /// The schema that new objects would come into.
    pub(super) default_schema: String,
    endpoint: Endpoint,
    host: String,
    exceeded: Arc<AtomicBool>,
    task: JoinHandle<()>,
}

impl Drop for Session {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Opener {
    pub(super) fn new(dsn: Dsn, statement_wait: Duration) -> Result<Self, tls::TlsError> {
        let tls = tls::connector(&dsn.security, dsn.is_direct())?;
        Ok(Self { dsn: Arc::new(dsn), tls, statement_wait })
    }

    pub(super) fn dsn(&self) -> &Dsn {
        &self.dsn
    }

    pub(super) fn statement_wait(&self) -> Duration {
        self.statement_wait
    }

    /// Tries each host in turn.
    pub(super) async fn open(&self) -> Result<Session, OpenError> {
        let wait = self.dsn.config.get_connect_timeout().copied().unwrap_or(CONNECT_WAIT).min(CONNECT_WAIT);
        let open = async {
            let mut last = OpenError::TimedOut;
            for index in 0..self.dsn.config.get_hosts().len().max(self.dsn.config.get_hostaddrs().len()) {
                match self.open_host(index).await {
                    Ok(session) => return Ok(session),
                    Err(error) => last = error,
                }
            }
            Err(last)
        };
        timeout(wait, open).await.unwrap_or(Err(OpenError::TimedOut))
    }

    async fn open_host(&self, index: usize) -> Result<Session, OpenError> {
        let (host, endpoints) = endpoints(&self.dsn.config, index).await?;
        let mut last = OpenError::TimedOut;
        for endpoint in endpoints {
            match endpoint.open().await {
                Ok(socket) => return self.greet(socket, endpoint, host).await,
                Err(error) => last = OpenError::Connect(error),
            }
        }
        Err(last)
    }

    async fn greet(&self, socket: Socket, endpoint: Endpoint, host: String) -> Result<Session, OpenError> {
        let exceeded = Arc::new(AtomicBool::new(false));
        let config = &self.dsn.config;
        let (client, task, line) = if config.get_ssl_mode() == SslMode::Disable {
            let stream = Bounded::new(socket, false, exceeded.clone());
            let line = stream.line();
            let (client, connection) = config.connect_raw(stream, NoTls).await?;
            (client, tokio::spawn(async move { log_end(connection.await) }), line)
        } else {
            let stream = if self.dsn.is_direct() {
                Bounded::opaque(socket, exceeded.clone())
            } else {
                Bounded::new(socket, true, exceeded.clone())
            };
            let plain = stream.line();
            let secured = Arc::new(OnceLock::new());
            let mut tls = BoundedTls { inner: self.tls.clone(), exceeded: exceeded.clone(), line: secured.clone() };
            let Ok(tls) = MakeTlsConnect::<Bounded<Socket>>::make_tls_connect(&mut tls, &host);
            let (client, connection) = config.connect_raw(stream, tls).await?;
            let line = secured.get().cloned().unwrap_or(plain);
            (client, tokio::spawn(async move { log_end(connection.await) }), line)
        };
        let mut session = Session {
            client,
            flight: Flight::new(line),
            statements: HashMap::new(),
            every_prepared: 0,
            settings: String::new(),
            statement_wait: self.statement_wait,
            default_schema: String::new(),
            endpoint,
            host,
            exceeded,
            task,
        };
        session.begin(config.get_target_session_attrs()).await?;
        Ok(session)
    }

    /// Stops what the session's server process does now. Returns when it has stopped, and no signal is on its way that
    /// could hit what comes later.
    pub(super) async fn call_off(&self, session: &mut Session) -> io::Result<()> {
        let (token, endpoint, host) = (session.client.cancel_token(), session.endpoint.clone(), session.host.clone());
        // Answered when what was sent before has come to an end.
        let mut end = pin!(session.quiet());
        let mut pause = CANCEL_PAUSE;
        loop {
            self.cancel(&token, &endpoint, &host).await?;
            // The server forgets a signal that comes between two messages, so one is not always enough.
            match timeout(pause, end.as_mut()).await {
                Ok(ended) => return ended,
                Err(_) => pause *= 2,
            }
        }
    }

    /// Returns when the server has sent the signal.
    async fn cancel(&self, token: &CancelToken, endpoint: &Endpoint, host: &str) -> io::Result<()> {
        let mut socket = endpoint.open().await?;
        self.send_cancel(token, socket.clone(), host).await.map_err(io::Error::other)?;
        // The server closes its end when it has done so.
        let mut rest = [0; 64];
        while socket.read(&mut rest).await? > 0 {}
        Ok(())
    }

    async fn send_cancel(&self, token: &CancelToken, socket: Socket, host: &str) -> Result<(), tokio_postgres::Error> {
        if self.dsn.config.get_ssl_mode() == SslMode::Disable {
            return token.cancel_query_raw(socket, NoTls).await;
        }
        let mut tls = self.tls.clone();
        let Ok(tls) = MakeTlsConnect::<Socket>::make_tls_connect(&mut tls, host);
        token.cancel_query_raw(socket, tls).await
    }

    /// Makes a session clean, whatever was on it. None if that can't be done; it is closed then.
    pub(super) async fn settle(&self, mut session: Box<Session>, running: bool, wrote: bool) -> Option<Box<Session>> {
        let settle = async {
            if running && let Err(error) = self.call_off(&mut session).await {
                tracing::debug!(%error, "statement can't be called off");
                return None;
            }
            session.client.batch_execute(if wrote { RESET_WRITE } else { RESET_READ }).await.ok()?;
            if wrote {
                session.client.batch_execute(&session.settings).await.ok()?;
            }
            Some(session)
        };
        timeout(SETTLE_WAIT, settle).await.ok().flatten()
    }
}

impl Session {
    /// Learns what there is to know, once.
    async fn begin(&mut self, wanted: TargetSessionAttrs) -> Result<(), OpenError> {
        let facts = "SELECT pg_catalog.current_schemas(false)::pg_catalog.text[], pg_catalog.pg_is_in_recovery()";
        let row = self.client.query_one(facts, &[]).await?;
        let schemas: Vec<String> = row.try_get(0)?;
        let standby: bool = row.try_get(1)?;
        match wanted {
            TargetSessionAttrs::ReadWrite if standby => return Err(OpenError::WrongServer("writing")),
            TargetSessionAttrs::ReadOnly if !standby => return Err(OpenError::WrongServer("only reading")),
            _ => {}
        }
        self.default_schema = schemas.first().cloned().unwrap_or_else(|| "public".to_owned());
        // PostgreSQL's own names come first without being named, and temporary tables last, so that nothing shadows what
        // a query means. The first that is named is where new objects come into.
        let own = schemas.iter().filter(|schema| *schema != "pg_catalog").map(|schema| identifier(schema));
        let mut path: Vec<String> = own.chain(["pg_temp".to_owned()]).collect();
        if path.len() == 1 {
            path.insert(0, "pg_catalog".to_owned());
        }
        self.settings = format!(
            "SET default_transaction_read_only = on; SET standard_conforming_strings = on; SET search_path = {}; {}",
            path.join(", "),
            waits("SET", self.statement_wait)
        );
        self.client.batch_execute(&self.settings).await?;
        Ok(())
    }

    /// Returns when the server has answered all that it was sent.
    async fn quiet(&mut self) -> io::Result<()> {
        self.flight.land().await?;
        match self.client.batch_execute("").await {
            Err(error) if error.is_closed() => Err(io::Error::other(error)),
            _ => Ok(()),
        }
    }

    pub(super) fn is_open(&self) -> bool {
        !self.client.is_closed() && !self.flight.is_broken()
    }

    /// Whether the connection ended for a message that was too long.
    pub(super) fn exceeded(&self) -> bool {
        self.exceeded.load(Ordering::Relaxed)
    }

    pub(super) fn prepared(&self, sql: &str) -> Option<Prepared> {
        self.statements.get(sql).map(|kept| kept.prepared.clone())
    }

    pub(super) fn keep(&mut self, sql: &str, prepared: &Prepared) {
        if self.statements.len() < PREPARED_MAX {
            let name = format!("portwright_{}", self.statements.len());
            self.statements.insert(sql.to_owned(), Kept { prepared: prepared.clone(), name, is_named: false });
        }
    }

    /// Forgets what was prepared, for instance since a table changed.
    pub(super) fn forget(&mut self) {
        self.statements.clear();
        self.client.clear_type_cache();
    }
}

/// How long a statement, its locks and the pauses of its transaction may take, as SQL; `set` is `SET` or `SET LOCAL`.
pub(super) fn waits(set: &str, statement: Duration) -> String {
    let millis = statement.as_millis().clamp(1, i32::MAX as u128 - REST_MILLIS);
    format!(
        "{set} statement_timeout = {millis}; {set} lock_timeout = {lock}; \
         {set} idle_in_transaction_session_timeout = {idle}",
        lock = (millis * 9 / 10).max(1),
        idle = millis + REST_MILLIS,
    )
}

/// A name as SQL, whatever is in it.
pub(super) fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn log_end(end: Result<(), tokio_postgres::Error>) {
    if let Err(error) = end {
        tracing::debug!(%error, "connection ended");
    }
}

/// The host's name, for its certificate, and where it listens.
async fn endpoints(config: &Config, index: usize) -> Result<(String, Vec<Endpoint>), OpenError> {
    let port = match config.get_ports() {
        [] => 5432,
        [port] => *port,
        ports => ports.get(index).copied().unwrap_or(5432),
    };
    let host = config.get_hosts().get(index);
    if let Some(address) = config.get_hostaddrs().get(index) {
        let name = match host {
            Some(Host::Tcp(name)) => name.clone(),
            _ => address.to_string(),
        };
        return Ok((name, vec![Endpoint::Tcp((*address, port).into())]));
    }
    match host {
        Some(Host::Tcp(name)) => {
            let found = tokio::net::lookup_host((name.as_str(), port)).await.map_err(OpenError::Resolve)?;
            Ok((name.clone(), found.map(Endpoint::Tcp).collect()))
        }
        #[cfg(unix)]
        Some(Host::Unix(folder)) => Ok((String::new(), vec![Endpoint::Unix(folder.join(format!(".s.PGSQL.{port}")))])),
        None => Err(OpenError::TimedOut),
    }
}
