//! A folder, served by the example as it stands.

use std::fs;

use serde_json::json;

use crate::harness::files::text;
use crate::harness::server::serve;
use crate::harness::wire::{Client, Era, Stdio};

#[test]
fn the_example_serves_a_folder_in_both_eras() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = folder.path().join("portwright.toml");
    fs::write(&config, text("examples/files.toml")).expect("written");
    fs::create_dir(folder.path().join("docs")).expect("a folder");
    fs::write(folder.path().join("docs/plan.md"), "# Plan\nFirst the harbour, then the ships.\n").expect("written");
    fs::write(folder.path().join("docs/.env"), "TOKEN=xyzzy\n").expect("written");
    for era in Era::BOTH {
        let mut client = Stdio::start(serve(&config), era);
        assert_eq!(client.tools().len(), 9);
        let found = client.call("search_files_content", json!({ "path": "docs", "query": "harbour" }));
        assert_eq!(found["result"]["structuredContent"]["matches"][0]["line"], 2, "{found}");
        // By another server's name, with its arguments.
        let read = client.call("head_file", json!({ "path": "plan.md", "lines": 1 }));
        assert_eq!(read["result"]["structuredContent"]["content"], "# Plan\n", "{read}");
        let hidden = client.call("read_file", json!({ "path": ".env" }));
        assert!(hidden["result"]["isError"] == true && !hidden.to_string().contains("xyzzy"), "{hidden}");
        let uri = format!("file://{}/docs/plan.md", folder.path().display());
        let resource = client.request("resources/read", &json!({ "uri": uri }));
        assert!(
            resource["result"]["contents"][0]["text"].as_str().is_some_and(|text| text.contains("ships")),
            "{resource}"
        );
        let reference =
            json!({ "type": "ref/resource", "uri": format!("file://{}/docs/{{+path}}", folder.path().display()) });
        let typed = json!({ "ref": reference, "argument": { "name": "path", "value": "pl" } });
        let completed = client.request("completion/complete", &typed);
        assert_eq!(completed["result"]["completion"]["values"], json!(["plan.md"]), "{completed}");
        let write = client.call("write_file", json!({ "path": "new.md", "content": "x" }));
        assert!(write.get("error").is_some(), "{write}");
        assert!(client.close().success());
    }
}
