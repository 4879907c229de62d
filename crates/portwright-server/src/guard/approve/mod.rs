//! A person says yes: a rule names the calls that nobody makes without being asked about first.
//!
//! The caller's own client is asked ([`client`]), or the call waits in a queue that other people decide ([`queue`]): the
//! first of the plan's ways that is open. Nobody to ask, no answer in time, and any answer but yes are all a no. A yes is
//! for one run of this very call: the same caller, name and arguments. Only the plan's `remember` lets it count again.
//!
//! Reading completions and watching a resource are not asked about: patterns of this guard are for tools that are called,
//! resources that are read and prompts that are got.

mod client;
mod desk;
mod kept;
mod plan;
mod question;
pub(crate) mod queue;
mod rules;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use portwright_core::{
    Call, Context, Guard, Next, Operation, Principal, QuestionKind, Refusal, RefusalKind, Reply, async_trait, limits,
};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use tokio::time::Instant;

pub(crate) use desk::{Approvers, CarriedYes, Desk, Elsewhere};
pub use plan::{ApprovalPlan, By};

use super::policy::BadPattern;
use queue::{Place, Shown, Verdict};
use rules::Rules;

/// The same for the same call of the same caller, however its JSON is written.
pub(super) type Digest = [u8; 32];

/// Holds a call until a person has approved it, where a rule says so.
#[derive(Debug)]
pub struct Approve {
    rules: Rules,
    plan: ApprovalPlan,
    desk: Arc<Desk>,
}

/// What is asked about.
struct Asked<'a> {
    call: &'a Call,
    principal: &'a Principal,
    rule: &'a str,
    digest: Digest,
}

impl Asked<'_> {
    /// Whose it is: the word for the proof, and the name.
    fn owner(&self) -> Arc<str> {
        owner(self.principal)
    }
}

/// Callers of one name may be two, if they prove it in two ways.
fn owner(principal: &Principal) -> Arc<str> {
    format!("{}/{}", principal.auth.as_str(), principal.id).into()
}

/// Who said yes, and where.
struct Yes {
    via: &'static str,
    by: String,
}

impl Approve {
    /// None where no rule asks for approval.
    pub(crate) fn new(plan: &ApprovalPlan, desk: &Arc<Desk>) -> Result<Option<Self>, BadPattern> {
        if !plan.asks() {
            return Ok(None);
        }
        Ok(Some(Self { rules: Rules::new(plan)?, plan: plan.clone(), desk: desk.clone() }))
    }

    /// The rule that has a person approve this call.
    pub(crate) fn rule(&self, principal: &Principal, call: &Call) -> Option<String> {
        self.rules.rule(principal, call)
    }

    /// Waits for a yes, and tells the context with which the call goes on.
    async fn ask(&self, asked: &Asked<'_>, cx: &Context) -> Result<(Yes, Context, Option<client::Ticket>), Refusal> {
        for by in &self.plan.by {
            match by {
                By::Client if cx.downstream.answers(QuestionKind::Form) => {
                    let ticket = self.by_client(asked, cx).await?;
                    let yes = Yes { via: "client", by: asked.principal.id.to_string() };
                    return Ok((yes, cx.clone(), Some(ticket)));
                }
                By::Queue if self.plan.has_queue() => {
                    let (yes, cx) = self.by_queue(asked, cx).await?;
                    return Ok((yes, cx, None));
                }
                _ => {}
            }
        }
        tracing::warn!(
            rule = asked.rule,
            "a call needs approval and nobody can give it: its client can't be asked, and no [approvals] approvers decide"
        );
        cx.note(|trail| trail.flags.push("nobody_to_ask".to_owned()));
        Err(Refusal::declined("this call needs a person's approval, which nobody can give here"))
    }

    async fn by_queue(&self, asked: &Asked<'_>, cx: &Context) -> Result<(Yes, Context), Refusal> {
        let shown = Shown::of(asked, cx, self.plan.wait)?;
        let mut place = self.desk.queue.enter(asked.owner(), shown, self.plan.wait)?;
        // A client that can follow a task need not hold its request open for a person.
        let cx = cx.start_task()?;
        let waits = cx.waiting.begin(&cx.clock);
        // Nothing of it runs meanwhile: others may.
        cx.waiting.leave();
        let verdict = tokio::select! {
            biased;
            () = cx.cancel.cancelled() => return Err(Refusal::cancelled()),
            () = self.desk.draining.cancelled() => return Err(stopping()),
            verdict = decided(&mut place, &cx) => verdict,
        };
        drop(waits);
        match verdict {
            Some(Verdict { approved: true, by, .. }) => {
                cx.waiting.back(&cx).await?;
                Ok((Yes { via: "queue", by }, cx))
            }
            Some(Verdict { by, reason, .. }) => {
                note_no(&cx, &format!("declined_by:{by}"));
                Err(Refusal::declined(match reason {
                    Some(reason) => format!("a person declined this call: {reason}"),
                    None => "a person declined this call".to_owned(),
                }))
            }
            None => {
                note_no(&cx, "unanswered");
                Err(unanswered(self.plan.wait))
            }
        }
    }

    fn is_remembered(&self, asked: &Asked<'_>) -> bool {
        !self.plan.remember.is_zero() && self.desk.remembered.has(&asked.digest, Instant::now())
    }

    fn remember(&self, asked: &Asked<'_>) {
        if !self.plan.remember.is_zero() {
            self.desk.remembered.put(asked.digest, asked.owner(), Instant::now() + self.plan.remember, ());
        }
    }
}

/// Waits for the decision, and tells the client every now and then that the call waits.
async fn decided(place: &mut Place, cx: &Context) -> Option<Verdict> {
    let message = format!("waiting for a person's approval ({})", place.id());
    let mut told = 0u32;
    loop {
        // So little that whatever the source tells of its own progress is more.
        cx.downstream.progress(f64::from(told) * 1e-6, None, Some(&message));
        told = told.saturating_add(1);
        let until = Instant::now() + limits::APPROVAL_PROGRESS_EVERY;
        if let Ok(verdict) = tokio::time::timeout_at(until, place.decided()).await {
            return verdict;
        }
    }
}

fn digest(call: &Call, principal: &Principal) -> Option<Digest> {
    let operation = &call.operation;
    let told = json!([
        principal.auth.as_str(),
        principal.id,
        operation.method(),
        operation.name(),
        operation.arguments().cloned().unwrap_or_default()
    ]);
    Some(Sha256::digest(serde_json_canonicalizer::to_vec(&told).ok()?).into())
}

fn note_no(cx: &Context, flag: &str) {
    cx.note(|trail| trail.flags.push(flag.to_owned()));
}

fn unanswered(wait: Duration) -> Refusal {
    Refusal::declined(format!("nobody approved this call within {} s, so it was not made", wait.as_secs_f64().ceil()))
}

fn stopping() -> Refusal {
    Refusal::unavailable("the server is stopping, so nobody approves this call any more; it was not made")
}

#[async_trait]
impl Guard for Approve {
    fn name(&self) -> &'static str {
        "approve"
    }

    async fn check(&self, call: &Call, cx: &Context, next: Next<'_>) -> Result<Reply, Refusal> {
        use Operation::{CallTool, GetPrompt, ReadResource};
        if !matches!(call.operation, CallTool { .. } | GetPrompt { .. } | ReadResource { .. }) {
            return next.run(call, cx).await;
        }
        let nobody = || Refusal::internal("a call without a principal can't be approved");
        let principal = cx.principal().cloned().ok_or_else(nobody)?;
        let Some(rule) = self.rule(&principal, call) else { return next.run(call, cx).await };
        let untold = || Refusal::invalid("the arguments can't be told apart from others");
        let digest = digest(call, &principal).ok_or_else(untold)?;
        let asked = Asked { call, principal: &principal, rule: &rule, digest };
        cx.note(|trail| trail.rule = Some(rule.clone()));
        if self.is_remembered(&asked) {
            cx.note(|trail| trail.flags.push("approved_before".to_owned()));
            return next.run(call, cx).await;
        }
        let (yes, cx, ticket) = self.ask(&asked, cx).await?;
        tracing::info!(rule, via = yes.via, by = ?yes.by, caller = ?principal.id, "a call was approved");
        cx.note(|trail| {
            trail.flags.push(format!("approved_via:{}", yes.via));
            trail.flags.push(format!("approved_by:{}", yes.by));
        });
        self.remember(&asked);
        let result = next.run(call, &cx).await;
        if let (Some(ticket), Err(refusal)) = (ticket, &result)
            && refusal.kind() == RefusalKind::InputRequired
        {
            // The source asks something itself and did nothing yet; the client comes again with the same yes.
            self.keep(ticket, &asked)?;
        }
        result
    }
}
