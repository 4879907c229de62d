//! `portwright check`.

use serde_json::Value;

use super::Folder;

#[test]
fn offline_reads_the_file_and_opens_nothing() {
    let ended = Folder::with("[server]\nname = \"acme\"\n").run(&["check", "--offline"]);
    assert_eq!((ended.code, ended.errors.as_str()), (0, ""));
    assert!(ended.out.contains("portwright.toml  (offline: nothing was opened)"), "{}", ended.out);
}

/// 192.0.2.1 belongs to nobody (RFC 5737): whoever asked it would wait.
#[test]
fn offline_asks_no_host() {
    let source = "[sources.far]\nkind = \"postgres\"\nurl = \"postgres://ada:hunter2@192.0.2.1/shop\"\n";
    let ended = Folder::with(source).run(&["check", "--offline", "--json"]);
    assert_eq!(ended.code, 0, "{}", ended.out);
    let report: Value = serde_json::from_str(&ended.out).unwrap();
    assert_eq!((&report["ok"], &report["sources"]), (&true.into(), &Value::Array(Vec::new())));
    assert!(!ended.out.contains("hunter2"));
}

#[test]
fn programs_get_json() {
    let folder = Folder::with("[server]\nnmae = \"${env:DATABASE_URL}\"\n[listen]\ndrain = \"${env:DATABASE_URL}\"\n");
    let ended = folder.run(&["check", "--json"]);
    assert_eq!(ended.code, 3);
    let report: Value = serde_json::from_str(&ended.out).unwrap();
    assert_eq!(report["ok"], false);
    assert_eq!(report["problems"][0]["rule"], "unknown-key");
    assert_eq!(report["problems"][0]["line"], 2);
    assert_eq!(report["problems"][1]["rule"], "bad-value");
    assert!(!ended.out.contains("canary") && !ended.errors.contains("canary"));
}

#[test]
fn a_source_that_is_not_there_is_pointed_at() {
    let folder = Folder::with("[sources.shop]\nkind = \"sqlite\"\npath = \"gone.sqlite\"\n");
    let ended = folder.run(&["check"]);
    assert_eq!(ended.code, 4);
    assert!(ended.out.contains("portwright.toml:3:8") && ended.out.contains("error[unreachable]"), "{}", ended.out);
    let report: Value = serde_json::from_str(&folder.run(&["check", "--json"]).out).unwrap();
    assert_eq!((&report["ok"], &report["sources"][0]["state"]), (&false.into(), &"unreachable".into()));
    assert_eq!(folder.run(&["check", "--offline"]).code, 0);
}

#[test]
fn names_that_two_sources_offer_are_said() {
    let folder = Folder::with(
        "[sources.a]\nkind = \"sqlite\"\npath = \"a.sqlite\"\n[sources.b]\nkind = \"sqlite\"\npath = \"b.sqlite\"\n",
    );
    for name in ["a.sqlite", "b.sqlite"] {
        let made = rusqlite::Connection::open(folder.file(name)).unwrap();
        made.execute_batch("CREATE TABLE t (id integer)").unwrap();
    }
    let ended = folder.run(&["check"]);
    assert_eq!(ended.code, 0, "{}", ended.errors);
    assert_eq!(
        ended.out.matches("advice[same-name]: more than one source (`a`, `b`) offers").count(),
        1,
        "{}",
        ended.out
    );
    assert!(ended.out.contains("`list_tables`") && ended.out.contains("such as `a."), "{}", ended.out);
}

#[test]
fn an_audit_that_has_no_folder_is_said() {
    let folder = Folder::with("[audit]\nfile = \"logs/audit.jsonl\"\n");
    let ended = folder.run(&["check"]);
    assert_eq!(ended.code, 5, "{}", ended.out);
    assert!(ended.out.contains("portwright.toml:2:8") && ended.out.contains("error[missing-folder]"), "{}", ended.out);
    assert_eq!(folder.run(&["check", "--offline"]).code, 0);
    std::fs::create_dir(folder.file("logs")).unwrap();
    assert_eq!(folder.run(&["check"]).code, 0);
}

#[test]
fn rules_and_roles_that_decide_nothing_are_said() {
    let config = "[auth.keys]\nfile = \"keys.toml\"\n[prompts.greet]\ntemplate = \"Hi.\"\ndescription = \"Greets.\"\n\
                  [roles.reader]\nallow = [\"prompts:gret\", \"prompts:gre*\", \"tools:*\", \"resources:db://x/**\"]\n\
                  deny = [\"tools:delete_*\"]\n";
    let folder = Folder::with(config);
    assert_eq!(folder.run(&["keys", "add", "ada", "--role", "readr"]).code, 0);
    let ended = folder.run(&["check", "--json"]);
    assert_eq!(ended.code, 0, "advice is no finding: {}", ended.out);
    let report: Value = serde_json::from_str(&ended.out).unwrap();
    let said: Vec<_> =
        report["problems"].as_array().unwrap().iter().map(|one| (one["rule"].clone(), one["line"].clone())).collect();
    assert_eq!(
        said,
        [("unknown-role".into(), 2.into()), ("fits-nothing".into(), 7.into()), ("fits-nothing".into(), 8.into())],
        "{}",
        ended.out
    );
    assert!(
        ended.out.contains("did you mean `reader`?") && ended.out.contains("`prompts:gret` fits nothing"),
        "{}",
        ended.out
    );
}
