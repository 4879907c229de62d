//! The fuzz targets. What those of the wire share is a whole server with a small source, in this process and on one thread,
//! so that the same bytes take the same way. A panic anywhere ends the run, also one that the server's fence would have caught.

pub mod files;
pub mod http;
pub mod policy;
pub mod sanitize;
#[expect(dead_code, reason = "the wire tests' source; here its lists do not change")]
#[path = "../../crates/portwright-server/tests/wire/shelf.rs"]
mod shelf;
pub mod sql;
pub mod stdio;

use std::sync::Arc;
use std::time::Duration;

use portwright_server::{Mount, Origin, Server, ServerPlan};
use serde_json::Value;

/// Inputs after which the server is made anew: its store of sessions is not to stay full.
const INPUTS_OF_ONE: u32 = 2000;

/// A server with a shelf, and short waits.
async fn server() -> Server {
    let mut plan = ServerPlan::new("fuzz");
    plan.call_timeout = Duration::from_secs(2);
    plan.listen.drain = Duration::from_millis(50);
    let source = Origin::Open(Arc::new(shelf::Shelf::new(3)));
    let mounts = vec![Mount { name: "shelf".into(), kind: "fuzz".to_owned(), origin: source, print: None }];
    let server = Server::start(plan, mounts).expect("the server starts");
    server.settled(Duration::from_secs(5)).await;
    server
}

/// What the server says is JSON-RPC, whatever it was told.
fn is_sound(message: &Value) {
    if let Some(batch) = message.as_array() {
        assert!(!batch.is_empty(), "an empty batch");
        return batch.iter().for_each(is_sound);
    }
    assert_eq!(message["jsonrpc"], "2.0", "{message}");
    let kinds = ["result", "error", "method"].iter().filter(|kind| message.get(**kind).is_some()).count();
    assert_eq!(kinds, 1, "{message}");
    if let Some(error) = message.get("error") {
        assert!(error["code"].is_i64() && error["message"].is_string(), "{message}");
    }
}
