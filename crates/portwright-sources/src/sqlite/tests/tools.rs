//! Declared tools and resources: listed as the database describes them, left out when it refuses them, back when it
//! does not.

use std::sync::Arc;
use std::time::Duration;

use portwright_core::protocol::{ResourceContents, Tool};
use portwright_core::{Auth, Health, Pointer, Principal, RefusalKind, Source};
use serde_json::{Value, json};

use super::{Shop, content, cx, object, sql, text};

fn find_customers() -> Value {
    json!({
        "title": "Find customers",
        "description": "Search customers by name, email address, or customer ID.",
        "sql": "SELECT id, name, email FROM customers WHERE name LIKE '%' || :search_term || '%' OR email LIKE '%' || \
                :search_term || '%' OR CAST(id AS TEXT) = :search_term ORDER BY name LIMIT :limit",
        "params": {
            "search_term": {"type": "string", "description": "Name, email, or customer ID", "min_length": 1},
            "limit": {"type": "integer", "description": "Most rows", "default": 10, "minimum": 1, "maximum": 100},
        },
    })
}

fn named(source: &Arc<dyn Source>, name: &str) -> Option<Tool> {
    source.tools().into_iter().find(|tool| tool.name == name)
}

#[tokio::test]
async fn a_declared_tool_is_listed_with_its_schemas() {
    let shop = Shop::new();
    let source = shop.open_with(json!({}), &[("query_customers", find_customers())], &[]).await;
    let tool = named(&source, "query_customers").unwrap();
    insta::assert_json_snapshot!(tool);
    let names: Vec<_> = source.tools().into_iter().map(|tool| tool.name).collect();
    let own = ["run_sql_query", "list_schemas", "list_tables", "describe_table", "explain_query"];
    assert_eq!(names, [&["query_customers"][..], &own[..]].concat());
    assert_eq!(source.health().await, Health::Ready);
    assert!(source.inspect().await.is_empty());

    let found = source.call("query_customers", &object(json!({"search_term": "ada"})), &cx()).await;
    assert_eq!(text(found), "id | name | email\n1 | Ada | ada@example.com");
    let none = source.call("query_customers", &object(json!({"search_term": "' OR 1=1 --"})), &cx()).await;
    assert!(text(none).starts_with("0 rows."));
    for arguments in [json!({}), json!({"search_term": ""}), json!({"search_term": "a", "limit": 101})] {
        let refusal = source.call("query_customers", &object(arguments), &cx()).await.unwrap_err();
        assert_eq!(refusal.kind(), RefusalKind::Invalid);
    }
}

#[tokio::test]
async fn own_tools_are_written_for_a_model() {
    let shop = Shop::new();
    let source = shop.open(json!({})).await;
    insta::assert_json_snapshot!(named(&source, "run_sql_query").unwrap());
    for tool in source.tools() {
        assert!(tool.description.is_some_and(|text| text.len() > 40), "{}", tool.name);
        assert!(tool.output_schema.is_some() && tool.title.is_some());
        let hints = tool.annotations.unwrap();
        assert_eq!((hints.read_only_hint, hints.open_world_hint), (Some(true), Some(false)));
    }
}

#[tokio::test]
async fn names_of_other_servers_are_understood() {
    let shop = Shop::new();
    let source = shop.open(json!({})).await;
    for name in ["query", "execute_sql", "run_sql_query"] {
        let result = source.call(name, &object(json!({"sql": "SELECT 1 AS one"})), &cx()).await;
        assert_eq!(text(result), "one\n1");
    }
    let none = shop.open(json!({"tools": []})).await;
    assert!(none.tools().is_empty());
    for name in ["query", "run_sql_query", "list_tables", "nothing"] {
        let refusal = none.call(name, &object(json!({"sql": "SELECT 1"})), &cx()).await.unwrap_err();
        assert_eq!(refusal.kind(), RefusalKind::NotFound);
    }
    let some = shop.open(json!({"tools": ["list_*", "run_sql_query"]})).await;
    let names: Vec<_> = some.tools().into_iter().map(|tool| tool.name).collect();
    assert_eq!(names, ["run_sql_query", "list_schemas", "list_tables"]);
}

#[tokio::test]
async fn an_error_says_what_was_probably_meant() {
    let shop = Shop::new();
    let source = shop.open(json!({})).await;
    for (statement, words) in [
        ("SELECT nmae FROM customers", "no such column: nmae; did you mean `name`? (line 1, column 8, at `nmae FROM"),
        ("SELECT\n  c.emial FROM customers c", "did you mean `email`? (line 2, column 3"),
        ("SELECT * FROM custmers", "no such table: custmers; did you mean `customers`?"),
        ("SELECT * FROM xyzzy", "list_tables"),
        ("SELECT \"Ada\" FROM customers", "no such column: \"Ada\""),
        ("SELEC 1", "near \"SELEC\": syntax error (line 1, column 1"),
    ] {
        let refusal = sql(&source, statement).await.unwrap_err();
        assert_eq!(refusal.kind(), RefusalKind::Failed);
        assert!(refusal.public().contains(words), "`{statement}`: {}", refusal.public());
    }
}

#[tokio::test]
async fn the_principal_fences_a_tool_and_a_resource() {
    let shop = Shop::new();
    let params = json!({"tenant": {"from": "principal", "claim": "tenant"}});
    let statement = "SELECT name FROM customers WHERE tenant = :tenant";
    let tool = json!({"description": "Mine.", "sql": statement, "params": params});
    let resource = json!({"sql": statement, "params": params, "mime_type": "text/csv"});
    let source = shop.open_with(json!({}), &[("mine", tool)], &[("db://shop/mine", resource)]).await;
    assert!(!serde_json::to_string(&source.tools()).unwrap().contains("tenant"));

    let context = cx();
    context.set_principal(Principal::new("ada", Auth::Token).with_claim("tenant", "b").into());
    assert_eq!(text(source.call("mine", &object(json!({})), &context).await), "name\nBob");
    let read = source.read("db://shop/mine", &context).await.unwrap();
    let ResourceContents::TextResourceContents { text, .. } = &read.contents[0] else { panic!("text") };
    assert_eq!(text, "name\r\nBob\r\n");
    let forged = source.call("mine", &object(json!({"tenant": "a"})), &context).await.unwrap_err();
    assert_eq!(forged.kind(), RefusalKind::Invalid);

    let nobody = source.call("mine", &object(json!({})), &cx()).await.unwrap_err();
    assert_eq!(nobody.kind(), RefusalKind::Failed);
    assert!(!nobody.public().contains("tenant"));
    assert_eq!(source.read("db://shop/mine", &cx()).await.unwrap_err().kind(), RefusalKind::Failed);
}

#[tokio::test]
async fn a_refused_declaration_is_left_out_and_comes_back() {
    let shop = Shop::new();
    let tools = [
        ("query_customers", find_customers()),
        (
            "later",
            json!({"description": "Later.", "sql": "SELECT a\nFROM later WHERE a = :a", "params": {"a": {
                "type": "string", "description": "A."
            }}}),
        ),
        ("writes", json!({"description": "Writes.", "sql": "DELETE FROM customers"})),
    ];
    let resources = [("db://shop/later", json!({"sql": "SELECT * FROM later"}))];
    let source = shop.open_with(json!({}), &tools, &resources).await;
    assert!(named(&source, "query_customers").is_some() && named(&source, "later").is_none());
    assert_eq!(
        source.call("later", &object(json!({"a": "x"})), &cx()).await.unwrap_err().kind(),
        RefusalKind::NotFound
    );
    assert_eq!(source.read("db://shop/later", &cx()).await.unwrap_err().kind(), RefusalKind::NotFound);
    let Health::Degraded(words) = source.health().await else { panic!("degraded") };
    assert!(words.contains("later, writes, db://shop/later"), "{words}");
    let found = source.inspect().await;
    let places: Vec<_> = found.iter().map(|it| it.place.clone()).collect();
    let resource = Pointer::root().join("resources").join("db://shop/later").join("sql");
    assert_eq!(places, [Pointer::new("/tools/later/sql"), Pointer::new("/tools/writes/sql"), resource]);
    assert!(found[0].message.contains("no such table: later"), "{}", found[0].message);
    assert!(found[1].message.contains("read-only"), "{}", found[1].message);

    let mut changes = source.changes().unwrap();
    shop.beside("CREATE TABLE later(a TEXT); INSERT INTO later VALUES ('x')");
    tokio::time::timeout(Duration::from_secs(30), changes.changed()).await.expect("it is asked again").unwrap();
    assert_eq!(text(source.call("later", &object(json!({"a": "x"})), &cx()).await), "a\nx");
    assert!(source.read("db://shop/later", &cx()).await.is_ok());
    assert!(named(&source, "writes").is_none());
}

#[tokio::test]
async fn a_changed_result_is_described_again() {
    let shop = Shop::new();
    let all = json!({"description": "All.", "sql": "SELECT * FROM customers"});
    let source = shop.open_with(json!({}), &[("all", all)], &[]).await;
    let mut changes = source.changes().unwrap();
    shop.beside("ALTER TABLE customers ADD COLUMN phone TEXT");
    let row = content(source.call("all", &object(json!({})), &cx()).await)["rows"][0].clone();
    assert!(row.get("phone").is_some(), "{row}");
    tokio::time::timeout(Duration::from_secs(30), changes.changed()).await.expect("it is asked again").unwrap();
    let schema = named(&source, "all").unwrap().output_schema.unwrap();
    assert!(schema["properties"]["rows"]["items"]["properties"].get("phone").is_some());
}

#[tokio::test]
async fn a_file_that_goes_and_comes_back() {
    let shop = Shop::new();
    let source = shop.open(json!({})).await;
    let aside = shop.folder.path().join("aside.db");
    std::fs::rename(&shop.path, &aside).unwrap();
    assert!(matches!(source.health().await, Health::Degraded(_)));
    assert_eq!(sql(&source, "SELECT 1").await.unwrap_err().kind(), RefusalKind::Unavailable);
    // Another file under the name is another database.
    super::super::create(&shop.path, "CREATE TABLE other(a); INSERT INTO other VALUES (7)").unwrap();
    assert_eq!(text(sql(&source, "SELECT a FROM other").await), "a\n7");
    assert_eq!(source.health().await, Health::Ready);
    std::fs::write(&shop.path, "not a database at all, but long enough to be looked at").unwrap();
    let refusal = sql(&source, "SELECT count(*) FROM other").await.unwrap_err();
    assert!(matches!(refusal.kind(), RefusalKind::Unavailable | RefusalKind::Failed), "{refusal:?}");
}

#[tokio::test]
async fn a_declared_resource_is_written_as_its_type() {
    let shop = Shop::new();
    let resource = |mime: &str| json!({"sql": "SELECT id, email FROM customers ORDER BY id;", "mime_type": mime, "title": "T", "max_rows": 1});
    let resources = [
        ("db://shop/a.json", resource("application/json")),
        ("db://shop/a.csv", resource("text/csv")),
        ("db://shop/a.txt", resource("text/plain")),
    ];
    let source = shop.open_with(json!({}), &[], &resources).await;
    let listed = &source.resources()[1];
    assert_eq!((listed.uri.as_str(), listed.name.as_str()), ("db://shop/a.csv", "a.csv"));
    assert_eq!((listed.mime_type.as_deref(), listed.title.as_deref()), (Some("text/csv"), Some("T")));
    let read = async |uri: &str| {
        let context = cx();
        let result = source.read(uri, &context).await.unwrap();
        assert!(context.trail().truncated);
        let ResourceContents::TextResourceContents { text, meta, mime_type, .. } = &result.contents[0] else {
            panic!("text")
        };
        assert!(meta.as_ref().unwrap().0["notice"].as_str().unwrap().contains("first row is shown"));
        (mime_type.clone().unwrap(), text.clone())
    };
    let (mime, text) = read("db://shop/a.json").await;
    let value: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((mime.as_str(), &value["rows"]), ("application/json", &json!([{"id": 1, "email": "ada@example.com"}])));
    assert_eq!(read("db://shop/a.csv").await.1, "id,email\r\n1,ada@example.com\r\n");
    assert!(
        read("db://shop/a.txt").await.1.starts_with("id | email\n1 | ada@example.com\n\nOnly the first row is shown")
    );
}
