//! What the source tells of a real server: its schema, its health, the privileges of its role.

use serde_json::json;

use super::*;
use crate::shared::sql::{Scope, TableKind};
use portwright_core::Diagnostic;

const SHOP: &str = "
    CREATE TYPE mood AS ENUM ('sad', 'ok');
    CREATE TABLE customers (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL, feeling mood, moods mood[], joined date DEFAULT now());
    COMMENT ON TABLE customers IS 'People who buy'; COMMENT ON COLUMN customers.name IS 'As on the letter';
    CREATE SCHEMA sales;
    CREATE TABLE sales.orders (a int, b int, customer int REFERENCES customers, total numeric(10,2), PRIMARY KEY (b, a));
    CREATE UNIQUE INDEX by_total ON sales.orders (total, lower(b::text));
    CREATE TABLE sales.lines (a int, b int, FOREIGN KEY (b, a) REFERENCES sales.orders (b, a));
    CREATE TABLE hidden (secret text); CREATE TABLE half (open int, closed int);
    CREATE TABLE \"Odd \"\"Name\" (\"x y\" int);
    CREATE VIEW people AS SELECT name FROM customers; CREATE MATERIALIZED VIEW totals AS SELECT 1 AS t;
    CREATE TABLE parts (n int) PARTITION BY RANGE (n); CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (9);
    INSERT INTO customers (name) SELECT 'x' FROM generate_series(1, 50); ANALYZE customers";

#[tokio::test(flavor = "multi_thread")]
async fn the_schema_is_what_the_role_may_see() {
    let fixture = Fixture::new(SHOP);
    let role = fixture.role("");
    fixture.sql(&format!(
        "GRANT USAGE ON SCHEMA sales TO {role}; GRANT SELECT ON customers, sales.orders, sales.lines, people, totals, parts, parts_1, \"Odd \"\"Name\" TO {role}; GRANT SELECT (open) ON half TO {role}"
    ));
    let database = open(&fixture.url(&role), Access::ReadOnly, 2).await.unwrap();
    let found = database.schema(Scope::default(), &cx()).await.unwrap();
    assert_eq!(found.schemas, ["public", "sales"]);
    assert_eq!(found.default_schema, "public");
    let names: Vec<_> = found.tables.iter().map(|table| format!("{}.{}", table.schema, table.name)).collect();
    assert_eq!(
        names,
        [
            "public.Odd \"Name",
            "public.customers",
            "public.half",
            "public.parts",
            "public.people",
            "public.totals",
            "sales.lines",
            "sales.orders"
        ]
    );
    let table = |name: &str| found.tables.iter().find(|table| table.name == name).unwrap();
    let customers = table("customers");
    assert_eq!((customers.comment.as_deref(), customers.rows_estimate), (Some("People who buy"), Some(50)));
    assert_eq!(customers.primary_key, ["id"]);
    let column = |name: &str| customers.columns.iter().find(|column| column.name == name).unwrap();
    assert_eq!((column("name").nullable, column("name").comment.as_deref()), (false, Some("As on the letter")));
    assert_eq!(
        (column("feeling").type_name.as_str(), column("feeling").values.as_slice()),
        ("mood", ["sad".to_owned(), "ok".to_owned()].as_slice())
    );
    assert_eq!((column("moods").type_name.as_str(), column("moods").values.len()), ("mood[]", 2));
    assert_eq!(
        (column("id").default.as_deref(), column("joined").default.as_deref()),
        (Some("identity"), Some("now()"))
    );
    let orders = table("orders");
    assert_eq!(orders.primary_key, ["b", "a"]);
    assert_eq!(
        (orders.foreign_keys[0].references.as_str(), orders.foreign_keys[0].referenced_columns.as_slice()),
        ("public.customers", ["id".to_owned()].as_slice())
    );
    assert_eq!(
        (orders.indexes[0].unique, orders.indexes[0].columns.as_slice()),
        (true, ["total".to_owned(), "lower(b::text)".to_owned()].as_slice())
    );
    assert_eq!(table("lines").foreign_keys[0].columns, ["b", "a"]);
    assert_eq!(table("lines").foreign_keys[0].references, "orders");
    assert_eq!(
        (table("people").kind, table("totals").kind, table("parts").kind),
        (TableKind::View, TableKind::MaterializedView, TableKind::Table)
    );
    assert_eq!(table("half").columns.len(), 1);
    let one = database.schema(Scope { schema: Some("sales"), table: Some("orders") }, &cx()).await.unwrap();
    assert_eq!((one.tables.len(), one.schemas.len()), (1, 2));
    assert!(database.schema(Scope { schema: None, table: Some("") }, &cx()).await.unwrap().tables.is_empty());
}

fn rules(found: &[Diagnostic]) -> Vec<&'static str> {
    found.iter().map(|diagnostic| diagnostic.rule).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn privileges_beyond_the_need_are_told_with_what_mends_them() {
    let fixture = Fixture::new("CREATE TABLE t (x int); CREATE SCHEMA \"odd\"\"name\"");
    let found = fixture.open().await.privileges().await;
    assert_eq!(rules(&found), ["superuser"]);
    let hint = found[0].hint.clone().unwrap();
    assert!(hint.contains("CREATE ROLE portwright_reader") && hint.contains("ON SCHEMA \"odd\"\"name\""), "{hint}");
    // The statements are taken as they stand.
    let statements = hint
        .split_once('\n')
        .unwrap()
        .1
        .replace("portwright_reader", &format!("reader_{}", fixture.database))
        .replace('…', "secret");
    fixture.sql(&statements);
    let reader = open(&fixture.url(&format!("reader_{}", fixture.database)), Access::ReadOnly, 1).await.unwrap();
    assert_eq!(reader.privileges().await, []);
    assert_eq!(one(&reader, "SELECT count(*) FROM t").await, json!(0));
    let role = fixture.role("BYPASSRLS CREATEROLE");
    fixture.sql(&format!(
        "GRANT INSERT ON t TO {role}; GRANT pg_read_server_files TO {role}; GRANT CREATE ON SCHEMA public TO {role}"
    ));
    let found = open(&fixture.url(&role), Access::ReadOnly, 1).await.unwrap().privileges().await;
    assert_eq!(rules(&found), ["bypasses-rls", "creates-roles", "server-files", "may-write", "may-create"]);
    assert!(
        found.iter().all(|diagnostic| diagnostic.place.as_str() == "/sources/test/url" && diagnostic.hint.is_some())
    );
    for (rule, statement) in [
        ("server-files", "REVOKE"),
        ("may-create", "REVOKE CREATE ON SCHEMA \"public\""),
        ("bypasses-rls", "NOBYPASSRLS"),
    ] {
        let hint = found.iter().find(|diagnostic| diagnostic.rule == rule).unwrap().hint.clone().unwrap();
        assert!(hint.contains(statement), "{hint}");
        fixture.sql(&hint);
    }
    let left = open(&fixture.url(&role), Access::ReadOnly, 1).await.unwrap().privileges().await;
    assert_eq!(rules(&left), ["creates-roles", "may-write"]);
}

#[test]
#[ignore = "writes the list that is committed"]
fn generate_builtins() {
    let server = Server::start();
    let lines = server.sql("postgres", include_str!("../guard/builtins.sql"));
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/postgres/guard/builtins.txt");
    let old = std::fs::read_to_string(path).unwrap();
    let header: Vec<&str> = old.lines().take_while(|line| line.starts_with('#')).collect();
    std::fs::write(path, format!("{}\n{}\n", header.join("\n"), lines.join("\n"))).unwrap();
}

#[test]
fn the_list_of_builtins_is_what_a_server_has() {
    let fixture = Fixture::new("");
    if !fixture.sql("SHOW server_version_num")[0].starts_with("15") {
        return;
    }
    let list: Vec<&str> = include_str!("../guard/builtins.txt").lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(fixture.sql(include_str!("../guard/builtins.sql")), list);
}

#[tokio::test(flavor = "multi_thread")]
async fn views_that_do_more_than_read_are_told() {
    let fixture = Fixture::new(
        "CREATE FUNCTION note() RETURNS int LANGUAGE plpgsql AS 'BEGIN PERFORM pg_notify(''x'', ''y''); RETURN 1; END';
         CREATE FUNCTION add(int, int) RETURNS int LANGUAGE sql AS 'SELECT note()';
         CREATE OPERATOR @+@ (LEFTARG = int, RIGHTARG = int, FUNCTION = add);
         CREATE FUNCTION twice(int) RETURNS int STABLE LANGUAGE sql AS 'SELECT $1 * 2';
         CREATE VIEW noted AS SELECT note() AS n; CREATE VIEW added AS SELECT 1 @+@ 2 AS n;
         CREATE VIEW plain AS SELECT twice(1) AS n, random() AS r; CREATE VIEW hidden AS SELECT note() AS n",
    );
    let role = fixture.role("");
    fixture.sql(&format!("GRANT SELECT ON noted, added, plain TO {role}"));
    let found = open(&fixture.url(&role), Access::ReadOnly, 1).await.unwrap().privileges().await;
    assert_eq!(rules(&found), ["volatile-view"]);
    let told = &found[0].message;
    assert!(told.contains("public.added (add), public.noted (note)") && !told.contains("plain"), "{told}");
    assert!(!told.contains("hidden"), "{told}");
}
