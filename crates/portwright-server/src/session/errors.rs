//! The one place that maps a refusal to the wire.
//!
//! What a model can mend in a tool call is a tool result with `isError` and words that say how. What is unknown and what
//! is forbidden read the same. An internal fault tells a request id and nothing else.

use portwright_core::protocol::{CallToolResult, ContentBlock, MetaObject};
use portwright_core::{Context, Operation, Refusal, RefusalKind, Reply};
use serde::Serialize;
use serde_json::{Value, json};

/// Error codes of JSON-RPC 2.0 and of MCP (specification, "Error Codes").
pub(crate) mod code {
    pub(crate) const PARSE: i32 = -32700;
    pub(crate) const INVALID_REQUEST: i32 = -32600;
    pub(crate) const METHOD_NOT_FOUND: i32 = -32601;
    pub(crate) const INVALID_PARAMS: i32 = -32602;
    pub(crate) const INTERNAL: i32 = -32603;
    /// Revisions before 2026-07-28 only.
    pub(crate) const RESOURCE_NOT_FOUND: i32 = -32002;
    pub(crate) const HEADER_MISMATCH: i32 = -32020;
    pub(crate) const MISSING_CAPABILITY: i32 = -32021;
    pub(crate) const UNSUPPORTED_VERSION: i32 = -32022;
}

/// A JSON-RPC error.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct WireError {
    pub(crate) code: i32,
    pub(crate) message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) data: Option<Value>,
}

impl WireError {
    fn new(code: i32, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), data: None }
    }

    fn with(mut self, data: Value) -> Self {
        self.data = Some(data);
        self
    }

    pub(crate) fn parse(message: impl Into<String>) -> Self {
        Self::new(code::PARSE, message)
    }

    pub(crate) fn invalid_request(message: impl Into<String>) -> Self {
        Self::new(code::INVALID_REQUEST, message)
    }

    pub(crate) fn invalid_params(message: impl Into<String>) -> Self {
        Self::new(code::INVALID_PARAMS, message)
    }

    pub(crate) fn method_not_found(method: &str) -> Self {
        Self::new(code::METHOD_NOT_FOUND, format!("there is no method `{}`", method.escape_debug()))
    }

    pub(crate) fn internal(message: impl Into<String>) -> Self {
        Self::new(code::INTERNAL, message)
    }

    pub(crate) fn header_mismatch(message: impl Into<String>) -> Self {
        Self::new(code::HEADER_MISMATCH, message)
    }

    /// `needs` is what the client would have to declare, as `ClientCapabilities`.
    pub(crate) fn missing_capability(message: impl Into<String>, needs: &Value) -> Self {
        Self::new(code::MISSING_CAPABILITY, message).with(json!({"requiredCapabilities": needs}))
    }

    pub(crate) fn unsupported_version(requested: &str, supported: &[&str]) -> Self {
        Self::new(code::UNSUPPORTED_VERSION, "this protocol version is not supported")
            .with(json!({"supported": supported, "requested": requested}))
    }

    /// The HTTP status that goes with it in the stateless era; requests that reached a method answer 200.
    pub(crate) fn http_status(&self) -> u16 {
        match self.code {
            code::METHOD_NOT_FOUND => 404,
            code::PARSE
            | code::INVALID_REQUEST
            | code::HEADER_MISMATCH
            | code::MISSING_CAPABILITY
            | code::UNSUPPORTED_VERSION => 400,
            _ => 200,
        }
    }
}

/// What becomes of a refusal: a tool's answer that says `isError`, or an error.
#[derive(Debug)]
pub(crate) enum Mapped {
    Reply(Reply),
    Error(WireError),
}

/// Maps a refusal of `operation`. `modern`: the client speaks 2026-07-28 or later.
pub(crate) fn map(refusal: &Refusal, operation: &Operation, cx: &Context, modern: bool) -> Mapped {
    let tool = matches!(operation, Operation::CallTool { .. });
    let text = refusal.public();
    match refusal.kind() {
        RefusalKind::NotFound if operation.method().starts_with("resources/") => {
            let code = if modern { code::INVALID_PARAMS } else { code::RESOURCE_NOT_FOUND };
            Mapped::Error(WireError::new(code, text).with(json!({"uri": operation.name()})))
        }
        RefusalKind::NotFound => Mapped::Error(WireError::invalid_params(text)),
        RefusalKind::Internal | RefusalKind::InputRequired => {
            let text = format!("internal error; the operator finds it in the log as request {}", cx.request);
            Mapped::Error(WireError::new(code::INTERNAL, text))
        }
        RefusalKind::Incapable if modern => {
            let needs = refusal.needs().cloned().unwrap_or_else(|| json!({}));
            Mapped::Error(WireError::missing_capability(text, &needs))
        }
        RefusalKind::Invalid if !tool => Mapped::Error(WireError::invalid_params(text)),
        _ if tool => Mapped::Reply(Reply::Tool(tool_error(refusal))),
        _ => {
            let error = WireError::new(code::INTERNAL, words(refusal));
            Mapped::Error(match refusal.wait() {
                Some(wait) => error.with(json!({"retryAfterMs": millis(wait)})),
                None => error,
            })
        }
    }
}

fn tool_error(refusal: &Refusal) -> CallToolResult {
    let mut result = CallToolResult::error(vec![ContentBlock::text(words(refusal))]);
    if let Some(wait) = refusal.wait() {
        let mut meta = MetaObject::new();
        meta.0.insert("portwright/retryAfterMs".to_owned(), millis(wait).into());
        result.meta = Some(meta);
    }
    result
}

fn words(refusal: &Refusal) -> String {
    match refusal.wait() {
        Some(wait) => format!("{} (try again in {} s)", refusal.public(), wait.as_secs().max(1)),
        None => refusal.public().to_owned(),
    }
}

fn millis(wait: std::time::Duration) -> u64 {
    u64::try_from(wait.as_millis()).unwrap_or(u64::MAX)
}
