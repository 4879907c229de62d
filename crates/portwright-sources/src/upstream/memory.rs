//! A transport in memory between the SDK's client and its server: two bounded queues of messages that are never
//! written down.

use std::future::Future;

use rmcp::model::{JsonRpcMessage, ServerNotification};
use rmcp::service::{RoleClient, RoleServer, RxJsonRpcMessage, TxJsonRpcMessage};
use rmcp::transport::Transport;
use tokio::sync::mpsc::error::SendError;
use tokio::sync::mpsc::{Receiver, Sender, channel};

use super::asking::AtWork;

type ToServer = TxJsonRpcMessage<RoleClient>;
type ToClient = TxJsonRpcMessage<RoleServer>;

/// Messages that wait in each direction.
const QUEUE_MAX: usize = 64;

/// The client's end.
pub(super) struct ClientEnd {
    out: Sender<ToServer>,
    inbox: Receiver<ToClient>,
}

/// The server's end. Progress leaves it at once for the client that waits for it, so that it can't come after the
/// answer.
pub(super) struct ServerEnd {
    out: Sender<ToClient>,
    inbox: Receiver<ToServer>,
    at_work: AtWork,
}

pub(super) fn pair(at_work: AtWork) -> (ClientEnd, ServerEnd) {
    let ((to_server, at_server), (to_client, at_client)) = (channel(QUEUE_MAX), channel(QUEUE_MAX));
    (ClientEnd { out: to_server, inbox: at_client }, ServerEnd { out: to_client, inbox: at_server, at_work })
}

impl Transport<RoleClient> for ClientEnd {
    type Error = SendError<ToServer>;

    fn send(&mut self, item: ToServer) -> impl Future<Output = Result<(), Self::Error>> + Send + 'static {
        let out = self.out.clone();
        async move { out.send(item).await }
    }

    fn receive(&mut self) -> impl Future<Output = Option<RxJsonRpcMessage<RoleClient>>> + Send {
        self.inbox.recv()
    }

    async fn close(&mut self) -> Result<(), Self::Error> {
        self.inbox.close();
        Ok(())
    }
}

impl Transport<RoleServer> for ServerEnd {
    type Error = SendError<ToClient>;

    fn send(&mut self, item: ToClient) -> impl Future<Output = Result<(), Self::Error>> + Send + 'static {
        let told = match &item {
            JsonRpcMessage::Notification(sent) => match &sent.notification {
                ServerNotification::ProgressNotification(progress) => Some(&progress.params),
                _ => None,
            },
            _ => None,
        };
        let item = if let Some(progress) = told {
            self.at_work.progress(progress);
            None
        } else {
            Some(item)
        };
        let out = self.out.clone();
        async move {
            match item {
                Some(item) => out.send(item).await,
                None => Ok(()),
            }
        }
    }

    fn receive(&mut self) -> impl Future<Output = Option<RxJsonRpcMessage<RoleServer>>> + Send {
        self.inbox.recv()
    }

    async fn close(&mut self) -> Result<(), Self::Error> {
        self.inbox.close();
        Ok(())
    }
}
