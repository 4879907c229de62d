//! The live schema, by tools, resources and completion.

use std::sync::Arc;

use portwright_core::protocol::{ArgumentInfo, Reference, ResourceContents};
use portwright_core::{Refusal, RefusalKind, Source};
use serde_json::{Value, json};

use super::{Shop, content, cx, object, text};

async fn read(source: &Arc<dyn Source>, uri: &str) -> Result<String, Refusal> {
    let result = source.read(uri, &cx()).await?;
    let ResourceContents::TextResourceContents { text, .. } = &result.contents[0] else { panic!("text") };
    Ok(text.clone())
}

#[tokio::test]
async fn tables_are_listed() {
    let shop = Shop::new();
    shop.beside("CREATE VIRTUAL TABLE notes USING fts5(body); CREATE TABLE \"odd | name\"(a);");
    let source = shop.open(json!({})).await;
    let words = text(source.call("list_tables", &object(json!({})), &cx()).await);
    insta::assert_snapshot!(words, @"
    table | kind | rows (estimate) | comment
    customers | table | 2 | 
    notes | virtual_table | NULL | 
    odd \\| name | table | 0 | 
    orders | table | 3 | 
    spending | view | NULL | 
    ");
    let schemas = content(source.call("list_schemas", &object(json!({})), &cx()).await);
    assert_eq!(schemas, json!({"schemas": [{"name": "main", "default": true}]}));
    let refusal = source.call("list_tables", &object(json!({"schema": "mian"})), &cx()).await.unwrap_err();
    assert_eq!(refusal.public(), "there is no schema `mian`; did you mean `main`?");
}

#[tokio::test]
async fn a_table_is_described() {
    let shop = Shop::new();
    let source = shop.open(json!({})).await;
    for name in ["orders", "ORDERS", "main.orders", "\"orders\""] {
        let content = content(source.call("describe_table", &object(json!({"table": name})), &cx()).await);
        assert_eq!(content["name"], json!("orders"), "{name}");
        assert_eq!(content["primary_key"], json!(["id"]));
        let key = json!([{"columns": ["customer_id"], "references": "customers", "referenced_columns": ["id"]}]);
        assert_eq!(content["foreign_keys"], key);
    }
    let words = text(source.call("describe_table", &object(json!({"table": "orders"})), &cx()).await);
    insta::assert_snapshot!(words, @"
    orders (table, about 3 rows)
    column | type | null | default | comment
    id | INTEGER | not null |  | 
    customer_id | INTEGER | not null |  | 
    total | REAL | null |  | 
    placed_at | DATE | null |  | 
    primary key: id
    foreign key: customer_id -> customers (id)
    index orders_by_customer: customer_id, placed_at
    ");
    let refusal = source.call("describe_table", &object(json!({"table": "order"})), &cx()).await.unwrap_err();
    assert_eq!(refusal.kind(), RefusalKind::Failed);
    assert_eq!(refusal.public(), "there is no table `order`; did you mean `orders`?");
}

#[tokio::test]
async fn the_schema_is_read_as_it_is_now() {
    let shop = Shop::new();
    let source = shop.open(json!({})).await;
    assert_eq!(source.resources()[0].uri, "db://shop/schema");
    assert_eq!(source.templates()[0].uri_template, "db://shop/schema/{table}");
    let names = |text: String| -> Vec<String> {
        let schema: Value = serde_json::from_str(&text).unwrap();
        let tables = schema["tables"].as_array().unwrap().iter();
        tables.map(|table| table["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(read(&source, "db://shop/schema").await.unwrap()), ["customers", "orders", "spending"]);
    shop.beside("CREATE TABLE \"new one\"(a INTEGER)");
    assert_eq!(names(read(&source, "db://shop/schema").await.unwrap()), ["customers", "new one", "orders", "spending"]);
    let table: Value = serde_json::from_str(&read(&source, "db://shop/schema/new%20one").await.unwrap()).unwrap();
    assert_eq!(table["columns"][0]["name"], json!("a"));
    for uri in [
        "db://shop/schema/nothing",
        "db://shop/schema/",
        "db://shop/schema/%zz",
        "db://shop/schema/%ff",
        "db://shop/schema/%00",
        "db://shop/schema/orders%00",
        "db://shop/schemas",
        "db://shopping/schema",
        "db://other/schema",
        "db://shop/schema/orders/x",
        "",
    ] {
        assert_eq!(read(&source, uri).await.unwrap_err().kind(), RefusalKind::NotFound, "{uri}");
    }
}

#[tokio::test]
async fn a_large_schema_is_told_without_columns() {
    let columns = (0..60).map(|n| format!(", a_rather_long_column_name_{n} TEXT")).collect::<Vec<_>>().concat();
    let tables = (0..100).map(|n| format!("CREATE TABLE t{n:03}(id INTEGER{columns});")).collect::<Vec<_>>().concat();
    let shop = Shop::with(&tables);
    let source = shop.open(json!({})).await;
    let text = read(&source, "db://shop/schema").await.unwrap();
    assert!(text.len() < 256 * 1024);
    let schema: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(schema["tables"].as_array().unwrap().len(), 100);
    assert_eq!(schema["tables"][0].get("columns"), None);
    assert!(schema["notice"].as_str().unwrap().contains("db://shop/schema/{table}"));
}

#[tokio::test]
async fn tables_are_completed() {
    let shop = Shop::new();
    let many = (0..150).map(|n| format!("CREATE TABLE t{n:03}(a);")).collect::<Vec<_>>().concat();
    shop.beside(&many);
    let source = shop.open(json!({})).await;
    let complete = async |uri: &str, name: &str, typed: &str| {
        let reference = Reference::for_resource(uri);
        source.complete(&reference, &ArgumentInfo::new(name, typed), None, &cx()).await.unwrap().completion
    };
    let template = "db://shop/schema/{table}";
    assert_eq!(complete(template, "table", "Or").await.values, ["orders"]);
    let many = complete(template, "table", "t").await;
    assert_eq!((many.values.len(), many.total, many.has_more), (100, Some(150), Some(true)));
    assert!(complete(template, "other", "o").await.values.is_empty());
    assert!(complete("db://x/{table}", "table", "o").await.values.is_empty());
}

#[tokio::test]
async fn without_schema_there_are_no_resources() {
    let shop = Shop::new();
    let source = shop.open(json!({"schema": false})).await;
    assert!(source.resources().is_empty() && source.templates().is_empty());
    assert_eq!(read(&source, "db://shop/schema").await.unwrap_err().kind(), RefusalKind::NotFound);
}

#[tokio::test]
async fn a_plan_is_explained() {
    let shop = Shop::new();
    let source = shop.open(json!({})).await;
    let arguments = json!({"sql": "SELECT * FROM orders o JOIN customers c ON c.id = o.customer_id WHERE o.total > 1"});
    let words = text(source.call("explain_query", &object(arguments), &cx()).await);
    assert_eq!(words, "SCAN o\nSEARCH c USING INTEGER PRIMARY KEY (rowid=?)");
    let arguments = json!({"sql": "SELECT * FROM orders", "analyze": true});
    let content = content(source.call("explain_query", &object(arguments), &cx()).await);
    assert!(content["plan"].as_str().unwrap().contains("rows: 3"), "{content}");
    let arguments = json!({"sql": "EXPLAIN SELECT 1"});
    let refusal = source.call("explain_query", &object(arguments), &cx()).await.unwrap_err();
    assert!(refusal.public().contains("leave EXPLAIN out"), "{refusal}");
    let refusal = source.call("explain_query", &object(json!({"sql": "SELECT nope"})), &cx()).await.unwrap_err();
    assert!(refusal.public().contains("line 1, column 8"), "{refusal}");
}
