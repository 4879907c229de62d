//! The way back to the client of a call that is a task: progress becomes its message, a question makes it wait.

use std::sync::Arc;

use portwright_core::{Answer, Downstream, LogLevel, Question, QuestionKind, Refusal, async_trait};
use serde_json::Value;

use super::task::{Open, Task};

/// What a task says to its client, who comes to ask.
#[derive(Debug)]
pub(super) struct Asking {
    task: Arc<Task>,
    /// The call's way before it became a task. It knows what the client answers, and what it has answered already.
    before: Arc<dyn Downstream>,
}

impl Asking {
    pub(super) fn of(task: Arc<Task>, before: Arc<dyn Downstream>) -> Self {
        Self { task, before }
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

    fn answers(&self, kind: QuestionKind) -> bool {
        self.before.answers(kind)
    }

    /// A question that would end the call, if it were no task, is put to the task's client instead.
    async fn ask(&self, questions: Vec<(String, Question)>) -> Result<Vec<Answer>, Refusal> {
        let (mut answers, mut open) = (Vec::new(), Vec::new());
        for (key, question) in questions {
            match self.before.ask(vec![(key.clone(), question.clone())]).await {
                Ok(answer) => answers.push(answer.into_iter().next()),
                Err(refusal) => {
                    let Some(request) = refusal.input().and_then(|input| input.requests.get(&key)).cloned() else {
                        return Err(refusal);
                    };
                    answers.push(None);
                    open.push(Open { key, request, question });
                }
            }
        }
        let mut given = self.task.ask(open).await?.into_iter();
        let all = answers.into_iter().map(|answer| answer.or_else(|| given.next())).collect::<Option<_>>();
        all.ok_or_else(|| Refusal::internal("a question without an answer"))
    }

    fn remember(&self, key: &str, value: Value) {
        self.before.remember(key, value);
    }

    fn recall(&self, key: &str) -> Option<Value> {
        self.before.recall(key)
    }

    async fn use_up(&self) -> Result<(), Refusal> {
        self.before.use_up().await
    }

    fn concluded(&self, key: &str) {
        self.before.concluded(key);
    }
}
