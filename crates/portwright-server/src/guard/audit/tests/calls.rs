//! Every call leaves exactly one outcome record, whatever becomes of it.

use std::sync::Arc;

use portwright_core::protocol::{ArgumentInfo, Implementation, JsonObject, Reference};
use portwright_core::testing::{ManualClock, context};
use portwright_core::{Auth, Call, Operation, Principal, RefusalKind, TransportKind};
use serde_json::{Value, json};

use super::*;
use crate::guard::audit::Durability;

fn with_arguments(house: &House, tool: &str, arguments: Value) -> Call {
    let mut call = call(&house.source, tool);
    let Value::Object(arguments) = arguments else { panic!("arguments are an object") };
    call.operation = Operation::CallTool { name: tool.to_owned(), arguments };
    // The faulty source's tools take nothing; these tests are about what is recorded of what they are given.
    if let Some(target) = call.target.take() {
        call.target = Some(Arc::new(portwright_core::Target {
            arguments: Some(Arc::new(Anything)),
            ..portwright_core::Target::clone(&target)
        }));
    }
    call
}

#[derive(Debug)]
struct Anything;

impl portwright_core::CheckArguments for Anything {
    fn check(&self, _: &JsonObject) -> Result<(), Refusal> {
        Ok(())
    }
}

#[tokio::test]
async fn a_flood_of_refused_credentials_is_counted() {
    let (_folder, file) = folder();
    let house = House::at(&file);
    let most = portwright_core::limits::AUDIT_STRANGERS_MAX;
    for _ in 0..most + 40 {
        house.audit.stranger("::ffff:192.0.2.7".parse().unwrap(), "there is no such key");
    }
    house.audit.flush().await;
    let all = records(&file);
    assert_eq!(all.len(), most + 1);
    let told = |record: &Value| ["operation", "principal", "outcome", "rule", "args"].map(|key| record[key].clone());
    let args = serde_json::json!({"remote": "192.0.2.7"});
    assert_eq!(
        told(&all[0]),
        ["authenticate".into(), "".into(), "refused".into(), "there is no such key".into(), args]
    );
    assert_eq!(all[most]["args"], serde_json::json!({"more": 40}));
    whole(&file);
}

#[tokio::test]
async fn every_ending_leaves_one_outcome() {
    let (_folder, file) = folder();
    let house = House::at(&file);
    for tool in ["echo", "refuse", "break", "panic", "hang", "wait", "nobody_knows"] {
        let _ = house.call(tool).await;
    }
    let told: Vec<_> = records(&file)
        .iter()
        .map(|record| format!("{} {} {} {}", record["name"], record["decision"], record["outcome"], record["error"]))
        .collect();
    assert_eq!(
        told,
        [
            r#""echo" "allow" "ok" null"#,
            r#""refuse" "allow" "failed" "failed""#,
            r#""break" "allow" "failed" "internal""#,
            r#""panic" "allow" "failed" "internal""#,
            r#""hang" "allow" "timed_out" "timed_out""#,
            r#""wait" "allow" "timed_out" "timed_out""#,
            r#""nobody_knows" "deny" "refused" "not_found""#,
        ]
    );
    assert_eq!(column(&file, "flags")[3], json!(["panicked"]));
    assert_eq!(column(&file, "flags")[4], json!(["abandoned"]));
    assert_eq!(whole(&file).records, 7);
}

#[tokio::test]
async fn effects_are_announced_before_they_happen() {
    let (_folder, file) = folder();
    let house = House::at(&file);
    house.call("write").await.unwrap();
    house.call("hang_writing").await.unwrap_err();
    let refused = with_arguments(&house, "write", json!({}));
    let refused = Call { target: None, ..refused };
    house.run(&refused, &cx("r")).await.unwrap_err();
    assert_eq!(column(&file, "outcome"), ["intent", "ok", "intent", "timed_out", "refused"]);
    assert_eq!(column(&file, "duration_ms")[0], Value::Null);
    assert_eq!(whole(&file).records, 5);
}

#[tokio::test]
async fn a_dropped_call_was_cancelled() {
    let (_folder, file) = folder();
    let house = House::at(&file);
    let gone = tokio::time::timeout(Duration::from_millis(20), house.call("wait")).await;
    assert!(gone.is_err(), "dropped in mid-call");
    let cancelled = cx("r2");
    cancelled.cancel.cancel();
    let call = call(&house.source, "echo");
    assert_eq!(house.run(&call, &cancelled).await.unwrap_err().kind(), RefusalKind::Cancelled);
    assert_eq!(column(&file, "outcome"), ["cancelled", "cancelled"]);
    assert_eq!(column(&file, "decision"), [json!("allow"), Value::Null]);
    assert_eq!(column(&file, "flags"), [json!(["dropped"]), json!([])]);
}

#[tokio::test]
async fn a_record_tells_what_surface_says() {
    let (_folder, file) = folder();
    let house = House::at(&file);
    let mut cx = Context::new("req-1", TransportKind::Http);
    cx.clock = Arc::new(ManualClock::default());
    cx.client = Some(Arc::new(Implementation::new("claude", "1.2")));
    cx.set_principal(Arc::new(Principal::new("ada", Auth::Key)));
    cx.note(|trail| {
        trail.rule = Some("analyst/allow/0".to_owned());
        trail.truncated = true;
        trail.flags.push("redacted".to_owned());
    });
    let call = with_arguments(&house, "echo", json!({"b": 1, "a": "é"}));
    house.run(&call, &cx).await.unwrap();
    let line = std::fs::read_to_string(&file).unwrap();
    insta::assert_snapshot!(line.split(",\"hash\"").next().unwrap(), @r#"
    {"seq":1,"ts":"1970-01-01T00:00:00.000000Z","id":"req-1","principal":"ada","auth":"key","transport":"http","client":"claude/1.2","protocol":"2026-07-28","operation":"tools/call","name":"echo","source":"faulty","args":["b","a"],"decision":"allow","rule":"analyst/allow/0","outcome":"ok","error":null,"duration_ms":0,"result_bytes":101,"result_tokens":26,"truncated":true,"flags":["redacted"],"prev":"0000000000000000000000000000000000000000000000000000000000000000"
    "#);
}

#[tokio::test]
async fn nested_reads_and_completions_are_recorded_too() {
    let (_folder, file) = folder();
    let house = House::at(&file);
    let inner = context().nested();
    let mut deeper = inner.nested();
    deeper.depth = 1;
    let read = Call { operation: Operation::ReadResource { uri: "db://ada:hunter2@shop/x".to_owned() }, target: None };
    house.run(&read, &deeper).await.unwrap_err();
    let complete = Call {
        operation: Operation::Complete {
            reference: Reference::for_prompt("p"),
            argument: ArgumentInfo::new("who", "ad"),
            context: None,
        },
        target: None,
    };
    house.run(&complete, &context()).await.unwrap_err();
    assert_eq!(column(&file, "operation"), ["resources/read", "completion/complete"]);
    assert_eq!(column(&file, "name"), ["[redacted]", "p"]);
    assert_eq!(column(&file, "args"), [Value::Null, json!(["who"])]);
    assert_eq!(column(&file, "flags"), [json!(["nested"]), json!([])]);
}

/// Secrets of many shapes, as a caller may pass them.
fn canaries() -> Value {
    json!({
        "password": "canary-password",
        "api_key": "canary-api-key",
        "X-Auth-Token": {"value": "canary-token"},
        "note": "use password=canary-assigned please",
        "url": "postgres://ada:canary-userinfo@db.example/shop",
        "header": "Bearer canary-bearer-0123456789",
        "jwt": "eyJhbGciOiJub25lIn0.eyJjYW5hcnkiOjF9.canary",
        "github": "ghp_canarycanarycanarycanary0123456789",
        "list": [{"secret": "canary-nested"}],
        "pem": "-----BEGIN PRIVATE KEY-----\ncanary-pem",
        "sk-canary0123456789abcdef": 1
    })
}

#[tokio::test]
async fn secrets_never_reach_the_file() {
    for (arguments, kept) in [(Arguments::None, false), (Arguments::Keys, false), (Arguments::Values, true)] {
        let (_folder, file) = folder();
        let house = House::new(Audit::open(&plan(&file, arguments)).unwrap());
        let mut given = canaries();
        given["harmless"] = json!("harmless-value");
        house.run(&with_arguments(&house, "echo", given), &cx("r")).await.unwrap();
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(!text.contains("canary"), "{arguments:?}: {text}");
        assert_eq!(text.contains("harmless-value"), kept, "{arguments:?}: {text}");
        assert_eq!(text.contains("\"password\""), arguments != Arguments::None);
    }
}

#[tokio::test]
async fn values_are_bounded() {
    let (_folder, file) = folder();
    let house = House::new(Audit::open(&plan(&file, Arguments::Values)).unwrap());
    let mut deep = json!(1);
    for _ in 0..100 {
        deep = json!([deep]);
    }
    let wide: Vec<_> = (0..10_000).map(|_| "x".repeat(100)).collect();
    let many: serde_json::Map<_, _> = (0..500).map(|at| (format!("k{at}"), json!("y".repeat(2000)))).collect();
    let given = json!({"big": 9_007_199_254_740_993_u64, "float": 0.1, "deep": deep, "wide": wide, "many": many});
    house.run(&with_arguments(&house, "echo", given), &cx("r")).await.unwrap();
    let line = std::fs::read_to_string(&file).unwrap();
    assert!(line.len() < 2 * portwright_core::limits::AUDIT_ARGUMENTS_BYTES_MAX, "{} bytes", line.len());
    let args = &column(&file, "args")[0];
    assert_eq!((&args["big"], &args["float"]), (&json!("9007199254740993"), &json!(0.1)));
    whole(&file);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn ten_thousand_calls_leave_ten_thousand_outcomes() {
    let (_folder, file) = folder();
    let house = Arc::new(House::at(&file));
    let mut tasks = tokio::task::JoinSet::new();
    for task in 0..50 {
        let house = house.clone();
        tasks.spawn(async move {
            for at in 0..200 {
                let call = call(&house.source, "echo");
                house.run(&call, &cx(&format!("{task}-{at}"))).await.unwrap();
            }
        });
    }
    while let Some(ended) = tasks.join_next().await {
        ended.unwrap();
    }
    let verified = whole(&file);
    assert_eq!((verified.records, verified.first_seq, verified.last_seq), (10_000, Some(1), Some(10_000)));
    let ids: std::collections::HashSet<_> = column(&file, "id").into_iter().map(|id| id.to_string()).collect();
    assert_eq!(ids.len(), 10_000, "each call once");
}

#[tokio::test]
async fn durable_on_disk_and_not_required_work_alike() {
    let (_folder, file) = folder();
    let house = House::new(
        Audit::open(&AuditPlan { durability: Durability::Disk, required: false, ..AuditPlan::new(&file) }).unwrap(),
    );
    for _ in 0..10 {
        house.call("write").await.unwrap();
    }
    house.audit.flush().await;
    assert_eq!(whole(&file).records, 20);
    house.call("echo").await.unwrap();
    drop(house);
    assert_eq!(whole(&file).records, 21, "dropping the audit waits for the writer");
}
