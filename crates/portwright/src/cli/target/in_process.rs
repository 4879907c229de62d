//! Our own server within this process, as its configuration says: what `serve --stdio` would answer, over a pipe in
//! memory.

use std::path::Path;

use portwright_core::{Principal, TransportKind, limits};
use portwright_server::StartError;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::{Carried, Client, Tap};
use crate::App;
use crate::cli::error::CliError;
use crate::cli::print;
use crate::config;
use crate::program::Own;

/// The server's side of the conversation.
#[derive(Debug)]
pub(super) struct Running {
    shutdown: CancellationToken,
    serving: JoinHandle<()>,
}

impl Running {
    pub(super) async fn stop(self) {
        self.shutdown.cancel();
        let _ = tokio::time::timeout(limits::CLIENT_CONNECT_WAIT, self.serving).await;
    }
}

pub(super) async fn connect(config: Option<&Path>, own: &Own, tap: Tap) -> Result<Client, CliError> {
    /// Bytes in flight between the two sides.
    const PIPE_BYTES: usize = 64 * 1024;
    let mut loaded = config::load(config, own.environment())?;
    let what = loaded.plan.server.name.clone();
    // Here standard output carries what the command prints.
    if let Some(audit) = &mut loaded.plan.server.audit {
        audit.sinks.retain(|plan| !plan.sink.takes_standard_output());
    }
    let server = App::from_plan(loaded.plan).guards(&own.guards).start().map_err(start_failed)?;
    server.settled(limits::CONNECT_WAIT).await;
    for source in server.health().await.sources {
        if let Some(reason) = source.reason {
            print::note(&format!("{} {}: {reason}", print::styled(print::CAREFUL, "source"), source.name));
        }
    }
    let (ours, theirs) = tokio::io::duplex(PIPE_BYTES);
    let shutdown = CancellationToken::new();
    let stop = shutdown.clone();
    let serving = tokio::spawn(async move {
        let (reader, writer) = tokio::io::split(theirs);
        let principal = Principal::local(&user());
        if let Err(error) = server.serve_io(reader, writer, TransportKind::InProcess, principal, stop).await {
            tracing::error!(%error, "in-process server failed");
        }
        server.stop().await;
    });
    Client::greet(tokio::io::split(ours), what, Some(Carried::Server(Running { shutdown, serving })), tap).await
}

fn start_failed(error: StartError) -> CliError {
    CliError::Start {
        source: error.into(),
        hint: Some("if this configuration is being served already, talk to that server: --url http://HOST:PORT"),
    }
}

/// Who started this process, as the system's own variables say.
fn user() -> String {
    ["USER", "LOGNAME", "USERNAME"].iter().find_map(|name| std::env::var(name).ok()).unwrap_or_else(|| "local".into())
}
