//! The official clients and how each is started.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::files::root;
use crate::harness::server::Output;
use crate::harness::wire::Era;
use crate::harness::{wait_for, wait_longer};

/// How long a client may take for all its steps: the inspector starts a process for each.
const PATIENCE: Duration = Duration::from_mins(4);

/// One client in one lifecycle.
#[derive(Debug)]
pub(super) struct Driver {
    pub(super) program: Program,
    pub(super) era: Era,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Program {
    Python1,
    Python2,
    TypeScript1,
    TypeScript2,
    Inspector,
}

pub(super) const CLIENTS: &[Driver] = &[
    Driver { program: Program::Python1, era: Era::Legacy },
    Driver { program: Program::Python2, era: Era::Legacy },
    Driver { program: Program::Python2, era: Era::Modern },
    Driver { program: Program::TypeScript1, era: Era::Legacy },
    Driver { program: Program::TypeScript2, era: Era::Legacy },
    Driver { program: Program::TypeScript2, era: Era::Modern },
    Driver { program: Program::Inspector, era: Era::Legacy },
    Driver { program: Program::Inspector, era: Era::Modern },
];

impl Driver {
    pub(super) fn title(&self) -> String {
        let name = match self.program {
            Program::Python1 => "Python SDK 1.30",
            Program::Python2 => "Python SDK 2.3",
            Program::TypeScript1 => "TypeScript SDK 1.32",
            Program::TypeScript2 => "TypeScript SDK 2.4",
            Program::Inspector => "inspector 2.12",
        };
        format!("{name}, {}", self.era.version())
    }

    /// Whether it can call a call off. The inspector makes one call a process.
    pub(super) fn cancels(&self) -> bool {
        self.program != Program::Inspector
    }

    /// Lets it run its steps against a server, and gives what it saw.
    pub(super) fn drive(&self, mut plan: Value) -> Result<Value, String> {
        plan["era"] = json!(if self.era == Era::Modern { "modern" } else { "legacy" });
        plan["sdk"] = json!(if self.program == Program::TypeScript1 { 1 } else { 2 });
        plan["steps"] = steps(self.program);
        let mut child = self.command(&plan).spawn().map_err(|error| format!("the client could not start: {error}"))?;
        let output = Output::of(child.stdout.take().ok_or("no output")?);
        let errors = Output::of(child.stderr.take().ok_or("no errors")?);
        let status = wait_longer(PATIENCE, "a client's end", || child.try_wait().expect("its state"));
        if !status.success() {
            return Err(format!("the client ended with {status}: {}", last_lines(&errors.text())));
        }
        // The reader may be a moment behind the end of the process.
        let line = wait_for("the client's report", || output.text().lines().last().map(str::to_owned));
        serde_json::from_str(&line).map_err(|error| format!("no report ({error}): {line}"))
    }

    fn command(&self, plan: &Value) -> Command {
        let scripts = root().join("tests/interop");
        let python = |version: u8| {
            let mut command = Command::new(tool(&format!("python-{version}/bin/python")));
            command.arg(scripts.join(format!("python_{version}.py"))).arg(plan.to_string()).stdin(Stdio::null());
            command
        };
        let node = |script: &str| {
            let script = std::fs::File::open(scripts.join(script)).expect("the client's script");
            let folder = tool("npm");
            let mut command = Command::new("node");
            command.args(["--input-type=module", "-"]).stdin(script).env("PLAN", plan.to_string());
            // The inspector writes to its home; it must not be the developer's.
            command.env("HOME", folder.join(".home")).current_dir(folder);
            command
        };
        let mut command = match self.program {
            Program::Python1 => python(1),
            Program::Python2 => python(2),
            Program::TypeScript1 | Program::TypeScript2 => node("typescript.mjs"),
            Program::Inspector => node("inspector.mjs"),
        };
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }
}

/// What each client does. The inspector starts a process for each step and leaves out what others have shown.
fn steps(program: Program) -> Value {
    let ada = json!({ "name": "query_customers", "arguments": { "search_term": "ada" } });
    let customer = json!({ "customer_id": "1" });
    let mut steps = vec![
        json!({ "as": "tools", "method": "tools/list" }),
        json!({ "as": "found", "method": "tools/call", "name": "query_customers", "arguments": { "search_term": "ada", "limit": 3 } }),
        json!({ "as": "history", "method": "tools/call", "name": "get_order_history", "arguments": { "customer_id": 1 } }),
        json!({ "as": "bad_argument", "method": "tools/call", "name": "query_customers", "arguments": { "search_term": "ada", "limit": 1000 } }),
        json!({ "as": "unknown_tool", "method": "tools/call", "name": "no_such_tool", "arguments": {} }),
        json!({ "as": "schema", "method": "resources/read", "uri": "db://shop/schema" }),
        json!({ "as": "table", "method": "resources/read", "uri": "db://shop/schema/customers" }),
        json!({ "as": "prompt", "method": "prompts/get", "name": "summarize_customer", "arguments": customer }),
    ];
    if program != Program::Inspector {
        steps.extend([
            json!({ "as": "resources", "method": "resources/list" }),
            json!({ "as": "templates", "method": "resources/templates/list" }),
            json!({ "as": "prompts", "method": "prompts/list" }),
            json!({ "as": "unknown_resource", "method": "resources/read", "uri": "db://shop/nothing/here" }),
            json!({ "as": "complete", "method": "completion/complete", "name": "summarize_customer", "argument": { "name": "customer_id", "value": "" } }),
            json!({ "as": "cancel", "method": "cancel", "name": "slow_report", "arguments": {}, "beside": ada }),
            json!({ "as": "after", "method": "tools/call", "name": "query_customers", "arguments": { "search_term": "ada" } }),
        ]);
    }
    json!(steps)
}

/// Something that ./test installed.
fn tool(path: &str) -> PathBuf {
    let path = root().join(".tools").join(path);
    assert!(path.exists(), "{} is missing; run ./test, it installs the clients", path.display());
    path
}

fn last_lines(text: &str) -> String {
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(6)..].join(" / ")
}
