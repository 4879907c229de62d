use serde_json::{Value, json};
use tokio_postgres::types::{Kind, Type};

use super::{Bound, schema};
use crate::shared::sql::documents::document;

#[test]
fn documents_keep_what_doubles_lose() {
    assert_eq!(
        document(r#"{"a": 1.5, "b": [1, -2], "c": 9007199254740991}"#),
        json!({"a": 1.5, "b": [1, -2], "c": 9_007_199_254_740_991_i64})
    );
    assert_eq!(document("12345678901234567890123"), json!("12345678901234567890123"));
    assert_eq!(
        document("[9007199254740993, 1e400, 0.1234567890123456789]"),
        json!(["9007199254740993", "1e400", "0.1234567890123456789"])
    );
    assert_eq!(document("[1.50, 1e2, -0.0]"), json!([1.5, 100.0, -0.0]));
    assert_eq!(document(r#"{"a": 1, "a": 2}"#), json!(r#"{"a": 1, "a": 2}"#));
    assert_eq!(document(r#"{"a:": "b:1 \" 99999999999999999999"}"#), json!({"a:": "b:1 \" 99999999999999999999"}));
    assert_eq!(document(r#""\ud800""#), json!(r#""\ud800""#));
    let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
    assert_eq!(document(&deep), json!(deep));
}

fn text(value: &Value, ty: &Type) -> Option<String> {
    Bound(value).text(ty).unwrap()
}

#[test]
fn values_are_written_as_postgresql_reads_them() {
    assert_eq!(text(&json!(null), &Type::TEXT), None);
    assert_eq!(text(&json!("it's"), &Type::TEXT).unwrap(), "it's");
    assert_eq!(text(&json!(10.0), &Type::INT4).unwrap(), "10");
    assert_eq!(text(&json!(1.25), &Type::NUMERIC).unwrap(), "1.25");
    assert_eq!(text(&json!(true), &Type::BOOL).unwrap(), "true");
    assert_eq!(text(&json!({"a": [1]}), &Type::JSONB).unwrap(), r#"{"a":[1]}"#);
    assert_eq!(text(&json!("Zg=="), &Type::BYTEA).unwrap(), "\\x66");
    assert_eq!(text(&json!(["a", null, "b\"c\\", ""]), &Type::TEXT_ARRAY).unwrap(), r#"{"a",NULL,"b\"c\\",""}"#);
    assert_eq!(text(&json!([[1, 2], [3, 4]]), &Type::INT4_ARRAY).unwrap(), r#"{{"1","2"},{"3","4"}}"#);
    assert_eq!(text(&json!([[1], {"a": 2}]), &Type::JSONB_ARRAY).unwrap(), r#"{"[1]","{\"a\":2}"}"#);
    assert_eq!(text(&json!([]), &Type::INT4_ARRAY).unwrap(), "{}");
}

#[test]
fn misfits_are_told() {
    let error = |value: Value, ty: &Type| Bound(&value).text(ty).unwrap_err().to_string();
    assert_eq!(error(json!([1]), &Type::INT4), "a parameter of type int4 can't take an array");
    assert_eq!(error(json!("%%"), &Type::BYTEA), "a parameter of type bytea can't take this string: it is not base64");
    assert!(error(json!("a\0b"), &Type::TEXT).contains("zero character"));
}

#[test]
fn enums_show_their_labels() {
    let mood = Type::new("mood".into(), 1, Kind::Enum(vec!["sad".into(), "ok".into()]), "public".into());
    assert_eq!(schema(&mood), json!({"type": "string", "enum": ["sad", "ok"]}));
    assert_eq!(schema(&Type::INT8)["type"], json!(["integer", "string"]));
}
