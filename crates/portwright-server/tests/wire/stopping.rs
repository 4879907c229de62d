//! The end: what is in flight is answered, within bounds, and nothing new begins.

use std::sync::Arc;
use std::time::Duration;

use portwright_core::protocol::{CallToolResult, ContentBlock, JsonObject, Tool};
use portwright_core::{Context, Health, Refusal, Source, async_trait};
use serde_json::json;
use tokio::sync::Semaphore;

use crate::client::modern;
use crate::support::{mount, pipe, plan, started, until, up, usual};

/// Holds every call until it is opened.
#[derive(Debug)]
pub(crate) struct Gate {
    pub(crate) open: Semaphore,
    pub(crate) waiting: Semaphore,
}

impl Gate {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self { open: Semaphore::new(0), waiting: Semaphore::new(0) })
    }
}

#[async_trait]
impl Source for Gate {
    fn tools(&self) -> Vec<Tool> {
        let schema: JsonObject = [("type".to_owned(), json!("object"))].into_iter().collect();
        vec![Tool::new("pass", "Waits at the gate.", schema)]
    }

    async fn call(&self, _: &str, _: &JsonObject, _: &Context) -> Result<CallToolResult, Refusal> {
        self.waiting.add_permits(1);
        let _passed = self.open.acquire().await.map_err(Refusal::internal)?;
        Ok(CallToolResult::success(vec![ContentBlock::text("passed")]))
    }

    async fn health(&self) -> Health {
        Health::Ready
    }
}

#[tokio::test]
async fn two_hundred_calls_in_flight_are_all_answered() {
    const CALLS: usize = 200;
    let gate = Gate::new();
    let server = started(plan(), vec![mount("gate", gate.clone())]).await;
    let up = up(&server).await;
    let mut clients = Vec::new();
    for id in 0..CALLS {
        let mut http = up.connect().await;
        http.start(&modern(id as u64, "tools/call", json!({"name": "pass"})), &[]).await;
        clients.push(http);
    }
    until("all calls", || async { gate.waiting.available_permits() == CALLS }).await;
    up.shutdown.cancel();
    until("the end of the listener", || async { tokio::net::TcpStream::connect(up.address).await.is_err() }).await;
    assert_eq!(serde_json::to_value(server.health().await).expect("JSON")["status"], "draining");
    gate.open.add_permits(CALLS);
    for (id, mut http) in clients.into_iter().enumerate() {
        let answer = http.answer().await.json();
        assert_eq!((&answer["id"], &answer["result"]["content"][0]["text"]), (&json!(id), &json!("passed")));
        http.closed().await;
    }
    up.serving.await.expect("no panic").expect("served");
}

#[tokio::test]
async fn what_does_not_end_in_time_is_called_off_and_still_answered() {
    let mut plan = plan();
    plan.listen.drain = Duration::from_millis(50);
    let (server, _, faulty) = usual(plan).await;
    let up = up(&server).await;
    let mut http = up.connect().await;
    http.start(&modern(1, "tools/call", json!({"name": "wait"})), &[]).await;
    until("the call", || async { faulty.calls() == 1 }).await;
    up.shutdown.cancel();
    let answer = http.answer().await;
    assert!(answer.json()["error"]["code"].is_i64() || answer.json()["result"]["isError"] == true, "{answer:?}");
    up.serving.await.expect("no panic").expect("served");
    assert_eq!(faulty.stopped(), 1);
}

#[tokio::test]
async fn a_stopping_server_still_answers_its_one_client() {
    let gate = Gate::new();
    let server = started(plan(), vec![mount("gate", gate.clone())]).await;
    let mut pipe = pipe(&server);
    pipe.send(&modern(1, "tools/call", json!({"name": "pass"})).to_string()).await;
    until("the call", || async { gate.waiting.available_permits() == 1 }).await;
    pipe.shutdown.cancel();
    gate.open.add_permits(1);
    let answer = pipe.line().await.expect("an answer");
    assert_eq!(answer["result"]["content"][0]["text"], "passed");
    assert!(pipe.line().await.is_none());
    pipe.serving.await.expect("no panic").expect("served");
}
