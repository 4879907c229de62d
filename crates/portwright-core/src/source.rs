//! [`Source`]: the owner of tools, resources and prompts; and how one comes out of the configuration.
//!
//! # What a source does
//!
//! It lists what it offers and answers calls of it. Lists are cheap and do no I/O, since they are asked for whenever the
//! catalog is built; when they change, the source says so by [`changes`](Source::changes). A call has passed every
//! guard, and its arguments have passed the tool's input schema:
//!
//! ```
//! use portwright_core::protocol::{CallToolResult, ContentBlock, JsonObject, Tool};
//! use portwright_core::{Context, Health, Refusal, Source, async_trait};
//! use serde_json::json;
//!
//! #[derive(Debug)]
//! struct Echo;
//!
//! #[async_trait]
//! impl Source for Echo {
//!     fn tools(&self) -> Vec<Tool> {
//!         let schema = json!({
//!             "type": "object",
//!             "properties": { "text": { "type": "string", "description": "What to say" } },
//!             "required": ["text"],
//!         });
//!         vec![Tool::new("echo", "Says what it is told.", schema.as_object().cloned().unwrap_or_default())]
//!     }
//!
//!     async fn call(&self, _: &str, arguments: &JsonObject, _: &Context) -> Result<CallToolResult, Refusal> {
//!         let text = arguments["text"].as_str().unwrap_or_default();
//!         Ok(CallToolResult::success(vec![ContentBlock::text(text)]))
//!     }
//!
//!     async fn health(&self) -> Health {
//!         Health::Ready
//!     }
//! }
//! # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
//! # let cx = Context::new("r-1", portwright_core::TransportKind::InProcess);
//! # let arguments = json!({"text": "hi"}).as_object().cloned().unwrap();
//! # assert!(runtime.block_on(Echo.call("echo", &arguments, &cx)).is_ok());
//! ```
//!
//! # How it is configured
//!
//! Three steps, so that a configuration can be checked while every host is unreachable: [`SourceKind::decode`] reads the
//! table (opens nothing), [`SourceConfig::connect`] opens it (the only step with I/O), and the [`Source`] serves. One
//! that does not open is tried again, with growing pauses, and the server serves the others meanwhile.

use std::error::Error;
use std::fmt::{self, Debug};
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use schemars::{Schema, SchemaGenerator};
use tokio::sync::{broadcast, watch};

use crate::context::Context;
use crate::diagnostic::{Diagnostic, Pointer};
use crate::protocol::{
    ArgumentInfo, CallToolResult, CompleteResult, CompletionContext, CompletionInfo, GetPromptResult, JsonObject,
    Prompt, ReadResourceResult, Reference, Resource, ResourceTemplate, Tool,
};
use crate::refusal::Refusal;
use crate::task::TaskSupport;

/// How a source uses its connections, at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PoolUse {
    /// The most that there may be.
    pub max: usize,
    /// Lent to calls.
    pub busy: usize,
    /// Open, and lent to nobody.
    pub idle: usize,
    /// Calls that wait for one.
    pub waiting: usize,
}

/// A type of source, as `kind = "…"` names it.
pub trait SourceKind: Send + Sync {
    /// The word in the configuration.
    fn name(&self) -> &'static str;

    /// One line for help texts.
    fn summary(&self) -> &'static str;

    /// The schema of `[sources.NAME]`, without `kind`.
    fn schema(&self, generator: &mut SchemaGenerator) -> Schema;

    /// The schema of what `[tools.NAME]` may hold for this kind beside `source`; none if it takes no declared tools.
    fn tool_schema(&self, _: &mut SchemaGenerator) -> Option<Schema> {
        None
    }

    /// The same for `[resources."URI"]`.
    fn resource_schema(&self, _: &mut SchemaGenerator) -> Option<Schema> {
        None
    }

    /// Reads the tables. Opens nothing. Everything that is wrong comes back at once.
    fn decode(&self, spec: SourceSpec) -> Result<Box<dyn SourceConfig>, Vec<Diagnostic>>;
}

/// What the configuration says of one source. Its tables hold resolved secrets: they are left out of `Debug`.
#[derive(Clone)]
pub struct SourceSpec {
    /// Its name: `shop` in `[sources.shop]`.
    pub name: Arc<str>,
    /// Its table without `kind`, references to secrets already resolved.
    pub table: JsonObject,
    /// The tools declared on it, in the order of the file.
    pub tools: Vec<Declared>,
    /// The resources declared on it; `name` is the URI.
    pub resources: Vec<Declared>,
    /// The folder that relative paths start from: the configuration file's.
    pub base: PathBuf,
}

impl SourceSpec {
    /// Where its table stands.
    pub fn place(&self) -> Pointer {
        Pointer::root().join("sources").join(&self.name)
    }
}

impl Debug for SourceSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, table: _, tools, resources, base } = self;
        f.debug_struct("SourceSpec")
            .field("name", name)
            .field("tools", tools)
            .field("resources", resources)
            .field("base", base)
            .finish_non_exhaustive()
    }
}

/// A tool or resource that the configuration declares on a source. Its table is left out of `Debug`, as a source's.
#[derive(Clone)]
pub struct Declared {
    /// The tool's name, or the resource's URI.
    pub name: String,
    /// Its table without `source`.
    pub table: JsonObject,
    /// Where its table stands.
    pub place: Pointer,
}

impl Debug for Declared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, table: _, place } = self;
        f.debug_struct("Declared").field("name", name).field("place", place).finish_non_exhaustive()
    }
}

/// A source that is configured but not yet open.
#[async_trait]
pub trait SourceConfig: Debug + Send + Sync {
    /// Opens it: the only step with I/O. It is called again, with growing pauses, while it fails.
    async fn connect(&self) -> Result<Arc<dyn Source>, ConnectError>;
}

/// Why a source could not be opened. `public` may stand on a health page; the cause is for the log.
#[derive(Debug)]
pub struct ConnectError {
    public: String,
    cause: Option<Box<dyn Error + Send + Sync>>,
    /// Where the configuration is at fault, if it is.
    pub place: Option<Pointer>,
}

impl ConnectError {
    /// In words that may stand on a health page.
    pub fn new(public: impl Into<String>) -> Self {
        Self { public: public.into(), cause: None, place: None }
    }

    /// Adds what only the log may know.
    #[must_use]
    pub fn because(mut self, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    /// Adds the place in the configuration that is at fault.
    #[must_use]
    pub fn at(mut self, place: Pointer) -> Self {
        self.place = Some(place);
        self
    }
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.public)
    }
}

impl Error for ConnectError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.cause.as_deref().map(|cause| cause as &(dyn Error + 'static))
    }
}

/// Another name of a tool, as another server has it: a call of it is a call of the tool from the guards on.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Alias {
    /// The other name; the tool's own where only arguments have other names.
    pub name: String,
    /// The tool's own name.
    pub tool: String,
    /// Other names of arguments, each with the tool's own.
    pub renamed: Vec<(String, String)>,
    /// Arguments that the other name stands for: `get_issue` is `issue_read` with the method `get`. A rule that allows
    /// such a name does not allow the tool, since that can do more; one that denies it denies the tool.
    pub implied: JsonObject,
}

impl Alias {
    /// Another name for just the same.
    pub fn new(name: impl Into<String>, tool: impl Into<String>) -> Self {
        Self { name: name.into(), tool: tool.into(), ..Self::default() }
    }

    /// The arguments as the tool itself knows them. One that has the tool's own name already stays as it is.
    pub fn own_arguments(&self, mut arguments: JsonObject) -> JsonObject {
        for (other, own) in &self.renamed {
            if !arguments.contains_key(own)
                && let Some(value) = arguments.shift_remove(other)
            {
                arguments.insert(own.clone(), value);
            }
        }
        arguments.extend(self.implied.clone());
        arguments
    }
}

/// How a source is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Health {
    /// All of it works.
    Ready,
    /// It serves in part or not at all; the words may stand on a health page.
    Degraded(String),
}

/// The owner of tools, resources, templates and prompts.
///
/// The lists are what the source offers now; they are cheap and do no I/O. When they change, the source says so on the
/// [`changes`](Self::changes) watch and is asked again.
#[async_trait]
pub trait Source: Debug + Send + Sync {
    /// The tools that it offers now.
    fn tools(&self) -> Vec<Tool> {
        Vec::new()
    }

    /// Other names by which clients may call the tools (`query` for `run_sql_query`): accepted, not listed. A listed
    /// name always wins.
    fn aliases(&self) -> Vec<Alias> {
        Vec::new()
    }

    /// Whether calls of one of [`tools`](Self::tools) may become tasks; asked when the lists are. It is no part of the
    /// tool, and clients are not told: they learn it from the answer to a call.
    fn task_support(&self, _tool: &str) -> TaskSupport {
        TaskSupport::NEVER
    }

    /// Whether others than the operator write the lists and may change them: another server, for instance. Such lists are
    /// cleaned before anybody sees them.
    fn is_foreign(&self) -> bool {
        false
    }

    /// The resources that can be read under a fixed URI.
    fn resources(&self) -> Vec<Resource> {
        Vec::new()
    }

    /// The resources whose URIs have variables.
    fn templates(&self) -> Vec<ResourceTemplate> {
        Vec::new()
    }

    /// The prompts that it offers now.
    fn prompts(&self) -> Vec<Prompt> {
        Vec::new()
    }

    /// Calls one of [`tools`](Self::tools). The arguments have passed the tool's input schema. The source stops its
    /// work when `cx.cancel` fires.
    async fn call(&self, tool: &str, _: &JsonObject, _: &Context) -> Result<CallToolResult, Refusal> {
        Err(Refusal::not_found("tool", tool))
    }

    /// Reads one of [`resources`](Self::resources), or a URI that fits one of [`templates`](Self::templates).
    async fn read(&self, uri: &str, _: &Context) -> Result<ReadResourceResult, Refusal> {
        Err(Refusal::not_found("resource", uri))
    }

    /// Fills in one of [`prompts`](Self::prompts). The arguments have passed what the prompt says of them.
    async fn get_prompt(&self, name: &str, _: &JsonObject, _: &Context) -> Result<GetPromptResult, Refusal> {
        Err(Refusal::not_found("prompt", name))
    }

    /// Values that begin with what the user typed so far; at most 100.
    async fn complete(
        &self,
        _: &Reference,
        _: &ArgumentInfo,
        _: Option<&CompletionContext>,
        _: &Context,
    ) -> Result<CompleteResult, Refusal> {
        Ok(CompleteResult::new(CompletionInfo::default()))
    }

    /// How it is now. May ask the host, within [`limits::HEALTH_WAIT`](crate::limits::HEALTH_WAIT).
    async fn health(&self) -> Health;

    /// What a careful operator should know: privileges that are too wide, declarations that do not work. Used by
    /// `portwright check`.
    async fn inspect(&self) -> Vec<Diagnostic> {
        Vec::new()
    }

    /// A number that grows whenever one of the lists changes; none if they never do.
    fn changes(&self) -> Option<watch::Receiver<u64>> {
        None
    }

    /// The URIs of resources whose contents change, each when it does; none if the source can't tell. With it, clients
    /// may subscribe to the source's resources.
    fn updates(&self) -> Option<broadcast::Receiver<Arc<str>>> {
        None
    }

    /// A client wants to be told when one of [`resources`](Self::resources) changes, or a URI that fits one of
    /// [`templates`](Self::templates). Asked only of a source that has [`updates`](Self::updates); it may refuse, or
    /// begin to watch.
    async fn subscribe(&self, _uri: &str, _: &Context) -> Result<(), Refusal> {
        Ok(())
    }

    /// How its connections are used; none where it has no pool. Asked for metrics: cheap, and without I/O.
    fn pool(&self) -> Option<PoolUse> {
        None
    }

    /// Ends what calls have left behind at the host, a statement that was called off for instance. Asked once, after
    /// the last call and before the process ends, and given [`limits::STOP_WAIT`](crate::limits::STOP_WAIT).
    async fn close(&self) {}
}
