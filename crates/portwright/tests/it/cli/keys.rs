//! `portwright keys`, and a server that asks for them.

use serde_json::{Value, json};

use super::Folder;
use crate::harness::server::{Portwright, serve};
use crate::harness::wire::exchange;

const CONFIG: &str = "[auth.keys]\nfile = \"keys.toml\"\n[listen]\nanonymous = \"never\"\n\
                      [resources.\"notes://a\"]\ntext = \"Here.\"\n";

fn list(folder: &Folder) -> Vec<Value> {
    let listed = folder.run(&["keys", "list", "--json"]);
    assert_eq!(listed.code, 0, "{}", listed.errors);
    serde_json::from_str(&listed.out).expect("JSON")
}

#[test]
fn keys_are_made_listed_and_revoked() {
    let folder = Folder::with(CONFIG);
    let none = folder.run(&["keys", "list"]);
    assert_eq!((none.code, none.out.as_str()), (0, "there are no keys\n"));
    assert_eq!(list(&folder), [] as [Value; 0]);
    let added = folder.run(&["keys", "add", "ci", "--role", "analyst", "--role", "reader", "--expires", "90d"]);
    assert_eq!(added.code, 0, "{}", added.errors);
    let key = added.out.trim();
    assert!(key.starts_with("pw_") && added.errors.contains("only time"), "{}", added.errors);
    let file = std::fs::read_to_string(folder.file("keys.toml")).expect("written");
    assert!(!file.contains(&key[20..]) && file.contains("sha256:"), "{file}");
    let keys = list(&folder);
    assert_eq!(
        (&keys[0]["name"], &keys[0]["roles"], &keys[0]["state"]),
        (&json!("ci"), &json!("analyst reader"), &json!("valid"))
    );
    assert!(keys[0]["expires"].is_string() && keys[0]["last_used"].is_null(), "{keys:?}");

    let again = folder.run(&["keys", "add", "ci"]);
    assert_eq!(again.code, 2);
    assert!(again.errors.contains("`ci` has a key") && again.errors.contains("revoke it first"), "{}", again.errors);
    assert_eq!(folder.run(&["keys", "revoke", "ci"]).code, 0);
    assert_eq!(list(&folder)[0]["state"], "revoked");
    assert_eq!(folder.run(&["keys", "add", "ci"]).code, 0, "a name is free again");
    let wrong = folder.run(&["keys", "revoke", "cj"]);
    assert_eq!(wrong.code, 2);
    assert!(wrong.errors.contains("did you mean `ci`?"), "{}", wrong.errors);
    for odd in ["", "a b", "a/b"] {
        assert_eq!(folder.run(&["keys", "add", odd]).code, 2, "{odd}");
    }
}

#[test]
fn a_configuration_without_keys_says_what_to_write() {
    let refused = Folder::with("").run(&["keys", "list"]);
    assert_eq!(refused.code, 2);
    assert!(refused.errors.contains("[auth.keys]"), "{}", refused.errors);
    let folder = Folder::with("");
    assert_eq!(folder.run(&["keys", "add", "ada", "--file", "other.toml"]).code, 0);
    assert!(folder.file("other.toml").exists());
}

#[test]
fn a_broken_file_of_keys_stops_the_server_before_it_serves() {
    let folder = Folder::with(CONFIG);
    std::fs::write(folder.file("keys.toml"), "[keys.ada]\nid = 7\n").expect("written");
    let listed = folder.run(&["keys", "list"]);
    assert_eq!(listed.code, 2);
    assert!(listed.errors.contains("keys.toml is no file of keys"), "{}", listed.errors);
    let ended = folder.run(&["serve", "--listen", "127.0.0.1:0"]);
    assert_ne!(ended.code, 0);
    assert!(ended.errors.contains("keys.toml"), "{}", ended.errors);
}

#[test]
fn the_server_asks_for_a_key() {
    let folder = Folder::with(CONFIG);
    let key = folder.run(&["keys", "add", "ada"]).out.trim().to_owned();
    let server = Portwright::listening(serve(&folder.file("portwright.toml")));
    let post = |authorization: Option<&str>| {
        let message = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
            "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}});
        let authorization = authorization.map(|it| format!("Authorization: {it}\r\n")).unwrap_or_default();
        let message = message.to_string();
        let head = format!(
            "POST /mcp HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nAccept: application/json, \
             text/event-stream\r\nConnection: close\r\n{authorization}Content-Length: {}\r\n\r\n",
            server.address,
            message.len()
        );
        exchange(server.address, &format!("{head}{message}")).status
    };
    assert_eq!(post(None), 401);
    assert_eq!(post(Some(&format!("Bearer {key}x"))), 401);
    assert_eq!(post(Some(&format!("Bearer {key}"))), 200);
    assert!(!server.errors().contains(&key[20..]), "a key is in the log");
}
