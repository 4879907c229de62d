//! Replicas that share limits in Redis: a real one, that is also killed and held up.

use std::net::{Ipv4Addr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use portwright_core::{
    Auth, Context, Operation, Principal, Refusal, RefusalKind, Reply, Secret, TransportKind, limits,
};
use portwright_server::guard::limit::{Quota, Rate, StorePlan, WhenDown};
use portwright_server::{Server, ServerPlan};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{plan, until, usual};

/// A Redis server in a folder of its own.
pub(crate) struct Redis {
    folder: TempDir,
    port: u16,
    process: Child,
}

impl Redis {
    /// None, out loud, where there is no such program.
    pub(crate) async fn start() -> Option<Self> {
        let port =
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|free| free.local_addr()).expect("a port").port();
        let folder = TempDir::new().expect("a folder");
        let Ok(process) = Self::spawn(&folder, port) else {
            eprintln!("SKIPPED: there is no redis-server here; ./test installs it");
            return None;
        };
        let redis = Self { folder, port, process };
        redis.is_up().await;
        Some(redis)
    }

    fn spawn(folder: &TempDir, port: u16) -> std::io::Result<Child> {
        Command::new("redis-server")
            .args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--requirepass", "hunter2", "--port"])
            .arg(port.to_string())
            .current_dir(folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
    }

    async fn is_up(&self) {
        until("Redis", async || self.plan(WhenDown::Closed).reach().await.is_ok()).await;
    }

    pub(crate) fn plan(&self, down: WhenDown) -> StorePlan {
        let url = Secret::new(format!("redis://:hunter2@127.0.0.1:{}/0", self.port));
        StorePlan { url, prefix: "test".to_owned(), down }
    }

    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([format!("-{name}"), self.process.id().to_string()]).status();
        assert!(sent.is_ok_and(|status| status.success()));
    }

    pub(crate) async fn again(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        self.process = Self::spawn(&self.folder, self.port).expect("redis-server runs");
        self.is_up().await;
    }

    /// What it holds: each key with the seconds that it lives on.
    async fn keys(&self) -> Vec<(String, i64)> {
        let client = redis::Client::open(self.plan(WhenDown::Closed).url.expose()).expect("an address");
        let mut connection = client.get_multiplexed_async_connection().await.expect("connected");
        let names: Vec<String> = redis::cmd("KEYS").arg("*").query_async(&mut connection).await.expect("keys");
        let mut all = Vec::new();
        for name in names {
            let lives: i64 = redis::cmd("PTTL").arg(&name).query_async(&mut connection).await.expect("a time");
            all.push((name, lives));
        }
        all
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

async fn replica(store: StorePlan, change: impl FnOnce(&mut ServerPlan)) -> Server {
    let mut plan = plan();
    plan.limit.store = Some(store);
    plan.limit.queue_wait = Duration::ZERO;
    change(&mut plan);
    usual(plan).await.0
}

fn per_hour(calls: u64) -> Quota {
    Quota { calls: Some(Rate::new(calls, Duration::from_hours(1))), ..Quota::default() }
}

fn cx(who: &str) -> Context {
    let cx = Context::new("r-1", TransportKind::InProcess);
    cx.set_principal(Arc::new(Principal::new(who, Auth::Key)));
    cx
}

async fn call(server: &Server, who: &str, tool: &str, arguments: Value) -> Result<Reply, Refusal> {
    let arguments = arguments.as_object().cloned().expect("an object");
    server.call(Operation::CallTool { name: tool.to_owned(), arguments }, cx(who)).await
}

async fn say(server: &Server, who: &str) -> Result<(), RefusalKind> {
    call(server, who, "say", json!({ "word": "hi" })).await.map(drop).map_err(|refusal| refusal.kind())
}

#[tokio::test]
async fn replicas_share_one_budget_and_the_store_learns_no_names() {
    let Some(redis) = Redis::start().await else { return };
    let one = replica(redis.plan(WhenDown::Closed), |plan| plan.limit.each = per_hour(4)).await;
    let other = replica(redis.plan(WhenDown::Closed), |plan| plan.limit.each = per_hour(4)).await;
    for server in [&one, &other, &one, &other] {
        assert_eq!(say(server, "ada").await, Ok(()));
    }
    for server in [&one, &other] {
        let refusal = call(server, "ada", "say", json!({ "word": "hi" })).await.unwrap_err();
        assert_eq!(refusal.kind(), RefusalKind::Limited);
        assert!(refusal.wait().is_some_and(|wait| wait > Duration::from_mins(10)), "{refusal:?}");
        assert_eq!(say(server, "bob").await, Ok(()), "another's budget");
    }
    let keys = redis.keys().await;
    assert_eq!(keys.len(), 2, "{keys:?}");
    for (name, lives) in keys {
        assert!(name.starts_with("{test}:") && !name.contains("ada") && !name.contains("bob"), "{name}");
        assert!(lives > 0, "{name} would stay for ever");
    }
}

#[tokio::test]
async fn places_are_shared_and_come_back() {
    let Some(redis) = Redis::start().await else { return };
    let one_at_a_time = |plan: &mut ServerPlan| plan.limit.each.concurrent = Some(1);
    let one = replica(redis.plan(WhenDown::Closed), one_at_a_time).await;
    let other = replica(redis.plan(WhenDown::Closed), one_at_a_time).await;
    let waits = cx("ada");
    let running = {
        let (server, cx) = (one.clone(), waits.clone());
        let wait = Operation::CallTool { name: "wait".to_owned(), arguments: serde_json::Map::new() };
        tokio::spawn(async move { server.call(wait, cx).await })
    };
    // Not by calls of our own: one of those might have the place just when the other comes.
    until("the place to be taken", async || !redis.keys().await.is_empty()).await;
    assert_eq!(say(&other, "ada").await, Err(RefusalKind::Limited));
    assert_eq!(say(&other, "bob").await, Ok(()));
    waits.cancel.cancel();
    let _ = running.await;
    until("the place to come back", async || say(&other, "ada").await == Ok(())).await;
}

#[tokio::test]
async fn results_are_charged_for_all_replicas() {
    let Some(redis) = Redis::start().await else { return };
    let bytes = |plan: &mut ServerPlan| plan.limit.each.result_bytes = Some(Rate::new(10, Duration::from_hours(1)));
    let one = replica(redis.plan(WhenDown::Closed), bytes).await;
    let other = replica(redis.plan(WhenDown::Closed), bytes).await;
    let long = json!({ "word": "x".repeat(200) });
    assert!(call(&one, "ada", "say", long.clone()).await.is_ok(), "a result that goes beyond is delivered");
    assert_eq!(
        call(&other, "ada", "say", long).await.map(drop).map_err(|refusal| refusal.kind()),
        Err(RefusalKind::Limited)
    );
}

#[tokio::test]
async fn what_is_waited_for_in_vain_is_given_back() {
    let Some(redis) = Redis::start().await else { return };
    let patient = |plan: &mut ServerPlan| {
        plan.limit.each.calls = Some(Rate { amount: 1, per: Duration::from_secs(20), burst: 1 });
        plan.limit.queue_wait = Duration::from_secs(25);
        plan.call_timeout = Duration::from_mins(1);
    };
    let server = replica(redis.plan(WhenDown::Closed), patient).await;
    assert_eq!(say(&server, "ada").await, Ok(()));
    let before = redis.keys().await[0].1;
    let cx = cx("ada");
    let waiting = {
        let (server, cx) = (server.clone(), cx.clone());
        let word = json!({ "word": "hi" }).as_object().cloned().expect("an object");
        let say = Operation::CallTool { name: "say".to_owned(), arguments: word };
        tokio::spawn(async move { server.call(say, cx).await })
    };
    until("the call to take its turn", async || redis.keys().await[0].1 > before + 10_000).await;
    cx.cancel.cancel();
    assert!(waiting.await.expect("no panic").is_err());
    until("its turn to be given back", async || redis.keys().await[0].1 <= before).await;
}

#[tokio::test]
async fn a_store_that_was_killed_refuses_or_leaves_each_to_itself_and_comes_back() {
    let Some(mut redis) = Redis::start().await else { return };
    let closed = replica(redis.plan(WhenDown::Closed), |plan| plan.limit.each = per_hour(1000)).await;
    let local = replica(redis.plan(WhenDown::Local), |plan| plan.limit.each = per_hour(2)).await;
    assert_eq!((say(&closed, "ada").await, say(&local, "ada").await), (Ok(()), Ok(())));
    redis.signal("KILL");
    until("the store to be missed", async || say(&closed, "ada").await == Err(RefusalKind::Limited)).await;
    for _ in 0..2 {
        assert_eq!(say(&local, "bob").await, Ok(()), "it counts by itself");
    }
    assert_eq!(say(&local, "bob").await, Err(RefusalKind::Limited), "and it counts");
    redis.again().await;
    until("the store to be found again", async || say(&closed, "ada").await == Ok(())).await;
}

#[tokio::test]
async fn a_store_that_hangs_holds_no_call_longer_than_its_bound() {
    let Some(redis) = Redis::start().await else { return };
    let server = replica(redis.plan(WhenDown::Closed), |plan| plan.limit.each = per_hour(1000)).await;
    assert_eq!(say(&server, "ada").await, Ok(()));
    redis.signal("STOP");
    let begun = Instant::now();
    let calls: Vec<_> = (0..20).map(|_| say(&server, "ada")).collect();
    let ended = futures::future::join_all(calls).await;
    // Far beyond the bound, so that a busy machine is no failure; without the bound it would never end.
    assert!(begun.elapsed() < limits::STORE_WAIT * 20);
    assert!(ended.iter().all(|end| *end == Err(RefusalKind::Limited)), "{ended:?}");
    redis.signal("CONT");
    until("the store to be found again", async || say(&server, "ada").await == Ok(())).await;
}
