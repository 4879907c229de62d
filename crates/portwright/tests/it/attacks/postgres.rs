//! Attacks over the wire, on a source whose role is a superuser or owns the data.
//!
//! Each bait is proven first to be one: done by somebody else, it changes the cluster, stays on its session, tells what is
//! not the data's, or holds things up. Then it is sent through the built binary, which must refuse it, and nothing at
//! all may have come of it: not a byte in the write-ahead log, no file, no lock, no setting on the pooled session.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use portwright_sources::postgres::testing::Server;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::server::Portwright;
use crate::harness::wait_for;
use crate::harness::wire::{Client, Era, Http};

const BAITS: &str = include_str!("cases/postgres.txt");

const DATA: &str = "
    CREATE TABLE pub (id int); INSERT INTO pub VALUES (1), (2); CREATE TABLE lines (line text);
    CREATE TABLE secret (word text); INSERT INTO secret VALUES ('xyzzy'); CREATE SEQUENCE counter; SELECT lo_create(4711);
    CREATE TABLE keyed (id int PRIMARY KEY); INSERT INTO keyed VALUES (1); CREATE TABLE scratch AS SELECT 1 AS one;
    CREATE MATERIALIZED VIEW kept AS SELECT count(*) FROM pub;
    CREATE FUNCTION write_it() RETURNS int LANGUAGE sql AS 'INSERT INTO pub VALUES (666) RETURNING id';
    CREATE FUNCTION write_row(pub) RETURNS int LANGUAGE sql AS 'INSERT INTO pub VALUES (666) RETURNING id';
    CREATE FUNCTION add_it(int, int) RETURNS int LANGUAGE sql AS 'INSERT INTO pub VALUES (666) RETURNING id';
    CREATE OPERATOR @#@ (LEFTARG = int, RIGHTARG = int, FUNCTION = add_it);
    CREATE AGGREGATE add_all(int) (SFUNC = add_it, STYPE = int);
    CREATE PROCEDURE write_proc() LANGUAGE sql AS 'INSERT INTO pub VALUES (666)';
    CREATE FUNCTION loosen() RETURNS text LANGUAGE sql AS
      'SELECT set_config(''default_transaction_read_only'', ''on'', false) || set_config(''work_mem'', ''2MB'', false)'";

/// All that a session keeps, as one value.
const SESSION: &str = "SELECT md5(string_agg(x, ';' ORDER BY x)) AS state FROM (
      SELECT name || '=' || setting FROM pg_catalog.pg_settings
      UNION ALL SELECT current_user || ',' || session_user
      UNION ALL SELECT locktype || mode FROM pg_catalog.pg_locks WHERE pid = pg_backend_pid() AND locktype = 'advisory'
      UNION ALL SELECT * FROM pg_catalog.pg_listening_channels()
      UNION ALL SELECT name FROM pg_catalog.pg_prepared_statements WHERE from_sql
      UNION ALL SELECT name FROM pg_catalog.pg_cursors WHERE is_holdable
      UNION ALL SELECT relname FROM pg_catalog.pg_class WHERE relnamespace = pg_my_temp_schema()) AS kept (x)";

/// What any change of the cluster moves.
const CLUSTER: &str = "SELECT pg_current_wal_insert_lsn(), pg_conf_load_time(), pg_postmaster_start_time(),
      (SELECT string_agg(last_value::text, ',') FROM pg_sequences),
      (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' OR mode LIKE '%Exclusive%' AND locktype = 'relation')";

struct Bait {
    kind: String,
    sql: String,
}

fn baits(server: &Server) -> Vec<Bait> {
    let (data, port) = (server.data().display().to_string(), server.port().to_string());
    let blocks = BAITS.split("\n\n").map(|block| block.trim().split_once('\n').expect("a kind and a statement"));
    let bait = |(kind, sql): (&str, &str)| Bait {
        kind: kind.trim_start_matches("# ").split(':').next().unwrap_or_default().to_owned(),
        sql: sql.replace("{data}", &data).replace("{port}", &port),
    };
    blocks.map(bait).collect()
}

/// How many there are.
pub(super) fn baits_in_all() -> usize {
    BAITS.split("\n\n").count()
}

fn server() -> Server {
    // Nothing but what is done to it may write to its log.
    let server = Server::start_with(&["wal_level = minimal", "max_wal_senders = 0"], |_| ());
    server.sql("postgres", &format!("CREATE ROLE other; CREATE EXTENSION dblink; {DATA}"));
    server
}

fn files(folder: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(folder).expect("the data").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let length = entry.metadata().map_or(0, |about| if about.is_file() { about.len() } else { 0 });
        found.insert(format!("{name} {length}"));
    }
    found
}

fn cluster(server: &Server) -> (Vec<String>, BTreeSet<String>) {
    (server.sql("postgres", CLUSTER), files(&server.data()))
}

/// Shows that a statement is dangerous, by doing it.
fn prove(server: &Server, Bait { kind, sql }: &Bait) {
    let session = |statements: &[&str]| server.session("postgres", "postgres", statements);
    match kind.as_str() {
        "leaves" => {
            let before = cluster(server);
            let done = session(&[sql.as_str()]);
            assert!(done.is_ok(), "{sql}: {done:?}");
            // A signal to the server takes effect a little later.
            wait_for(sql, || (cluster(server) != before).then_some(()));
        }
        "stays" => {
            // As the pooled session has it.
            let only = "SET default_transaction_read_only = on";
            let told = session(&[only, SESSION, "SELECT 'then'", sql, "SELECT 'now'", SESSION]).expect(sql);
            assert_ne!(told.lines().next(), told.lines().last(), "{sql}");
        }
        "tells" => assert!(!session(&[sql.as_str()]).expect(sql).trim().is_empty(), "{sql}"),
        "stalls" => {
            let stopped = session(&["SET statement_timeout = 200", sql]).expect_err(sql);
            assert!(stopped.contains("statement timeout"), "{sql}: {stopped}");
        }
        "kills" => assert!(session(&[sql.as_str()]).expect_err(sql).contains("terminating connection"), "{sql}"),
        "locks" => {
            let locks = "SELECT count(*) FROM pg_locks WHERE pid = pg_backend_pid() AND \
                         (mode LIKE '%Exclusive%' AND locktype = 'relation' OR mode LIKE 'Row%' OR locktype = 'advisory')";
            let told = session(&["BEGIN", sql, "SELECT 'then'", locks, "ROLLBACK"]).expect(sql);
            assert_ne!(told.lines().last(), Some("0"), "{sql}: {told}");
        }
        other => panic!("{other} is no kind"),
    }
}

/// Sends every bait through the binary, as a role; nothing comes of any.
fn attack(server: &Server, role: &str) {
    let folder = TempDir::new().expect("a folder");
    let config = folder.path().join("portwright.toml");
    let text = format!(
        "[server]\nname = \"bait\"\n[audit]\nfile = {audit:?}\n[sources.db]\nkind = \"postgres\"\nurl = \"{url}\"\n\
         pool = {{ max = 1 }}\n[tools.session]\nsource = \"db\"\ndescription = \"The session.\"\n\
         sql = '''{state}'''\n[tools.process]\nsource = \"db\"\ndescription = \"The process.\"\n\
         sql = \"SELECT pg_backend_pid() AS pid\"\n",
        audit = folder.path().join("audit.jsonl").display().to_string(),
        url = server.url(role, "postgres"),
        state = SESSION.replace('\n', " "),
    );
    fs::write(&config, text).expect("a configuration");
    let portwright = Portwright::start(&config);
    let mut client = Http::connect(portwright.address, Era::Modern);
    let mut call = |tool: &str, arguments: Value| client.call(tool, arguments)["result"].clone();
    let state = |call: &mut dyn FnMut(&str, Value) -> Value| {
        [call("session", json!({})), call("process", json!({}))].map(|told| {
            assert_eq!(told["isError"], false, "{told}");
            told["structuredContent"]["rows"].to_string()
        })
    };
    let honest = call("run_sql_query", json!({ "sql": "SELECT sum(id) FROM pub" }));
    assert_eq!(honest["isError"], false, "{honest}");
    let clean = state(&mut call);
    // What a first look at a table writes is written now.
    server.session("postgres", "postgres", &["VACUUM FREEZE", "CHECKPOINT"]).expect("a quiet cluster");
    let (dump, before) = (server.dump(), cluster(server));
    for Bait { sql, .. } in baits(server) {
        for tool in ["run_sql_query", "explain_query"] {
            let told = call(tool, json!({ "sql": sql }));
            assert_eq!(told["isError"], true, "{role}: {tool}: {sql}: {told}");
            assert!(!told.to_string().contains("xyzzy"), "{role}: {sql}: {told}");
        }
        assert_eq!(cluster(server), before, "{role}: {sql}");
        assert_eq!(state(&mut call), clean, "{role}: {sql}");
    }
    assert_eq!(server.dump(), dump, "{role}");
}

#[test]
fn baits_are_dangerous_and_come_to_nothing() {
    let server = server();
    attack(&server, "postgres");
    for bait in baits(&server) {
        prove(&server, &bait);
    }
}

#[test]
fn an_owner_changes_nothing_over_the_wire() {
    let server = server();
    let owner = "CREATE ROLE owner LOGIN CREATEROLE IN ROLE pg_monitor, other; ALTER DATABASE postgres OWNER TO owner; \
                 GRANT ALL ON SCHEMA public TO owner; DO $$ DECLARE name text; BEGIN FOR name IN SELECT relname FROM pg_class \
                 WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'm') LOOP \
                 EXECUTE format('ALTER TABLE public.%I OWNER TO owner', name); END LOOP; END $$; \
                 ALTER SEQUENCE counter OWNER TO owner";
    server.sql("postgres", owner);
    attack(&server, "owner");
}
