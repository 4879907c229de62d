//! What is kept and what is decided, without a wire.

use std::sync::Arc;
use std::time::Duration;

use portwright_core::protocol::JsonObject;
use portwright_core::{Auth, Call, Context, Operation, Principal, TransportKind, limits};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::kept::Kept;
use super::queue::{Queue, Shown, State, Undecided};
use super::{ApprovalPlan, Approve, Asked, By, Desk, digest, question};
use crate::guard::policy::Pattern;
use crate::plan::ServerPlan;

fn call(arguments: &Value) -> Call {
    let arguments = arguments.as_object().cloned().unwrap_or_default();
    Call { operation: Operation::CallTool { name: "pay".into(), arguments }, target: None }
}

fn somebody(name: &str) -> Principal {
    Principal::new(name, Auth::Key)
}

fn shown(principal: &Principal, wait: Duration) -> Shown {
    let call = call(&json!({"sum": 5}));
    let digest = digest(&call, principal).expect("a digest");
    let asked = Asked { call: &call, principal, rule: "approvals.ask[0]", digest };
    Shown::of(&asked, &Context::new("r", TransportKind::InProcess), wait).expect("random numbers")
}

fn desk(approvers: &[&str]) -> Desk {
    let approvers = approvers.iter().map(|role| (*role).into()).collect();
    let plan = ApprovalPlan { by: vec![By::Queue], approvers, ..ApprovalPlan::default() };
    Desk::new(&plan, tokio_util::sync::CancellationToken::new())
}

#[test]
fn a_person_is_asked_last() {
    let folder = tempfile::tempdir().unwrap();
    let audit = crate::guard::Audit::open(&crate::guard::AuditPlan::new(folder.path().join("audit.jsonl"))).unwrap();
    let plan = ApprovalPlan { ask: vec![Pattern::read("tools:*").unwrap()], ..Default::default() };
    let approve = Approve::new(&plan, &Arc::default()).unwrap();
    let chain = crate::guard::chain(
        &ServerPlan::new("test"),
        Some(&audit),
        None,
        &Arc::default(),
        &[],
        approve,
        &Arc::default(),
    );
    let names: Vec<_> = chain.iter().map(|guard| guard.name()).collect();
    assert_eq!(
        names,
        ["telemetry", "audit", "fence", "deadline", "validate", "approve", "intent", "sanitize"],
        "only about what everything else lets through, and before anything says that it is about to be done"
    );
}

#[tokio::test(start_paused = true)]
async fn a_decision_and_the_end_of_the_wait_decide_once() {
    const WAIT: Duration = Duration::from_secs(9);
    let (desk, ada, bob) = (desk(&["approver"]), somebody("ada"), somebody("bob"));
    let approvers = desk.approvers().expect("approvers");
    // Before the end, at it, and after it: whatever the approver is told is what the call does.
    for early in [Duration::from_millis(1), Duration::ZERO] {
        for _ in 0..50 {
            let queue = desk.queue.clone();
            let mut place = queue.enter("key/ada".into(), shown(&ada, WAIT), WAIT).expect("a place");
            let id = place.id().to_owned();
            let end = Instant::now() + WAIT;
            let (queue, approvers, bob) = (queue.clone(), approvers.clone(), bob.clone());
            let decided = tokio::spawn(async move {
                tokio::time::sleep_until(end - early).await;
                queue.decide(&id, &bob, &approvers, true, None)
            });
            let verdict = place.decided().await;
            match (verdict, decided.await.expect("no panic")) {
                (Some(verdict), Ok(told)) => assert!(verdict.approved && told.state() == State::Approved),
                (None, Err(Undecided::Over(told))) => assert_eq!(told.state(), State::Expired),
                (verdict, told) => panic!("{verdict:?} {told:?}"),
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_waits_is_bounded_and_a_place_comes_back() {
    const WAIT: Duration = Duration::from_secs(9);
    let queue = Queue::default();
    let enter = |who: &str| queue.enter(who.into(), shown(&somebody(who), WAIT), WAIT);
    let mut places: Vec<_> =
        (0..limits::APPROVALS_WAITING_OF_ONE_MAX).map(|_| enter("ada").expect("a place")).collect();
    assert!(enter("ada").is_err(), "one caller's");
    for number in 0.. {
        match enter(&format!("caller {number}")) {
            Ok(place) => places.push(place),
            Err(_) => break,
        }
    }
    assert_eq!((places.len(), queue.list().len()), (limits::APPROVALS_WAITING_MAX, limits::APPROVALS_WAITING_MAX));
    places.truncate(1);
    assert!(queue.list().len() == 1 && enter("ada").is_ok());
}

#[tokio::test(start_paused = true)]
async fn what_is_kept_is_bounded_for_each_and_is_taken_once() {
    let kept: Kept<u32, u32> = Kept::new(6, 3);
    let until = |seconds| Instant::now() + Duration::from_secs(seconds);
    for number in 0..5 {
        assert!(kept.put(number, "ada".into(), until(10 + u64::from(number)), number));
    }
    let there = |range: std::ops::Range<u32>| range.filter(|key| kept.has(key, Instant::now())).collect::<Vec<_>>();
    assert_eq!(there(0..5), [2, 3, 4], "her oldest go");
    for number in 10..13 {
        assert!(kept.put(number, format!("caller {number}").into(), until(5), number));
    }
    assert!(!kept.put(20, "eve".into(), until(5), 20), "there are too many in all");
    assert_eq!(there(0..30), [2, 3, 4, 10, 11, 12], "and nobody else's go for hers");
    assert!(kept.take(&3, Instant::now()).is_some() && kept.take(&3, Instant::now()).is_none());
    tokio::time::advance(Duration::from_secs(6)).await;
    assert!(kept.take(&10, Instant::now()).is_none(), "it is worth nothing any more");
    assert!(kept.put(20, "eve".into(), until(5), 20), "and makes room");
}

#[test]
fn approvers_have_proved_who_they_are() {
    let desk = desk(&["approver", "anonymous", "local"]);
    let approvers = desk.approvers().expect("approvers");
    let with = |auth, roles: &[&str]| {
        let mut principal = Principal::new("x", auth);
        principal.roles = roles.iter().map(|role| (*role).into()).collect();
        approvers.include(&principal)
    };
    assert!(with(Auth::Key, &["reader", "approver"]) && with(Auth::Token, &["approver"]));
    assert!(!with(Auth::Key, &["reader"]) && !with(Auth::Key, &[]));
    assert!(!with(Auth::Anonymous, &["approver"]) && !with(Auth::Local, &["approver", "local"]));
}

#[test]
fn a_digest_is_of_the_caller_and_the_whole_call() {
    let of = |who: &Principal, arguments: &Value| digest(&call(arguments), who).expect("a digest");
    let (ada, one) = (somebody("ada"), json!({"a": 1, "b": [true]}));
    assert_eq!(of(&ada, &one), of(&ada, &json!({"b": [true], "a": 1})));
    let other_proof = Principal::new("ada", Auth::Token);
    for (who, arguments) in [
        (&ada, json!({"a": 2, "b": [true]})),
        (&ada, json!({})),
        (&somebody("eve"), one.clone()),
        (&other_proof, one.clone()),
    ] {
        assert_ne!(of(&ada, &one), of(who, &arguments), "{arguments}");
    }
}

proptest::proptest! {
    /// Whatever a caller writes: one line, nothing hidden, nothing that acts, and it is still what was written.
    #[test]
    fn what_is_shown_is_what_was_written(text in "(\\PC|[<>&`\\[\\]()!.w:/\\\\\"\n\r\t\u{1b}\u{202e}\u{200b}\u{2028}]){0,60}") {
        let shown = question::inside(&Value::from(text.as_str()), 0);
        proptest::prop_assert!(!shown.contains(['\n', '\r', '<', '>', '&', '`']), "{}", shown);
        proptest::prop_assert!(!shown.contains("](") && !shown.contains("://") && !shown.contains("www."), "{}", shown);
        proptest::prop_assert!(!shown.chars().any(char::is_control), "{:?}", shown);
        let read: Value = serde_json::from_str(&shown).expect("JSON");
        proptest::prop_assert_eq!(read, Value::from(text));
    }
}

#[test]
fn what_is_too_much_to_show_is_said_to_be() {
    let arguments: JsonObject = (0..30).map(|number| (format!("a{number}"), number.into())).collect();
    let (call, ada) = (call(&Value::Object(arguments)), somebody("ada"));
    let asked = Asked { call: &call, principal: &ada, rule: "r", digest: [0; 32] };
    let words = question::message(&asked, &Context::new("r", TransportKind::InProcess));
    assert!(words.contains("and 6 more, which are not shown here"), "{words}");
    let long = question::inside(&"x".repeat(500).into(), 5000);
    assert!(long.ends_with("(cut: it has 5000 characters, and the rest is not shown here)"), "{long}");
    let owner: Arc<str> = super::owner(&ada);
    assert_eq!(&*owner, "key/ada");
}
