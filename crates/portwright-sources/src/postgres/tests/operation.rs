//! The tools that PostgreSQL alone has, on a real server.

use portwright_core::testing::Contract;
use serde_json::{Value, json};

use super::source::{call, data, names, object, refused, text};
use super::{Fixture, Server, until};

const SHOP: &str = "
    CREATE TYPE mood AS ENUM ('sad', 'ok'); CREATE DOMAIN code AS text CHECK (length(VALUE) = 3);
    CREATE TABLE customers (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, email text UNIQUE, feeling mood);
    COMMENT ON TABLE customers IS 'People who buy';
    CREATE TABLE orders (id int PRIMARY KEY, customer int REFERENCES customers, total numeric CHECK (total >= 0));
    CREATE INDEX by_customer ON orders (customer); CREATE INDEX by_customer_again ON orders (customer);
    CREATE VIEW rich AS SELECT customer FROM orders WHERE total > 1000;
    CREATE FUNCTION twice(n int) RETURNS int STABLE LANGUAGE sql AS 'SELECT $1 * 2';
    CREATE FUNCTION twice(n text) RETURNS text STABLE LANGUAGE sql AS 'SELECT $1 || $1';
    CREATE SCHEMA sales; CREATE TABLE sales.lines (a int);
    CREATE EXTENSION pg_trgm; CREATE TABLE hidden (secret text);
    INSERT INTO orders SELECT n, NULL, n FROM generate_series(1, 5) n";

async fn all(fixture: &Fixture) -> std::sync::Arc<dyn portwright_core::Source> {
    fixture.source("postgres", json!({"tools": ["*"]})).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_catalogs_are_open_and_the_operators_tools_are_not_unless_asked_for() {
    let fixture = Fixture::new(SHOP);
    let source = fixture.source("postgres", json!({})).await;
    let usual = [
        "run_sql_query",
        "list_schemas",
        "list_tables",
        "describe_table",
        "explain_query",
        "list_objects",
        "get_object_details",
        "list_indexes",
    ];
    assert_eq!(names(&source), usual);
    assert!(call(&source, "list_locks", json!({})).await.is_err());
    let bytes = serde_json::to_string(&source.tools()).unwrap().len();
    let whole = all(&fixture).await;
    assert_eq!(whole.tools().len(), 12);
    let every = serde_json::to_string(&whole.tools()).unwrap().len();
    // postgres-mcp pays 38,232 bytes for nine tools, MCP Toolbox 21,476 for 29.
    assert!(bytes < 8_200 && every < 11_500, "{bytes} {every}");
    let works = object(json!({"schema_name": "public"}));
    let broken = Contract::of(whole).works("list_objects", works).check().await;
    assert!(broken.is_empty(), "{broken:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn objects_are_listed_by_type_and_in_pages() {
    let fixture = Fixture::new(SHOP);
    let role = fixture.role("");
    fixture.sql(&format!("GRANT SELECT ON customers, orders, rich TO {role}; GRANT USAGE ON SCHEMA sales TO {role}"));
    let source = fixture.source(&role, json!({})).await;
    let listed = async |arguments: Value| data(call(&source, "list_objects", arguments).await);
    let names = |found: &Value| {
        let list = found["objects"].as_array().unwrap().clone();
        list.iter().map(|it| it["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    // What the role may not read is not told.
    let tables = listed(json!({})).await;
    assert_eq!(names(&tables), ["customers", "orders"]);
    assert_eq!(tables["objects"][0]["comment"], "People who buy");
    let first = listed(json!({"limit": 1})).await;
    assert_eq!((names(&first), &first["total"], &first["next"]), (vec!["customers".into()], &json!(2), &json!(1)));
    let second = listed(json!({"limit": 1, "offset": 1})).await;
    assert_eq!((names(&second), second.get("next")), (vec!["orders".into()], None));
    assert_eq!(names(&listed(json!({"object_type": "view"})).await), ["rich"]);
    assert_eq!(
        names(&listed(json!({"object_type": "type", "schema_name": "public"})).await),
        ["code", "gtrgm", "mood"]
    );
    assert!(names(&listed(json!({"object_type": "extension"})).await).contains(&"pg_trgm".to_owned()));
    let functions = listed(json!({"object_type": "function", "schema_name": "public", "limit": 500})).await;
    let details: Vec<_> = functions["objects"].as_array().unwrap().iter().map(|it| it["detail"].clone()).collect();
    assert!(details.contains(&json!("(n integer) -> integer")), "{details:?}");
    let none = call(&source, "list_objects", json!({"schema_name": "sale"})).await;
    assert_eq!(refused(none), "there is no schema `sale`; did you mean `sales`?");
    assert_eq!(names(&listed(json!({"schema_name": "sales"})).await), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_is_told_with_all_its_parts() {
    let fixture = Fixture::new(SHOP);
    let source = all(&fixture).await;
    let details = async |kind: &str, name: &str| {
        let asked = json!({"schema_name": "public", "object_name": name, "object_type": kind});
        call(&source, "get_object_details", asked).await
    };
    let orders = data(details("table", "orders").await);
    assert_eq!(orders["columns"][2], json!({"name": "total", "type": "numeric", "nullable": true}));
    let constraints = orders["constraints"].to_string();
    assert!(
        constraints.contains("PRIMARY KEY (id)") && constraints.contains("CHECK (total >= 0::numeric)"),
        "{constraints}"
    );
    assert!(orders["size_bytes"].as_i64().unwrap() > 0);
    assert_eq!(orders["indexes"].as_array().unwrap().len(), 3);
    assert!(data(details("view", "rich").await)["definition"].as_str().unwrap().contains("total > 1000"));
    assert_eq!(data(details("function", "twice").await)["overloads"].as_array().unwrap().len(), 2);
    assert_eq!(data(details("type", "mood").await)["definition"], "ENUM ('sad', 'ok')");
    assert!(data(details("type", "code").await)["definition"].as_str().unwrap().contains("CHECK"));
    assert!(data(details("sequence", "customers_id_seq").await)["definition"].as_str().unwrap().contains("START 1"));
    assert!(data(details("extension", "pg_trgm").await)["definition"].as_str().unwrap().starts_with("VERSION"));
    let unknown = refused(details("view", "orders").await);
    assert!(unknown.contains("no view `orders`") && unknown.contains("list_objects"), "{unknown}");
    // What a caller gives is bound.
    let odd = refused(details("table", "o'; DROP TABLE orders; --").await);
    assert!(odd.contains("there is no table"), "{odd}");
    let indexes = data(call(&source, "list_indexes", json!({"table_name": "orders", "only_unused": true})).await);
    assert_eq!(indexes["total"], 2);
    let index = &indexes["indexes"][0];
    assert_eq!((&index["name"], &index["unique"], &index["scans"]), (&json!("by_customer"), &json!(false), &json!(0)));
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_and_their_locks_are_told() {
    let fixture = Fixture::new(SHOP);
    let source = all(&fixture).await;
    let (server, database) = (fixture.server.clone(), fixture.database.clone());
    let (holder, waiter) = (server.clone(), server.clone());
    let (here, there) = (database.clone(), database);
    let holding = std::thread::spawn(move || {
        holder.session("postgres", &here, &["BEGIN; LOCK TABLE orders; SELECT pg_sleep(600)"])
    });
    until("the lock is held", || !fixture.sql("SELECT 1 FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND granted AND relation = 'orders'::regclass").is_empty()).await;
    let waiting = std::thread::spawn(move || waiter.session("postgres", &there, &["SELECT count(*) FROM orders"]));
    until("another waits", || !fixture.sql("SELECT 1 FROM pg_locks WHERE NOT granted").is_empty()).await;
    let queries = data(call(&source, "list_active_queries", json!({})).await);
    let told = queries["queries"].as_array().unwrap();
    assert!(told.iter().any(|it| it["query"].as_str().unwrap().contains("pg_sleep(600)")), "{queries}");
    assert!(told.iter().any(|it| it["waits_for"].as_str().is_some_and(|wait| wait.starts_with("Lock"))), "{queries}");
    let none = data(call(&source, "list_active_queries", json!({"min_duration": "1 hour"})).await);
    assert_eq!(none["queries"], json!([]));
    let without = json!({"exclude_application_names": "psql , other"});
    assert_eq!(data(call(&source, "list_active_queries", without).await)["queries"], json!([]));
    let wrong = refused(call(&source, "list_active_queries", json!({"min_duration": "soon"})).await);
    assert!(wrong.contains("interval"), "{wrong}");
    let locks = data(call(&source, "list_locks", json!({"only_blocked": true})).await);
    let first = &locks["locks"][0];
    assert_eq!((&first["granted"], &first["relation"]), (&json!(false), &json!("orders")));
    assert_eq!(first["blocked_by"].as_array().unwrap().len(), 1);
    fixture.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(600)%' AND pid <> pg_backend_pid()");
    assert!(holding.join().unwrap().is_err());
    waiting.join().unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_ails_the_database_is_told() {
    let fixture = Fixture::new(SHOP);
    fixture.sql(
        "ALTER TABLE orders ADD CONSTRAINT few CHECK (id < 1000) NOT VALID;
         CREATE SEQUENCE short MAXVALUE 100; SELECT setval('short', 90)",
    );
    let source = all(&fixture).await;
    let told = text(call(&source, "analyze_db_health", json!({})).await);
    for expected in [
        "the index public.by_customer_again is the same as by_customer -> DROP INDEX CONCURRENTLY public.by_customer_again",
        "connections are used",
        "vacuum: healthy",
        "the sequence public.short has used 89.9 % of its numbers",
        "the server is a primary",
        "the constraint few of public.orders was never validated",
    ] {
        assert!(told.contains(expected), "{expected}\n{told}");
    }
    let one = data(call(&source, "analyze_db_health", json!({"health_type": "buffer"})).await);
    assert_eq!((&one["checks"][0]["check"], &one["healthy"]), (&json!("buffer"), &json!(true)));
    let wrong = refused(call(&source, "analyze_db_health", json!({"health_type": "bufer"})).await);
    assert!(wrong.contains("there is no check `bufer`"), "{wrong}");
}

#[tokio::test(flavor = "multi_thread")]
async fn expensive_statements_are_told_where_they_are_counted() {
    let bare = Fixture::new("");
    let missing = refused(call(&all(&bare).await, "get_top_queries", json!({})).await);
    assert!(missing.contains("CREATE EXTENSION pg_stat_statements"), "{missing}");
    let server = Server::start_with(&["shared_preload_libraries = 'pg_stat_statements'"], |_| ());
    let fixture = Fixture::on(
        std::sync::Arc::new(server),
        "CREATE SCHEMA \"ex t\"; CREATE EXTENSION pg_stat_statements SCHEMA \"ex t\"",
    );
    fixture.sql("SELECT count(*) FROM generate_series(1, 200000)");
    let source = all(&fixture).await;
    for sort_by in ["resources", "mean_time", "total_time", "calls"] {
        let top = data(call(&source, "get_top_queries", json!({"sort_by": sort_by, "limit": 3})).await);
        let queries = top["queries"].as_array().unwrap();
        assert!(!queries.is_empty() && queries.len() <= 3, "{sort_by} {top}");
        assert!(queries[0]["calls"].as_i64().unwrap() > 0 && queries[0]["total_ms"].is_number());
    }
    let one = data(call(&source, "get_top_queries", json!({"sort_by": "total_time", "limit": 1})).await);
    assert_eq!((one["queries"].as_array().unwrap().len(), &one["truncated"]), (1, &json!(true)));
}
