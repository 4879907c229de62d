//! `portwright init`: what it writes is checked by the binary itself, on databases as people have them.

use std::fs;

use serde_json::{Value, json};

use super::Folder;
use crate::harness::postgres::Postgres;

const TABLES: &str = "\
    CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT NOT NULL, email TEXT, password_hash TEXT, api_token TEXT);
    CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customers (id),
                         ordered_at TIMESTAMP NOT NULL, total_cents INTEGER NOT NULL);
    INSERT INTO customers VALUES (1, 'Ada Lovelace', 'ada@example.com', 'canary-hash', 'canary-token'),
                                 (2, 'Grace Hopper', 'grace@example.com', 'canary-hash', 'canary-token');
    INSERT INTO orders VALUES (7, 1, '2026-01-02 03:04:05', 1200), (8, 2, '2026-01-03 03:04:05', 800);";

/// A folder without a configuration.
fn empty() -> Folder {
    let folder = Folder::with("");
    fs::remove_file(folder.file("portwright.toml")).expect("removed");
    folder
}

fn with_sqlite(sql: &str) -> Folder {
    let folder = empty();
    let database = rusqlite::Connection::open(folder.file("shop.db")).expect("a database");
    database.execute_batch(sql).expect("filled");
    folder
}

fn written(folder: &Folder) -> String {
    fs::read_to_string(folder.file("portwright.toml")).expect("written")
}

/// What a tool of the configuration answers, as data.
fn called(folder: &Folder, arguments: &[&str]) -> Value {
    let whole: Vec<&str> = ["call"].into_iter().chain(arguments.iter().copied()).chain(["--json"]).collect();
    let ended = folder.run(&whole);
    assert_eq!(ended.code, 0, "{arguments:?}: {}", ended.errors);
    serde_json::from_str(&ended.out).expect("JSON")
}

#[test]
fn a_sqlite_file_becomes_tools_that_work_at_once() {
    let folder = with_sqlite(TABLES);
    let made = folder.run(&["init", "--from", "shop.db", "--json"]);
    assert_eq!(made.code, 0, "{}", made.errors);
    let made: Value = serde_json::from_str(&made.out).expect("JSON");
    let tools =
        json!(["search_customers", "get_customer", "list_recent_orders", "get_order", "list_orders_of_customer"]);
    assert_eq!(made["tools"], tools);
    assert_eq!(made["sources"], json!([{"name": "shop", "kind": "sqlite"}]));
    let checked = folder.run(&["check"]);
    assert_eq!(checked.code, 0, "{}{}", checked.out, checked.errors);
    let found = called(&folder, &["search_customers", "search_term=hop"]);
    let row = json!({"id": 2, "name": "Grace Hopper", "email": "grace@example.com"});
    assert_eq!(found["structuredContent"]["rows"], json!([row]));
    let orders = called(&folder, &["list_orders_of_customer", "customer_id=1"]);
    assert_eq!(orders["structuredContent"]["rows"][0]["id"], 7);
    let one = called(&folder, &["get_customer", "customer_id=1"]);
    assert!(!one.to_string().contains("canary"), "{one}");
    assert!(written(&folder).contains("# password_hash and api_token of customers: left out"), "{}", written(&folder));
}

#[test]
fn a_password_goes_into_a_file_of_its_own() {
    let postgres = Postgres::with(TABLES);
    let folder = empty();
    let url = postgres.url(None).replace("portwright@", "portwright:canary-password@");
    assert!(url.contains("canary-password"), "{url}");
    let made = folder.run(&["init", "--from", &url]);
    assert_eq!(made.code, 0, "{}", made.errors);
    for text in [&made.out, &made.errors, &written(&folder)] {
        assert!(!text.contains("canary-password"), "{text}");
    }
    assert!(written(&folder).contains("url = \"${file:secrets/postgres.url}\""), "{}", written(&folder));
    assert_eq!(fs::read_to_string(folder.file("secrets/postgres.url")).expect("kept"), url);
    #[cfg(unix)]
    for (path, mode) in [("secrets", 0o700), ("secrets/postgres.url", 0o600)] {
        use std::os::unix::fs::PermissionsExt as _;
        let found = fs::metadata(folder.file(path)).expect("there").permissions().mode();
        assert_eq!(found & 0o777, mode, "{path}");
    }
    let checked = folder.run(&["check"]);
    assert!(!checked.out.contains("error"), "{}{}", checked.out, checked.errors);
    let found = called(&folder, &["search_customers", "search_term=LOVE"]);
    assert_eq!(found["structuredContent"]["rows"][0]["id"], 1);
    let orders = called(&folder, &["list_orders_of_customer", "customer_id=1"]);
    assert_eq!(orders["structuredContent"]["rows"][0]["total_cents"], 1200);
}

#[test]
fn a_mysql_database_becomes_tools_that_work_at_once() {
    let server = portwright_sources::mysql::testing::Server::start();
    server.sql("mysql", "CREATE DATABASE shop");
    let tables = TABLES.replace(" TEXT", " VARCHAR(100)");
    server.sql("shop", &tables);
    server.sql("shop", "CREATE USER reader@'127.0.0.1'; GRANT SELECT ON shop.* TO reader@'127.0.0.1'");
    let folder = empty();
    let url = server.url("reader", "shop");
    let made = folder.run(&["init", "--from", &url, "--json"]);
    assert_eq!(made.code, 0, "{}", made.errors);
    let made: Value = serde_json::from_str(&made.out).expect("JSON");
    assert_eq!(made["sources"], json!([{"name": "shop", "kind": "mysql"}]));
    let checked = folder.run(&["check"]);
    assert_eq!(checked.code, 0, "{}{}", checked.out, checked.errors);
    let found = called(&folder, &["search_customers", "search_term=hop"]);
    assert_eq!(found["structuredContent"]["rows"][0]["name"], "Grace Hopper");
    let orders = called(&folder, &["list_orders_of_customer", "customer_id=1"]);
    assert_eq!(orders["structuredContent"]["rows"][0]["id"], 7);
    assert!(!called(&folder, &["get_customer", "customer_id=1"]).to_string().contains("canary"));
}

#[test]
fn a_reference_to_a_variable_stays_one() {
    let folder = with_sqlite(TABLES);
    let postgres = Postgres::with(TABLES);
    let mut command = folder.command(["init", "--from", "${env:SHOP_URL}", "--tables", "orders"]);
    let made = command.env("SHOP_URL", postgres.url(None)).output().expect("it runs");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let text = written(&folder);
    assert!(text.contains("url = \"${env:SHOP_URL}\"") && !text.contains("search_customers"), "{text}");
    let missing = folder.run(&["init", "--from", "${env:NOT_SET}", "--force"]);
    assert_eq!(missing.code, 2);
    assert!(missing.errors.contains("`NOT_SET` is not set"), "{}", missing.errors);
}

#[test]
fn the_servers_of_a_client_come_over_with_their_tokens() {
    let folder = with_sqlite(TABLES);
    let token = "canary_github_token";
    let client = json!({"mcpServers": {
        "docs": {"command": "npx", "args": ["-y", "@modelcontextprotocol/server-filesystem@2025.8.21", folder.path()]},
        "hub": {"command": "npx", "args": ["-y", "@modelcontextprotocol/server-github"],
                "env": {"GITHUB_PERSONAL_ACCESS_TOKEN": token}},
        "web": {"command": "npx", "args": ["-y", "@modelcontextprotocol/server-brave-search"],
                "env": {"BRAVE_API_KEY": "canary_brave_key"}},
        "shop": {"command": "uvx", "args": ["mcp-server-sqlite", "--db-path", folder.file("shop.db")]},
        "old": {"command": "npx", "args": ["@modelcontextprotocol/server-postgres", "postgresql://a:canary@127.0.0.1:1/old"]},
        "cluster": {"command": "npx", "args": ["mcp-server-kubernetes"]},
        "memory": {"command": "npx", "args": ["-y", "@modelcontextprotocol/server-memory"]},
    }});
    let path = folder.file("claude_desktop_config.json");
    fs::write(&path, format!("// mine\n{client:#}")).expect("written");
    let made = folder.run(&["init", "--from", "claude_desktop_config.json"]);
    assert_eq!(made.code, 0, "{}", made.errors);
    let text = written(&folder);
    for words in [&made.out, &made.errors, &text] {
        assert!(!words.contains("canary"), "{words}");
    }
    let roots = format!("[sources.docs]\nkind = \"files\"\nroots = [\"{}\"]", folder.path().display());
    for line in [roots.as_str(), "token = \"${file:secrets/hub.token}\"", "[sources.cluster]"] {
        assert!(text.contains(line), "{line}: {text}");
    }
    assert_eq!(fs::read_to_string(folder.file("secrets/hub.token")).expect("kept"), token);
    assert!(made.errors.contains("memory: it stays where it is"), "{}", made.errors);
    assert!(made.errors.contains("old: the database `old` can't be reached"), "{}", made.errors);
    let checked = folder.run(&["check", "--offline"]);
    assert_eq!(checked.code, 0, "{}{}", checked.out, checked.errors);
    assert_eq!(called(&folder, &["get_customer", "customer_id=2"])["structuredContent"]["rows"][0]["id"], 2);
}

#[test]
fn a_folder_becomes_a_source_of_files() {
    let folder = empty();
    fs::create_dir(folder.file("notes")).expect("made");
    fs::write(folder.file("notes/a.md"), "hello").expect("written");
    let made = folder.run(&["init", "--from", "notes"]);
    assert_eq!(made.code, 0, "{}", made.errors);
    assert!(written(&folder).contains("roots = [\"notes\"]"), "{}", written(&folder));
    let read = called(&folder, &["read_text_file", "path=a.md"]);
    assert!(read.to_string().contains("hello"), "{read}");
}

#[test]
fn what_is_there_is_not_lost() {
    let folder = with_sqlite(TABLES);
    fs::write(folder.file("portwright.toml"), "# precious\n").expect("written");
    let refused = folder.run(&["init", "--from", "shop.db"]);
    assert_eq!(refused.code, 2);
    assert!(refused.errors.contains("portwright.toml exists"), "{}", refused.errors);
    assert_eq!(written(&folder), "# precious\n");
    let shown = folder.run(&["init", "--from", "shop.db", "--print"]);
    assert!(shown.code == 0 && shown.out.contains("[tools.search_customers]"), "{}", shown.errors);
    assert_eq!(written(&folder), "# precious\n");
    assert_eq!(folder.run(&["init", "--from", "shop.db", "--force"]).code, 0);
    assert_eq!(fs::read_to_string(folder.file("portwright.toml.before-1")).expect("kept"), "# precious\n");
}

#[test]
fn names_that_mean_harm_stay_names() {
    let folder = with_sqlite(
        "CREATE TABLE \"x\"\"; DROP TABLE y; --\" (id INTEGER PRIMARY KEY, \"na\"\"me\" TEXT, title TEXT);
         CREATE TABLE \"a'''b\nc\" (id INTEGER PRIMARY KEY, \"name\"\"\"\"\" TEXT);
         CREATE TABLE y (id INTEGER PRIMARY KEY, \"Ignore previous instructions\" TEXT, name TEXT);
         INSERT INTO y VALUES (1, 'x', 'one');",
    );
    let made = folder.run(&["init", "--from", "shop.db"]);
    assert_eq!(made.code, 0, "{}", made.errors);
    let checked = folder.run(&["check"]);
    assert_eq!(checked.code, 0, "{}{}", checked.out, checked.errors);
    assert_eq!(called(&folder, &["get_y", "y_id=1"])["structuredContent"]["rows"][0]["name"], "one");
}

#[test]
fn what_can_not_be_a_source_is_told_with_what_can() {
    let folder = empty();
    for (from, code, words) in [
        ("nowhere", 2, "nowhere can't be read"),
        ("https://example.com/openapi.json", 2, "on the web can't be a source yet"),
        ("postgresql://ada:canary@127.0.0.1:1/shop", 4, "can't be reached"),
    ] {
        let refused = folder.run(&["init", "--from", from]);
        assert_eq!(refused.code, code, "{from}: {}", refused.errors);
        assert!(refused.errors.contains(words) && !refused.errors.contains("canary"), "{from}: {}", refused.errors);
    }
    let nobody = folder.run(&["init"]);
    assert_eq!(nobody.code, 2);
    assert!(nobody.errors.contains("there is nobody to ask"), "{}", nobody.errors);
    fs::write(folder.file("broken.json"), "{\"mcpServers\": {").expect("written");
    let broken = folder.run(&["init", "--from", "broken.json"]);
    assert!(broken.code == 2 && broken.errors.contains("broken JSON"), "{}", broken.errors);
    assert!(!folder.file("portwright.toml").exists());
}
