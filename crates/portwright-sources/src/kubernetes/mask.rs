//! Takes secrets out of whatever leaves: the values of Secrets, variables and keys that are named like secrets, and texts
//! that look like one. What managers of fields have noted goes too: nobody reads it, and old manifests hide in it.

use std::borrow::Cow;
use std::sync::LazyLock;

use portwright_core::Refusal;
use regex::{Regex, RegexBuilder};
use serde_json::Value;

/// What stands in a secret's place.
pub(super) const MASK: &str = "(masked)";
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Names of variables and keys whose values are secrets.
static NAMED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    pattern(
        r"(?:pass(?:word|wd|phrase)?|secret|token|api[_.-]?key|access[_.-]?key|private[_.-]?key|credentials?|auth|dsn|connection[_.-]?string|dockerconfigjson|htpasswd)$|^(?:aws_|client_?)?secret|password|apikey",
    )
});

/// Names that only point at a secret, or tell how one is kept.
static POINTS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    pattern(r"(?:name|ref|path|file|type|class|uid|url|ttl|expir\w*|mount\w*|seconds|policy|audiences?)s?$")
});

/// Texts that are secrets by their look. What the first group holds is kept.
static LOOKS: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    let patterns = [
        r"()\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{4,}\.[A-Za-z0-9_-]*",
        r"(?s)()-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\z)",
        r"(\b(?:bearer|basic)\s+)[A-Za-z0-9+/_.~=-]{16,}",
        r"()\b(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}|xox[abprs]-[\w-]{10,}|sk-[\w-]{20,})",
        r"()\b(?:AKIA|ASIA)[0-9A-Z]{16}\b",
        r"()\b[a-z0-9]{6}\.[a-z0-9]{16}\b",
        r"(\b[a-z][a-z0-9+.-]*://[^\s/:@]*:)[^\s/@]+(?:@)",
        r#"((?:pass(?:word|wd|phrase)|secret|[a-z_-]*token|api[_-]?key|access[_-]?key|private[_-]?key|credentials?)["']?\s*[:=]\s*["']?)[^\s"',;&]+"#,
    ];
    patterns.iter().filter_map(|one| pattern(one)).collect()
});

fn pattern(text: &str) -> Option<Regex> {
    RegexBuilder::new(text).case_insensitive(true).build().ok()
}

/// A text without what looks like a secret.
pub(super) fn text(text: &str) -> Cow<'_, str> {
    let mut text = Cow::Borrowed(text);
    for look in LOOKS.iter() {
        if look.is_match(&text) {
            text = Cow::Owned(look.replace_all(&text, format!("${{1}}{MASK}")).into_owned());
        }
    }
    text
}

/// An object, or a list of them, without secrets and without the notes of its managers.
pub(super) fn object(object: &mut Value) {
    if let Some(items) = object.get_mut("items").and_then(Value::as_array_mut) {
        items.iter_mut().for_each(self::object);
    }
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.shift_remove("managedFields");
        if let Some(notes) = metadata.get_mut("annotations").and_then(Value::as_object_mut) {
            notes.shift_remove(LAST_APPLIED);
            if notes.is_empty() {
                metadata.shift_remove("annotations");
            }
        }
    }
    let secret = object["kind"] == "Secret" && object.get("apiVersion").is_none_or(|version| version == "v1");
    if secret {
        for member in ["data", "stringData"] {
            all(object.get_mut(member));
        }
    }
    within(object);
}

/// Every value of a map, whatever it is.
fn all(values: Option<&mut Value>) {
    match values {
        Some(Value::Object(map)) => map.values_mut().for_each(|value| *value = MASK.into()),
        Some(Value::Null) | None => {}
        Some(other) => *other = MASK.into(),
    }
}

fn within(value: &mut Value) {
    match value {
        Value::String(written) => {
            if let Cow::Owned(masked) = text(written) {
                *written = masked;
            }
        }
        Value::Array(list) => list.iter_mut().for_each(within),
        Value::Object(map) => {
            // A variable: `name` says what `value` is.
            let named = map.get("name").and_then(Value::as_str).is_some_and(is_secrets_name);
            if named && map.get("value").is_some_and(Value::is_string) {
                map.insert("value".to_owned(), MASK.into());
            }
            for (key, member) in map.iter_mut() {
                if is_secrets_name(key) && member.as_str().is_some_and(|text| !text.is_empty()) {
                    *member = MASK.into();
                } else {
                    within(member);
                }
            }
        }
        _ => {}
    }
}

/// Whether what has this name is a secret.
pub(super) fn is_secrets_name(name: &str) -> bool {
    let fits = |pattern: &Option<Regex>| pattern.as_ref().is_none_or(|pattern| pattern.is_match(name));
    fits(&NAMED) && !POINTS.as_ref().is_some_and(|pattern| pattern.is_match(name))
}

/// Refuses to write a mask back: it would take the place of the secret.
pub(super) fn check_unmasked(value: &Value) -> Result<(), Refusal> {
    if value.to_string().contains(MASK) {
        return Err(Refusal::invalid(format!(
            "it holds `{MASK}`, which stands here for a secret's value: leave those fields out, they stay as they are"
        )));
    }
    Ok(())
}
