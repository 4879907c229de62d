use std::thread;

use super::{Access, Author, Guard};

const HONEST: &str = include_str!("corpus/honest.sql");
const ATTACKS: &str = include_str!("corpus/attacks.sql");

fn statements(corpus: &str) -> Vec<&str> {
    corpus.split("\n\n").map(str::trim).filter(|sql| !sql.is_empty()).collect()
}

fn reads(sql: &str) -> Result<super::Passed, super::Rejection> {
    Guard::default().check(sql, Access::ReadOnly, Author::Model)
}

#[test]
fn honest_queries_pass() {
    let all = statements(HONEST);
    let refused: Vec<_> = all.iter().filter_map(|sql| Some((sql, reads(sql).err()?.to_string()))).collect();
    println!("honest: {} of {} pass", all.len() - refused.len(), all.len());
    assert!(all.len() >= 150, "{}", all.len());
    assert!(refused.is_empty(), "{refused:#?}");
}

#[test]
fn attacks_do_not_pass() {
    let all = statements(ATTACKS);
    let passed: Vec<_> = all.iter().filter(|sql| reads(sql).is_ok()).collect();
    println!("attacks: {} of {} refused", all.len() - passed.len(), all.len());
    assert!(all.len() >= 150, "{}", all.len());
    assert!(passed.is_empty(), "{passed:#?}");
}

#[test]
fn refusals_tell_where_and_what_instead() {
    let refused = reads("SELECT 'ä', nearest(1)").unwrap_err();
    assert_eq!(refused.position, Some(13));
    assert!(refused.to_string().contains("functions = [\"public.nearest\"]"), "{refused}");
    assert!(reads("SELECT 1; SELECT 2").unwrap_err().message.contains("one statement"));
    assert!(reads("DELETE FROM t").unwrap_err().message.contains("only SELECT"));
    assert!(reads("SELECT FROM WHERE ((").unwrap_err().position.is_some());
    let unread = reads("selct name FROM t").unwrap_err();
    assert!(unread.message.contains("at `selct`") && !unread.message.contains("IDENT"), "{unread}");
}

#[test]
fn the_plan_opens_functions() {
    let check = |patterns: &[&str], sql: &str| {
        let patterns: Vec<_> = patterns.iter().map(|&pattern| pattern.to_owned()).collect();
        Guard::new(&patterns).unwrap().check(sql, Access::ReadOnly, Author::Model).is_ok()
    };
    assert!(check(&["public.distance"], "SELECT distance(1, 2), public.distance(1, 2)"));
    assert!(check(&["postgis.*"], "SELECT postgis.st_area(g), st_area(g) FROM t"));
    assert!(check(&["similarity"], "SELECT similarity('a', 'b')"));
    assert!(!check(&["public.distance"], "SELECT other.distance(1, 2)"));
    assert!(!check(&["*.*", "*", "public.*"], "SELECT pg_sleep(1)"));
    assert!(!check(&["*.*", "*", "public.*"], "SELECT pg_catalog.pg_sleep(1)"));
    assert!(check(&["pg_catalog.pg_sleep"], "SELECT pg_sleep(1)"));
    assert!(check(&["public.pg_sleep"], "SELECT public.pg_sleep(1)"));
}

#[test]
fn operators_own_statements_may_call_their_own_functions() {
    let check = |sql: &str, access| Guard::default().check(sql, access, Author::Operator).is_ok();
    assert!(check("SELECT total_of($1), app.f() FROM pg_stat_activity", Access::ReadOnly));
    assert!(!check("SELECT pg_sleep(1)", Access::ReadOnly));
    assert!(!check("INSERT INTO t VALUES ($1)", Access::ReadOnly));
    assert!(check("INSERT INTO t VALUES ($1) RETURNING id", Access::ReadWrite));
    assert!(check("WITH gone AS (DELETE FROM t RETURNING *) SELECT * FROM gone FOR UPDATE", Access::ReadWrite));
    assert!(check("SELECT nextval('s')", Access::ReadWrite));
}

#[test]
fn writing_statements_stay_within_their_transaction() {
    for sql in [
        "COMMIT",
        "BEGIN",
        "ROLLBACK",
        "SAVEPOINT a",
        "SET search_path = x",
        "RESET ALL",
        "DISCARD ALL",
        "LISTEN x",
        "COPY t FROM STDIN",
        "COPY t TO PROGRAM 'x'",
        "PREPARE a AS SELECT 1",
        "EXECUTE a",
        "DO $$ BEGIN END $$",
        "DECLARE c CURSOR FOR SELECT 1",
        "LOAD 'x'",
        "ALTER SYSTEM SET a = 1",
        "VACUUM",
        "CREATE ROLE x",
        "CREATE EXTENSION dblink",
        "SET ROLE x",
        "PREPARE TRANSACTION 'x'",
        "COMMIT PREPARED 'x'",
        "SELECT pg_read_file('x')",
        "INSERT INTO t SELECT lo_import('/etc/passwd')",
        "UPDATE t SET a = set_config('a', 'b', false)",
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "EXPLAIN ANALYZE DELETE FROM t",
    ] {
        assert!(Guard::default().check(sql, Access::ReadWrite, Author::Model).is_err(), "{sql}");
    }
}

#[test]
fn names_in_field_position_are_told() {
    let fields =
        reads("SELECT c.id, (c).total_of, (ROW(1)).f1, c.home FROM customers c WHERE o.x = 1").unwrap().names.fields;
    assert_eq!(fields.into_iter().collect::<Vec<_>>(), ["f1", "home", "id", "total_of", "x"]);
}

/// Shapes that make recursive parsers overflow, each as long as the bound allows, on a stack as small as a worker's.
#[test]
fn deep_statements_end_in_an_answer() {
    let filled = |length: usize| {
        move |head: &str, part: &str, tail: &str| {
            let room = length - head.len() - tail.len();
            format!("{head}{}{tail}", part.repeat(room / part.len()))
        }
    };
    for length in [super::SQL_BYTES_MAX, 3000] {
        deep_shapes(filled(length));
    }
}

fn deep_shapes(fill: impl Fn(&str, &str, &str) -> String + Send + 'static) {
    let shapes = [
        fill("SELECT ", "(", ""),
        fill("SELECT 1", "+1", ""),
        fill("SELECT 1", " UNION SELECT 1", ""),
        fill("SELECT ", "-", "1"),
        fill("SELECT ", "- ", "1"),
        fill("SELECT ", "NOT ", "true"),
        fill("SELECT 1", "||1", ""),
        fill("SELECT 1", "::int", ""),
        fill("SELECT x", "[1]", ""),
        fill("SELECT x", ".y", ""),
        fill("SELECT ", "CASE WHEN ", "1"),
        fill("SELECT ", "CASE WHEN true THEN 1 ELSE ", "1"),
        fill("SELECT ", "f(", ""),
        fill("SELECT ", "ARRAY[", ""),
        fill("SELECT 1 ", "OR 1 ", ""),
        fill("SELECT 1 ", "BETWEEN 1 AND 1 ", ""),
        fill("SELECT 1 ", "COLLATE x ", ""),
        fill("SELECT 1 ", "IS NULL ", ""),
        fill("SELECT 1", ",1", ""),
        fill("", "EXPLAIN ", "SELECT 1"),
        fill("", "WITH a AS ", ""),
        fill("SELECT * FROM a ", "JOIN a ON true ", ""),
        fill("SELECT * FROM a ", "JOIN a ", ""),
        fill("SELECT * FROM a", ",LATERAL a", ""),
        fill("", "/*", ""),
        fill("SELECT ", "$1 ", ""),
        fill("SELECT ", "@", "1"),
        fill("SELECT 1 ", "OPERATOR(pg_catalog.+) 1 ", ""),
        fill("SELECT ", "INTERVAL ", ""),
        fill("SELECT x ", "AT TIME ZONE ", "x"),
        fill("SELECT x ", "IN (1) ", ""),
        fill("", "SELECT ", ""),
        fill("", ";", "SELECT 1"),
        fill("SELECT 1", "=ANY(1", ""),
    ];
    let judge = move || {
        for sql in &shapes {
            let _ = reads(sql);
        }
        reads(&fill("SELECT 1", ",1", "")).unwrap();
    };
    thread::Builder::new().stack_size(2 * 1024 * 1024).spawn(judge).unwrap().join().unwrap();
}

#[test]
fn long_statements_of_honest_shape_pass() {
    let list = vec!["12345"; 4000].join(", ");
    reads(&format!("SELECT * FROM t WHERE id IN ({list})")).unwrap();
    let rows = vec!["(1, -2.5, 'x')"; 1500].join(", ");
    reads(&format!("VALUES {rows}")).unwrap();
    let choice = vec!["name = 'x'"; 400].join(" OR ");
    reads(&format!("SELECT * FROM t WHERE {choice}")).unwrap();
    let sum = vec!["a"; 900].join(" + ");
    reads(&format!("SELECT {sum} FROM t")).unwrap();
}

#[test]
fn too_long_is_refused_before_it_is_read() {
    assert!(reads(&" ".repeat(super::SQL_BYTES_MAX + 1)).unwrap_err().message.contains("longer"));
}

proptest::proptest! {
    #[test]
    fn any_text_gets_an_answer(sql in "\\PC{0,80}") {
        let _ = reads(&sql);
    }

    /// However it is spelled, the call is seen.
    #[test]
    fn a_call_is_seen_in_any_spelling(
        schema in proptest::option::of("(pg_catalog|PG_CATALOG|\"pg_catalog\")"),
        name in "(pg_sleep|PG_SLEEP|Pg_Sleep|\"pg_sleep\")",
        gap in "( |\t|\n|/\\* [a-z]* \\*/|--[a-z' ]*\n|--x\r){0,3}",
        form in 0..5_usize,
    ) {
        let schema = schema.map(|schema| format!("{schema}{gap}.{gap}")).unwrap_or_default();
        let call = format!("{schema}{name}{gap}(1)");
        let sql = match form {
            0 => format!("SELECT {call}"),
            1 => format!("SELECT * FROM {call}"),
            2 => format!("SELECT * FROM t, LATERAL {call} x"),
            3 => format!("SELECT 1 WHERE 1 = ({call}::text)::int"),
            _ => format!("SELECT (1::float8){gap}.{gap}{name}"),
        };
        proptest::prop_assert!(reads(&sql).is_err(), "{}", sql);
    }
}
