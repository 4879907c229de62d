//! Calls that go on as tasks: a source whose work a test holds in its hand, and clients that follow tasks.

mod asking;
mod bounds;
mod following;
mod life;
mod records;
mod replicas;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use portwright_core::protocol::{CallToolResult, ContentBlock, JsonObject, Tool, ToolAnnotations};
use portwright_core::{Context, Health, Refusal, Source, TaskSupport, async_trait};
use portwright_server::{Server, ServerPlan};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use crate::client::modern;
use crate::support::{Pipe, mount, pipe_of, started, until};

const EXTENSION: &str = "io.modelcontextprotocol/tasks";

/// Its work ends when the test lets it.
#[derive(Debug)]
struct Jobs {
    gate: Semaphore,
    begun: AtomicUsize,
    stopped: AtomicUsize,
}

const TOOLS: [&str; 12] =
    ["work", "must", "save", "later", "stubborn", "ask", "ask_first", "refuse", "break", "panic", "big", "at_once"];

impl Jobs {
    fn new() -> Arc<Self> {
        Arc::new(Self { gate: Semaphore::new(0), begun: AtomicUsize::new(0), stopped: AtomicUsize::new(0) })
    }

    /// Calls that have come as far as the work.
    fn begun(&self) -> usize {
        self.begun.load(Ordering::SeqCst)
    }

    /// Calls that were told to stop, and did.
    fn stopped(&self) -> usize {
        self.stopped.load(Ordering::SeqCst)
    }

    /// Lets one piece of work end.
    fn finish(&self) {
        self.gate.add_permits(1);
    }

    async fn work(&self, cx: &Context) -> Result<(), Refusal> {
        self.begun.fetch_add(1, Ordering::SeqCst);
        let Some(passed) = cx.cancel.run_until_cancelled(self.gate.acquire()).await else {
            self.stopped.fetch_add(1, Ordering::SeqCst);
            return Err(Refusal::failed("stopped"));
        };
        passed.map_err(Refusal::internal)?.forget();
        Ok(())
    }
}

#[async_trait]
impl Source for Jobs {
    fn tools(&self) -> Vec<Tool> {
        let schema: JsonObject = [("type".to_owned(), json!("object"))].into_iter().collect();
        let tool = |name: &'static str| {
            Tool::new(name, "A job.", schema.clone()).with_annotations(ToolAnnotations::new().read_only(name != "save"))
        };
        TOOLS.map(tool).to_vec()
    }

    fn task_support(&self, tool: &str) -> TaskSupport {
        match tool {
            "must" => TaskSupport::REQUIRED,
            "later" | "ask_first" => TaskSupport::OPTIONAL.begun_by_source(),
            "at_once" => TaskSupport::NEVER,
            _ => TaskSupport::OPTIONAL,
        }
    }

    #[expect(clippy::panic, reason = "a task's call may panic as any other")]
    async fn call(&self, tool: &str, _: &JsonObject, cx: &Context) -> Result<CallToolResult, Refusal> {
        let mut text = tool.to_owned();
        match tool {
            "work" | "must" | "save" => {
                cx.downstream.progress(1.0, None, Some("half way"));
                self.work(cx).await?;
            }
            "later" => {
                self.work(cx).await?;
                let cx = cx.start_task()?;
                self.work(&cx.start_task()?).await?;
            }
            "stubborn" => {
                self.begun.fetch_add(1, Ordering::SeqCst);
                self.gate.acquire().await.map_err(Refusal::internal)?.forget();
            }
            "ask" => {
                for _ in 0..2 {
                    let form = json!({"type": "object", "properties": {"name": {"type": "string"}}});
                    let answer = cx.downstream.elicit("who", "Who?", form).await?;
                    text =
                        format!("{text} {}", answer.content.unwrap_or_default()["name"].as_str().unwrap_or("nobody"));
                }
            }
            "ask_first" => {
                let form = json!({"type": "object", "properties": {"name": {"type": "string"}}});
                let first = cx.downstream.elicit("first", "First?", form.clone()).await?;
                cx.downstream.remember("seen", json!("it"));
                let cx = cx.start_task()?;
                let second = cx.downstream.elicit("second", "Second?", form).await?;
                let name = |content: Option<Value>| content.unwrap_or_default()["name"].as_str().map(str::to_owned);
                text =
                    format!("{:?} {:?} {:?}", name(first.content), name(second.content), cx.downstream.recall("seen"));
            }
            "refuse" => return Err(Refusal::failed("no such luck")),
            "break" => return Err(Refusal::internal("password=hunter2")),
            "panic" => panic!("as a test wants it"),
            "big" => text = "x".repeat(portwright_core::limits::TASK_RESULT_BYTES_MAX),
            _ => {}
        }
        Ok(CallToolResult::success(vec![ContentBlock::text(text)]))
    }

    async fn health(&self) -> Health {
        Health::Ready
    }
}

async fn house(plan: ServerPlan) -> (Server, Arc<Jobs>) {
    let jobs = Jobs::new();
    (started(plan, vec![mount("jobs", jobs.clone())]).await, jobs)
}

/// A request of a client that can follow tasks.
fn following(id: u64, method: &str, params: Value) -> Value {
    let mut message = modern(id, method, params);
    message["params"]["_meta"]["io.modelcontextprotocol/clientCapabilities"] =
        json!({"extensions": {EXTENSION: {}}, "elicitation": {}});
    message
}

fn call(id: u64, tool: &str) -> Value {
    following(id, "tools/call", json!({"name": tool}))
}

/// One client of a server that can follow tasks.
struct Client {
    pipe: Pipe,
    id: u64,
}

impl Client {
    fn of(server: &Server, who: &'static str) -> Self {
        Self { pipe: pipe_of(server, who), id: 0 }
    }

    async fn ask(&mut self, method: &str, params: Value) -> Value {
        self.id += 1;
        self.pipe.ask(&following(self.id, method, params)).await
    }

    async fn call(&mut self, tool: &str) -> Value {
        self.ask("tools/call", json!({"name": tool})).await
    }

    /// Calls a tool that becomes a task.
    async fn begin(&mut self, tool: &str) -> String {
        let answer = self.call(tool).await;
        assert_eq!(answer["result"]["resultType"], "task", "{answer}");
        answer["result"]["taskId"].as_str().expect("an id").to_owned()
    }

    async fn get(&mut self, task: &str) -> Value {
        self.ask("tasks/get", json!({"taskId": task})).await
    }

    /// Waits until the task is no longer what it is while it runs.
    async fn settled(&mut self, task: &str) -> Value {
        self.until(task, |status| status != "working").await
    }

    async fn until(&mut self, task: &str, holds: impl Fn(&str) -> bool) -> Value {
        let wait = async {
            loop {
                let answer = self.get(task).await;
                if holds(answer["result"]["status"].as_str().unwrap_or_else(|| panic!("no status: {answer}"))) {
                    return answer["result"].clone();
                }
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(crate::client::PATIENCE, wait).await.expect("a task that settles")
    }
}

async fn begun(jobs: &Jobs, count: usize) {
    until("the work", || async { jobs.begun() == count }).await;
}
