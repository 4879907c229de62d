//! stdio: one message a line, for one client. Also any other pair of streams.

mod lines;
mod standard;

use std::sync::Arc;

use portwright_core::{Principal, TransportKind, limits};
use tokio::io::{AsyncBufRead, AsyncRead, AsyncWrite, BufReader};
use tokio_util::sync::CancellationToken;

use super::TransportError;
use super::conversation::Conversation;
use crate::engine::Engine;
use crate::session::errors::WireError;
use lines::Line;
pub(crate) use standard::standard_streams;

/// Serves one client until it goes or `shutdown` fires.
pub(crate) async fn serve<R, W>(
    engine: &Arc<Engine>,
    reader: R,
    writer: W,
    transport: TransportKind,
    principal: Arc<Principal>,
    shutdown: CancellationToken,
) -> Result<(), TransportError>
where
    R: AsyncRead + Unpin + Send,
    W: AsyncWrite + Unpin + Send + 'static,
{
    let (mut conversation, messages) = Conversation::new(engine, principal, transport);
    let (ending, gone) = (conversation.ending(), conversation.gone());
    let mut writing = tokio::spawn(lines::write(writer, messages, gone.clone()));
    let result = tokio::select! {
        result = read(&mut conversation, BufReader::with_capacity(64 * 1024, reader)) => result,
        () = shutdown.cancelled() => Ok(()),
        () = gone.cancelled() => Ok(()),
    };
    // What was asked before the end is still answered, within bounds; the writer ends when the last sender is gone.
    ending.cancel();
    drop(conversation);
    if tokio::time::timeout(engine.plan.listen.drain, &mut writing).await.is_err() {
        gone.cancel();
        let _ = tokio::time::timeout(limits::STOP_WAIT, &mut writing).await;
        writing.abort();
    }
    gone.cancel();
    Ok(result?)
}

async fn read(conversation: &mut Conversation, mut reader: impl AsyncBufRead + Unpin) -> std::io::Result<()> {
    let mut line = Vec::new();
    loop {
        let received = match lines::read(&mut reader, &mut line).await? {
            Line::End => return Ok(()),
            Line::TooLong => {
                let text = format!("a message may hold {} bytes", limits::MESSAGE_BYTES_MAX);
                Err(WireError::invalid_request(text))
            }
            Line::Whole if line.iter().all(u8::is_ascii_whitespace) => continue,
            Line::Whole => conversation.receive(&line).await,
        };
        if let Err(error) = received {
            conversation.refuse(None, error).await;
        }
    }
}
