//! A server of the transport of 2024-11-05: a stream of events, and an address to post to.

use futures::StreamExt;
use portwright_core::limits;
use reqwest::header::{ACCEPT, CONTENT_TYPE};
use reqwest::{Client as Web, Response, Url};
use rmcp::ClientLifecycleMode;
use sse_stream::{Sse, SseStream};

use super::lines::{Carriers, pipe};
use super::{Carried, Client, Tap, http};
use crate::cli::error::CliError;

type Events = std::pin::Pin<Box<dyn futures::Stream<Item = Result<Sse, sse_stream::Error>> + Send>>;

/// Connects, if a server of that kind is there.
pub(super) async fn connect(url: &Url, tap: Tap) -> Result<Client, CliError> {
    let what = http::without_credentials(url.as_str());
    let unreachable =
        |source: Box<dyn std::error::Error + Send + Sync>| CliError::Unreachable { what: what.clone(), source };
    let web = http::plain_client(url).map_err(CliError::start)?;
    let opened = http::authorized(web.get(url.clone())).header(ACCEPT, "text/event-stream").send();
    let opened = tokio::time::timeout(limits::CLIENT_CONNECT_WAIT, opened).await;
    let response = opened.map_err(|_| unreachable("no answer in time".into()))?;
    let response = response.map_err(|error| unreachable(error.without_url().into()))?;
    if !is_stream(&response) {
        return Err(unreachable(format!("it answered {} and no stream of events", response.status()).into()));
    }
    let mut events: Events = Box::pin(SseStream::from_bytes_stream(response.bytes_stream()));
    let endpoint = tokio::time::timeout(limits::CLIENT_CONNECT_WAIT, endpoint(&mut events, url)).await;
    let endpoint = endpoint.map_err(|_| unreachable("it named no address to post to".into()))?.map_err(unreachable)?;
    let (theirs, carriers) = carry(web, endpoint, events);
    let carried = Some(Carried::Carriers(carriers));
    // Stateless requests are younger than this transport.
    Client::greet_in(ClientLifecycleMode::Initialize, tokio::io::split(theirs), what, carried, tap).await
}

fn is_stream(response: &Response) -> bool {
    let kind = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    response.status().is_success() && kind.is_some_and(|kind| kind.starts_with("text/event-stream"))
}

/// The first event names where to post. Credentials go to no other origin than the person named.
async fn endpoint(events: &mut Events, url: &Url) -> Result<Url, Box<dyn std::error::Error + Send + Sync>> {
    while let Some(event) = events.next().await {
        let Sse { event: Some(name), data: Some(data), .. } = event? else { continue };
        if name == "endpoint" {
            let endpoint = url.join(data.trim())?;
            if endpoint.origin() != url.origin() {
                return Err("it names an address on another host to post to".into());
            }
            return Ok(endpoint);
        }
    }
    Err("the stream ended before it named an address to post to".into())
}

fn carry(web: Web, endpoint: Url, mut events: Events) -> (tokio::io::DuplexStream, Carriers) {
    let (theirs, mut sending, mut received) = pipe();
    let posting = tokio::spawn(async move {
        while let Some(line) = sending.next().await {
            let post = http::authorized(web.post(endpoint.clone())).header(CONTENT_TYPE, "application/json").body(line);
            match post.send().await {
                Ok(answer) if answer.status().is_success() => {}
                Ok(answer) => tracing::warn!(status = answer.status().as_u16(), "the server did not take a message"),
                Err(error) => {
                    tracing::warn!(error = %error.without_url(), "a message could not be posted");
                    return;
                }
            }
        }
    });
    let reading = tokio::spawn(async move {
        while let Some(Ok(event)) = events.next().await {
            let is_message = event.event.as_deref().is_none_or(|name| name == "message");
            if let Some(data) = event.data.filter(|_| is_message)
                && received.tell(&data).await.is_err()
            {
                return;
            }
        }
    });
    (theirs, Carriers(vec![posting, reading]))
}
