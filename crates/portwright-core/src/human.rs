//! Durations and sizes as people write them: `"5s"`, `"10MiB"`.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserializer, Visitor};
use serde::{Deserialize, Serialize, Serializer};

/// Why a duration or a size can't be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HumanError {
    /// No number, or no unit that is known.
    #[error("`{0}` is not a duration; write a whole number and a unit: \"250ms\", \"5s\", \"10m\", \"2h\", \"90d\"")]
    Duration(String),
    /// The same of a size.
    #[error(
        "`{0}` is not a size; write bytes as a number, or a whole number and a unit: \"64KiB\", \"10MiB\", \"1MB\""
    )]
    Size(String),
    /// More than fits.
    #[error("`{0}` is too large")]
    TooLarge(String),
}

/// A duration, written as `"250ms"`, `"5s"`, `"10m"`, `"2h"` or `"90d"`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HumanDuration(pub Duration);

/// A number of bytes, written as `"64KiB"`, `"10MiB"`, `"1MB"` or a bare whole number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ByteSize(pub u64);

/// Units from large to small, for printing.
const DURATIONS: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)];
const SIZES: [(&str, u64); 7] = [
    ("GiB", 1 << 30),
    ("GB", 1_000_000_000),
    ("MiB", 1 << 20),
    ("MB", 1_000_000),
    ("KiB", 1 << 10),
    ("kB", 1000),
    ("B", 1),
];

/// A whole number and what follows it.
fn split(text: &str) -> Option<(&str, &str)> {
    let text = text.trim();
    let end = text.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    (!number.is_empty()).then(|| (number, unit.trim_start()))
}

fn scale(text: &str, number: &str, unit: u64) -> Result<u64, HumanError> {
    let too_large = || HumanError::TooLarge(text.to_owned());
    number.parse::<u64>().ok().and_then(|number| number.checked_mul(unit)).ok_or_else(too_large)
}

impl FromStr for HumanDuration {
    type Err = HumanError;

    fn from_str(text: &str) -> Result<Self, HumanError> {
        let wrong = || HumanError::Duration(text.to_owned());
        let (number, unit) = split(text).ok_or_else(wrong)?;
        let (_, millis) = DURATIONS.iter().find(|(name, _)| *name == unit).ok_or_else(wrong)?;
        scale(text, number, *millis).map(|millis| Self(Duration::from_millis(millis)))
    }
}

impl FromStr for ByteSize {
    type Err = HumanError;

    fn from_str(text: &str) -> Result<Self, HumanError> {
        let wrong = || HumanError::Size(text.to_owned());
        let (number, unit) = split(text).ok_or_else(wrong)?;
        let unit = if unit.is_empty() { "B" } else { unit };
        let (_, bytes) = SIZES.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit)).ok_or_else(wrong)?;
        scale(text, number, *bytes).map(Self)
    }
}

impl fmt::Display for HumanDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = u64::try_from(self.0.as_millis()).unwrap_or(u64::MAX);
        match DURATIONS.iter().find(|(_, size)| millis >= *size && millis.is_multiple_of(*size)) {
            Some((unit, size)) => write!(f, "{}{unit}", millis / size),
            None => f.write_str("0s"),
        }
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match SIZES.iter().find(|(_, size)| self.0 >= *size && self.0.is_multiple_of(*size)) {
            Some((unit, size)) => write!(f, "{}{unit}", self.0 / size),
            None => f.write_str("0B"),
        }
    }
}

impl Serialize for HumanDuration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Serialize for ByteSize {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for HumanDuration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Duration;
        impl Visitor<'_> for Duration {
            type Value = HumanDuration;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a duration such as \"5s\" or \"250ms\"")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<HumanDuration, E> {
                text.parse().map_err(E::custom)
            }
        }
        deserializer.deserialize_str(Duration)
    }
}

impl<'de> Deserialize<'de> for ByteSize {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Size;
        impl Visitor<'_> for Size {
            type Value = ByteSize;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a size such as \"64KiB\", or a number of bytes")
            }

            fn visit_u64<E: de::Error>(self, bytes: u64) -> Result<ByteSize, E> {
                Ok(ByteSize(bytes))
            }

            fn visit_i64<E: de::Error>(self, bytes: i64) -> Result<ByteSize, E> {
                u64::try_from(bytes).map(ByteSize).map_err(|_| E::custom(HumanError::Size(bytes.to_string())))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<ByteSize, E> {
                text.parse().map_err(E::custom)
            }
        }
        deserializer.deserialize_any(Size)
    }
}

impl JsonSchema for HumanDuration {
    fn schema_name() -> Cow<'static, str> {
        "Duration".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": "^[0-9]+ *(ms|s|m|h|d)$",
            "description": "A duration: \"250ms\", \"5s\", \"10m\", \"2h\", \"90d\"."
        })
    }
}

impl JsonSchema for ByteSize {
    fn schema_name() -> Cow<'static, str> {
        "ByteSize".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": ["string", "integer"],
            "minimum": 0,
            "pattern": "^[0-9]+ *([KkMmGg]?[Ii]?[Bb])?$",
            "description": "A size: \"64KiB\", \"10MiB\", \"1MB\", or a number of bytes."
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::{ByteSize, HumanDuration, HumanError};

    #[test]
    fn durations_are_read_and_printed() {
        for (text, millis) in
            [("250ms", 250), ("5s", 5000), ("10m", 600_000), ("2h", 7_200_000), ("90d", 7_776_000_000), ("0s", 0)]
        {
            let read: HumanDuration = text.parse().unwrap();
            assert_eq!(read.0, Duration::from_millis(millis));
            assert_eq!(read.to_string(), text);
        }
        assert_eq!(HumanDuration(Duration::from_millis(1500)).to_string(), "1500ms");
        for text in ["", "5", "s", "-1s", "1.5s", "5 weeks", "5S"] {
            assert_eq!(text.parse::<HumanDuration>(), Err(HumanError::Duration(text.into())));
        }
        assert!(matches!("99999999999999999d".parse::<HumanDuration>(), Err(HumanError::TooLarge(_))));
    }

    #[test]
    fn sizes_are_read_and_printed() {
        for (text, bytes) in [("64KiB", 65_536), ("10MiB", 10 << 20), ("1MB", 1_000_000), ("2GiB", 2 << 30), ("7B", 7)]
        {
            let read: ByteSize = text.parse().unwrap();
            assert_eq!(read, ByteSize(bytes));
            assert_eq!(read.to_string(), text);
        }
        assert_eq!("1 mib".parse(), Ok(ByteSize(1 << 20)));
        assert_eq!(serde_json::from_value::<ByteSize>(json!(4096)).unwrap(), ByteSize(4096));
        for text in ["", "KiB", "-1", "1.5MB", "64Kb/s"] {
            assert_eq!(text.parse::<ByteSize>(), Err(HumanError::Size(text.into())));
        }
    }

    #[test]
    fn a_wrong_value_says_what_to_write() {
        let error = serde_json::from_value::<HumanDuration>(json!("5 sec")).unwrap_err().to_string();
        assert!(error.contains("`5 sec` is not a duration") && error.contains("\"5s\""), "{error}");
        let error = serde_json::from_value::<HumanDuration>(json!(5)).unwrap_err().to_string();
        assert!(error.contains("expected a duration such as \"5s\""), "{error}");
        let error = serde_json::from_value::<ByteSize>(json!(-1)).unwrap_err().to_string();
        assert!(error.contains("`-1` is not a size"), "{error}");
    }
}
