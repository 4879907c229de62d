//! [`Downstream`]: what a source may say to the client while it works, without knowing transport or protocol revision.
//!
//! Saying something never blocks the work: a client that did not ask for progress gets none, and one that reads too
//! slowly misses some. Only a question waits, and only as long as the call may take.
//!
//! ```
//! use portwright_core::{Context, LogLevel, TransportKind};
//!
//! let cx = Context::new("r-1", TransportKind::InProcess);
//! for step in 1..=3 {
//!     cx.downstream.progress(f64::from(step), Some(3.0), Some("copying"));
//! }
//! cx.downstream.log(LogLevel::Info, "copy", serde_json::json!({ "files": 3 }));
//! ```

use std::fmt::Debug;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::protocol::{ElicitRequestParams, ElicitResult};
use crate::refusal::Refusal;

/// How much a log message matters: the eight levels of RFC 5424, mildest first, as MCP names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// What a developer looks at.
    Debug,
    /// What goes on.
    Info,
    /// What is normal and still worth a look.
    Notice,
    /// What may become an error.
    Warning,
    /// What failed.
    Error,
    /// What keeps a part from working.
    Critical,
    /// What must be mended at once.
    Alert,
    /// Nothing works.
    Emergency,
}

/// The way back to the client of one call.
#[async_trait]
pub trait Downstream: Debug + Send + Sync {
    /// Tells how far the work is. Says nothing if the client did not ask, if the value does not grow, or if the client
    /// reads too slowly: progress never blocks the work.
    fn progress(&self, progress: f64, total: Option<f64>, message: Option<&str>);

    /// Sends a log message, if the client asked for that level.
    fn log(&self, level: LogLevel, logger: &str, data: Value);

    /// Lets go of the connection that the client hears this call on, where the client can take it up again: a call that
    /// has nothing to say for long need not hold one open. What is said meanwhile is kept for it, within bounds. Does
    /// nothing where there is no such connection.
    fn hang_up(&self) {}

    /// Asks the person behind the client.
    async fn elicit(&self, question: ElicitRequestParams) -> Result<ElicitResult, Refusal>;
}

/// A client that can't be spoken to.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

#[async_trait]
impl Downstream for Silent {
    fn progress(&self, _: f64, _: Option<f64>, _: Option<&str>) {}

    fn log(&self, _: LogLevel, _: &str, _: Value) {}

    async fn elicit(&self, _: ElicitRequestParams) -> Result<ElicitResult, Refusal> {
        Err(Refusal::failed("this client can't be asked a question; give the answer as an argument"))
    }
}
