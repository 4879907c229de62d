//! The two guards of the audit: the outcome stands outside every guard that may refuse, the intent next to the source.

use std::io;
use std::time::Instant;

use portwright_core::{Call, Context, Effects, Guard, Next, Refusal, RefusalKind, Reply, Trail, async_trait, limits};
use tokio::time::timeout;

use super::queue::{Receipt, Slot};
use super::record::{Record, cut};
use super::{Audit, arguments};
use crate::guard::redact::{REDACTED, looks_secret};

/// Records how each call ended.
#[derive(Debug)]
pub(in crate::guard) struct Outcome {
    audit: Audit,
}

/// Records what a call is about to do, before it does it.
#[derive(Debug)]
pub(in crate::guard) struct Intent {
    audit: Audit,
}

impl Outcome {
    pub(super) fn new(audit: Audit) -> Self {
        Self { audit }
    }
}

impl Intent {
    pub(super) fn new(audit: Audit) -> Self {
        Self { audit }
    }
}

#[async_trait]
impl Guard for Outcome {
    fn name(&self) -> &'static str {
        "audit"
    }

    async fn check(&self, call: &Call, cx: &Context, next: Next<'_>) -> Result<Reply, Refusal> {
        let open = &self.audit.open;
        let Some(slot) = open.queue.reserve() else {
            open.queue.unrecorded();
            return if open.required { Err(full()) } else { next.run(call, cx).await };
        };
        let mut pending = Pending { audit: &self.audit, call, cx, start: cx.clock.instant(), slot: Some(slot) };
        if self.audit.is_blocked() {
            // The record of this refusal is what tries the file again.
            let refused = Err(not_made());
            pending.settle(&refused, false);
            return refused;
        }
        let result = next.run(call, cx).await;
        if let Some(receipt) = pending.settle(&result, open.required)
            && !self.audit.written(receipt).await
        {
            self.audit.tell_withheld(cx);
            return Err(withheld(call, result));
        }
        result
    }
}

#[async_trait]
impl Guard for Intent {
    fn name(&self) -> &'static str {
        "intent"
    }

    async fn check(&self, call: &Call, cx: &Context, next: Next<'_>) -> Result<Reply, Refusal> {
        if call.target.as_ref().is_some_and(|target| target.effects != Effects::None) {
            self.announce(call, cx).await?;
        }
        cx.note(|trail| trail.reached = true);
        next.run(call, cx).await
    }
}

impl Intent {
    async fn announce(&self, call: &Call, cx: &Context) -> Result<(), Refusal> {
        let open = &self.audit.open;
        let Some(slot) = open.queue.reserve() else {
            return if open.required { Err(full()) } else { Ok(()) };
        };
        let record = Record { decision: Some("allow"), ..self.audit.record(call, cx, "intent") };
        if !open.required {
            open.queue.push(record, slot);
            return Ok(());
        }
        if self.audit.written(open.queue.submit(record, slot)).await { Ok(()) } else { Err(not_made()) }
    }
}

impl Audit {
    /// Waits until a record is written; false if it is not, or not in time.
    async fn written(&self, receipt: Receipt) -> bool {
        let Ok(written) = timeout(limits::AUDIT_WAIT, receipt).await else {
            if self.open.queue.set_fault("the audit file does not answer") {
                tracing::error!("the audit file does not answer");
            }
            return false;
        };
        written.is_ok()
    }

    /// Where the file has the record as if the caller had its reply, and a required sink has not, one more record says so.
    fn tell_withheld(&self, cx: &Context) {
        if self.open.queue.fault().is_none()
            && let Some(slot) = self.open.queue.reserve()
        {
            let args = format!("{{\"id\":{}}}", serde_json::Value::from(&*cx.request));
            self.open.queue.push(Record::own("audit/withheld", "withheld", args), slot);
        }
    }

    /// What is known of a call whatever becomes of it.
    fn record(&self, call: &Call, cx: &Context, outcome: &'static str) -> Record {
        let Trail { rule, truncated, mut flags, unagreed, .. } = cx.trail();
        if cx.depth > 0 {
            flags.push("nested".to_owned());
        }
        if !cx.waiting.spent(cx.clock.instant()).is_zero() {
            flags.push("asked".to_owned());
        }
        if call.target.as_ref().is_some_and(|target| target.drifted) {
            flags.insert(0, "drifted".to_owned());
        }
        flags.truncate(limits::AUDIT_FLAGS_MAX);
        let principal = cx.principal();
        let name = call.operation.name();
        let name = if looks_secret(name) { REDACTED.to_owned() } else { cut(name) };
        let client = cx.client.as_ref().map(|client| cut(&format!("{}/{}", client.name, client.version)));
        Record {
            ts: cx.clock.now(),
            id: cx.request.clone(),
            principal: principal.map(|principal| cut(&principal.id)),
            auth: principal.map(|principal| principal.auth.as_str()),
            transport: Some(cx.transport.as_str()),
            client,
            protocol: (!unagreed).then(|| cut(cx.protocol.as_str())),
            operation: call.operation.method(),
            name: Some(name),
            source: call.target.as_ref().map(|target| target.source.clone()),
            args: arguments::tell(&call.operation, self.open.arguments),
            decision: None,
            rule: rule.as_deref().map(cut),
            outcome,
            error: None,
            duration: None,
            result_bytes: None,
            truncated,
            flags: flags.iter().map(|flag| cut(flag)).collect(),
        }
    }
}

/// A call that has no outcome yet. Dropped without one, it was cancelled.
struct Pending<'a> {
    audit: &'a Audit,
    call: &'a Call,
    cx: &'a Context,
    start: Instant,
    slot: Option<Slot>,
}

impl Pending<'_> {
    /// Queues the record, once. There is a receipt if the caller means to wait for it.
    fn settle(&mut self, result: &Result<Reply, Refusal>, wait: bool) -> Option<Receipt> {
        let slot = self.slot.take()?;
        let (outcome, error) = judge(result);
        let mut record = self.audit.record(self.call, self.cx, outcome);
        record.error = error;
        record.decision = self.decision(result);
        record.duration = Some(self.cx.clock.instant().saturating_duration_since(self.start));
        record.result_bytes = result.as_ref().ok().and_then(|reply| size(reply).ok());
        self.cx.note(|trail| trail.result_bytes = record.result_bytes);
        let queue = &self.audit.open.queue;
        if wait {
            return Some(queue.submit(record, slot));
        }
        queue.push(record, slot);
        None
    }

    /// What the guards decided: to let it through, to refuse it, or nothing before it ended.
    fn decision(&self, result: &Result<Reply, Refusal>) -> Option<&'static str> {
        use RefusalKind::{Declined, Incapable, Invalid, Limited, NotFound, Unauthenticated};
        if result.is_ok() || self.cx.trail().reached {
            return Some("allow");
        }
        let refused = result.as_ref().err().map(Refusal::kind);
        matches!(refused, Some(NotFound | Unauthenticated | Invalid | Incapable | Limited | Declined)).then_some("deny")
    }
}

impl Drop for Pending<'_> {
    fn drop(&mut self) {
        let Some(slot) = self.slot.take() else { return };
        let panicked = std::thread::panicking();
        let mut record = self.audit.record(self.call, self.cx, if panicked { "failed" } else { "cancelled" });
        record.error = Some(if panicked { RefusalKind::Internal } else { RefusalKind::Cancelled }.as_str());
        record.decision = self.cx.trail().reached.then_some("allow");
        record.duration = Some(self.cx.clock.instant().saturating_duration_since(self.start));
        record.flags.push("dropped".to_owned());
        self.audit.open.queue.push(record, slot);
    }
}

/// The words for `outcome` and `error`.
fn judge(result: &Result<Reply, Refusal>) -> (&'static str, Option<&'static str>) {
    let refusal = match result {
        Ok(reply) if reply.is_error() => return ("failed", Some("tool_error")),
        Ok(_) => return ("ok", None),
        Err(refusal) => refusal.kind(),
    };
    if refusal == RefusalKind::InputRequired {
        return ("input_required", None);
    }
    let outcome = match refusal {
        RefusalKind::TimedOut => "timed_out",
        RefusalKind::Cancelled => "cancelled",
        RefusalKind::Failed | RefusalKind::Unavailable | RefusalKind::Internal => "failed",
        _ => "refused",
    };
    (outcome, Some(refusal.as_str()))
}

/// Bytes of the reply as JSON, counted without keeping them.
fn size(reply: &Reply) -> serde_json::Result<u64> {
    struct Count(u64);
    impl io::Write for Count {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 += bytes.len() as u64;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut count = Count(0);
    match reply {
        Reply::Tool(result) => serde_json::to_writer(&mut count, result)?,
        Reply::Resource(result) => serde_json::to_writer(&mut count, result)?,
        Reply::Prompt(result) => serde_json::to_writer(&mut count, result)?,
        Reply::Completion(result) => serde_json::to_writer(&mut count, result)?,
        _ => {}
    }
    Ok(count.0)
}

fn full() -> Refusal {
    Refusal::new(RefusalKind::Limited, "too many calls are under way; try again in a moment")
        .retry_after(limits::AUDIT_RETRY)
}

fn not_made() -> Refusal {
    Refusal::unavailable("calls can't be recorded at the moment, so this one was not made; try again later")
        .retry_after(limits::AUDIT_WAIT)
}

/// What the caller of a call that ran gets when its record could not be written.
fn withheld(call: &Call, result: Result<Reply, Refusal>) -> Refusal {
    let writes = call.target.as_ref().is_some_and(|target| target.effects != Effects::None);
    let public = match &result {
        Ok(_) if writes => {
            "the call was made, but could not be recorded, so its reply is withheld; \
                            look at what it did before you try again"
        }
        _ => "the call could not be recorded, so its reply is withheld; try again later",
    };
    let refusal = Refusal::unavailable(public);
    match result {
        Ok(_) => refusal,
        Err(cause) => refusal.because(cause),
    }
}
