//! What each client does.

use serde_json::{Value, json};

use super::clients::Client;

/// The steps of a client. The inspector starts a process for each step and leaves out what others have shown.
pub(super) fn steps(client: Client) -> Vec<Value> {
    let ada = json!({ "name": "query_customers", "arguments": { "search_term": "ada" } });
    let customer = json!({ "customer_id": "1" });
    let mut steps = vec![
        json!({ "as": "tools", "method": "tools/list" }),
        json!({ "as": "found", "method": "tools/call", "name": "query_customers", "arguments": { "search_term": "ada", "limit": 3 } }),
        json!({ "as": "bad_argument", "method": "tools/call", "name": "query_customers", "arguments": { "search_term": "ada", "limit": 1000 } }),
        json!({ "as": "unknown_tool", "method": "tools/call", "name": "no_such_tool", "arguments": {} }),
        json!({ "as": "schema", "method": "resources/read", "uri": "db://shop/schema" }),
        json!({ "as": "prompt", "method": "prompts/get", "name": "summarize_customer", "arguments": customer }),
        // One that the inspector has no method for says so, which is its reason.
        json!({ "as": "complete", "method": "completion/complete", "name": "summarize_customer", "argument": { "name": "customer_id", "value": "1" } }),
    ];
    if client != Client::Inspector {
        steps.extend([
            json!({ "as": "table", "method": "resources/read", "uri": "db://shop/schema/customers" }),
            json!({ "as": "resources", "method": "resources/list" }),
            json!({ "as": "templates", "method": "resources/templates/list" }),
            json!({ "as": "prompts", "method": "prompts/list" }),
            json!({ "as": "unknown_resource", "method": "resources/read", "uri": "db://shop/nothing/here" }),
        ]);
    }
    if client == Client::Inspector {
        return steps;
    }
    // Also by those that can't call off or tell of progress: the judge sees that they can't.
    steps.extend([
        json!({ "as": "cancel", "method": "cancel", "name": "slow_report", "arguments": {}, "beside": ada }),
        json!({ "as": "after", "method": "tools/call", "name": "query_customers", "arguments": { "search_term": "ada" } }),
        json!({ "as": "progress", "method": "tools/call", "name": "walk", "arguments": { "steps": 3 }, "target": "walk" }),
        // The last one: by its record, the audit tells what was over when it came.
        json!({ "as": "history", "method": "tools/call", "name": "get_order_history", "arguments": { "customer_id": 1 } }),
    ]);
    steps
}
