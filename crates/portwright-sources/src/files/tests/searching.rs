//! Searching.

use serde_json::{Value, json};

use super::{Place, call, data, refused, text};

#[tokio::test]
async fn files_are_found_by_name() {
    let place = Place::new();
    for name in ["README.md", "src/lib.rs", "src/deep/test_one.rs", "docs/Readme.txt", "node_modules/x/readme.md"] {
        place.write(name, "");
    }
    place.write(".gitignore", "node_modules/\n");
    let source = place.open(json!({})).await;
    let find = async |pattern: &str, more: Value| {
        let mut arguments = json!({"path": place.root, "pattern": pattern});
        arguments.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let found = data(&source, "search_files", arguments).await;
        let root = format!("{}/", place.root.display());
        let paths = found["paths"].as_array().unwrap().iter();
        paths.map(|path| path.as_str().unwrap().replace(&root, "")).collect::<Vec<_>>()
    };
    assert_eq!(find("readme", json!({})).await, ["README.md", "docs/Readme.txt"]);
    assert_eq!(find("*.rs", json!({})).await, ["src/deep/test_one.rs", "src/lib.rs"]);
    assert_eq!(find("src/*.rs", json!({})).await, ["src/lib.rs"]);
    assert_eq!(find("**/test_*", json!({})).await, ["src/deep/test_one.rs"]);
    assert_eq!(find("readme", json!({"ignored": true})).await.len(), 3);
    assert_eq!(find("readme", json!({"excludePatterns": ["docs"]})).await, ["README.md"]);
    assert_eq!(find("src", json!({})).await, ["src/"]);
    assert!(find("nothing", json!({})).await.is_empty());
    let words = refused(&source, "search_files", json!({"path": place.root, "pattern": "[x"})).await;
    assert!(words.contains("no glob"), "{words}");
}

#[tokio::test]
async fn pages_of_names_make_the_whole_list() {
    let place = Place::new();
    for number in 0..40 {
        place.write(&format!("d{}/f{number}.txt", number % 7), "needle\nneedle\n");
    }
    let source = place.open(json!({})).await;
    let pages = async |tool: &str, key: &str, size: usize, list: &str| {
        let (mut all, mut cursor, mut pages) = (Vec::new(), None::<String>, 0);
        loop {
            let mut arguments = json!({"path": place.root, key: "needle", "limit": size});
            if tool == "search_files" {
                arguments["pattern"] = json!("*.txt");
            }
            if let Some(cursor) = &cursor {
                arguments["cursor"] = json!(cursor);
            }
            let page = data(&source, tool, arguments).await;
            let items = page[list].as_array().unwrap().clone();
            assert!(items.len() <= size && pages < 100);
            all.extend(items);
            pages += 1;
            cursor = page["next"].as_str().map(str::to_owned);
            if cursor.is_none() {
                return all;
            }
        }
    };
    let paths = pages("search_files", "pattern", 7, "paths").await;
    assert_eq!(paths.len(), 40);
    let (whole, some) = (
        pages("search_files_content", "query", 2000, "matches").await,
        pages("search_files_content", "query", 7, "matches").await,
    );
    assert_eq!(whole.len(), 80);
    assert_eq!(whole, some);
}

#[tokio::test]
async fn lines_are_found_by_what_they_hold() {
    let place = Place::new();
    place.write("a.rs", "fn one() {}\nfn Two() {}\nlet x = 1 + 1;\n");
    place.write("b.md", "one\r\ntwo\r\n");
    place.write("bin.dat", b"one\0two");
    place.write(
        "utf16.txt",
        [0xff, 0xfe].into_iter().chain("one word\n".encode_utf16().flat_map(u16::to_le_bytes)).collect::<Vec<u8>>(),
    );
    let source = place.open(json!({})).await;
    let find = async |more: Value| {
        let mut arguments = json!({"path": place.root});
        arguments.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let found = data(&source, "search_files_content", arguments).await;
        let one = |found: &Value| {
            let name = found["path"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
            format!("{name}:{}:{}", found["line"], found["text"].as_str().unwrap())
        };
        found["matches"].as_array().unwrap().iter().map(one).collect::<Vec<_>>()
    };
    assert_eq!(find(json!({"query": "one"})).await, ["a.rs:1:fn one() {}", "b.md:1:one", "utf16.txt:1:one word"]);
    assert_eq!(find(json!({"query": "two", "ignore_case": true})).await, ["a.rs:2:fn Two() {}", "b.md:2:two"]);
    assert_eq!(find(json!({"query": "1 + 1"})).await, ["a.rs:3:let x = 1 + 1;"]);
    assert_eq!(find(json!({"query": r"fn \w+\(\)", "is_regex": true, "pattern": "*.rs"})).await.len(), 2);
    assert_eq!(find(json!({"query": "one$", "is_regex": true, "excludePatterns": ["*.rs"]})).await.len(), 0);
    let around =
        data(&source, "search_files_content", json!({"path": place.path("a.rs"), "query": "Two", "context": 1})).await;
    assert_eq!(around["matches"][0]["before"], json!(["fn one() {}"]));
    assert_eq!(around["matches"][0]["after"], json!(["let x = 1 + 1;"]));
    let words =
        refused(&source, "search_files_content", json!({"path": place.root, "query": "(", "is_regex": true})).await;
    assert!(words.contains("without is_regex"), "{words}");
    let none = call(&source, "search_files_content", json!({"path": place.root, "query": "zzz"})).await.unwrap();
    assert_eq!((text(&none), none.is_error), ("(nothing found)", Some(false)));
}

#[tokio::test]
async fn hostile_files_and_patterns_cost_bounded_work() {
    let place = Place::new();
    place.write("long.txt", format!("{}needle{}\n", "x".repeat(100_000), "y".repeat(100_000)));
    place.write("huge-line.txt", "z".repeat(20 * 1024 * 1024));
    place.write("many.txt", "needle\n".repeat(100_000));
    let source = place.open(json!({})).await;
    let found = data(&source, "search_files_content", json!({"path": place.root, "query": "needle"})).await;
    assert_eq!(found["matches"].as_array().unwrap().len(), 100);
    let line = found["matches"][0]["text"].as_str().unwrap();
    assert!(line.len() < 500 && line.contains("needle") && line.starts_with('…') && line.ends_with('…'));
    assert_eq!(found["skipped"], 1, "a line that is too long to be held is said to be skipped");
    for query in ["(a*)*b", "(x+x+)+y", &"a?".repeat(200)] {
        data(
            &source,
            "search_files_content",
            json!({"path": place.root, "query": query, "is_regex": true, "limit": 1}),
        )
        .await;
    }
    let large = json!({"path": place.root, "query": "(\\w{1000}){1000}", "is_regex": true});
    assert!(refused(&source, "search_files_content", large).await.contains("can't be searched for"));
}
