//! OpenTelemetry logs as a sink: OTLP over HTTP, as JSON.
//!
//! A record is the body of a log record, as it stands in the file. Its hash is `log.record.uid`, by which a receiver tells
//! one that comes twice.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use portwright_core::{Fetch, FetchRequest, Secret, async_trait, limits};
use serde_json::{Value, json};

use super::{Sink, SinkError, Written};

/// A receiver of logs.
#[derive(Debug)]
pub struct Otlp {
    url: String,
    headers: Vec<(String, Secret)>,
    /// `service.name`.
    service: String,
    fetch: Arc<dyn Fetch>,
}

impl Otlp {
    /// The receiver at `endpoint`: its address, to which `/v1/logs` is added.
    pub fn new(
        endpoint: &str,
        headers: Vec<(String, Secret)>,
        service: impl Into<String>,
        fetch: Arc<dyn Fetch>,
    ) -> Self {
        Self { url: format!("{}/v1/logs", endpoint.trim_end_matches('/')), headers, service: service.into(), fetch }
    }

    fn body(&self, records: &[Arc<Written>]) -> Value {
        let observed = nanos(SystemTime::now());
        let logs: Vec<Value> = records
            .iter()
            .map(|record| {
                json!({
                    "timeUnixNano": nanos(record.ts),
                    "observedTimeUnixNano": observed,
                    "severityNumber": 9,
                    "severityText": "INFO",
                    "body": { "stringValue": record.line },
                    "attributes": [
                        text("log.record.uid", &record.hash),
                        { "key": "portwright.audit.seq", "value": { "intValue": record.seq.to_string() } },
                    ],
                })
            })
            .collect();
        json!({ "resourceLogs": [{
            "resource": { "attributes": [text("service.name", &self.service)] },
            "scopeLogs": [{ "scope": { "name": "portwright.audit", "version": env!("CARGO_PKG_VERSION") }, "logRecords": logs }],
        }] })
    }
}

fn text(key: &str, value: &str) -> Value {
    json!({ "key": key, "value": { "stringValue": value } })
}

fn nanos(time: SystemTime) -> String {
    time.duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos().to_string()
}

#[async_trait]
impl Sink for Otlp {
    fn name(&self) -> &'static str {
        "otlp"
    }

    async fn store(&self, records: &[Arc<Written>]) -> Result<(), SinkError> {
        let body = Secret::new(self.body(records).to_string());
        let mut request = FetchRequest::post(&self.url, "application/json", body).trusted();
        request.headers.extend(self.headers.iter().cloned());
        request.wait = limits::AUDIT_SINK_WAIT;
        let answer = self.fetch.fetch(request).await.map_err(|error| SinkError::Failed(error.to_string()))?;
        match answer.status {
            200..=299 => match rejected(&answer.body) {
                0 => Ok(()),
                count => Err(SinkError::Refused(format!("{count} were rejected"))),
            },
            status @ (400 | 413 | 422) => Err(SinkError::Refused(format!("HTTP status {status}"))),
            status => Err(SinkError::Failed(format!("HTTP status {status}"))),
        }
    }
}

/// How many records the receiver says it did not take.
fn rejected(body: &[u8]) -> u64 {
    let count = |told: &Value| told.as_u64().or_else(|| told.as_str()?.parse().ok());
    let answer: Value = serde_json::from_slice(body).unwrap_or_default();
    answer.pointer("/partialSuccess/rejectedLogRecords").and_then(count).unwrap_or(0)
}
