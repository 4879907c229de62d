//! Rows as compact text: the header once, then one line a row.
//!
//! A cell can't look like another cell or another row: what would break a line or a column is escaped.

use std::fmt::Write;

use serde_json::Value;

/// A table: the header once, then one line a row, cells between ` | `.
pub fn table<'a>(header: impl IntoIterator<Item = &'a str>, rows: &[Vec<Value>]) -> String {
    let mut text = String::new();
    line(&mut text, header.into_iter().map(|name| |out: &mut String| escaped(out, name)));
    for row in rows {
        text.push('\n');
        line(&mut text, row.iter().map(|value| |out: &mut String| cell(out, value)));
    }
    text
}

fn line(out: &mut String, cells: impl Iterator<Item = impl FnOnce(&mut String)>) {
    for (index, write) in cells.enumerate() {
        if index > 0 {
            out.push_str(" | ");
        }
        write(out);
    }
}

/// One value. A text that reads `NULL` is quoted, so that it differs from none.
fn cell(out: &mut String, value: &Value) {
    match value {
        Value::Null => out.push_str("NULL"),
        Value::String(text) if text == "NULL" => out.push_str("\"NULL\""),
        Value::String(text) => escaped(out, text),
        Value::Bool(_) | Value::Number(_) => out.push_str(&value.to_string()),
        Value::Array(_) | Value::Object(_) => escaped(out, &value.to_string()),
    }
}

/// Text on one line: backslashes, bars, line breaks and control characters are escaped.
pub fn escaped(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '|' => out.push_str("\\|"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') => {
                // Writing to a string can't fail.
                let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
            }
            c => out.push(c),
        }
    }
}

/// Rows as CSV (RFC 4180). NULL is an empty field, an empty text is `""`.
pub fn csv<'a>(header: impl IntoIterator<Item = &'a str>, rows: &[Vec<Value>]) -> String {
    let mut text = String::new();
    let header: Vec<Value> = header.into_iter().map(Value::from).collect();
    for row in std::iter::once(&header).chain(rows) {
        for (index, value) in row.iter().enumerate() {
            if index > 0 {
                text.push(',');
            }
            field(&mut text, value);
        }
        text.push_str("\r\n");
    }
    text
}

fn field(out: &mut String, value: &Value) {
    let plain = match value {
        Value::Null => return,
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    if plain.is_empty() || plain.contains([',', '"', '\n', '\r']) {
        out.push('"');
        out.push_str(&plain.replace('"', "\"\""));
        out.push('"');
    } else {
        out.push_str(&plain);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::{csv, table};

    #[test]
    fn a_table_is_compact() {
        let rows = [
            vec![json!(1), json!("a|b"), json!(null), json!({"k": [1, "x"]})],
            vec![json!("9007199254740993"), json!("NULL"), json!(true), json!("")],
            vec![json!(1.5), json!("line\none\u{1b}[31m\u{2028}two \\n"), json!("é"), json!([])],
        ];
        insta::assert_snapshot!(table(["id", "name", "x", "doc"], &rows), @r#"
        id | name | x | doc
        1 | a\|b | NULL | {"k":[1,"x"]}
        9007199254740993 | "NULL" | true | 
        1.5 | line\none\u{1b}[31m\u{2028}two \\n | é | []
        "#);
    }

    #[test]
    fn csv_keeps_null_and_empty_apart() {
        let rows = [vec![json!(null), json!(""), json!("a,\"b\"\n")]];
        assert_eq!(csv(["a", "b", "c,d"], &rows), "a,b,\"c,d\"\r\n,\"\",\"a,\"\"b\"\"\n\"\r\n");
    }

    proptest! {
        #[test]
        fn no_cell_breaks_its_row(cells in proptest::collection::vec("(?s).{0,12}", 1..4)) {
            let row: Vec<_> = cells.iter().map(|cell| json!(cell)).collect();
            let text = table(["h"], &[row]);
            prop_assert_eq!(text.split('\n').count(), 2);
            let bars = text.replace("\\\\", "").replace("\\|", "").matches('|').count();
            prop_assert_eq!(bars, cells.len() - 1);
        }
    }
}
