//! Row security by what the credential says: real policies, and connections that many principals share.

use std::collections::BTreeMap;

use portwright_core::protocol::{ArgumentInfo, JsonObject, Reference};
use portwright_core::{Auth, Declared, Principal, SourceKind as _, SourceSpec};
use serde_json::json;

use super::source::object;
use super::*;
use crate::postgres::Postgres;
use crate::postgres::identity::Identity;
use crate::shared::sql::Scope;

const DATA: &str = "
    CREATE TABLE notes (id int, tenant text, body text);
    INSERT INTO notes SELECT n, CASE WHEN n % 2 = 0 THEN 'crimson' ELSE 'blue' END, 'note ' || n FROM generate_series(1, 40) n;
    ALTER TABLE notes ENABLE ROW LEVEL SECURITY;
    CREATE POLICY own ON notes USING (tenant = current_setting('app.tenant')) WITH CHECK (tenant = current_setting('app.tenant'));
    CREATE FUNCTION loosen() RETURNS text LANGUAGE sql AS 'SELECT set_config(''app.tenant'', ''crimson'', true)';
    CREATE FUNCTION become() RETURNS text LANGUAGE plpgsql AS $$BEGIN RESET ROLE; RETURN 'x'; END$$;
    CREATE FUNCTION turn(notes) RETURNS text STABLE LANGUAGE sql AS 'SELECT set_config(''app.tenant'', ''crimson'', true)';
    CREATE FUNCTION lower(int) RETURNS text STABLE LANGUAGE sql AS 'SELECT set_config(''app.tenant'', ''crimson'', true)'";

fn walls(config: &Value) -> Walls {
    let of = |key: &str| config.get(key).cloned();
    let set = of("set").map_or_else(BTreeMap::new, |set| serde_json::from_value(set).unwrap());
    let role = of("role").map(|role| serde_json::from_value(role).unwrap());
    let mut problems = Vec::new();
    let identity = Identity::decode(&set, role.as_ref(), &Pointer::root(), &mut problems);
    assert!(problems.is_empty(), "{problems:?}");
    Walls { identity, ..Walls::default() }
}

fn by_setting() -> Walls {
    walls(&json!({"set": {"app.tenant": {"from": "principal", "claim": "tenant"}}}))
}

fn of(claim: &str, value: impl Into<Value>) -> Context {
    let cx = cx();
    cx.set_principal(Arc::new(Principal::new("somebody", Auth::Token).with_claim(claim, value)));
    cx
}

fn notes(fixture: &Fixture, grants: &str) -> String {
    let role = fixture.role("");
    fixture.sql(&format!("GRANT SELECT, INSERT, UPDATE, DELETE ON notes TO {role}; {grants}"));
    fixture.url(&role)
}

#[tokio::test(flavor = "multi_thread")]
async fn no_row_of_another_tenant_comes_over_a_shared_connection() {
    let fixture = Fixture::new(DATA);
    let url = notes(&fixture, "");
    let database = open_behind(by_setting(), &url, Access::ReadOnly, 2).await.unwrap();
    let calls = (0..200).map(|number| {
        let database = database.clone();
        async move {
            let tenant = if number % 3 == 0 { "crimson" } else { "blue" };
            let cx = of("tenant", tenant);
            let sql = "SELECT tenant, id FROM notes";
            let timeout = Duration::from_secs(if number % 5 == 0 { 15 } else { 20 });
            let asked = match number % 4 {
                0 | 1 => declared(sql, &[]),
                _ => query(sql, &[]),
            };
            let rows = loop {
                match database.run(Query { timeout, ..asked }, &cx).await {
                    Err(SqlError::PoolBusy(_)) => {}
                    other => break other.unwrap(),
                }
            };
            assert_eq!(rows.rows.len(), 20, "{tenant}");
            assert!(rows.rows.iter().all(|row| row[0] == json!(tenant)), "{tenant}: {rows:?}");
        }
    });
    futures::future::join_all(calls).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_credential_that_says_nothing_reads_nothing() {
    let fixture = Fixture::new(DATA);
    let url = notes(&fixture, "");
    let database = open_behind(by_setting(), &url, Access::ReadOnly, 1).await.unwrap();
    let somebody = of("tenant", "crimson");
    assert_eq!(database.run(declared("SELECT id FROM notes", &[]), &somebody).await.unwrap().rows.len(), 20);
    for cx in [
        cx(),
        of("other", "crimson"),
        of("tenant", 7),
        of("tenant", json!(null)),
        of("tenant", ""),
        of("tenant", "a\0b"),
    ] {
        let answers = [
            database.run(declared("SELECT id FROM notes", &[]), &cx).await.map(|_| ()),
            database.run(query("SELECT id FROM notes", &[]), &cx).await.map(|_| ()),
            database.explain(query("SELECT id FROM notes", &[]), true, &cx).await.map(|_| ()),
            database.schema(Scope::default(), &cx).await.map(|_| ()),
        ];
        for answer in answers {
            assert!(matches!(&answer, Err(SqlError::Rejected(words)) if words.contains("credential")), "{answer:?}");
        }
    }
    // A value is bound, whatever is in it.
    let sly = of("tenant", "crimson', false), set_config('app.tenant', 'blue");
    assert_eq!(database.run(declared("SELECT id FROM notes", &[]), &sly).await.unwrap().rows.len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn statements_do_not_change_whose_rows_they_read() {
    let fixture = Fixture::new(DATA);
    let url = notes(&fixture, "");
    for access in [Access::ReadOnly, Access::ReadWrite] {
        let database = open_behind(by_setting(), &url, access, 1).await.unwrap();
        let blue = of("tenant", "blue");
        for sql in [
            "SET app.tenant = 'crimson'",
            "SET LOCAL app.tenant = 'crimson'",
            "RESET ROLE",
            "RESET app.tenant",
            "RESET ALL",
            "SET ROLE postgres",
            "SET SESSION AUTHORIZATION postgres",
            "SELECT set_config('app.tenant', 'crimson', true)",
            "SELECT pg_catalog.set_config('app.tenant', 'crimson', true), * FROM notes",
            "SELECT loosen(), count(*) FROM notes",
            "SELECT public.loosen()",
            "SELECT become()",
            "SELECT n.turn FROM notes n",
            "SELECT (n).turn, tenant FROM notes n",
            "SELECT lower(id), tenant FROM notes",
            "SELECT current_setting('app.tenant')",
            "UPDATE pg_settings SET setting = 'crimson' WHERE name = 'app.tenant'",
            "DO $$BEGIN PERFORM set_config('app.tenant', 'crimson', true); END$$",
            "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
            "CREATE VIEW v AS SELECT * FROM notes",
            "ALTER TABLE notes DISABLE ROW LEVEL SECURITY",
            "DROP POLICY own ON notes",
            "INSERT INTO notes VALUES (99, 'crimson', 'x')",
        ] {
            let answer = database.run(Query { access, ..query(sql, &[]) }, &blue).await;
            assert!(answer.is_err(), "{sql}: {answer:?}");
        }
        let rows = database.run(query("SELECT DISTINCT tenant FROM notes", &[]), &blue).await.unwrap();
        assert_eq!(rows.rows, [[json!("blue")]]);
    }
    let database = open_behind(by_setting(), &url, Access::ReadWrite, 1).await.unwrap();
    let blue = of("tenant", "blue");
    let sql = "UPDATE notes SET body = 'mine'";
    assert_eq!(database.run(writing(sql, &[]), &blue).await.unwrap().affected, Some(20));
    assert_eq!(fixture.sql("SELECT DISTINCT tenant FROM notes WHERE body = 'mine'"), ["blue"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_is_one_of_the_list() {
    let fixture = Fixture::new(
        "CREATE TABLE red_things (id int); CREATE TABLE blue_things (id int); INSERT INTO red_things VALUES (1)",
    );
    let role = fixture.role("NOINHERIT");
    let (red, blue) = (format!("{role}_red"), format!("{role}_Blue"));
    fixture.sql(&format!(
        "CREATE ROLE {red}; CREATE ROLE \"{blue}\"; GRANT {red}, \"{blue}\" TO {role};
         GRANT SELECT ON red_things TO {red}; GRANT SELECT ON blue_things TO \"{blue}\""
    ));
    let walls = walls(&json!({"role": {"from": "principal", "claim": "db_role", "allow": [red, blue, "absent"]}}));
    let database = open_behind(walls, &fixture.url(&role), Access::ReadOnly, 1).await.unwrap();
    for (cx, mine, others) in [
        (of("db_role", red.as_str()), "red_things", "blue_things"),
        (of("db_role", blue.as_str()), "blue_things", "red_things"),
    ] {
        for _ in 0..2 {
            let (mine, others) = (format!("SELECT count(*) FROM {mine}"), format!("SELECT count(*) FROM {others}"));
            for asked in [query(&mine, &[]), declared(&mine, &[])] {
                assert!(database.run(asked, &cx).await.is_ok(), "{mine}");
            }
            for asked in [query(&others, &[]), declared(&others, &[])] {
                let answer = database.run(asked, &cx).await;
                assert!(matches!(&answer, Err(SqlError::Database { code, .. }) if code == "42501"), "{answer:?}");
            }
        }
        let found = database.schema(Scope::default(), &cx).await.unwrap();
        assert_eq!(found.tables.iter().map(|table| table.name.as_str()).collect::<Vec<_>>(), [mine]);
    }
    for name in ["none", "NONE", "postgres", role.as_str(), "", "r_red; RESET ROLE"] {
        let answer = database.run(query("SELECT 1", &[]), &of("db_role", name)).await;
        assert!(matches!(&answer, Err(SqlError::Rejected(_))), "{name}: {answer:?}");
    }
    for asked in [query("SELECT 1", &[]), declared("SELECT current_user::text", &[])] {
        let _ = database.run(asked, &of("db_role", red.as_str())).await.unwrap();
        let answer = database.run(asked, &of("db_role", "absent")).await;
        assert!(matches!(&answer, Err(SqlError::Database { .. })), "{answer:?}");
    }
    let own = database.run(declared("SELECT current_user::text", &[]), &of("db_role", red.as_str())).await.unwrap();
    assert_eq!(own.rows, [[json!(red)]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn resources_tools_and_completion_are_under_it_too() {
    let fixture = Fixture::new(DATA);
    let url = notes(&fixture, "");
    let declared = |name: &str, table: Value| Declared {
        name: name.to_owned(),
        table: object(table),
        place: Pointer::root().join("resources").join(name),
    };
    let table = json!({
        "url": url, "pool": {"max": 1}, "set": {"app.tenant": {"from": "principal", "claim": "tenant"}},
    });
    let id = json!({"id": {"type": "string", "description": "x"}});
    let spec = SourceSpec {
        name: "shop".into(),
        table: object(table),
        tools: vec![declared("list_notes", json!({"description": "x", "sql": "SELECT tenant FROM notes"}))],
        resources: vec![
            declared("notes://mine", json!({"sql": "SELECT tenant FROM notes"})),
            declared(
                "notes://one/{id}",
                json!({
                    "sql": "SELECT tenant FROM notes WHERE id::text = :id", "params": id,
                    "complete": {"id": "SELECT tenant FROM notes WHERE id::text LIKE :typed || '%'"},
                }),
            ),
        ],
        base: "/".into(),
    };
    let source = Postgres.decode(spec).unwrap().connect().await.unwrap();
    let reference: Reference =
        serde_json::from_value(json!({"type": "ref/resource", "uri": "notes://one/{id}"})).unwrap();
    let typed: ArgumentInfo = serde_json::from_value(json!({"name": "id", "value": ""})).unwrap();
    for (tenant, other) in [("crimson", "blue"), ("blue", "crimson"), ("crimson", "blue")] {
        let cx = of("tenant", tenant);
        let answers = [
            format!("{:?}", source.call("list_notes", &JsonObject::new(), &cx).await.unwrap()),
            format!("{:?}", source.read("notes://mine", &cx).await.unwrap()),
            format!("{:?}", source.complete(&reference, &typed, None, &cx).await.unwrap()),
            format!(
                "{:?}",
                source.call("run_sql_query", &object(json!({"sql": "SELECT tenant FROM notes"})), &cx).await.unwrap()
            ),
        ];
        for answer in answers {
            assert!(answer.contains(tenant) && !answer.contains(other), "{tenant}: {answer}");
        }
        let own = if tenant == "crimson" { "notes://one/2" } else { "notes://one/1" };
        let others = if tenant == "crimson" { "notes://one/1" } else { "notes://one/2" };
        assert!(format!("{:?}", source.read(own, &cx).await.unwrap()).contains(tenant));
        assert!(!format!("{:?}", source.read(others, &cx).await.unwrap()).contains(other));
    }
    for (tool, arguments) in [
        ("list_notes", json!({})),
        ("run_sql_query", json!({"sql": "SELECT 1"})),
        ("list_tables", json!({})),
        ("describe_table", json!({"table": "notes"})),
        ("explain_query", json!({"sql": "SELECT 1"})),
        ("list_objects", json!({})),
        ("list_indexes", json!({})),
        ("get_object_details", json!({"schema_name": "public", "object_name": "notes"})),
    ] {
        let refused = source.call(tool, &object(arguments), &cx()).await.unwrap_err();
        assert!(refused.public().contains("credential"), "{tool}: {}", refused.public());
    }
    for uri in ["notes://mine", "notes://one/1", "db://shop/schema", "db://shop/schema/notes"] {
        assert!(source.read(uri, &cx()).await.unwrap_err().public().contains("credential"), "{uri}");
    }
    assert!(source.complete(&reference, &typed, None, &cx()).await.is_err());
}
