//! MCP servers as sources: today one within this process, by [`mount`].
//!
//! [`remote`] is a source over the official SDK's client, whatever it is connected to; it is what servers behind other
//! transports share with this one. [`mounted`] connects it to a `ServerHandler` of the SDK in memory: the two exchange
//! the SDK's own types, so nothing is written as JSON and read again on the way.
//!
//! What the SDK's types have no place for is lost: unknown fields of results and lists. Tools, resources, templates,
//! prompts, completion, changed lists, progress, questions to the person (elicitation) and cancellation are carried
//! over. Its log messages (which belong to no call), its instructions, subscriptions to single resources and
//! long-running tasks are not.

mod asking;
mod memory;
mod mounted;
mod refusal;
mod remote;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use rmcp::ServerHandler;

pub use mounted::Mounted;

/// Makes a source of a server written with the official SDK (rmcp).
///
/// The handler finds who calls in its request's extensions, as an `Arc<Principal>`. A panic of it is an internal fault
/// of that one call; a call that it does not end in time is dropped.
pub fn mount<H: ServerHandler>(handler: H) -> Mounted<H> {
    Mounted { handler: Arc::new(handler) }
}
