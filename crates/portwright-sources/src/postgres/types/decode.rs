//! A value of a result, in PostgreSQL's binary format, as JSON.

use std::error::Error;

use serde_json::{Map, Value};
use tokio_postgres::types::{FromSql, Kind, Type};

use super::cursor::{Cursor, Malformed, text};
use super::{calendar, forms};
use crate::shared::sql::{base64, documents, float, integer};

/// Levels of arrays, composites and ranges within each other.
const DEPTH_MAX: usize = 32;

/// A value as it came. Any type will do.
#[derive(Debug, Clone, Copy)]
pub(in crate::postgres) struct Cell<'a>(Option<&'a [u8]>);

impl<'a> FromSql<'a> for Cell<'a> {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self(Some(raw)))
    }

    fn from_sql_null(_: &Type) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self(None))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

/// What became of a value.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::postgres) enum Decoded {
    Json(Value),
    /// Only the server can write it: ask it for the text of these bytes.
    Ask(Vec<u8>),
}

/// Why a value is not JSON yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unknown {
    Malformed,
    Type,
}

impl From<Malformed> for Unknown {
    fn from(_: Malformed) -> Self {
        Self::Malformed
    }
}

impl<'a> Cell<'a> {
    /// A value's bytes; none is null.
    pub(in crate::postgres) fn new(bytes: Option<&'a [u8]>) -> Self {
        Self(bytes)
    }

    /// Bytes on the wire.
    pub(in crate::postgres) fn length(&self) -> usize {
        self.0.map_or(4, <[u8]>::len)
    }

    pub(in crate::postgres) fn decode(&self, ty: &Type) -> Decoded {
        let Some(bytes) = self.0 else { return Decoded::Json(Value::Null) };
        // A value that is not as its type's format says is one of a type that we take for another: the server knows.
        value(ty, bytes, DEPTH_MAX).map_or_else(|_| Decoded::Ask(bytes.to_vec()), Decoded::Json)
    }
}

type Decode = Result<Value, Unknown>;

fn value(ty: &Type, bytes: &[u8], depth: usize) -> Decode {
    let depth = depth.checked_sub(1).ok_or(Unknown::Type)?;
    match ty.kind() {
        Kind::Domain(inner) => value(inner, bytes, depth),
        Kind::Enum(_) => Ok(text(bytes)?.into()),
        Kind::Array(_) => array(ty, bytes, depth),
        Kind::Composite(fields) => {
            let names = fields.iter().map(|field| field.name().to_owned());
            let types = fields.iter().map(|field| field.type_().clone());
            composite(&names.zip(types).collect::<Vec<_>>(), bytes, depth)
        }
        Kind::Range(inner) => range(inner, bytes, depth).map(Value::String),
        Kind::Multirange(inner) => multirange(inner, bytes, depth),
        Kind::Simple | Kind::Pseudo => simple(ty, bytes, depth),
        _ => Err(Unknown::Type),
    }
}

fn simple(ty: &Type, bytes: &[u8], depth: usize) -> Decode {
    let mut cursor = Cursor(bytes);
    if ty.schema() != "pg_catalog" {
        return extension(ty, bytes);
    }
    if let Some(form) = forms::geometry(ty.name(), cursor) {
        return Ok(form?.into());
    }
    Ok(match ty.name() {
        "bool" => (cursor.u8()? != 0).into(),
        "int2" => cursor.i16()?.into(),
        "int4" => cursor.i32()?.into(),
        "int8" => integer(cursor.i64()?),
        "oid" | "xid" | "cid" => cursor.u32()?.into(),
        "xid8" => cursor.u64().map(|id| i64::try_from(id).map_or_else(|_| id.to_string().into(), integer))?,
        "float4" => float4(cursor.f32()?),
        "float8" => float(cursor.f64()?),
        "numeric" => forms::numeric(cursor)?.into(),
        "text" | "varchar" | "bpchar" | "name" | "unknown" | "xml" | "refcursor" | "cstring" => text(bytes)?.into(),
        "char" => forms::single_byte(cursor)?.into(),
        "bytea" => base64(bytes),
        "uuid" => forms::uuid(cursor)?.into(),
        "json" => documents::document(text(bytes)?),
        "jsonb" => documents::document(&forms::versioned(cursor)?),
        "jsonpath" => forms::versioned(cursor)?.into(),
        "date" => calendar::date(cursor)?.into(),
        "time" => calendar::time(cursor)?.into(),
        "timetz" => calendar::time_with_zone(cursor)?.into(),
        "timestamp" => calendar::timestamp(cursor, "")?.into(),
        "timestamptz" => calendar::timestamp(cursor, "Z")?.into(),
        "interval" => calendar::interval(cursor)?.into(),
        "inet" | "cidr" => forms::network(cursor)?.into(),
        "macaddr" | "macaddr8" => forms::mac(bytes).into(),
        "bit" | "varbit" => forms::bits(cursor)?.into(),
        "tsvector" => forms::lexemes(cursor)?.into(),
        "pg_lsn" => forms::wal_position(cursor)?.into(),
        "tid" => forms::tuple_id(cursor)?.into(),
        "void" => Value::Null,
        "record" => record(bytes, depth)?,
        _ => return Err(Unknown::Type),
    })
}

/// Types of contributed modules, wherever they are installed.
fn extension(ty: &Type, bytes: &[u8]) -> Decode {
    match ty.name() {
        "citext" => Ok(text(bytes)?.into()),
        "ltree" | "lquery" | "ltxtquery" => Ok(forms::versioned(Cursor(bytes))?.into()),
        "hstore" => {
            let mut cursor = Cursor(bytes);
            let mut pairs = Map::new();
            for _ in 0..cursor.count()? {
                let key = text(cursor.sized()?.ok_or(Malformed)?)?.to_owned();
                let value = cursor.sized()?.map(text).transpose()?;
                pairs.insert(key, value.into());
            }
            Ok(Value::Object(pairs))
        }
        _ => Err(Unknown::Type),
    }
}

/// By its own shortest digits: 0.1, not 0.10000000149011612.
fn float4(value: f32) -> Value {
    float(value.to_string().parse().unwrap_or_else(|_| f64::from(value)))
}

fn array(ty: &Type, bytes: &[u8], depth: usize) -> Decode {
    let Kind::Array(member) = ty.kind() else { return Err(Unknown::Type) };
    let mut cursor = Cursor(bytes);
    let dimensions = usize::try_from(cursor.i32()?).map_err(|_| Malformed)?;
    let (_flags, _member) = (cursor.i32()?, cursor.u32()?);
    if dimensions > 6 {
        return Err(Unknown::Malformed);
    }
    let mut lengths = Vec::new();
    for _ in 0..dimensions {
        lengths.push(usize::try_from(cursor.i32()?).map_err(|_| Malformed)?);
        cursor.i32()?;
    }
    if lengths.is_empty() {
        return Ok(Value::Array(Vec::new()));
    }
    level(member, &lengths, &mut cursor, depth)
}

fn level(member: &Type, lengths: &[usize], cursor: &mut Cursor<'_>, depth: usize) -> Decode {
    let Some((length, inner)) = lengths.split_first() else {
        return cursor.sized()?.map_or(Ok(Value::Null), |bytes| value(member, bytes, depth));
    };
    let mut items = Vec::new();
    for _ in 0..*length {
        items.push(level(member, inner, cursor, depth)?);
    }
    Ok(Value::Array(items))
}

fn composite(fields: &[(String, Type)], bytes: &[u8], depth: usize) -> Decode {
    let mut cursor = Cursor(bytes);
    if cursor.count()? != fields.len() {
        return Err(Unknown::Malformed);
    }
    let mut object = Map::new();
    for (name, ty) in fields {
        let _oid = cursor.u32()?;
        let field = cursor.sized()?.map_or(Ok(Value::Null), |bytes| value(ty, bytes, depth))?;
        object.insert(name.clone(), field);
    }
    Ok(Value::Object(object))
}

/// A row without a type of its own. The server reads none back, so what we don't know in it stays as bytes.
fn record(bytes: &[u8], depth: usize) -> Decode {
    let mut cursor = Cursor(bytes);
    let mut object = Map::new();
    for index in 1..=cursor.count()? {
        let oid = cursor.u32()?;
        let field = match (cursor.sized()?, Type::from_oid(oid)) {
            (None, _) => Value::Null,
            (Some(bytes), Some(ty)) => value(&ty, bytes, depth).unwrap_or_else(|_| opaque(ty.name(), bytes)),
            (Some(bytes), None) => opaque(&format!("oid {oid}"), bytes),
        };
        object.insert(format!("f{index}"), field);
    }
    Ok(Value::Object(object))
}

/// A value that nobody can write as text: its bytes.
pub(in crate::postgres) fn opaque(type_name: &str, bytes: &[u8]) -> Value {
    serde_json::json!({"type": type_name, "base64": base64(bytes)})
}

fn range(inner: &Type, bytes: &[u8], depth: usize) -> Result<String, Unknown> {
    const EMPTY: u8 = 0x01;
    const LOWER_INCLUSIVE: u8 = 0x02;
    const UPPER_INCLUSIVE: u8 = 0x04;
    const LOWER_INFINITE: u8 = 0x08;
    const UPPER_INFINITE: u8 = 0x10;
    let mut cursor = Cursor(bytes);
    let flags = cursor.u8()?;
    if flags & EMPTY != 0 {
        return Ok("empty".to_owned());
    }
    let mut bound = |infinite: u8| -> Result<String, Unknown> {
        if flags & infinite != 0 {
            return Ok(String::new());
        }
        let bytes = cursor.sized()?.ok_or(Malformed)?;
        Ok(match value(inner, bytes, depth)? {
            Value::String(text) => forms::quote_bound(&text),
            Value::Array(_) | Value::Object(_) => return Err(Unknown::Type),
            other => other.to_string(),
        })
    };
    let (lower, upper) = (bound(LOWER_INFINITE)?, bound(UPPER_INFINITE)?);
    let open = if flags & LOWER_INCLUSIVE != 0 { '[' } else { '(' };
    let close = if flags & UPPER_INCLUSIVE != 0 { ']' } else { ')' };
    Ok(format!("{open}{lower},{upper}{close}"))
}

fn multirange(inner: &Type, bytes: &[u8], depth: usize) -> Decode {
    // The type's kind tells the range or what it ranges over, by the version of the driver.
    let inner = if let Kind::Range(bound) = inner.kind() { bound } else { inner };
    let mut cursor = Cursor(bytes);
    let mut ranges = Vec::new();
    for _ in 0..cursor.count()? {
        ranges.push(range(inner, cursor.sized()?.ok_or(Malformed)?, depth)?);
    }
    Ok(format!("{{{}}}", ranges.join(",")).into())
}
