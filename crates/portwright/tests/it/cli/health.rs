//! `portwright health`: what a person and a container's health check are told.

use super::Folder;
use crate::harness::server::{Portwright, serve};

#[test]
fn a_server_that_serves_is_told_from_one_that_does_not() {
    let folder = Folder::with("[resources.\"notes://a\"]\ntext = \"Here.\"\n");
    let server = Portwright::listening(serve(&folder.file("portwright.toml")));
    let url = format!("http://{}", server.address);
    let well = folder.run(&["health", "--url", &url]);
    assert_eq!(well.code, 0, "{}", well.errors);
    assert!(well.out.starts_with("ok  ") && well.out.contains("ready  declared"), "{}", well.out);
    let told: serde_json::Value =
        serde_json::from_str(&folder.run(&["health", "--url", &url, "--json"]).out).expect("JSON");
    assert_eq!(told["status"], "ok");
    drop(server);
    let gone = folder.run(&["health", "--url", &url]);
    assert!(gone.code == 4 && gone.errors.contains("can't be reached"), "{}", gone.errors);
}

#[test]
fn a_server_without_its_sources_is_not_well() {
    let folder =
        Folder::with("[sources.shop]\nkind = \"postgres\"\nurl = \"postgresql://a:canary@127.0.0.1:1/shop\"\n");
    let server = Portwright::listening(serve(&folder.file("portwright.toml")));
    let told = folder.run(&["health", "--url", &format!("http://{}", server.address)]);
    assert_eq!(told.code, 4, "{}", told.out);
    assert!(told.out.contains("shop") && !told.out.contains("canary"), "{}", told.out);
}
