//! A source that fails in every way that guards and server must survive.

use std::future;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use serde_json::json;

use crate::context::Context;
use crate::downstream::LogLevel;
use crate::protocol::{CallToolResult, ContentBlock, JsonObject, Tool, ToolAnnotations};
use crate::refusal::Refusal;
use crate::source::{Health, Source};

/// Its tools, what they do, and whether they only read.
const TOOLS: [(&str, &str, bool); 9] = [
    ("echo", "Returns its arguments as text.", true),
    ("write", "Counts as a tool that writes; returns its arguments as text.", false),
    ("panic", "Panics.", true),
    ("hang", "Never ends and does not listen when it is cancelled.", true),
    ("hang_writing", "The same, as a tool that writes.", false),
    ("wait", "Ends only when it is cancelled.", true),
    ("refuse", "Says no.", true),
    ("break", "Fails inside, with a cause that no client may see.", true),
    ("flood", "Sends progress and log messages without measure and returns a megabyte.", true),
];

/// The cause that `break` fails with.
pub const HIDDEN: &str = "hidden cause: password=hunter2";

const FLOOD_MESSAGES: u32 = 10_000;
const FLOOD_BYTES: usize = 1024 * 1024;

/// Counts what happens to it.
#[derive(Debug, Default)]
pub struct Faulty {
    calls: AtomicUsize,
    stopped: AtomicUsize,
}

impl Faulty {
    /// Calls that reached it.
    pub fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    /// Calls of `wait` that saw their cancellation.
    pub fn stopped(&self) -> usize {
        self.stopped.load(Ordering::SeqCst)
    }

    fn flood(cx: &Context) -> CallToolResult {
        for step in 0..FLOOD_MESSAGES {
            cx.downstream.progress(f64::from(step), None, Some("more"));
            cx.downstream.log(LogLevel::Info, "faulty", json!(step));
        }
        CallToolResult::success(vec![ContentBlock::text("x".repeat(FLOOD_BYTES))])
    }
}

#[async_trait]
impl Source for Faulty {
    fn tools(&self) -> Vec<Tool> {
        let schema: JsonObject = [("type".to_owned(), json!("object"))].into_iter().collect();
        TOOLS
            .into_iter()
            .map(|(name, description, reads)| {
                let mut tool = Tool::new(name, description, schema.clone());
                tool.annotations = Some(
                    ToolAnnotations::new().read_only(reads).destructive(false).idempotent(reads).open_world(false),
                );
                tool
            })
            .collect()
    }

    #[expect(clippy::panic, reason = "a source that panics is what the fence is tested with")]
    async fn call(&self, tool: &str, arguments: &JsonObject, cx: &Context) -> Result<CallToolResult, Refusal> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        match tool {
            "echo" | "write" => {
                let text = serde_json::to_string(arguments).map_err(Refusal::internal)?;
                Ok(CallToolResult::success(vec![ContentBlock::text(text)]))
            }
            "panic" => panic!("{HIDDEN}"),
            "hang" | "hang_writing" => future::pending().await,
            "wait" => {
                cx.cancel.cancelled().await;
                self.stopped.fetch_add(1, Ordering::SeqCst);
                Err(Refusal::cancelled())
            }
            "refuse" => Err(Refusal::failed("the source says no")),
            "break" => Err(Refusal::internal(HIDDEN)),
            "flood" => Ok(Self::flood(cx)),
            _ => Err(Refusal::not_found("tool", tool)),
        }
    }

    async fn health(&self) -> Health {
        Health::Degraded("it is faulty".to_owned())
    }
}
