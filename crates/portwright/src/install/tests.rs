//! Each client's file as people have it: our entry comes in and goes out, and nothing else moves.

use std::fs;
use std::path::PathBuf;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::edit::{EditError, put, take};
use super::{CLIENTS, Client, Format, InstallError, Os, Places, Scope, Server};

fn places(folder: &tempfile::TempDir, os: Os) -> Places {
    let home = folder.path().join("home");
    Places {
        os,
        cwd: folder.path().join("work"),
        xdg: None,
        codex: None,
        appdata: Some(home.join("AppData/Roaming")),
        home,
    }
}

fn client(id: &str) -> &'static Client {
    CLIENTS.iter().find(|client| client.id == id).expect(id)
}

fn local() -> Server {
    let args = ["serve", "--stdio", "-c", "/srv/portwright.toml"].map(str::to_owned).to_vec();
    Server::Command { command: "/usr/bin/portwright".to_owned(), args }
}

fn remote() -> Server {
    let headers = vec![("Authorization".to_owned(), "Bearer k".to_owned())];
    Server::Remote { url: "http://127.0.0.1:8722/mcp".to_owned(), headers }
}

/// Files as these clients write them, with what people add: comments, other servers, tabs, odd commas.
const LIVED_IN: [(&str, &str); 6] = [
    (
        "claude-desktop",
        "{\n  \"mcpServers\": {\n    \"fs\": {\n      \"command\": \"npx\",\n      \"args\": [\"-y\", \"x\"]\n    }\n  },\n  \"globalShortcut\": \"\"\n}\n",
    ),
    (
        "vscode",
        "{\n\t// mine\n\t\"servers\": {\n\t\t\"gh\": { \"type\": \"http\", \"url\": \"https://x\" }, // hosted\n\t},\n\t\"inputs\": [],\n}\n",
    ),
    ("zed", "// Zed settings\r\n{\r\n  \"theme\": \"One Dark\", /* dark */\r\n  \"vim_mode\": true,\r\n}\r\n"),
    (
        "codex",
        "# mine\nmodel = \"gpt-5\"   # the model\n\n[mcp_servers.docs]\ncommand = \"npx\"\nargs = [\"-y\", \"docs\"]\n\n[profiles.a]\nx = 1\n",
    ),
    ("gemini-cli", "{\"theme\":\"Dracula\",\"mcpServers\":{}}"),
    ("opencode", "{\n  \"$schema\": \"https://opencode.ai/config.json\",\n  \"mcp\": {}\n}\n"),
];

#[test]
fn files_that_are_lived_in_keep_everything_else() {
    for (id, before) in LIVED_IN {
        let client = client(id);
        for server in [local(), remote()] {
            let Some(entry) = (client.entry)(&server) else { continue };
            let with = put(client.format, before, client.keys, "shop", &entry, false).expect(id).expect("a change");
            for line in before.lines().filter(|line| line.contains("//") || line.contains('#') || line.contains("/*")) {
                assert!(with.contains(line.trim_end()), "{id}: {line}\n{with}");
            }
            assert_eq!(with.contains("\r\n"), before.contains("\r\n"), "{id}: line ends");
            assert!(
                !with.replace("\r\n", "").contains('\r')
                    && (!before.contains("\r\n") || !with.replace("\r\n", "").contains('\n')),
                "{id}: {with:?}"
            );
            assert_eq!(put(client.format, &with, client.keys, "shop", &entry, false), Ok(None), "{id}: a second time");
            let without =
                take(client.format, &with, client.keys, "shop", Some(&entry), false).expect(id).expect("a change");
            let bare = |text: &str| text.split_whitespace().collect::<String>().replace(",}", "}");
            let (gone, was) = (bare(&without), bare(before));
            let emptied = gone.replace(",\"context_servers\":{}", "").replace("\"context_servers\":{}", "");
            assert!(gone == was || emptied.replace(",}", "}") == was, "{id}:\n{without}\n{before}");
        }
    }
}

#[test]
fn every_client_gets_its_entry_on_every_system_and_gives_it_back() {
    for client in CLIENTS.iter().filter(|client| client.format != Format::Shown) {
        for os in [Os::Mac, Os::Windows, Os::Linux] {
            let folder = tempfile::tempdir().expect("a folder");
            let places = places(&folder, os);
            for scope in [Scope::User, Scope::Project] {
                let done = match client.install(&places, scope, "shop", &local(), false) {
                    Err(InstallError::NoProject(_)) if scope == Scope::Project => continue,
                    done => done.unwrap_or_else(|error| panic!("{}: {error}", client.id)),
                };
                let file = done.file.expect("a file");
                assert!(file.starts_with(folder.path()) && done.changed && done.backup.is_none(), "{file:?}");
                let text = fs::read_to_string(&file).expect("written");
                assert!(text.contains("/usr/bin/portwright") && text.ends_with('\n'), "{}: {text}", client.id);
                assert_eq!(client.look(&places, scope).entries, ["shop"], "{}", client.id);
                let again = client.install(&places, scope, "shop", &local(), false).expect("again");
                assert!(!again.changed && again.backup.is_none(), "{}", client.id);
                let gone = client.uninstall(&places, scope, "shop", &local(), false).expect("gone");
                assert!(gone.changed && gone.backup.is_some(), "{}", client.id);
                assert!(client.look(&places, scope).entries.is_empty(), "{}", client.id);
            }
        }
    }
}

#[test]
fn ids_are_one_each_and_documented() {
    let mut ids: Vec<_> = CLIENTS.iter().map(|client| client.id).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), CLIENTS.len());
    assert!(CLIENTS.iter().all(|client| client.docs.starts_with("https://")));
}

#[test]
fn what_is_broken_or_somebody_elses_stays() {
    let entry = json!({"command": "/usr/bin/portwright", "args": []});
    let json_of = |text: &str| put(Format::Json, text, &["mcpServers"], "shop", &entry, false);
    assert!(matches!(json_of("{\n  \"mcpServers\": {"), Err(EditError::Broken { .. })));
    assert_eq!(json_of("{\"mcpServers\": {\"shop\": {\"command\": \"npx\"}}}"), Err(EditError::Taken));
    assert!(matches!(json_of("{\"mcpServers\": []}"), Err(EditError::Odd(_))));
    assert!(matches!(json_of("[1]"), Err(EditError::Odd(_))));
    let forced = put(
        Format::Json,
        "{\"mcpServers\": {\"shop\": {\"command\": \"npx\"}}}",
        &["mcpServers"],
        "shop",
        &entry,
        true,
    );
    assert!(forced.is_ok_and(|text| text.is_some_and(|text| text.contains("portwright"))));
    assert!(matches!(
        take(
            Format::Json,
            "{\"mcpServers\": {\"shop\": {\"command\": \"npx\"}}}",
            &["mcpServers"],
            "shop",
            None,
            false
        ),
        Err(EditError::Taken)
    ));
    let broken = put(Format::Toml, "a = 1\nb = [", &["mcp_servers"], "shop", &entry, false);
    assert!(matches!(broken, Err(EditError::Broken { line: 2, .. })), "{broken:?}");
}

#[cfg(unix)]
#[test]
fn a_file_keeps_its_mode_and_a_link_stays_one() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let folder = tempfile::tempdir().expect("a folder");
    let places = places(&folder, Os::Linux);
    let real = folder.path().join("dotfiles.json");
    fs::write(&real, "\u{feff}{\n    \"mcpServers\": {}\n}").expect("written");
    fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).expect("set");
    fs::create_dir_all(places.home.join(".cursor")).expect("made");
    let link = places.home.join(".cursor/mcp.json");
    symlink(&real, &link).expect("linked");
    let done = client("cursor").install(&places, Scope::User, "shop", &local(), false).expect("done");
    assert!(fs::symlink_metadata(&link).expect("there").is_symlink());
    let text = fs::read_to_string(&real).expect("read");
    assert!(text.starts_with("\u{feff}{\n    \"mcpServers\"") && text.contains("\n        \"shop\""), "{text}");
    let mode = |path: &PathBuf| fs::metadata(path).expect("there").permissions().mode() & 0o777;
    let backup = done.backup.expect("a backup");
    assert_eq!((mode(&real), mode(&backup)), (0o640, 0o640));
    assert_eq!(fs::read_to_string(&backup).expect("read"), "\u{feff}{\n    \"mcpServers\": {}\n}");
    // What can't be written is told, and nothing is left beside it.
    fs::remove_file(&link).expect("removed");
    fs::create_dir(&link).expect("made");
    assert!(matches!(
        client("cursor").install(&places, Scope::User, "shop", &local(), false),
        Err(InstallError::File(..))
    ));
    assert_eq!(fs::read_dir(places.home.join(".cursor")).expect("read").count(), 1);
}

#[test]
fn headers_refer_to_variables_where_the_client_can() {
    assert_eq!(client("cursor").header("Bearer env:KEY").expect("fits"), "Bearer ${env:KEY}");
    assert_eq!(client("claude-code").header("env:KEY").expect("fits"), "${KEY}");
    assert_eq!(client("zed").header("Bearer plain").expect("fits"), "Bearer plain");
    assert!(matches!(client("zed").header("Bearer env:KEY"), Err(InstallError::NoReference(_))));
    let codex = client("codex");
    assert!(matches!(codex.header("Token env:KEY"), Err(InstallError::NoReference(_))));
    let headers = [("Authorization", "Bearer env:KEY"), ("X-Team", "env:TEAM"), ("X-Plain", "a")];
    let headers = headers.map(|(name, value)| (name.to_owned(), codex.header(value).expect("fits")));
    let url = "https://mcp.example.com/mcp".to_owned();
    let snippet = codex.snippet("acme", &Server::Remote { url, headers: headers.to_vec() }).expect("a snippet");
    for line in ["bearer_token_env_var = \"KEY\"", "X-Team = \"TEAM\"", "X-Plain = \"a\""] {
        assert!(snippet.contains(line), "{line} in {snippet}");
    }
    assert!(matches!(client("claude-desktop").snippet("shop", &remote()), Err(InstallError::NoRemote(_))));
    let goose = client("goose").snippet("shop", &local()).expect("a snippet");
    assert!(goose.starts_with("extensions:\n  shop:\n    type: \"stdio\""), "{goose}");
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        "[ -~]{0,12}".prop_map(Value::from)
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map("[a-zA-Z$_. -]{1,8}", inner, 0..4).prop_map(|map| map.into_iter().collect()),
        ]
    })
}

proptest! {
    #[test]
    fn whatever_is_in_a_file_stays_there(all in prop::collection::hash_map("[a-zA-Z$_]{1,8}", any_value(), 0..5), pretty in any::<bool>(), remark in "[ a-z]{0,10}") {
        let all: Value = all.into_iter().collect();
        let written = if pretty { serde_json::to_string_pretty(&all) } else { serde_json::to_string(&all) }.expect("JSON");
        let text = format!("// {remark}\n{written}\n/* {remark} */\n");
        let entry = json!({"command": "/usr/bin/portwright", "args": ["serve"]});
        if let Ok(Some(with)) = put(Format::Json, &text, &["mcpServers"], "shop", &entry, false) {
            let remark = format!("// {remark}\n");
            let kept = with.starts_with(&remark);
            prop_assert!(kept, "{}", with);
            let without = take(Format::Json, &with, &["mcpServers"], "shop", None, false).expect("a text").expect("a change");
            prop_assert_eq!(take(Format::Json, &without, &["mcpServers"], "shop", None, false), Ok(None));
        }
    }
}

#[test]
fn what_editors_do_not_read_is_not_guessed_at() {
    let entry = json!({"command": "/usr/bin/portwright", "args": []});
    for text in ["{\"mcpServers\": {\"a\": {} \"b\": {}}}", "{mcpServers: {}}", "{'mcpServers': {}}", "{\"x\": 0x1f}"] {
        let refused = put(Format::Json, text, &["mcpServers"], "shop", &entry, false);
        assert!(matches!(refused, Err(EditError::Broken { .. })), "{text}: {refused:?}");
    }
    let theirs = "{\"mcpServers\": {\"shop\": {\"url\": \"https://theirs.example:8722/mcp\"}}}";
    assert_eq!(take(Format::Json, theirs, &["mcpServers"], "shop", Some(&entry), false), Err(EditError::Taken));
    assert_eq!(put(Format::Json, theirs, &["mcpServers"], "shop", &entry, false), Err(EditError::Taken));
}

#[cfg(unix)]
#[test]
fn a_locked_file_and_a_link_to_nowhere_stay() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let folder = tempfile::tempdir().expect("a folder");
    let places = places(&folder, Os::Linux);
    fs::create_dir_all(places.home.join(".cursor")).expect("made");
    let file = places.home.join(".cursor/mcp.json");
    let refused = || client("cursor").install(&places, Scope::User, "shop", &local(), false);
    fs::write(&file, "{}").expect("written");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o444)).expect("set");
    assert!(matches!(refused(), Err(InstallError::File(..))));
    assert_eq!(fs::read_to_string(&file).expect("read"), "{}");
    fs::remove_file(&file).expect("removed");
    symlink(folder.path().join("nowhere.json"), &file).expect("linked");
    assert!(matches!(refused(), Err(InstallError::File(..))));
    assert!(fs::symlink_metadata(&file).expect("there").is_symlink());
}
