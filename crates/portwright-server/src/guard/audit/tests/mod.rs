//! Helpers of the audit's tests: a chain with an audit, and a reader of its file.

mod calls;
mod crash;
mod faults;
mod lines;
mod recovery;
mod rotation;
mod sinks;
mod tampering;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use portwright_core::testing::{Direct, Faulty};
use portwright_core::{Call, Context, Guard, Next, Refusal, Reply, TransportKind};
use serde_json::Value;
use tempfile::TempDir;

use super::{Arguments, Audit, AuditPlan, Verified, verify};
use crate::guard::sanitize::Injection;
use crate::guard::tests::call;
use crate::guard::{SanitizePlan, chain};
use crate::plan::ServerPlan;

const CALL_TIMEOUT: Duration = Duration::from_millis(200);

fn server() -> ServerPlan {
    ServerPlan { call_timeout: CALL_TIMEOUT, ..ServerPlan::new("test") }
}

/// A server's inside: a chain before a source.
struct House {
    guards: Vec<Arc<dyn Guard>>,
    end: Direct,
    source: Arc<Faulty>,
    audit: Audit,
}

impl House {
    fn new(audit: Audit) -> Self {
        // Orders are another guard's business; looking for them takes its time where nothing is optimised.
        let sanitize = SanitizePlan { injection: Injection::Off, redact: Vec::new(), ..SanitizePlan::default() };
        let source = Arc::new(Faulty::default());
        let plan = ServerPlan { sanitize, ..server() };
        Self {
            guards: chain(&plan, Some(&audit), None, &Arc::default(), &[], None, &Arc::default()),
            end: Direct(source.clone()),
            source,
            audit,
        }
    }

    fn at(file: &Path) -> Self {
        Self::new(Audit::open(&AuditPlan::new(file)).unwrap())
    }

    async fn run(&self, call: &Call, cx: &Context) -> Result<Reply, Refusal> {
        Next::new(&self.guards, &self.end).run(call, cx).await
    }

    async fn call(&self, tool: &str) -> Result<Reply, Refusal> {
        self.run(&call(&self.source, tool), &cx("r")).await
    }
}

fn cx(request: &str) -> Context {
    Context::new(request, TransportKind::InProcess)
}

fn folder() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("audit.jsonl");
    (folder, file)
}

fn records(file: &Path) -> Vec<Value> {
    let text = fs::read_to_string(file).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// One field of each record.
fn column(file: &Path, field: &str) -> Vec<Value> {
    records(file).iter().map(|record| record[field].clone()).collect()
}

fn whole(file: &Path) -> Verified {
    verify(file).unwrap_or_else(|broken| panic!("{broken}"))
}

/// A file of `count` records, closed.
fn written(file: &Path, count: usize) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let house = House::at(file);
    runtime.block_on(async {
        for _ in 0..count {
            house.call("echo").await.unwrap();
        }
    });
}

/// Waits until `state` holds.
async fn until(what: &str, state: impl Fn() -> bool) {
    for _ in 0..1000 {
        if state() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("not within ten seconds: {what}");
}

fn plan(file: &Path, arguments: Arguments) -> AuditPlan {
    AuditPlan { arguments, ..AuditPlan::new(file) }
}
