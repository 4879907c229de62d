//! `/metrics`: what it counts, who reads it, and what it never names.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use portwright_core::protocol::JsonObject;
use portwright_core::{Auth, Context, Operation, Principal, TransportKind};
use portwright_server::plan::MetricsReaders;
use serde_json::json;

use crate::client::modern;
use crate::support::{Up, plan, started, until, up, usual, usual_mounts};

/// Samples by name with labels.
fn samples(page: &str) -> HashMap<&str, &str> {
    let lines = page.lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| line.rsplit_once(' ')).collect()
}

async fn page(up: &Up) -> String {
    let answer = up.connect().await.get("/metrics", &[]).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    answer.body
}

#[tokio::test]
async fn calls_are_counted_by_name_and_outcome() {
    let folder = tempfile::tempdir().expect("a folder");
    let audit = portwright_server::AuditPlan::new(folder.path().join("audit.jsonl"));
    let mut plan = plan();
    plan.audit = Some(audit);
    let up = up(&usual(plan).await.0).await;
    let mut http = up.connect().await;
    for (id, name) in ["say", "say", "fail", "of-a-stranger", "another\n{}\"stranger"].iter().enumerate() {
        http.post(&modern(id as u64, "tools/call", json!({"name": name, "arguments": {"word": "x"}}))).await;
    }
    let page = page(&up).await;
    let samples = samples(&page);
    let calls = |tool: &str, outcome: &str| {
        let name = format!("portwright_calls_total{{method=\"tools/call\",tool=\"{tool}\",outcome=\"{outcome}\"}}");
        samples.get(name.as_str()).copied().unwrap_or("none")
    };
    assert_eq!(calls("say", "ok"), "2", "{page}");
    assert_eq!(calls("other", "refused"), "2", "{page}");
    assert!(!page.contains("stranger"), "{page}");
    let count = "mcp_server_operation_duration_seconds_count{method=\"tools/call\",tool=\"other\",outcome=\"refused\"}";
    assert_eq!(samples[count], "2");
    assert_eq!(samples["portwright_refusals_total{reason=\"not_found\"}"], "2");
    let who = "portwright_principal_calls_total{principal=\"anonymous\",auth=\"anonymous\",outcome=\"refused\"}";
    assert_eq!(samples[who], "2", "{page}");
    for name in ["portwright_calls_in_flight", "portwright_audit_queue", "portwright_approvals_waiting"] {
        assert_eq!(samples[name], "0", "{name}");
    }
    assert!(samples.keys().any(|name| name.starts_with("portwright_result_bytes_total{")), "{page}");
    assert_eq!(samples["portwright_source_state{source=\"shelf\",kind=\"test\",state=\"degraded\"}"], "1");
}

#[tokio::test]
async fn the_page_is_well_formed_in_both_formats() {
    let up = up(&usual(plan()).await.0).await;
    let mut http = up.connect().await;
    http.post(&modern(1, "tools/call", json!({"name": "say", "arguments": {"word": "x"}}))).await;
    let text = page(&up).await;
    let open =
        http.get("/metrics", &[("accept", "application/openmetrics-text; version=1.0.0, text/plain;q=0.5")]).await;
    assert_eq!(open.header("content-type"), Some("application/openmetrics-text; version=1.0.0; charset=utf-8"));
    assert!(open.body.ends_with("# EOF\n"), "{}", open.body);
    for page in [&text, &open.body] {
        let mut families = HashSet::new();
        let mut family = "";
        for line in page.lines().filter(|line| *line != "# EOF") {
            if let Some(rest) = line.strip_prefix("# HELP ") {
                family = rest.split(' ').next().expect("a name");
                assert!(families.insert(family), "{family} is told twice");
            } else if let Some(rest) = line.strip_prefix("# TYPE ") {
                assert!(rest.starts_with(family), "{line}");
            } else {
                assert!(line.starts_with(family) && !line.contains("NaN"), "{line} stands under {family}");
            }
        }
    }
    let buckets: Vec<_> = text.lines().filter(|line| line.contains("_bucket{") && line.contains("\"say\"")).collect();
    let counts: Vec<u64> =
        buckets.iter().map(|line| line.rsplit_once(' ').expect("a value").1.parse().expect("a count")).collect();
    assert!(counts.is_sorted() && counts.last() == Some(&1), "{buckets:?}");
    assert!(buckets.last().expect("one").contains("le=\"+Inf\""));
}

#[tokio::test]
async fn who_may_not_read_metrics_learns_nothing() {
    let behind = [("x-forwarded-for", "203.0.113.9")];
    for (readers, here, there) in [
        (MetricsReaders::Off, 404, 404),
        (MetricsReaders::Loopback, 200, 403),
        (MetricsReaders::Callers, 200, 401),
        (MetricsReaders::Anyone, 200, 200),
    ] {
        let mut plan = plan();
        plan.metrics = readers;
        let up = up(&usual(plan).await.0).await;
        let mut http = up.connect().await;
        assert_eq!(http.get("/metrics", &[]).await.status, here, "{readers:?}");
        let answer = http.get("/metrics", &behind).await;
        assert_eq!(answer.status, there, "{readers:?}");
        assert_eq!(answer.body.contains("portwright_"), there == 200);
    }
    assert_eq!(portwright_server::ServerPlan::new("x").metrics, MetricsReaders::Loopback);
}

#[tokio::test]
async fn however_many_principals_come_labels_are_bounded() {
    let server = started(plan(), usual_mounts()).await;
    for number in 0..300 {
        let cx = Context::new("r", TransportKind::InProcess);
        cx.set_principal(Arc::new(Principal::new(format!("p{number}"), Auth::Token)));
        let operation = Operation::CallTool { name: format!("unknown-{number}"), arguments: JsonObject::new() };
        let _ = server.call(operation, cx).await;
    }
    let snapshot = server.snapshot();
    assert_eq!(snapshot.totals.calls, 300);
    assert_eq!(snapshot.tools.len(), 1, "{:?}", snapshot.tools);
    assert_eq!((snapshot.tools[0].name.as_str(), snapshot.tools[0].totals.refused), ("other", 300));
    assert_eq!(snapshot.principals.len(), portwright_core::limits::METRICS_PRINCIPALS_MAX + 1);
    let calls: u64 = snapshot.principals.iter().map(|one| one.totals.calls).sum();
    assert_eq!(calls, 300);
    assert_eq!(snapshot.refusals.len(), portwright_core::limits::METRICS_NOTED_MAX);
    assert_eq!(snapshot.refusals[0].name, "unknown-299");
}

#[tokio::test]
async fn a_snapshot_tells_what_runs_now() {
    let (server, _, faulty) = usual(plan()).await;
    let cx = Context::new("r-7", TransportKind::InProcess);
    cx.set_principal(Arc::new(Principal::local("ada")));
    let cancel = cx.cancel.clone();
    let running = tokio::spawn({
        let server = server.clone();
        async move {
            let operation = Operation::CallTool { name: "wait".into(), arguments: JsonObject::new() };
            server.call(operation, cx).await
        }
    });
    until("the call", || async { faulty.calls() == 1 }).await;
    let snapshot = server.snapshot();
    assert_eq!(snapshot.in_flight, 1);
    let flight = &snapshot.flights[0];
    assert_eq!((flight.request.as_str(), flight.name.as_str(), flight.method), ("r-7", "wait", "tools/call"));
    assert_eq!(flight.principal.as_deref(), Some("ada"));
    cancel.cancel();
    let _ = running.await.expect("no panic");
    let snapshot = server.snapshot();
    assert_eq!((snapshot.in_flight, snapshot.flights.len(), snapshot.totals.calls), (0, 0, 1));
    let step = snapshot.steps.iter().rev().find(|step| step.calls > 0).expect("a step");
    assert!(step.p50_ms.is_some() && snapshot.steps.len() <= 360);
    serde_json::to_value(&snapshot).expect("JSON");
}
