use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use portwright_core::protocol::JsonObject;
use portwright_core::testing::{Direct, Faulty, HIDDEN, call_of, context};
use portwright_core::{
    Call, Context, Endpoint, Guard, Next, Operation, Refusal, RefusalKind, Reply, Target, async_trait, limits,
};
use tracing_subscriber::fmt::MakeWriter;

use super::deadline::Deadline;
use super::fence::Fence;
use super::limit::{Quota, Rate};
use super::policy::{Policy, PolicyPlan, RolePlan};
use super::telemetry::{Clean, Telemetry};
use super::{Audit, AuditPlan, Ledger, LimitPlan, chain, validate};
use crate::plan::ServerPlan;

const CALL_TIMEOUT: Duration = Duration::from_secs(30);

/// A plan with every default, and this time for a call.
fn plan() -> ServerPlan {
    ServerPlan { call_timeout: CALL_TIMEOUT, ..ServerPlan::new("test") }
}

/// A call of one of the faulty source's tools, with what a catalog would know of it.
pub(super) fn call(source: &Faulty, tool: &str) -> Call {
    let mut call = call_of(source, tool, JsonObject::new());
    if let Some(target) = &call.target
        && let Some(listed) = &target.tool
    {
        let arguments = validate::compile(&listed.input_schema).ok();
        call.target = Some(Arc::new(Target { source: "faulty".into(), arguments, ..Target::clone(target) }));
    }
    call
}

async fn run(guards: &[Arc<dyn Guard>], source: &Arc<Faulty>, tool: &str, cx: &Context) -> Result<Reply, Refusal> {
    let end = Direct(source.clone());
    Next::new(guards, &end).run(&call(source, tool), cx).await
}

#[test]
fn the_chain_has_this_order() {
    let folder = tempfile::tempdir().unwrap();
    let audit = Audit::open(&AuditPlan::new(folder.path().join("audit.jsonl"))).unwrap();
    let ledger = Arc::new(Ledger::default());
    let names = |audit: Option<&Audit>| {
        chain(&plan(), audit, None, &ledger, &[], None, &Arc::default())
            .iter()
            .map(|guard| guard.name())
            .collect::<Vec<_>>()
    };
    assert_eq!(names(Some(&audit)), ["telemetry", "audit", "fence", "deadline", "validate", "intent", "sanitize"]);
    assert_eq!(names(None), ["telemetry", "fence", "deadline", "validate", "sanitize"]);
    let anything = RolePlan { name: "r".into(), allow: Vec::new(), deny: Vec::new(), when: None };
    let policy = Policy::new(&PolicyPlan { roles: vec![anything] }).unwrap();
    let own: [Arc<dyn Guard>; 2] = [Arc::new(Mood::Refuses), Arc::new(Mood::Panics)];
    let names: Vec<_> = chain(&plan(), Some(&audit), policy.as_ref(), &ledger, &own, None, &Arc::default())
        .iter()
        .map(|guard| guard.name())
        .collect();
    assert_eq!(
        names,
        ["telemetry", "audit", "fence", "deadline", "policy", "mood", "mood", "validate", "intent", "sanitize"],
        "own guards have one place, in the order they were given"
    );
    let quota = Quota { calls: Some(Rate::new(1, Duration::from_secs(1))), ..Quota::default() };
    let sources = [("shop".into(), quota)].into();
    let limited = ServerPlan { limit: LimitPlan { each: quota, sources, ..LimitPlan::default() }, ..plan() };
    let names: Vec<_> = chain(&limited, None, policy.as_ref(), &ledger, &own[..1], None, &Arc::default())
        .iter()
        .map(|guard| guard.name())
        .collect();
    assert_eq!(
        names,
        ["telemetry", "fence", "deadline", "limit", "policy", "mood", "limit_of_target", "validate", "sanitize"],
        "what a tool's limit would tell is told to those only who may know the tool"
    );
}

#[tokio::test]
async fn a_panic_is_a_refusal_without_words() {
    let source = Arc::new(Faulty::default());
    let guards: [Arc<dyn Guard>; 1] = [Arc::new(Fence)];
    let cx = context();
    let refusal = run(&guards, &source, "panic", &cx).await.unwrap_err();
    assert_eq!((refusal.kind(), refusal.public()), (RefusalKind::Internal, "internal error"));
    let cause = std::error::Error::source(&refusal).map(ToString::to_string);
    assert_eq!(cause, Some(format!("panic: {HIDDEN}")), "the log may know");
    assert_eq!(cx.trail().flags, ["panicked"]);
    assert!(run(&guards, &source, "echo", &cx).await.is_ok(), "the next call is not touched");
}

#[tokio::test(start_paused = true)]
async fn a_call_that_listens_stops_when_its_time_is_up() {
    let source = Arc::new(Faulty::default());
    let guards: [Arc<dyn Guard>; 1] = [Arc::new(Deadline::new(CALL_TIMEOUT))];
    let cx = context();
    let refusal = run(&guards, &source, "wait", &cx).await.unwrap_err();
    assert_eq!(refusal.kind(), RefusalKind::TimedOut);
    assert_eq!(
        refusal.public(),
        "the call took longer than 30 s and was stopped. \
         Ask for less, with a narrower filter or a smaller limit, or try again later."
    );
    assert_eq!(source.stopped(), 1, "the source was told");
    assert!(!cx.cancel.is_cancelled(), "only this call was stopped");
    assert_eq!(cx.trail().flags, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_does_not_listen_is_dropped() {
    let source = Arc::new(Faulty::default());
    let guards: [Arc<dyn Guard>; 1] = [Arc::new(Deadline::new(CALL_TIMEOUT))];
    let (cx, start) = (context(), tokio::time::Instant::now());
    let refusal = run(&guards, &source, "hang_writing", &cx).await.unwrap_err();
    assert_eq!(refusal.kind(), RefusalKind::TimedOut);
    assert!(refusal.public().ends_with("It may have taken effect: look before you try again."), "{refusal}");
    assert_eq!(cx.trail().flags, ["abandoned"]);
    let limit = CALL_TIMEOUT + limits::STOP_WAIT + Duration::from_secs(1);
    assert!(start.elapsed() < limit, "the clock of this test is paused, so this is exact");
}

#[tokio::test(start_paused = true)]
async fn the_nearer_deadline_counts() {
    let source = Arc::new(Faulty::default());
    let guards: [Arc<dyn Guard>; 1] = [Arc::new(Deadline::new(CALL_TIMEOUT))];
    let mut cx = context();
    cx.deadline = Some(cx.clock.instant() + Duration::from_millis(500));
    let refusal = run(&guards, &source, "wait", &cx).await.unwrap_err();
    assert!(refusal.public().starts_with("the call took longer than 0.5 s"), "{refusal}");
}

/// Waits for its client much longer than a call may take; then answers, or never ends.
#[derive(Debug)]
struct Patient {
    hangs: bool,
}

#[async_trait]
impl Endpoint for Patient {
    async fn reach(&self, _: &Call, cx: &Context) -> Result<Reply, Refusal> {
        for _ in 0..2 {
            let _waits = cx.waiting.begin(&cx.clock);
            tokio::time::sleep(CALL_TIMEOUT * 10).await;
        }
        if self.hangs {
            std::future::pending::<()>().await;
        }
        Ok(Reply::text("at last"))
    }
}

#[tokio::test(start_paused = true)]
async fn the_time_that_a_client_takes_is_not_the_calls() {
    let guards: [Arc<dyn Guard>; 1] = [Arc::new(Deadline::new(CALL_TIMEOUT))];
    let call = call(&Faulty::default(), "echo");
    assert!(Next::new(&guards, &Patient { hangs: false }).run(&call, &context()).await.is_ok());
    let refusal = Next::new(&guards, &Patient { hangs: true }).run(&call, &context()).await.unwrap_err();
    assert_eq!(refusal.kind(), RefusalKind::TimedOut, "its own time is bounded as ever");
    let cx = context();
    let cancel = cx.cancel.clone();
    let (result, ()) = tokio::join!(Next::new(&guards, &Patient { hangs: false }).run(&call, &cx), async {
        tokio::task::yield_now().await;
        cancel.cancel();
    });
    assert_eq!(result.unwrap_err().kind(), RefusalKind::Cancelled, "also while it waits");
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_call_ends_soon() {
    for tool in ["wait", "hang"] {
        let source = Arc::new(Faulty::default());
        let guards: [Arc<dyn Guard>; 1] = [Arc::new(Deadline::new(CALL_TIMEOUT))];
        let cx = context();
        let cancel = cx.cancel.clone();
        let (result, ()) = tokio::join!(run(&guards, &source, tool, &cx), async {
            tokio::task::yield_now().await;
            cancel.cancel();
        });
        assert_eq!(result.unwrap_err().kind(), RefusalKind::Cancelled, "{tool}");
        assert_eq!(source.calls(), 1);
        let again = run(&guards, &source, "echo", &cx).await.unwrap_err();
        assert_eq!(again.kind(), RefusalKind::Cancelled, "a call that was cancelled before it began");
        assert_eq!(source.calls(), 1, "does not begin");
    }
}

/// Answers when it is cancelled, as a statement does that ended just then.
struct Late;

#[async_trait]
impl Guard for Late {
    fn name(&self) -> &'static str {
        "late"
    }

    async fn check(&self, call: &Call, cx: &Context, next: Next<'_>) -> Result<Reply, Refusal> {
        cx.cancel.cancelled().await;
        next.run(call, cx).await
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_done_after_all_is_told() {
    let source = Arc::new(Faulty::default());
    let guards: [Arc<dyn Guard>; 2] = [Arc::new(Deadline::new(CALL_TIMEOUT)), Arc::new(Late)];
    assert!(run(&guards, &source, "write", &context()).await.is_ok());
}

/// Keeps what was logged.
#[derive(Clone, Default)]
pub(super) struct Lines(Arc<Mutex<Vec<u8>>>);

impl Lines {
    pub(super) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()).unwrap()
    }
}

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Lines {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

fn logged(level: tracing::Level, work: impl Future<Output = ()>) -> String {
    let lines = Lines::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_writer(lines.clone())
        .with_ansi(false)
        .without_time()
        .with_target(false)
        .finish();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    tracing::subscriber::with_default(subscriber, || runtime.block_on(work));
    lines.text()
}

#[test]
fn each_call_is_one_line_of_the_log() {
    let source = Arc::new(Faulty::default());
    let guards: [Arc<dyn Guard>; 2] = [Arc::new(Telemetry::new(Arc::default(), None)), Arc::new(Fence)];
    let log = logged(tracing::Level::INFO, async {
        let mut cx = context();
        cx.session = Some("s-1\nforged".into());
        cx.clock = Arc::new(portwright_core::testing::ManualClock::default());
        let _ = tokio::time::timeout(Duration::from_millis(10), run(&guards, &source, "hang", &cx)).await;
        for tool in ["echo", "refuse", "no\u{1b}[2Jsuch\r\ntool\u{202e}"] {
            let _ = run(&guards, &source, tool, &cx).await;
        }
    });
    insta::assert_snapshot!(log, @r#"
    INFO call{mcp.method.name="tools/call" mcp.protocol.version="2026-07-28" network.transport="pipe" request="test" gen_ai.tool.name="hang" mcp.session.id="0ba53aaf686a5e44" source="faulty"}: call given up duration=0.0 error.type="cancelled"
    INFO call{mcp.method.name="tools/call" mcp.protocol.version="2026-07-28" network.transport="pipe" request="test" gen_ai.tool.name="echo" mcp.session.id="0ba53aaf686a5e44" source="faulty"}: call answered duration=0.0
    INFO call{mcp.method.name="tools/call" mcp.protocol.version="2026-07-28" network.transport="pipe" request="test" gen_ai.tool.name="refuse" mcp.session.id="0ba53aaf686a5e44" source="faulty"}: call refused duration=0.0 error.type="failed"
    INFO call{mcp.method.name="tools/call" mcp.protocol.version="2026-07-28" network.transport="pipe" request="test" gen_ai.tool.name="no\\u{1b}[2Jsuch\\r\\ntool\\u{202e}" mcp.session.id="0ba53aaf686a5e44"}: call refused duration=0.0 error.type="not_found"
    "#);
    assert!(!log.contains('\u{1b}') && !log.contains('\r') && !log.contains('\u{202e}'), "{log}");
}

#[test]
fn a_uri_that_holds_a_password_is_not_logged() {
    let source = Arc::new(Faulty::default());
    let guards: [Arc<dyn Guard>; 1] = [Arc::new(Telemetry::new(Arc::default(), None))];
    let read = Call { operation: Operation::ReadResource { uri: "db://ada:hunter2@shop/x".to_owned() }, target: None };
    let log = logged(tracing::Level::TRACE, async {
        Next::new(&guards, &Direct(source.clone())).run(&read, &context()).await.unwrap_err();
    });
    assert!(log.contains(r#"mcp.resource.uri="[redacted]""#) && !log.contains("hunter2"), "{log}");
}

#[test]
fn causes_are_for_the_log_and_arguments_are_not() {
    let source = Arc::new(Faulty::default());
    let guards: [Arc<dyn Guard>; 2] = [Arc::new(Telemetry::new(Arc::default(), None)), Arc::new(Fence)];
    let work = async {
        let mut call = call(&source, "break");
        call.operation = Operation::CallTool {
            name: "break".to_owned(),
            arguments: [("canary".to_owned(), "canary-value".into())].into_iter().collect(),
        };
        let end = Direct(source.clone());
        let refusal = Next::new(&guards, &end).run(&call, &context()).await.unwrap_err();
        assert_eq!(refusal.public(), "internal error");
    };
    let log = logged(tracing::Level::ERROR, work);
    assert_eq!(log.lines().count(), 1, "{log}");
    let end = format!(r#"error.type="internal" request="test" cause="{HIDDEN}""#);
    assert!(log.starts_with("ERROR call failed inside duration=") && log.trim_end().ends_with(&end), "{log}");
}

#[test]
fn strangers_words_are_cut_and_escaped() {
    assert_eq!(Clean("a\tb\u{7f}\u{85}\u{200b}\u{e0041}\"é").to_string(), "a\\tb\\u{7f}\\u{85}\\u{200b}\\u{e0041}\"é");
    let long = "é".repeat(limits::AUDIT_VALUE_BYTES_MAX);
    let cut = Clean(&long).to_string();
    assert!(cut.len() < limits::AUDIT_VALUE_BYTES_MAX + 32 && cut.ends_with("…(2048 bytes)"), "{cut}");
}

/// A guard of one's own, in one of its moods.
#[derive(Debug, Clone, Copy)]
enum Mood {
    Refuses,
    Panics,
    PanicsAfterwards,
    Hangs,
    /// Lets the call go on with other arguments.
    Rewrites,
    Notes,
}

#[async_trait]
impl Guard for Mood {
    fn name(&self) -> &'static str {
        "mood"
    }

    async fn check(&self, call: &Call, cx: &Context, next: Next<'_>) -> Result<Reply, Refusal> {
        match self {
            Self::Refuses => Err(Refusal::failed("not today")),
            Self::Panics => panic!("{HIDDEN}"),
            Self::PanicsAfterwards => {
                let _ = next.run(call, cx).await;
                panic!("{HIDDEN}")
            }
            Self::Hangs => std::future::pending().await,
            Self::Rewrites => {
                let mut other = call.clone();
                if let Operation::CallTool { arguments, .. } = &mut other.operation {
                    arguments.insert("surprise".to_owned(), 1.into());
                }
                next.run(&other, cx).await
            }
            Self::Notes => {
                cx.note(|trail| trail.flags.push("seen".to_owned()));
                next.run(call, cx).await
            }
        }
    }
}

async fn behind(mood: Mood, tool: &str, cx: &Context) -> (Result<Reply, Refusal>, Arc<Faulty>) {
    let source = Arc::new(Faulty::default());
    let guards = chain(&plan(), None, None, &Arc::default(), &[Arc::new(mood)], None, &Arc::default());
    (run(&guards, &source, tool, cx).await, source)
}

#[tokio::test(start_paused = true)]
async fn a_guard_of_ones_own_that_cannot_decide_refuses() {
    for (mood, kind) in [
        (Mood::Refuses, RefusalKind::Failed),
        (Mood::Panics, RefusalKind::Internal),
        (Mood::Hangs, RefusalKind::TimedOut),
        (Mood::Rewrites, RefusalKind::Invalid),
    ] {
        let cx = context();
        let (result, _) = behind(mood, "echo", &cx).await;
        let refusal = result.expect_err("a refusal");
        assert_eq!(refusal.kind(), kind, "{mood:?}");
        assert!(!refusal.public().contains(HIDDEN), "{refusal}");
        assert!(!cx.trail().reached, "{mood:?}: the source was not asked");
    }
}

#[tokio::test]
async fn the_log_learns_which_guard_it_was() {
    let cx = context();
    let refusal = behind(Mood::Panics, "echo", &cx).await.0.unwrap_err();
    let cause = std::error::Error::source(&refusal).map(ToString::to_string);
    assert_eq!(cause, Some(format!("the guard `mood` failed: panic: {HIDDEN}")));
    assert_eq!((cx.trail().rule.as_deref(), cx.trail().flags), (Some("guard:mood"), vec!["panicked".to_owned()]));
    let cx = context();
    let refusal = behind(Mood::PanicsAfterwards, "echo", &cx).await.0.unwrap_err();
    assert_eq!((refusal.kind(), cx.trail().rule), (RefusalKind::Internal, None), "the fence sees to it");
}

#[tokio::test]
async fn a_guard_of_ones_own_writes_onto_the_trail() {
    let cx = context();
    assert!(behind(Mood::Notes, "echo", &cx).await.0.is_ok());
    assert_eq!(cx.trail().flags, ["seen"]);
}
