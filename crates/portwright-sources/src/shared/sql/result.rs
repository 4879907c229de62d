//! Rows as a tool's result: structured content, its schema, and a compact text that does not repeat it.

use std::sync::Arc;

use portwright_core::ByteSize;
use portwright_core::protocol::{CallToolResult, ContentBlock, JsonObject};
use serde_json::{Value, json};

use super::config::Bounds;
use super::database::{Access, OutputColumn, Rows, Truncation};
use super::text;

/// Who wrote the statement: it decides what the reader can do about a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Author {
    /// The caller: it can write another one.
    Caller,
    /// The configuration: the caller can only give other arguments, where there are any.
    Configuration { arguments: bool },
}

/// A tool's result.
pub fn tool_result(rows: &Rows, bounds: Bounds, author: Author) -> CallToolResult {
    let notice = notice(rows, bounds, author);
    let mut text = match rows {
        Rows { done: Some(what), .. } => format!("Done: {what}."),
        Rows { affected: Some(count), rows, .. } if rows.is_empty() => written(*count),
        Rows { rows, .. } if rows.is_empty() && notice.is_none() => empty(author).to_owned(),
        _ => text::table(rows.columns.iter().map(|column| column.name.as_str()), &rows.rows),
    };
    if let Some(notice) = &notice {
        text.push_str("\n\n");
        text.push_str(notice);
    }
    let mut result = CallToolResult::success(vec![ContentBlock::text(text)]);
    result.structured_content = Some(structured(rows, notice));
    result
}

/// `{"rows": […], "row_count": n, "truncated": bool, "affected"?: n, "notice"?: text}`
pub fn structured(rows: &Rows, notice: Option<String>) -> Value {
    let row = |values: &Vec<Value>| {
        let names = rows.columns.iter().map(|column| column.name.clone());
        Value::Object(names.zip(values.iter().cloned()).collect())
    };
    let mut content = JsonObject::new();
    content.insert("rows".into(), rows.rows.iter().map(row).collect::<Vec<_>>().into());
    content.insert("row_count".into(), rows.rows.len().into());
    content.insert("truncated".into(), rows.truncated.is_some().into());
    if let Some(count) = rows.affected {
        content.insert("affected".into(), count.into());
    }
    if let Some(notice) = notice {
        content.insert("notice".into(), notice.into());
    }
    content.into()
}

/// What was cut, and how to go on.
pub fn notice(rows: &Rows, bounds: Bounds, author: Author) -> Option<String> {
    let cut = rows.truncated?;
    let size = ByteSize(bounds.bytes_max as u64);
    let shown = rows.rows.len();
    let first = if shown == 1 { "the first row is".to_owned() } else { format!("the first {shown} rows are") };
    let what = match cut {
        Truncation::Rows => format!("Only {first} shown, and there are more."),
        Truncation::Bytes if shown == 0 => format!("The first row alone is larger than {size}, so nothing is shown."),
        Truncation::Bytes => format!("Only {first} shown: more than {size} are not returned at once."),
    };
    if let Some(count) = rows.affected {
        return Some(format!("{} {what} Don't run it again to see the others: read them.", written(count)));
    }
    let how = match (cut, author) {
        (Truncation::Rows, Author::Caller) => format!(
            "To go on, order by a key and ask for the rows after the last one (WHERE key > … ORDER BY key LIMIT {shown}) \
             or use OFFSET; to learn about all rows, aggregate."
        ),
        (Truncation::Bytes, Author::Caller) if shown == 0 => {
            "Select fewer columns, or only a part of long values.".to_owned()
        }
        (Truncation::Bytes, Author::Caller) => {
            "Select fewer or shorter columns, or ask for the rows after the last one (WHERE key > … ORDER BY key)."
                .to_owned()
        }
        (Truncation::Bytes, Author::Configuration { .. }) if shown == 0 => {
            "Whoever runs this server can raise `max_bytes`.".to_owned()
        }
        (_, Author::Configuration { arguments: true }) => "Give narrower arguments to see the others.".to_owned(),
        (Truncation::Rows, Author::Configuration { arguments: false }) => {
            "Whoever runs this server can raise `max_rows`.".to_owned()
        }
        (Truncation::Bytes, Author::Configuration { arguments: false }) => {
            "Whoever runs this server can raise `max_bytes`.".to_owned()
        }
    };
    Some(format!("{what} {how}"))
}

fn empty(author: Author) -> &'static str {
    match author {
        Author::Caller => {
            "0 rows. The statement ran, and nothing fits its conditions. Check the spelling and the case of values, or \
             look at some rows without the condition."
        }
        Author::Configuration { arguments: true } => {
            "0 rows. Nothing fits these arguments. Check their spelling, or try broader ones."
        }
        Author::Configuration { arguments: false } => "0 rows. There is nothing of this kind now.",
    }
}

fn written(count: u64) -> String {
    if count == 1 { "1 row was written.".to_owned() } else { format!("{count} rows were written.") }
}

/// The schema of [`structured`] for a statement that runs with `access`; `columns` where they are known before.
pub fn output_schema(columns: Option<&[OutputColumn]>, access: Access) -> Arc<JsonObject> {
    let items = columns.map_or_else(|| json!({"type": "object"}), row_schema);
    let mut schema = JsonObject::new();
    schema.insert("type".into(), "object".into());
    let mut properties = json!({
        "rows": {"type": "array", "items": items},
        "row_count": {"type": "integer"},
        "truncated": {"type": "boolean", "description": "Whether rows were left out; `notice` says how to go on."},
        "notice": {"type": "string"},
    });
    if access == Access::ReadWrite {
        properties["affected"] = json!({"type": "integer", "description": "Rows written."});
    }
    schema.insert("properties".into(), properties);
    schema.insert("required".into(), json!(["rows", "row_count", "truncated"]));
    Arc::new(schema)
}

fn row_schema(columns: &[OutputColumn]) -> Value {
    let schema = |column: &OutputColumn| {
        let schema = column.schema.clone();
        if column.nullable { nullable(schema) } else { schema }
    };
    let properties: JsonObject = columns.iter().map(|column| (column.name.clone(), schema(column))).collect();
    let required: Vec<Value> = columns.iter().map(|column| column.name.clone().into()).collect();
    json!({"type": "object", "properties": properties, "required": required})
}

/// The same schema with null.
pub fn nullable(schema: Value) -> Value {
    let Value::Object(mut map) = schema else { return schema };
    if let Some(Value::Array(values)) = map.get_mut("enum") {
        values.push(Value::Null);
    }
    // Without a type, everything is allowed unless something else says so.
    let combined = ["anyOf", "oneOf", "$ref"].iter().any(|key| map.contains_key(*key));
    match map.get_mut("type") {
        Some(Value::Array(types)) => {
            types.push("null".into());
            Value::Object(map)
        }
        Some(one) => {
            *one = json!([one.clone(), "null"]);
            Value::Object(map)
        }
        None if combined => json!({"anyOf": [map, {"type": "null"}]}),
        None => Value::Object(map),
    }
}

#[cfg(test)]
mod tests {
    use portwright_core::protocol::ContentBlock;
    use serde_json::{Value, json};

    use super::{Author, nullable, output_schema, tool_result};
    use crate::shared::sql::{Access, Bounds, OutputColumn, Rows, Truncation};

    const BOUNDS: Bounds = Bounds { timeout: std::time::Duration::from_secs(1), rows_max: 2, bytes_max: 65_536 };

    fn column(name: &str, schema: Value) -> OutputColumn {
        OutputColumn { name: name.into(), type_name: String::new(), schema, nullable: true }
    }

    fn rows(rows: Vec<Vec<Value>>, truncated: Option<Truncation>) -> Rows {
        let columns = vec![column("id", json!({"type": "integer"})), column("name", json!({"type": "string"}))];
        Rows { columns: columns.into(), rows, truncated, ..Rows::default() }
    }

    fn text(rows: &Rows, author: Author) -> (String, Value) {
        let result = tool_result(rows, BOUNDS, author);
        let ContentBlock::Text(text) = &result.content[0] else { panic!("text") };
        (text.text.clone(), result.structured_content.clone().unwrap())
    }

    #[test]
    fn rows_are_told_twice_but_not_in_the_same_way() {
        let (text, content) = text(&rows(vec![vec![json!(1), json!("Ada")]], None), Author::Caller);
        assert_eq!(text, "id | name\n1 | Ada");
        assert_eq!(content, json!({"rows": [{"id": 1, "name": "Ada"}], "row_count": 1, "truncated": false}));
    }

    #[test]
    fn a_cut_result_says_how_to_go_on() {
        let cut = rows(vec![vec![json!(1), json!("Ada")]; 2], Some(Truncation::Rows));
        let (words, content) = text(&cut, Author::Caller);
        assert!(words.contains("Only the first 2 rows are shown") && words.contains("OFFSET"), "{words}");
        assert!(content["notice"].as_str().unwrap().contains("aggregate"));
        assert_eq!(content["truncated"], json!(true));
        let (words, _) = text(&cut, Author::Configuration { arguments: true });
        assert!(words.contains("narrower arguments"), "{words}");
        let (words, _) = text(&rows(Vec::new(), Some(Truncation::Bytes)), Author::Caller);
        assert!(words.contains("first row alone is larger than 64KiB"), "{words}");
        let (words, _) = text(&cut, Author::Configuration { arguments: false });
        assert!(words.contains("`max_rows`") && !words.contains("arguments"), "{words}");
    }

    #[test]
    fn a_cut_result_of_a_write_says_that_it_was_written() {
        let cut = Rows { affected: Some(500), ..rows(vec![vec![json!(1), json!("Ada")]; 2], Some(Truncation::Rows)) };
        let (words, _) = text(&cut, Author::Caller);
        assert!(words.contains("500 rows were written.") && words.contains("Don't run it again"), "{words}");
        assert!(!words.contains("OFFSET"), "{words}");
    }

    #[test]
    fn an_empty_result_says_so() {
        let (words, content) = text(&rows(Vec::new(), None), Author::Configuration { arguments: true });
        assert!(words.starts_with("0 rows.") && words.contains("broader"), "{words}");
        let (words, _) = text(&rows(Vec::new(), None), Author::Configuration { arguments: false });
        assert!(words.starts_with("0 rows.") && !words.contains("arguments"), "{words}");
        assert_eq!(content, json!({"rows": [], "row_count": 0, "truncated": false}));
        let written = Rows { affected: Some(3), ..Rows::default() };
        let (words, content) = text(&written, Author::Caller);
        assert_eq!((words.as_str(), &content["affected"]), ("3 rows were written.", &json!(3)));
    }

    #[test]
    fn the_schema_admits_null() {
        assert_eq!(nullable(json!({"type": "string"})), json!({"type": ["string", "null"]}));
        assert_eq!(
            nullable(json!({"type": ["integer", "string"], "enum": [1]})),
            json!({"type": ["integer", "string", "null"], "enum": [1, null]})
        );
        assert_eq!(nullable(json!({})), json!({}));
        let schema = output_schema(Some(&[column("id", json!({"type": "integer"}))]), Access::ReadOnly);
        assert_eq!(schema["properties"]["rows"]["items"]["properties"]["id"], json!({"type": ["integer", "null"]}));
    }
}
