//! TARGET: the MCP server that a client command talks to, and how it is reached.

mod http;
mod in_process;
mod lines;
mod process;
mod sse;
mod tap;
mod websocket;

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use portwright_core::limits;
use rmcp::model::{ClientCapabilities, ClientConfig, Implementation, ProtocolVersion};
use rmcp::service::{ClientInitializeError, Peer, RoleClient, RunningService, ServiceError};
use rmcp::transport::IntoTransport;
use rmcp::transport::streamable_http_client::StreamableHttpError;
use rmcp::{ClientLifecycleMode, ClientServiceExt};
use tap::Tapped;

use super::error::CliError;
use crate::program::Own;

/// Which server: ours by its configuration, one behind a URL, or a command's.
#[derive(Debug, Args)]
#[command(next_help_heading = "Target")]
pub(crate) struct TargetArgs {
    /// Serve this configuration within this process (default: ./portwright.toml)
    #[arg(short, long, value_name = "FILE", conflicts_with_all = ["url", "stdio"])]
    config: Option<PathBuf>,
    /// A server's address: https://mcp.example.com/mcp, http://host/sse, wss://host/ws
    #[arg(long, value_name = "URL", conflicts_with = "stdio")]
    url: Option<String>,
    /// A command that speaks MCP on its standard input and output; it follows `--`
    #[arg(long, requires = "command")]
    stdio: bool,
    /// The command and its arguments
    #[arg(last = true, requires = "stdio", value_name = "COMMAND")]
    command: Vec<String>,
}

/// A conversation with a server.
#[derive(Debug)]
pub(crate) struct Client {
    service: RunningService<RoleClient, ClientConfig>,
    /// The server, for messages.
    what: String,
    /// What lives as long as the conversation.
    carried: Option<Carried>,
}

/// What a conversation needs beside it.
#[derive(Debug)]
enum Carried {
    Server(in_process::Running),
    Carriers(lines::Carriers),
}

impl TargetArgs {
    pub(crate) async fn connect(&self, own: &Own) -> Result<Client, CliError> {
        self.connect_seen(own, Tap::default()).await
    }

    /// Whether it is a configuration of ours, served within this process.
    pub(crate) fn is_ours(&self) -> bool {
        self.url.is_none() && self.command.is_empty()
    }

    pub(crate) fn config(&self) -> Option<&Path> {
        self.config.as_deref()
    }

    /// The same, with the messages seen.
    pub(crate) async fn connect_seen(&self, own: &Own, tap: Tap) -> Result<Client, CliError> {
        if let Some(url) = &self.url {
            return http::connect(url, tap).await;
        }
        match self.command.split_first() {
            Some((program, arguments)) => process::connect(program, arguments, tap).await,
            None => in_process::connect(self.config.as_deref(), own, tap).await,
        }
    }
}

pub(crate) use http::{address as url, login_address, plain_client};
pub(crate) use tap::{Tap, Way};

/// The server behind a URL.
pub(crate) async fn over_http(url: &str) -> Result<Client, CliError> {
    http::connect(url, Tap::default()).await
}

impl Client {
    /// Greets the server, in whichever of the two lifecycles it speaks.
    async fn greet<T, E, A>(transport: T, what: String, carried: Option<Carried>, tap: Tap) -> Result<Self, CliError>
    where
        T: IntoTransport<RoleClient, E, A>,
        E: std::error::Error + Send + Sync + 'static,
    {
        let lifecycle =
            ClientLifecycleMode::Auto { preferred_versions: vec![ProtocolVersion::LATEST], legacy_version: None };
        Self::greet_in(lifecycle, transport, what, carried, tap).await
    }

    /// The same in the lifecycle that the transport has.
    async fn greet_in<T, E, A>(
        lifecycle: ClientLifecycleMode,
        transport: T,
        what: String,
        carried: Option<Carried>,
        tap: Tap,
    ) -> Result<Self, CliError>
    where
        T: IntoTransport<RoleClient, E, A>,
        E: std::error::Error + Send + Sync + 'static,
    {
        let transport = Tapped { inner: transport.into_transport(), tap };
        let greeting = this_client().serve_with_lifecycle(transport, lifecycle);
        let answered = tokio::time::timeout(limits::CLIENT_CONNECT_WAIT, greeting).await;
        match answered {
            Ok(Ok(service)) => Ok(Self { service, what, carried }),
            Ok(Err(ClientInitializeError::JsonRpcError(error))) => Err(CliError::Refused(error.message.into_owned())),
            Ok(Err(error)) if asks_who(&error) => Err(CliError::Unknown(what)),
            Ok(Err(error)) => Err(CliError::Unreachable { what, source: error.into() }),
            Err(_) => {
                let waited = format!("no answer within {:?}", limits::CLIENT_CONNECT_WAIT);
                Err(CliError::Unreachable { what, source: waited.into() })
            }
        }
    }

    pub(crate) fn peer(&self) -> &Peer<RoleClient> {
        self.service.peer()
    }

    /// Waits for an answer, within a bound.
    pub(crate) async fn ask<T>(&self, question: impl Future<Output = Result<T, ServiceError>>) -> Result<T, CliError> {
        match tokio::time::timeout(limits::CLIENT_CALL_WAIT, question).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(ServiceError::McpError(error))) => Err(CliError::Refused(error.message.into_owned())),
            Ok(Err(error)) => Err(CliError::Unreachable { what: self.what.clone(), source: error.into() }),
            Err(_) => Err(CliError::Silent(self.what.clone())),
        }
    }

    /// Says goodbye and lets the server end.
    pub(crate) async fn close(self) {
        /// A command gets end of input, then SIGTERM, then SIGKILL, three seconds apart.
        const FAREWELL: Duration = Duration::from_secs(10);
        let _ = tokio::time::timeout(FAREWELL, self.service.cancel()).await;
        match self.carried {
            Some(Carried::Server(running)) => running.stop().await,
            Some(Carried::Carriers(carriers)) => drop(carriers),
            None => {}
        }
    }
}

/// Whether a server wants a credential that it did not get.
fn asks_who(error: &ClientInitializeError) -> bool {
    let ClientInitializeError::TransportError { error, .. } = error else { return false };
    let http = error.error.downcast_ref::<StreamableHttpError<reqwest::Error>>();
    matches!(http, Some(StreamableHttpError::AuthRequired(_)))
}

fn this_client() -> ClientConfig {
    let name = Implementation::new("portwright", env!("CARGO_PKG_VERSION"));
    ClientConfig::new(ClientCapabilities::default(), name)
}
