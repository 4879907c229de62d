//! `portwright serve`: the server.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use portwright_core::Pointer;
use portwright_server::Server;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::error::CliError;
use super::exit::Exit;
use super::print::{self, STRONG, styled};
use super::variables;
use crate::App;
use crate::config::{self, ConfigError, Environment, Loaded, Problems, plan};

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  portwright serve\n  portwright serve -c shop.toml --listen 127.0.0.1:9000\n  \
                        portwright serve --stdio      for a client that starts the server itself")]
pub(crate) struct ServeArgs {
    /// The configuration (default: ./portwright.toml, then the platform's config folder)
    #[arg(short, long, value_name = "FILE", env = variables::CONFIG, hide_env = true)]
    config: Option<PathBuf>,
    /// Serve one client on standard input and output instead of HTTP
    #[arg(long, conflicts_with = "listen")]
    stdio: bool,
    /// Listen here instead of where the configuration says
    #[arg(long, value_name = "ADDR", value_parser = plan::address)]
    listen: Option<SocketAddr>,
}

pub(crate) async fn run(args: &ServeArgs) -> Result<Exit, CliError> {
    let Loaded { plan, origin } = config::load(args.config.as_deref(), Environment::default())?;
    let address = args.listen.unwrap_or(plan.listen);
    let shutdown = CancellationToken::new();
    let impatient = signals(shutdown.clone());
    if args.stdio {
        let server = start(App::from_plan(plan))?;
        return serve(server.serve_stdio(shutdown), impatient).await;
    }
    let place = Pointer::root().join("listen");
    if let Some(exposed) = plan::exposed(address, plan.server.listen.anonymous, place) {
        return Err(ConfigError::Problems(Problems::new(origin, vec![exposed])).into());
    }
    let name = plan.server.name.clone();
    let sources: Vec<Arc<str>> = plan.sources.iter().map(|source| source.name.clone()).collect();
    let listen_failed = |source| CliError::Listen { address, source };
    let listener = TcpListener::bind(address).await.map_err(listen_failed)?;
    let address = listener.local_addr().map_err(listen_failed)?;
    let server = start(App::from_plan(plan))?;
    greet(&name, address, &sources);
    serve(server.serve_http(listener, shutdown), impatient).await
}

fn start(app: App) -> Result<Server, CliError> {
    app.start().map_err(|error| CliError::Start(error.into()))
}

fn greet(name: &str, address: SocketAddr, sources: &[Arc<str>]) {
    let url = styled(STRONG, &format!("http://{address}/mcp"));
    let offered = if sources.is_empty() { "no sources yet".into() } else { sources.join(", ") };
    print::note(&format!("{name} on {url}  ({offered})"));
}

/// Serves until everything has drained, or until somebody has no more patience.
async fn serve<E: std::error::Error + Send + Sync + 'static>(
    work: impl Future<Output = Result<(), E>>,
    impatient: CancellationToken,
) -> Result<Exit, CliError> {
    tokio::select! {
        ended = work => ended.map(|()| Exit::Ok).map_err(|error| CliError::Bug(error.to_string())),
        () = impatient.cancelled() => Ok(Exit::Ok),
    }
}

/// The first signal asks the server to drain; the second, which the returned token tells, ends it at once.
fn signals(shutdown: CancellationToken) -> CancellationToken {
    let impatient = CancellationToken::new();
    let second = impatient.clone();
    tokio::spawn(async move {
        if signal().await {
            tracing::info!("draining; a second signal ends at once");
            shutdown.cancel();
            if signal().await {
                second.cancel();
            }
        }
    });
    impatient
}

/// Waits for a signal to end. False if signals can't be had.
#[cfg(unix)]
async fn signal() -> bool {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else { return false };
    tokio::select! {
        _ = terminate.recv() => true,
        interrupted = tokio::signal::ctrl_c() => interrupted.is_ok(),
    }
}

#[cfg(not(unix))]
async fn signal() -> bool {
    tokio::signal::ctrl_c().await.is_ok()
}
