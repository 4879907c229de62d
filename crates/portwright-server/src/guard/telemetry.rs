//! Telemetry: one structured event a call, in a span that every log line of the call stands in.
//!
//! Names are those of OpenTelemetry's semantic conventions for MCP and generative AI. Argument values and results never
//! appear. What a client chose (names, ids) is cut and its control characters are escaped, so that it can't forge a line.

use std::error::Error;
use std::fmt::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest, Sha256};

use super::redact::{REDACTED, looks_secret};
use crate::ops::metrics::{Begun, Metrics};
use crate::plan::ExportPlan;
use portwright_core::{
    Call, Context, Guard, Next, Operation, Refusal, RefusalKind, Reply, TraceContext, TransportKind, async_trait,
    limits,
};
use tracing::{Instrument, Level, Span};

/// Tells what happened to each call.
#[derive(Debug)]
pub(super) struct Telemetry {
    metrics: Arc<Metrics>,
    /// The part of the traces that begin here which is exported; none: nothing is.
    sample: Option<f64>,
}

/// The span of a call.
pub(crate) const CALL_SPAN: &str = "call";

impl Telemetry {
    pub(super) fn new(metrics: Arc<Metrics>, export: Option<&ExportPlan>) -> Self {
        Self { metrics, sample: export.map(|plan| plan.sample) }
    }

    /// The call as part of a trace that begins here, where traces are exported and its client began none.
    fn traced(&self, cx: &Context) -> Option<Context> {
        let sample = self.sample.filter(|_| cx.trace.is_none())?;
        let trace = TraceContext::begin(sample)?;
        let mut traced = cx.clone();
        traced.trace = Some(trace);
        Some(traced)
    }
}

#[async_trait]
impl Guard for Telemetry {
    fn name(&self) -> &'static str {
        "telemetry"
    }

    async fn check(&self, call: &Call, cx: &Context, next: Next<'_>) -> Result<Reply, Refusal> {
        let traced = self.traced(cx);
        let cx = traced.as_ref().unwrap_or(cx);
        let mut begun = self.metrics.begin(call, cx);
        if !tracing::enabled!(Level::ERROR) {
            let result = next.run(call, cx).await;
            begun.end(&result);
            return result;
        }
        let mut watch = Watch { span: span(call, cx), begun, told: false };
        let result = next.run(call, cx).instrument(watch.span.clone()).await;
        watch.told = true;
        let took = watch.begun.end(&result);
        watch.span.in_scope(|| tell(cx, &result, took));
        result
    }
}

/// A call under way. Dropped before it ended, it was given up by its caller, and that is told too.
struct Watch<'a> {
    span: Span,
    begun: Begun<'a>,
    told: bool,
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        if !self.told {
            let duration = self.begun.took().as_secs_f64();
            let kind = RefusalKind::Cancelled.as_str();
            self.span.in_scope(|| tracing::info!(duration, error.r#type = kind, "call given up"));
        }
    }
}

/// Disabled, and then free, when nobody listens at info.
fn span(call: &Call, cx: &Context) -> Span {
    let span = tracing::info_span!(
        CALL_SPAN,
        mcp.method.name = call.operation.method(),
        gen_ai.tool.name = tracing::field::Empty,
        gen_ai.prompt.name = tracing::field::Empty,
        mcp.resource.uri = tracing::field::Empty,
        mcp.session.id = tracing::field::Empty,
        mcp.protocol.version = cx.protocol.as_str(),
        network.transport = network(cx.transport),
        source = tracing::field::Empty,
        request = &*cx.request,
        trace_id = tracing::field::Empty,
        span_id = tracing::field::Empty,
        parent_id = tracing::field::Empty,
        sampled = tracing::field::Empty,
    );
    if span.is_disabled() {
        return span;
    }
    if let Some(trace) = &cx.trace {
        span.record("trace_id", trace.trace_id());
        span.record("span_id", trace.span_id());
        if !trace.is_root() {
            span.record("parent_id", trace.parent_id());
        }
        if !trace.is_sampled() {
            span.record("sampled", false);
        }
    }
    // Recorded as text, which every format quotes: a name with a space or an equals sign forges no field.
    let name = clean_name(call.operation.name());
    let field = match (&call.operation, call.operation.noun()) {
        (Operation::CallTool { .. }, _) => "gen_ai.tool.name",
        (_, "resource") => "mcp.resource.uri",
        _ => "gen_ai.prompt.name",
    };
    span.record(field, name.as_str());
    if let Some(session) = &cx.session {
        span.record("mcp.session.id", told(session).as_str());
    }
    if let Some(target) = &call.target {
        span.record("source", &*target.source);
    }
    span
}

/// A session's id, for those who read logs and traces: who has it could speak for a caller without a credential, so they
/// get what tells sessions apart and opens none.
fn told(session: &str) -> String {
    Sha256::digest(session).iter().take(8).fold(String::new(), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

fn tell(cx: &Context, result: &Result<Reply, Refusal>, took: Duration) {
    let duration = took.as_secs_f64();
    match result {
        Ok(reply) if reply.is_error() => {
            tracing::info!(duration, error.r#type = "tool_error", "call answered");
        }
        Ok(_) => tracing::info!(duration, "call answered"),
        Err(refusal) if refusal.kind() == RefusalKind::InputRequired => {
            tracing::info!(duration, "call asks its client");
        }
        Err(refusal) if refusal.kind() == RefusalKind::Internal => tracing::error!(
            duration,
            error.r#type = refusal.kind().as_str(),
            request = &*cx.request,
            cause = Chain(refusal).to_string(),
            "call failed inside"
        ),
        Err(refusal) => {
            tracing::info!(duration, error.r#type = refusal.kind().as_str(), "call refused");
            if refusal.source().is_some() {
                tracing::debug!(request = &*cx.request, cause = Chain(refusal).to_string(), "cause of the refusal");
            }
        }
    }
}

/// OpenTelemetry's word for what carries the messages.
fn network(transport: TransportKind) -> &'static str {
    match transport {
        TransportKind::Stdio | TransportKind::InProcess => "pipe",
        _ => "tcp",
    }
}

/// The causes of a refusal, outermost first, each cleaned and cut.
struct Chain<'a>(&'a Refusal);

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const CAUSES_MAX: usize = 8;
        let mut cause = self.0.source();
        for depth in 0..CAUSES_MAX {
            let Some(error) = cause else { break };
            if depth > 0 {
                f.write_str(": ")?;
            }
            write!(f, "{}", Clean(&error.to_string()))?;
            cause = error.source();
        }
        Ok(())
    }
}

/// A stranger's name as it may stand on a log line or a page.
pub(crate) fn clean_name(name: &str) -> String {
    if looks_secret(name) { REDACTED.to_owned() } else { Clean(name).to_string() }
}

/// Text of a stranger as it may stand on a log line: control and invisible characters escaped, cut to a bound.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clean<'a>(pub(super) &'a str);

impl fmt::Display for Clean<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cut = self.0.floor_char_boundary(limits::AUDIT_VALUE_BYTES_MAX);
        for letter in self.0[..cut].chars() {
            // `escape_debug` knows what is not printable; quotes need no escape here.
            if matches!(letter, '"' | '\'') {
                f.write_char(letter)?;
            } else {
                write!(f, "{}", letter.escape_debug())?;
            }
        }
        if cut < self.0.len() {
            write!(f, "…({} bytes)", self.0.len())?;
        }
        Ok(())
    }
}
