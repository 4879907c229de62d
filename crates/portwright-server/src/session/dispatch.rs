//! The main path: one method, one step.
//!
//! [`step`] turns a request into its answer, where the catalog or the session can give it, or into the [`Operation`]
//! that must go to a source. [`call`] sends that operation through the guard chain. A request for a call that never
//! became an operation passes the chain by [`turn_away`], for its record.

use std::borrow::Cow;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures::FutureExt;
use portwright_core::protocol::{
    ArgumentInfo, CompletionContext, CompletionInfo, JsonObject, ReadResourceResult, Reference, ResourceContents,
};
use portwright_core::{
    Call, CheckArguments, Context, Endpoint, Next, Operation, ReadResource, Refusal, Reply, Target, async_trait, limits,
};
use serde_json::value::RawValue;
use tokio_util::sync::CancellationToken;

use super::errors::{self, Mapped, WireError};
use super::params::{self, Params};
use super::reply::Outcome;
use super::watched::Watched;
use super::{Speaker, asking, lists, modern, tasks};
use crate::catalog::{Catalog, Section};
use crate::engine::Engine;

/// What a request came to.
pub(crate) enum Step {
    /// The answer, written.
    Done(Vec<u8>),
    /// An operation for a source.
    Call(Operation),
}

/// What a method needs to know of the conversation.
pub(crate) struct Scene<'a> {
    pub(crate) engine: &'a Engine,
    pub(crate) catalog: &'a Catalog,
    pub(crate) speaker: &'a Speaker,
}

/// Method → step. `initialize`, `logging/setLevel` and the streams belong to their lifecycle and never come here.
pub(crate) fn step(scene: &Scene<'_>, method: &str, params: &Params<'_>) -> Result<Step, WireError> {
    let catalog = scene.catalog;
    let seen = || catalog.lists_for(Some(&scene.speaker.principal));
    let list = |key, section: &Section| lists::page(scene, key, section, params.cursor).map(Step::Done);
    match method {
        "tools/call" => call_tool(params).map(Step::Call),
        "resources/read" => read_resource(params).map(Step::Call),
        "resources/subscribe" if catalog.watchable && !scene.speaker.modern() => {
            subscribe(scene, params).map(Step::Call)
        }
        "resources/unsubscribe" if catalog.watchable && !scene.speaker.modern() => {
            unsubscribe(scene, params).map(Step::Done)
        }
        "prompts/get" => get_prompt(params).map(Step::Call),
        "completion/complete" => complete(params).map(Step::Call),
        "tools/list" => list("tools", &seen().tools),
        "resources/list" => list("resources", &seen().resources),
        "resources/templates/list" => list("resourceTemplates", &seen().templates),
        "prompts/list" => list("prompts", &seen().prompts),
        "tasks/get" | "tasks/update" | "tasks/cancel" if scene.speaker.modern() => {
            tasks::answer(scene, method, params).map(Step::Done)
        }
        "server/discover" if scene.speaker.modern() => Ok(Step::Done(modern::discover(scene))),
        "ping" if !scene.speaker.modern() => Ok(Step::Done(b"{}".to_vec())),
        _ => Err(WireError::method_not_found(method)),
    }
}

fn call_tool(from: &Params<'_>) -> Result<Operation, WireError> {
    let name = params::text("name", from.name)?.into_owned();
    let arguments = params::arguments(from.arguments)?;
    Ok(Operation::CallTool { name, arguments })
}

fn read_resource(from: &Params<'_>) -> Result<Operation, WireError> {
    Ok(Operation::ReadResource { uri: params::text("uri", from.uri)?.into_owned() })
}

fn subscribe(scene: &Scene<'_>, from: &Params<'_>) -> Result<Operation, WireError> {
    let uri = params::text("uri", from.uri)?.into_owned();
    if let Some(watched) = &scene.speaker.watched {
        watched.room_for(&uri)?;
    }
    Ok(Operation::Subscribe { uri })
}

fn unsubscribe(scene: &Scene<'_>, from: &Params<'_>) -> Result<Vec<u8>, WireError> {
    let uri = params::text("uri", from.uri)?;
    if let Some(watched) = &scene.speaker.watched {
        watched.remove(&uri);
    }
    Ok(b"{}".to_vec())
}

fn get_prompt(from: &Params<'_>) -> Result<Operation, WireError> {
    let name = params::text("name", from.name)?.into_owned();
    let arguments = params::arguments(from.arguments)?;
    Ok(Operation::GetPrompt { name, arguments })
}

fn complete(from: &Params<'_>) -> Result<Operation, WireError> {
    Ok(Operation::Complete {
        reference: params::read("ref", from.reference)?,
        argument: params::read("argument", from.argument)?,
        context: params::optional("context", from.context)?,
    })
}

/// One call through the whole chain. A panic outside of the chain's own fence is an internal fault as well: there is
/// always an answer.
pub(crate) async fn through(
    catalog: &Catalog,
    end: &dyn Endpoint,
    call: &Call,
    cx: &Context,
) -> Result<Reply, Refusal> {
    let way = Next::new(&catalog.rules.guards, end).run(call, cx);
    let result = AssertUnwindSafe(way).catch_unwind().await;
    result.unwrap_or_else(|_| Err(Refusal::internal("panic outside of the fence")))
}

/// One operation through the whole chain.
pub(crate) async fn call(catalog: &Catalog, operation: Operation, cx: &Context) -> (Operation, Result<Reply, Refusal>) {
    let call = catalog.call(operation);
    let result = through(catalog, catalog, &call, cx).await;
    (call.operation, result)
}

/// The same, as a client sees it. `watched`: the resources that its session watches.
pub(crate) async fn answer(
    engine: &Arc<Engine>,
    catalog: &Arc<Catalog>,
    operation: Operation,
    cx: &Context,
    watched: Option<&Watched>,
) -> Outcome {
    let call = catalog.call(operation);
    if tasks::may_become(&call, cx) {
        return tasks::run(engine, catalog, call, cx).await;
    }
    match through(catalog, &**catalog, &call, cx).await {
        Ok(Reply::Subscribed) => match watched.map_or(Ok(()), |watched| watched.add(call.operation.name())) {
            Ok(()) => Outcome::Reply(Box::new(Reply::Subscribed)),
            Err(full) => Outcome::Error(full),
        },
        result => outcome(engine, result, &call.operation, cx),
    }
}

/// What a client is told of a call's end.
pub(crate) fn outcome(engine: &Engine, result: Result<Reply, Refusal>, operation: &Operation, cx: &Context) -> Outcome {
    let modern = !cx.protocol.has_initialize();
    match result {
        Ok(reply) => Outcome::Reply(Box::new(reply)),
        Err(refusal) if modern && refusal.input().is_some() => Outcome::Result(
            refusal.input().map(|input| asking::rounds::required(input, &engine.info)).unwrap_or_default(),
        ),
        Err(refusal) => match errors::map(&refusal, operation, cx, modern) {
            Mapped::Reply(reply) => Outcome::Reply(Box::new(reply)),
            Mapped::Error(error) => Outcome::Error(error),
        },
    }
}

/// Why a call is refused before it is an operation: the flag in its record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Away {
    /// Its request can't be read, or contradicts its headers.
    Garbled,
    /// It belongs to no session and to no revision that is spoken here.
    Stray,
    /// Its conversation has too much in flight, or this id already.
    Busy,
    /// The server is stopping.
    Draining,
}

impl Away {
    const fn flag(self) -> &'static str {
        match self {
            Self::Garbled => "garbled",
            Self::Stray => "stray",
            Self::Busy => "busy",
            Self::Draining => "draining",
        }
    }
}

/// Sends a call that is refused for what its request says, or for when it came, through the chain: what stands outside
/// of the refusing guards sees it and records it. It reaches no source. Other methods leave no record.
pub(crate) async fn turn_away(engine: &Arc<Engine>, speaker: &Speaker, method: &str, params: &Params<'_>, why: Away) {
    let text = |raw: Option<&RawValue>| params::text("name", raw).map(Cow::into_owned).unwrap_or_default();
    let operation = match method {
        "tools/call" => Operation::CallTool { name: text(params.name), arguments: JsonObject::new() },
        "prompts/get" => Operation::GetPrompt { name: text(params.name), arguments: JsonObject::new() },
        "resources/read" => Operation::ReadResource { uri: text(params.uri) },
        "resources/subscribe" => Operation::Subscribe { uri: text(params.uri) },
        "completion/complete" => Operation::Complete {
            reference: params::read("ref", params.reference).unwrap_or_else(|_| Reference::for_prompt("")),
            argument: ArgumentInfo::new("", ""),
            context: None,
        },
        _ => return,
    };
    let catalog = &engine.supervisor.catalog();
    let unanswered = |target: Arc<Target>| Target { arguments: Some(Arc::new(Unanswered)), ..Target::clone(&target) };
    let target = catalog.target(&operation).map(unanswered).map(Arc::new);
    let cx = engine.context(speaker, catalog, CancellationToken::new(), None, None);
    cx.note(|trail| {
        trail.flags.push(why.flag().to_owned());
        trail.unagreed = !speaker.agreed;
    });
    // The client has its answer already; a guard of one's own that replies all the same changes nothing.
    let _ = Next::new(&catalog.rules.guards, &Unanswered).run(&Call { operation, target }, &cx).await;
}

fn unanswerable() -> Refusal {
    Refusal::invalid("the request is not one that can be answered")
}

/// What stands in the place of the arguments and the source of a call that is turned away.
#[derive(Debug)]
struct Unanswered;

impl CheckArguments for Unanswered {
    fn check(&self, _: &JsonObject) -> Result<(), Refusal> {
        Err(unanswerable())
    }
}

#[async_trait]
impl Endpoint for Unanswered {
    async fn reach(&self, _: &Call, _: &Context) -> Result<Reply, Refusal> {
        Err(unanswerable())
    }
}

/// Reads resources from within a call: through the same chain, in the same catalog.
#[derive(Debug)]
pub(crate) struct Reader {
    pub(crate) catalog: Arc<Catalog>,
}

#[async_trait]
impl ReadResource for Reader {
    async fn read(&self, uri: &str, cx: &Context) -> Result<ReadResourceResult, Refusal> {
        if cx.depth >= limits::NESTED_READS_MAX {
            return Err(Refusal::failed(format!("`{uri}` is embedded too deeply")));
        }
        let operation = Operation::ReadResource { uri: uri.to_owned() };
        match call(&self.catalog, operation, &cx.nested()).await.1? {
            Reply::Resource(result) => Ok(result),
            _ => Ok(ReadResourceResult::new(Vec::<ResourceContents>::new())),
        }
    }

    async fn complete(
        &self,
        uri: &str,
        variable: &ArgumentInfo,
        context: Option<&CompletionContext>,
        cx: &Context,
    ) -> Result<CompletionInfo, Refusal> {
        if cx.depth >= limits::NESTED_READS_MAX {
            return Err(Refusal::failed(format!("`{uri}` is asked for too deeply")));
        }
        let operation = Operation::Complete {
            reference: Reference::for_resource(uri),
            argument: variable.clone(),
            context: context.cloned(),
        };
        match call(&self.catalog, operation, &cx.nested()).await.1? {
            Reply::Completion(result) => Ok(result.completion),
            _ => Ok(CompletionInfo::default()),
        }
    }
}
