//! [`Remote`]: a source over the SDK's client. It knows no transport.

use std::any::Any;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use portwright_core::protocol::{
    ArgumentInfo, CallToolRequestParams, CallToolResult, CompleteRequestParams, CompleteResult, CompletionContext,
    CompletionInfo, GetPromptRequestParams, GetPromptResult, JsonObject, PaginatedRequestParams, Prompt,
    ReadResourceRequestParams, ReadResourceResult, Reference, Resource, ResourceTemplate, Tool,
};
use portwright_core::{CLIENT_SPAN, Context, Health, Refusal, Source, TraceContext, async_trait, limits};
use rmcp::ClientHandler;
use rmcp::model::{
    ClientCapabilities, ClientConfig, ClientRequest, ElicitRequestParams, ElicitResult, ErrorData, GetExtensions,
    Implementation, Request, RequestMetaObject, RequestOptionalParam, ServerCapabilities, ServerResult,
};
use rmcp::service::{
    NotificationContext, OriginatingRequestId, Peer, PeerRequestOptions, RequestContext, RoleClient, RunningService,
    ServiceError,
};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::{CancellationToken, DropGuard};
use tracing::Instrument;

use super::asking::{Asker, AtWork};
use super::refusal::{self, Asked, Unexpected};

/// Our side of the conversation: hears what the server says outside of answers.
pub(super) struct Listener {
    at_work: AtWork,
    changed: mpsc::Sender<()>,
}

impl Listener {
    /// The receiver tells that some list changed.
    pub(super) fn new(at_work: AtWork) -> (Self, mpsc::Receiver<()>) {
        // One change that nobody has looked at says as much as many.
        let (changed, receiver) = mpsc::channel(1);
        (Self { at_work, changed }, receiver)
    }
}

impl ClientHandler for Listener {
    fn get_info(&self) -> ClientConfig {
        let capabilities = ClientCapabilities::builder().enable_elicitation().build();
        ClientConfig::new(capabilities, Implementation::new("portwright", env!("CARGO_PKG_VERSION")))
    }

    async fn create_elicitation(
        &self,
        question: ElicitRequestParams,
        context: RequestContext<RoleClient>,
    ) -> Result<ElicitResult, ErrorData> {
        let call = context.extensions.get::<OriginatingRequestId>();
        let client = call.and_then(|call| self.at_work.client_of(&call.0));
        let Some(client) = client else {
            return Err(ErrorData::invalid_request("a question must belong to a call", None));
        };
        client.elicit(question).await.map_err(|words| ErrorData::invalid_request(words, None))
    }

    async fn on_tool_list_changed(&self, _: NotificationContext<RoleClient>) {
        let _ = self.changed.try_send(());
    }

    async fn on_resource_list_changed(&self, _: NotificationContext<RoleClient>) {
        let _ = self.changed.try_send(());
    }

    async fn on_prompt_list_changed(&self, _: NotificationContext<RoleClient>) {
        let _ = self.changed.try_send(());
    }
}

/// What the server offered when it was last asked.
#[derive(Debug, Default)]
struct Lists {
    tools: Vec<Tool>,
    resources: Vec<Resource>,
    templates: Vec<ResourceTemplate>,
    prompts: Vec<Prompt>,
}

/// A source that asks an MCP server.
pub(super) struct Remote {
    peer: Peer<RoleClient>,
    can: ServerCapabilities,
    lists: Arc<RwLock<Arc<Lists>>>,
    changes: watch::Receiver<u64>,
    /// What lives as long as the source: both sides of the conversation.
    _alive: (RunningService<RoleClient, Listener>, Box<dyn Any + Send + Sync>),
    /// Ends the task that asks for changed lists.
    _listing: DropGuard,
}

impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remote").finish_non_exhaustive()
    }
}

impl Remote {
    /// Asks for the lists, now and whenever they change. `other` is kept for as long as the source is.
    pub(super) async fn open(
        client: RunningService<RoleClient, Listener>,
        mut changed: mpsc::Receiver<()>,
        other: Box<dyn Any + Send + Sync>,
    ) -> Result<Self, ServiceError> {
        let peer = client.peer().clone();
        let can = peer.peer_info().map(|info| info.capabilities.clone()).unwrap_or_default();
        let lists = Arc::new(RwLock::new(Arc::new(all(&peer, &can).await?)));
        let (version, changes) = watch::channel(0u64);
        let (end, asked, own, kept) = (CancellationToken::new(), peer.clone(), can.clone(), lists.clone());
        let stop = end.clone();
        tokio::spawn(stop.run_until_cancelled_owned(async move {
            while changed.recv().await.is_some() {
                match tokio::time::timeout(limits::CONNECT_WAIT, all(&asked, &own)).await {
                    Ok(Ok(new)) => {
                        *kept.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(new);
                        version.send_modify(|version| *version += 1);
                    }
                    Ok(Err(error)) => tracing::warn!(%error, "changed lists can't be had, the old ones stay"),
                    Err(_) => tracing::warn!("changed lists take too long, the old ones stay"),
                }
            }
        }));
        Ok(Self { peer, can, lists, changes, _alive: (client, other), _listing: end.drop_guard() })
    }

    fn lists(&self) -> Arc<Lists> {
        self.lists.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// One request of a call, in a span of its own.
    async fn ask(&self, request: ClientRequest, asked: Asked<'_>, cx: &Context) -> Result<ServerResult, Refusal> {
        let span = tracing::debug_span!(
            CLIENT_SPAN,
            mcp.method.name = request.method(),
            error.r#type = tracing::field::Empty,
        );
        let answer = self.request(request, asked, cx).instrument(span.clone()).await;
        if let Err(refusal) = &answer {
            span.record("error.type", refusal.kind().as_str());
        }
        answer
    }

    /// One request of a call, until it is answered or called off.
    async fn request(
        &self,
        mut request: ClientRequest,
        asked: Asked<'_>,
        cx: &Context,
    ) -> Result<ServerResult, Refusal> {
        let extensions = request.extensions_mut();
        let asker = Asker::of(cx);
        extensions.insert(asker.clone());
        if let Some(principal) = cx.principal() {
            extensions.insert(principal.clone());
        }
        let mut options = PeerRequestOptions::no_options();
        options.meta = cx.trace.as_ref().map(handed_on);
        let sent = self.peer.send_cancellable_request(request, options).await;
        let mut handle = sent.map_err(|error| refusal::of(error, asked, cx))?;
        tokio::select! {
            answer = &mut handle.rx => {
                let answer = answer.unwrap_or(Err(ServiceError::TransportClosed));
                if let Some(question) = asker.ends() {
                    return Err(question);
                }
                answer.map_err(|error| refusal::of(error, asked, cx))
            }
            () = cx.cancel.cancelled() => {
                let _ = handle.cancel(Some("the call was called off".to_owned())).await;
                Err(Refusal::cancelled())
            }
        }
    }
}

/// What the server behind us is told of the trace that the call stands in.
fn handed_on(trace: &TraceContext) -> RequestMetaObject {
    let mut meta = RequestMetaObject::new();
    meta.set_traceparent(trace.traceparent());
    if let Some(state) = trace.tracestate() {
        meta.set_tracestate(state);
    }
    meta
}

#[async_trait]
impl Source for Remote {
    fn is_foreign(&self) -> bool {
        true
    }

    fn tools(&self) -> Vec<Tool> {
        self.lists().tools.clone()
    }

    fn resources(&self) -> Vec<Resource> {
        self.lists().resources.clone()
    }

    fn templates(&self) -> Vec<ResourceTemplate> {
        self.lists().templates.clone()
    }

    fn prompts(&self) -> Vec<Prompt> {
        self.lists().prompts.clone()
    }

    async fn call(&self, tool: &str, arguments: &JsonObject, cx: &Context) -> Result<CallToolResult, Refusal> {
        if !self.lists().tools.iter().any(|listed| listed.name == tool) {
            return Err(Refusal::not_found("tool", tool));
        }
        let params = CallToolRequestParams::new(tool.to_owned()).with_arguments(arguments.clone());
        let request = ClientRequest::CallToolRequest(Request::new(params));
        match self.ask(request, Asked { what: "tool", name: tool }, cx).await? {
            ServerResult::CallToolResult(result) => Ok(result),
            ServerResult::InputRequiredResult(_) | ServerResult::CreateTaskResult(_) => Err(Refusal::failed(
                "this tool answers in a way that is not carried over: it asks back, or takes a task",
            )),
            _ => Err(Refusal::internal(Unexpected)),
        }
    }

    async fn read(&self, uri: &str, cx: &Context) -> Result<ReadResourceResult, Refusal> {
        let request = ClientRequest::ReadResourceRequest(Request::new(ReadResourceRequestParams::new(uri)));
        match self.ask(request, Asked { what: "resource", name: uri }, cx).await? {
            ServerResult::ReadResourceResult(result) => Ok(result),
            _ => Err(Refusal::internal(Unexpected)),
        }
    }

    async fn get_prompt(&self, name: &str, arguments: &JsonObject, cx: &Context) -> Result<GetPromptResult, Refusal> {
        if !self.lists().prompts.iter().any(|listed| listed.name == name) {
            return Err(Refusal::not_found("prompt", name));
        }
        let params = GetPromptRequestParams::new(name).with_arguments(arguments.clone());
        let request = ClientRequest::GetPromptRequest(Request::new(params));
        match self.ask(request, Asked { what: "prompt", name }, cx).await? {
            ServerResult::GetPromptResult(result) => Ok(result),
            _ => Err(Refusal::internal(Unexpected)),
        }
    }

    async fn complete(
        &self,
        reference: &Reference,
        argument: &ArgumentInfo,
        context: Option<&CompletionContext>,
        cx: &Context,
    ) -> Result<CompleteResult, Refusal> {
        if self.can.completions.is_none() {
            return Ok(CompleteResult::new(CompletionInfo::default()));
        }
        let mut params = CompleteRequestParams::new(reference.clone(), argument.clone());
        params.context = context.cloned();
        let request = ClientRequest::CompleteRequest(Request::new(params));
        match self.ask(request, Asked { what: "prompt", name: &argument.name }, cx).await? {
            ServerResult::CompleteResult(result) => Ok(result),
            _ => Err(Refusal::internal(Unexpected)),
        }
    }

    async fn health(&self) -> Health {
        if self.peer.is_transport_closed() {
            Health::Degraded("the server behind it has ended".to_owned())
        } else {
            Health::Ready
        }
    }

    fn changes(&self) -> Option<watch::Receiver<u64>> {
        Some(self.changes.clone())
    }
}

/// Everything that the server lists now.
async fn all(peer: &Peer<RoleClient>, can: &ServerCapabilities) -> Result<Lists, ServiceError> {
    let mut lists = Lists::default();
    if can.tools.is_some() {
        lists.tools = pages(peer, ClientRequest::ListToolsRequest, |answer| match answer {
            ServerResult::ListToolsResult(page) => Some((page.tools, page.next_cursor)),
            _ => None,
        })
        .await?;
    }
    if can.resources.is_some() {
        lists.resources = pages(peer, ClientRequest::ListResourcesRequest, |answer| match answer {
            ServerResult::ListResourcesResult(page) => Some((page.resources, page.next_cursor)),
            _ => None,
        })
        .await?;
        lists.templates = pages(peer, ClientRequest::ListResourceTemplatesRequest, |answer| match answer {
            ServerResult::ListResourceTemplatesResult(page) => Some((page.resource_templates, page.next_cursor)),
            _ => None,
        })
        .await?;
    }
    if can.prompts.is_some() {
        lists.prompts = pages(peer, ClientRequest::ListPromptsRequest, |answer| match answer {
            ServerResult::ListPromptsResult(page) => Some((page.prompts, page.next_cursor)),
            _ => None,
        })
        .await?;
    }
    Ok(lists)
}

/// One list, page by page, up to its bound.
async fn pages<M: Default, T>(
    peer: &Peer<RoleClient>,
    request: impl Fn(RequestOptionalParam<M, PaginatedRequestParams>) -> ClientRequest,
    read: impl Fn(ServerResult) -> Option<(Vec<T>, Option<String>)>,
) -> Result<Vec<T>, ServiceError> {
    let mut entries = Vec::new();
    let mut cursor = None;
    for _ in 0..limits::UPSTREAM_PAGES_MAX {
        let params = PaginatedRequestParams::default().with_cursor(cursor.take());
        let answer = peer.send_request(request(RequestOptionalParam::with_param(params))).await;
        let answer = match answer {
            // A server may claim a list that it does not have: templates beside resources, say.
            Err(ServiceError::McpError(error)) if error.code == rmcp::model::ErrorCode::METHOD_NOT_FOUND => break,
            other => other?,
        };
        let (mut page, next) = read(answer).ok_or(ServiceError::UnexpectedResponse)?;
        entries.append(&mut page);
        cursor = next;
        if cursor.is_none() || entries.len() >= limits::UPSTREAM_ENTRIES_MAX {
            break;
        }
    }
    if cursor.is_some() {
        tracing::warn!(entries = entries.len(), "a server behind us lists too much, the rest is left out");
    }
    entries.truncate(limits::UPSTREAM_ENTRIES_MAX);
    Ok(entries)
}
