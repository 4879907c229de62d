//! [`Call`]: one operation of a client that reaches a source, and [`Reply`], its answer.
//!
//! A call is data: the operation as the client asked for it, and the [`Target`] that its name stands for in the
//! catalog. Lists are not calls: they are answered from the catalog, filtered by the same policy that judges calls.
//!
//! A name that nobody owns makes a call too. It has no target, passes the guards like any other, leaves its record, and
//! fails in the same words as a call that is forbidden: from outside, the two must look alike.
//!
//! ```
//! use portwright_core::{Call, Effects, Operation};
//!
//! let call = Call {
//!     operation: Operation::CallTool { name: "drop_table".into(), arguments: Default::default() },
//!     target: None,
//! };
//! assert_eq!(call.operation.method(), "tools/call");
//! // What nothing is known of is not taken for harmless.
//! let effects = call.target.as_ref().map_or(Effects::Writes, |target| target.effects);
//! assert_eq!(effects, Effects::Writes);
//! assert_eq!(call.operation.not_found().public(), "there is no tool `drop_table` here");
//! ```

use std::fmt::Debug;
use std::sync::Arc;

use serde_json::Value;

use crate::protocol::{
    ArgumentInfo, CallToolResult, CompleteResult, CompletionContext, GetPromptResult, JsonObject, ReadResourceResult,
    Reference, Tool,
};
use crate::refusal::Refusal;
use crate::task::TaskSupport;

/// What a client asks for. From the guards on it looks the same on every transport and in every protocol revision.
#[derive(Debug, Clone)]
pub struct Call {
    /// What is to be done.
    pub operation: Operation,
    /// What the name stands for in the catalog; none if nothing has that name. A call without a target still passes
    /// the chain, so that it leaves its record and fails like a forbidden one.
    pub target: Option<Arc<Target>>,
}

/// The operations that reach a source.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Operation {
    /// `tools/call`
    CallTool {
        /// The tool's name, as listed.
        name: String,
        /// Empty where the client sent none.
        arguments: JsonObject,
    },
    /// `resources/read`
    ReadResource {
        /// A listed resource's, or one that fits a template.
        uri: String,
    },
    /// `resources/subscribe`, or one of the URIs of `subscriptions/listen`: to be told when the resource changes.
    Subscribe {
        /// A listed resource's, or one that fits a template.
        uri: String,
    },
    /// `prompts/get`. Values are strings by the specification.
    GetPrompt {
        /// The prompt's name, as listed.
        name: String,
        /// Empty where the client sent none.
        arguments: JsonObject,
    },
    /// `completion/complete`
    Complete {
        /// The prompt or the resource template that is being filled in.
        reference: Reference,
        /// The argument, and what was typed of it so far.
        argument: ArgumentInfo,
        /// Arguments that are filled in already.
        context: Option<CompletionContext>,
    },
}

impl Operation {
    /// The protocol's method, as in an audit record.
    pub fn method(&self) -> &'static str {
        match self {
            Self::CallTool { .. } => "tools/call",
            Self::ReadResource { .. } => "resources/read",
            Self::Subscribe { .. } => "resources/subscribe",
            Self::GetPrompt { .. } => "prompts/get",
            Self::Complete { .. } => "completion/complete",
        }
    }

    /// The tool's or prompt's name, or the resource's URI.
    pub fn name(&self) -> &str {
        match self {
            Self::CallTool { name, .. } | Self::GetPrompt { name, .. } => name,
            Self::ReadResource { uri } | Self::Subscribe { uri } => uri,
            Self::Complete { reference: Reference::Prompt(prompt), .. } => &prompt.name,
            Self::Complete { reference: Reference::Resource(resource), .. } => &resource.uri,
            Self::Complete { .. } => "",
        }
    }

    /// `tool`, `resource` or `prompt`: the word for what [`name`](Self::name) names.
    pub fn noun(&self) -> &'static str {
        match self {
            Self::CallTool { .. } => "tool",
            Self::ReadResource { .. }
            | Self::Subscribe { .. }
            | Self::Complete { reference: Reference::Resource(_), .. } => "resource",
            Self::GetPrompt { .. } | Self::Complete { .. } => "prompt",
        }
    }

    /// The arguments, where the operation has some.
    pub fn arguments(&self) -> Option<&JsonObject> {
        match self {
            Self::CallTool { arguments, .. } | Self::GetPrompt { arguments, .. } => Some(arguments),
            Self::ReadResource { .. } | Self::Subscribe { .. } | Self::Complete { .. } => None,
        }
    }

    /// What is refused because nothing (that this caller may use) has the name.
    pub fn not_found(&self) -> Refusal {
        Refusal::not_found(self.noun(), self.name())
    }
}

/// What a call does to the world outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effects {
    /// It only reads.
    None,
    /// It writes, but the same call twice does no more than once.
    Idempotent,
    /// It writes.
    Writes,
}

impl Effects {
    /// What a tool's annotations claim. A tool that claims nothing writes.
    pub fn of(tool: &Tool) -> Self {
        match &tool.annotations {
            Some(hints) if hints.read_only_hint == Some(true) => Self::None,
            Some(hints) if hints.idempotent_hint == Some(true) => Self::Idempotent,
            _ => Self::Writes,
        }
    }
}

/// What a call's name stands for in the catalog.
#[derive(Debug, Clone)]
pub struct Target {
    /// The source's name in the configuration.
    pub source: Arc<str>,
    /// The name within the source, which may differ from the listed one where two sources offer the same name.
    pub name: String,
    /// Other names that it answers to and that are not listed.
    pub aliases: Vec<String>,
    /// The same, of names that stand for a part of what the tool does.
    pub narrow_aliases: Vec<String>,
    /// What a call of it does to the world outside.
    pub effects: Effects,
    /// The tool as listed, for a call of a tool.
    pub tool: Option<Arc<Tool>>,
    /// Checks the arguments against the tool's input schema or the prompt's arguments, compiled when the catalog was
    /// built. A tool or prompt without it can't be called.
    pub arguments: Option<Arc<dyn CheckArguments>>,
    /// Whether calls of it may become tasks.
    pub tasks: TaskSupport,
    /// Whether its source describes it in another way than when it was listed first.
    pub drifted: bool,
}

/// A compiled input schema.
pub trait CheckArguments: Debug + Send + Sync {
    /// Says in one refusal everything that does not fit, so that a model can mend it in one try.
    fn check(&self, arguments: &JsonObject) -> Result<(), Refusal>;
}

/// The answer to a call.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Reply {
    /// Of a tool.
    Tool(CallToolResult),
    /// Of a resource.
    Resource(ReadResourceResult),
    /// Of a prompt.
    Prompt(GetPromptResult),
    /// Of a completion.
    Completion(CompleteResult),
    /// The caller will be told.
    Subscribed,
}

impl Reply {
    /// Whether it is a tool's answer that says `isError`.
    pub fn is_error(&self) -> bool {
        matches!(self, Self::Tool(result) if result.is_error == Some(true))
    }

    /// A tool's answer of one text block.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Tool(CallToolResult::success(vec![crate::protocol::ContentBlock::text(text)]))
    }

    /// A tool's structured answer with its text.
    pub fn structured(value: Value, text: impl Into<String>) -> Self {
        let mut result = CallToolResult::success(vec![crate::protocol::ContentBlock::text(text)]);
        result.structured_content = Some(value);
        Self::Tool(result)
    }
}
