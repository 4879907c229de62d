//! PostgreSQL's values as JSON, without loss, and JSON as its parameters.
//!
//! | PostgreSQL                         | JSON                                                                    |
//! |------------------------------------|-------------------------------------------------------------------------|
//! | bool, int2, int4, oid              | boolean, integer                                                        |
//! | int8, xid8                         | integer within ±(2^53 − 1), else string                                 |
//! | float4, float8                     | number; `"NaN"`, `"Infinity"`, `"-Infinity"`                            |
//! | numeric                            | string with all its digits                                              |
//! | bytea                              | base64 string                                                           |
//! | json, jsonb                        | as it is; a number that a double can't hold is a string; what a JSON    |
//! |                                    | object can't hold (a key twice, more than 128 levels) is its text       |
//! | date, timestamp, timestamptz, time | ISO 8601 strings; years beyond 0–9999 as ±YYYYYY; `"infinity"`          |
//! | interval                           | ISO 8601 duration                                                       |
//! | arrays                             | arrays (where they start counting is not told)                          |
//! | composites, records                | objects; fields of a record are `f1`, `f2`, …                           |
//! | hstore                             | object of strings                                                       |
//! | all others                         | string, as PostgreSQL writes it                                         |

mod bind;
mod calendar;
mod cursor;
mod decode;
mod forms;
mod schema;

pub(super) use bind::Bound;
pub(super) use cursor::{Cursor, Malformed};
pub(super) use decode::{Cell, Decoded, opaque};
pub(super) use schema::schema;

#[cfg(test)]
mod tests;
