//! The way back to the client of a call that is a task: progress becomes its message, a question makes it wait.

use std::sync::Arc;

use portwright_core::protocol::{ElicitRequestParams, ElicitResult};
use portwright_core::{Downstream, LogLevel, Refusal, async_trait};
use serde_json::{Value, json};

use super::task::{Question, Task};

/// What a task says to its client, who comes to ask.
#[derive(Debug)]
pub(super) struct Asking {
    task: Arc<Task>,
}

impl Asking {
    pub(super) fn of(task: Arc<Task>) -> Self {
        Self { task }
    }
}

#[async_trait]
impl Downstream for Asking {
    fn progress(&self, _: f64, _: Option<f64>, message: Option<&str>) {
        if let Some(message) = message {
            self.task.says(message);
        }
    }

    /// Tasks carry no log (SEP-2663, "Task Status Notifications").
    fn log(&self, _: LogLevel, _: &str, _: Value) {}

    async fn elicit(&self, question: ElicitRequestParams) -> Result<ElicitResult, Refusal> {
        let request = json!({"method": "elicitation/create", "params": question});
        let fits = |answer: &Value| serde_json::from_value::<ElicitResult>(answer.clone()).is_ok();
        let question = Question { key: "question".to_owned(), request, fits };
        let answer = self.task.ask(vec![question]).await?.pop().unwrap_or_default();
        serde_json::from_value(answer).map_err(Refusal::internal)
    }
}
