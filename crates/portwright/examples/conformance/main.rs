//! A source with everything that the official conformance suite asks of a server: written against `portwright-core`
//! alone, served by [`App`] through the whole chain, with its audit.
//!
//!     cargo run -p portwright --example conformance -- portwright.toml
//!
//! It listens on a free port of this machine and says where on standard error. `cargo xtask conformance` runs the suite
//! against it.

mod asking;
mod changing;
mod content;
mod prompts;
mod resources;
mod source;
mod tasks;

use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::Arc;

use portwright::App;
use portwright::config::{self, Environment};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

#[tokio::main]
#[expect(clippy::print_stderr, reason = "an example tells where it listens")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let file = std::env::args_os().nth(1).map(PathBuf::from);
    let plan = config::load(file.as_deref(), Environment::default())?.plan;
    let server = App::from_plan(plan).source("fixture", Arc::new(source::Fixture::default())).start()?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    eprintln!("http://{}/mcp", listener.local_addr()?);
    let shutdown = CancellationToken::new();
    let stop = shutdown.clone();
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            stop.cancel();
        }
    });
    server.serve_http(listener, shutdown).await?;
    Ok(())
}
