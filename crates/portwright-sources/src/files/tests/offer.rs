//! What is offered, and how the source is configured.

use portwright_core::testing::Contract;
use portwright_core::{RefusalKind, Severity};
use serde_json::{Value, json};

use super::{Place, call, data, decode, text};

#[tokio::test]
async fn it_keeps_the_contract_of_a_source() {
    let place = Place::new();
    place.write("a.txt", "hello\n");
    place.write("folder/b.txt", "hello\n");
    let source = place.open(json!({})).await;
    let object = |value: Value| value.as_object().cloned().unwrap();
    let contract = Contract::of(source)
        .works("read_text_file", object(json!({"path": "a.txt"})))
        .works("list_directory", object(json!({"path": place.root})))
        .works("search_files_content", object(json!({"path": place.root, "query": "hello"})));
    let broken = contract.check().await;
    assert!(broken.is_empty(), "{broken:?}");
}

/// The reference server's list has 13,663 bytes, with 14 tools.
#[tokio::test]
async fn the_list_is_short() {
    let place = Place::new();
    let sizes = async |keys: Value| {
        let tools = place.open(keys).await.tools();
        (tools.len(), serde_json::to_string(&tools).unwrap().len())
    };
    let ((reading, read_bytes), (all, bytes)) = (sizes(json!({})).await, sizes(json!({"access": "read-write"})).await);
    assert_eq!((reading, all), (9, 15));
    assert!(read_bytes < 7_200 && bytes < 11_600, "{read_bytes} and {bytes} bytes");
}

#[tokio::test]
async fn what_writes_is_not_offered_and_not_done_where_the_plan_only_reads() {
    let place = Place::new();
    place.write("a.txt", "hello\n");
    let source = place.open(json!({})).await;
    assert!(source.tools().iter().all(|tool| tool.annotations.as_ref().unwrap().read_only_hint == Some(true)));
    for tool in ["write_file", "edit_file", "create_directory", "move_file", "copy_file", "delete_file"] {
        let refusal = call(&source, tool, json!({"path": "a.txt", "content": "x"})).await.expect_err(tool);
        assert_eq!(refusal.kind(), RefusalKind::NotFound);
    }
    assert_eq!(place.read("a.txt"), b"hello\n");
    let some = place.open(json!({"tools": ["read_*", "!read_media_file"]})).await;
    let names: Vec<_> = some.tools().iter().map(|tool| tool.name.to_string()).collect();
    assert_eq!(names, ["read_text_file", "read_multiple_files"]);
}

#[tokio::test]
async fn the_only_folder_may_be_named_before_what_is_in_it() {
    let place = Place::new();
    place.write("a.txt", "1");
    let source = place.open(json!({})).await;
    for path in ["a.txt", "top/a.txt", "./a.txt", "./top/a.txt"] {
        assert_eq!(data(&source, "read_text_file", json!({"path": path})).await["content"], "1", "{path}");
    }
    for path in [".", "top", "top/"] {
        assert_eq!(
            data(&source, "list_directory", json!({"path": path})).await["entries"][0]["name"],
            "a.txt",
            "{path}"
        );
    }
    place.write("top/a.txt", "2");
    assert_eq!(data(&source, "read_text_file", json!({"path": "top/a.txt"})).await["content"], "2");
}

#[tokio::test]
async fn several_folders_are_told_apart() {
    let place = Place::new();
    let (one, two) = (place.outside().join("one"), place.outside().join("two"));
    for root in [&one, &two] {
        std::fs::create_dir(root).unwrap();
        std::fs::write(root.join("a.txt"), root.display().to_string()).unwrap();
    }
    let table = json!({"roots": [one, two]});
    let source = decode(table.as_object().cloned().unwrap()).unwrap().connect().await.unwrap();
    assert_eq!(
        data(&source, "read_text_file", json!({"path": two.join("a.txt")})).await["content"],
        two.display().to_string()
    );
    assert_eq!(
        data(&source, "read_text_file", json!({"path": "one/a.txt"})).await["content"],
        one.display().to_string()
    );
    let refusal = call(&source, "read_text_file", json!({"path": "a.txt"})).await.expect_err("ambiguous");
    assert!(refusal.public().contains("absolute path"), "{refusal}");
    let refusal = call(&source, "read_text_file", json!({"path": place.outside().join("secret.txt")}))
        .await
        .expect_err("outside");
    assert!(!refusal.public().contains("crown"));
    assert_eq!(source.resources().len(), 2);
}

#[test]
fn a_plan_that_can_not_hold_is_told_at_its_place() {
    let told = |table: Value| {
        let Err(problems) = decode(table.as_object().cloned().unwrap()) else { return "nothing".to_owned() };
        assert!(problems.iter().any(|one| one.severity == Severity::Error));
        problems.iter().map(|one| format!("{} {}", one.place, one.message)).collect::<Vec<_>>().join("\n")
    };
    insta::assert_snapshot!(told(json!({})), @"/sources/docs `roots` is missing");
    insta::assert_snapshot!(told(json!({"roots": ["a", ""], "exclude": ["[x"], "max_bytes": "1B", "hard_links": "no"})), @r"
    /sources/docs/hard_links `no` is not one of its values
    /sources/docs/roots/1 a root is a folder's path
    /sources/docs/exclude/0 error parsing glob '**/[x': unclosed character class; missing ']'
    /sources/docs/max_bytes 1B is not between 1KiB and 64MiB
    ");
}

#[tokio::test]
async fn a_folder_that_is_not_there_is_told() {
    let place = Place::new();
    let table = json!({"roots": [place.path("missing")]});
    let error = decode(table.as_object().cloned().unwrap()).unwrap().connect().await.expect_err("not there");
    assert_eq!(error.to_string(), "a folder of its roots is not there");
    assert_eq!(error.place.map(|place| place.to_string()).as_deref(), Some("/sources/docs/roots/0"));
}

#[tokio::test]
async fn prompts_speak_of_tools_that_are_offered() {
    let place = Place::new();
    let source = place.open(json!({})).await;
    assert_eq!(source.prompts().len(), 2);
    for prompt in source.prompts() {
        let arguments = json!({"question": "why?"}).as_object().cloned().unwrap();
        let filled = source.get_prompt(&prompt.name, &arguments, &super::context()).await.expect("a prompt");
        assert_eq!(filled.messages.len(), 1);
    }
    let few = place.open(json!({"tools": ["get_file_info"]})).await;
    assert!(few.prompts().is_empty());
    let done = call(&place.open(json!({})).await, "list_allowed_directories", json!({})).await.unwrap();
    assert!(text(&done).contains("top"));
}
