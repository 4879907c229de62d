//! OpenTelemetry: calls as spans, our log lines and the metrics, exported to a receiver that speaks OTLP.
//!
//! It is off unless the plan names a receiver, and then there is nothing of it on the way of a call. Encoding, queues and
//! batches are ours: the metrics are counted once, for all who read them; what is dropped is counted; and a receiver that is
//! down holds nobody up.

mod encode;
mod layer;
mod message;
mod numbers;
mod pipe;
pub(crate) mod plan;
mod send;

pub use layer::{Layer, Ours};
pub use pipe::Exporter;
pub use send::{Carried, Carrier, Parcel};
