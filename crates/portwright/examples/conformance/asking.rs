//! Tools that ask their client something.

use portwright_core::protocol::{CallToolResult, JsonObject, Tool};
use portwright_core::{Context, Refusal};

pub(crate) fn tools() -> Vec<Tool> {
    Vec::new()
}

pub(crate) async fn call(_: &str, _: &JsonObject, _: &Context) -> Option<Result<CallToolResult, Refusal>> {
    None
}
