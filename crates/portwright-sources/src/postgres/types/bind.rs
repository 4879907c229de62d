//! A JSON value as a parameter. It goes as text, so that PostgreSQL itself reads it by its own rules for the type.

use std::error::Error;
use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::BytesMut;
use serde_json::Value;
use tokio_postgres::types::{Format, IsNull, Kind, ToSql, Type};

/// A value that its parameter's type can't take.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a parameter of type {wants} can't take {got}{hint}")]
pub(in crate::postgres) struct ValueError {
    wants: String,
    got: &'static str,
    hint: &'static str,
}

/// A value to bind.
#[derive(Debug)]
pub(in crate::postgres) struct Bound<'a>(pub(in crate::postgres) &'a Value);

impl Bound<'_> {
    /// Its text for a type; none for null.
    pub(in crate::postgres) fn text(&self, ty: &Type) -> Result<Option<String>, ValueError> {
        write(self.0, ty)
    }
}

impl ToSql for Bound<'_> {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match self.text(ty)? {
            Some(text) => {
                out.extend_from_slice(text.as_bytes());
                Ok(IsNull::No)
            }
            None => Ok(IsNull::Yes),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    fn encode_format(&self, _: &Type) -> Format {
        Format::Text
    }

    fn to_sql_checked(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        self.to_sql(ty, out)
    }
}

fn refuse<T>(value: &Value, ty: &Type, hint: &'static str) -> Result<T, ValueError> {
    let got = match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "this number",
        Value::String(_) => "this string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    };
    Err(ValueError { wants: ty.to_string(), got, hint })
}

fn write(value: &Value, ty: &Type) -> Result<Option<String>, ValueError> {
    if let Kind::Domain(inner) = ty.kind() {
        return write(value, inner);
    }
    let text = match (value, ty.kind(), ty.name()) {
        (Value::Null, ..) => return Ok(None),
        (Value::String(text), ..) if text.contains('\0') => {
            return refuse(value, ty, ": it has a zero character");
        }
        (Value::String(text), _, "bytea") => bytes(text).map_or_else(|| refuse(value, ty, ": it is not base64"), Ok)?,
        (Value::String(text), ..) => text.clone(),
        (Value::Array(items), Kind::Array(member), "int2vector" | "oidvector") => vector(items, member)?,
        (Value::Array(items), Kind::Array(member), _) => array(items, member)?,
        (Value::Array(items), Kind::Composite(fields), _) if items.len() == fields.len() => {
            row(fields.iter().zip(items).map(|(field, item)| (field.type_(), item)))?
        }
        (Value::Object(members), Kind::Composite(fields), _) => {
            if members.keys().any(|key| fields.iter().all(|field| field.name() != key)) {
                return refuse(value, ty, ": it has a field that the type has not");
            }
            row(fields.iter().map(|field| (field.type_(), members.get(field.name()).unwrap_or(&Value::Null))))?
        }
        (Value::Object(members), _, "hstore") => hstore(value, members, ty)?,
        (Value::Number(number), _, "int2" | "int4" | "int8" | "oid") => whole(number),
        (_, Kind::Simple, "json" | "jsonb" | "text" | "varchar" | "bpchar" | "unknown" | "citext" | "jsonpath")
        | (Value::Bool(_), ..)
        | (Value::Number(_), Kind::Simple, _) => value.to_string(),
        _ => return refuse(value, ty, ""),
    };
    Ok(Some(text))
}

/// `10.0` is the integer 10.
fn whole(number: &serde_json::Number) -> String {
    match number.as_f64() {
        Some(double) if !number.is_i64() && !number.is_u64() && double.fract() == 0.0 => format!("{double:.0}"),
        _ => number.to_string(),
    }
}

/// PostgreSQL's own `\x…`, or base64, as results have it.
fn bytes(text: &str) -> Option<String> {
    if text.starts_with("\\x") {
        return Some(text.to_owned());
    }
    let mut hex = "\\x".to_owned();
    for byte in STANDARD.decode(text).ok()? {
        let _ = write!(hex, "{byte:02x}");
    }
    Some(hex)
}

/// `{1,2,NULL,"a b"}`
fn array(items: &[Value], member: &Type) -> Result<String, ValueError> {
    let mut parts = Vec::new();
    for item in items {
        parts.push(match item {
            Value::Array(inner) if !takes_arrays(member) => array(inner, member)?,
            _ => write(item, member)?.map_or_else(|| "NULL".to_owned(), |text| quote(&text)),
        });
    }
    // A type with another delimiter than the comma.
    let delimiter = if member.name() == "box" { ";" } else { "," };
    Ok(format!("{{{}}}", parts.join(delimiter)))
}

/// `1 2 3`: the catalogs' own kind of array.
fn vector(items: &[Value], member: &Type) -> Result<String, ValueError> {
    let parts = items.iter().map(|item| Ok(write(item, member)?.unwrap_or_default()));
    Ok(parts.collect::<Result<Vec<_>, _>>()?.join(" "))
}

fn takes_arrays(ty: &Type) -> bool {
    matches!(ty.name(), "json" | "jsonb") || matches!(ty.kind(), Kind::Composite(_))
}

/// `(1,,"a b")`
fn row<'a>(fields: impl Iterator<Item = (&'a Type, &'a Value)>) -> Result<String, ValueError> {
    let parts = fields.map(|(ty, value)| Ok(write(value, ty)?.map(|text| quote(&text)).unwrap_or_default()));
    Ok(format!("({})", parts.collect::<Result<Vec<_>, _>>()?.join(",")))
}

fn hstore(value: &Value, members: &serde_json::Map<String, Value>, ty: &Type) -> Result<String, ValueError> {
    let pairs = members.iter().map(|(key, member)| match member {
        Value::Null => Ok(format!("{}=>NULL", quote(key))),
        Value::String(text) => Ok(format!("{}=>{}", quote(key), quote(text))),
        Value::Number(_) | Value::Bool(_) => Ok(format!("{}=>{}", quote(key), quote(&member.to_string()))),
        Value::Array(_) | Value::Object(_) => refuse(value, ty, ": its values must be strings"),
    });
    Ok(pairs.collect::<Result<Vec<_>, _>>()?.join(","))
}

fn quote(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', r"\\").replace('"', "\\\""))
}
