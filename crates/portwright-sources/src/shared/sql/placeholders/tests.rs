use proptest::prelude::*;

use super::{PlaceholderError, line_and_column, rewrite};
use crate::shared::sql::Dialect;

const DOLLAR: Dialect = Dialect {
    name: "PostgreSQL",
    placeholder: |number| format!("${number}"),
    dollar_quotes: true,
    escape_strings: true,
    nested_comments: true,
    bracket_identifiers: false,
    backtick_identifiers: false,
    mysql_quotes: false,
    positional: false,
    own_placeholders: &['$'],
    types_by_value: false,
    imagines: false,
    notes: "",
};

const QUESTION: Dialect = Dialect {
    name: "SQLite",
    placeholder: |number| format!("?{number}"),
    dollar_quotes: false,
    escape_strings: false,
    nested_comments: false,
    bracket_identifiers: true,
    backtick_identifiers: true,
    mysql_quotes: false,
    positional: false,
    own_placeholders: &['?', '$', '@'],
    types_by_value: true,
    imagines: false,
    notes: "",
};

const POSITIONAL: Dialect = Dialect {
    name: "MySQL",
    placeholder: |_| "?".to_owned(),
    dollar_quotes: false,
    escape_strings: false,
    nested_comments: false,
    bracket_identifiers: false,
    backtick_identifiers: true,
    mysql_quotes: true,
    positional: true,
    own_placeholders: &['?'],
    types_by_value: false,
    imagines: false,
    notes: "",
};

#[test]
fn placeholders_without_numbers_stand_where_they_are_used() {
    becomes(&POSITIONAL, "SELECT :a, :b, :a", "SELECT ?, ?, ?", &["a", "b", "a"]);
    becomes(&POSITIONAL, "SELECT 1--:a\n", "SELECT 1--?\n", &["a"]);
    for text in [
        r"SELECT 'it\'s :a', '\\', ':b'",
        r#"SELECT "a \" :a", `:b`"#,
        "SELECT 1 -- :a\n",
        "SELECT 1 # :a '",
        "SELECT 1 /* :a */",
    ] {
        stays(&POSITIONAL, text);
    }
    assert!(rewrite(r"SELECT 'a\' :b", &POSITIONAL).is_err());
}

#[track_caller]
fn becomes(dialect: &Dialect, text: &str, sql: &str, names: &[&str]) {
    let statement = rewrite(text, dialect).unwrap();
    assert_eq!(statement.sql, sql);
    assert_eq!(statement.names, names);
}

#[track_caller]
fn stays(dialect: &Dialect, text: &str) {
    becomes(dialect, text, text, &[]);
}

#[test]
fn names_are_numbered_once() {
    becomes(&DOLLAR, "SELECT :a, :b, :a", "SELECT $1, $2, $1", &["a", "b"]);
    becomes(&QUESTION, "WHERE x=:a AND y IN(:b,:a)LIMIT :n", "WHERE x=?1 AND y IN(?2,?1)LIMIT ?3", &["a", "b", "n"]);
    becomes(&DOLLAR, "DISTINCT ON (x) :p", "DISTINCT ON (x) $1", &["p"]);
}

#[test]
fn casts_and_assignments_are_no_placeholders() {
    becomes(&DOLLAR, "SELECT id::text, :a::int, x :: bigint", "SELECT id::text, $1::int, x :: bigint", &["a"]);
    becomes(&DOLLAR, "f(a := :b)", "f(a := $1)", &["b"]);
}

#[test]
fn array_slices_are_no_placeholders() {
    stays(&DOLLAR, "SELECT a[1:2], a[lo:hi], a[f(1):hi], a[b[1]:n], a[1 :n]");
    becomes(&DOLLAR, "SELECT a[:i], a[1 : :n]", "SELECT a[$1], a[1 : $2]", &["i", "n"]);
    becomes(&DOLLAR, "ARRAY[:a, :b]", "ARRAY[$1, $2]", &["a", "b"]);
    becomes(&DOLLAR, "a[CASE WHEN :x THEN 1 ELSE 2 END]", "a[CASE WHEN $1 THEN 1 ELSE 2 END]", &["x"]);
    becomes(&DOLLAR, "json_object('k':v, 'w': :w)", "json_object('k':v, 'w': $1)", &["w"]);
}

#[test]
fn quoted_text_stays() {
    stays(&DOLLAR, "SELECT 'a :b '' :c', \":d \"\" :e\", $$ :f $$, $x$ :g $$ $x$, E'\\' :h', e'\\\\', U&':i'");
    stays(&QUESTION, "SELECT [a :b], `c :d `` :e`, '\\'");
    becomes(&DOLLAR, "SELECT 'it''s', '\\', :a", "SELECT 'it''s', '\\', $1", &["a"]);
    becomes(&DOLLAR, "SELECT table_e'\\' :a", "SELECT table_e'\\' :a", &[]);
}

#[test]
fn comments_stay() {
    stays(&DOLLAR, "SELECT 1 -- :a\n/* :b /* :c */ :d */");
    becomes(&DOLLAR, "-- it's\n:a", "-- it's\n$1", &["a"]);
    becomes(&QUESTION, "/* /* :a */ :b", "/* /* :a */ ?1", &["b"]);
}

#[test]
fn the_databases_own_placeholders_are_refused() {
    let own = |text: &str, position| PlaceholderError::OwnPlaceholder { text: text.into(), position };
    assert_eq!(rewrite("SELECT $1", &DOLLAR), Err(own("$1", 8)));
    assert_eq!(rewrite("é ?12", &QUESTION), Err(own("?12", 3)));
    assert_eq!(rewrite("@x", &QUESTION), Err(own("@x", 1)));
    assert_eq!(rewrite("$x", &QUESTION), Err(own("$x", 1)));
    stays(&DOLLAR, "SELECT a$1, b ? 'x', c ?| d, @ -5");
    stays(&QUESTION, "SELECT a$b, j ->> '$.x'");
}

#[test]
fn what_is_not_closed_is_told_with_its_place() {
    for (text, what) in [
        ("SELECT\n 'a", "a string"),
        ("SELECT\n \"a", "a quoted identifier"),
        ("SELECT\n /* /* */", "a comment"),
        ("SELECT\n $x$ $$", "a dollar-quoted string"),
        ("SELECT\n E'\\'", "a string"),
    ] {
        let error = rewrite(text, &DOLLAR).unwrap_err();
        assert!(error.to_string().starts_with(what), "{error}");
        assert!(line_and_column(text, error.position()).starts_with("line 2, column"), "{error:?}");
    }
}

#[test]
fn positions_lead_back_to_the_original() {
    let text = "SELECT :first_name, :x, oops";
    let statement = rewrite(text, &DOLLAR).unwrap();
    let here = statement.sql.find("oops").unwrap() + 1;
    assert_eq!(statement.original_position(here), text.find("oops").unwrap() + 1);
    assert_eq!(statement.original_position(3), 3);
}

proptest! {
    #[test]
    fn anything_is_read_without_panic(text in "(?s).{0,60}") {
        let _ = rewrite(&text, &DOLLAR);
        let _ = rewrite(&text, &QUESTION);
    }

    #[test]
    fn sql_like_text_is_read_without_panic(parts in proptest::collection::vec(
        prop_oneof![Just("'"), Just("\""), Just("$"), Just("$$"), Just("$a$"), Just("/*"), Just("*/"), Just("--"),
            Just("\n"), Just(":"), Just("::"), Just(":a"), Just("E'"), Just("\\"), Just("["), Just("]"), Just("é"),
            Just("1"), Just(" "), Just("?"), Just("@x"), Just("`")], 0..24)) {
        let text = parts.concat();
        for dialect in [&DOLLAR, &QUESTION] {
            if let Ok(statement) = rewrite(&text, dialect) && statement.names.is_empty() {
                prop_assert_eq!(&statement.sql, &text);
            }
        }
    }

    #[test]
    fn text_without_placeholders_stays(text in "[a-z0-9 ,.()'=<>+*]{0,40}") {
        if let Ok(statement) = rewrite(&text, &DOLLAR) {
            prop_assert_eq!(statement.sql, text);
            prop_assert!(statement.names.is_empty());
        }
    }
}
