//! [`App`]: a server put together in Rust: from a plan, from sources of one's own, or from both.

use std::net::SocketAddr;
use std::sync::Arc;

use portwright_core::Source;
use portwright_server::plan::ServerPlan;
use portwright_server::{Mount, Origin, Server, StartError, TransportError};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::config::plan::LISTEN_DEFAULT;
use crate::config::{Configured, Plan};

/// A server that does not run yet.
///
/// ```no_run
/// # async fn example(mine: std::sync::Arc<dyn portwright_core::Source>) -> Result<(), Box<dyn std::error::Error>> {
/// portwright::App::new("acme").source("mine", mine).run().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct App {
    plan: ServerPlan,
    listen: SocketAddr,
    mounts: Vec<Mount>,
}

/// Why a server does not run, or no longer.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    #[error("can't start")]
    Start(#[from] StartError),
    #[error("can't listen on {0}")]
    Listen(SocketAddr, #[source] std::io::Error),
    #[error("the listener failed")]
    Transport(#[from] TransportError),
}

impl App {
    /// A server of that name, with every default and nothing to offer.
    pub fn new(name: impl Into<String>) -> Self {
        Self { plan: ServerPlan::new(name), listen: LISTEN_DEFAULT, mounts: Vec::new() }
    }

    /// What a configuration says.
    pub fn from_plan(plan: Plan) -> Self {
        let Plan { server, listen, sources } = plan;
        let mount =
            |source: Configured| Mount { name: source.name, kind: source.kind, origin: Origin::Config(source.config) };
        Self { plan: server, listen, mounts: sources.into_iter().map(mount).collect() }
    }

    /// Adds a source that is open already.
    #[must_use]
    pub fn source(mut self, name: impl Into<Arc<str>>, source: Arc<dyn Source>) -> Self {
        self.mounts.push(Mount { name: name.into(), kind: "custom".into(), origin: Origin::Open(source) });
        self
    }

    /// Where [`run`](Self::run) listens.
    #[must_use]
    pub fn listen(mut self, address: SocketAddr) -> Self {
        self.listen = address;
        self
    }

    /// Starts the server; its sources open in the background. The caller chooses the transports.
    pub fn start(self) -> Result<Server, StartError> {
        Server::start(self.plan, self.mounts)
    }

    /// Serves HTTP until `Ctrl-C`.
    pub async fn run(self) -> Result<(), RunError> {
        let address = self.listen;
        let listener = TcpListener::bind(address).await.map_err(|error| RunError::Listen(address, error))?;
        let server = self.start()?;
        let shutdown = CancellationToken::new();
        let stop = shutdown.clone();
        tokio::spawn(async move {
            if tokio::signal::ctrl_c().await.is_ok() {
                stop.cancel();
            }
        });
        Ok(server.serve_http(listener, shutdown).await?)
    }
}
