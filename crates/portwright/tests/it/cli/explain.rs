//! `portwright explain`, and roles in a served configuration.

use serde_json::{Value, json};

use super::Folder;
use crate::harness::server::{Portwright, serve};
use crate::harness::wire::exchange;

const CONFIG: &str = "[resources.\"notes://open\"]\ntext = \"Open.\"\n\
                      [resources.\"notes://closed\"]\ntext = \"Closed.\"\n\
                      [prompts.greet]\ndescription = \"Greets.\"\ntemplate = \"Hello.\"\n\
                      [roles.reader]\nallow = [\n  \"resources:notes://*\",\n]\ndeny = [\"resources:notes://closed\"]\n\
                      [roles.tenant]\nallow = [\"prompts:*\"]\nwhen = \"principal.claims.tenant == 'north'\"\n";

fn explain(folder: &Folder, arguments: &[&str]) -> (i32, Value) {
    let all: Vec<_> = ["explain", "--json"].iter().chain(arguments).copied().collect();
    let ran = folder.run(&all);
    (ran.code, serde_json::from_str(&ran.out).unwrap_or_else(|_| panic!("{} {}", ran.out, ran.errors)))
}

#[test]
fn it_names_the_rule_that_decides() {
    let folder = Folder::with(CONFIG);
    let (code, told) = explain(&folder, &["--role", "reader", "resource", "notes://open"]);
    assert_eq!((code, &told["allowed"], &told["rule"]), (0, &json!(true), &json!("roles.reader.allow[0]")), "{told}");
    assert_eq!(told["line"], 10, "{told}");
    let (code, told) = explain(&folder, &["--role", "reader", "resource", "notes://closed"]);
    assert_eq!((code, &told["rule"], &told["line"]), (7, &json!("roles.reader.deny[0]"), &json!(12)), "{told}");
    let (code, told) = explain(&folder, &["--role", "tenant", "prompts/get", "greet"]);
    assert_eq!((code, &told["rule"]), (7, &json!("roles.tenant.when")), "{told}");
    let claims = ["--role", "tenant", "--claims", "{\"tenant\": \"north\"}", "prompt", "greet"];
    assert_eq!(explain(&folder, &claims).0, 0);
    let (code, told) = explain(&folder, &["--role", "reader", "tool", "nothing"]);
    assert_eq!((code, &told["why"]), (7, &json!("nothing has that name")));
    assert_eq!(explain(&folder, &["--auth", "local", "prompt", "greet"]).0, 0);
    assert_eq!(explain(&folder, &["--auth", "anonymous", "prompt", "greet"]).0, 7);
    let text = folder.run(&["explain", "--role", "reader", "resource", "notes://closed"]).out;
    assert!(text.contains("not allowed: `resources:notes://closed` denies it") && text.contains("portwright.toml:12"));
    let wrong = folder.run(&["explain", "tool", "x", "--args", "[1]"]);
    assert!(wrong.code == 2 && wrong.errors.contains("--args is no JSON object"), "{}", wrong.errors);
}

#[test]
fn without_roles_everything_goes() {
    let folder = Folder::with("[prompts.greet]\ndescription = \"Greets.\"\ntemplate = \"Hello.\"\n");
    let (code, told) = explain(&folder, &["prompt", "greet"]);
    assert_eq!(code, 0);
    assert!(told["why"].as_str().is_some_and(|why| why.contains("no [roles]")), "{told}");
}

#[test]
fn a_key_may_what_its_roles_may() {
    let folder = Folder::with(&format!("[auth.keys]\nfile = \"keys.toml\"\n[listen]\nanonymous = \"never\"\n{CONFIG}"));
    let key = |name: &str, role: &str| folder.run(&["keys", "add", name, "--role", role]).out.trim().to_owned();
    let (reader, stranger) = (key("reader", "reader"), key("stranger", "nobody"));
    let server = Portwright::listening(serve(&folder.file("portwright.toml")));
    let list = |key: &str| {
        let meta = json!({"io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {}});
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": "resources/list", "params": {"_meta": meta}});
        let head = format!(
            "POST /mcp HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {key}\r\ncontent-type: application/json\r\n\
             accept: application/json, text/event-stream\r\nmcp-protocol-version: 2026-07-28\r\n\
             mcp-method: resources/list\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
            body.to_string().len()
        );
        exchange(server.address, &head).body
    };
    let seen = list(&reader);
    assert!(seen.contains("notes://open") && !seen.contains("notes://closed"), "{seen}");
    let seen = list(&stranger);
    assert!(seen.contains("\"resources\":[]"), "{seen}");
}
