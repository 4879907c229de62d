//! Sources that fail: the others, and the server, do not.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use portwright_core::protocol::Tool;
use portwright_core::{ConnectError, Health, Source, SourceConfig, async_trait};
use portwright_server::{Mount, Origin, Server, StartError};
use serde_json::{Value, json};

use crate::client::{PATIENCE, modern};
use crate::shelf::Shelf;
use crate::support::{mount, pipe, plan, started, until, up};

/// How a source comes up.
#[derive(Debug, Clone, Copy)]
enum Way {
    /// Fails this many times, then opens.
    After(usize),
    Never,
    Hangs,
    Panics,
}

#[derive(Debug)]
struct Config {
    way: Way,
    tried: Arc<AtomicUsize>,
}

#[async_trait]
impl SourceConfig for Config {
    async fn connect(&self) -> Result<Arc<dyn Source>, ConnectError> {
        let tried = self.tried.fetch_add(1, Ordering::SeqCst);
        match self.way {
            Way::After(failures) if tried >= failures => Ok(Arc::new(Shelf::new(0))),
            Way::After(_) | Way::Never => Err(ConnectError::new("the host says no").because("password=hunter2")),
            Way::Hangs => std::future::pending().await,
            Way::Panics => panic!("hunter2"),
        }
    }
}

fn configured(name: &str, way: Way) -> (Mount, Arc<AtomicUsize>) {
    let tried = Arc::new(AtomicUsize::new(0));
    let config = Config { way, tried: tried.clone() };
    let origin = Origin::Config(Box::new(config));
    (Mount { name: name.into(), kind: "test".to_owned(), origin, print: None }, tried)
}

/// Its lists, or its health, fail.
#[derive(Debug)]
struct Mean {
    lists: bool,
}

#[async_trait]
impl Source for Mean {
    fn tools(&self) -> Vec<Tool> {
        assert!(!self.lists, "hunter2");
        Vec::new()
    }

    async fn health(&self) -> Health {
        assert!(self.lists, "hunter2");
        std::future::pending().await
    }
}

fn tools(server: &Server) -> Vec<String> {
    server.catalog().tool_names()
}

async fn state(server: &Server, name: &str) -> Value {
    let report = serde_json::to_value(server.health().await).expect("JSON");
    assert!(!report.to_string().contains("hunter2"), "causes are for the log");
    let sources = report["sources"].as_array().expect("sources");
    sources.iter().find(|source| source["name"] == name).expect("the source")["state"].clone()
}

#[tokio::test]
async fn a_source_that_is_down_leaves_the_server_up_and_comes_back() {
    let (down, tried) = configured("late", Way::After(2));
    let server = started(plan(), vec![mount("shelf", Arc::new(Shelf::new(1))), down]).await;
    assert_eq!(state(&server, "shelf").await, "degraded", "one of its tools can't be offered");
    let up = up(&server).await;
    let mut http = up.connect().await;
    let discovered = http.post(&modern(1, "server/discover", json!({}))).await.json();
    assert!(discovered["result"]["capabilities"]["prompts"].is_object(), "what is missing may have some");
    let mut stream = up.connect().await;
    let filter = json!({"notifications": {"toolsListChanged": true}});
    stream.start(&modern(2, "subscriptions/listen", filter), &[]).await;
    stream.head().await;
    stream.event().await.expect("acknowledged");
    until("its return", || async { state(&server, "late").await == "degraded" }).await;
    assert_eq!(stream.event().await.expect("news")["method"], "notifications/tools/list_changed");
    assert_eq!(tried.load(Ordering::SeqCst), 3);
    let names = tools(&server);
    assert!(names.contains(&"shelf.say".to_owned()) && names.contains(&"late.say".to_owned()), "{names:?}");
    assert!(!names.contains(&"say".to_owned()), "a name that two offer is nobody's");
    let say = |name: &str| modern(3, "tools/call", json!({"name": name, "arguments": {"word": "hi"}}));
    assert_eq!(http.post(&say("late.say")).await.json()["result"]["content"][0]["text"], "hi");
    assert_eq!(http.post(&say("say")).await.json()["error"]["code"], -32602);
}

#[tokio::test]
async fn sources_that_hang_or_panic_hurt_nobody_else() {
    let (hangs, _) = configured("hangs", Way::Hangs);
    let (panics, _) = configured("panics", Way::Panics);
    let (never, _) = configured("never", Way::Never);
    let mounts = vec![
        hangs,
        panics,
        never,
        mount("lists", Arc::new(Mean { lists: true })),
        mount("health", Arc::new(Mean { lists: false })),
        mount("shelf", Arc::new(Shelf::new(0))),
    ];
    let server = Server::start(plan(), mounts).expect("start");
    let mut pipe = pipe(&server);
    let say = modern(1, "tools/call", json!({"name": "say", "arguments": {"word": "hi"}}));
    assert_eq!(pipe.ask(&say).await["result"]["content"][0]["text"], "hi");
    until("shelf", || async { state(&server, "shelf").await == "degraded" }).await;
    for (name, expected) in
        [("hangs", "connecting"), ("panics", "down"), ("never", "down"), ("lists", "down"), ("health", "degraded")]
    {
        until(name, || async { state(&server, name).await == expected }).await;
    }
}

#[tokio::test]
async fn a_client_that_asks_at_once_sees_sources_that_open_quickly() {
    let (soon, _) = configured("soon", Way::After(0));
    let server = Server::start(plan(), vec![soon]).expect("start");
    let mut pipe = pipe(&server);
    let list = pipe.ask(&modern(1, "tools/list", json!({}))).await;
    assert_eq!(list["result"]["tools"].as_array().map(Vec::len), Some(3), "{list}");
}

#[tokio::test]
async fn two_sources_of_one_name_do_not_start() {
    let mounts = vec![mount("twin", Arc::new(Shelf::new(0))), mount("twin", Arc::new(Shelf::new(0)))];
    assert!(matches!(Server::start(plan(), mounts), Err(StartError::Twice(name)) if &*name == "twin"));
}

#[tokio::test]
async fn long_lists_come_in_pages_that_survive_changes() {
    let shelf = Arc::new(Shelf::new(600));
    let server = started(plan(), vec![mount("shelf", shelf.clone())]).await;
    let up = up(&server).await;
    let mut http = up.connect().await;
    let mut names = Vec::new();
    let mut params = json!({});
    for page in 0.. {
        assert!(page < 10, "it ends");
        let result = http.post(&modern(page, "tools/list", params)).await.json()["result"].clone();
        names.extend(result["tools"].as_array().expect("tools").iter().map(|tool| tool["name"].clone()));
        if page == 0 {
            shelf.set_tools(601);
            until("the change", || async { tools(&server).len() == 604 }).await;
        }
        match result.get("nextCursor") {
            Some(cursor) => params = json!({"cursor": cursor}),
            None => break,
        }
    }
    assert_eq!(names.len(), 604);
    let mut unlike = names.clone();
    unlike.sort_by_key(Value::to_string);
    unlike.dedup();
    assert_eq!(unlike, names, "sorted, and none twice");
}

#[tokio::test]
async fn a_server_that_is_let_go_lets_its_sources_go() {
    let shelf = Arc::new(Shelf::new(0));
    let server = started(plan(), vec![mount("shelf", shelf.clone())]).await;
    drop(server);
    let gone = || async { Arc::strong_count(&shelf) == 1 };
    until("the end of the sources", gone).await;
}

#[tokio::test]
async fn health_does_not_hammer_sources() {
    let server = started(plan(), vec![mount("health", Arc::new(Mean { lists: false }))]).await;
    let started = tokio::time::Instant::now();
    for _ in 0..50 {
        server.health().await;
    }
    assert!(started.elapsed() < PATIENCE, "each of them asked would have waited {:?}", Duration::from_secs(2));
}
