//! The kind as a client meets it: configured from a table, opened on a real server.

use std::sync::Arc;

use portwright_core::protocol::{ArgumentInfo, CallToolResult, ContentBlock, JsonObject, Reference};
use portwright_core::{Diagnostic, Refusal, Source, SourceConfig, SourceKind as _, SourceSpec};
use serde_json::{Value, json};

use super::{Fixture, cx};
use crate::postgres::Postgres;

pub(super) fn object(value: Value) -> JsonObject {
    let Value::Object(map) = value else { panic!("an object") };
    map
}

pub(super) fn decode(url: &str, table: Value) -> Result<Box<dyn SourceConfig>, Vec<Diagnostic>> {
    let mut table = object(table);
    table.insert("url".into(), url.into());
    Postgres.decode(SourceSpec {
        name: "shop".into(),
        table,
        tools: Vec::new(),
        resources: Vec::new(),
        base: "/".into(),
    })
}

/// What a configuration is refused for.
pub(super) fn problems(table: Value) -> Vec<String> {
    let found = decode("postgres://u@127.0.0.1:1/d", table).err().unwrap_or_default();
    found.iter().map(|it| format!("{} {}: {}", it.place.as_str(), it.rule, it.message)).collect()
}

impl Fixture {
    pub(super) async fn source(&self, role: &str, table: Value) -> Arc<dyn Source> {
        decode(&self.url(role), table).unwrap().connect().await.unwrap()
    }
}

pub(super) async fn call(source: &Arc<dyn Source>, tool: &str, arguments: Value) -> Result<CallToolResult, Refusal> {
    source.call(tool, &object(arguments), &cx()).await
}

#[track_caller]
pub(super) fn data(result: Result<CallToolResult, Refusal>) -> Value {
    result.unwrap().structured_content.unwrap()
}

#[track_caller]
pub(super) fn text(result: Result<CallToolResult, Refusal>) -> String {
    let result = result.unwrap();
    let ContentBlock::Text(text) = &result.content[0] else { panic!("text") };
    text.text.clone()
}

#[track_caller]
pub(super) fn refused(result: Result<CallToolResult, Refusal>) -> String {
    result.unwrap_err().public().to_owned()
}

pub(super) fn names(source: &Arc<dyn Source>) -> Vec<String> {
    source.tools().iter().map(|tool| tool.name.to_string()).collect()
}

#[test]
fn tools_are_chosen_by_name_and_pattern() {
    assert_eq!(
        problems(json!({"tools": ["list_lcks", "get_*"]})),
        ["/sources/shop/tools/0 unknown-tool: `list_lcks` names none of this source's own tools"]
    );
    assert!(problems(json!({"tools": ["*", "list_locks"]})).is_empty());
}

#[test]
fn what_is_kept_back_is_read_from_the_table() {
    let sound = json!({
        "schemas": ["public"], "tables": ["public.*"], "mask": ["*.ssn", "public.customers.email"],
        "set": {"app.tenant": {"from": "principal", "claim": "tenant"}},
        "role": {"from": "principal", "claim": "db_role", "allow": ["tenant_a"]},
    });
    assert_eq!(problems(sound), Vec::<String>::new());
    let found = problems(json!({
        "schemas": ["[a"], "tables": ["customers"], "mask": ["email", "a.b.c.d"], "tools": ["list_locks", "list_tables"],
        "set": {"search_path": {"from": "principal", "claim": "path"}},
        "role": {"from": "principal", "claim": "db_role", "allow": ["none"]},
    }));
    for place in [
        "/sources/shop/schemas/0 wrong-value",
        "/sources/shop/tables/0 wrong-value",
        "/sources/shop/mask/0 wrong-value",
        "/sources/shop/mask/1 wrong-value",
        "/sources/shop/set/search_path wrong-value",
        "/sources/shop/role/allow/0 wrong-value",
        "/sources/shop/tools unbounded-tool: `list_locks`",
    ] {
        assert!(found.iter().any(|problem| problem.starts_with(place)), "{place}: {found:#?}");
    }
    assert_eq!(found.len(), 7, "{found:#?}");
    let unsaid = problems(json!({"set": {"app.tenant": {"claim": "tenant"}}}));
    assert!(unsaid.len() == 1 && unsaid[0].contains("missing field `from`"), "{unsaid:?}");
}

const DATA: &str = "
    CREATE SCHEMA hidden; CREATE TABLE hidden.plans (id int PRIMARY KEY);
    CREATE TABLE customers (id int PRIMARY KEY, email text, plan int REFERENCES hidden.plans);
    CREATE TABLE secret (id int); CREATE INDEX secret_index ON secret (id);
    CREATE VIEW customer_plans AS SELECT c.id FROM customers c JOIN hidden.plans p ON p.id = c.plan;
    CREATE SEQUENCE hidden.counter; CREATE FUNCTION hidden.peek() RETURNS int STABLE LANGUAGE sql AS 'SELECT 1';
    CREATE TYPE hidden.mood AS ENUM ('sad');
    INSERT INTO customers VALUES (1, 'ada@canary.test', NULL)";

#[tokio::test(flavor = "multi_thread")]
async fn own_tools_and_resources_end_at_the_fence() {
    let fixture = Fixture::new(DATA);
    let table = json!({"tables": ["public.customer*"], "mask": ["customers.email"]});
    let source = fixture.source("postgres", table).await;
    for (tool, arguments) in [
        ("list_schemas", json!({})),
        ("list_tables", json!({})),
        ("describe_table", json!({"table": "customers"})),
        ("list_indexes", json!({})),
        ("list_objects", json!({})),
        ("list_objects", json!({"object_type": "view"})),
        ("list_objects", json!({"object_type": "sequence"})),
        ("list_objects", json!({"object_type": "function"})),
        ("list_objects", json!({"object_type": "type"})),
        ("get_object_details", json!({"schema_name": "public", "object_name": "customers"})),
        (
            "get_object_details",
            json!({"schema_name": "public", "object_name": "customer_plans", "object_type": "view"}),
        ),
        ("run_sql_query", json!({"sql": "SELECT * FROM customers"})),
    ] {
        let told = data(call(&source, tool, arguments.clone()).await).to_string();
        for word in ["hidden", "secret", "canary", "counter", "peek", "mood"] {
            assert!(!told.contains(word), "{tool} {arguments}: {told}");
        }
    }
    let details = json!({"schema_name": "public", "object_name": "customers"});
    for told in [
        data(call(&source, "describe_table", json!({"table": "customers"})).await),
        data(call(&source, "get_object_details", details).await),
    ] {
        assert!(told["columns"][1]["comment"].as_str().unwrap().starts_with("masked"), "{told}");
    }
    for (tool, arguments) in [
        ("describe_table", json!({"table": "secret"})),
        ("describe_table", json!({"table": "hidden.plans"})),
        ("list_tables", json!({"schema": "hidden"})),
        ("list_objects", json!({"schema_name": "hidden"})),
        ("get_object_details", json!({"schema_name": "public", "object_name": "secret"})),
        ("get_object_details", json!({"schema_name": "hidden", "object_name": "peek", "object_type": "function"})),
        ("get_object_details", json!({"schema_name": "hidden", "object_name": "mood", "object_type": "type"})),
        ("get_object_details", json!({"schema_name": "hidden", "object_name": "counter", "object_type": "sequence"})),
        ("explain_query", json!({"sql": "SELECT * FROM secret"})),
        ("explain_query", json!({"sql": "SELECT * FROM hidden.plans", "analyze": true})),
    ] {
        let words = refused(call(&source, tool, arguments.clone()).await);
        assert!(words.contains("no ") || words.contains("not exist"), "{tool} {arguments}: {words}");
    }
    let whole = source.read("db://shop/schema", &cx()).await.unwrap();
    let whole = format!("{whole:?}");
    assert!(whole.contains("customers") && whole.contains("masked") && !whole.contains("hidden"), "{whole}");
    assert!(!whole.contains("secret"), "{whole}");
    for uri in ["db://shop/schema/secret", "db://shop/schema/hidden.plans", "db://shop/schema/pg_class"] {
        assert!(source.read(uri, &cx()).await.is_err(), "{uri}");
    }
    let reference: Reference =
        serde_json::from_value(json!({"type": "ref/resource", "uri": "db://shop/schema/{table}"})).unwrap();
    let typed: ArgumentInfo = serde_json::from_value(json!({"name": "table", "value": ""})).unwrap();
    let offered = source.complete(&reference, &typed, None, &cx()).await.unwrap();
    assert_eq!(offered.completion.values, ["customer_plans", "customers"]);
    let aliases: Vec<String> = source.aliases().iter().map(|alias| alias.name.clone()).collect();
    assert!(aliases.contains(&"get_query_plan".to_owned()), "{aliases:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn execute_write_is_offered_where_it_is_named() {
    let fixture = Fixture::new(DATA);
    let offered =
        async |table: Value| names(&fixture.source("postgres", table).await).contains(&"execute_write".to_owned());
    assert!(!offered(json!({})).await);
    assert!(!offered(json!({"access": "read-write"})).await);
    assert!(!offered(json!({"access": "read-write", "tools": ["*"]})).await);
    assert!(offered(json!({"access": "read-write", "tools": ["execute_write"]})).await);
    assert!(problems(json!({"tools": ["execute_write"]}))[0].contains("writing-tool"));
    let source = fixture.source("postgres", json!({"access": "read-write", "tools": ["execute_write"]})).await;
    let tool = source.tools().into_iter().find(|tool| tool.name == "execute_write").unwrap();
    assert_eq!(tool.annotations.and_then(|told| told.read_only_hint), Some(false));
}
