//! What is proposed for schemas as people have them.

use serde_json::json;

use super::super::draft::ToolDraft;
use super::super::schema::Schema;
use super::{ranked, tools};

fn shop() -> Schema {
    let column = |name: &str, kind: &str| json!({"name": name, "type": kind, "nullable": true});
    let schema = json!({
        "database": "PostgreSQL",
        "default_schema": "public",
        "tables": [
            {"schema": "public", "name": "customers", "kind": "table", "rows_estimate": 1200, "primary_key": ["id"], "columns": [
                column("id", "bigint"), column("full_name", "text"), column("email", "character varying(200)"),
                column("password_hash", "text"), column("shipping", "text"), column("pin", "text"),
                column("created_at", "timestamp with time zone"), column("picture", "bytea")]},
            {"schema": "public", "name": "order", "kind": "table", "rows_estimate": 90000, "primary_key": ["id"], "columns": [
                column("id", "uuid"), column("customer_id", "bigint"), column("ordered_at", "timestamp"),
                {"name": "status", "type": "order_status", "nullable": false, "enum": ["paid", "shipped"]}],
             "foreign_keys": [{"columns": ["customer_id"], "references": "customers", "referenced_columns": ["id"]}]},
            {"schema": "public", "name": "schema_migrations", "kind": "table", "columns": [column("version", "text")]},
            {"schema": "public", "name": "order_tags", "kind": "table", "primary_key": ["order_id", "tag_id"],
             "columns": [column("order_id", "uuid"), column("tag_id", "bigint")],
             "foreign_keys": [{"columns": ["order_id"], "references": "order", "referenced_columns": ["id"]},
                              {"columns": ["tag_id"], "references": "tags", "referenced_columns": ["id"]}]},
        ],
    });
    serde_json::from_value(schema).expect("a schema")
}

fn proposed(schema: &Schema) -> Vec<ToolDraft> {
    tools(schema, &ranked(schema), "shop")
}

#[test]
fn tables_of_frameworks_and_those_that_only_join_get_no_tools() {
    let schema = shop();
    let names: Vec<_> = ranked(&schema).iter().map(|table| table.name.clone()).collect();
    assert_eq!(names, ["customers", "order"]);
}

#[test]
fn there_are_tools_to_find_to_get_and_to_follow() {
    let schema = shop();
    let found = proposed(&schema);
    let names: Vec<_> = found.iter().map(|tool| tool.name.as_str()).collect();
    assert_eq!(names, ["search_customers", "get_customer", "list_recent_order", "get_order", "list_order_of_customer"]);
    let by_name = |name: &str| found.iter().find(|tool| tool.name == name).expect(name);
    let search = by_name("search_customers");
    assert!(search.sql.contains("full_name ILIKE '%' || :search_term || '%'"), "{}", search.sql);
    assert!(search.sql.ends_with("LIMIT :limit"), "{}", search.sql);
    let list = by_name("list_order_of_customer");
    assert!(
        list.sql.contains("FROM \"order\"\nWHERE customer_id = :customer_id\nORDER BY ordered_at DESC"),
        "{}",
        list.sql
    );
    for tool in &found {
        let words = tool.description.join(" ");
        assert!(words.contains("Use this when") && words.contains("Returns"), "{words}");
    }
}

#[test]
fn secrets_are_in_no_statement_and_that_is_said() {
    let schema = shop();
    let found = proposed(&schema);
    for tool in &found {
        for word in ["password_hash", "pin,", "picture"] {
            assert!(!tool.sql.contains(word) && !tool.description.join(" ").contains(word), "{}", tool.sql);
        }
    }
    assert!(found.iter().any(|tool| tool.sql.contains("shipping")), "`shipping` is no `pin`");
    let said = found[0].comment.as_deref().unwrap_or_default();
    assert!(said.starts_with("password_hash and pin of customers"), "{said}");
}
