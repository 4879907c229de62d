//! `portwright demo`: a shop made on the spot, one conversation of a real client with it, and then a server to play with.
//!
//! Nothing here takes a short cut: the shop is a database file with a configuration beside it, the client is the one of
//! `portwright call`, and it comes over the transport that everybody comes over.

mod conversation;
mod shop;
mod snippets;
#[cfg(test)]
mod tests;

use std::net::{Ipv4Addr, SocketAddr};

use portwright_core::limits;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::App;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::print::{self, FAINT, STRONG, styled};
use crate::cli::{serve, target};
use crate::config::plan::LISTEN_DEFAULT;

use shop::Shop;

/// What the person asked for.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Options {
    /// Serve one client on standard input and output, and say nothing else there.
    pub(crate) stdio: bool,
    /// Where to serve HTTP.
    pub(crate) listen: Option<SocketAddr>,
    /// End after the conversation.
    pub(crate) once: bool,
}

pub(crate) async fn run(options: Options) -> Result<Exit, CliError> {
    let shutdown = CancellationToken::new();
    let impatient = serve::signals(shutdown.clone());
    if options.stdio {
        let shop = Shop::make().await?;
        let server = serve::start(App::from_plan(shop.plan()?))?;
        server.settled(limits::CONNECT_WAIT).await;
        return serve::serve(server.serve_stdio(shutdown), impatient).await;
    }
    let listener = listen(options).await?;
    let address = listener.local_addr().map_err(CliError::start)?;
    let shop = Shop::make().await?;
    let server = serve::start(App::from_plan(shop.plan()?))?;
    server.settled(limits::CONNECT_WAIT).await;
    let serving = {
        let (server, shutdown) = (server.clone(), shutdown.clone());
        tokio::spawn(async move { server.serve_http(listener, shutdown).await })
    };
    let talked = tokio::select! {
        talked = talk(address, &shop) => talked,
        () = shutdown.cancelled() => Ok(()),
    };
    if talked.is_err() || options.once {
        shutdown.cancel();
    } else if !shutdown.is_cancelled() {
        print::out(&snippets::all(address))?;
    }
    let ended = async { serving.await.unwrap_or(Ok(())) };
    let served = serve::serve(ended, impatient).await;
    talked.and(served)
}

/// Takes the port before anything is made: a port in use is the likeliest trouble.
async fn listen(options: Options) -> Result<TcpListener, CliError> {
    // Nobody has to find a server that ends by itself.
    let free = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let address = options.listen.unwrap_or(if options.once { free } else { LISTEN_DEFAULT });
    if !address.ip().to_canonical().is_loopback() {
        let message = format!("{address} can be reached from other machines, and the demo asks nobody who they are");
        let hint = Some("listen on 127.0.0.1 or [::1]".to_owned());
        return Err(CliError::Usage { message, hint });
    }
    TcpListener::bind(address).await.map_err(|source| CliError::Listen { address, source })
}

/// The conversation that the person at the terminal sees.
async fn talk(address: SocketAddr, shop: &Shop) -> Result<(), CliError> {
    let head = styled(STRONG, "A shop in SQLite with a handbook, made just now");
    let size = styled(FAINT, shop::CONTENTS);
    print::out(&format!("{head}  {size}\n\n"))?;
    let client = target::over_http(&format!("http://{address}/mcp")).await?;
    let talked = conversation::hold(&client, &shop.audit_file()).await;
    client.close().await;
    talked
}
