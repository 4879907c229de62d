//! Whether what a client saw is right.

use serde_json::{Value, json};

use crate::harness::shop::Shop;
use crate::harness::wire::Era;

use super::clients::{Ability, Client};
use super::ways::Way;

/// What was wrong; nothing if the client agrees with us.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    pub(super) wrong: Vec<String>,
}

impl Verdict {
    pub(super) fn broken(reason: String) -> Self {
        Self { wrong: vec![reason] }
    }

    /// The audit tells whether the call that was called off ended then, or went on for nobody: whether it was over before
    /// the last step, which came a good while later.
    pub(super) fn expect_cancelled(&mut self, shop: &Shop, can: bool) {
        if !self.wrong.is_empty() {
            return;
        }
        let records = shop.outcomes();
        let place = |name: &str| records.iter().position(|record| record["name"] == name);
        let (slow, last) = (place("slow_report"), place("get_order_history"));
        let over = slow.is_some_and(|slow| Some(slow) < last);
        let said = slow.map_or("nothing yet", |slow| records[slow]["outcome"].as_str().unwrap_or_default());
        if over != can || (can && said != "cancelled") {
            self.wrong.push(format!("of a call that was called off the audit says: {said}, in time: {over}"));
        }
    }

    fn expect(&mut self, what: &str, holds: bool, seen: &Value) {
        if !holds {
            self.wrong.push(format!("{what}: {seen}"));
        }
    }
}

/// Judges a client's report.
pub(super) fn judge(client: Client, way: Way, report: &Value) -> Verdict {
    if let Some(reason) = report["unable"].as_str() {
        return Verdict::broken(format!("no conversation: {reason}"));
    }
    let mut verdict = Verdict::default();
    let steps = &report["steps"];
    tools(&mut verdict, client, steps);
    refusals(&mut verdict, steps, client);
    let schema = &steps["schema"];
    verdict.expect("schema resource", text(schema).contains("customers") && text(schema).contains("orders"), schema);
    let prompt = &steps["prompt"];
    let said = prompt["result"]["messages"][0]["content"]["text"].as_str().unwrap_or_default();
    verdict.expect("prompt", said.contains("customer 1 "), prompt);
    let complete = &steps["complete"];
    if client.can(Ability::Complete, way) {
        let values = &complete["result"]["completion"]["values"];
        verdict.expect("completion", *values == json!(["1", "17"]), complete);
    } else {
        let said = complete["error"]["message"].as_str().unwrap_or_default();
        verdict.expect("completion's absence", said.contains("Unsupported method: completion/complete"), complete);
    }
    if client != Client::Inspector {
        greeting(&mut verdict, client, way, report);
        more(&mut verdict, steps);
        cancellation(&mut verdict, steps);
        let told = &steps["progress"]["result"]["progress"];
        let told = if client.can(Ability::Progress, way) { progressed(client, told) } else { *told == json!([]) };
        verdict.expect("progress", told, &steps["progress"]);
    }
    verdict
}

fn greeting(verdict: &mut Verdict, client: Client, way: Way, report: &Value) {
    verdict.expect("protocol version", report["protocol"] == way.era().version(), &report["protocol"]);
    let server = &report["server"]["name"];
    let named = match client {
        // It gives its own name or the server's.
        Client::McpProxy | Client::McpRemote | Client::Supergateway => true,
        _ => server == "shop" || (server.is_null() && way.era() == Era::Modern),
    };
    verdict.expect("server's name", named, server);
}

fn tools(verdict: &mut Verdict, client: Client, steps: &Value) {
    let listed = &steps["tools"];
    for name in ["query_customers", "get_order_history"] {
        let tool = find(&listed["result"]["tools"], "name", name);
        verdict.expect(name, tool["inputSchema"]["type"] == "object", listed);
        verdict.expect("output schema", tool["outputSchema"]["type"] == "object", tool);
        verdict.expect("read-only hint", tool["annotations"]["readOnlyHint"] == true, tool);
    }
    for (step, column, value) in [("found", "name", "Ada Lovelace"), ("history", "total", "10.5")] {
        if step == "history" && client == Client::Inspector {
            continue;
        }
        let answer = &steps[step]["result"];
        let rows = &answer["structuredContent"]["rows"];
        let found = rows[0][column].as_str().map_or_else(|| rows[0][column].to_string(), str::to_owned);
        verdict.expect(step, found.starts_with(value), &steps[step]);
        verdict.expect("row count", answer["structuredContent"]["row_count"] == 1, &steps[step]);
        let shown = answer["content"][0]["text"].as_str().unwrap_or_default();
        verdict.expect("text beside the structure", shown.contains(value), &steps[step]);
        verdict.expect("no error", answer["isError"] != true, &steps[step]);
    }
}

fn refusals(verdict: &mut Verdict, steps: &Value, client: Client) {
    let bad = &steps["bad_argument"];
    let words = bad["result"]["content"][0]["text"].as_str().unwrap_or_default();
    verdict.expect("bad argument", bad["result"]["isError"] == true && words.contains("limit"), bad);
    let unknown = &steps["unknown_tool"];
    let right = match client {
        // It looks into the list before it calls.
        Client::Inspector => unknown["error"]["code"] == "tool_not_found",
        // It makes results of errors.
        Client::McpProxy => {
            let words = unknown["result"]["content"][0]["text"].as_str().unwrap_or_default();
            unknown["result"]["isError"] == true && words.contains("no_such_tool")
        }
        _ => unknown["error"]["code"] == -32602,
    };
    verdict.expect("unknown tool", right, unknown);
}

fn more(verdict: &mut Verdict, steps: &Value) {
    let table = &steps["table"];
    verdict.expect("table resource", text(table).contains("email") && !text(table).contains("placed_at"), table);
    let resources = &steps["resources"];
    let schema = find(&resources["result"]["resources"], "uri", "db://shop/schema");
    verdict.expect("schema in the list", schema.is_object(), resources);
    let templates = &steps["templates"];
    let table = find(&templates["result"]["resourceTemplates"], "uriTemplate", "db://shop/schema/{table}");
    verdict.expect("table template", table.is_object(), templates);
    let prompts = &steps["prompts"];
    let prompt = find(&prompts["result"]["prompts"], "name", "summarize_customer");
    verdict.expect("prompt in the list", prompt["arguments"][0]["name"] == "customer_id", prompts);
    let unknown = &steps["unknown_resource"];
    let code = unknown["error"]["code"].as_i64().unwrap_or_default();
    verdict.expect("unknown resource", code == -32602 || code == -32002, unknown);
}

fn cancellation(verdict: &mut Verdict, steps: &Value) {
    let cancel = &steps["cancel"];
    verdict.expect("a call beside a slow one", cancel["result"]["finished"] == false, cancel);
    let beside = &cancel["result"]["beside"]["structuredContent"]["row_count"];
    verdict.expect("the answer beside a slow one", beside == 1, cancel);
    let after = &steps["after"]["result"]["structuredContent"]["row_count"];
    verdict.expect("a call after a cancelled one", after == 1, &steps["after"]);
}

/// Three steps. The TypeScript SDK, also inside the proxies, drops those that it reads in one go with the answer.
fn progressed(client: Client, told: &Value) -> bool {
    let told = whole(told);
    let all = [json!([1, 3, "step 1"]), json!([2, 3, "step 2"]), json!([3, 3, "step 3"])];
    let told = told.as_array().map(Vec::as_slice).unwrap_or_default();
    match client {
        Client::Python1 | Client::Python2 | Client::FastMcp => *told == all,
        _ => !told.is_empty() && all.starts_with(told),
    }
}

/// Numbers as whole ones, where they are: 1.0 and 1 say the same.
fn whole(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(whole).collect(),
        Value::Number(number) => {
            let whole = (0_i64..100).find(|whole| number.to_string().trim_end_matches(".0") == whole.to_string());
            whole.map_or_else(|| value.clone(), Value::from)
        }
        other => other.clone(),
    }
}

/// The first item of a list with a key of this value.
fn find<'a>(list: &'a Value, key: &str, value: &str) -> &'a Value {
    let items = list.as_array().map(Vec::as_slice).unwrap_or_default();
    items.iter().find(|item| item[key] == value).unwrap_or(&Value::Null)
}

/// The text of a resource that was read.
fn text(step: &Value) -> &str {
    step["result"]["contents"][0]["text"].as_str().unwrap_or_default()
}
