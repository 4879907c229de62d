//! The servers' values as JSON, without loss, and JSON as their parameters.
//!
//! | MySQL, MariaDB                     | JSON                                                                    |
//! |------------------------------------|-------------------------------------------------------------------------|
//! | TINYINT … INT, YEAR                | integer                                                                 |
//! | BIGINT, also unsigned              | integer within ±(2^53 − 1), else string                                 |
//! | FLOAT, DOUBLE                      | number                                                                  |
//! | DECIMAL                            | string with all its digits                                              |
//! | CHAR, VARCHAR, TEXT, ENUM, SET     | string                                                                  |
//! | BINARY, VARBINARY, BLOB            | base64 string                                                           |
//! | JSON                               | as it is; a number that a double can't hold is a string. MariaDB's is   |
//! |                                    | known by the check that it puts on the column; through a view it is text |
//! | BIT                                | string of `0` and `1`                                                   |
//! | DATE, DATETIME                     | ISO 8601; a date without a day is as it is: `0000-00-00`                |
//! | TIMESTAMP                          | RFC 3339 in UTC                                                         |
//! | TIME                               | `HH:MM:SS`, also negative and beyond a day: `-838:59:59`                |
//! | geometries                         | well-known text, after `SRID=n;` where it is not 0                      |
//! | all others                         | string, as the server writes it                                         |

mod geometry;
#[cfg(test)]
mod tests;

use mysql_async::consts::{ColumnFlags, ColumnType};
use mysql_async::{Column, Value as Raw};
use serde_json::{Value, json};

use crate::shared::sql::documents::document;
use crate::shared::sql::rows::INTEGER_MAX;
use crate::shared::sql::{OutputColumn, SqlError, base64, float, integer, integer_schema, unique_names};

/// The number of the character set that is none.
const BINARY: u16 = 63;

/// What a column's values become.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Integer {
        wide: bool,
    },
    Float,
    Decimal,
    Text,
    Bytes,
    Json,
    /// As many bits.
    Bits(u32),
    Date,
    Moment {
        utc: bool,
    },
    Time,
    Geometry,
    Null,
}

impl Form {
    pub(super) fn of(column: &Column) -> Self {
        use ColumnType as T;
        let binary = column.character_set() == BINARY;
        match column.column_type() {
            T::MYSQL_TYPE_TINY
            | T::MYSQL_TYPE_SHORT
            | T::MYSQL_TYPE_INT24
            | T::MYSQL_TYPE_LONG
            | T::MYSQL_TYPE_YEAR => Self::Integer { wide: false },
            T::MYSQL_TYPE_LONGLONG => Self::Integer { wide: true },
            T::MYSQL_TYPE_FLOAT | T::MYSQL_TYPE_DOUBLE => Self::Float,
            T::MYSQL_TYPE_DECIMAL | T::MYSQL_TYPE_NEWDECIMAL => Self::Decimal,
            T::MYSQL_TYPE_JSON => Self::Json,
            T::MYSQL_TYPE_BIT => Self::Bits(column.column_length()),
            T::MYSQL_TYPE_DATE | T::MYSQL_TYPE_NEWDATE => Self::Date,
            T::MYSQL_TYPE_DATETIME | T::MYSQL_TYPE_DATETIME2 => Self::Moment { utc: false },
            T::MYSQL_TYPE_TIMESTAMP | T::MYSQL_TYPE_TIMESTAMP2 => Self::Moment { utc: true },
            T::MYSQL_TYPE_TIME | T::MYSQL_TYPE_TIME2 => Self::Time,
            T::MYSQL_TYPE_GEOMETRY => Self::Geometry,
            T::MYSQL_TYPE_NULL => Self::Null,
            _ if binary && !column.flags().intersects(ColumnFlags::ENUM_FLAG | ColumnFlags::SET_FLAG) => Self::Bytes,
            _ => Self::Text,
        }
    }

    /// JSON Schema of its values, without null.
    fn schema(self) -> Value {
        match self {
            Self::Integer { wide: false } => json!({"type": "integer"}),
            Self::Integer { wide: true } => integer_schema(),
            Self::Float => json!({"type": "number"}),
            Self::Decimal => json!({"type": "string", "description": "decimal number with all its digits"}),
            Self::Text => json!({"type": "string"}),
            Self::Bytes => json!({"type": "string", "contentEncoding": "base64"}),
            Self::Json => json!({"description": "JSON; a number that a double can't hold is a string"}),
            Self::Bits(_) => json!({"type": "string", "description": "bits, as 0 and 1"}),
            Self::Date => json!({"type": "string", "description": "date, ISO 8601; 0000-00-00 is none"}),
            Self::Moment { utc: false } => {
                json!({"type": "string", "description": "date and time without zone, ISO 8601"})
            }
            Self::Moment { utc: true } => json!({"type": "string", "description": "date and time in UTC, RFC 3339"}),
            Self::Time => json!({"type": "string", "description": "HH:MM:SS, also negative and beyond a day"}),
            Self::Geometry => json!({"type": "string", "description": "geometry as well-known text"}),
            Self::Null => json!({}),
        }
    }

    /// A value as JSON.
    pub(super) fn json(self, raw: Raw) -> Value {
        match raw {
            Raw::NULL => Value::Null,
            Raw::Int(number) => integer(number),
            Raw::UInt(number) => unsigned(number),
            Raw::Float(number) => float(shortest(number)),
            Raw::Double(number) => float(number),
            Raw::Date(year, month, day, hour, minute, second, micros) => {
                let date = format!("{year:04}-{month:02}-{day:02}");
                if self == Self::Date {
                    return date.into();
                }
                let zone = if self == (Self::Moment { utc: true }) { "Z" } else { "" };
                format!("{date}T{hour:02}:{minute:02}:{second:02}{}{zone}", fraction(micros)).into()
            }
            Raw::Time(negative, days, hours, minutes, seconds, micros) => {
                let sign = if negative { "-" } else { "" };
                let hours = u64::from(days) * 24 + u64::from(hours);
                format!("{sign}{hours:02}:{minutes:02}:{seconds:02}{}", fraction(micros)).into()
            }
            Raw::Bytes(bytes) => self.bytes(bytes),
        }
    }

    fn bytes(self, bytes: Vec<u8>) -> Value {
        match self {
            Self::Bytes => base64(&bytes),
            Self::Bits(length) => bits(&bytes, length).into(),
            Self::Geometry => geometry::text(&bytes).map_or_else(|| base64(&bytes), Value::String),
            _ => match String::from_utf8(bytes) {
                Ok(text) if self == Self::Json => document(&text),
                Ok(text) => text.into(),
                // The connection is UTF-8, so this is no text.
                Err(error) => base64(error.as_bytes()),
            },
        }
    }
}

fn unsigned(number: u64) -> Value {
    match i64::try_from(number) {
        Ok(small) if small <= INTEGER_MAX => small.into(),
        _ => number.to_string().into(),
    }
}

/// By its own shortest digits: 0.1, not 0.10000000149011612.
fn shortest(value: f32) -> f64 {
    value.to_string().parse().unwrap_or_else(|_| f64::from(value))
}

/// `.5`, or nothing.
fn fraction(micros: u32) -> String {
    if micros == 0 { String::new() } else { format!(".{micros:06}").trim_end_matches('0').to_owned() }
}

fn bits(bytes: &[u8], length: u32) -> String {
    let bit = |byte: u8, place: u32| if byte >> place & 1 == 1 { '1' } else { '0' };
    let all: String = bytes.iter().flat_map(|byte| (0..8).rev().map(move |place| bit(*byte, place))).collect();
    let length = usize::try_from(length).unwrap_or(usize::MAX).min(all.len());
    all.get(all.len() - length..).unwrap_or_default().to_owned()
}

/// The columns of a result, with names that differ.
pub(super) fn columns(columns: &[Column], forms: &[Form]) -> Vec<OutputColumn> {
    let names: Vec<String> = columns.iter().map(|column| column.name_str().into_owned()).collect();
    let names = unique_names(names.iter().map(String::as_str));
    let columns = columns.iter().zip(forms).zip(names);
    columns
        .map(|((column, form), name)| OutputColumn {
            name,
            type_name: if *form == Form::Json { "json".to_owned() } else { type_name(column) },
            schema: form.schema(),
            nullable: true,
        })
        .collect()
}

/// The type's name, as far as a result tells it.
fn type_name(column: &Column) -> String {
    use ColumnType as T;
    let flags = column.flags();
    let binary = column.character_set() == BINARY;
    let unsigned = |name: &str| {
        if flags.contains(ColumnFlags::UNSIGNED_FLAG) { format!("{name} unsigned") } else { name.to_owned() }
    };
    let either = |text: &str, bytes: &str| if binary { bytes.to_owned() } else { text.to_owned() };
    match column.column_type() {
        T::MYSQL_TYPE_TINY => unsigned("tinyint"),
        T::MYSQL_TYPE_SHORT => unsigned("smallint"),
        T::MYSQL_TYPE_INT24 => unsigned("mediumint"),
        T::MYSQL_TYPE_LONG => unsigned("int"),
        T::MYSQL_TYPE_LONGLONG => unsigned("bigint"),
        T::MYSQL_TYPE_YEAR => "year".to_owned(),
        T::MYSQL_TYPE_FLOAT => "float".to_owned(),
        T::MYSQL_TYPE_DOUBLE => "double".to_owned(),
        T::MYSQL_TYPE_DECIMAL | T::MYSQL_TYPE_NEWDECIMAL => "decimal".to_owned(),
        T::MYSQL_TYPE_JSON => "json".to_owned(),
        T::MYSQL_TYPE_BIT => "bit".to_owned(),
        T::MYSQL_TYPE_DATE | T::MYSQL_TYPE_NEWDATE => "date".to_owned(),
        T::MYSQL_TYPE_DATETIME | T::MYSQL_TYPE_DATETIME2 => "datetime".to_owned(),
        T::MYSQL_TYPE_TIMESTAMP | T::MYSQL_TYPE_TIMESTAMP2 => "timestamp".to_owned(),
        T::MYSQL_TYPE_TIME | T::MYSQL_TYPE_TIME2 => "time".to_owned(),
        T::MYSQL_TYPE_GEOMETRY => "geometry".to_owned(),
        T::MYSQL_TYPE_NULL => "null".to_owned(),
        _ if flags.contains(ColumnFlags::ENUM_FLAG) => "enum".to_owned(),
        _ if flags.contains(ColumnFlags::SET_FLAG) => "set".to_owned(),
        T::MYSQL_TYPE_STRING => either("char", "binary"),
        T::MYSQL_TYPE_VARCHAR | T::MYSQL_TYPE_VAR_STRING => either("varchar", "varbinary"),
        _ => either("text", "blob"),
    }
}

/// A JSON value as a parameter: arrays and objects as JSON text.
pub(super) fn bound(values: &[Value]) -> Result<Vec<Raw>, SqlError> {
    values.iter().enumerate().map(|(index, value)| one(value, index)).collect()
}

fn one(value: &Value, index: usize) -> Result<Raw, SqlError> {
    Ok(match value {
        Value::Null => Raw::NULL,
        Value::Bool(flag) => Raw::Int((*flag).into()),
        Value::Number(number) => match (number.as_i64(), number.as_u64(), number.as_f64()) {
            (Some(number), ..) => Raw::Int(number),
            (_, Some(number), _) => Raw::UInt(number),
            (_, _, Some(number)) if number.is_finite() => Raw::Double(number),
            _ => return Err(SqlError::Value { index, words: "this number is too large".to_owned() }),
        },
        Value::String(text) => Raw::Bytes(text.clone().into_bytes()),
        Value::Array(_) | Value::Object(_) => Raw::Bytes(value.to_string().into_bytes()),
    })
}
