//! Values of every type, there and back.

use serde_json::json;

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn every_type_is_told_without_loss() {
    let fixture = Fixture::new(
        "CREATE TABLE v (
            i8 TINYINT, u8 TINYINT UNSIGNED, i16 SMALLINT, i24 MEDIUMINT, i32 INT, i64 BIGINT, u64 BIGINT UNSIGNED,
            f FLOAT, d DOUBLE, n DECIMAL(30, 10), b BIT(10), y YEAR,
            dt DATE, tm TIME, tm6 TIME(6), dtm DATETIME(6), ts TIMESTAMP(3) NULL,
            c CHAR(5), vc VARCHAR(20), tx TEXT, bin BINARY(3), vb VARBINARY(5), bl BLOB,
            e ENUM('a', 'b'), s SET('x', 'y'), j JSON, g GEOMETRY, u UUID, ip INET6) CHARACTER SET utf8mb4;
         SET time_zone = '+02:00';
         INSERT INTO v VALUES (-128, 255, -32768, -8388608, -2147483648, -9223372036854775808, 18446744073709551615,
            0.1, 1e300, 12345678901234567890.0123456789, b'1000000001', 2024,
            '2024-02-29', '-838:59:59', '12:00:00.5', '2024-01-02 03:04:05.000006', '2024-01-02 03:04:05.5',
            'ä', '漢字😀', '', x'000102', x'ff', x'00ff',
            'b', 'x,y', '{\"a\": [1, null]}', ST_GeomFromText('POLYGON((0 0,4 0,4 4,0 0),(1 1,2 1,2 2,1 1))'),
            '123e4567-e89b-12d3-a456-426655440000', '2001:db8::ff00:42:8329');
         INSERT INTO v (i8) VALUES (NULL);
         SET sql_mode = ''; INSERT INTO v (dt, dtm) VALUES ('0000-00-00', '2024-00-00 00:00:00')",
    );
    let database = fixture.open().await;
    let rows = ask(&database, "SELECT * FROM v").await.unwrap();
    let by = |row: usize, name: &str| {
        let index = rows.columns.iter().position(|column| column.name == name).unwrap();
        rows.rows[row][index].clone()
    };
    for (name, value) in [
        ("i8", json!(-128)),
        ("u8", json!(255)),
        ("i16", json!(-32768)),
        ("i24", json!(-8_388_608)),
        ("i32", json!(-2_147_483_648_i64)),
        ("i64", json!("-9223372036854775808")),
        ("u64", json!("18446744073709551615")),
        ("f", json!(0.1)),
        ("d", json!(1e300)),
        ("n", json!("12345678901234567890.0123456789")),
        ("b", json!("1000000001")),
        ("y", json!(2024)),
        ("dt", json!("2024-02-29")),
        ("tm", json!("-838:59:59")),
        ("tm6", json!("12:00:00.5")),
        ("dtm", json!("2024-01-02T03:04:05.000006")),
        ("ts", json!("2024-01-02T01:04:05.5Z")),
        ("c", json!("ä")),
        ("vc", json!("漢字😀")),
        ("tx", json!("")),
        ("bin", json!("AAEC")),
        ("vb", json!("/w==")),
        ("bl", json!("AP8=")),
        ("e", json!("b")),
        ("s", json!("x,y")),
        ("g", json!("POLYGON((0 0,4 0,4 4,0 0),(1 1,2 1,2 2,1 1))")),
        ("u", json!("123e4567-e89b-12d3-a456-426655440000")),
        ("ip", json!("2001:db8::ff00:42:8329")),
    ] {
        assert_eq!(by(0, name), value, "{name}");
        assert_eq!(by(1, name), json!(null), "{name}");
    }
    assert_eq!((by(0, "j"), by(1, "j")), (json!({"a": [1, null]}), json!(null)));
    assert_eq!((by(2, "dt"), by(2, "dtm")), (json!("0000-00-00"), json!("2024-00-00T00:00:00")));
    let schema = |name: &str| rows.columns.iter().find(|column| column.name == name).unwrap().clone();
    assert_eq!(schema("bl").schema["contentEncoding"], json!("base64"));
    assert_eq!((schema("e").type_name.as_str(), schema("u64").type_name.as_str()), ("enum", "bigint unsigned"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_goes_in_comes_out() {
    let fixture = Fixture::new("CREATE TABLE t (id INT, name VARCHAR(50), price DECIMAL(10,2), big BIGINT UNSIGNED)");
    let database = fixture.open_for_writing().await;
    let hostile = "'; DROP TABLE t; -- \\' \" ` \u{0} ä 😀";
    let values = [json!(1), json!(hostile), json!("12.50"), json!(u64::MAX)];
    let put = Query { declared: true, ..writing("INSERT INTO t VALUES (?, ?, ?, ?)", &values) };
    assert_eq!(database.run(put, &cx()).await.unwrap().affected, Some(1));
    let wanted = [json!(hostile), json!(u64::MAX)];
    let got = declared("SELECT name, price, big FROM t WHERE name = ? AND big = ?", &wanted);
    let rows = database.run(got, &cx()).await.unwrap();
    assert_eq!(rows.rows, [[json!(hostile), json!("12.50"), json!("18446744073709551615")]]);
    let limited = [json!(1)];
    let rows = database.run(declared("SELECT id FROM t LIMIT ?", &limited), &cx()).await.unwrap();
    assert_eq!(rows.rows, [[json!(1)]]);
    let wrong = database.run(declared("SELECT ?", &[]), &cx()).await.unwrap_err();
    assert!(matches!(&wrong, SqlError::Values(words) if words.contains("placeholders")), "{wrong:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn texts_are_utf8_whatever_the_tables_are() {
    let fixture = Fixture::new(
        "CREATE TABLE old (t VARCHAR(20) CHARACTER SET latin1, k VARCHAR(20) CHARACTER SET sjis);
         INSERT INTO old VALUES ('größe', '表')",
    );
    let database = fixture.open().await;
    let rows = ask(&database, "SELECT t, k FROM old WHERE t = 'größe' AND k = '表'").await.unwrap();
    assert_eq!(rows.rows, [[json!("größe"), json!("表")]]);
}
