//! A new configuration in the place of the old one, while clients are there.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use portwright_core::protocol::{CallToolResult, ContentBlock, JsonObject, Tool, ToolAnnotations};
use portwright_core::{ConnectError, Context, Health, Refusal, Source, SourceConfig, async_trait};
use portwright_server::{Fingerprint, Mount, Origin, Server, ServerPlan, State};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use crate::client::{PATIENCE, initialize};
use crate::support::{pipe, plan, started, until};

/// What happens to the sources of one configuration.
#[derive(Debug, Default)]
struct Fate {
    opened: AtomicUsize,
    called: AtomicUsize,
    closed: AtomicUsize,
    fails: bool,
}

/// A source with one tool, whose calls wait until they are let go.
#[derive(Debug)]
struct Gate {
    tool: &'static str,
    fate: Arc<Fate>,
    passes: Arc<Semaphore>,
}

#[async_trait]
impl Source for Gate {
    fn tools(&self) -> Vec<Tool> {
        let schema = json!({"type": "object"}).as_object().cloned().unwrap_or_default();
        vec![Tool::new(self.tool, "A tool for tests.", schema).with_annotations(ToolAnnotations::new().read_only(true))]
    }

    async fn call(&self, tool: &str, _: &JsonObject, _: &Context) -> Result<CallToolResult, Refusal> {
        self.fate.called.fetch_add(1, Ordering::SeqCst);
        let _pass = self.passes.acquire().await.map_err(Refusal::internal)?;
        assert_eq!(self.fate.closed.load(Ordering::SeqCst), 0, "it was closed under a call");
        Ok(CallToolResult::success(vec![ContentBlock::text(tool)]))
    }

    async fn health(&self) -> Health {
        Health::Ready
    }

    async fn close(&self) {
        self.fate.closed.fetch_add(1, Ordering::SeqCst);
    }
}

/// The configuration of a gate.
#[derive(Debug)]
struct Gated {
    tool: &'static str,
    fate: Arc<Fate>,
    gate: Arc<Semaphore>,
}

#[async_trait]
impl SourceConfig for Gated {
    async fn connect(&self) -> Result<Arc<dyn Source>, ConnectError> {
        self.fate.opened.fetch_add(1, Ordering::SeqCst);
        if self.fate.fails {
            return Err(ConnectError::new("the host says no"));
        }
        Ok(Arc::new(Gate { tool: self.tool, fate: self.fate.clone(), passes: self.gate.clone() }))
    }
}

fn gated(name: &str, tool: &'static str, fate: &Arc<Fate>, gate: &Arc<Semaphore>) -> Mount {
    let config = Gated { tool, fate: fate.clone(), gate: gate.clone() };
    Mount {
        name: name.into(),
        kind: "gate".to_owned(),
        origin: Origin::Config(Box::new(config)),
        print: Some(Fingerprint::of([tool.as_bytes()])),
    }
}

const INITIALIZED: &str = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;

fn open_gate() -> Arc<Semaphore> {
    Arc::new(Semaphore::new(Semaphore::MAX_PERMITS))
}

fn call(id: u64, tool: &str) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": {"name": tool}})
}

fn names(names: &[&str]) -> Vec<Arc<str>> {
    names.iter().map(|name| Arc::from(*name)).collect()
}

#[tokio::test]
async fn what_did_not_change_is_not_touched() {
    let fates: [Arc<Fate>; 3] = Default::default();
    let gate = open_gate();
    let [same, other, gone] = &fates;
    let mounts = vec![
        gated("same", "one", same, &gate),
        gated("other", "two", other, &gate),
        gated("gone", "three", gone, &gate),
    ];
    let server = started(plan(), mounts).await;
    let new = Arc::new(Fate::default());
    let mounts = vec![gated("other", "zwei", &new, &gate), gated("same", "one", &Arc::default(), &gate)];
    let reloaded = server.reload(&plan(), mounts).await.expect("reloaded");
    assert_eq!((reloaded.kept, reloaded.opened), (names(&["same"]), names(&["other"])));
    assert_eq!((reloaded.removed, reloaded.after_restart), (names(&["gone"]), Vec::new()));
    assert_eq!(server.catalog().tool_names(), ["one", "zwei"]);
    assert_eq!(same.opened.load(Ordering::SeqCst), 1);
    let closed = |fate: &Arc<Fate>| fate.closed.load(Ordering::SeqCst);
    until("the others are closed", || async { closed(other) == 1 && closed(gone) == 1 }).await;
    assert_eq!((closed(same), closed(&new)), (0, 0));
    server.stop().await;
    assert_eq!([same, &new, other, gone].map(closed), [1; 4], "each once");
}

#[tokio::test]
async fn clients_hear_of_lists_that_changed_and_of_no_others() {
    let (fate, gate) = (Arc::default(), open_gate());
    let server = started(plan(), vec![gated("a", "one", &fate, &gate)]).await;
    let mut pipe = pipe(&server);
    pipe.ask(&initialize("2025-11-25")).await;
    pipe.send(INITIALIZED).await;
    // Opened anew, and the same lists.
    let mut mount = gated("a", "one", &fate, &gate);
    mount.print = None;
    let reloaded = server.reload(&plan(), vec![mount]).await.expect("reloaded");
    assert_eq!(reloaded.opened, names(&["a"]));
    let answer = pipe.ask(&json!({"jsonrpc": "2.0", "id": 1, "method": "ping"})).await;
    assert_eq!(answer["id"], 1, "nothing was said before it: {answer}");
    server.reload(&plan(), vec![gated("a", "two", &fate, &gate)]).await.expect("reloaded");
    let said = pipe.line().await.expect("a line");
    assert_eq!(said["method"], "notifications/tools/list_changed");
    let answer = pipe.ask(&json!({"jsonrpc": "2.0", "id": 2, "method": "ping"})).await;
    assert_eq!(answer["id"], 2, "once: {answer}");
}

#[tokio::test]
async fn a_call_in_flight_ends_on_what_it_began_with() {
    let (fate, gate) = (Arc::<Fate>::default(), Arc::new(Semaphore::new(0)));
    let mut first = plan();
    first.call_timeout = Duration::from_mins(1);
    let server = started(first, vec![gated("a", "one", &fate, &gate)]).await;
    let mut pipe = pipe(&server);
    pipe.ask(&initialize("2025-11-25")).await;
    pipe.send(INITIALIZED).await;
    pipe.send(&call(1, "one").to_string()).await;
    until("the call is there", || async { fate.called.load(Ordering::SeqCst) == 1 }).await;
    // Neither the tool nor the time that it had is there any more.
    let mut second = plan();
    second.call_timeout = Duration::from_millis(1);
    server.reload(&second, Vec::new()).await.expect("reloaded");
    assert!(server.catalog().tool_names().is_empty());
    assert_eq!(pipe.line().await.expect("a line")["method"], "notifications/tools/list_changed");
    let gone = pipe.ask(&call(2, "one")).await;
    assert!(gone.get("error").is_some(), "{gone}");
    assert_eq!(fate.closed.load(Ordering::SeqCst), 0);
    gate.add_permits(1);
    let answer = pipe.line().await.expect("the answer");
    assert_eq!((&answer["id"], &answer["result"]["content"][0]["text"]), (&json!(1), &json!("one")), "{answer}");
    until("its source is closed", || async { fate.closed.load(Ordering::SeqCst) == 1 }).await;
}

#[tokio::test]
async fn new_words_and_new_bounds_count_for_the_next_call() {
    let (fate, gate) = (Arc::default(), Arc::new(Semaphore::new(0)));
    let mounts = || vec![gated("a", "one", &fate, &gate)];
    let server = started(plan(), mounts()).await;
    let mut new = plan();
    new.instructions = Some("Other words.".to_owned());
    new.call_timeout = Duration::from_millis(20);
    new.name = "other".to_owned();
    new.listen.public_url = Some("https://mcp.example.com".to_owned());
    let reloaded = server.reload(&new, mounts()).await.expect("reloaded");
    assert_eq!(reloaded.after_restart, ["server.name", "listen"]);
    let mut pipe = pipe(&server);
    let greeting = pipe.ask(&initialize("2025-11-25")).await;
    assert_eq!(greeting["result"]["instructions"], "Other words.");
    assert_eq!(greeting["result"]["serverInfo"]["name"], "test", "not before a restart");
    let late = pipe.ask(&call(1, "one")).await;
    let said = late["result"]["content"][0]["text"].as_str().unwrap_or_default();
    assert!(said.starts_with("the call took longer than 0.0 s"), "{late}");
}

#[tokio::test]
async fn a_new_source_that_is_down_keeps_nothing_back() {
    let (fate, gate) = (Arc::<Fate>::default(), open_gate());
    let server = started(plan(), vec![gated("a", "one", &fate, &gate)]).await;
    let down = Arc::new(Fate { fails: true, ..Fate::default() });
    let mounts = vec![gated("a", "one", &fate, &gate), gated("b", "two", &down, &gate)];
    server.reload(&plan(), mounts).await.expect("reloaded");
    let health = server.health().await;
    let states: Vec<_> = health.sources.iter().map(|source| (&*source.name, source.state)).collect();
    assert_eq!(states, [("a", State::Ready), ("b", State::Down)]);
    assert!(health.is_ready());
    until("it is tried again", || async { down.opened.load(Ordering::SeqCst) > 1 }).await;
}

#[tokio::test]
async fn many_reloads_under_load_lose_no_call() {
    let gate = open_gate();
    let server: Server = started(ServerPlan::new("busy"), vec![gated("a", "one", &Arc::default(), &gate)]).await;
    let mut pipe = pipe(&server);
    pipe.ask(&initialize("2025-11-25")).await;
    let reloads = async {
        for round in 0..20_u8 {
            let mut mount = gated("a", "one", &Arc::default(), &gate);
            mount.print = Some(Fingerprint::of([[round].as_slice()]));
            server.reload(&ServerPlan::new("busy"), vec![mount]).await.expect("reloaded");
        }
    };
    let calls = async {
        for id in 0..200 {
            let answer = pipe.ask(&call(id, "one")).await;
            assert_eq!((&answer["id"], &answer["result"]["content"][0]["text"]), (&json!(id), &json!("one")));
        }
    };
    tokio::time::timeout(PATIENCE, async { tokio::join!(reloads, calls) }).await.expect("in time");
}

#[tokio::test]
async fn a_fault_is_on_the_health_page_until_it_is_over() {
    let server = started(plan(), Vec::new()).await;
    server.set_fault(Some("configuration: 1 error".to_owned()));
    let health = server.health().await;
    assert_eq!(health.reason.as_deref(), Some("configuration: 1 error"));
    assert!(health.is_ready(), "the last good one is served");
    server.set_fault(None);
    assert_eq!(server.health().await.reason, None);
}
