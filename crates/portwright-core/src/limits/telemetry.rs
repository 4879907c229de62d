//! Bounds of metrics and of what is exported about calls.

use std::time::Duration;

/// Tools and prompts that have numbers of their own; those beyond are counted together as `other`. A metrics store keeps
/// a series for each, times outcomes and buckets.
pub const METRICS_NAMES_MAX: usize = 256;

/// Principals of each way of authentication that have numbers of their own; those beyond are counted together.
pub const METRICS_PRINCIPALS_MAX: usize = 128;

/// Bytes of a label: longer names are cut.
pub const METRICS_LABEL_BYTES_MAX: usize = 128;

/// Calls in flight that are told by name; more are only counted.
pub const METRICS_FLIGHTS_MAX: usize = 1024;

/// Refusals, and flagged results, of which the last are kept.
pub const METRICS_NOTED_MAX: usize = 50;

/// The step of what is kept of the last hour.
pub const METRICS_STEP: Duration = Duration::from_secs(10);

/// Steps of the last hour.
pub const METRICS_STEPS: usize = 360;

/// Spans and log records that wait for a receiver, each: a few seconds of a busy server. What comes then is dropped and
/// counted.
pub const EXPORT_QUEUE_MAX: usize = 8 * 1024;

/// Spans or log records of one request.
pub const EXPORT_BATCH_MAX: usize = 512;

/// Between two exports of spans and log records, as OpenTelemetry has it.
pub const EXPORT_PAUSE: Duration = Duration::from_secs(5);

/// Between two exports of metrics, as OpenTelemetry has it.
pub const EXPORT_METRICS_PAUSE: Duration = Duration::from_mins(1);

/// How long a receiver may take for a request, as OpenTelemetry has it.
pub const EXPORT_WAIT: Duration = Duration::from_secs(10);

/// How long the last export may take when the server stops, all signals together.
pub const EXPORT_LAST_WAIT: Duration = Duration::from_secs(5);

/// Attributes of a span or log record.
pub const EXPORT_ATTRIBUTES_MAX: usize = 32;

/// Events of a span.
pub const EXPORT_EVENTS_MAX: usize = 16;

/// Bytes of an attribute's value.
pub const EXPORT_VALUE_BYTES_MAX: usize = 1024;

/// Bytes of a receiver's answer that are read.
pub const EXPORT_ANSWER_BYTES_MAX: usize = 64 * 1024;
