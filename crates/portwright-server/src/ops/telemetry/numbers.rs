//! The metrics, as OTLP tells them: those of the semantic conventions by their names, ours under `portwright.`.

use std::borrow::Cow;
use std::sync::atomic::Ordering;
use std::time::SystemTime;

use super::encode::Encode;
use super::message::{self, Attribute, Value, nanos};
use crate::engine::Engine;
use crate::ops::metrics::histogram::{BOUNDS_MICROS, Counted, Histogram};
use crate::ops::metrics::process::Process;
use crate::ops::metrics::{OUTCOMES, sessions};

/// `AGGREGATION_TEMPORALITY_CUMULATIVE`
const CUMULATIVE: u32 = 2;

/// One point of a metric.
struct Point {
    attributes: Vec<Attribute>,
    value: Told,
}

enum Told {
    Count(u64),
    Double(f64),
    Spread(Box<Counted>),
}

/// How a metric's points are to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reading {
    /// It only grows.
    Sum,
    Gauge,
    Spread,
}

struct Metric {
    name: &'static str,
    unit: &'static str,
    reading: Reading,
    points: Vec<Point>,
}

fn text(key: &'static str, value: &str) -> Attribute {
    (Cow::Borrowed(key), Value::Text(value.to_owned()))
}

fn one(name: &'static str, unit: &'static str, reading: Reading, value: u64) -> Metric {
    Metric { name, unit, reading, points: vec![Point { attributes: Vec::new(), value: Told::Count(value) }] }
}

fn many(
    name: &'static str,
    unit: &'static str,
    reading: Reading,
    points: impl IntoIterator<Item = (Vec<Attribute>, Told)>,
) -> Metric {
    let points = points.into_iter().map(|(attributes, value)| Point { attributes, value }).collect();
    Metric { name, unit, reading, points }
}

/// Everything that is told.
fn all(engine: &Engine) -> Vec<Metric> {
    let metrics = &engine.metrics;
    let series = metrics.series();
    let spread = series.iter().flat_map(|series| {
        series.outcomes.iter().enumerate().filter_map(|(outcome, histogram)| {
            let counted = Histogram::read(histogram);
            let mut attributes = vec![text("mcp.method.name", series.method)];
            let key = if series.method == "prompts/get" { "gen_ai.prompt.name" } else { "gen_ai.tool.name" };
            attributes.push(text(key, &series.name));
            attributes.push(text("portwright.outcome", OUTCOMES[outcome]));
            if !matches!(OUTCOMES[outcome], "ok" | "input_required") {
                attributes.push(text("error.type", OUTCOMES[outcome]));
            }
            (counted.count() > 0).then(|| (attributes, Told::Spread(Box::new(counted))))
        })
    });
    let bytes = series.iter().map(|series| {
        let attributes = vec![text("mcp.method.name", series.method), text("gen_ai.tool.name", &series.name)];
        (attributes, Told::Count(series.result_bytes.load(Ordering::Relaxed)))
    });
    let tallies = metrics.tallies();
    let principals = tallies.iter().flat_map(|tally| {
        OUTCOMES.iter().zip(&tally.outcomes).filter_map(|(outcome, count)| {
            let count = count.load(Ordering::Relaxed);
            let who = vec![text("portwright.principal", &tally.principal), text("portwright.auth", tally.auth)];
            let attributes = who.into_iter().chain([text("portwright.outcome", outcome)]).collect();
            (count > 0).then_some((attributes, Told::Count(count)))
        })
    });
    let reasons = metrics.reasons().map(|(reason, count)| (vec![text("error.type", reason)], Told::Count(count)));
    let sessions = sessions(engine);
    let sessions = sessions
        .iter()
        .map(|(transport, count)| (vec![text("portwright.transport", transport)], Told::Count(*count as u64)));
    let mut told = vec![
        many("mcp.server.operation.duration", "s", Reading::Spread, spread),
        many("portwright.result.size", "By", Reading::Sum, bytes),
        many("portwright.principal.calls", "{call}", Reading::Sum, principals),
        many("portwright.refusals", "{call}", Reading::Sum, reasons),
        one("portwright.calls.in_flight", "{call}", Reading::Gauge, metrics.in_flight()),
        many("portwright.sessions", "{session}", Reading::Gauge, sessions),
        one("portwright.approvals.waiting", "{call}", Reading::Gauge, engine.desk.queue.list().len() as u64),
        one("portwright.export.dropped", "{item}", Reading::Sum, metrics.export.dropped.load(Ordering::Relaxed)),
    ];
    told.extend(around(engine));
    told
}

fn around(engine: &Engine) -> Vec<Metric> {
    let pools = engine.supervisor.catalog().pools();
    let pools = pools.iter().flat_map(|(source, pool)| {
        [("used", pool.busy), ("idle", pool.idle)].map(|(state, count)| {
            let attributes =
                vec![text("db.client.connection.pool.name", source), text("db.client.connection.state", state)];
            (attributes, Told::Count(count as u64))
        })
    });
    let mut told = vec![many("db.client.connection.count", "{connection}", Reading::Gauge, pools)];
    if let Some(audit) = engine.audit() {
        let (waiting, lag) = audit.backlog();
        told.push(one("portwright.audit.queue", "{record}", Reading::Gauge, waiting as u64));
        let lag = (Vec::new(), Told::Double(lag.as_secs_f64()));
        told.push(many("portwright.audit.lag", "s", Reading::Gauge, [lag]));
    }
    let process = Process::now();
    told.extend(process.resident_bytes.map(|bytes| one("process.memory.usage", "By", Reading::Gauge, bytes)));
    told.extend(
        process
            .open_fds
            .map(|count| one("process.unix.file_descriptor.count", "{file_descriptor}", Reading::Gauge, count)),
    );
    let cpu = process.cpu_seconds.map(|time| (Vec::new(), Told::Double(time)));
    told.push(many("process.cpu.time", "s", Reading::Sum, cpu));
    let uptime = (Vec::new(), Told::Double(engine.started.elapsed().as_secs_f64()));
    told.push(many("process.uptime", "s", Reading::Gauge, [uptime]));
    told
}

/// The request that tells everything.
pub(super) fn request<E: Encode>(resource: &[Attribute], engine: &Engine, start: SystemTime) -> Vec<u8> {
    let times = (nanos(start), nanos(SystemTime::now()));
    let told = all(engine).into_iter().filter(|metric| !metric.points.is_empty());
    message::request::<E>(resource, ("resourceMetrics", "scopeMetrics"), |out| {
        out.messages(2, "metrics", told, |out, metric| write(out, &metric, times));
    })
}

fn write<E: Encode>(out: &mut E, metric: &Metric, times: (u64, u64)) {
    out.text(1, "name", metric.name);
    out.text(3, "unit", metric.unit);
    let (field, name) = match metric.reading {
        Reading::Gauge => (5, "gauge"),
        Reading::Sum => (7, "sum"),
        Reading::Spread => (9, "histogram"),
    };
    out.message(field, name, |out| {
        out.messages(1, "dataPoints", &metric.points, |out, told| point(out, told, times));
        if metric.reading != Reading::Gauge {
            out.small(2, "aggregationTemporality", CUMULATIVE);
        }
        if metric.reading == Reading::Sum {
            out.flag(3, "isMonotonic", true);
        }
    });
}

fn point<E: Encode>(out: &mut E, point: &Point, (start, now): (u64, u64)) {
    out.fixed(2, "startTimeUnixNano", start);
    out.fixed(3, "timeUnixNano", now);
    match &point.value {
        Told::Double(value) => out.double(4, "asDouble", *value),
        Told::Count(value) => out.fixed(6, "asInt", *value),
        Told::Spread(counted) => {
            out.fixed(4, "count", counted.count());
            out.double(5, "sum", counted.sum_seconds());
            out.fixeds(6, "bucketCounts", &counted.buckets);
            let seconds = |micros: &u64| std::time::Duration::from_micros(*micros).as_secs_f64();
            out.doubles(7, "explicitBounds", &BOUNDS_MICROS.iter().map(seconds).collect::<Vec<_>>());
            return message::attributes(out, 9, &point.attributes);
        }
    }
    message::attributes(out, 7, &point.attributes);
}
