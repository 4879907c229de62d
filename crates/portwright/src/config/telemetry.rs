//! `[telemetry]`: who reads the metrics, and where OpenTelemetry goes. What is not said here, OpenTelemetry's own
//! environment variables may say.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::time::Duration;

use portwright_core::{Diagnostic, HumanDuration, Pointer, Secret, limits};
use portwright_server::plan::{ExportPlan, MetricsReaders, Protocol, Receiver, Signal};
use schemars::JsonSchema;
use serde::Deserialize;

use super::plan::not_a_base_url;

/// What is told about calls in numbers and traces.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct TelemetrySection {
    /// Who reads `/metrics`. The numbers name tools and principals.
    pub(crate) metrics: MetricsSection,
    /// The receiver of traces, metrics and logs: `http://127.0.0.1:4317`. Without it, and without
    /// `OTEL_EXPORTER_OTLP_ENDPOINT`, nothing is exported.
    #[schemars(length(min = 1, max = 2_048))]
    pub(crate) otlp: Option<String>,
    /// How it is spoken to: `http/protobuf` at port 4318 and `grpc` elsewhere, where nothing is said.
    pub(crate) otlp_protocol: Option<ProtocolSection>,
    /// Headers that go with each request, such as a credential.
    pub(crate) headers: BTreeMap<String, Secret>,
    /// `service.name` of everything that is exported; the server's name where nothing is said.
    #[schemars(length(min = 1, max = 128))]
    pub(crate) service_name: Option<String>,
    /// Further attributes of where it comes from, such as `"deployment.environment.name" = "production"`.
    pub(crate) resource: BTreeMap<String, String>,
    /// The part, from 0 to 1, of the traces begun here that is exported: all where nothing is said. Of traces that clients
    /// begin, they decide.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub(crate) sample: Option<f64>,
    /// Between two exports of metrics: `60s` where nothing is said.
    pub(crate) metrics_interval: Option<HumanDuration>,
}

/// Who reads `/metrics`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum MetricsSection {
    /// Nobody.
    Off,
    /// Programs on this machine. The default.
    #[default]
    Loopback,
    /// Those, and everybody who may call.
    Callers,
    /// Everybody who reaches the listener.
    Anyone,
}

/// How OTLP is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
pub(crate) enum ProtocolSection {
    /// Protocol buffers over gRPC.
    #[serde(rename = "grpc")]
    Grpc,
    /// Protocol buffers over HTTP.
    #[serde(rename = "http/protobuf")]
    HttpProtobuf,
    /// JSON over HTTP.
    #[serde(rename = "http/json")]
    HttpJson,
}

impl MetricsSection {
    pub(super) fn readers(self) -> MetricsReaders {
        match self {
            Self::Off => MetricsReaders::Off,
            Self::Loopback => MetricsReaders::Loopback,
            Self::Callers => MetricsReaders::Callers,
            Self::Anyone => MetricsReaders::Anyone,
        }
    }
}

type Variable = fn(&str) -> Option<OsString>;

/// OpenTelemetry's environment variables, and what is wrong with them.
struct Environment<'a> {
    variable: Variable,
    problems: &'a mut Vec<Diagnostic>,
}

impl Environment<'_> {
    /// A variable that is set to something.
    fn text(&self, name: &str) -> Option<String> {
        (self.variable)(name).and_then(|value| value.into_string().ok()).filter(|value| !value.trim().is_empty())
    }

    /// The signal's own variable, or the one for all: `OTEL_EXPORTER_OTLP_{TRACES_}HEADERS`.
    fn of(&self, signal: Signal, rest: &str) -> Option<String> {
        let own = format!("OTEL_EXPORTER_OTLP_{}_{rest}", word(signal));
        self.text(&own).or_else(|| self.text(&format!("OTEL_EXPORTER_OTLP_{rest}")))
    }

    fn wrong(&mut self, name: &str, message: &str) {
        let place = Pointer::root().join("telemetry");
        let message = format!("the environment variable {name} {message}");
        self.problems.push(Diagnostic::error(place, "bad-value", message));
    }
}

fn word(signal: Signal) -> &'static str {
    match signal {
        Signal::Traces => "TRACES",
        Signal::Metrics => "METRICS",
        Signal::Logs => "LOGS",
    }
}

/// The section and the environment → where to export to. None where nothing says so.
pub(super) fn plan(
    section: &TelemetrySection,
    server: &str,
    variable: Variable,
    problems: &mut Vec<Diagnostic>,
) -> Option<ExportPlan> {
    let mut environment = Environment { variable, problems };
    let place = Pointer::root().join("telemetry");
    if environment.text("OTEL_SDK_DISABLED").is_some_and(|value| value.eq_ignore_ascii_case("true")) {
        return None;
    }
    let before = environment.problems.len();
    let service = section.service_name.clone().or_else(|| environment.text("OTEL_SERVICE_NAME"));
    let mut plan = ExportPlan::new(service.as_deref().unwrap_or(server));
    resource(section, service.is_some(), &mut plan, &mut environment);
    if let Some(message) = section.otlp.as_deref().and_then(|url| not_a_base_url(url).err()) {
        let told = Diagnostic::error(place.join("otlp"), "bad-url", message);
        environment.problems.push(told.hint("such as `http://127.0.0.1:4317`"));
    }
    plan.sample = section.sample.unwrap_or_else(|| sampled(&environment));
    if !(0.0..=1.0).contains(&plan.sample) {
        let told = Diagnostic::error(place.join("sample"), "out-of-range", "must be from 0 to 1");
        environment.problems.push(told.hint("0.1 for a tenth"));
    }
    if let Some(HumanDuration(pause)) = section.metrics_interval {
        plan.metrics_pause = super::plan::positive(pause, place.join("metrics_interval"), environment.problems);
    } else if let Some(millis) = environment.text("OTEL_METRIC_EXPORT_INTERVAL").and_then(|text| text.parse().ok()) {
        plan.metrics_pause = Duration::from_millis(std::cmp::max(millis, 1));
    }
    if let Some(millis) = environment.text("OTEL_BSP_SCHEDULE_DELAY").and_then(|text| text.parse().ok()) {
        plan.pause = Duration::from_millis(std::cmp::max(millis, 1));
    }
    for (name, value) in &section.headers {
        if !is_header(name, value) {
            let message = "this can't be sent as a header";
            let told = Diagnostic::error(place.join("headers").join(name.as_str()), "out-of-range", message);
            environment.problems.push(told);
        }
    }
    plan.traces = receiver(section, Signal::Traces, &mut environment);
    plan.metrics = receiver(section, Signal::Metrics, &mut environment);
    plan.logs = receiver(section, Signal::Logs, &mut environment);
    let any = plan.traces.is_some() || plan.metrics.is_some() || plan.logs.is_some();
    (any && environment.problems.len() == before).then_some(plan)
}

fn is_header(name: &str, value: &Secret) -> bool {
    reqwest::header::HeaderName::from_bytes(name.as_bytes()).is_ok()
        && reqwest::header::HeaderValue::from_str(value.expose()).is_ok()
}

/// `service.name`, `service.version`, then the variable's attributes, then the section's: the later say the last word.
fn resource(section: &TelemetrySection, named: bool, plan: &mut ExportPlan, environment: &mut Environment<'_>) {
    let mut put = |key: &str, value: String| match plan.resource.iter_mut().find(|(known, _)| known == key) {
        Some((_, known)) => *known = value,
        None => plan.resource.push((key.to_owned(), value)),
    };
    put("service.version", env!("CARGO_PKG_VERSION").to_owned());
    let said = environment.text("OTEL_RESOURCE_ATTRIBUTES");
    for (key, value) in pairs(said.as_deref().unwrap_or_default()) {
        if !(named && key == "service.name") {
            put(&key, value);
        }
    }
    for (key, value) in &section.resource {
        put(key, value.clone());
    }
}

/// `key=value,…`, values percent-encoded.
fn pairs(text: &str) -> Vec<(String, String)> {
    let pairs = text.split(',').filter_map(|pair| pair.split_once('='));
    pairs.map(|(key, value)| (key.trim().to_owned(), percent_decoded(value.trim()))).collect()
}

fn percent_decoded(text: &str) -> String {
    let (bytes, mut out, mut at) = (text.as_bytes(), Vec::with_capacity(text.len()), 0);
    while let Some(&byte) = bytes.get(at) {
        let hex = text.get(at + 1..at + 3).filter(|_| byte == b'%').and_then(|hex| u8::from_str_radix(hex, 16).ok());
        out.push(hex.unwrap_or(byte));
        at += if hex.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// The part of traces that the environment asks for. Samplers that we do not know sample all, as OpenTelemetry has it.
fn sampled(environment: &Environment<'_>) -> f64 {
    let part = environment.text("OTEL_TRACES_SAMPLER_ARG").and_then(|text| text.parse().ok());
    match environment.text("OTEL_TRACES_SAMPLER").as_deref() {
        Some("always_off" | "parentbased_always_off") => 0.0,
        Some("traceidratio" | "parentbased_traceidratio") => part.unwrap_or(1.0),
        _ => 1.0,
    }
}

/// Where a signal goes: the section says, or its own variable, or the variable for all.
fn receiver(section: &TelemetrySection, signal: Signal, environment: &mut Environment<'_>) -> Option<Receiver> {
    let exporter = environment.text(&format!("OTEL_{}_EXPORTER", word(signal)));
    if exporter.is_some_and(|exporter| exporter == "none") {
        return None;
    }
    let own = format!("OTEL_EXPORTER_OTLP_{}_ENDPOINT", word(signal));
    let (url, whole) = match (&section.otlp, environment.text(&own), environment.text("OTEL_EXPORTER_OTLP_ENDPOINT")) {
        (Some(url), ..) => (url.clone(), false),
        (None, Some(url), _) => (url, true),
        (None, None, Some(url)) => (url, false),
        (None, None, None) => return None,
    };
    let Ok(parsed) = reqwest::Url::parse(&url) else {
        if section.otlp.is_none() {
            environment.wrong("of the OTLP endpoint", "is no URL");
        }
        return None;
    };
    let protocol = match (section.otlp_protocol, environment.of(signal, "PROTOCOL").as_deref()) {
        (Some(ProtocolSection::Grpc), _) | (None, Some("grpc")) => Protocol::Grpc,
        (Some(ProtocolSection::HttpProtobuf), _) | (None, Some("http/protobuf")) => Protocol::HttpProtobuf,
        (Some(ProtocolSection::HttpJson), _) | (None, Some("http/json")) => Protocol::HttpJson,
        (None, Some(_)) => {
            environment.wrong("OTEL_EXPORTER_OTLP_PROTOCOL", "is none of grpc, http/protobuf, http/json");
            return None;
        }
        (None, None) if parsed.port() == Some(4318) => Protocol::HttpProtobuf,
        (None, None) => Protocol::Grpc,
    };
    let url = if protocol == Protocol::Grpc || whole {
        url
    } else {
        format!("{}{}", url.trim_end_matches('/'), signal.path())
    };
    let mut headers: Vec<(String, Secret)> =
        section.headers.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
    for (name, value) in pairs(&environment.of(signal, "HEADERS").unwrap_or_default()) {
        let value = Secret::new(value);
        if !is_header(&name, &value) {
            environment.wrong("OTEL_EXPORTER_OTLP_HEADERS", "holds what can't be sent as a header");
        } else if !headers.iter().any(|(known, _)| known.eq_ignore_ascii_case(&name)) {
            headers.push((name, value));
        }
    }
    let millis = environment.of(signal, "TIMEOUT").and_then(|text| text.parse().ok());
    let timeout = millis.map_or(limits::EXPORT_WAIT, |millis: u64| Duration::from_millis(millis.max(1)));
    Some(Receiver { url, protocol, headers, timeout: timeout.min(limits::EXPORT_WAIT) })
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use portwright_server::plan::{ExportPlan, Protocol};

    use super::{ProtocolSection, TelemetrySection, plan};

    fn read(section: &TelemetrySection, variable: fn(&str) -> Option<OsString>) -> (Option<ExportPlan>, usize) {
        let mut problems = Vec::new();
        (plan(section, "shop", variable, &mut problems), problems.len())
    }

    fn at(url: &str) -> TelemetrySection {
        TelemetrySection { otlp: Some(url.to_owned()), ..TelemetrySection::default() }
    }

    #[test]
    fn a_port_tells_the_protocol_and_words_tell_it_better() {
        let told = |section: &TelemetrySection| {
            let receiver = read(section, |_| None).0.and_then(|plan| plan.traces).expect("a receiver");
            (receiver.protocol, receiver.url)
        };
        assert_eq!(told(&at("http://127.0.0.1:4317")), (Protocol::Grpc, "http://127.0.0.1:4317".to_owned()));
        let traces = "http://127.0.0.1:4318/v1/traces".to_owned();
        assert_eq!(told(&at("http://127.0.0.1:4318/")), (Protocol::HttpProtobuf, traces.clone()));
        let section =
            TelemetrySection { otlp_protocol: Some(ProtocolSection::HttpJson), ..at("http://127.0.0.1:4318") };
        assert_eq!(told(&section), (Protocol::HttpJson, traces));
    }

    #[test]
    fn nothing_is_exported_unless_somebody_says_so() {
        assert_eq!(read(&TelemetrySection::default(), |_| None), (None, 0));
        let disabled = |name: &str| (name == "OTEL_SDK_DISABLED").then(|| "true".into());
        assert_eq!(read(&at("http://127.0.0.1:4317"), disabled), (None, 0));
        assert_eq!(read(&at("127.0.0.1:4317"), |_| None), (None, 1));
    }

    #[test]
    fn the_environment_says_what_the_section_does_not() {
        let variable = |name: &str| {
            let value = match name {
                "OTEL_EXPORTER_OTLP_ENDPOINT" => "http://collector:4318",
                "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT" => "http://numbers:4318/in",
                "OTEL_EXPORTER_OTLP_HEADERS" => "x-key=a%20b,x-other=c",
                "OTEL_SERVICE_NAME" => "from-outside",
                "OTEL_RESOURCE_ATTRIBUTES" => "service.name=not,team=data",
                "OTEL_TRACES_SAMPLER" => "parentbased_traceidratio",
                "OTEL_TRACES_SAMPLER_ARG" => "0.25",
                "OTEL_LOGS_EXPORTER" => "none",
                "OTEL_EXPORTER_OTLP_TIMEOUT" => "2000",
                _ => return None,
            };
            Some(value.into())
        };
        let (plan, wrong) = read(&TelemetrySection::default(), variable);
        let plan = plan.expect("a plan");
        assert_eq!((wrong, plan.sample, plan.logs.is_none()), (0, 0.25, true));
        let resource: Vec<_> = plan.resource.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        assert!(resource.contains(&("service.name", "from-outside")) && resource.contains(&("team", "data")));
        let traces = plan.traces.expect("traces");
        assert_eq!(traces.url, "http://collector:4318/v1/traces");
        assert_eq!((traces.headers[0].1.expose(), traces.timeout.as_secs()), ("a b", 2));
        assert_eq!(plan.metrics.expect("metrics").url, "http://numbers:4318/in");
        let section = TelemetrySection { service_name: Some("mine".into()), sample: Some(0.5), ..at("http://h:1") };
        let plan = read(&section, variable).0.expect("a plan");
        assert_eq!((plan.sample, plan.resource[0].1.as_str()), (0.5, "mine"));
        assert_eq!(plan.metrics.expect("metrics").url, "http://h:1");
    }
}
