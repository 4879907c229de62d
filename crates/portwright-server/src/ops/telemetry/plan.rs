//! What the plan says of exporting.

use std::time::Duration;

use portwright_core::{Secret, limits};

/// Where what happens is exported to, and how.
/// Two that are equal need no restart between them.
#[derive(Debug, Clone, PartialEq)]
pub struct ExportPlan {
    /// By signal; a signal without is not exported.
    pub traces: Option<Receiver>,
    pub metrics: Option<Receiver>,
    pub logs: Option<Receiver>,
    /// The part of the traces that begin here which is exported; of one that began elsewhere, who began it decides.
    pub sample: f64,
    /// What all of it is said to come from: `service.name` and others.
    pub resource: Vec<(String, String)>,
    /// Between two exports of spans and log records.
    pub pause: Duration,
    /// Between two exports of metrics.
    pub metrics_pause: Duration,
}

/// One signal's receiver.
#[derive(Debug, Clone, PartialEq)]
pub struct Receiver {
    /// For HTTP with the path of its signal; for gRPC the host alone.
    pub url: String,
    pub protocol: Protocol,
    /// They go with each request.
    pub headers: Vec<(String, Secret)>,
    /// For one request.
    pub timeout: Duration,
}

/// How OTLP is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Protocol {
    #[default]
    Grpc,
    HttpProtobuf,
    HttpJson,
}

/// What is exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    Traces,
    Metrics,
    Logs,
}

impl Signal {
    pub const ALL: [Self; 3] = [Self::Traces, Self::Metrics, Self::Logs];

    /// The path of the signal over HTTP.
    pub const fn path(self) -> &'static str {
        match self {
            Self::Traces => "/v1/traces",
            Self::Metrics => "/v1/metrics",
            Self::Logs => "/v1/logs",
        }
    }

    /// The method of the signal's service over gRPC.
    pub(crate) const fn rpc(self) -> &'static str {
        match self {
            Self::Traces => "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
            Self::Metrics => "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
            Self::Logs => "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
        }
    }
}

impl ExportPlan {
    /// Everything to one receiver, with every default.
    pub fn new(service: &str) -> Self {
        Self {
            traces: None,
            metrics: None,
            logs: None,
            sample: 1.0,
            resource: vec![("service.name".to_owned(), service.to_owned())],
            pause: limits::EXPORT_PAUSE,
            metrics_pause: limits::EXPORT_METRICS_PAUSE,
        }
    }
}
