//! JSON Schema of what a type's values become.

use serde_json::{Value, json};
use tokio_postgres::types::{Kind, Type};

use crate::shared::sql::integer_schema;

/// Levels of types within each other that are spelled out.
const DEPTH_MAX: usize = 8;

/// The schema of a type's values, without null.
pub(in crate::postgres) fn schema(ty: &Type) -> Value {
    within(ty, DEPTH_MAX)
}

fn within(ty: &Type, depth: usize) -> Value {
    let Some(depth) = depth.checked_sub(1) else { return json!({}) };
    match ty.kind() {
        Kind::Domain(inner) => within(inner, depth),
        Kind::Enum(labels) => json!({"type": "string", "enum": labels}),
        // The number of dimensions is no part of an array's type.
        Kind::Array(_) => json!({"type": ["array", "string"], "description": format!("PostgreSQL {}", plural(ty))}),
        Kind::Composite(fields) => {
            let properties: serde_json::Map<_, _> =
                fields.iter().map(|field| (field.name().to_owned(), or_null(within(field.type_(), depth)))).collect();
            json!({"type": ["object", "string"], "properties": properties})
        }
        Kind::Range(_) | Kind::Multirange(_) => {
            json!({"type": "string", "description": format!("PostgreSQL {}, such as [1,5)", ty.name())})
        }
        _ => simple(ty),
    }
}

fn plural(ty: &Type) -> String {
    format!("{} array", ty.name().trim_start_matches('_'))
}

fn or_null(mut schema: Value) -> Value {
    let kinds = match schema.get("type") {
        Some(Value::String(kind)) => json!([kind, "null"]),
        Some(Value::Array(kinds)) => kinds.iter().cloned().chain(["null".into()]).collect(),
        _ => return schema,
    };
    schema["type"] = kinds;
    if let Some(Value::Array(labels)) = schema.get_mut("enum") {
        labels.push(Value::Null);
    }
    schema
}

fn simple(ty: &Type) -> Value {
    match ty.name() {
        "bool" => json!({"type": "boolean"}),
        "int2" | "int4" | "oid" | "xid" | "cid" => json!({"type": "integer"}),
        "int8" | "xid8" => integer_schema(),
        "float4" | "float8" => {
            json!({"type": ["number", "string"], "description": "\"NaN\", \"Infinity\" and \"-Infinity\" are strings"})
        }
        "numeric" => json!({"type": "string", "description": "decimal number with all its digits"}),
        "bytea" => json!({"type": "string", "contentEncoding": "base64"}),
        "uuid" => json!({"type": "string", "format": "uuid"}),
        // No `format`: dates may be infinite, and years may have more than four digits.
        "date" => json!({"type": "string", "description": "date, ISO 8601"}),
        "time" | "timetz" => json!({"type": "string", "description": "time of day, ISO 8601"}),
        "timestamp" => json!({"type": "string", "description": "date and time without zone, ISO 8601"}),
        "timestamptz" => json!({"type": "string", "description": "date and time in UTC, RFC 3339"}),
        "interval" => json!({"type": "string", "description": "ISO 8601 duration"}),
        "json" | "jsonb" => json!({"description": "JSON; a number that a double can't hold is a string"}),
        "hstore" => json!({"type": ["object", "string"], "additionalProperties": {"type": ["string", "null"]}}),
        "void" => json!({"type": "null"}),
        "record" => json!({"type": "object"}),
        "text" | "varchar" | "bpchar" | "name" | "citext" => json!({"type": "string"}),
        name => json!({"type": ["string", "object"], "description": format!("PostgreSQL {name}")}),
    }
}
