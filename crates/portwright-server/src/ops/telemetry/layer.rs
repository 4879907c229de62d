//! [`Layer`]: turns the spans and events of this program into OTLP's, as far as they are ours: one span a call, one for
//! each access of a source, and our log lines from `info` up.
//!
//! What leaves is what the span of a call says: names, never arguments or results. An error's cause stays in the log of this
//! machine, since it may repeat what a caller wrote.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use portwright_core::{CLIENT_SPAN, limits};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Filter};
use tracing_subscriber::registry::LookupSpan;

use super::message::{self, Attribute, Ids, Kind, Log, Span, Value};
use super::pipe::Intake;
use crate::guard::{CALL_SPAN, clean_name};

/// Hands ended spans and log records to the exporter.
#[derive(Debug)]
pub struct Layer {
    pub(super) intake: Arc<Intake>,
}

/// Which spans and events are looked at.
#[derive(Debug, Clone, Copy)]
pub struct Ours;

fn is_ours(metadata: &Metadata<'_>) -> bool {
    metadata.target().starts_with("portwright")
        && if metadata.is_span() {
            matches!(metadata.name(), CALL_SPAN | CLIENT_SPAN)
        } else {
            *metadata.level() <= Level::INFO
        }
}

impl<S> Filter<S> for Ours {
    fn enabled(&self, metadata: &Metadata<'_>, _: &Context<'_, S>) -> bool {
        is_ours(metadata)
    }

    fn callsite_enabled(&self, metadata: &'static Metadata<'static>) -> tracing::subscriber::Interest {
        if is_ours(metadata) { tracing::subscriber::Interest::always() } else { tracing::subscriber::Interest::never() }
    }
}

/// A span that has not ended.
struct Open {
    ids: Ids,
    parent: Option<u64>,
    sampled: bool,
    kind: Kind,
    start: SystemTime,
    fields: Fields,
    events: Vec<message::Event>,
    failed: bool,
}

/// What a span or event says of itself.
#[derive(Default)]
struct Fields {
    message: String,
    attributes: Vec<Attribute>,
    ids: (Option<u128>, Option<u64>, Option<u64>),
    unsampled: bool,
}

impl Fields {
    fn put(&mut self, field: &Field, value: Value) {
        // A raw identifier is a name like any other.
        let name = field.name();
        let name = if name.contains("r#") { Cow::Owned(name.replace("r#", "")) } else { Cow::Borrowed(name) };
        let text = || if let Value::Text(text) = &value { text.as_str() } else { "" };
        match &*name {
            "message" => text().clone_into(&mut self.message),
            "trace_id" => self.ids.0 = u128::from_str_radix(text(), 16).ok(),
            "span_id" => self.ids.1 = u64::from_str_radix(text(), 16).ok(),
            "parent_id" => self.ids.2 = u64::from_str_radix(text(), 16).ok(),
            "sampled" => self.unsampled = value == Value::Flag(false),
            "cause" | "duration" => {}
            _ if self.attributes.len() >= limits::EXPORT_ATTRIBUTES_MAX => {}
            "source" => self.attributes.push((Cow::Borrowed("portwright.source"), value)),
            "request" => self.attributes.push((Cow::Borrowed("portwright.request"), value)),
            _ => self.attributes.push((name, value)),
        }
    }

    fn text(&self, key: &str) -> Option<&str> {
        self.attributes.iter().find_map(|(name, value)| match value {
            Value::Text(text) if name == key => Some(text.as_str()),
            _ => None,
        })
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.record_str(field, &format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        let cut = value.floor_char_boundary(limits::EXPORT_VALUE_BYTES_MAX);
        // Ids are ours, and look like secrets.
        let id = matches!(field.name(), "trace_id" | "span_id" | "parent_id");
        self.put(field, Value::Text(if id { value[..cut].to_owned() } else { clean_name(&value[..cut]) }));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, Value::Flag(value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, Value::Int(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, Value::Int(i64::try_from(value).unwrap_or(i64::MAX)));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, Value::Double(value));
    }
}

impl Open {
    fn learn(&mut self, fields: Fields) {
        let (trace, span, parent) = fields.ids;
        self.ids = Ids { trace: trace.unwrap_or(self.ids.trace), span: span.unwrap_or(self.ids.span) };
        self.parent = parent.or(self.parent);
        self.sampled &= !fields.unsampled;
        let room = limits::EXPORT_ATTRIBUTES_MAX.saturating_sub(self.fields.attributes.len());
        self.fields.attributes.extend(fields.attributes.into_iter().take(room));
    }

    fn name(&self, name: &'static str) -> String {
        let field = |key| self.fields.text(key);
        let (what, target) = match self.kind {
            // What is not in the catalog is a stranger's word, and there is no end of those.
            Kind::Server => {
                let listed = field("gen_ai.tool.name").or_else(|| field("gen_ai.prompt.name"));
                (field("mcp.method.name"), listed.filter(|_| field("portwright.source").is_some()))
            }
            _ => (
                field("db.operation.name")
                    .or_else(|| field("http.request.method"))
                    .or_else(|| field("mcp.method.name")),
                field("db.namespace").or_else(|| field("server.address")).or_else(|| field("portwright.source")),
            ),
        };
        match (what, target) {
            (Some(what), Some(target)) if !target.is_empty() => format!("{what} {target}"),
            (Some(what), _) => what.to_owned(),
            _ => name.to_owned(),
        }
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> tracing_subscriber::Layer<S> for Layer {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, cx: Context<'_, S>) {
        let Some(span) = cx.span(id) else { return };
        let above = span.parent().and_then(|above| {
            let extensions = above.extensions();
            extensions.get::<Open>().map(|open| (open.ids, open.sampled))
        });
        let mut random = [0; 24];
        // Without random numbers there is no id, and then no span. An access that belongs to no call (a health check, an
        // issuer's keys) is of no trace.
        let sampled = above.map_or(span.name() == CALL_SPAN, |(_, sampled)| sampled);
        let sampled = getrandom::fill(&mut random).is_ok() && sampled;
        let (trace, own) = random.split_at(16);
        let trace = trace.try_into().map_or(1, u128::from_ne_bytes).max(1);
        let own = own.try_into().map_or(1, u64::from_ne_bytes).max(1);
        let mut open = Open {
            ids: Ids { trace: above.map_or(trace, |(ids, _)| ids.trace), span: own },
            parent: above.map(|(ids, _)| ids.span),
            sampled,
            kind: match span.name() {
                CALL_SPAN => Kind::Server,
                CLIENT_SPAN => Kind::Client,
                _ => Kind::Internal,
            },
            start: SystemTime::now(),
            fields: Fields::default(),
            events: Vec::new(),
            failed: false,
        };
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        open.learn(fields);
        span.extensions_mut().insert(open);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, cx: Context<'_, S>) {
        let Some(span) = cx.span(id) else { return };
        let mut fields = Fields::default();
        values.record(&mut fields);
        if let Some(open) = span.extensions_mut().get_mut::<Open>() {
            let failed = fields.text("error.type").is_some();
            open.failed |= failed;
            open.learn(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, cx: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let at = SystemTime::now();
        let mut ids = None;
        if let Some(span) = cx.event_span(event)
            && let Some(open) = span.extensions_mut().get_mut::<Open>()
        {
            ids = open.sampled.then_some(open.ids);
            if let Some(error) = fields.text("error.type") {
                open.failed = true;
                let error = Value::Text(error.to_owned());
                open.fields.attributes.push((Cow::Borrowed("error.type"), error));
            }
            if open.sampled && open.events.len() < limits::EXPORT_EVENTS_MAX {
                let attributes = fields.attributes.clone();
                open.events.push(message::Event { at, name: fields.message.clone(), attributes });
            }
        }
        let severity = match *event.metadata().level() {
            Level::ERROR => (17, "ERROR"),
            Level::WARN => (13, "WARN"),
            _ => (9, "INFO"),
        };
        self.intake.log(Log { at, ids, severity, body: fields.message, attributes: fields.attributes });
    }

    fn on_close(&self, id: Id, cx: Context<'_, S>) {
        let Some(span) = cx.span(&id) else { return };
        let Some(open) = span.extensions_mut().remove::<Open>() else { return };
        if !open.sampled {
            return;
        }
        let name = open.name(span.name());
        let Open { ids, parent, kind, start, mut fields, events, failed, .. } = open;
        if fields.text("gen_ai.tool.name").is_some() {
            let operation = Value::Text("execute_tool".to_owned());
            fields.attributes.push((Cow::Borrowed("gen_ai.operation.name"), operation));
        }
        let end = SystemTime::now();
        self.intake.span(Span { ids, parent, name, kind, start, end, attributes: fields.attributes, events, failed });
    }
}
