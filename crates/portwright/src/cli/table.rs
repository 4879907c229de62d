//! Rows as a table for people.

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use serde_json::{Map, Value};

use super::print::safe;

/// A table of objects, with a column for each key that occurs. None if they are no objects.
pub(crate) fn of_rows(rows: &[Value]) -> Option<String> {
    /// A terminal does not get wider than this many columns of anything readable.
    const CELL_CHARS_MAX: usize = 80;
    let rows: Vec<&Map<String, Value>> = rows.iter().map(Value::as_object).collect::<Option<_>>()?;
    let mut columns: Vec<&str> = Vec::new();
    for key in rows.iter().flat_map(|row| row.keys()) {
        if !columns.contains(&key.as_str()) {
            columns.push(key);
        }
    }
    if columns.is_empty() {
        return None;
    }
    let mut table = Table::new();
    table.load_style(presets::UTF8_BORDERS_ONLY).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(columns.iter().map(|column| safe(column)));
    for row in &rows {
        table.add_row(columns.iter().map(|column| cell(row.get(*column), CELL_CHARS_MAX)));
    }
    for (index, column) in columns.iter().enumerate() {
        let numbers = rows.iter().all(|row| row.get(*column).is_none_or(|value| value.is_number() || value.is_null()));
        if let (true, Some(column)) = (numbers, table.column_mut(index)) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    Some(table.to_string())
}

fn cell(value: Option<&Value>, chars_max: usize) -> String {
    let text = match value {
        None => return String::new(),
        Some(Value::Null) => return "·".into(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    };
    let text = safe(&text).replace(['\n', '\t'], " ");
    match text.char_indices().nth(chars_max) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::of_rows;

    #[test]
    fn rows_become_columns() {
        let table = of_rows(&[json!({"id": 1, "name": "Ada"}), json!({"id": 20, "note": "x\ny"})]).unwrap();
        assert!(table.contains("id") && table.contains("Ada") && table.contains("x y"), "{table}");
        assert_eq!(of_rows(&[json!(1)]), None);
        assert_eq!(of_rows(&[]), None);
    }
}
