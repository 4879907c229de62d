//! Everything between bytes and sources: transports, sessions, guards, the catalog.
//!
//! Start with [`Server`]. The way of a call is told in `session/dispatch.rs`; the order of the guards in
//! [`guard::chain`]. This crate knows no source; it serves whatever implements the contract of [`portwright_core`].

mod catalog;
mod engine;
mod explain;
pub mod guard;
mod ops;
pub mod plan;
mod server;
mod session;
mod transport;
mod unique;

pub use catalog::{Catalog, Fingerprint, Mount, Origin, Reloaded, SourceHealth, State};
pub use guard::AuditPlan;
pub use ops::health::{HealthReport, Status};
pub use ops::metrics::{InFlight, Noted, PrincipalTotals, Snapshot, Step, ToolTotals, Totals};
pub use ops::telemetry::{Carried, Carrier, Exporter, Layer as ExportLayer, Ours, Parcel};
pub use plan::{
    Anonymous, ClientCertificates, ListenPlan, ReplicaPlan, ServerPlan, SessionPlan, TlsPlan, Transports, Waits,
};
pub use server::{Server, StartError};
pub use transport::{ClientRoles, Pair, TlsError, TransportError};
