//! The dashboard: in a real browser, and what it tells whom.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::thread;

use serde_json::{Value, json};

use crate::harness::files::root;
use crate::harness::server::{Portwright, binary, serve};
use crate::harness::shop::Shop;
use crate::harness::wait_for;
use crate::harness::wire::{HttpAnswer, exchange};

/// Roles, what each may, and a tool whose words would like to be more than words.
const MORE: &str = r#"
[auth.keys]
file = "keys.toml"

[listen]
anonymous = "never"

[dashboard]
roles = ["admin"]

[roles.admin]
allow = ["tools:*", "resources:**", "prompts:*"]

[roles.reader]
allow = ["tools:*"]
approve = ["tools:get_order_history"]

[roles.approver]
allow = ["tools:*"]

[approvals]
by = ["queue"]
wait = "5m"
approvers = ["approver"]

[tools.echo_note]
source = "shop"
description = "<img src=x onerror=alert(1)> Gives a note back. Use this when a note is to be seen. Returns the note."
sql = "SELECT :term AS note"

[tools.echo_note.params.term]
type = "string"
description = "The note"

[tools.keep_number]
source = "shop"
description = "Gives back what it was given. Use this when a form is to be tried. Returns one row."
sql = "SELECT :big AS big, :kind AS kind, :sure AS sure"

[tools.keep_number.params]
big = { type = "integer", description = "A whole number" }
kind = { type = "string", description = "One of two", enum = ["small", "large"] }
sure = { type = "boolean", description = "Yes or no" }
"#;

/// More records of the audit than one page shows.
const CALLS: usize = 60;

struct House {
    shop: Shop,
    server: Portwright,
}

impl House {
    fn open(more: &str) -> Self {
        let shop = Shop::sqlite();
        let file = shop.folder().join("shop.sqlite").display().to_string();
        shop.configure(&format!("kind = \"sqlite\"\npath = {file:?}\n"), more);
        let server = Portwright::listening(serve(&shop.config()));
        server.wait_ready();
        Self { shop, server }
    }

    fn key(shop: &Path, name: &str, role: &str) -> String {
        let mut add = Command::new(binary());
        let added =
            add.args(["keys", "add", name, "--role", role]).current_dir(shop).output().expect("the binary runs");
        assert!(added.status.success(), "{}", String::from_utf8_lossy(&added.stderr));
        String::from_utf8(added.stdout).expect("UTF-8").trim().to_owned()
    }

    fn get(&self, path: &str, headers: &str) -> HttpAnswer {
        exchange(self.server.address, &format!("GET {path} HTTP/1.1\r\n{headers}connection: close\r\n\r\n"))
    }

    fn asked(&self, path: &str, key: &str) -> Value {
        let answer = self.get(path, &format!("host: localhost\r\nauthorization: Bearer {key}\r\n"));
        assert_eq!(answer.status, 200, "{answer:?}");
        serde_json::from_str(&answer.body).expect("JSON")
    }
}

fn call(address: SocketAddr, key: &str, tool: &str, arguments: &Value) -> HttpAnswer {
    let meta = json!({"io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {}});
    let params = json!({"name": tool, "arguments": arguments, "_meta": meta});
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}).to_string();
    exchange(
        address,
        &format!(
            "POST /mcp HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {key}\r\ncontent-type: application/json\r\n\
             accept: application/json, text/event-stream\r\nmcp-protocol-version: 2026-07-28\r\nmcp-method: tools/call\r\n\
             mcp-name: {tool}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        ),
    )
}

/// A house with three people in it.
fn inhabited() -> (House, [String; 3]) {
    let shop = Shop::sqlite();
    let file = shop.folder().join("shop.sqlite").display().to_string();
    shop.configure(&format!("kind = \"sqlite\"\npath = {file:?}\n"), MORE);
    let keys = [("boss", "admin"), ("reader", "reader"), ("judge", "approver")];
    let keys = keys.map(|(name, role)| House::key(shop.folder(), name, role));
    let server = Portwright::listening(serve(&shop.config()));
    server.wait_ready();
    (House { shop, server }, keys)
}

#[test]
fn people_see_try_and_decide_in_a_browser() {
    let tools = root().join(".tools/dashboard");
    assert!(tools.join(".complete").exists(), "the browser's driver is missing; run ./test, it installs it");
    let chromium = ["chromium", "chromium-browser", "google-chrome"]
        .into_iter()
        .find(|name| Command::new(name).arg("--version").output().is_ok_and(|told| told.status.success()));
    let chromium = chromium.expect("there is no chromium here; run ./test, it installs it");
    let which = Command::new("sh").args(["-c", &format!("command -v {chromium}")]).output().expect("a shell");
    let (house, [admin, reader, approver]) = inhabited();
    let address = house.server.address;
    for caller in [&admin, &reader].into_iter().cycle().take(CALLS) {
        call(address, caller, "query_customers", &json!({"search_term": "ada"}));
    }
    // Two that wait for a person.
    let [approved, denied] = [1, 2].map(|customer| {
        let key = reader.clone();
        thread::spawn(move || call(address, &key, "get_order_history", &json!({"customer_id": customer})))
    });
    wait_for("calls that wait", || {
        let all = house.asked("/approvals", &approver);
        (all["approvals"].as_array().map(Vec::len) == Some(2)).then_some(())
    });
    let mut plan = json!({
        "chromium": String::from_utf8_lossy(&which.stdout).trim(),
        "tools": tools,
        "url": format!("http://{address}"),
        "keys": {"admin": admin, "reader": reader, "approver": approver},
        "tool": "query_customers",
    });
    // Pictures are never quite the same, so they are made only where they are asked for.
    if std::env::var_os("PORTWRIGHT_PICTURES").is_some() {
        plan["shots"] = json!(root().join("docs/guide/images"));
    }
    let drive = Command::new("node").arg(root().join("tests/dashboard/drive.mjs")).arg(plan.to_string()).output();
    let drive = drive.expect("node runs");
    let told = String::from_utf8_lossy(&drive.stdout);
    let report: Value = serde_json::from_str(told.trim().lines().last().unwrap_or_default())
        .unwrap_or_else(|error| panic!("{error}: {told}{}", String::from_utf8_lossy(&drive.stderr)));
    assert!(report["findings"] == json!([]), "{report:#}");
    let seen = &report["seen"];
    assert!(seen["requests"].as_u64() > Some(50) && seen["axe"].as_u64() >= Some(16), "{report}");
    let [approved, denied] = [approved, denied].map(|call| call.join().expect("the call"));
    assert!(denied.body.contains("not today"), "who was denied learns why: {}", denied.body);
    assert!(approved.body.contains("structuredContent"), "what was approved ran: {}", approved.body);
    assert!(house.shop.outcomes().iter().any(|it| it["flags"].to_string().contains("approved_by:judge")));
}

#[test]
fn everybody_sees_their_own_and_who_may_sees_all() {
    let (house, [admin, reader, _]) = inhabited();
    let address = house.server.address;
    for key in [&admin, &reader] {
        call(address, key, "query_customers", &json!({"search_term": "ada"}));
        call(address, key, "query_customers", &json!({"search_term": "ada", "limit": 0}));
    }
    let records = |key: &str, query: &str| {
        let page = house.asked(&format!("/dashboard/api/audit?{query}"), key);
        let all = page["records"].as_array().expect("records").clone();
        all.iter().map(|it| it["principal"].as_str().unwrap_or_default().to_owned()).collect::<Vec<_>>()
    };
    assert!(records(&admin, "").contains(&"reader".to_owned()));
    assert_eq!(records(&admin, "principal=reader&outcome=ok"), ["reader"]);
    for query in ["", "principal=boss", "text=boss", "id="] {
        assert!(records(&reader, query).iter().all(|who| who == "reader"), "{query}");
    }
    assert_eq!(records(&reader, "").len(), 2);
    let (all, own) = (house.asked("/dashboard/api/overview", &admin), house.asked("/dashboard/api/overview", &reader));
    assert_eq!((&all["me"]["sees_all"], &own["me"]["sees_all"]), (&json!(true), &json!(false)));
    assert_eq!((&all["numbers"]["totals"]["calls"], &own["numbers"]["totals"]["calls"]), (&json!(4), &json!(2)));
    assert_eq!(own["numbers"]["refusals"].as_array().map(Vec::len), Some(1));
    assert!(!own["numbers"].to_string().contains("boss"), "{own}");
    // The audit is read with the same door, and the same bounds.
    let page = house.asked("/dashboard/api/audit?limit=3", &admin);
    let rest = house.asked(&format!("/dashboard/api/audit?before={}", page["before"].as_str().expect("more")), &admin);
    assert_eq!(
        (page["records"].as_array().map(Vec::len), rest["records"].as_array().map(Vec::len)),
        (Some(3), Some(1))
    );
    for wrong in ["what=1", "before=1", "since=today", "name=%5B"] {
        let headers = format!("host: localhost\r\nauthorization: Bearer {admin}\r\n");
        assert_eq!(house.get(&format!("/dashboard/api/audit?{wrong}"), &headers).status, 400, "{wrong}");
    }
}

#[test]
fn strangers_and_other_peoples_pages_get_nothing() {
    let (house, [admin, ..]) = inhabited();
    let with = |path: &str, headers: &str| house.get(path, headers).status;
    for path in ["/dashboard/api/overview", "/dashboard/api/audit"] {
        assert_eq!(with(path, "host: localhost\r\n"), 401);
        let key = format!("authorization: Bearer {admin}\r\n");
        assert_eq!(with(path, &format!("host: localhost\r\n{key}")), 200);
        assert_eq!(with(path, &format!("host: rebound.example\r\n{key}")), 403, "another host's name for this address");
        assert_eq!(with(path, &format!("host: localhost\r\norigin: https://evil.example\r\n{key}")), 403);
        // A proxy passed it on: whoever asks is not at this machine.
        assert_eq!(with(path, &format!("host: localhost\r\nx-forwarded-for: 192.0.2.1\r\n{key}")), 403);
    }
    let page = house.get("/", "host: localhost\r\n");
    assert_eq!(page.status, 200);
    let head = page.head.to_lowercase();
    for said in [
        "content-security-policy: default-src 'none'",
        "require-trusted-types-for 'script'",
        "frame-ancestors 'none'",
        "referrer-policy: no-referrer",
        "nosniff",
    ] {
        assert!(head.contains(said), "{said} in {head}");
    }
    assert!(!page.body.contains("<script>") && !page.body.contains("style="), "nothing inline");
    let tag = head.lines().find_map(|line| line.strip_prefix("etag: ")).expect("a tag").to_owned();
    assert_eq!(with("/", &format!("host: localhost\r\nif-none-match: {tag}\r\n")), 304);
    assert_eq!(with("/dashboard/../Cargo.toml", "host: localhost\r\n"), 404);
    assert_eq!(
        exchange(
            house.server.address,
            "POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
        )
        .status,
        405
    );
    let off = House::open("[dashboard]\nreaders = \"off\"\n");
    assert_eq!(
        (off.get("/", "host: localhost\r\n").status, off.get("/dashboard/app.js", "host: localhost\r\n").status),
        (404, 404)
    );
    // Alone on a laptop, without keys and roles, all is one's own.
    let alone = House::open("");
    let told: Value =
        serde_json::from_str(&alone.get("/dashboard/api/overview", "host: localhost\r\n").body).expect("JSON");
    assert_eq!(told["me"]["sees_all"], json!(true));
}
