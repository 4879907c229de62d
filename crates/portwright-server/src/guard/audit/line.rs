//! One line of the audit file, read back: strictly as it was written, or not at all.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::record::{FIELDS, Link, hash, unhex};

/// What a chain needs to know of a line.
#[derive(Debug, Clone)]
pub(super) struct Parsed {
    pub(super) link: Link,
    pub(super) prev: [u8; 32],
    pub(super) ts: String,
    /// For a record that tells of a break in the file: the last record that stood before it.
    pub(super) found: Option<Link>,
    /// For the first record after a rotation: the last record whose file was retired on purpose, 0 if none was.
    pub(super) retired_seq: Option<u64>,
}

/// Reads a line without its line feed; the error says what is wrong with it.
pub(super) fn parse(line: &[u8]) -> Result<Parsed, &'static str> {
    const NOT_OURS: &str = "it is not an audit record";
    let fields: Fields<'_> = serde_json::from_slice(line).map_err(|_| NOT_OURS)?;
    let raw = |field: usize| fields.0[field].get();
    if !is_exact(line, &fields) {
        return Err("it is an audit record in another spelling");
    }
    let text = |field: usize| serde_json::from_str::<String>(raw(field)).map_err(|_| NOT_OURS);
    let seq: u64 = raw(0).parse().map_err(|_| NOT_OURS)?;
    let claimed = unhex(&text(22)?).ok_or(NOT_OURS)?;
    let prev = unhex(&text(21)?).ok_or(NOT_OURS)?;
    if hash(|field| raw(field).as_bytes()) != claimed {
        return Err("the record was changed: its hash does not fit");
    }
    let operation = text(8)?;
    let retired_seq = if operation == ROTATED { retired(raw(11)) } else { None };
    let found = if operation == RECOVERED || operation == ROTATED { found(raw(11)) } else { None };
    Ok(Parsed { link: Link { seq, hash: claimed }, prev, ts: text(1)?, found, retired_seq })
}

/// The operation of a record that tells of a break in the file.
pub(super) const RECOVERED: &str = "audit/recovered";

/// The operation of the record that begins a file after a rotation.
pub(super) const ROTATED: &str = "audit/rotated";

fn retired(args: &str) -> Option<u64> {
    serde_json::from_str::<serde_json::Value>(args).ok()?.get("retired_seq")?.as_u64()
}

fn found(args: &str) -> Option<Link> {
    let args: serde_json::Value = serde_json::from_str(args).ok()?;
    Some(Link { seq: args.get("found_seq")?.as_u64()?, hash: unhex(args.get("found_hash")?.as_str()?)? })
}

/// Whether the line is nothing but its fields, in their order, without a space.
fn is_exact(line: &[u8], fields: &Fields<'_>) -> bool {
    let mut rest = line;
    for (at, (name, value)) in FIELDS.iter().zip(&fields.0).enumerate() {
        for part in [if at == 0 { "{\"" } else { ",\"" }, name, "\":", value.get()] {
            let Some(after) = rest.strip_prefix(part.as_bytes()) else { return false };
            rest = after;
        }
    }
    rest == b"}"
}

/// The values of a line, by their place in [`FIELDS`].
struct Fields<'a>([&'a RawValue; FIELDS.len()]);

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Fields<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an audit record")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields<'de>, A::Error> {
                use serde::de::Error;
                let mut values = [RawValue::NULL; FIELDS.len()];
                for (name, value) in FIELDS.iter().zip(&mut values) {
                    if map.next_key::<&str>()? != Some(name) {
                        return Err(A::Error::custom("fields are missing or in another order"));
                    }
                    *value = map.next_value()?;
                }
                match map.next_key::<&str>()? {
                    None => Ok(Fields(values)),
                    Some(_) => Err(A::Error::custom("there are other fields")),
                }
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}
