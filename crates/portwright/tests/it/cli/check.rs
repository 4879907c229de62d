//! `portwright check`.

use serde_json::Value;

use super::Folder;

#[test]
fn offline_reads_the_file_and_opens_nothing() {
    let ended = Folder::with("[server]\nname = \"acme\"\n").run(&["check", "--offline"]);
    assert_eq!((ended.code, ended.errors.as_str()), (0, ""));
    assert!(ended.out.contains("portwright.toml  (offline: nothing was opened)"), "{}", ended.out);
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
