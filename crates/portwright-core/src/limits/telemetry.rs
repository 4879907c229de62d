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
