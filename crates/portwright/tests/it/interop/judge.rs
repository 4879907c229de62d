//! Whether what a client saw is right.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::harness::shop::Shop;
use crate::harness::wire::Era;

use super::clients::{Driver, Program};

/// How long the record of a cancelled call may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// What was wrong; nothing if the client agrees with us.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    pub(super) wrong: Vec<String>,
    skipped: Vec<String>,
}

impl Verdict {
    pub(super) fn broken(reason: String) -> Self {
        Self { wrong: vec![reason], ..Self::default() }
    }

    /// For the table.
    pub(super) fn words(&self) -> String {
        match self.wrong.first() {
            Some(first) => format!("FAIL {}", first.chars().take(60).collect::<String>()),
            None if self.skipped.is_empty() => "pass".to_owned(),
            None => format!("pass, without {}", self.skipped.join(", ")),
        }
    }

    /// The audit tells whether calls that were called off ended at once, or went on for nobody.
    pub(super) fn expect_cancelled(&mut self, shop: &Shop, count: usize) {
        if !self.wrong.is_empty() || count == 0 {
            return;
        }
        let mut records = Vec::new();
        let end = Instant::now() + PATIENCE;
        while records.len() < count && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(20));
            records = shop.outcomes();
            records.retain(|record| record["name"] == "slow_report");
        }
        if records.len() != count {
            self.wrong.push(format!("{count} calls were called off, the audit has {records:?}"));
        }
        for record in records.iter().filter(|record| record["outcome"] != "cancelled") {
            self.wrong.push(format!("a call that was called off is recorded as {record}"));
        }
    }

    fn expect(&mut self, what: &str, holds: bool, seen: &Value) {
        if !holds {
            self.wrong.push(format!("{what}: {seen}"));
        }
    }
}

/// Judges a client's report.
pub(super) fn judge(client: &Driver, report: &Value) -> Verdict {
    let mut verdict = Verdict::default();
    let steps = &report["steps"];
    if client.program == Program::Inspector {
        verdict.skipped = vec!["cancel".to_owned(), "completion".to_owned()];
    } else {
        verdict.expect("protocol version", report["protocol"] == client.era.version(), &report["protocol"]);
        let server = &report["server"]["name"];
        verdict.expect("server's name", server == "shop" || (server.is_null() && client.era == Era::Modern), server);
        more(&mut verdict, steps);
    }
    tools(&mut verdict, steps);
    refusals(&mut verdict, steps, client);
    let schema = &steps["schema"];
    verdict.expect("schema resource", text(schema).contains("customers") && text(schema).contains("orders"), schema);
    let table = &steps["table"];
    verdict.expect("table resource", text(table).contains("email") && !text(table).contains("placed_at"), table);
    let prompt = &steps["prompt"];
    let said = prompt["result"]["messages"][0]["content"]["text"].as_str().unwrap_or_default();
    verdict.expect("prompt", said.contains("customer 1 "), prompt);
    verdict
}

fn tools(verdict: &mut Verdict, steps: &Value) {
    let listed = &steps["tools"];
    for name in ["query_customers", "get_order_history"] {
        let tool = find(&listed["result"]["tools"], "name", name);
        verdict.expect(name, tool["inputSchema"]["type"] == "object", listed);
        verdict.expect("output schema", tool["outputSchema"]["type"] == "object", tool);
        verdict.expect("read-only hint", tool["annotations"]["readOnlyHint"] == true, tool);
    }
    for (step, column, value) in [("found", "name", "Ada Lovelace"), ("history", "total", "10.5")] {
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

fn refusals(verdict: &mut Verdict, steps: &Value, client: &Driver) {
    let bad = &steps["bad_argument"];
    let words = bad["result"]["content"][0]["text"].as_str().unwrap_or_default();
    verdict.expect("bad argument", bad["result"]["isError"] == true && words.contains("limit"), bad);
    let unknown = &steps["unknown_tool"];
    // The inspector looks into the list before it calls.
    let code = if client.program == Program::Inspector { &Value::from("tool_not_found") } else { &Value::from(-32602) };
    verdict.expect("unknown tool", unknown["error"]["code"] == *code, unknown);
}

fn more(verdict: &mut Verdict, steps: &Value) {
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
    let complete = &steps["complete"];
    verdict.expect("completion", complete["result"]["completion"]["values"].is_array(), complete);
    let cancel = &steps["cancel"];
    verdict.expect("a call beside a slow one", cancel["result"]["finished"] == false, cancel);
    let beside = &cancel["result"]["beside"]["structuredContent"]["row_count"];
    verdict.expect("the answer beside a slow one", beside == 1, cancel);
    let after = &steps["after"]["result"]["structuredContent"]["row_count"];
    verdict.expect("a call after a cancelled one", after == 1, &steps["after"]);
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
