//! [`TypedTool`]: a tool whose arguments and answer are Rust types.

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use futures::future::BoxFuture;
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::schema;
use crate::context::Context;
use crate::protocol::{CallToolResult, ContentBlock, JsonObject, Tool, ToolAnnotations};
use crate::refusal::Refusal;

type Handler = dyn Fn(JsonObject, Context) -> BoxFuture<'static, Result<CallToolResult, Refusal>> + Send + Sync;

/// A tool made of an `async` function: its argument type gives the input schema, its answer's type the output schema.
///
/// A tool that says nothing about itself is taken for one that writes. Say [`read_only`](Self::read_only) where it is
/// true: clients ask people less often, and the audit needs no record of an intent.
///
/// ```
/// use portwright_core::tool::{Tools, TypedTool};
/// use portwright_core::{Context, Refusal};
/// use schemars::JsonSchema;
/// use serde::Deserialize;
///
/// #[derive(Deserialize, JsonSchema)]
/// struct Note {
///     /// The note's text
///     text: String,
/// }
///
/// let keep = TypedTool::new("keep", "Keeps a note.", |note: Note, _: Context| async move {
///     Ok::<_, Refusal>(format!("kept {} letters", note.text.len()))
/// });
/// let tools = Tools::new("notes").with(keep.title("Keep a note").idempotent().closed_world());
/// # let _ = tools;
/// ```
#[derive(Clone)]
pub struct TypedTool {
    pub(super) tool: Tool,
    pub(super) handler: Arc<Handler>,
    /// Why it can't be listed.
    pub(super) fault: Option<String>,
}

impl fmt::Debug for TypedTool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TypedTool").field("name", &self.tool.name).field("fault", &self.fault).finish_non_exhaustive()
    }
}

impl TypedTool {
    /// A tool that answers with a value. An object goes to the client as structured content with its schema, and as
    /// JSON text for clients that read text alone; a string goes as text; anything else as JSON text. `()` as the
    /// arguments' type is a tool without arguments.
    ///
    /// The function owns its [`Context`]: it can tell progress and read resources of the same server. When the call is
    /// cancelled or its time is up, the function is dropped where it awaits; what must come to its end all the same, it
    /// spawns. A [`Refusal::failed`] reaches the model as a result with `isError` and its words; a
    /// [`Refusal::internal`] as a request id alone, the cause going to the log.
    pub fn new<A, R, E, F, Fut>(name: impl Into<String>, description: impl Into<String>, function: F) -> Self
    where
        A: DeserializeOwned + JsonSchema,
        R: Serialize + JsonSchema,
        E: Into<Refusal>,
        F: Fn(A, Context) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<R, E>> + Send + 'static,
    {
        let output = schema::output::<R>();
        let structured = output.is_some();
        let mut typed = Self::with_results(name, description, move |arguments: A, cx| {
            let answer = function(arguments, cx);
            async move { reply(&answer.await.map_err(Into::into)?, structured) }
        });
        typed.tool.output_schema = output.map(Arc::new);
        typed
    }

    /// A tool that makes its result itself: images, links, several blocks.
    pub fn with_results<A, E, F, Fut>(name: impl Into<String>, description: impl Into<String>, function: F) -> Self
    where
        A: DeserializeOwned + JsonSchema,
        E: Into<Refusal>,
        F: Fn(A, Context) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<CallToolResult, E>> + Send + 'static,
    {
        let schema = schema::input::<A>();
        let fault = schema.is_none().then(|| "its arguments are not a struct, so they have no names".to_owned());
        let tool = Tool::new(name.into(), description.into(), schema.unwrap_or_default());
        // What the protocol takes for said where a tool is silent; written out, so that nobody has to know.
        let hints = ToolAnnotations::new().read_only(false).destructive(true).idempotent(false).open_world(true);
        let tool = tool.with_annotations(hints);
        let handler = move |arguments: JsonObject, cx: Context| -> BoxFuture<'static, _> {
            match read::<A>(arguments) {
                Ok(arguments) => {
                    let answer = function(arguments, cx);
                    Box::pin(async move { answer.await.map_err(Into::into) })
                }
                Err(refusal) => Box::pin(std::future::ready(Err(refusal))),
            }
        };
        Self { tool, handler: Arc::new(handler), fault }
    }

    /// A name for people.
    #[must_use]
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.tool.title = Some(title.into());
        self
    }

    /// It only reads.
    #[must_use]
    pub fn read_only(self) -> Self {
        self.annotated(|hints| {
            hints.read_only_hint = Some(true);
            hints.destructive_hint = Some(false);
            hints.idempotent_hint = Some(true);
        })
    }

    /// It writes, but only adds: it deletes and overwrites nothing.
    #[must_use]
    pub fn additive(self) -> Self {
        self.annotated(|hints| hints.destructive_hint = Some(false))
    }

    /// The same call twice does no more than once.
    #[must_use]
    pub fn idempotent(self) -> Self {
        self.annotated(|hints| hints.idempotent_hint = Some(true))
    }

    /// It touches nothing outside of this server's own domain; without this a client must expect that it does.
    #[must_use]
    pub fn closed_world(self) -> Self {
        self.annotated(|hints| hints.open_world_hint = Some(false))
    }

    fn annotated(mut self, write: impl FnOnce(&mut ToolAnnotations)) -> Self {
        write(self.tool.annotations.get_or_insert_with(ToolAnnotations::new));
        self
    }
}

/// The arguments as their type. They have passed the schema; what the type asks beyond it is said in serde's words.
fn read<A: DeserializeOwned>(arguments: JsonObject) -> Result<A, Refusal> {
    let whole = if arguments.is_empty() { None } else { Some(Value::Object(arguments)) };
    let read = match whole {
        Some(value) => serde_json::from_value(value),
        // `()` is read from null, a struct without members from an empty object.
        None => serde_json::from_value(Value::Object(JsonObject::new()))
            .or_else(|error| serde_json::from_value(Value::Null).map_err(|_| error)),
    };
    read.map_err(|error| Refusal::invalid(format!("the arguments do not fit: {error}")))
}

fn reply<R: Serialize>(answer: &R, structured: bool) -> Result<CallToolResult, Refusal> {
    let value = serde_json::to_value(answer).map_err(Refusal::internal)?;
    let content = match &value {
        Value::Null => Vec::new(),
        Value::String(text) => vec![ContentBlock::text(text.clone())],
        other => vec![ContentBlock::text(other.to_string())],
    };
    let mut result = CallToolResult::success(content);
    result.structured_content = structured.then_some(value);
    Ok(result)
}
