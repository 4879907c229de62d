//! Every type of a real server to JSON and back.

use serde_json::json;

use super::*;

/// An expression, and what it becomes.
#[expect(clippy::too_many_lines, reason = "a table")]
fn cases() -> Vec<(&'static str, Value)> {
    vec![
        ("true", json!(true)),
        ("1::int2", json!(1)),
        ("(-2147483648)::int4", json!(-2_147_483_648_i64)),
        ("9007199254740991::int8", json!(9_007_199_254_740_991_i64)),
        ("9223372036854775807", json!("9223372036854775807")),
        ("4294967295::oid", json!(4_294_967_295_u32)),
        ("0.1::float4", json!(0.1)),
        ("1e300::float8", json!(1e300)),
        ("'NaN'::float8", json!("NaN")),
        ("'-Infinity'::float4", json!("-Infinity")),
        ("0::numeric", json!("0")),
        ("1.50::numeric", json!("1.50")),
        ("(-0.0001)::numeric", json!("-0.0001")),
        ("12345678901234567890.123456789", json!("12345678901234567890.123456789")),
        ("10000::numeric", json!("10000")),
        ("100000000::numeric(20, 2)", json!("100000000.00")),
        ("0.00000001::numeric", json!("0.00000001")),
        ("1e-20::numeric", json!("0.00000000000000000001")),
        ("1e25::numeric", json!("10000000000000000000000000")),
        ("'NaN'::numeric", json!("NaN")),
        ("'-Infinity'::numeric", json!("-Infinity")),
        ("'grüße'::text", json!("grüße")),
        ("'ab'::char(4)", json!("ab  ")),
        ("'x'::\"char\"", json!("x")),
        ("'n'::name", json!("n")),
        ("'\\x0001ff'::bytea", json!("AAH/")),
        ("''::bytea", json!("")),
        ("'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid", json!("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11")),
        (
            "'{\"a\": [1, 2.5, null, 12345678901234567890]}'::jsonb",
            json!({"a": [1, 2.5, null, "12345678901234567890"]}),
        ),
        ("'{\"a\": 1, \"a\": 2}'::json", json!("{\"a\": 1, \"a\": 2}")),
        ("'$.a[*]'::jsonpath", json!("$.\"a\"[*]")),
        ("'2024-02-29'::date", json!("2024-02-29")),
        ("'infinity'::date", json!("infinity")),
        ("'0044-03-15 BC'::date", json!("-000043-03-15")),
        ("'12345-01-02'::date", json!("+012345-01-02")),
        ("'4713-01-01 BC'::date", json!("-004712-01-01")),
        ("'5874897-12-31'::date", json!("+5874897-12-31")),
        ("'0001-01-01'::date", json!("0001-01-01")),
        ("'1969-12-31 23:59:59.999999'::timestamp", json!("1969-12-31T23:59:59.999999")),
        ("'-infinity'::timestamp", json!("-infinity")),
        ("'2024-01-02 03:04:05.5+02'::timestamptz", json!("2024-01-02T01:04:05.5Z")),
        ("'294276-12-31 23:59:59.999999'::timestamp", json!("+294276-12-31T23:59:59.999999")),
        ("'23:59:59.000001'::time", json!("23:59:59.000001")),
        ("'24:00:00'::time", json!("24:00:00")),
        ("'01:02:03-03:30'::timetz", json!("01:02:03-03:30")),
        ("'1 year 2 months 3 days 04:05:06.5'::interval", json!("P1Y2M3DT4H5M6.5S")),
        ("'-1 month +1 day -00:00:00.5'::interval", json!("P-1M1DT-0.5S")),
        ("'0'::interval", json!("PT0S")),
        ("'100 hours'::interval", json!("PT100H")),
        ("ARRAY[1, NULL, 3]", json!([1, null, 3])),
        ("ARRAY[[1, 2], [3, 4]]", json!([[1, 2], [3, 4]])),
        ("'{}'::int[]", json!([])),
        ("ARRAY['a', 'b\"c']", json!(["a", "b\"c"])),
        ("'1 2 3'::int2vector", json!([1, 2, 3])),
        ("'ok'::mood", json!("ok")),
        ("ARRAY['ok', NULL]::mood[]", json!(["ok", null])),
        ("ROW('a', ROW(1, 'happy')::inner_place)::place", json!({"street": "a", "inside": {"n": 1, "m": "happy"}})),
        ("ARRAY[ROW('a', NULL)::place]", json!([{"street": "a", "inside": null}])),
        ("5::positive", json!(5)),
        ("ARRAY[5]::positive[]", json!([5])),
        ("ROW(1, 'x'::text, NULL)", json!({"f1": 1, "f2": "x", "f3": null})),
        ("int4range(1, 5)", json!("[1,5)")),
        ("'empty'::int4range", json!("empty")),
        ("int8range(NULL, 5, '()')", json!("(,5)")),
        ("numrange(1.5, 2.50, '[]')", json!("[1.5,2.50]")),
        ("tstzrange('2024-01-01Z', NULL)", json!("[2024-01-01T00:00:00Z,)")),
        ("'[a,b]'::textish", json!("[a,b]")),
        ("'{[1,2),[5,7)}'::int4multirange", json!("{[1,2),[5,7)}")),
        ("'{[a,b]}'::textish_multi", json!("{[a,b]}")),
        ("'10.0.0.1/24'::inet", json!("10.0.0.1/24")),
        ("'10.0.0.1'::inet", json!("10.0.0.1")),
        ("'::1'::inet", json!("::1")),
        ("'10.0.0.0/8'::cidr", json!("10.0.0.0/8")),
        ("'08:00:2b:01:02:03'::macaddr", json!("08:00:2b:01:02:03")),
        ("'08:00:2b:01:02:03:04:05'::macaddr8", json!("08:00:2b:01:02:03:04:05")),
        ("B'10110'", json!("10110")),
        ("B'1'::varbit", json!("1")),
        ("point(1.5, -2)", json!("(1.5,-2)")),
        ("'{1,2,3}'::line", json!("{1,2,3}")),
        ("'[(0,0),(1,1)]'::lseg", json!("[(0,0),(1,1)]")),
        ("'((0,0),(1,1))'::box", json!("(1,1),(0,0)")),
        ("'[(0,0),(1,1)]'::path", json!("[(0,0),(1,1)]")),
        ("'((0,0),(1,1),(1,0))'::polygon", json!("((0,0),(1,1),(1,0))")),
        ("'<(0,0),2>'::circle", json!("<(0,0),2>")),
        ("'a:1A fat:2B,4C cat:5'::tsvector", json!("'a':1A 'cat':5 'fat':2B,4C")),
        ("'fat & !rat'::tsquery", json!("'fat' & !'rat'")),
        ("'16/B374D848'::pg_lsn", json!("16/B374D848")),
        ("'(3,4)'::tid", json!("(3,4)")),
        ("'7'::xid", json!(7)),
        ("'18446744073709551615'::xid8", json!("18446744073709551615")),
        ("'pg_class'::regclass", json!("pg_class")),
        ("ARRAY['pg_class'::regclass]", json!("{pg_class}")),
        ("'12.34'::money", json!("$12.34")),
        ("'<a>b</a>'::xml", json!("<a>b</a>")),
        ("'a=>1, b=>NULL'::hstore", json!({"a": "1", "b": null})),
        ("'a.b.c'::ltree", json!("a.b.c")),
        ("'CiText'::citext", json!("CiText")),
        ("'10:20:'::pg_snapshot", json!("10:20:")),
        ("'(1,2)'::cube", json!("(1, 2)")),
        ("NULL::int", json!(null)),
    ]
}

const TYPES: &str = "
    CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy'); CREATE TYPE inner_place AS (n int, m mood);
    CREATE TYPE place AS (street text, inside inner_place); CREATE DOMAIN positive AS int CHECK (VALUE > 0);
    CREATE TYPE textish AS RANGE (subtype = text, multirange_type_name = textish_multi);
    CREATE EXTENSION hstore; CREATE EXTENSION ltree; CREATE EXTENSION citext; CREATE EXTENSION cube";

#[tokio::test(flavor = "multi_thread")]
async fn every_type_keeps_its_values() {
    let fixture = Fixture::new(TYPES);
    let database = fixture.open().await;
    let (mut wrong, all) = (Vec::new(), cases());
    for (expression, expected) in &all {
        let got = database.run(declared(&format!("SELECT {expression}"), &[]), &cx()).await;
        let got = got.map(|rows| rows.rows[0][0].clone());
        if !matches!(&got, Ok(value) if value == expected) {
            wrong.push((*expression, got, expected));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    // And all in one row, as one table.
    let columns: Vec<_> = all.iter().enumerate().map(|(index, (sql, _))| format!("{sql} AS c{index}")).collect();
    fixture.sql(&format!(
        "CREATE TABLE everything AS SELECT {}",
        columns.iter().filter(|sql| !sql.starts_with("ROW(1")).cloned().collect::<Vec<_>>().join(", ")
    ));
    let rows = database.run(declared("SELECT * FROM everything", &[]), &cx()).await.unwrap();
    let expected: Vec<_> =
        all.iter().filter(|(sql, _)| !sql.starts_with("ROW(1")).map(|(_, value)| value.clone()).collect();
    assert_eq!(rows.rows[0], expected);
    // Each value fits the schema that was told for it.
    for (column, value) in rows.columns.iter().zip(&rows.rows[0]) {
        let kind = match value {
            Value::Null => continue,
            Value::Bool(_) => "boolean",
            Value::Number(number) if number.is_i64() || number.is_u64() => "integer",
            Value::Number(_) => "number",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
        };
        let told = match &column.schema["type"] {
            Value::Null => continue,
            Value::String(one) => vec![one.clone()],
            many => many.as_array().unwrap().iter().map(|kind| kind.as_str().unwrap().to_owned()).collect(),
        };
        assert!(told.iter().any(|told| told == kind || (told == "number" && kind == "integer")), "{column:?}: {value}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_value_became_is_taken_back() {
    let fixture = Fixture::new(TYPES);
    let database = fixture.open().await;
    for (expression, value) in cases() {
        // PostgreSQL writes these years in words of its own; a record has no type to cast to; the number became a string.
        if expression.starts_with("ROW(1")
            || expression.contains("12345678901234567890]")
            || expression.contains("BC'")
            || value.to_string().contains("+0")
            || value.to_string().contains("\"+")
        {
            continue;
        }
        let again = format!(
            "SELECT ({expression})::text IS NOT DISTINCT FROM ($1)::text FROM (SELECT pg_typeof({expression})) t"
        );
        let ask_type = format!("SELECT format_type((SELECT pg_typeof({expression})::oid), NULL)");
        let ty = database.run(declared(&ask_type, &[]), &cx()).await.unwrap();
        let ty = ty.rows[0][0].as_str().unwrap().to_owned();
        let sql = again.replace("($1)", &format!("($1::{ty})"));
        // Without a length they mean one character, one bit.
        let sql = sql.replace("::character)", "::char(4))").replace("::bit)", "::varbit)");
        let got = database.run(declared(&sql, std::slice::from_ref(&value)), &cx()).await;
        let same = got.as_ref().is_ok_and(|rows| rows.rows[0][0] == json!(true));
        assert!(same, "{expression} {value} {ty}: {got:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn values_that_only_the_server_can_write_are_asked_for() {
    let fixture = Fixture::new("");
    let database = fixture.open().await;
    let many =
        Query { rows_max: 100, ..query("SELECT n::text::money AS price FROM generate_series(1, 100000) n", &[]) };
    let rows = database.run(many, &cx()).await.unwrap();
    assert_eq!((rows.rows.len(), &rows.rows[0][0], &rows.rows[99][0]), (100, &json!("$1.00"), &json!("$100.00")));
    let error = ask(&database, "SELECT relacl FROM pg_class WHERE relacl IS NOT NULL").await.unwrap_err();
    assert!(error.to_string().contains("Cast the column to text"), "{error}");
    assert!(ask(&database, "SELECT relacl::text FROM pg_class WHERE relacl IS NOT NULL").await.is_ok());
}
