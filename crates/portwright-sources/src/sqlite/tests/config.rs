//! What is wrong with a configuration is told all at once, at its place.

use portwright_core::{Pointer, SourceConfig};
use serde_json::{Value, json};

use super::super::Sqlite;
use super::{Shop, decode, object, spec};

fn problems(table: Value, tools: &[(&str, Value)], resources: &[(&str, Value)]) -> Vec<String> {
    let told = decode(spec(object(table), tools, resources, std::path::Path::new("/nowhere"))).unwrap_err();
    let line = |it: &portwright_core::Diagnostic| {
        format!("{} {} {}. {}", it.place, it.rule, it.message, it.hint.clone().unwrap_or_default())
    };
    told.iter().map(line).collect()
}

#[test]
fn everything_wrong_is_told_at_once() {
    let tools = [
        ("empty", json!({"description": "x"})),
        (
            "misspelt",
            json!({"description": "x", "sql": "SELECT :nmae", "params": {"name": {
                "type": "string", "description": "x"
            }}}),
        ),
        ("dollar", json!({"description": "x", "sql": "SELECT $1"})),
        ("open", json!({"description": "x", "sql": "SELECT\n 'x"})),
        ("run_sql_query", json!({"description": "x", "sql": "SELECT 1"})),
        ("wrong", json!({"description": "x", "sql": 7, "max_rows": 0, "tiemout": "1s"})),
    ];
    let resources = [
        ("db://shop/{id}", json!({"sql": "SELECT 1"})),
        (
            "db://shop/arg",
            json!({"sql": "SELECT :a", "mime_type": "json", "params": {"a": {
                "type": "string", "description": "x"
            }}}),
        ),
    ];
    let table = json!({
        "paht": "x.db", "access": "read_only", "pool": {"max": 0, "min": 1}, "timeout": "0s", "max_rows": "many",
        "max_bytes": "1 TB", "tools": ["list_*", "describe_tabel", "query", "["], "schema": "yes",
    });
    insta::assert_snapshot!(problems(table, &tools, &resources).join("\n"));
}

#[test]
fn a_path_must_be_a_file() {
    for path in [":memory:", "file:x.db?mode=rw"] {
        let told = problems(json!({"path": path}), &[], &[]);
        assert!(told[0].starts_with("/sources/shop/path wrong-value"), "{told:?}");
    }
}

#[test]
fn the_schema_has_both_kinds_of_keys() {
    use portwright_core::SourceKind;
    let mut generator = schemars::SchemaGenerator::default();
    let schema = Sqlite.schema(&mut generator);
    let mut keys: Vec<_> = schema.get("properties").unwrap().as_object().unwrap().keys().cloned().collect();
    keys.sort();
    let expected = ["access", "immutable", "max_bytes", "max_rows", "path", "pool", "schema", "timeout", "tools"];
    assert_eq!(keys, expected);
    assert_eq!(schema.get("additionalProperties"), Some(&json!(false)));
    assert!(Sqlite.tool_schema(&mut generator).is_some() && Sqlite.resource_schema(&mut generator).is_some());
}

async fn refused(config: Box<dyn SourceConfig>) -> String {
    let error = config.connect().await.unwrap_err();
    assert_eq!(error.place, Some(Pointer::new("/sources/shop/path")));
    error.to_string()
}

#[tokio::test]
async fn a_file_that_is_missing_or_wrong_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let open = |path: &str, access: &str| {
        decode(spec(object(json!({"path": path, "access": access})), &[], &[], folder.path())).unwrap()
    };
    for access in ["read-only", "read-write"] {
        assert!(refused(open("missing.db", access)).await.contains("missing"));
    }
    assert!(!folder.path().join("missing.db").exists());
    std::fs::write(folder.path().join("text.db"), "This is no database. ".repeat(100)).unwrap();
    assert_eq!(refused(open("text.db", "read-only")).await, "the file is not an SQLite database");
    assert!(!refused(open(".", "read-only")).await.is_empty());
}

#[tokio::test]
async fn odd_paths_are_paths() {
    for name in ["file:x?mode=rwc&a=b#c %20.db", "é ü.db", "a'b\"c.db"] {
        let folder = tempfile::tempdir().unwrap();
        super::super::create(&folder.path().join(name), "CREATE TABLE t(a); INSERT INTO t VALUES (1)").unwrap();
        for immutable in [false, true] {
            let table = json!({"path": format!("./{name}"), "immutable": immutable});
            let source = decode(spec(object(table), &[], &[], folder.path())).unwrap().connect().await.unwrap();
            assert_eq!(super::text(super::sql(&source, "SELECT a FROM t").await), "a\n1", "{name}");
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "{name}");
    }
}

#[tokio::test]
async fn a_database_in_wal_mode_is_read() {
    let shop = Shop::new();
    let writer = rusqlite::Connection::open(&shop.path).unwrap();
    writer.execute_batch("PRAGMA journal_mode = wal; INSERT INTO customers(name) VALUES ('Wal')").unwrap();
    let source = shop.open(json!({})).await;
    assert_eq!(super::text(super::sql(&source, "SELECT count(*) AS n FROM customers").await), "n\n3");
    drop(writer);
    assert_eq!(super::text(super::sql(&source, "SELECT count(*) AS n FROM customers").await), "n\n3");
}
