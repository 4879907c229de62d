//! Reads a table of the configuration into a struct, with everything that is wrong at its place.
//!
//! The structs that it fills have no required fields (`#[serde(default, deny_unknown_fields)]`): what must be there is
//! asked for afterwards, so that one missing key does not hide three wrong ones.

use portwright_core::protocol::JsonObject;
use portwright_core::{Diagnostic, Pointer};
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Reads `table`, which stands at `place`. What does not fit becomes a diagnostic and is left at its default.
pub fn table<T: DeserializeOwned + Default>(table: &JsonObject, place: &Pointer, problems: &mut Vec<Diagnostic>) -> T {
    known(table, place, &[], problems)
}

/// The same, where `others` are keys that another reader of the same table knows: they may be meant by a wrong one.
pub fn known<T: DeserializeOwned + Default>(
    table: &JsonObject,
    place: &Pointer,
    others: &[String],
    problems: &mut Vec<Diagnostic>,
) -> T {
    if let Ok(read) = serde_json::from_value(Value::Object(table.clone())) {
        return read;
    }
    let mut sound = JsonObject::new();
    for (key, value) in table {
        let alone = |value: Value| serde_json::from_value::<T>(Value::Object(one(key, value))).err();
        if let Some(value) = blame(&alone, value, &place.join(key), others, problems) {
            sound.insert(key.clone(), value);
        }
    }
    serde_json::from_value(Value::Object(sound)).unwrap_or_default()
}

/// Names by their closeness to what was written.
pub fn did_you_mean<'a>(wrong: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let distance = |name: &&str| strsim::damerau_levenshtein(&wrong.to_lowercase(), &name.to_lowercase());
    let bound = (wrong.chars().count() / 3).clamp(1, 3);
    names.into_iter().filter(|name| distance(name) <= bound).min_by_key(distance)
}

fn one(key: &str, value: Value) -> JsonObject {
    JsonObject::from_iter([(key.to_owned(), value)])
}

/// Finds the innermost values that `try_alone` refuses by trying each of them without its neighbours. What is left of
/// `value` without them comes back.
fn blame(
    try_alone: &dyn Fn(Value) -> Option<serde_json::Error>,
    value: &Value,
    place: &Pointer,
    others: &[String],
    problems: &mut Vec<Diagnostic>,
) -> Option<Value> {
    let Some(error) = try_alone(value.clone()) else { return Some(value.clone()) };
    let before = problems.len();
    let rest = match value {
        Value::Object(table) => {
            let mut sound = JsonObject::new();
            for (key, inner) in table {
                let alone = |inner: Value| try_alone(Value::Object(one(key, inner)));
                if let Some(inner) = blame(&alone, inner, &place.join(key), &[], problems) {
                    sound.insert(key.clone(), inner);
                }
            }
            Some(Value::Object(sound))
        }
        Value::Array(list) => {
            for (index, inner) in list.iter().enumerate() {
                let alone = |inner: Value| try_alone(Value::Array(vec![inner]));
                blame(&alone, inner, &place.join(index), &[], problems);
            }
            None
        }
        _ => None,
    };
    if problems.len() > before {
        return rest;
    }
    problems.push(told(&error.to_string(), place, others));
    None
}

/// Words of serde's error, without the value where it may be a secret.
fn told(error: &str, place: &Pointer, others: &[String]) -> Diagnostic {
    let quoted = |text: &str| text.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>();
    let (wrong, expected) = error.split_once(", expected ").unwrap_or((error, ""));
    let hint = |name: &str, mut candidates: Vec<String>| {
        candidates.extend_from_slice(others);
        match did_you_mean(name, candidates.iter().map(String::as_str)) {
            Some(near) => format!("did you mean `{near}`?"),
            None if candidates.is_empty() => "remove it".to_owned(),
            None => format!("known here: {}", candidates.join(", ")),
        }
    };
    if let Some(name) = wrong.strip_prefix("unknown field `").and_then(|rest| rest.strip_suffix('`')) {
        return Diagnostic::error(place.clone(), "unknown-key", format!("there is no key `{name}` here"))
            .hint(hint(name, quoted(expected)));
    }
    if let Some(name) = wrong.strip_prefix("unknown variant `").and_then(|rest| rest.strip_suffix('`')) {
        return Diagnostic::error(place.clone(), "wrong-value", format!("`{name}` is not one of its values"))
            .hint(hint(name, quoted(expected)));
    }
    if let Some(found) = wrong.strip_prefix("invalid type: ") {
        let found = if found.starts_with("string ") { "a text" } else { found };
        let whole = matches!(expected, "usize" | "u8" | "u16" | "u32" | "u64" | "i64" | "isize");
        let expected = if whole { "a whole number" } else { expected };
        return Diagnostic::error(place.clone(), "wrong-type", format!("{found} stands where {expected} is expected"));
    }
    Diagnostic::error(place.clone(), "wrong-value", error)
}

#[cfg(test)]
mod tests {
    use portwright_core::{HumanDuration, Pointer};
    use serde::Deserialize;
    use serde_json::{Value, json};

    use super::table;

    #[derive(Debug, Default, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct Outer {
        names: Vec<String>,
        inner: Inner,
        wait: Option<HumanDuration>,
    }

    #[derive(Debug, Default, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct Inner {
        max: Option<u32>,
    }

    fn read(value: Value) -> (Outer, Vec<(String, String, Option<String>)>) {
        let Value::Object(map) = value else { panic!("an object") };
        let mut problems = Vec::new();
        let outer = table(&map, &Pointer::new("/t"), &mut problems);
        (outer, problems.into_iter().map(|p| (p.place.to_string(), p.message, p.hint)).collect())
    }

    #[test]
    fn everything_wrong_is_told_at_its_place() {
        let (outer, problems) =
            read(json!({"names": ["a", 7], "inner": {"max": "x", "mox": 1}, "wait": "5 sec", "nmaes": [], "zzz": 1}));
        let places: Vec<_> = problems.iter().map(|(place, ..)| place.as_str()).collect();
        assert_eq!(places, ["/t/names/1", "/t/inner/max", "/t/inner/mox", "/t/wait", "/t/nmaes", "/t/zzz"]);
        assert_eq!(problems[1].1, "a text stands where a whole number is expected");
        assert_eq!(problems[2].2.as_deref(), Some("did you mean `max`?"));
        assert!(problems[3].1.contains("`5 sec` is not a duration"), "{}", problems[3].1);
        assert_eq!(problems[4].2.as_deref(), Some("did you mean `names`?"));
        assert_eq!(problems[5].2.as_deref(), Some("known here: names, inner, wait"));
        assert!(outer.names.is_empty() && outer.inner.max.is_none());
        let (outer, _) = read(json!({"inner": {"max": 3, "mox": 1}}));
        assert_eq!(outer.inner.max, Some(3));
    }

    #[test]
    fn a_value_of_the_wrong_type_is_not_repeated() {
        let (_, problems) = read(json!({"inner": {"max": "hunter2"}}));
        assert!(!format!("{problems:?}").contains("hunter2"));
    }

    #[test]
    fn what_fits_is_read() {
        let (outer, problems) = read(json!({"names": ["a"], "inner": {"max": 3}, "wait": "5s"}));
        assert!(problems.is_empty());
        assert_eq!((outer.names.len(), outer.inner.max), (1, Some(3)));
    }
}
