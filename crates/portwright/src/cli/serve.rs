//! `portwright serve`: the server.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use portwright_core::Pointer;
use portwright_server::plan::DashboardReaders;
use portwright_server::{Exporter, Server, TransportError};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::carrier::Http;
use super::error::CliError;
use super::exit::Exit;
use super::logs::LogArgs;
use super::print::{self, STRONG, styled};
use super::reload::Reloading;
use crate::App;
use crate::config::watch::Watch;
use crate::config::{self, ConfigError, Loaded, Problems, audit, plan};
use crate::program::Own;

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  portwright serve\n  portwright serve -c shop.toml --listen 127.0.0.1:9000\n  \
                        portwright serve --stdio      for a client that starts the server itself\n\nThe \
                        configuration is read again when its files change, or on SIGHUP; a broken one changes nothing.")]
pub(crate) struct ServeArgs {
    /// The configuration (default: ./portwright.toml, then the platform's config folder)
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Serve one client on standard input and output instead of HTTP
    #[arg(long, conflicts_with = "listen")]
    stdio: bool,
    /// Listen here instead of where the configuration says
    #[arg(long, value_name = "ADDR", value_parser = plan::address)]
    listen: Option<SocketAddr>,
}

/// What is logged where nothing is said.
const LOGGED: &str = "info,rmcp=warn";

pub(crate) async fn run(args: &ServeArgs, own: &Own, logs: &LogArgs) -> Result<Exit, CliError> {
    let environment = own.environment();
    let path = config::locate::locate(args.config.as_deref(), &environment.variable).map_err(ConfigError::from)?;
    let watch = Watch::new(path, environment);
    let Loaded { plan, origin } = config::load(Some(watch.path()), environment)?;
    let exporter = exporter(&plan)?;
    logs.start(LOGGED, exporter.as_ref())?;
    let address = args.listen.unwrap_or(plan.listen);
    let shutdown = CancellationToken::new();
    let impatient = signals(shutdown.clone());
    if args.stdio {
        if let Some(taken) = audit::output_taken(&plan.server) {
            return Err(ConfigError::Problems(Problems::new(origin, vec![taken])).into());
        }
        let server = start(App::from_plan(plan).guards(&own.guards))?;
        let reloading = Reloading { server: server.clone(), watch, environment, listen: None, hangup: false };
        let _reloading = reloading.begin();
        let serving = Box::pin(server.serve_stdio(shutdown));
        return serve(exported(&server, exporter.as_ref(), serving), impatient).await;
    }
    let place = Pointer::root().join("listen");
    if let Some(exposed) = plan::exposed(address, plan.server.listen.anonymous, plan.server.asks_for_proof(), place) {
        return Err(ConfigError::Problems(Problems::new(origin, vec![exposed])).into());
    }
    let name = plan.server.name.clone();
    let shows = plan.server.dashboard.readers != DashboardReaders::Off;
    let configured = args.listen.is_none().then_some(plan.listen);
    let sources: Vec<Arc<str>> = plan.sources.iter().map(|source| source.name.clone()).collect();
    let listen_failed = |source| CliError::Listen { address, source };
    let listener = TcpListener::bind(address).await.map_err(listen_failed)?;
    let address = listener.local_addr().map_err(listen_failed)?;
    let scheme = if plan.server.listen.tls.is_some() { "https" } else { "http" };
    let server = start(App::from_plan(plan).guards(&own.guards))?;
    greet(&name, &format!("{scheme}://{address}"), &sources, shows);
    let reloading = Reloading { server: server.clone(), watch, environment, listen: configured, hangup: true };
    let _reloading = reloading.begin();
    serve(exported(&server, exporter.as_ref(), server.serve_http(listener, shutdown)), impatient).await
}

/// What exports, where the plan says so.
fn exporter(plan: &config::Plan) -> Result<Option<Exporter>, CliError> {
    let Some(plan) = plan.server.export.clone() else { return Ok(None) };
    let carrier = Http::new().map_err(CliError::start)?;
    Ok(Some(Exporter::new(plan, Arc::new(carrier))))
}

/// Exports while the server serves, and what is left when it has ended.
async fn exported(
    server: &Server,
    exporter: Option<&Exporter>,
    serving: impl Future<Output = Result<(), TransportError>>,
) -> Result<(), TransportError> {
    if let Some(exporter) = exporter {
        exporter.begin(server);
    }
    let served = serving.await;
    if let Some(exporter) = exporter {
        exporter.flush().await;
    }
    served
}

pub(crate) fn start(app: App) -> Result<Server, CliError> {
    app.start().map_err(CliError::start)
}

fn greet(name: &str, base: &str, sources: &[Arc<str>], shows: bool) {
    let url = styled(STRONG, &format!("{base}/mcp"));
    let offered = if sources.is_empty() { "no sources yet".into() } else { sources.join(", ") };
    print::note(&format!("{name} on {url}  ({offered})"));
    if shows {
        print::note(&format!("the dashboard is at {base}/"));
    }
}

/// Serves until everything has drained, or until somebody has no more patience.
pub(crate) async fn serve(
    transport: impl Future<Output = Result<(), TransportError>>,
    impatient: CancellationToken,
) -> Result<Exit, CliError> {
    match impatient.run_until_cancelled(transport).await {
        None | Some(Ok(())) => Ok(Exit::Ok),
        Some(Err(error)) => Err(CliError::start(error)),
    }
}

/// The first signal asks the server to drain; the second, which the returned token tells, ends it at once.
pub(crate) fn signals(shutdown: CancellationToken) -> CancellationToken {
    let impatient = CancellationToken::new();
    let second = impatient.clone();
    tokio::spawn(async move {
        let Ok(mut signals) = Signals::new() else { return };
        signals.next().await;
        tracing::info!("draining; a second signal ends at once");
        shutdown.cancel();
        signals.next().await;
        second.cancel();
    });
    impatient
}

/// What an operator ends a process with.
#[cfg(unix)]
struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// What an operator ends a process with.
#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    #[expect(clippy::unnecessary_wraps, reason = "as on Unix")]
    fn new() -> std::io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
