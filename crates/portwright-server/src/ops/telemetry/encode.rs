//! OTLP's two encodings, protocol buffers and JSON, behind one set of words: each message is written down once.

use std::fmt::Write;

use serde_json::{Map, Value, json};

/// What writes a message. `field` is its number in the protocol, `name` its name in JSON.
pub(super) trait Encode: Sized {
    fn new() -> Self;
    fn text(&mut self, field: u32, name: &'static str, value: &str);
    /// An id: bytes, or hexadecimal digits.
    fn id(&mut self, field: u32, name: &'static str, value: &[u8]);
    /// A small number, or the number of an enumeration's word.
    fn small(&mut self, field: u32, name: &'static str, value: u32);
    fn flag(&mut self, field: u32, name: &'static str, value: bool);
    /// `int64`
    fn int(&mut self, field: u32, name: &'static str, value: i64);
    /// `fixed64` or `sfixed64`
    fn fixed(&mut self, field: u32, name: &'static str, value: u64);
    /// `fixed32`
    fn fixed_small(&mut self, field: u32, name: &'static str, value: u32);
    fn double(&mut self, field: u32, name: &'static str, value: f64);
    fn fixeds(&mut self, field: u32, name: &'static str, values: &[u64]);
    fn doubles(&mut self, field: u32, name: &'static str, values: &[f64]);
    fn message(&mut self, field: u32, name: &'static str, write: impl FnOnce(&mut Self));
    fn messages<T>(
        &mut self,
        field: u32,
        name: &'static str,
        items: impl IntoIterator<Item = T>,
        write: impl FnMut(&mut Self, T),
    );
    fn bytes(self) -> Vec<u8>;
}

/// Protocol buffers.
#[derive(Debug, Default)]
pub(super) struct Proto(Vec<u8>);

impl Proto {
    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(u8::try_from(value & 0x7f).unwrap_or(0) | 0x80);
            value >>= 7;
        }
        self.0.push(u8::try_from(value).unwrap_or(0));
    }

    fn key(&mut self, field: u32, wire: u32) {
        self.varint(u64::from(field << 3 | wire));
    }

    fn delimited(&mut self, field: u32, bytes: &[u8]) {
        self.key(field, 2);
        self.varint(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }
}

impl Encode for Proto {
    fn new() -> Self {
        Self::default()
    }

    fn text(&mut self, field: u32, _: &'static str, value: &str) {
        self.delimited(field, value.as_bytes());
    }

    fn id(&mut self, field: u32, _: &'static str, value: &[u8]) {
        self.delimited(field, value);
    }

    fn small(&mut self, field: u32, _: &'static str, value: u32) {
        self.key(field, 0);
        self.varint(value.into());
    }

    fn flag(&mut self, field: u32, name: &'static str, value: bool) {
        self.small(field, name, value.into());
    }

    fn int(&mut self, field: u32, _: &'static str, value: i64) {
        self.key(field, 0);
        self.varint(value.cast_unsigned());
    }

    fn fixed(&mut self, field: u32, _: &'static str, value: u64) {
        self.key(field, 1);
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    fn fixed_small(&mut self, field: u32, _: &'static str, value: u32) {
        self.key(field, 5);
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    fn double(&mut self, field: u32, name: &'static str, value: f64) {
        self.fixed(field, name, value.to_bits());
    }

    fn fixeds(&mut self, field: u32, _: &'static str, values: &[u64]) {
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.delimited(field, &bytes);
    }

    fn doubles(&mut self, field: u32, name: &'static str, values: &[f64]) {
        let bits: Vec<u64> = values.iter().map(|value| value.to_bits()).collect();
        self.fixeds(field, name, &bits);
    }

    fn message(&mut self, field: u32, _: &'static str, write: impl FnOnce(&mut Self)) {
        let mut inner = Self::default();
        write(&mut inner);
        self.delimited(field, &inner.0);
    }

    fn messages<T>(
        &mut self,
        field: u32,
        name: &'static str,
        items: impl IntoIterator<Item = T>,
        mut write: impl FnMut(&mut Self, T),
    ) {
        for item in items {
            self.message(field, name, |inner| write(inner, item));
        }
    }

    fn bytes(self) -> Vec<u8> {
        self.0
    }
}

/// JSON, as OTLP has it: ids in hexadecimal digits, large numbers as text, enumerations as numbers.
#[derive(Debug, Default)]
pub(super) struct Json(Map<String, Value>);

impl Json {
    fn put(&mut self, name: &'static str, value: Value) {
        self.0.insert(name.to_owned(), value);
    }
}

impl Encode for Json {
    fn new() -> Self {
        Self::default()
    }

    fn text(&mut self, _: u32, name: &'static str, value: &str) {
        self.put(name, value.into());
    }

    fn id(&mut self, _: u32, name: &'static str, value: &[u8]) {
        let digits = value.iter().fold(String::with_capacity(2 * value.len()), |mut digits, byte| {
            let _ = write!(digits, "{byte:02x}");
            digits
        });
        self.put(name, digits.into());
    }

    fn small(&mut self, _: u32, name: &'static str, value: u32) {
        self.put(name, value.into());
    }

    fn flag(&mut self, _: u32, name: &'static str, value: bool) {
        self.put(name, value.into());
    }

    fn int(&mut self, _: u32, name: &'static str, value: i64) {
        self.put(name, value.to_string().into());
    }

    fn fixed(&mut self, _: u32, name: &'static str, value: u64) {
        self.put(name, value.to_string().into());
    }

    fn fixed_small(&mut self, _: u32, name: &'static str, value: u32) {
        self.put(name, value.into());
    }

    fn double(&mut self, _: u32, name: &'static str, value: f64) {
        self.put(name, json!(value));
    }

    fn fixeds(&mut self, _: u32, name: &'static str, values: &[u64]) {
        self.put(name, values.iter().map(u64::to_string).collect());
    }

    fn doubles(&mut self, _: u32, name: &'static str, values: &[f64]) {
        self.put(name, json!(values));
    }

    fn message(&mut self, _: u32, name: &'static str, write: impl FnOnce(&mut Self)) {
        let mut inner = Self::default();
        write(&mut inner);
        self.put(name, Value::Object(inner.0));
    }

    fn messages<T>(
        &mut self,
        _: u32,
        name: &'static str,
        items: impl IntoIterator<Item = T>,
        mut write: impl FnMut(&mut Self, T),
    ) {
        let list: Vec<Value> = items
            .into_iter()
            .map(|item| {
                let mut inner = Self::default();
                write(&mut inner, item);
                Value::Object(inner.0)
            })
            .collect();
        self.put(name, list.into());
    }

    fn bytes(self) -> Vec<u8> {
        Value::Object(self.0).to_string().into_bytes()
    }
}

/// How many items a receiver says it rejected: field 1 of field 1 of its answer.
pub(super) fn rejected(answer: &[u8]) -> u64 {
    let inner = field_one(answer).and_then(|(_, bytes)| bytes);
    inner.and_then(field_one).and_then(|(number, _)| number).unwrap_or(0)
}

/// The first field of a message, if it is number 1: as a number, or as bytes.
fn field_one(bytes: &[u8]) -> Option<(Option<u64>, Option<&[u8]>)> {
    let (&key, rest) = bytes.split_first()?;
    let (value, rest) = varint(rest)?;
    match key {
        0x08 => Some((Some(value), None)),
        0x0a => Some((None, rest.get(..usize::try_from(value).ok()?))),
        _ => None,
    }
}

fn varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut value = 0;
    for (at, byte) in bytes.iter().take(10).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * at).min(63);
        if byte & 0x80 == 0 {
            return Some((value, &bytes[at + 1..]));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::{Encode, Json, Proto, rejected};

    fn write<E: Encode>() -> Vec<u8> {
        let mut out = E::new();
        out.text(1, "text", "é");
        out.int(2, "int", -1);
        out.message(3, "inner", |inner| inner.small(1, "small", 300));
        out.messages(4, "list", [1, 2], |item, value| item.fixed(1, "fixed", value));
        out.id(5, "id", &[0xab, 1]);
        out.bytes()
    }

    #[test]
    fn a_message_is_written_in_both_encodings() {
        let json = String::from_utf8(write::<Json>()).expect("text");
        let expected =
            r#"{"text":"é","int":"-1","inner":{"small":300},"list":[{"fixed":"1"},{"fixed":"2"}],"id":"ab01"}"#;
        assert_eq!(json, expected);
        let proto = write::<Proto>();
        assert_eq!(proto[..4], [0x0a, 2, 0xc3, 0xa9]);
        assert_eq!(proto[4..15], [0x10, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1]);
        assert_eq!(proto[15..20], [0x1a, 3, 0x08, 0xac, 2]);
        assert_eq!(proto.len(), 20 + 2 * 11 + 4);
    }

    #[test]
    fn what_was_rejected_is_read_and_nonsense_is_nothing() {
        assert_eq!(rejected(&[0x0a, 2, 0x08, 7]), 7);
        assert_eq!(rejected(&[0x0a, 3, 0x08, 0xac, 2]), 300);
        for nonsense in [&[][..], &[0x0a], &[0x0a, 9, 8], &[0xff; 40], &[0x0a, 2, 0x12, 1]] {
            assert_eq!(rejected(nonsense), 0);
        }
    }
}
