//! Running it: how it is, and what happened in numbers.

pub(crate) mod health;
pub(crate) mod metrics;
pub(crate) mod random;
pub(crate) mod redis;
pub(crate) mod telemetry;
