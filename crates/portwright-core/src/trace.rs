//! [`TraceContext`]: where a call stands in a trace that began elsewhere (W3C Trace Context).
//!
//! A client says so in `_meta.traceparent`, or in the HTTP header of that name; log lines of the call carry it, and a
//! source that calls others hands it on by [`TraceContext::traceparent`], so that one trace tells the whole way.
//!
//! ```
//! use portwright_core::TraceContext;
//!
//! let from = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
//! let trace = TraceContext::read(from, Some("vendor=1")).unwrap();
//! assert_eq!(trace.trace_id(), "4bf92f3577b34da6a3ce929d0e0e4736");
//! assert_eq!(trace.parent_id(), "00f067aa0ba902b7");
//! assert!(trace.is_sampled());
//! // What is handed on is a child of this call.
//! assert_eq!(trace.traceparent(), format!("00-{}-{}-01", trace.trace_id(), trace.span_id()));
//! assert_ne!(trace.span_id(), trace.parent_id());
//! // What can't be read is as if it had not been there.
//! assert!(TraceContext::read("00-0-0-00", None).is_none());
//! ```

use std::sync::Arc;

use crate::limits;

/// The name of the spans that stand around a source's access to its host, so that an exporter finds them: made with
/// `tracing::debug_span!`, with fields by OpenTelemetry's conventions (`db.system.name`, `http.request.method`), and without
/// what a caller said.
pub const CLIENT_SPAN: &str = "access";

/// Where a call stands in a trace that began elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceContext {
    trace: u128,
    parent: u64,
    span: u64,
    sampled: bool,
    state: Option<Arc<str>>,
}

impl TraceContext {
    /// Reads `traceparent` and `tracestate`. None if the first is not well formed: the specification asks to go on as if
    /// there were none. A state that is too long is left out.
    pub fn read(traceparent: &str, tracestate: Option<&str>) -> Option<Self> {
        let mut parts = traceparent.split('-');
        let (version, trace) = (hex(parts.next()?, 2)?, hex(parts.next()?, 32)?);
        let (parent, flags) = (hex(parts.next()?, 16)?, hex(parts.next()?, 2)?);
        // Later versions may say more; this one says no more.
        let whole = version != 0xff && (version > 0 || parts.next().is_none());
        if !whole || trace == 0 || parent == 0 {
            return None;
        }
        let fits = |state: &&str| {
            !state.is_empty()
                && state.len() <= limits::TRACE_STATE_BYTES_MAX
                && state.bytes().all(|byte| (b' '..=b'~').contains(&byte))
        };
        let state = tracestate.map(str::trim).filter(fits).map(Arc::from);
        let mut span = [0; 8];
        getrandom::fill(&mut span).ok()?;
        let span = u64::from_ne_bytes(span).max(1);
        Some(Self { trace, parent: u64::try_from(parent).ok()?, span, sampled: flags & 1 == 1, state })
    }

    /// A trace that begins here; `part` of all such (0 to 1) are recorded, by their ids. None if the system gives no random numbers.
    pub fn begin(part: f64) -> Option<Self> {
        let mut ids = [0; 24];
        getrandom::fill(&mut ids).ok()?;
        let (trace, span) = ids.split_at(16);
        let trace = u128::from_ne_bytes(trace.try_into().ok()?).max(1);
        let span = u64::from_ne_bytes(span.try_into().ok()?).max(1);
        // Fifty-three bits, as many as such a number has.
        #[expect(clippy::cast_precision_loss, reason = "there are no more bits than fit")]
        let share = ((trace >> 75) as u64) as f64 / (1_u64 << 53) as f64;
        Some(Self { trace, parent: 0, span, sampled: share < part, state: None })
    }

    /// Whether it began here: then there is no parent, and [`parent_id`](Self::parent_id) is all zeros.
    pub fn is_root(&self) -> bool {
        self.parent == 0
    }

    /// The whole trace's id: 32 hexadecimal digits.
    pub fn trace_id(&self) -> String {
        format!("{:032x}", self.trace)
    }

    /// The id of what called this server: 16 hexadecimal digits.
    pub fn parent_id(&self) -> String {
        format!("{:016x}", self.parent)
    }

    /// The id of this call within the trace: 16 hexadecimal digits.
    pub fn span_id(&self) -> String {
        format!("{:016x}", self.span)
    }

    /// Whether who began the trace records it.
    pub fn is_sampled(&self) -> bool {
        self.sampled
    }

    /// What to hand on to whom this call calls.
    pub fn traceparent(&self) -> String {
        format!("00-{:032x}-{:016x}-{:02x}", self.trace, self.span, u8::from(self.sampled))
    }

    /// What tracing systems keep for themselves, to be handed on as it is.
    pub fn tracestate(&self) -> Option<&str> {
        self.state.as_deref()
    }
}

/// Exactly so many hexadecimal digits, in lower case.
fn hex(text: &str, digits: usize) -> Option<u128> {
    let plain = text.len() == digits && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    plain.then(|| u128::from_str_radix(text, 16).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::TraceContext;

    const GOOD: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";

    #[test]
    fn only_what_is_well_formed_is_read() {
        assert!(!TraceContext::read(GOOD, None).expect("read").is_sampled());
        assert!(TraceContext::read("01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-03-more", None).is_some());
        for bad in [
            "",
            "00",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00-more",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-00",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-00",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-00",
            "00-4bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-00",
            "00-+bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00",
            "0x-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00",
        ] {
            assert_eq!(TraceContext::read(bad, None), None, "{bad}");
        }
    }

    #[test]
    fn a_state_is_handed_on_as_it_is_or_not_at_all() {
        let state = |state: &str| TraceContext::read(GOOD, Some(state)).expect("read").tracestate().map(str::to_owned);
        assert_eq!(state("a=1,b=2"), Some("a=1,b=2".to_owned()));
        for bad in ["", " ", "a=\n1", "a=ü"] {
            assert_eq!(state(bad), None, "{bad:?}");
        }
        assert_eq!(state(&"a".repeat(600)), None);
    }
}
