//! `portwright lint` on our own servers, and on ten that people run.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::process::Command;

use serde_json::{Value, json};

use super::{Ended, Folder};
use crate::harness::files::{root, text};
use crate::harness::server::binary;

fn linted(folder: &Folder, words: &[&str]) -> (i32, Value) {
    let ended = folder.run(&[&["lint", "--json"], words].concat());
    let report = serde_json::from_str(&ended.out);
    (ended.code, report.unwrap_or_else(|error| panic!("{error}: {}{}", ended.out, ended.errors)))
}

#[test]
fn our_own_tools_follow_the_rules() {
    let folder = Folder::with("");
    let (code, demo) = linted(&folder, &["--stdio", "--", binary(), "demo", "--stdio"]);
    assert_eq!((code, &demo["ok"]), (0, &json!(true)), "{demo:#}");
    for kind in ["files", "brave", "github"] {
        let folder = Folder::with(&text(&format!("examples/{kind}.toml")));
        std::fs::create_dir_all(folder.file("docs")).expect("a folder");
        let mut command = folder.command(["lint", "--json"]);
        command.envs([("GITHUB_TOKEN", "x"), ("BRAVE_API_KEY", "x")]);
        let ended = Ended::of(command.output().expect("the binary runs"));
        let report: Value = serde_json::from_str(&ended.out).unwrap_or_else(|_| panic!("{kind}: {}", ended.errors));
        assert!(report["tools"].as_array().is_some_and(|tools| tools.len() > 5), "{kind}: {report}");
        let told = report["findings"].as_array().into_iter().flatten().filter(|finding| finding["severity"] != "hint");
        let told: Vec<_> = told.map(|finding| format!("{}: {}", finding["name"], finding["rule"])).collect();
        assert!(told.is_empty() && ended.code == 0, "{kind}: {told:#?}");
    }
}

#[test]
fn findings_have_a_place_in_the_configuration_and_end_with_5() {
    let folder = Folder::with(
        "[sources.shop]\nkind = \"sqlite\"\npath = \"shop.db\"\ntools = []\n\n[tools.q]\nsource = \"shop\"\n\
         description = \"Ask.\"\nsql = \"SELECT 1 AS one\"\n",
    );
    rusqlite::Connection::open(folder.file("shop.db"))
        .expect("a database")
        .execute_batch("CREATE TABLE t (a)")
        .expect("made");
    let (code, report) = linted(&folder, &[]);
    assert_eq!(code, 5);
    let vague =
        report["findings"].as_array().into_iter().flatten().find(|finding| finding["rule"] == "description-vague");
    assert_eq!(vague.expect("found")["place"]["line"], 6, "{report:#}");
    let (code, _) = linted(&folder, &["--allow", "description-vague", "--allow", "no-returns"]);
    assert_eq!(code, 0);
    let wrong = folder.run(&["lint", "--allow", "description-vage"]);
    assert!(wrong.code == 2 && wrong.errors.contains("did you mean `description-vague`?"), "{}", wrong.errors);
    let sarif = folder.run(&["lint", "--format", "sarif"]);
    let sarif: Value = serde_json::from_str(&sarif.out).expect("JSON");
    let place = &sarif["runs"][0]["results"][0]["locations"][0]["physicalLocation"];
    assert_eq!(place["region"]["startLine"], 6, "{sarif:#}");
    let told = folder.run(&["lint"]);
    assert!(told.out.contains("description-vague") && told.out.contains("portwright.toml:6:"), "{}", told.out);
}

/// A server that people run: what it is called, and how it is started from the root.
struct Known {
    name: &'static str,
    command: Vec<String>,
}

fn known(scratch: &str) -> Vec<Known> {
    let node = |name, program: &str, more: &[&str]| {
        let program = root().join(".tools/lint/node_modules/.bin").join(program).display().to_string();
        Known { name, command: [&[program.as_str()], more].concat().into_iter().map(str::to_owned).collect() }
    };
    let python = |name, module: &str, more: &[&str]| {
        let program = root().join(".tools/lint-python/bin/python").display().to_string();
        Known {
            name,
            command: [&[program.as_str(), "-m", module], more].concat().into_iter().map(str::to_owned).collect(),
        }
    };
    vec![
        node("@modelcontextprotocol/server-everything", "mcp-server-everything", &["stdio"]),
        node("@modelcontextprotocol/server-filesystem", "mcp-server-filesystem", &[scratch]),
        node("@modelcontextprotocol/server-memory", "mcp-server-memory", &[]),
        node("@modelcontextprotocol/server-sequential-thinking", "mcp-server-sequential-thinking", &[]),
        node("@upstash/context7-mcp", "context7-mcp", &[]),
        node("mcp-server-kubernetes", "mcp-server-kubernetes", &[]),
        node("@brave/brave-search-mcp-server", "brave-search-mcp-server", &["--brave-api-key", "x"]),
        python("mcp-server-time", "mcp_server_time", &[]),
        python("mcp-server-git", "mcp_server_git", &[]),
        python("mcp-server-fetch", "mcp_server_fetch", &[]),
    ]
}

#[test]
fn ten_servers_that_people_run_are_looked_at() {
    let folder = Folder::with("");
    let mut rows = String::from(
        "| server | tools | tokens | errors | warnings | hints | found most |\n|---|---|---|---|---|---|---|\n",
    );
    for server in known(&folder.path().display().to_string()) {
        assert!(
            std::path::Path::new(&server.command[0]).exists(),
            "{} is missing; run ./test, it installs it",
            server.command[0]
        );
        let mut lint = Command::new(binary());
        lint.args(["lint", "--json", "--stdio", "--"]).args(&server.command).current_dir(folder.path());
        let ended = Ended::of(lint.output().expect("the binary runs"));
        assert!([0, 5].contains(&ended.code), "{}: {}", server.name, ended.errors);
        let report: Value = serde_json::from_str(&ended.out).expect("JSON");
        let tools = report["tools"].as_array().map_or(0, Vec::len);
        assert!(tools > 0 && report["tokens"].as_u64() > Some(0), "{}: {report}", server.name);
        let mut rules: BTreeMap<&str, usize> = BTreeMap::new();
        for finding in report["findings"].as_array().into_iter().flatten() {
            *rules.entry(finding["rule"].as_str().unwrap_or_default()).or_default() += 1;
        }
        let mut rules: Vec<_> = rules.into_iter().collect();
        rules.sort_by_key(|(rule, count)| (usize::MAX - count, *rule));
        let most: Vec<_> = rules.iter().take(3).map(|(rule, count)| format!("{rule} ({count})")).collect();
        let number = |key: &str| report[key].to_string();
        let _ = writeln!(
            rows,
            "| {} | {tools} | {} | {} | {} | {} | {} |",
            server.name,
            number("tokens"),
            number("errors"),
            number("warnings"),
            number("hints"),
            most.join(", ")
        );
    }
    println!("{rows}");
    if std::env::var_os("PORTWRIGHT_GENERATE").is_some() {
        let page = text("docs/guide/lint.md");
        let (before, rest) = page.split_once("<!-- servers -->\n").expect("a mark");
        let (_, after) = rest.split_once("<!-- end -->").expect("a mark");
        let page = format!("{before}<!-- servers -->\n{rows}<!-- end -->{after}");
        std::fs::write(root().join("docs/guide/lint.md"), page).expect("written");
    }
}
