//! SQLite's values as JSON and back, without loss.
//!
//! SQLite types values, not columns, so a column's declared type is a promise that a row may break. What comes is told
//! as it is: a blob in a column that is not declared so, or a text that is not UTF-8, is an object that says so.

use rusqlite::ToSql;
use rusqlite::types::{Null, ToSqlOutput, ValueRef};
use serde_json::{Value, json};

use crate::shared::sql::{OutputColumn, SqlError, base64, float, integer};

/// Bytes of a declared type that is told in a schema.
const TYPE_NAME_BYTES_MAX: usize = 32;

/// What a column's declared type says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Affinity {
    Integer,
    Text,
    Blob,
    Real,
    Boolean,
    Numeric,
    /// An expression, or a column without a type.
    Unknown,
}

impl Affinity {
    /// By SQLite's rules (datatype3.html, 3.1), with BOOLEAN told apart.
    pub(super) fn of(declared: Option<&str>) -> Self {
        let Some(name) = declared.map(str::to_ascii_uppercase).filter(|name| !name.trim().is_empty()) else {
            return Self::Unknown;
        };
        let has = |part: &str| name.contains(part);
        match () {
            () if name.starts_with("BOOL") => Self::Boolean,
            () if has("INT") => Self::Integer,
            () if has("CHAR") || has("CLOB") || has("TEXT") => Self::Text,
            () if has("BLOB") => Self::Blob,
            () if has("REAL") || has("FLOA") || has("DOUB") => Self::Real,
            () => Self::Numeric,
        }
    }

    /// What can come, the likely first: a text column may hold a blob, and anything else may hold a text.
    fn schema(self, declared: Option<&str>) -> Value {
        let types: &[&str] = match self {
            Self::Unknown => return json!({}),
            Self::Integer => &["integer", "number", "string", "object"],
            Self::Text => &["string", "object"],
            Self::Real | Self::Numeric => &["number", "string", "object"],
            Self::Boolean => &["boolean", "number", "string", "object"],
            Self::Blob => &["string", "number", "object"],
        };
        let mut schema = json!({"type": types});
        if self == Self::Blob {
            schema["contentEncoding"] = "base64".into();
        }
        // A type may be any text in SQLite. Schemas are read by models, so only what looks like a type goes there.
        let like_a_type = |c: char| c.is_ascii_alphanumeric() || matches!(c, ' ' | '_' | '(' | ')' | ',');
        let name = declared.filter(|name| name.len() <= TYPE_NAME_BYTES_MAX && name.chars().all(like_a_type));
        let strings = match self {
            Self::Integer => Some("a string of digits beyond ±(2^53-1)"),
            Self::Real | Self::Numeric => {
                Some("\"Infinity\" and \"-Infinity\" are strings, as are integers beyond ±(2^53-1)")
            }
            _ => None,
        };
        let words: Vec<&str> = name.into_iter().chain(strings).collect();
        if !words.is_empty() {
            schema["description"] = words.join("; ").into();
        }
        schema
    }

    /// A value as JSON.
    pub(super) fn json(self, value: ValueRef<'_>) -> Value {
        match value {
            ValueRef::Null => Value::Null,
            ValueRef::Integer(flag @ (0 | 1)) if self == Self::Boolean => (flag == 1).into(),
            ValueRef::Integer(number) => integer(number),
            ValueRef::Real(number) => float(number),
            ValueRef::Text(bytes) => match std::str::from_utf8(bytes) {
                Ok(text) if self == Self::Blob => json!({"text": text}),
                Ok(text) => text.into(),
                Err(_) => json!({"text_base64": base64(bytes)}),
            },
            ValueRef::Blob(bytes) if matches!(self, Self::Blob) => base64(bytes),
            ValueRef::Blob(bytes) => json!({"base64": base64(bytes)}),
        }
    }
}

/// A column of a result.
pub(super) fn column(name: String, declared: Option<&str>) -> (OutputColumn, Affinity) {
    let affinity = Affinity::of(declared);
    let type_name = declared.unwrap_or_default().to_owned();
    (OutputColumn { name, type_name, schema: affinity.schema(declared), nullable: true }, affinity)
}

/// A value to bind: arrays and objects as JSON text.
#[derive(Debug)]
pub(super) struct Bound<'a>(pub(super) &'a Value);

impl ToSql for Bound<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self.0 {
            Value::Null => Null.into(),
            Value::Bool(flag) => i64::from(*flag).into(),
            Value::Number(number) => match number.as_i64() {
                Some(number) => number.into(),
                None => number.as_f64().unwrap_or(f64::NAN).into(),
            },
            Value::String(text) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
            Value::Array(_) | Value::Object(_) => self.0.to_string().into(),
        })
    }
}

/// Refuses what can't be bound without loss, and what does not mean in SQLite what it says: its own functions and operators
/// read a text up to the first NUL, so that a pattern such as `'%' || :term || '%'` would fit everything.
pub(super) fn bindable(values: &[Value]) -> Result<(), SqlError> {
    for (index, value) in values.iter().enumerate() {
        let words = if value.is_u64() && value.as_i64().is_none() {
            format!("{value} is larger than the largest integer, 9223372036854775807")
        } else if value.as_str().is_some_and(|text| text.contains('\0')) {
            "a text with the character U+0000 can't be looked for; leave it out".to_owned()
        } else {
            continue;
        };
        return Err(SqlError::Value { index, words });
    }
    Ok(())
}
