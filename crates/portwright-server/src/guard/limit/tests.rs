use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use portwright_core::testing::{Direct, Faulty, ManualClock};
use portwright_core::{
    Auth, Call, Clock, Context, Endpoint, Guard, Next, Principal, Refusal, RefusalKind, Reply, TransportKind,
    async_trait,
};
use tokio::sync::Notify;

use super::{Ledger, Limit, LimitPlan, Quota, Rate};
use crate::guard::tests::call;

const MINUTE: Duration = Duration::from_mins(1);

fn calls(amount: u64) -> Quota {
    Quota { calls: Some(Rate::new(amount, MINUTE)), ..Quota::default() }
}

/// Nobody waits, unless a test says so.
fn plan(each: Quota) -> LimitPlan {
    LimitPlan { each, queue_wait: Duration::ZERO, ..LimitPlan::default() }
}

struct House {
    ledger: Arc<Ledger>,
    guards: Vec<Arc<dyn Guard>>,
    clock: Arc<ManualClock>,
    source: Arc<Faulty>,
}

impl House {
    fn new(plan: &LimitPlan) -> Self {
        Self::over(plan, Ledger::default())
    }

    fn over(plan: &LimitPlan, ledger: Ledger) -> Self {
        let mut house =
            Self { ledger: Arc::new(ledger), guards: Vec::new(), clock: Arc::default(), source: Arc::default() };
        house.reload(plan);
        house
    }

    fn reload(&mut self, plan: &LimitPlan) {
        let guards = [Limit::of_principals(plan, &self.ledger), Limit::of_targets(plan, &self.ledger)];
        self.guards = guards.into_iter().flatten().map(|guard| Arc::new(guard) as Arc<dyn Guard>).collect();
    }

    fn context(&self, who: &Principal) -> Context {
        let mut cx = Context::new("r-1", TransportKind::InProcess);
        cx.clock = self.clock.clone();
        cx.set_principal(Arc::new(who.clone()));
        cx
    }

    async fn tool(&self, who: &Principal, tool: &str) -> Result<Reply, Refusal> {
        let cx = self.context(who);
        Next::new(&self.guards, &Direct(self.source.clone())).run(&call(&self.source, tool), &cx).await
    }

    /// How many of so many calls pass.
    async fn passed(&self, who: &Principal, calls: usize) -> usize {
        let mut passed = 0;
        for _ in 0..calls {
            passed += usize::from(self.tool(who, "echo").await.is_ok());
        }
        passed
    }
}

fn key(id: &str) -> Principal {
    Principal::new(id, Auth::Key)
}

#[tokio::test]
async fn a_flood_passes_as_far_as_the_limit_says_and_is_told_when_to_come_again() {
    let house = House::new(&plan(calls(6)));
    let ada = key("ada");
    assert_eq!(house.passed(&ada, 1000).await, 6);
    let refusal = house.tool(&ada, "echo").await.unwrap_err();
    assert_eq!((refusal.kind(), refusal.wait()), (RefusalKind::Limited, Some(Duration::from_secs(10))));
    house.clock.advance(Duration::from_secs(10));
    assert_eq!(house.passed(&ada, 100).await, 1, "what was refused has used nothing");
    house.clock.advance(MINUTE);
    assert_eq!(house.passed(&ada, 100).await, 6);
}

#[tokio::test]
async fn one_principals_flood_takes_nothing_from_others() {
    let house = House::new(&plan(calls(5)));
    assert_eq!(house.passed(&key("mallory"), 1000).await, 5);
    for other in ["ada", "bob", "mallory2", "mallory/", "Mallory"] {
        assert_eq!(house.passed(&key(other), 5).await, 5, "{other}");
    }
}

#[tokio::test]
async fn no_name_can_be_made_to_look_like_another() {
    let house = House::new(&plan(calls(2)));
    for who in [
        Principal::anonymous(),
        key("anonymous"),
        key("a:b"),
        key("a"),
        key(""),
        Principal::new("a", Auth::Token),
        Principal::local("a"),
        key("key:a"),
        key("a\u{0}b"),
    ] {
        assert_eq!(house.passed(&who, 9).await, 2, "{who:?}");
    }
    assert_eq!(house.passed(&Principal::new("somebody", Auth::Anonymous), 9).await, 0, "nobody's name is not asked");
}

#[tokio::test]
async fn many_principals_find_a_bounded_table_and_none_gets_more() {
    let house = House::over(&plan(calls(2)), Ledger::with_room_for(256));
    let first = key("first");
    assert_eq!(house.passed(&first, 9).await, 2);
    let mut passed = 0;
    for at in 0..5000 {
        passed += house.passed(&key(&format!("p-{at}")), 3).await;
    }
    assert!(house.ledger.len() <= 256, "{}", house.ledger.len());
    assert!(passed <= 2 * 256 + 2, "those for whom there was no room shared one account: {passed}");
    assert_eq!(house.passed(&first, 9).await, 0, "the flood did not make anybody's use forgotten");
    house.clock.advance(MINUTE);
    assert_eq!(house.passed(&key("late"), 9).await, 2, "accounts that are full again make room");
    assert!(house.ledger.len() <= 256);
}

#[tokio::test]
async fn all_limits_that_speak_of_a_call_must_have_room() {
    let roles = [("reader".into(), calls(3)), ("writer".into(), calls(4))].into();
    let tools = [(("faulty".into(), "echo".into()), calls(2))].into();
    let sources = [("faulty".into(), calls(3))].into();
    let house = House::new(&LimitPlan { roles, tools, sources, total: calls(8), ..plan(Quota::default()) });
    let mut ada = key("ada");
    assert_eq!(house.passed(&ada, 9).await, 2, "the tool's");
    assert!(house.tool(&ada, "write").await.is_ok(), "another tool of the source");
    assert!(house.tool(&ada, "write").await.is_err(), "the source's");
    assert_eq!(house.passed(&key("eve"), 99).await, 2, "the flood used no more of what all have than it got");
    ada = key("bob");
    ada.roles = vec!["reader".into(), "reader".into(), "writer".into(), "unknown".into()];
    let cx = house.context(&ada);
    for at in 0..4 {
        let mut unknown = call(&house.source, "nothing");
        unknown.target = None;
        let end = Direct(house.source.clone());
        let refusal = Next::new(&house.guards, &end).run(&unknown, &cx).await.unwrap_err();
        assert_eq!(refusal.kind() == RefusalKind::Limited, at == 3, "the narrower role's");
    }
    let refusal = house.tool(&ada, "write").await.unwrap_err();
    assert_eq!(refusal.kind(), RefusalKind::Limited, "who tries names that are not there uses up what they have");
}

#[tokio::test]
async fn the_record_names_the_limit_and_the_caller_learns_nothing_of_others() {
    let house = House::new(&LimitPlan { total: calls(1), ..plan(calls(9)) });
    assert_eq!(house.passed(&key("ada"), 1).await, 1);
    let cx = house.context(&key("bob"));
    let end = Direct(house.source.clone());
    let refusal = Next::new(&house.guards, &end).run(&call(&house.source, "echo"), &cx).await.unwrap_err();
    assert_eq!(cx.trail().rule.as_deref(), Some("limits.total.calls"));
    assert_eq!(refusal.public(), "the server has too much to do just now");
}

/// Goes where it is told.
#[derive(Debug)]
struct Wild {
    now: Mutex<Instant>,
}

impl Clock for Wild {
    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH
    }

    fn instant(&self) -> Instant {
        *self.now.lock().unwrap()
    }
}

#[tokio::test]
async fn a_clock_that_jumps_back_and_forth_gives_one_burst_and_no_more() {
    let house = House::new(&plan(calls(5)));
    let (back, start) = (Instant::now(), Instant::now() + Duration::from_hours(1));
    let clock = Arc::new(Wild { now: Mutex::new(start) });
    let mut passed = 0;
    for step in 0..40_u32 {
        *clock.now.lock().unwrap() = if step % 2 == 0 { start } else { back };
        let mut cx = house.context(&key("ada"));
        cx.clock = clock.clone();
        let end = Direct(house.source.clone());
        passed += usize::from(Next::new(&house.guards, &end).run(&call(&house.source, "echo"), &cx).await.is_ok());
    }
    assert_eq!(passed, 5);
}

/// Runs until it is let go.
#[derive(Debug, Default)]
struct Held {
    running: AtomicUsize,
    most: AtomicUsize,
    go: Notify,
    panics: bool,
}

#[async_trait]
impl Endpoint for Held {
    async fn reach(&self, _: &Call, _: &Context) -> Result<Reply, Refusal> {
        let now = self.running.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
        self.go.notified().await;
        self.running.fetch_sub(1, Ordering::SeqCst);
        assert!(!self.panics, "as it was told");
        Ok(Reply::text("done"))
    }
}

fn at_once(places: u32) -> Quota {
    Quota { concurrent: Some(places), ..Quota::default() }
}

async fn until(what: impl Fn() -> bool) {
    while !what() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn places_come_back_however_a_call_ends() {
    let house = Arc::new(House::new(&plan(at_once(1))));
    let ada = key("ada");
    for ending in ["reply", "panic", "drop"] {
        let end = Arc::new(Held { panics: ending == "panic", ..Held::default() });
        let (inner, held, who) = (house.clone(), end.clone(), ada.clone());
        let running = tokio::spawn(async move {
            let cx = inner.context(&who);
            Next::new(&inner.guards, &*held).run(&call(&inner.source, "echo"), &cx).await
        });
        until(|| end.running.load(Ordering::SeqCst) == 1).await;
        let refusal = house.tool(&ada, "echo").await.unwrap_err();
        assert_eq!(refusal.kind(), RefusalKind::Limited, "{ending}");
        assert_eq!(house.passed(&key("bob"), 1).await, 1, "another principal has places of their own");
        if ending == "drop" {
            running.abort();
        } else {
            end.go.notify_one();
        }
        let _ = running.await;
        assert_eq!(house.passed(&ada, 1).await, 1, "after {ending}");
    }
}

#[tokio::test(start_paused = true)]
async fn calls_wait_in_a_queue_that_is_bounded_and_leave_it_when_they_are_cancelled() {
    let patient = LimitPlan { queue_wait: Duration::from_secs(30), ..plan(at_once(1)) };
    let house = Arc::new(House::new(&patient));
    let (end, ada) = (Arc::new(Held::default()), key("ada"));
    let account = house.ledger.account(Some(&ada), 0);
    let max = portwright_core::limits::LIMIT_QUEUE_MAX;
    let mut running = Vec::new();
    let mut cancels = Vec::new();
    for at in 0..=max {
        let (inner, held, cx) = (house.clone(), end.clone(), house.context(&ada));
        cancels.push(cx.cancel.clone());
        running.push(tokio::spawn(async move {
            Next::new(&inner.guards, &*held).run(&call(&inner.source, "echo"), &cx).await
        }));
        until(|| end.running.load(Ordering::SeqCst) == 1 && account.waiting() == at).await;
    }
    let refusal = house.tool(&ada, "echo").await.unwrap_err();
    assert_eq!(refusal.kind(), RefusalKind::Limited, "the queue is full");
    cancels[1..].iter().for_each(tokio_util::sync::CancellationToken::cancel);
    for call in running.drain(1..) {
        assert_eq!(call.await.unwrap().unwrap_err().kind(), RefusalKind::Cancelled);
    }
    assert_eq!(account.waiting(), 0);
    end.go.notify_one();
    assert!(running.remove(0).await.unwrap().is_ok());
    assert_eq!(end.most.load(Ordering::SeqCst), 1, "never two at once");
    assert_eq!(house.passed(&ada, 1).await, 1);
}

#[tokio::test(start_paused = true)]
async fn a_call_waits_for_its_turn_no_longer_than_it_may_and_what_is_called_off_is_given_back() {
    let patient = LimitPlan { queue_wait: Duration::from_secs(15), ..plan(calls(6)) };
    let house = Arc::new(House::new(&patient));
    let ada = key("ada");
    assert_eq!(house.passed(&ada, 6).await, 6);
    let cx = house.context(&ada);
    let cancel = cx.cancel.clone();
    let end = Direct(house.source.clone());
    let (echo, begun) = (call(&house.source, "echo"), tokio::time::Instant::now());
    let (result, ()) = tokio::join!(Next::new(&house.guards, &end).run(&echo, &cx), async {
        tokio::task::yield_now().await;
        cancel.cancel();
    });
    assert_eq!(result.unwrap_err().kind(), RefusalKind::Cancelled);
    assert!(house.tool(&ada, "echo").await.is_ok(), "its turn comes in ten seconds, as if nobody had waited before");
    let waited = begun.elapsed();
    assert!(waited >= Duration::from_secs(10) && waited < Duration::from_secs(11), "this test's clock is its own");
    let refusal = house.tool(&ada, "echo").await.unwrap_err();
    assert_eq!(refusal.kind(), RefusalKind::Limited, "that turn would come too late");
    assert_eq!(begun.elapsed(), waited, "and it is told at once");
}

#[tokio::test]
async fn a_result_may_go_beyond_and_is_paid_back_then() {
    let quota = Quota { result_bytes: Some(Rate::new(20, MINUTE)), ..Quota::default() };
    let house = House::new(&plan(quota));
    let ada = key("ada");
    assert!(house.tool(&ada, "flood").await.is_ok(), "there was something left");
    let refusal = house.tool(&ada, "echo").await.unwrap_err();
    assert_eq!(refusal.kind(), RefusalKind::Limited);
    house.clock.advance(refusal.wait().unwrap().saturating_sub(Duration::from_secs(1)));
    assert!(house.tool(&ada, "echo").await.is_err());
    house.clock.advance(Duration::from_secs(1));
    assert!(house.tool(&ada, "echo").await.is_ok(), "who comes when they were told is let in");
}

#[tokio::test]
async fn a_reload_keeps_what_was_used_where_the_limit_is_the_same() {
    let mut house = House::new(&plan(calls(5)));
    let ada = key("ada");
    assert_eq!(house.passed(&ada, 9).await, 5);
    house.reload(&plan(Quota { concurrent: Some(3), ..calls(5) }));
    assert_eq!(house.passed(&ada, 9).await, 0, "the calls' limit did not change");
    house.reload(&plan(calls(7)));
    assert_eq!(house.passed(&ada, 9).await, 7, "a changed one applies at once");
    house.reload(&plan(calls(5)));
    assert_eq!(house.passed(&ada, 9).await, 0, "to and fro gives nothing twice");
    house.reload(&plan(Quota::default()));
    assert_eq!(house.passed(&ada, 99).await, 99);
}

/// Prints what the guard costs: `cargo test -p portwright-server --release --lib limit -- --ignored --nocapture`.
#[tokio::test]
#[ignore = "a measurement"]
async fn cost_of_a_call() {
    #[derive(Debug)]
    struct Nothing;
    #[async_trait]
    impl Endpoint for Nothing {
        async fn reach(&self, _: &Call, _: &Context) -> Result<Reply, Refusal> {
            Ok(Reply::Subscribed)
        }
    }
    let rounds = 1_000_000_u32;
    let none: Vec<Arc<dyn Guard>> = Vec::new();
    let house =
        House::new(&LimitPlan { total: calls(1 << 40), ..plan(Quota { concurrent: Some(4), ..calls(1 << 40) }) });
    let (cx, echo) = (house.context(&key("ada")), call(&house.source, "echo"));
    let mut times = Vec::new();
    for guards in [&none, &house.guards] {
        let begun = Instant::now();
        for _ in 0..rounds {
            Next::new(guards, &Nothing).run(&echo, &cx).await.unwrap();
        }
        times.push(begun.elapsed() / rounds);
    }
    eprintln!("without {:?}, with {:?}", times[0], times[1]);
}
