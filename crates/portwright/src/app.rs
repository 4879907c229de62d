//! [`App`]: a server put together in Rust: from a configuration, from sources and guards of one's own, or from both.

use std::fmt;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use portwright_core::{Fetch, Guard, Pointer, Source, SourceConfig};
use portwright_server::plan::ServerPlan;
use portwright_server::{Mount, Origin, Server, StartError, TransportError};
use portwright_sources::shared::http::Client;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::config::plan::{self, LISTEN_DEFAULT};
use crate::config::{self, ConfigError, Configured, Environment, Plan};

/// A server that does not run yet.
///
/// ```no_run
/// use portwright::App;
/// use portwright_core::tool::Tools;
/// use portwright_core::{Context, Refusal};
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let greeter = Tools::new("greeter")
///     .tool("greet", "Says hello.", |(): (), _: Context| async { Ok::<_, Refusal>("hello".to_owned()) });
/// App::new("acme").source("greeter", greeter).run().await?;
/// # Ok(())
/// # }
/// ```
///
/// An app has no configuration file unless it [asks for one](Self::from_file). People who want the whole command line
/// with kinds of source of their own write a [`Program`](crate::Program).
pub struct App {
    plan: ServerPlan,
    listen: SocketAddr,
    mounts: Vec<Mount>,
    guards: Vec<Arc<dyn Guard>>,
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App")
            .field("plan", &self.plan)
            .field("listen", &self.listen)
            .field("mounts", &self.mounts)
            .field("guards", &self.guards.iter().map(|guard| guard.name()).collect::<Vec<_>>())
            .finish()
    }
}

/// Why a server does not run, or no longer.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    #[error("can't start")]
    Start(#[from] StartError),
    #[error("can't listen on {0}")]
    Listen(SocketAddr, #[source] std::io::Error),
    /// Nothing asks callers who they are, and the address can be reached from other machines.
    #[error("{0} can be reached from other machines, and nothing asks callers who they are")]
    OpenToAll(SocketAddr),
    #[error("the transport failed")]
    Transport(#[from] TransportError),
}

impl App {
    /// A server of that name, with every default and nothing to offer.
    pub fn new(name: impl Into<String>) -> Self {
        Self { plan: ServerPlan::new(name), listen: LISTEN_DEFAULT, mounts: Vec::new(), guards: Vec::new() }
    }

    /// What a configuration says.
    pub fn from_plan(plan: Plan) -> Self {
        let Plan { server, listen, sources } = plan;
        let mounts = sources.into_iter().map(Configured::into_mount).collect();
        Self { plan: server, listen, mounts, guards: Vec::new() }
    }

    /// What the configuration file at `path` says; without a path, the one that `portwright serve` would find.
    pub fn from_file(path: Option<&Path>) -> Result<Self, ConfigError> {
        Ok(Self::from_plan(config::load(path, Environment::default())?.plan))
    }

    /// Adds a source: a [`Source`] that is open already, a [`SourceConfig`] that is opened when the server starts (and
    /// again while it is down), or an `Arc<dyn Source>`.
    #[must_use]
    pub fn source<M>(mut self, name: impl Into<Arc<str>>, source: impl IntoOrigin<M>) -> Self {
        let origin = source.into_origin();
        self.mounts.push(Mount { name: name.into(), kind: "custom".into(), origin, print: None });
        self
    }

    /// Adds a guard. Guards of one's own stand after those that settle who calls and what they may do, and before
    /// arguments are held against schemas, in the order in which they were added. One that panics, or that does not
    /// decide before the call's time is up, refuses the call.
    #[must_use]
    pub fn guard(mut self, guard: impl Guard + 'static) -> Self {
        self.guards.push(Arc::new(guard));
        self
    }

    pub(crate) fn guards(mut self, guards: &[Arc<dyn Guard>]) -> Self {
        self.guards.extend_from_slice(guards);
        self
    }

    /// Where [`run`](Self::run) listens; 127.0.0.1:8722 if nothing is said.
    #[must_use]
    pub fn listen(mut self, address: SocketAddr) -> Self {
        self.listen = address;
        self
    }

    /// Changes what the server is told beside its sources: instructions, time-outs, the audit file, the listener.
    ///
    /// ```
    /// let app = portwright::App::new("acme").with(|plan| {
    ///     plan.instructions = Some("Ask for one town at a time.".to_owned());
    ///     plan.call_timeout = std::time::Duration::from_secs(5);
    /// });
    /// # let _ = app;
    /// ```
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(&mut ServerPlan)) -> Self {
        change(&mut self.plan);
        self
    }

    /// Starts the server; its sources open in the background. The caller chooses the transports.
    pub fn start(mut self) -> Result<Server, StartError> {
        if self.plan.oauth.is_some() && self.plan.fetch.is_none() {
            self.plan.fetch = Client::new().ok().map(|client| Arc::new(client) as Arc<dyn Fetch>);
        }
        Server::start_with(self.plan, self.mounts, self.guards)
    }

    /// Serves HTTP until `Ctrl-C`.
    pub async fn run(self) -> Result<(), RunError> {
        let address = self.listen;
        if plan::exposed(address, self.plan.listen.anonymous, self.plan.asks_for_proof(), Pointer::root()).is_some() {
            return Err(RunError::OpenToAll(address));
        }
        let listener = TcpListener::bind(address).await.map_err(|error| RunError::Listen(address, error))?;
        Ok(self.start()?.serve_http(listener, interrupted()).await?)
    }

    /// Serves one client on standard input and output until either side ends, or until `Ctrl-C`.
    pub async fn run_stdio(self) -> Result<(), RunError> {
        Ok(self.start()?.serve_stdio(interrupted()).await?)
    }
}

/// Fires on `Ctrl-C`.
fn interrupted() -> CancellationToken {
    let shutdown = CancellationToken::new();
    let stop = shutdown.clone();
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            stop.cancel();
        }
    });
    shutdown
}

/// What [`App::source`] takes. The parameter tells the ways apart and is inferred.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is neither a source nor the configuration of one",
    note = "implement `Source` (what serves) or `SourceConfig` (what opens a source)"
)]
pub trait IntoOrigin<Way> {
    /// Where the source comes from.
    fn into_origin(self) -> Origin;
}

/// The ways of [`IntoOrigin`].
pub mod way {
    /// A source that is open.
    #[derive(Debug)]
    pub enum Open {}
    /// A source that is open and shared.
    #[derive(Debug)]
    pub enum Shared {}
    /// The same, of a type that is not known.
    #[derive(Debug)]
    pub enum Dynamic {}
    /// What opens a source.
    #[derive(Debug)]
    pub enum Config {}
}

impl<S: Source + 'static> IntoOrigin<way::Open> for S {
    fn into_origin(self) -> Origin {
        Origin::Open(Arc::new(self))
    }
}

impl<S: Source + 'static> IntoOrigin<way::Shared> for Arc<S> {
    fn into_origin(self) -> Origin {
        Origin::Open(self)
    }
}

impl IntoOrigin<way::Dynamic> for Arc<dyn Source> {
    fn into_origin(self) -> Origin {
        Origin::Open(self)
    }
}

impl<C: SourceConfig + 'static> IntoOrigin<way::Config> for C {
    fn into_origin(self) -> Origin {
        Origin::Config(Box::new(self))
    }
}
