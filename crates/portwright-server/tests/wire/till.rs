//! A source whose calls cost something: it counts them, and nothing else about them matters.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use portwright_core::protocol::{
    CallToolResult, ContentBlock, JsonObject, ReadResourceResult, Resource, ResourceContents, Tool, ToolAnnotations,
};
use portwright_core::{Context, Health, Refusal, Source, TaskSupport, async_trait};
use portwright_server::guard::approve::{ApprovalPlan, By};
use portwright_server::guard::policy::Pattern;
use portwright_server::{Server, ServerPlan};
use serde_json::json;

use crate::support::{mount, started};

#[derive(Debug, Default)]
pub(crate) struct Till {
    paid: AtomicUsize,
}

impl Till {
    pub(crate) fn paid(&self) -> usize {
        self.paid.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl Source for Till {
    fn tools(&self) -> Vec<Tool> {
        let schema = json!({"type": "object", "additionalProperties": true}).as_object().cloned().unwrap_or_default();
        let tool = |name: &'static str| {
            let mut tool = Tool::new(name, "A tool for tests.", schema.clone());
            tool.annotations = Some(ToolAnnotations::new().read_only(name == "look"));
            tool
        };
        ["pay", "ask_and_pay", "slow_pay", "look"].into_iter().map(tool).collect()
    }

    fn resources(&self) -> Vec<Resource> {
        vec![Resource::new("till://balance", "balance")]
    }

    fn task_support(&self, tool: &str) -> TaskSupport {
        if tool == "slow_pay" { TaskSupport::OPTIONAL } else { TaskSupport::NEVER }
    }

    async fn call(&self, tool: &str, _: &JsonObject, cx: &Context) -> Result<CallToolResult, Refusal> {
        if tool == "ask_and_pay" {
            let schema = json!({"type": "object", "properties": {"whom": {"type": "string"}}, "required": ["whom"]});
            cx.downstream.elicit("whom", "Whom?", schema).await?;
        }
        if tool != "look" {
            self.paid.fetch_add(1, Ordering::SeqCst);
        }
        Ok(CallToolResult::success(vec![ContentBlock::text("done")]))
    }

    async fn read(&self, uri: &str, _: &Context) -> Result<ReadResourceResult, Refusal> {
        Ok(ReadResourceResult::new(vec![ResourceContents::text("5", uri)]))
    }

    async fn health(&self) -> Health {
        Health::Ready
    }
}

pub(crate) fn patterns(texts: &[&str]) -> Vec<Pattern> {
    texts.iter().map(|text| Pattern::read(text).expect("a pattern")).collect()
}

/// Payments and the balance need a person.
pub(crate) fn asking() -> ApprovalPlan {
    ApprovalPlan {
        ask: patterns(&["tools:*pay", "resources:till://**"]),
        by: vec![By::Client, By::Queue],
        wait: Duration::from_secs(15),
        ..ApprovalPlan::default()
    }
}

pub(crate) async fn till(plan: ServerPlan) -> (Server, Arc<Till>) {
    let till = Arc::new(Till::default());
    (started(plan, vec![mount("till", till.clone())]).await, till)
}
