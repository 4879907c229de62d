use proptest::prelude::*;

use super::{Access, Author, Guard, Kind, Mode};

const HONEST: &[&str] = &[
    "SELECT 1",
    "select id, name from customers where name like '%o''brien%' order by name limit 10",
    r#"SELECT 'it\'s', 'a\\', '\\''', "double \" quote""#,
    "SELECT * FROM `odd ``name` WHERE `select` = 1 -- a note\n AND 1=1 # another\n",
    "/* a note */ SELECT /* inside */ 1",
    "SELECT count(*), max(total), group_concat(DISTINCT name ORDER BY name SEPARATOR ', ') FROM orders GROUP BY 1",
    "WITH spent (who, total) AS (SELECT customer_id, sum(total) FROM orders GROUP BY 1) SELECT * FROM spent",
    "WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 5) SELECT i FROM n",
    "SELECT row_number() OVER (PARTITION BY customer_id ORDER BY placed_at DESC) FROM orders",
    "SELECT sum(total) OVER w FROM orders WINDOW w AS (PARTITION BY customer_id)",
    "SELECT * FROM (VALUES ROW(1, 2), ROW(3, 4)) AS t (a, b)",
    "SELECT * FROM (SELECT 1, 2) t (a, b)",
    "VALUES ROW(1), ROW(2)",
    "TABLE customers",
    "(SELECT 1) UNION ALL (SELECT 2) ORDER BY 1",
    "SELECT * FROM a JOIN b USING (id) LEFT JOIN c ON (c.id = a.id) WHERE a.x IN (1, 2) AND EXISTS (SELECT 1)",
    "SELECT CAST(total AS DECIMAL(10, 2)), CONVERT(name USING utf8mb4), CAST(x AS CHAR(10)) FROM orders",
    "SELECT date_add(now(), INTERVAL 1 DAY), date_format(placed_at, '%Y-%m'), extract(YEAR FROM placed_at) FROM orders",
    "SELECT substring('abc' FROM 1 FOR 2), trim(LEADING 'x' FROM 'xxa'), position('a' IN 'ba')",
    "SELECT CASE WHEN (a > 1) THEN (2) ELSE (3) END, IF(a, b, c), coalesce(NULL, 1), ifnull(a, 2) FROM t",
    "SELECT j->'$.a', j->>'$.b', json_extract(j, '$.c'), JSON_VALUE(j, '$.d') FROM t",
    "SELECT * FROM json_table('[1,2]', '$[*]' COLUMNS (n INT PATH '$')) AS t",
    "SELECT MATCH (title, body) AGAINST ('word' IN BOOLEAN MODE) FROM posts",
    "SELECT * FROM t USE INDEX (by_name) WHERE a = 1",
    "SELECT x'41', 0x41, b'01', N'text', _utf8mb4'text' COLLATE utf8mb4_bin, DATE '2024-01-01'",
    "SELECT @@version, @@session.sql_mode, version(), database(), current_user()",
    "SELECT insert('Quadratic', 3, 4, 'What'), replace('abc', 'b', 'x')",
    "SELECT t.update, t.delete, t.into FROM t",
    "SELECT uuid(), md5('a'), sha2('a', 256), st_astext(point(1, 2)), rand()",
    "SELECT * FROM t FOR SYSTEM_TIME AS OF '2024-01-01'",
    "SELECT 5 - -3, 1 <=> NULL, !0, ~1, 2 ^ 3, 1 | 2 & 3, 7 DIV 2, 7 % 2",
    "SELECT straße, 名前 FROM tabelle WHERE größe > 1",
    "SELECT ':=', '@x', '; DROP TABLE t', '/*! x */', \"INTO OUTFILE\"",
    "SELECT * FROM information_schema.columns WHERE table_name = 'orders'",
    "SHOW TABLES",
    "SHOW FULL TABLES FROM shop LIKE 'o%'",
    "SHOW CREATE TABLE orders",
    "SHOW INDEX FROM orders",
    "SHOW FULL COLUMNS FROM orders",
    "SHOW TABLE STATUS LIKE 'orders'",
    "DESCRIBE orders",
    "DESC shop.orders total",
    "EXPLAIN SELECT * FROM orders",
    "EXPLAIN FORMAT=JSON SELECT * FROM orders",
    "EXPLAIN ANALYZE SELECT 1",
    "SELECT 1;",
];

/// Statements with the words by which they are refused.
pub(in crate::mysql) const HOSTILE: &[(&str, &str)] = &[
    ("", "no statement"),
    ("-- nothing", "no statement"),
    ("INSERT INTO t VALUES (1)", "only SELECT"),
    ("UPDATE t SET a = 1", "only SELECT"),
    ("DELETE FROM t", "only SELECT"),
    ("REPLACE INTO t VALUES (1)", "only SELECT"),
    ("TRUNCATE t", "only SELECT"),
    ("DROP TABLE t", "only SELECT"),
    ("CREATE TABLE x (a INT)", "only SELECT"),
    ("CREATE TEMPORARY TABLE x AS SELECT 1", "only SELECT"),
    ("ALTER TABLE t ADD b INT", "only SELECT"),
    ("RENAME TABLE t TO x", "only SELECT"),
    ("SET SESSION TRANSACTION READ WRITE", "only SELECT"),
    ("SET GLOBAL general_log = 1", "only SELECT"),
    ("SET STATEMENT max_statement_time = 0 FOR SELECT 1", "only SELECT"),
    ("SET PASSWORD = PASSWORD('x')", "only SELECT"),
    ("COMMIT", "only SELECT"),
    ("START TRANSACTION READ WRITE", "only SELECT"),
    ("BEGIN NOT ATOMIC INSERT INTO t VALUES (1); END", "one statement"),
    ("BEGIN NOT ATOMIC", "only SELECT"),
    ("XA START 'x'", "only SELECT"),
    ("SAVEPOINT s", "only SELECT"),
    ("LOCK TABLES t WRITE", "only SELECT"),
    ("UNLOCK TABLES", "only SELECT"),
    ("FLUSH TABLES WITH READ LOCK", "only SELECT"),
    ("RESET MASTER", "only SELECT"),
    ("KILL 1", "only SELECT"),
    ("SHUTDOWN", "only SELECT"),
    ("USE mysql", "only SELECT"),
    ("DO SLEEP(10)", "only SELECT"),
    ("CALL write_it()", "only SELECT"),
    ("HANDLER t OPEN", "only SELECT"),
    ("LOAD DATA INFILE '/etc/passwd' INTO TABLE t", "only SELECT"),
    ("LOAD DATA LOCAL INFILE '/etc/passwd' INTO TABLE t", "only SELECT"),
    ("LOAD XML INFILE 'x' INTO TABLE t", "only SELECT"),
    ("GRANT ALL ON *.* TO u", "only SELECT"),
    ("CREATE USER x", "only SELECT"),
    ("INSTALL PLUGIN x SONAME 'x.so'", "only SELECT"),
    ("CREATE FUNCTION sys_exec RETURNS INT SONAME 'x.so'", "only SELECT"),
    ("PREPARE p FROM 'DELETE FROM t'", "only SELECT"),
    ("EXECUTE IMMEDIATE 'DELETE FROM t'", "only SELECT"),
    ("ANALYZE TABLE t", "only SELECT"),
    ("ANALYZE UPDATE t SET a = 1", "only SELECT"),
    ("OPTIMIZE TABLE t", "only SELECT"),
    ("BINLOG 'x'", "only SELECT"),
    ("CHANGE MASTER TO MASTER_HOST = 'x'", "only SELECT"),
    ("`SELECT` 1", "only SELECT"),
    ("SELECT 1; DELETE FROM t", "one statement"),
    ("SELECT 1;; DELETE FROM t;", "one statement"),
    ("SELECT * FROM t INTO OUTFILE '/tmp/x'", "INTO"),
    ("SELECT 'x' INTO DUMPFILE '/tmp/x'", "INTO"),
    ("SELECT 1 INTO @a", "INTO"),
    ("SELECT 1 INTO\n/* */ OUTFILE '/tmp/x'", "INTO"),
    ("SELECT @a := 1", "variables"),
    ("SELECT @a:=1", "variables"),
    ("SELECT @`a`", "variables"),
    ("SELECT * FROM t FOR UPDATE", "locked"),
    ("SELECT * FROM t FOR/**/UPDATE SKIP LOCKED", "locked"),
    ("SELECT * FROM t FOR SHARE", "locked"),
    ("SELECT * FROM t LOCK IN SHARE MODE", "locked"),
    ("SELECT * FROM t PROCEDURE ANALYSE()", "procedures"),
    ("WITH x AS (SELECT 1) DELETE FROM t", "would write"),
    ("WITH x AS (SELECT 1) UPDATE t SET a = 1", "would write"),
    ("WITH x AS (SELECT 1) INSERT INTO t SELECT 1", "would write"),
    ("(SELECT 1) UNION (DELETE FROM t)", "would write"),
    ("SELECT * FROM (DELETE FROM t RETURNING *) x", "would write"),
    ("EXPLAIN DELETE FROM t", "EXPLAIN"),
    ("EXPLAIN ANALYZE DELETE FROM t", "EXPLAIN"),
    ("EXPLAIN FORMAT=JSON INSERT INTO t VALUES (1)", "EXPLAIN"),
    ("EXPLAIN FOR CONNECTION 1", "EXPLAIN"),
    ("DESCRIBE UPDATE t SET a = 1", "EXPLAIN"),
    ("SHOW GRANTS", "only SHOW TABLES"),
    ("SHOW CREATE USER root", "only SHOW TABLES"),
    ("SHOW PROCESSLIST", "only SHOW TABLES"),
    ("SHOW FULL PROCESSLIST", "only SHOW TABLES"),
    ("SHOW VARIABLES", "only SHOW TABLES"),
    ("SHOW MASTER STATUS", "only SHOW TABLES"),
    ("SHOW BINLOG EVENTS", "only SHOW TABLES"),
    ("SHOW ENGINE INNODB STATUS", "only SHOW TABLES"),
    ("SHOW CREATE PROCEDURE p", "only SHOW TABLES"),
    ("SHOW TABLES FROM mysql", "not open"),
    ("SHOW CREATE TABLE mysql.user", "not open"),
    ("DESCRIBE mysql.user", "not open"),
    ("SELECT * FROM mysql.user", "not open"),
    ("SELECT * FROM mysql . global_priv", "not open"),
    ("SELECT * FROM `mysql`.`user`", "not open"),
    ("SELECT * FROM MySQL.user", "not open"),
    ("TABLE mysql.user", "not open"),
    ("SELECT * FROM performance_schema.threads", "not open"),
    ("SELECT * FROM sys.session", "not open"),
    ("SELECT * FROM information_schema.processlist", "not open"),
    ("SELECT * FROM information_schema.`PROCESSLIST`", "not open"),
    ("SELECT @@datadir", "not open"),
    ("SELECT @@global.secure_file_priv", "not open"),
    ("SELECT LOAD_FILE('/etc/passwd')", "more than compute"),
    ("SELECT load_file (0x2f)", "more than compute"),
    ("SELECT `LOAD_FILE`('/etc/passwd')", "more than compute"),
    ("SELECT load_file/**/('/etc/passwd')", "more than compute"),
    ("SELECT SLEEP(100)", "more than compute"),
    ("SELECT IF(1, sleep(100), 0)", "more than compute"),
    ("SELECT BENCHMARK(1000000000, MD5('a'))", "more than compute"),
    ("SELECT GET_LOCK('a', 10)", "more than compute"),
    ("SELECT RELEASE_ALL_LOCKS()", "more than compute"),
    ("SELECT RELEASE_LOCK('a')", "more than compute"),
    ("SELECT MASTER_POS_WAIT('a', 1)", "more than compute"),
    ("SELECT SOURCE_POS_WAIT('a', 1)", "more than compute"),
    ("SELECT NEXTVAL(s)", "more than compute"),
    ("SELECT NEXT VALUE FOR s", "sequence"),
    ("SELECT SETVAL(s, 1)", "more than compute"),
    ("SELECT LASTVAL(s)", "more than compute"),
    ("SELECT sys_exec('id')", "more than compute"),
    ("SELECT sys_eval('id')", "more than compute"),
    ("SELECT NAME_CONST('a', 1)", "more than compute"),
    ("SELECT write_it()", "no function that is known"),
    ("SELECT shop.write_it()", "no function that is known"),
    ("SELECT `shop`.`write_it`(1)", "no function that is known"),
    ("SELECT 1 FROM t WHERE write_it(a) = 1", "no function that is known"),
    ("SELECT mysql.x()", "not open"),
    ("SELECT 1write_it()", "no function that is known"),
    ("SELECT {fn sleep(1)}", "no place"),
    ("SELECT /*! SLEEP(10) */", "servers run"),
    ("SELECT 1 /*!50000 INTO OUTFILE '/tmp/x' */", "servers run"),
    ("SELECT 1 /*M! FOR UPDATE */", "servers run"),
    ("SELECT /*+ SET_VAR(sql_mode='ANSI_QUOTES') */ 1", "hint"),
    ("/*! DELETE FROM t */", "servers run"),
    ("SELECT 1 /* never", "never closed"),
    ("SELECT 'never", "never closed"),
    (r"SELECT 'a\\', SLEEP(1)", "more than compute"),
    (r"SELECT 'a\', SLEEP(1)", "never closed"),
    ("SELECT `never", "never closed"),
    ("SELECT 1 --1", "space between"),
    ("SELECT 1 \\G", "no place"),
    ("SELECT $$ ' $$, sleep(1) -- '", "dollar"),
    ("SELECT $a$ ' $a$, sleep(1) -- '", "dollar"),
    ("SELECT * FROM (SELECT 1) t (a) sleep(9)", "more than compute"),
    ("SELECT (1) write_it()", "no function that is known"),
    ("SELECT ((1)", "never closed"),
    ("SELECT 1))", "never opened"),
    ("SELECT 1\u{1}", "no place"),
    ("SELECT 1\0", "NUL"),
];

fn judged(sql: &str) -> Result<Kind, super::Rejection> {
    Guard::default().check(sql, Access::ReadOnly, Author::Model)
}

#[test]
fn honest_statements_pass() {
    let refused: Vec<_> = HONEST.iter().filter_map(|sql| Some((sql, judged(sql).err()?.to_string()))).collect();
    assert!(refused.is_empty(), "{refused:#?}");
}

#[test]
fn hostile_statements_are_refused_with_the_reason() {
    assert!(HOSTILE.len() >= 120, "{}", HOSTILE.len());
    let wrong = |(sql, words): &(&'static str, &'static str)| match judged(sql) {
        Ok(_) => Some(format!("passes: {sql}")),
        Err(rejection) if !rejection.message.contains(words) => Some(format!("{sql}: {rejection}")),
        Err(_) => None,
    };
    let wrong: Vec<_> = HOSTILE.iter().filter_map(wrong).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn quotes_are_read_as_the_mode_says() {
    let passes =
        |mode: Mode, sql: &str| Guard::default().reading(mode).check(sql, Access::ReadOnly, Author::Model).is_ok();
    let usual = Mode::default();
    let plain = Mode { no_backslash_escapes: true, ..usual };
    let ansi = Mode { ansi_quotes: true, ..usual };
    // The text ends at another quote.
    let (closed, open) = (r"SELECT '\', sleep(1), '\''", r"SELECT '\', sleep(1), '");
    assert!(!passes(usual, closed) && !passes(plain, closed));
    assert!(passes(usual, open) && !passes(plain, open));
    assert!(passes(usual, r"SELECT '\' sleep(1) \''") && !passes(plain, r"SELECT '\' + sleep(1) + '\'"));
    assert!(passes(plain, r"SELECT 'C:\'") && !passes(usual, r"SELECT 'C:\'"));
    assert!(passes(usual, r#"SELECT "sleep" "(1)""#));
    assert!(!passes(ansi, r#"SELECT "sleep"(1)"#) && !passes(ansi, r#"SELECT * FROM "mysql"."user""#));
}

#[test]
fn the_plan_opens_functions() {
    let check = |patterns: &[&str], sql: &str| {
        let patterns: Vec<_> = patterns.iter().map(|&pattern| pattern.to_owned()).collect();
        Guard::new(&patterns).unwrap().check(sql, Access::ReadOnly, Author::Model).is_ok()
    };
    assert!(check(&["shop.tax"], "SELECT tax(1), shop.tax(1), Shop.`TAX`(1)"));
    assert!(check(&["shop.*"], "SELECT shop.anything(1)"));
    assert!(!check(&["shop.tax"], "SELECT other.tax(1)"));
    assert!(!check(&["*.*", "*"], "SELECT sleep(1)"));
    assert!(!check(&["*.*"], "SELECT mysql.x()"));
    assert!(check(&["get_lock"], "SELECT get_lock('a', 0)"));
    let refused = judged("SELECT 'ä', tax(1)").unwrap_err();
    assert_eq!(refused.position, Some(13));
    assert!(refused.to_string().contains("functions = [\"DATABASE.tax\"]"), "{refused}");
}

#[test]
fn the_operator_may_call_what_they_made() {
    let operator = |sql: &str| Guard::default().check(sql, Access::ReadOnly, Author::Operator).is_ok();
    assert!(operator("SELECT shop.tax(total), tax(1) FROM orders WHERE id = ?"));
    assert!(operator("SELECT * FROM performance_schema.threads"));
    assert!(!operator("SELECT sleep(1)") && !operator("DELETE FROM t") && !operator("SELECT 1 INTO OUTFILE 'x'"));
}

#[test]
fn a_source_that_may_write_writes_rows_and_tables_and_nothing_else() {
    let writes = |sql: &str| Guard::default().check(sql, Access::ReadWrite, Author::Model);
    for sql in [
        "INSERT INTO t (a, b) VALUES (1, 'x')",
        "INSERT IGNORE INTO t SELECT * FROM s",
        "INSERT INTO t (a) VALUES (1) ON DUPLICATE KEY UPDATE a = VALUES(a)",
        "REPLACE INTO t VALUES (1)",
        "UPDATE t SET a = a + 1 WHERE id = 1",
        "DELETE FROM t WHERE id IN (SELECT id FROM s)",
        "WITH x AS (SELECT 1) DELETE FROM t WHERE id IN (SELECT * FROM x)",
        "CREATE TABLE t (id INT PRIMARY KEY, name VARCHAR(10) NOT NULL, UNIQUE KEY by_name (name(5)), \
         FOREIGN KEY (id) REFERENCES s (id))",
        "CREATE OR REPLACE VIEW v AS SELECT * FROM t",
        "CREATE INDEX i ON t (a)",
        "ALTER TABLE t ADD COLUMN b INT DEFAULT 0",
        "DROP TABLE IF EXISTS t",
        "TRUNCATE t",
        "RENAME TABLE t TO s",
    ] {
        assert_eq!(writes(sql).map_err(|error| error.to_string()), Ok(Kind::Write), "{sql}");
    }
    assert_eq!(writes("WITH x AS (SELECT 1) SELECT * FROM x").unwrap(), Kind::Query);
    for sql in [
        "CREATE USER x",
        "CREATE DATABASE x",
        "DROP DATABASE shop",
        "CREATE FUNCTION f() RETURNS INT RETURN 1",
        "CREATE TRIGGER x BEFORE INSERT ON t FOR EACH ROW SET @a = 1",
        "CREATE EVENT e ON SCHEDULE EVERY 1 DAY DO DELETE FROM t",
        "CREATE DEFINER = root@localhost VIEW v AS SELECT 1",
        "CREATE SQL SECURITY DEFINER VIEW v AS SELECT 1",
        "CREATE TABLE t (a INT) DATA DIRECTORY = '/tmp'",
        "CREATE TABLE t (a INT) ENGINE=FEDERATED CONNECTION='mysql://x'",
        "CREATE TEMPORARY TABLE t (a INT)",
        "GRANT ALL ON *.* TO x",
        "SET GLOBAL read_only = 0",
        "COMMIT",
        "LOCK TABLES t WRITE",
        "LOAD DATA INFILE 'x' INTO TABLE t",
        "CALL p()",
        "INSERT INTO t SELECT load_file('/etc/passwd')",
        "INSERT INTO t VALUES (sleep(1))",
        "INSERT INTO t SELECT 1 INTO OUTFILE 'x'",
        "INSERT INTO mysql.user VALUES (1)",
        "UPDATE mysql.global_priv SET Priv = ''",
        "DELETE FROM t; DELETE FROM s",
        "UPDATE t SET a = (@x := 1)",
        "SELECT * FROM t FOR UPDATE",
        "DO 1",
    ] {
        assert!(writes(sql).is_err(), "{sql}");
    }
}

/// Words that a statement which passes may hold only within a text, a name in quotes or after a dot; with a parenthesis,
/// calls of them.
const NEVER: &[&str] = &["OUTFILE", "DUMPFILE", "SLEEP(", "LOAD_FILE(", "DELETE", "UPDATE", "INTO"];

/// Whether a word stands there as a whole.
fn holds(text: &str, word: &str) -> bool {
    let in_word = |c: char| c.is_alphanumeric() || c == '_' || c == '$';
    text.match_indices(word).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + word.len()..].chars().next();
        !before.is_some_and(in_word) && (word.ends_with('(') || !after.is_some_and(in_word))
    })
}

proptest! {
    #[test]
    fn no_text_breaks_the_guard(sql in "\\PC{0,80}") {
        let _ = judged(&sql);
    }

    /// Pieces of hostile statements put into an honest one, at any place.
    #[test]
    fn no_mutation_of_a_reading_statement_writes(
        honest in proptest::sample::select(HONEST),
        hostile in proptest::sample::select(&[
            "; DELETE FROM t", " INTO OUTFILE 'x' ", " FOR UPDATE", "sleep(9)", "'", "\"", "`", "\\", "/*", "*/", "--",
            "#", "/*!", "\n", "@a:=1", "(", ")", " UNION DELETE FROM t", "INSERT INTO t VALUES (1)", "UPDATE t SET a=1",
        ][..]),
        at in any::<proptest::sample::Index>(),
        with in any::<bool>(),
    ) {
        let places: Vec<usize> = honest.char_indices().map(|(at, _)| at).chain([honest.len()]).collect();
        let place = places[at.index(places.len())];
        let (before, after) = honest.split_at(place);
        let sql = format!("{before}{hostile}{}", if with { after } else { "" });
        if judged(&sql).is_ok() {
            let bare = bare(&sql).to_uppercase();
            for word in NEVER {
                prop_assert!(!holds(&bare, word), "{sql:?} leaves {bare:?}");
            }
        }
    }
}

/// The statement without texts, quoted names, comments, and names after dots; read by another reader than the guard's.
fn bare(sql: &str) -> String {
    let mut out = String::new();
    let mut chars = sql.chars().peekable();
    while let Some(c) = chars.next() {
        let next = chars.peek().copied();
        match (c, next) {
            ('\'' | '"' | '`', _) => {
                while let Some(inner) = chars.next() {
                    if inner == '\\' && c != '`' {
                        chars.next();
                    } else if inner == c && chars.next_if_eq(&c).is_none() {
                        break;
                    }
                }
                out.push('\'');
            }
            ('#', _) => while chars.next_if(|c| *c != '\n').is_some() {},
            ('-', Some('-')) => while chars.next_if(|c| *c != '\n').is_some() {},
            ('/', Some('*')) => {
                chars.next();
                while let Some(inner) = chars.next() {
                    if inner == '*' && chars.next_if_eq(&'/').is_some() {
                        break;
                    }
                }
                out.push(' ');
            }
            ('.', _) => {
                while chars.next_if(|c| c.is_alphanumeric() || *c == '_').is_some() {}
                out.push('.');
            }
            _ => out.push(c),
        }
    }
    out
}
