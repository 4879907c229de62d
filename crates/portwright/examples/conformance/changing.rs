//! Lists that change: two tools that let a tool and a prompt come and go.

use std::sync::Arc;

use portwright_core::Refusal;
use portwright_core::protocol::{CallToolResult, Prompt, Tool};
use tokio::sync::{broadcast, watch};

use crate::source::{nothing, tool, words};

const TOOL: u64 = 1;
const PROMPT: u64 = 2;

/// What is there now.
#[derive(Debug)]
pub(crate) struct Changing {
    revision: watch::Sender<u64>,
    updates: broadcast::Sender<Arc<str>>,
}

impl Default for Changing {
    fn default() -> Self {
        Self { revision: watch::Sender::new(0), updates: broadcast::Sender::new(16) }
    }
}

impl Changing {
    pub(crate) fn tools(&self) -> Vec<Tool> {
        let mut tools = vec![
            tool("test_trigger_tool_change", "Changes the list of tools.", &nothing()),
            tool("test_trigger_prompt_change", "Changes the list of prompts.", &nothing()),
        ];
        if self.has(TOOL) {
            tools.push(tool("test_grown", "Came later.", &nothing()));
        }
        tools
    }

    pub(crate) fn prompts(&self) -> Vec<Prompt> {
        let grown = || Prompt::new("test_grown_prompt", Some("Came later."), None);
        self.has(PROMPT).then(grown).into_iter().collect()
    }

    pub(crate) fn call(&self, name: &str) -> Option<Result<CallToolResult, Refusal>> {
        match name {
            "test_trigger_tool_change" => self.change(TOOL),
            "test_trigger_prompt_change" => self.change(PROMPT),
            "test_grown" => {}
            _ => return None,
        }
        Some(Ok(words("done")))
    }

    pub(crate) fn watch(&self) -> watch::Receiver<u64> {
        self.revision.subscribe()
    }

    /// Resources may be subscribed to; none of them ever changes.
    pub(crate) fn updates(&self) -> broadcast::Receiver<Arc<str>> {
        self.updates.subscribe()
    }

    fn has(&self, what: u64) -> bool {
        *self.revision.borrow() & what != 0
    }

    fn change(&self, what: u64) {
        self.revision.send_modify(|revision| *revision ^= what);
    }
}
