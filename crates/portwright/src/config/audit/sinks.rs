//! `[audit.stdout]`, `[audit.postgres]`, `[audit.otlp]`: where copies of the records go.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use portwright_core::{Diagnostic, Pointer, Secret};
use portwright_server::guard::audit::sink::SinkPlan;
use portwright_server::guard::audit::sink::otlp::Otlp;
use portwright_server::guard::audit::sink::stdout::StandardOutput;
use portwright_server::{Fingerprint, ServerPlan};
use portwright_sources::shared::http::Client;
use schemars::JsonSchema;
use serde::Deserialize;

#[cfg(feature = "postgres")]
use super::postgres;

/// Standard output, one record a line. Not where clients are served on standard output (`serve --stdio`).
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct StdoutSection {
    /// Whether a call is refused whose record can't be written there.
    #[serde(default)]
    required: bool,
}

/// A table in PostgreSQL.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PostgresSection {
    /// `postgres://USER:PASSWORD@HOST/DATABASE`, as for a source. The role needs INSERT on the table and no more.
    url: Secret,
    /// The table, with its schema or without (`public` then).
    #[serde(default = "table")]
    #[schemars(length(min = 1, max = 127))]
    table: String,
    /// Whether the table is created if there is none. The role must be allowed to.
    #[serde(default)]
    create: bool,
    /// Whether a call is refused whose record the table has not got.
    #[serde(default)]
    required: bool,
}

fn table() -> String {
    "portwright_audit".to_owned()
}

/// A receiver of OpenTelemetry logs: OTLP over HTTP, as JSON.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OtlpSection {
    /// Its address, to which `/v1/logs` is added: `https://otel.acme.example:4318`.
    #[schemars(length(min = 1, max = 2_048))]
    endpoint: String,
    /// Headers that go with each request, such as a credential.
    #[serde(default)]
    headers: BTreeMap<String, Secret>,
    /// `service.name` of the records.
    #[serde(default = "service")]
    #[schemars(length(min = 1, max = 128))]
    service: String,
    /// Whether a call is refused whose record the receiver has not got.
    #[serde(default)]
    required: bool,
}

fn service() -> String {
    "portwright".to_owned()
}

/// The sections → plans, in this order: standard output, PostgreSQL, OTLP.
pub(super) fn plans(
    (stdout, postgres, otlp): (Option<StdoutSection>, Option<PostgresSection>, Option<OtlpSection>),
    base: &Path,
    problems: &mut Vec<Diagnostic>,
) -> Vec<SinkPlan> {
    let stdout = stdout.map(|section| SinkPlan {
        required: section.required,
        print: Some(Fingerprint::of([b"stdout".as_slice()])),
        ..SinkPlan::new(StandardOutput::default())
    });
    let postgres = postgres.and_then(|section| table_of(&section, base, problems));
    let otlp = otlp.and_then(|section| receiver(section, problems));
    stdout.into_iter().chain(postgres).chain(otlp).collect()
}

/// Whether a sink holds calls although the audit itself does not.
pub(super) fn contradiction(sinks: &[SinkPlan], required: bool) -> Option<Diagnostic> {
    let contradicts = !required && sinks.iter().any(|plan| plan.required);
    contradicts.then(|| {
        let message = "a sink is required, and the audit itself is not";
        let place = Pointer::root().join("audit").join("required");
        Diagnostic::error(place, "out-of-range", message).hint("leave `required` out here, or take it out of the sink")
    })
}

/// Standard output can't carry both the stdio transport and records.
pub(crate) fn output_taken(plan: &ServerPlan) -> Option<Diagnostic> {
    let mut sinks = plan.audit.iter().flat_map(|audit| &audit.sinks);
    sinks.any(|plan| plan.sink.takes_standard_output()).then(|| {
        let message = "with --stdio, standard output is the client's";
        let place = Pointer::root().join("audit").join("stdout");
        Diagnostic::error(place, "output-taken", message).hint("take it out; the file has every record")
    })
}

#[cfg(feature = "postgres")]
fn table_of(section: &PostgresSection, base: &Path, problems: &mut Vec<Diagnostic>) -> Option<SinkPlan> {
    let place = Pointer::root().join("audit").join("postgres");
    let Some(table) = postgres::Table::parse(&section.table) else {
        let message = "this is no name of a table";
        let hint = "letters, digits and `_`, with a schema or without: `ops.portwright_audit`";
        problems.push(Diagnostic::error(place.join("table"), "out-of-range", message).hint(hint));
        return None;
    };
    match postgres::PostgresSink::new(&section.url, base, &table, section.create) {
        Ok(sink) => Some(SinkPlan {
            required: section.required,
            print: Some(Fingerprint::of([
                b"postgres".as_slice(),
                section.url.expose().as_bytes(),
                section.table.as_bytes(),
                &[u8::from(section.create)],
            ])),
            ..SinkPlan::new(sink)
        }),
        Err(error) => {
            let hint = "such as `postgres://audit:${env:AUDIT_PASSWORD}@db.acme.example/ops`";
            problems.push(Diagnostic::error(place.join("url"), "bad-url", error.to_string()).hint(hint));
            None
        }
    }
}

#[cfg(not(feature = "postgres"))]
fn table_of(_: &PostgresSection, _: &Path, problems: &mut Vec<Diagnostic>) -> Option<SinkPlan> {
    let place = Pointer::root().join("audit").join("postgres");
    problems.push(Diagnostic::error(place, "unknown-kind", "this build comes without PostgreSQL"));
    None
}

fn receiver(section: OtlpSection, problems: &mut Vec<Diagnostic>) -> Option<SinkPlan> {
    let place = Pointer::root().join("audit").join("otlp");
    let before = problems.len();
    let mut parts = vec![b"otlp".to_vec(), section.endpoint.clone().into_bytes(), section.service.clone().into_bytes()];
    if let Err(message) = super::super::plan::not_a_base_url(&section.endpoint) {
        let told = Diagnostic::error(place.join("endpoint"), "bad-url", message);
        problems.push(told.hint("such as `https://otel.acme.example:4318`"));
    }
    for (name, value) in &section.headers {
        let known = reqwest::header::HeaderName::from_bytes(name.as_bytes()).is_ok();
        if !known || reqwest::header::HeaderValue::from_str(value.expose()).is_err() {
            let message = "this can't be sent as a header";
            problems.push(Diagnostic::error(place.join("headers").join(name.as_str()), "out-of-range", message));
        }
        parts.extend([name.clone().into_bytes(), value.expose().as_bytes().to_vec()]);
    }
    let client = Client::new().map_err(|error| {
        problems.push(Diagnostic::error(place.clone(), "bad-url", error.to_string()));
    });
    let client = client.ok().filter(|_| problems.len() == before)?;
    let sink = Otlp::new(&section.endpoint, section.headers.into_iter().collect(), section.service, Arc::new(client));
    Some(SinkPlan {
        required: section.required,
        print: Some(Fingerprint::of(parts.iter().map(Vec::as_slice))),
        ..SinkPlan::new(sink)
    })
}
