//! The kind as a client meets it: configured from a table, opened on a real server.

use std::sync::Arc;

use portwright_core::protocol::{CallToolResult, JsonObject};
use portwright_core::testing::Contract;
use portwright_core::{Declared, Diagnostic, Refusal, Source, SourceConfig, SourceKind as _, SourceSpec};
use serde_json::{Value, json};

use super::{Fixture, cx};
use crate::mysql::MySql;

pub(super) fn object(value: Value) -> JsonObject {
    let Value::Object(map) = value else { panic!("an object") };
    map
}

pub(super) fn decode(
    url: &str,
    table: Value,
    tools: &[(&str, Value)],
    resources: &[(&str, Value)],
) -> Result<Box<dyn SourceConfig>, Vec<Diagnostic>> {
    let mut table = object(table);
    table.insert("url".into(), url.into());
    let declared = |root: &str, list: &[(&str, Value)]| {
        let place = portwright_core::Pointer::root().join(root);
        let one = |(name, table): &(&str, Value)| Declared {
            name: (*name).to_owned(),
            table: object(table.clone()),
            place: place.join(name),
        };
        list.iter().map(one).collect()
    };
    MySql.decode(SourceSpec {
        name: "shop".into(),
        table,
        tools: declared("tools", tools),
        resources: declared("resources", resources),
        base: "/".into(),
    })
}

/// What a configuration is refused for.
fn problems(table: Value, tools: &[(&str, Value)]) -> Vec<String> {
    let found = decode("mysql://u@127.0.0.1:1/d", table, tools, &[]).err().unwrap_or_default();
    found.iter().map(|it| format!("{} {}: {}", it.place.as_str(), it.rule, it.message)).collect()
}

impl Fixture {
    pub(super) async fn source(&self, user: &str, table: Value) -> Arc<dyn Source> {
        decode(&self.url(user), table, &[], &[]).unwrap().connect().await.unwrap()
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
pub(super) fn refused(result: Result<CallToolResult, Refusal>) -> String {
    result.unwrap_err().public().to_owned()
}

const SHOP: &str = "
    CREATE TABLE customers (id INT PRIMARY KEY AUTO_INCREMENT, name VARCHAR(50) NOT NULL, email VARCHAR(50) UNIQUE);
    CREATE TABLE orders (id INT PRIMARY KEY, customer_id INT NOT NULL, total DECIMAL(10,2),
                         FOREIGN KEY (customer_id) REFERENCES customers (id));
    INSERT INTO customers VALUES (1, 'Ada', 'ada@example.com'), (2, 'Bob', NULL);
    INSERT INTO orders VALUES (1, 1, 10.50), (2, 1, 20), (3, 2, 5)";

#[tokio::test(flavor = "multi_thread")]
async fn declared_tools_take_named_parameters() {
    let fixture = Fixture::new(SHOP);
    let find = json!({
        "description": "Find customers by a part of name or email.",
        "sql": "SELECT id, name, ':not' AS x FROM customers # not :this\n WHERE name LIKE CONCAT('%', :term, '%') \
                OR email LIKE CONCAT('%', :term, '%') ORDER BY name LIMIT :limit",
        "params": {
            "term": {"type": "string", "description": "a part"},
            "limit": {"type": "integer", "description": "most rows", "default": 10},
        },
    });
    let add = json!({
        "description": "Adds a customer.",
        "sql": "INSERT INTO customers (name) VALUES (:name)",
        "params": {"name": {"type": "string", "description": "the name"}},
    });
    let tools = [("find_customers", find.clone()), ("add_customer", add)];
    let resource = [("db://shop/names", json!({"sql": "SELECT name FROM customers ORDER BY 1"}))];
    let config = decode(&fixture.url("root"), json!({"access": "read-write"}), &tools, &resource);
    let source = config.unwrap().connect().await.unwrap();
    let names: Vec<_> = source.tools().iter().map(|tool| tool.name.to_string()).collect();
    for name in ["find_customers", "add_customer", "run_sql_query", "list_tables", "describe_table", "explain_query"] {
        assert!(names.iter().any(|it| it == name), "{names:?}");
    }
    let tool = source.tools().iter().find(|tool| tool.name == "find_customers").cloned().unwrap();
    assert_eq!(tool.annotations.and_then(|it| it.read_only_hint), Some(true));
    let found = data(call(&source, "find_customers", json!({"term": "a' OR 1=1 -- "})).await);
    assert_eq!(found["row_count"], json!(0));
    let found = data(call(&source, "find_customers", json!({"term": "ada"})).await);
    assert_eq!(found["rows"], json!([{"id": 1, "name": "Ada", "x": ":not"}]));
    let added = data(call(&source, "add_customer", json!({"name": "Cyd"})).await);
    assert_eq!(added["affected"], json!(1));
    let read = source.read("db://shop/names", &cx()).await.unwrap();
    assert!(json!(read).to_string().contains("Cyd"));
}

#[tokio::test(flavor = "multi_thread")]
async fn own_tools_and_schema_resources() {
    let fixture = Fixture::new(SHOP);
    let user = fixture.user("SELECT");
    let source = fixture.source(&user, json!({})).await;
    let tables = data(call(&source, "list_tables", json!({})).await);
    assert!(tables.to_string().contains("customers") && tables.to_string().contains("orders"), "{tables}");
    let described = data(call(&source, "describe_table", json!({"table": "orders"})).await);
    assert!(described.to_string().contains("customer_id"), "{described}");
    let rows = data(call(&source, "run_sql_query", json!({"sql": "SELECT sum(total) AS t FROM orders;"})).await);
    assert_eq!(rows["rows"], json!([{"t": "35.50"}]));
    for analyze in [false, true] {
        let plan = json!({"sql": "SELECT * FROM orders WHERE id = 1", "analyze": analyze});
        let plan = data(call(&source, "explain_query", plan).await);
        assert!(plan["plan"].as_str().unwrap().contains("orders"), "{plan}");
    }
    assert!(refused(call(&source, "explain_query", json!({"sql": "SHOW TABLES"})).await).contains("explained"));
    for sql in ["SHOW TABLES", "DESCRIBE orders", "SHOW CREATE TABLE orders", "EXPLAIN SELECT 1"] {
        let shown = data(call(&source, "run_sql_query", json!({"sql": sql})).await);
        assert!(shown["row_count"].as_u64() > Some(0), "{sql}: {shown}");
    }
    let schemas = data(call(&source, "list_schemas", json!({})).await);
    assert!(schemas.to_string().contains(&fixture.database), "{schemas}");
    for uri in ["db://shop/schema", "db://shop/schema/orders"] {
        let read = source.read(uri, &cx()).await.unwrap();
        assert!(json!(read).to_string().contains("customer_id"), "{uri}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_contract_holds() {
    let fixture = Fixture::new(SHOP);
    let query = |sql: &str| object(json!({"sql": sql}));
    let slow = "SELECT count(*) FROM seq_1_to_1000000 a, seq_1_to_1000000 b";
    let table = json!({"access": "read-write", "tools": ["*"], "timeout": "1m"});
    let list = json!({"description": "x", "sql": "SELECT * FROM customers WHERE id = :id",
                      "params": {"id": {"type": "integer", "description": "x"}}});
    let one = json!({"sql": "SELECT * FROM customers WHERE id = :id",
                     "params": {"id": {"type": "integer", "description": "x"}},
                     "complete": {"id": "SELECT id FROM customers WHERE id LIKE CONCAT(:typed, '%')"}});
    let (tools, resources) = ([("customer", list)], [("db://shop/customers/{id}", one)]);
    let source = decode(&fixture.url("root"), table, &tools, &resources).unwrap().connect().await.unwrap();
    let broken = Contract::of(source)
        .works("run_sql_query", query("SELECT 1"))
        .works("customer", object(json!({"id": 1})))
        .works("describe_table", object(json!({"table": "orders"})))
        .slow("run_sql_query", query(slow))
        .check()
        .await;
    assert_eq!(broken, []);
}

#[test]
fn what_is_wrong_is_told_at_its_place() {
    let tool = |sql: &str| [("t", json!({"description": "x", "sql": sql}))];
    assert_eq!(
        problems(json!({"tools": ["list_tabels"]}), &[]),
        ["/sources/shop/tools/0 unknown-tool: `list_tabels` names none of this source's own tools"]
    );
    let found = problems(json!({}), &tool("DELETE FROM t"));
    assert!(found[0].starts_with("/tools/t/sql refused-sql: only SELECT"), "{found:?}");
    let found = problems(json!({}), &tool("SELECT * FROM t WHERE a = ?"));
    assert!(found[0].contains("parameters here have names"), "{found:?}");
    assert!(problems(json!({"access": "read-write"}), &tool("DELETE FROM t")).is_empty());
    let found = decode("mysql://u:hunter2@h/mysql", json!({}), &[], &[]).unwrap_err();
    assert!(found[0].message.contains("server itself") && !format!("{found:?}").contains("hunter2"), "{found:?}");
}
