//! A server behind `ws://` or `wss://`: one message a text frame.

use std::sync::Arc;

use futures::{SinkExt, StreamExt};
use portwright_core::limits;
use reqwest::Url;
use rustls::pki_types::ServerName;
use rustls_platform_verifier::ConfigVerifierExt;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::protocol::{Message, WebSocketConfig};

use super::lines::{Carriers, pipe};
use super::{Carried, Client, Tap, http};
use crate::cli::error::CliError;
use crate::cli::variables;

type Failure = Box<dyn std::error::Error + Send + Sync>;

pub(super) async fn connect(url: &Url, tap: Tap) -> Result<Client, CliError> {
    let what = http::without_credentials(url.as_str());
    let opened = tokio::time::timeout(limits::CLIENT_CONNECT_WAIT, open(url)).await;
    let opened = opened.unwrap_or_else(|_| Err("no answer in time".into()));
    let (theirs, carriers) = opened.map_err(|source| CliError::Unreachable { what: what.clone(), source })?;
    Client::greet(tokio::io::split(theirs), what, Some(Carried::Carriers(carriers)), tap).await
}

async fn open(url: &Url) -> Result<(tokio::io::DuplexStream, Carriers), Failure> {
    let host = url.host_str().ok_or("it names no host")?;
    let port = url.port_or_known_default().unwrap_or(80);
    let stream = TcpStream::connect((host.trim_matches(['[', ']']), port)).await?;
    stream.set_nodelay(true)?;
    if url.scheme() == "ws" {
        return Ok(carry(shake_hands(url, stream).await?));
    }
    let config = rustls::ClientConfig::with_platform_verifier()?;
    let name = ServerName::try_from(host.to_owned())?;
    let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await?;
    Ok(carry(shake_hands(url, stream).await?))
}

async fn shake_hands<S>(url: &Url, stream: S) -> Result<WebSocketStream<S>, Failure>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut request = url.as_str().into_client_request()?;
    request.headers_mut().insert("sec-websocket-protocol", HeaderValue::from_static("mcp"));
    if let Ok(token) = std::env::var(variables::TOKEN) {
        let mut value = HeaderValue::from_str(&format!("Bearer {token}"))?;
        value.set_sensitive(true);
        request.headers_mut().insert("authorization", value);
    }
    let bounds = WebSocketConfig::default()
        .max_message_size(Some(limits::CLIENT_MESSAGE_BYTES_MAX))
        .max_frame_size(Some(limits::CLIENT_MESSAGE_BYTES_MAX));
    let (socket, _) = tokio_tungstenite::client_async_with_config(request, stream, Some(bounds)).await?;
    Ok(socket)
}

fn carry<S>(socket: WebSocketStream<S>) -> (tokio::io::DuplexStream, Carriers)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (theirs, mut sending, mut received) = pipe();
    let (mut sink, mut stream) = socket.split();
    let posting = tokio::spawn(async move {
        while let Some(line) = sending.next().await {
            if sink.send(Message::text(line.trim_end())).await.is_err() {
                return;
            }
        }
        let _ = sink.close().await;
    });
    let reading = tokio::spawn(async move {
        while let Some(Ok(message)) = stream.next().await {
            if let Message::Text(text) = message
                && received.tell(&text).await.is_err()
            {
                return;
            }
        }
    });
    (theirs, Carriers(vec![posting, reading]))
}
