//! `/metrics`: the numbers as text, in Prometheus' format or OpenMetrics'.

use std::fmt::{self, Write};
use std::sync::atomic::Ordering;
use std::time::{SystemTime, UNIX_EPOCH};

use super::histogram::{BOUNDS_MICROS, Counted, Histogram};
use super::process::Process;
use super::{OUTCOMES, Series, TOKEN_BYTES, sessions};
use crate::catalog::State;
use crate::engine::Engine;

/// Which of the two formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Prometheus,
    OpenMetrics,
}

impl Format {
    pub(crate) const fn content_type(self) -> &'static str {
        match self {
            Self::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

/// Everything that is told, for the table in the guide: name, type, meaning.
pub(crate) const TABLE: [(&str, &str, &str); 32] = [
    (
        "mcp_server_operation_duration_seconds",
        "histogram",
        "How long calls took, by method, tool or prompt, and outcome",
    ),
    ("portwright_calls_total", "counter", "Calls that ended, by method, tool or prompt, and outcome"),
    ("portwright_principal_calls_total", "counter", "Calls that ended, by principal and outcome"),
    ("portwright_refusals_total", "counter", "Calls that did not go well, by reason"),
    ("portwright_rate_limited_total", "counter", "Calls refused because a limit was reached"),
    ("portwright_calls_in_flight", "gauge", "Calls that run now"),
    ("portwright_result_bytes_total", "counter", "Bytes of results, by method and tool or prompt; needs an audit file"),
    ("portwright_result_tokens_total", "counter", "Tokens of results, estimated, by method and tool or prompt"),
    ("portwright_principal_result_bytes_total", "counter", "Bytes of results, by principal"),
    ("portwright_sessions", "gauge", "Open sessions and conversations, by transport"),
    ("portwright_source_state", "gauge", "1 for the state that a source is in, 0 for the others"),
    ("portwright_source_state_seconds", "gauge", "For how long a source has been in its state"),
    ("portwright_tools", "gauge", "Tools that are listed for who may see all"),
    ("portwright_pool_connections", "gauge", "Connections of a source's pool, by state: busy or idle"),
    ("portwright_pool_connections_max", "gauge", "The most connections that a source's pool may have"),
    ("portwright_pool_waiting", "gauge", "Calls that wait for a connection of a source's pool"),
    ("portwright_audit_queue", "gauge", "Audit records that wait to be written"),
    ("portwright_audit_lag_seconds", "gauge", "For how long the oldest audit record waits to be written"),
    ("portwright_audit_degraded", "gauge", "1 while audit records can't be written as they should"),
    ("portwright_approvals_waiting", "gauge", "Calls that wait for a person's approval"),
    ("portwright_export_sent_total", "counter", "Spans and log records that an OTLP receiver took"),
    (
        "portwright_export_dropped_total",
        "counter",
        "Spans and log records that were dropped on their way to an OTLP receiver",
    ),
    ("portwright_draining", "gauge", "1 while the server lets the last calls end"),
    ("portwright_build_info", "gauge", "Always 1; its labels tell the version and the server's name"),
    ("portwright_uptime_seconds", "gauge", "Seconds since the start"),
    ("process_start_time_seconds", "gauge", "When the server started, in seconds since 1970"),
    ("process_resident_memory_bytes", "gauge", "Resident memory"),
    ("process_cpu_seconds_total", "counter", "User and system time"),
    ("process_open_fds", "gauge", "Open file descriptors"),
    ("process_max_fds", "gauge", "The most open file descriptors"),
    ("process_threads", "gauge", "Threads"),
    ("portwright_tasks", "gauge", "Tasks that run or are kept"),
];

/// The page.
pub(crate) async fn page(engine: &Engine, format: Format) -> String {
    let health = crate::ops::health::report(engine, &crate::catalog::Lists::default()).await;
    let mut page = Page { text: String::with_capacity(16 * 1024), format };
    calls(&mut page, engine);
    sources(&mut page, engine, &health.sources);
    around(&mut page, engine);
    process(&mut page, engine);
    if format == Format::OpenMetrics {
        page.text.push_str("# EOF\n");
    }
    page.text
}

fn calls(page: &mut Page, engine: &Engine) {
    let metrics = &engine.metrics;
    let series = metrics.series();
    let counted: Vec<(&Series, usize, Counted)> = series
        .iter()
        .flat_map(|series| {
            let each = series.outcomes.iter().map(Histogram::read).enumerate();
            each.map(|(outcome, counted)| (&**series, outcome, counted))
        })
        .filter(|(.., counted)| counted.count() > 0)
        .collect();
    page.family("mcp_server_operation_duration_seconds");
    for (series, outcome, counted) in &counted {
        let labels = [("method", series.method), ("tool", &series.name), ("outcome", OUTCOMES[*outcome])];
        page.histogram("mcp_server_operation_duration_seconds", &labels, counted);
    }
    page.family("portwright_calls_total");
    for (series, outcome, counted) in &counted {
        let labels = [("method", series.method), ("tool", &series.name), ("outcome", OUTCOMES[*outcome])];
        page.sample("portwright_calls_total", &labels, counted.count());
    }
    let tallies = metrics.tallies();
    page.family("portwright_principal_calls_total");
    for tally in &tallies {
        for (outcome, count) in OUTCOMES.iter().zip(&tally.outcomes) {
            let count = count.load(Ordering::Relaxed);
            let labels = [("principal", &*tally.principal), ("auth", tally.auth), ("outcome", outcome)];
            page.sample_if("portwright_principal_calls_total", &labels, count);
        }
    }
    page.family("portwright_refusals_total");
    for (reason, count) in metrics.reasons() {
        page.sample("portwright_refusals_total", &[("reason", reason)], count);
    }
    let limited = metrics.reasons().find(|(reason, _)| *reason == "limited").map_or(0, |(_, count)| count);
    page.one("portwright_rate_limited_total", limited);
    page.one("portwright_calls_in_flight", metrics.in_flight());
    let bytes = |series: &Series| series.result_bytes.load(Ordering::Relaxed);
    for (name, of) in [("portwright_result_bytes_total", 1), ("portwright_result_tokens_total", TOKEN_BYTES)] {
        page.family(name);
        for series in &series {
            let labels = [("method", series.method), ("tool", &*series.name)];
            page.sample_if(name, &labels, bytes(series).div_ceil(of));
        }
    }
    page.family("portwright_principal_result_bytes_total");
    for tally in &tallies {
        let labels = [("principal", &*tally.principal), ("auth", tally.auth)];
        page.sample_if("portwright_principal_result_bytes_total", &labels, tally.result_bytes.load(Ordering::Relaxed));
    }
}

fn sources(page: &mut Page, engine: &Engine, health: &[crate::catalog::SourceHealth]) {
    const STATES: [(State, &str); 4] = [
        (State::Connecting, "connecting"),
        (State::Ready, "ready"),
        (State::Degraded, "degraded"),
        (State::Down, "down"),
    ];
    page.family("portwright_source_state");
    for source in health {
        for (state, word) in STATES {
            let labels = [("source", &*source.name), ("kind", &source.kind), ("state", word)];
            page.sample("portwright_source_state", &labels, u8::from(source.state == state));
        }
    }
    page.family("portwright_source_state_seconds");
    for source in health {
        let labels = [("source", &*source.name), ("kind", &source.kind)];
        page.sample("portwright_source_state_seconds", &labels, source.since_seconds);
    }
    let catalog = engine.supervisor.catalog();
    page.one("portwright_tools", catalog.tool_names().len());
    let pools: Vec<_> = catalog.pools();
    page.family("portwright_pool_connections");
    for (source, pool) in &pools {
        for (state, count) in [("busy", pool.busy), ("idle", pool.idle)] {
            page.sample("portwright_pool_connections", &[("source", source), ("state", state)], count);
        }
    }
    page.family("portwright_pool_connections_max");
    for (source, pool) in &pools {
        page.sample("portwright_pool_connections_max", &[("source", source)], pool.max);
    }
    page.family("portwright_pool_waiting");
    for (source, pool) in &pools {
        page.sample("portwright_pool_waiting", &[("source", source)], pool.waiting);
    }
}

fn around(page: &mut Page, engine: &Engine) {
    page.family("portwright_sessions");
    for (transport, count) in sessions(engine) {
        page.sample("portwright_sessions", &[("transport", transport)], count);
    }
    if let Some(audit) = engine.audit() {
        let (waiting, lag) = audit.backlog();
        page.one("portwright_audit_queue", waiting);
        page.one("portwright_audit_lag_seconds", lag.as_secs_f64());
        let degraded = matches!(audit.health(), portwright_core::Health::Degraded(_));
        page.one("portwright_audit_degraded", u8::from(degraded));
    }
    page.one("portwright_approvals_waiting", engine.desk.queue.list().len());
    page.one("portwright_tasks", engine.tasks.len());
    let export = &engine.metrics.export;
    page.one("portwright_export_sent_total", export.sent.load(Ordering::Relaxed));
    page.one("portwright_export_dropped_total", export.dropped.load(Ordering::Relaxed));
    page.one("portwright_draining", u8::from(engine.leaving.is_cancelled() || engine.draining.is_cancelled()));
}

fn process(page: &mut Page, engine: &Engine) {
    page.family("portwright_build_info");
    let labels = [("version", engine.plan.version.as_str()), ("name", engine.plan.name.as_str())];
    page.sample("portwright_build_info", &labels, 1);
    let uptime = engine.started.elapsed();
    page.one("portwright_uptime_seconds", uptime.as_secs_f64());
    let began = SystemTime::now().checked_sub(uptime).and_then(|began| began.duration_since(UNIX_EPOCH).ok());
    page.one("process_start_time_seconds", began.unwrap_or_default().as_secs());
    let process = Process::now();
    page.maybe("process_resident_memory_bytes", process.resident_bytes);
    page.maybe("process_cpu_seconds_total", process.cpu_seconds);
    page.maybe("process_open_fds", process.open_fds);
    page.maybe("process_max_fds", process.max_fds);
    page.maybe("process_threads", process.threads);
}

struct Page {
    text: String,
    format: Format,
}

impl Page {
    /// Begins a family: what it means and of which type it is.
    fn family(&mut self, name: &str) {
        let Some((_, kind, help)) = TABLE.iter().find(|(known, ..)| *known == name) else { return };
        // OpenMetrics names a counter's family without the ending of its samples.
        let family = match self.format {
            Format::OpenMetrics if *kind == "counter" => name.strip_suffix("_total").unwrap_or(name),
            _ => name,
        };
        self.line(format_args!("# HELP {family} {help}"));
        self.line(format_args!("# TYPE {family} {kind}"));
    }

    fn one(&mut self, name: &str, value: impl fmt::Display) {
        self.family(name);
        self.sample(name, &[], value);
    }

    fn maybe(&mut self, name: &str, value: Option<impl fmt::Display>) {
        if let Some(value) = value {
            self.one(name, value);
        }
    }

    /// What never happened is left out.
    fn sample_if(&mut self, name: &str, labels: &[(&str, &str)], value: u64) {
        if value > 0 {
            self.sample(name, labels, value);
        }
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: impl fmt::Display) {
        self.line(format_args!("{name}{} {value}", Labels(labels, None)));
    }

    fn histogram(&mut self, name: &str, labels: &[(&str, &str)], counted: &Counted) {
        let mut below = 0;
        for (at, count) in counted.buckets.iter().enumerate() {
            below += count;
            let bound = BOUNDS_MICROS.get(at).map_or("+Inf".to_owned(), |micros| seconds(*micros));
            self.line(format_args!("{name}_bucket{} {below}", Labels(labels, Some(&bound))));
        }
        self.line(format_args!("{name}_sum{} {}", Labels(labels, None), counted.sum_seconds()));
        self.line(format_args!("{name}_count{} {below}", Labels(labels, None)));
    }

    fn line(&mut self, line: fmt::Arguments<'_>) {
        // Writing to memory does not fail.
        let _ = self.text.write_fmt(line);
        self.text.push('\n');
    }
}

/// A bound as both formats write it: OpenMetrics wants a decimal point.
fn seconds(micros: u64) -> String {
    format!("{:?}", std::time::Duration::from_micros(micros).as_secs_f64())
}

/// `{name="value",…}`
struct Labels<'a>(&'a [(&'a str, &'a str)], Option<&'a str>);

impl fmt::Display for Labels<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bound = self.1.map(|bound| ("le", bound));
        let mut labels = self.0.iter().copied().chain(bound).peekable();
        if labels.peek().is_none() {
            return Ok(());
        }
        for (at, (name, value)) in labels.enumerate() {
            write!(f, "{}{name}=\"", if at == 0 { '{' } else { ',' })?;
            for letter in value.chars() {
                match letter {
                    '\\' => f.write_str("\\\\")?,
                    '"' => f.write_str("\\\"")?,
                    '\n' => f.write_str("\\n")?,
                    letter => f.write_char(letter)?,
                }
            }
            f.write_char('"')?;
        }
        f.write_char('}')
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{Labels, TABLE};

    fn file(path: &str) -> String {
        std::fs::read_to_string(format!("{}/../../{path}", env!("CARGO_MANIFEST_DIR")))
            .expect("a file of the repository")
    }

    #[test]
    fn the_guide_tells_every_metric() {
        let guide = file("docs/guide/operating.md");
        for (name, kind, meaning) in TABLE {
            let row = format!("| `{name}` | {kind} | {meaning} |");
            assert!(guide.contains(&row), "docs/guide/operating.md lacks: {row}");
        }
        assert_eq!(guide.matches("\n| `portwright_").count() + guide.matches("\n| `process_").count() + 1, TABLE.len());
    }

    #[test]
    fn dashboard_and_alerts_name_metrics_that_there_are() {
        let known: BTreeSet<_> = TABLE.iter().map(|(name, ..)| *name).collect();
        let text = file("packaging/monitoring/grafana.json") + &file("packaging/monitoring/alerts.yaml");
        let words = text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
        let named: BTreeSet<_> = words
            .filter(|word| {
                word.starts_with("portwright_") || word.starts_with("process_") || word.starts_with("mcp_server_")
            })
            .collect();
        assert!(named.len() > 15, "{named:?}");
        for name in named {
            assert!(known.contains(name.strip_suffix("_bucket").unwrap_or(name)), "{name}");
        }
    }

    #[test]
    fn a_label_closes_nothing() {
        let labels = Labels(&[("tool", "a\"} 1\n#\\")], None).to_string();
        assert_eq!(labels, "{tool=\"a\\\"} 1\\n#\\\\\"}");
    }
}
