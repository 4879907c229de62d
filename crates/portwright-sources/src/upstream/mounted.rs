//! [`Mounted`]: a server of the official SDK within this process, as a source.

use std::borrow::Cow;
use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures::FutureExt;
use portwright_core::{ConnectError, Source, SourceConfig, async_trait, limits};
use rmcp::ServerHandler;
use rmcp::model::{ErrorData, ProtocolVersion};
use rmcp::service::{NotificationContext, RequestContext, RoleServer, Service, ServiceExt, ServiceRole};

use super::asking::{Asker, AtWork};
use super::memory;
use super::remote::{Listener, Remote};

/// A server of the official SDK that is to be a source; made by [`mount`](super::mount).
pub struct Mounted<H> {
    pub(super) handler: Arc<H>,
}

impl<H> fmt::Debug for Mounted<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mounted")
    }
}

#[async_trait]
impl<H: ServerHandler> SourceConfig for Mounted<H> {
    async fn connect(&self) -> Result<Arc<dyn Source>, ConnectError> {
        let at_work = AtWork::default();
        let (ours, theirs) = memory::pair(at_work.clone());
        let fenced = Fenced { handler: self.handler.clone(), at_work: at_work.clone() };
        // Each side waits for the other's greeting.
        let serving = tokio::spawn(async move { fenced.serve(theirs).await });
        let (listener, changed) = Listener::new(at_work);
        let client = listener
            .serve(ours)
            .await
            .map_err(|error| ConnectError::new("the mounted server does not say who it is").because(error))?;
        let server = match serving.await {
            Ok(Ok(server)) => server,
            Ok(Err(error)) => {
                return Err(ConnectError::new("the mounted server does not start").because(error));
            }
            Err(error) => return Err(ConnectError::new("the mounted server failed").because(error)),
        };
        let remote = Remote::open(client, changed, Box::new(server)).await;
        let remote = remote.map_err(|error| ConnectError::new("the mounted server gives no lists").because(error))?;
        Ok(Arc::new(remote))
    }
}

/// The handler behind a fence: the SDK leaves a call whose handler panics without an answer.
struct Fenced<H> {
    handler: Arc<H>,
    at_work: AtWork,
}

/// What the client's side is told; the words are for our log, which knows no more either.
pub(super) const PANICKED: &str = "the mounted server panicked";

impl<H: ServerHandler> Service<RoleServer> for Fenced<H> {
    async fn handle_request(
        &self,
        request: <RoleServer as ServiceRole>::PeerReq,
        context: RequestContext<RoleServer>,
    ) -> Result<<RoleServer as ServiceRole>::Resp, ErrorData> {
        let asker = context.extensions.get::<Asker>().cloned();
        let _begun =
            asker.map(|asker| self.at_work.begin(context.id.clone(), context.meta.get_progress_token(), asker));
        let cancelled = context.ct.clone();
        // One that does not look at its token has a moment, and is dropped then.
        let overdue = async {
            cancelled.cancelled().await;
            tokio::time::sleep(limits::STOP_WAIT).await;
        };
        let work = async { Service::<RoleServer>::handle_request(&*self.handler, request, context).await };
        tokio::select! {
            done = AssertUnwindSafe(work).catch_unwind() => {
                done.unwrap_or_else(|_| Err(ErrorData::internal_error(PANICKED, None)))
            }
            () = overdue => Err(ErrorData::internal_error("the mounted server did not stop a cancelled call", None)),
        }
    }

    async fn handle_notification(
        &self,
        notification: <RoleServer as ServiceRole>::PeerNot,
        context: NotificationContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        let work = async { Service::<RoleServer>::handle_notification(&*self.handler, notification, context).await };
        let done = AssertUnwindSafe(work).catch_unwind().await;
        done.unwrap_or_else(|_| Err(ErrorData::internal_error(PANICKED, None)))
    }

    fn get_info(&self) -> <RoleServer as ServiceRole>::Info {
        Service::<RoleServer>::get_info(&*self.handler)
    }

    fn supported_protocol_versions(&self) -> Cow<'static, [ProtocolVersion]> {
        Service::<RoleServer>::supported_protocol_versions(&*self.handler)
    }
}
