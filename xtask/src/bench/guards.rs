//! `cargo xtask bench --guards`: what each guard takes of a call, in CPU time of this process, all its threads together.
//!
//! A small call goes through the whole chain to a source that answers at once, 32 calls at a time. What a guard takes is the
//! difference to the chain without it; what can't be left out (telemetry, fence, deadline, validation, intent) is told
//! together, against the source alone.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, bail};
use portwright_core::protocol::{CallToolResult, ContentBlock, JsonObject, Tool, ToolAnnotations};
use portwright_core::{Auth, Context, Health, Operation, Principal, Refusal, Source, TransportKind, async_trait};
use portwright_server::guard::limit::{Quota, Rate};
use portwright_server::guard::policy::{Pattern, PolicyPlan, RolePlan};
use portwright_server::guard::sanitize::Injection;
use portwright_server::{AuditPlan, Mount, Origin, Server, ServerPlan};
use serde_json::json;

use super::process::cpu_of;

const CALLS: u32 = 64_000;
const AT_ONCE: u32 = 32;
const ROUNDS: usize = 5;
const RULES: [usize; 3] = [1, 100, 1000];
const REPLY: &str = "Ada Lovelace, ada@shop.example, 12 orders since 2024, last one on 3 May: two books and a lamp.";

#[derive(Debug)]
struct Echo;

#[async_trait]
impl Source for Echo {
    fn tools(&self) -> Vec<Tool> {
        let schema = json!({"type": "object", "additionalProperties": false, "required": ["search_term"], "properties": {
            "search_term": {"type": "string", "minLength": 1, "maxLength": 200},
            "limit": {"type": "integer", "minimum": 1, "maximum": 100}
        }});
        let mut tool = Tool::default();
        tool.name = "query_customers".into();
        tool.description = Some("Search customers.".into());
        tool.input_schema = Arc::new(schema.as_object().cloned().unwrap_or_default());
        tool.annotations = Some(ToolAnnotations::new().read_only(true));
        vec![tool]
    }

    async fn call(&self, _: &str, _: &JsonObject, _: &Context) -> Result<CallToolResult, Refusal> {
        Ok(CallToolResult::success(vec![ContentBlock::text(REPLY)]))
    }

    async fn health(&self) -> Health {
        Health::Ready
    }
}

/// A guard that a plan may leave out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Guard {
    Policy,
    Limits,
    Approvals,
    Audit,
    Sanitize,
}

impl Guard {
    const ALL: [Self; 5] = [Self::Policy, Self::Limits, Self::Approvals, Self::Audit, Self::Sanitize];

    const fn name(self) -> &'static str {
        match self {
            Self::Policy => "policy",
            Self::Limits => "limits",
            Self::Approvals => "approvals",
            Self::Audit => "audit",
            Self::Sanitize => "sanitize",
        }
    }
}

/// A chain: what is left out of it, and how many rules its policy has.
#[derive(Debug, Clone, Copy)]
struct Chain {
    without: &'static [Guard],
    rules: usize,
}

fn plan(chain: Chain, folder: &Path) -> Result<ServerPlan> {
    let mut plan = ServerPlan::new("bench");
    let has = |guard| !chain.without.contains(&guard);
    if has(Guard::Policy) {
        // The one that fits stands last.
        let names =
            (1..chain.rules).map(|number| format!("tools:other_{number}_*")).chain(["tools:query_*".to_owned()]);
        let allow = names.map(|name| Pattern::read(&name)).collect::<Result<Vec<_>, _>>()?;
        let role = RolePlan { name: "reader".into(), allow, deny: Vec::new(), when: None };
        plan.policy = PolicyPlan { roles: vec![role] };
    }
    if has(Guard::Limits) {
        let much = Rate::new(u64::from(u32::MAX), Duration::from_secs(1));
        plan.limit.each = Quota { calls: Some(much), concurrent: Some(1000), result_bytes: Some(much) };
    }
    if has(Guard::Approvals) {
        plan.approvals.ask = vec![Pattern::read("tools:delete_*")?];
    }
    if has(Guard::Audit) {
        plan.audit = Some(AuditPlan::new(folder.join("audit.jsonl")));
    }
    if !has(Guard::Sanitize) {
        (plan.sanitize.injection, plan.sanitize.redact) = (Injection::Off, Vec::new());
    }
    Ok(plan)
}

fn caller(number: u32) -> Context {
    let cx = Context::new(format!("bench-{number}"), TransportKind::Http);
    let mut principal = Principal::new("agent", Auth::Key);
    principal.roles = vec!["reader".into()];
    cx.set_principal(Arc::new(principal));
    cx
}

fn arguments() -> JsonObject {
    json!({ "search_term": "ada", "limit": 10 }).as_object().cloned().unwrap_or_default()
}

/// Microseconds of CPU a call through a chain; without a plan, of the source alone.
async fn cost(chain: Option<Chain>) -> Result<f64> {
    let folder = tempfile::tempdir()?;
    let server = match chain {
        None => None,
        Some(chain) => {
            let origin = Origin::Open(Arc::new(Echo));
            let mount = Mount { name: "shop".into(), kind: "bench".to_owned(), origin, print: None };
            let server = Server::start(plan(chain, folder.path())?, vec![mount])?;
            server.settled(Duration::from_secs(5)).await;
            Some(server)
        }
    };
    let before = cpu_of(std::process::id())?;
    let callers = (0..AT_ONCE).map(|first| {
        let server = server.clone();
        tokio::spawn(async move {
            for number in (first..CALLS).step_by(AT_ONCE as usize) {
                let cx = caller(number);
                let answered = match &server {
                    None => Echo.call("query_customers", &arguments(), &cx).await.is_ok(),
                    Some(server) => {
                        let call = Operation::CallTool { name: "query_customers".to_owned(), arguments: arguments() };
                        server.call(call, cx).await.is_ok()
                    }
                };
                if !answered {
                    return false;
                }
            }
            true
        })
    });
    for caller in callers.collect::<Vec<_>>() {
        if !caller.await? {
            bail!("a call was refused");
        }
    }
    let spent = cpu_of(std::process::id())?.saturating_sub(before);
    Ok(spent.as_secs_f64() * 1e6 / f64::from(CALLS))
}

pub(super) fn run(as_json: bool) -> Result<()> {
    if cfg!(debug_assertions) {
        bail!("measure optimised code: cargo run --release --package xtask -- bench --guards");
    }
    let mut chains = vec![None, Some(Chain { without: &Guard::ALL, rules: 1 })];
    chains.extend(RULES.map(|rules| Some(Chain { without: &[], rules })));
    for at in 0..Guard::ALL.len() {
        const ALL: &[Guard] = &Guard::ALL;
        chains.push(Some(Chain { without: &ALL[at..=at], rules: 1 }));
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut rounds = vec![Vec::new(); chains.len()];
    for _ in 0..ROUNDS {
        for (chain, measured) in chains.iter().zip(&mut rounds) {
            measured.push(runtime.block_on(cost(*chain))?);
        }
    }
    let medians: Vec<f64> = rounds
        .iter_mut()
        .map(|measured| {
            measured.sort_by(f64::total_cmp);
            measured[measured.len() / 2]
        })
        .collect();
    let (alone, bare, all) = (medians[0], medians[1], medians[2]);
    let mut rows = vec![("telemetry, fence, deadline, validation, intent".to_owned(), bare - alone)];
    for (guard, median) in Guard::ALL.iter().zip(&medians[2 + RULES.len()..]) {
        rows.push((guard.name().to_owned(), all - median));
    }
    for (rules, median) in RULES.into_iter().zip(&medians[2..]) {
        rows.push((format!("all together, {rules} rules"), median - alone));
    }
    if as_json {
        let rows: Vec<_> = rows.iter().map(|(guard, cost)| json!({ "guard": guard, "microseconds": cost })).collect();
        println!("{}", serde_json::to_string_pretty(&rows)?);
        return Ok(());
    }
    println!("µs of CPU a call, {CALLS} calls, {AT_ONCE} at a time, median of {ROUNDS}; the source alone: {alone:.1}");
    for (guard, cost) in rows {
        println!("{guard:<48} {cost:>6.1}");
    }
    Ok(())
}
