//! The main path: one method, one step.
//!
//! [`step`] turns a request into its answer, where the catalog or the session can give it, or into the [`Operation`]
//! that must go to a source. [`call`] sends that operation through the guard chain.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures::FutureExt;
use portwright_core::protocol::{
    ArgumentInfo, CompletionContext, JsonObject, ReadResourceResult, Reference, ResourceContents,
};
use portwright_core::{Call, Context, Next, Operation, ReadResource, Refusal, Reply, async_trait, limits};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::errors::{self, Mapped, WireError};
use super::reply::Outcome;
use super::{Speaker, lists, modern};
use crate::catalog::Catalog;
use crate::server::Engine;

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
pub(crate) fn step(scene: &Scene<'_>, method: &str, params: Option<&RawValue>) -> Result<Step, WireError> {
    let catalog = scene.catalog;
    match method {
        "tools/call" => call_tool(params),
        "resources/read" => read_resource(params),
        "prompts/get" => get_prompt(params),
        "completion/complete" => complete(params),
        "tools/list" => lists::page(scene, "tools", &catalog.tools, params).map(Step::Done),
        "resources/list" => lists::page(scene, "resources", &catalog.resources, params).map(Step::Done),
        "resources/templates/list" => {
            lists::page(scene, "resourceTemplates", &catalog.templates, params).map(Step::Done)
        }
        "prompts/list" => lists::page(scene, "prompts", &catalog.prompts, params).map(Step::Done),
        "server/discover" if scene.speaker.modern() => Ok(Step::Done(modern::discover(scene.engine))),
        "ping" if !scene.speaker.modern() => Ok(Step::Done(b"{}".to_vec())),
        _ => Err(WireError::method_not_found(method)),
    }
}

/// Reads the parameters that a method wants.
pub(crate) fn params<'a, T: Deserialize<'a>>(params: Option<&'a RawValue>) -> Result<T, WireError> {
    let text = params.map_or("{}", RawValue::get);
    if text.starts_with('[') {
        return Err(WireError::invalid_params("`params` must be an object"));
    }
    serde_json::from_str(text).map_err(|error| WireError::invalid_params(format!("`params` do not fit: {error}")))
}

fn call_tool(raw: Option<&RawValue>) -> Result<Step, WireError> {
    #[derive(Deserialize)]
    struct CallTool {
        name: String,
        #[serde(default)]
        arguments: Option<JsonObject>,
    }
    let CallTool { name, arguments } = params(raw)?;
    Ok(Step::Call(Operation::CallTool { name, arguments: arguments.unwrap_or_default() }))
}

fn read_resource(raw: Option<&RawValue>) -> Result<Step, WireError> {
    #[derive(Deserialize)]
    struct Read {
        uri: String,
    }
    let Read { uri } = params(raw)?;
    Ok(Step::Call(Operation::ReadResource { uri }))
}

fn get_prompt(raw: Option<&RawValue>) -> Result<Step, WireError> {
    #[derive(Deserialize)]
    struct Get {
        name: String,
        #[serde(default)]
        arguments: Option<JsonObject>,
    }
    let Get { name, arguments } = params(raw)?;
    Ok(Step::Call(Operation::GetPrompt { name, arguments: arguments.unwrap_or_default() }))
}

fn complete(raw: Option<&RawValue>) -> Result<Step, WireError> {
    #[derive(Deserialize)]
    struct Complete {
        #[serde(rename = "ref")]
        reference: Reference,
        argument: ArgumentInfo,
        #[serde(default)]
        context: Option<CompletionContext>,
    }
    let Complete { reference, argument, context } = params(raw)?;
    Ok(Step::Call(Operation::Complete { reference, argument, context }))
}

/// One operation through the whole chain. A panic outside of the chain's own fence is an internal fault as well: there
/// is always an answer.
pub(crate) async fn call(
    engine: &Engine,
    catalog: &Catalog,
    operation: Operation,
    cx: &Context,
) -> (Operation, Result<Reply, Refusal>) {
    let target = catalog.target(&operation);
    let call = Call { operation, target };
    let way = Next::new(&engine.guards, catalog).run(&call, cx);
    let result = AssertUnwindSafe(way).catch_unwind().await;
    let result = result.unwrap_or_else(|_| Err(Refusal::internal("panic outside of the fence")));
    (call.operation, result)
}

/// The same, as a client sees it.
pub(crate) async fn answer(engine: &Engine, catalog: &Catalog, operation: Operation, cx: &Context) -> Outcome {
    let (operation, result) = call(engine, catalog, operation, cx).await;
    match result {
        Ok(reply) => Outcome::Reply(Box::new(reply)),
        Err(refusal) => match errors::map(&refusal, &operation, cx, !cx.protocol.has_initialize()) {
            Mapped::Reply(reply) => Outcome::Reply(Box::new(reply)),
            Mapped::Error(error) => Outcome::Error(error),
        },
    }
}

/// Reads resources from within a call: through the same chain, in the same catalog.
#[derive(Debug)]
pub(crate) struct Reader {
    pub(crate) engine: Arc<Engine>,
    pub(crate) catalog: Arc<Catalog>,
}

#[async_trait]
impl ReadResource for Reader {
    async fn read(&self, uri: &str, cx: &Context) -> Result<ReadResourceResult, Refusal> {
        if cx.depth >= limits::NESTED_READS_MAX {
            return Err(Refusal::failed(format!("`{uri}` is embedded too deeply")));
        }
        let operation = Operation::ReadResource { uri: uri.to_owned() };
        match call(&self.engine, &self.catalog, operation, &cx.nested()).await.1? {
            Reply::Resource(result) => Ok(result),
            _ => Ok(ReadResourceResult::new(Vec::<ResourceContents>::new())),
        }
    }
}
