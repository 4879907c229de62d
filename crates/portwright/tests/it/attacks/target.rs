//! The server that is attacked: a database of rows that strangers wrote, keys, an issuer, roles.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use super::case::{Case, Deed};
use super::tokens::{AUDIENCE, Issuer};
use crate::harness::duplex::{Sse, WebSocket};
use crate::harness::server::{Portwright, binary, serve};
use crate::harness::wire::{Client, Era, Http, Stdio};

const DATA: &str = "
    CREATE TABLE customers (id integer PRIMARY KEY, name text NOT NULL, email text NOT NULL);
    INSERT INTO customers VALUES (1, 'Ada Lovelace', 'ada@shop.example'), (2, 'Bo', 'bo@shop.example');
    CREATE TABLE vault (id integer PRIMARY KEY, word text NOT NULL);
    INSERT INTO vault VALUES (1, 'xyzzy-from-the-vault');
    CREATE TABLE notes (id integer PRIMARY KEY, body text NOT NULL);";

/// What callers without a role, over HTTP and over standard input, may do.
const RULES: &str = r#"allow = ["tools:query_customers", "tools:read_note", "tools:run_sql_query", "tools:list_tables", "tools:docs.*", "resources:file://**"]
deny = ["tools:open_vault"]"#;

pub(super) struct Target {
    folder: tempfile::TempDir,
    server: Portwright,
    issuer: Issuer,
    key: String,
    session: String,
}

impl Target {
    /// A server whose rows hold what the cases want to be read.
    pub(super) fn start(cases: &[Case]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let database = rusqlite::Connection::open(folder.path().join("shop.sqlite")).expect("a database");
        database.execute_batch(DATA).expect("filled");
        for (number, case) in cases.iter().enumerate() {
            if let Deed::Row(text) = &case.deed {
                database
                    .execute("INSERT INTO notes VALUES (?1, ?2)", (i64::try_from(number).expect("few"), text))
                    .expect("a row");
            }
        }
        drop(database);
        documents(&folder.path().join("files")).expect("documents");
        let issuer = Issuer::start();
        let config = folder.path().join("portwright.toml");
        // An audit has one writer.
        for name in ["portwright", "stdio", "stdio-2026"] {
            let text = configuration(&issuer.url, &format!("audit-{name}.jsonl"));
            fs::write(folder.path().join(format!("{name}.toml")), text).expect("written");
        }
        fs::write(folder.path().join("bare.toml"), "[resources.\"notes://a\"]\ntext = \"Here.\"\n").expect("written");
        let mut add = Command::new(binary());
        add.args(["keys", "add", "agent", "--role", "analyst", "-c"]).arg(&config);
        let added = add.output().expect("the binary runs");
        let key = String::from_utf8(added.stdout).expect("text").trim().to_owned();
        assert!(key.starts_with("pw_"), "{}", String::from_utf8_lossy(&added.stderr));
        let server = Portwright::start(&config);
        let session = Http::connect(server.address, Era::Legacy).session.expect("a session");
        Self { folder, server, issuer, key, session }
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.server.address
    }

    pub(super) fn issuer(&self) -> &Issuer {
        &self.issuer
    }

    pub(super) fn errors(&self) -> String {
        self.server.errors()
    }

    /// A configuration without anybody who could prove who they are.
    pub(super) fn bare(&self) -> PathBuf {
        self.file("bare.toml")
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A client on each transport, in each era that it has.
    pub(super) fn ways(&self) -> Vec<(&'static str, Box<dyn Client>)> {
        let address = self.address();
        vec![
            ("http", Box::new(Http::connect(address, Era::Legacy))),
            ("http 2026", Box::new(Http::connect(address, Era::Modern))),
            ("sse", Box::new(Sse::connect(address))),
            ("websocket", Box::new(WebSocket::connect(address, Era::Legacy))),
            ("websocket 2026", Box::new(WebSocket::connect(address, Era::Modern))),
            ("stdio", Box::new(Stdio::start(serve(&self.file("stdio.toml")), Era::Legacy))),
            ("stdio 2026", Box::new(Stdio::start(serve(&self.file("stdio-2026.toml")), Era::Modern))),
        ]
    }

    /// A text of a case with its places filled: `{host}`, `{key}`, `{session}`, messages, `{deep}` for objects in one another, and `{many N x}` for N times x.
    pub(super) fn filled(&self, text: &str) -> String {
        let list = Era::Modern.request(1, "tools/list", &json!({}));
        let search = json!({ "name": "query_customers", "arguments": { "search_term": "ada" } });
        let search = Era::Modern.request(1, "tools/call", &search);
        let meta = list["params"]["_meta"].to_string();
        let mut filled = text
            .replace("{files}", &self.file("files").display().to_string())
            .replace("{host}", &self.address().to_string())
            .replace("{key}", &self.key)
            .replace("{session}", &self.session)
            .replace("{list}", &list.to_string())
            .replace("{search}", &search.to_string())
            .replace("{hello}", &Era::Legacy.request(1, "initialize", &Era::hello()).to_string())
            .replace("{meta}", &meta)
            .replace("{deep}", &format!("{}1{}", r#"{"a":"#.repeat(1000), "}".repeat(1000)));
        while let Some((before, rest)) = filled.split_once("{many ") {
            let (what, after) = rest.split_once('}').expect("a place that ends");
            let (times, unit) = what.split_once(' ').expect("how many of what");
            let many = unit.repeat(times.parse().expect("a number"));
            filled = format!("{before}{many}{after}");
        }
        filled
    }

    /// The database's bytes, and which files there are beside it, with what is in the documents.
    pub(super) fn data(&self) -> (Vec<u8>, Vec<String>) {
        let mut names: Vec<String> = fs::read_dir(self.folder.path())
            .expect("the folder")
            .flatten()
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .filter(|name| !name.starts_with("audit-") && !name.starts_with("keys.toml"))
            .collect();
        let mut folders = vec![self.file("files")];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).expect("a folder").flatten() {
                let (path, kind) = (entry.path(), entry.file_type().expect("a type"));
                let text = if kind.is_file() { fs::read_to_string(&path).expect("a text") } else { String::new() };
                names.push(format!("{}: {text}", path.display()));
                folders.extend(kind.is_dir().then_some(path));
            }
        }
        names.sort();
        (fs::read(self.folder.path().join("shop.sqlite")).expect("the database"), names)
    }

    /// What must hold when all was tried.
    pub(super) fn aftermath(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        for (way, mut client) in self.ways() {
            let answer = client.call("query_customers", json!({ "search_term": "ada" }));
            if answer["result"]["structuredContent"]["row_count"] != 1 {
                wrong.push(format!("an honest call is not served any more: {way}: {answer}"));
            }
        }
        let (stray, keys) = self.issuer.asked();
        if stray > 0 || keys > 2 {
            wrong.push(format!("tokens made the server ask: {stray} times for their pages, {keys} times for the keys"));
        }
        let audit = fs::read_to_string(self.file("audit-portwright.jsonl")).expect("the audit");
        for (name, text) in [("log", self.errors()), ("audit", audit.clone())] {
            if let Some(odd) = text.chars().find(|letter| letter.is_control() && *letter != '\n') {
                wrong.push(format!("{odd:?} is in the {name}"));
            }
            for secret in [&self.key[10..], "xyzzy", "sk_live_", "eyJ"] {
                if text.contains(secret) {
                    wrong.push(format!("{secret} is in the {name}"));
                }
            }
        }
        wrong.extend(audit.lines().filter(|line| serde_json::from_str::<Value>(line).is_err()).map(str::to_owned));
        let mut verify = Command::new(binary());
        verify.args(["audit", "verify"]).arg(self.file("audit-portwright.jsonl"));
        if !verify.output().expect("the binary runs").status.success() {
            wrong.push("the audit does not verify".to_owned());
        }
        wrong
    }
}

/// A root, what lies beside it, and every way that might lead there.
fn documents(folder: &Path) -> std::io::Result<()> {
    let (root, word) = (folder.join("top"), "xyzzy-from-the-vault");
    fs::create_dir_all(&root)?;
    fs::create_dir(folder.join("top-evil"))?;
    for place in ["secret.txt", "top-evil/secret.txt", "top/.env"] {
        fs::write(folder.join(place), word)?;
    }
    fs::write(root.join("in.txt"), "inside")?;
    fs::hard_link(folder.join("secret.txt"), root.join("twin.txt"))?;
    fs::rename(folder.join("secret.txt"), folder.join("twin.txt"))?;
    fs::write(folder.join("secret.txt"), word)?;
    fs::write(folder.join("twin.txt"), "inside and outside")?;
    let links = [
        ("link.txt", folder.join("secret.txt")),
        ("out", folder.to_owned()),
        ("chain.txt", "link.txt".into()),
        ("dangling.txt", "../made.txt".into()),
        ("magic", format!("/proc/self/{}/etc", "root").into()),
        ("env.txt", ".env".into()),
    ];
    for (name, leads) in links {
        std::os::unix::fs::symlink(leads, root.join(name))?;
    }
    assert!(Command::new("mkfifo").arg(root.join("pipe")).status()?.success());
    Ok(())
}

fn configuration(issuer: &str, audit: &str) -> String {
    format!(
        r#"
[server]
name = "target"
[audit]
file = "{audit}"
[auth.keys]
file = "keys.toml"
[auth.oauth]
issuer = "{issuer}"
audience = "{AUDIENCE}"
roles_claim = "roles"
[roles.anonymous]
{RULES}
[roles.local]
{RULES}
[roles.analyst]
{RULES}
[sources.shop]
kind = "sqlite"
path = "shop.sqlite"
timeout = "500ms"
[sources.docs]
kind = "files"
roots = ["files/top"]
access = "read-write"
exclude = [".env"]
[tools.query_customers]
source = "shop"
description = "Search customers by a part of their name or email address. Returns id, name and email."
sql = """
SELECT id, name, email FROM customers
WHERE name LIKE '%' || :search_term || '%' OR email LIKE '%' || :search_term || '%' ORDER BY id LIMIT :limit
"""
[tools.query_customers.params]
search_term = {{ type = "string", description = "Part of a name or email address", min_length = 1, max_length = 200 }}
limit = {{ type = "integer", description = "Most rows to return", default = 10, minimum = 1, maximum = 100 }}
[tools.read_note]
source = "shop"
description = "One note by its number. Returns its body."
sql = "SELECT body FROM notes WHERE id = :id"
params = {{ id = {{ type = "integer", description = "Number of the note" }} }}
[tools.open_vault]
source = "shop"
description = "What nobody may see."
sql = "SELECT word FROM vault"
"#
    )
}
