//! What a JSON Schema validator found → diagnostics in our words, with a hint how to mend it.

use jsonschema::ValidationError;
use jsonschema::error::{TypeKind, ValidationErrorKind as Kind};
use portwright_core::{ByteSize, Diagnostic, HumanDuration, Pointer};
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::Value;

use super::nearest::{listed, nearest};
use super::{later, reference};

/// The format of what is a pattern itself.
pub(crate) const PATTERN_FORMAT: &str = "regex";

/// What surrounds the findings of one schema.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Piece<'a> {
    /// The schema that the value was held against.
    pub(crate) schema: &'a Value,
    /// Where the value stands in the document.
    pub(crate) place: &'a Pointer,
    /// Whether the references in the value are resolved. Before, text with a reference fits any text; after, only
    /// that text is looked at, and never shown.
    pub(crate) resolved: bool,
}

impl<'a> Piece<'a> {
    /// The diagnostics for one finding.
    pub(crate) fn tell(self, error: &ValidationError<'_>) -> Vec<Diagnostic> {
        let place = Pointer::new(format!("{}{}", self.place, error.instance_path().as_str()));
        let value = error.instance().as_ref();
        let shown = if self.resolved { "the value behind the reference".to_owned() } else { shown(value) };
        let one = |rule, message: String| Diagnostic::error(place.clone(), rule, message);
        let bound = |message: String| vec![one("out-of-range", message)];
        match error.kind() {
            Kind::AdditionalProperties { unexpected } | Kind::UnevaluatedProperties { unexpected } => {
                unexpected.iter().map(|key| self.unknown_key(error, place.join(key), key)).collect()
            }
            Kind::Required { property } => vec![self.missing(error, &place, property.as_str().unwrap_or_default())],
            Kind::Type { kind } => vec![self.wrong_type(error, one, kind, value)],
            Kind::Enum { options } => {
                vec![wrong_word(one, &shown, value, options.as_array().map_or(&[], Vec::as_slice))]
            }
            Kind::Constant { expected_value } => {
                vec![wrong_word(one, &shown, value, std::slice::from_ref(&**expected_value))]
            }
            Kind::AnyOf { context } | Kind::OneOfNotValid { context } => self.closest(error, &place, context),
            Kind::OneOfMultipleValid { .. } => {
                vec![one("ambiguous", format!("{shown} mixes two shapes of which only one may be"))]
            }
            Kind::Minimum { limit } => bound(format!("must be at least {limit}")),
            Kind::ExclusiveMinimum { limit } => bound(format!("must be more than {limit}")),
            Kind::Maximum { limit } => bound(format!("must be at most {limit}")),
            Kind::ExclusiveMaximum { limit } => bound(format!("must be less than {limit}")),
            Kind::MinLength { limit: 1 } | Kind::MinItems { limit: 1 } | Kind::MinProperties { limit: 1 } => {
                bound("must not be empty".into())
            }
            Kind::MinLength { limit } => bound(format!("must have at least {limit} characters")),
            Kind::MaxLength { limit } => bound(format!("must have at most {limit} characters")),
            Kind::MinItems { limit } | Kind::MinProperties { limit } => {
                bound(format!("must have at least {limit} entries"))
            }
            Kind::MaxItems { limit } | Kind::MaxProperties { limit } => {
                bound(format!("must have at most {limit} entries"))
            }
            Kind::UniqueItems => vec![one("duplicate", "holds an entry twice".into())],
            Kind::Pattern { pattern } => {
                let hint = notation(pattern).or_else(|| self.description(error));
                let hint = hint.unwrap_or_else(|| format!("it must match {pattern}"));
                vec![one("bad-value", format!("{shown} can't be read")).hint(hint)]
            }
            Kind::Format { format } if format == PATTERN_FORMAT => {
                let wrong = one("bad-value", format!("{shown} is no pattern that can be matched in linear time"));
                vec![wrong.hint("a regular expression without look-around and back-references: `^[A-Z]{2}[0-9]+$`")]
            }
            Kind::FalseSchema => vec![one("unknown-key", "this has no meaning here".into())],
            _ => vec![one("bad-value", format!("{shown} does not fit"))],
        }
    }

    /// Whether a finding is to be told now, or is one for before or after the references are resolved.
    pub(crate) fn concerns(self, error: &ValidationError<'_>, as_written: &Value) -> bool {
        let written = as_written.pointer(error.instance_path().as_str());
        let refers = written.and_then(Value::as_str).is_some_and(reference::occurs);
        let takes_text = match error.kind() {
            Kind::Type { .. } => false,
            Kind::AnyOf { context } | Kind::OneOfNotValid { context } => {
                context.iter().any(|branch| !branch.iter().any(|error| matches!(error.kind(), Kind::Type { .. })))
            }
            _ => true,
        };
        self.resolved == (refers && takes_text)
    }

    fn unknown_key(self, error: &ValidationError<'_>, place: Pointer, key: &str) -> Diagnostic {
        if later::key(place.as_str()) {
            return Diagnostic::error(place, "unknown-key", format!("`{key}` is not in this version"))
                .hint("a later version has it; take it out for now");
        }
        let parent = self.sibling(error, "properties");
        let known: Vec<_> =
            parent.and_then(Value::as_object).map(|keys| keys.keys().map(String::as_str).collect()).unwrap_or_default();
        let diagnostic = Diagnostic::error(place, "unknown-key", format!("unknown key `{key}`"));
        match nearest(key, known.iter().copied()) {
            Some(meant) => diagnostic.hint(format!("did you mean `{meant}`?")),
            None if known.is_empty() => diagnostic,
            None => diagnostic.hint(format!("known here: {}", listed(known))),
        }
    }

    fn missing(self, error: &ValidationError<'_>, place: &Pointer, key: &str) -> Diagnostic {
        let diagnostic = Diagnostic::error(place.clone(), "missing-key", format!("`{key}` is missing"));
        let property = self.sibling(error, "properties").and_then(|keys| keys.get(key));
        match property.and_then(|schema| schema.get("description")).and_then(Value::as_str) {
            Some(text) => diagnostic.hint(format!("`{key}`: {}", first_sentence(text))),
            None => diagnostic,
        }
    }

    fn wrong_type(
        self,
        error: &ValidationError<'_>,
        one: impl Fn(&'static str, String) -> Diagnostic,
        kind: &TypeKind,
        value: &Value,
    ) -> Diagnostic {
        let expected: Vec<String> = match kind {
            TypeKind::Single(one) => vec![one.to_string()],
            TypeKind::Multiple(many) => many.iter().map(|one| one.to_string()).collect(),
        };
        let words: Vec<_> = expected.iter().map(|name| noun(name)).collect();
        let found = match value {
            Value::String(_) => "text",
            Value::Bool(_) => "true or false",
            Value::Number(number) if number.is_f64() => "a number with a fraction",
            Value::Number(_) => "a number",
            Value::Array(_) => "a list",
            Value::Object(_) => "a table",
            Value::Null => "nothing",
        };
        let diagnostic = one("wrong-type", format!("expected {}, found {found}", words.join(" or ")));
        let takes = |name: &str| expected.iter().any(|one| one == name);
        match value {
            Value::String(text) if reference::occurs(text) => {
                diagnostic.hint("a reference stands for text; write the value itself")
            }
            Value::String(text) if takes("integer") && text.parse::<i64>().is_ok() => {
                diagnostic.hint(format!("without quotes: {text}"))
            }
            Value::String(text) if takes("number") && text.parse::<f64>().is_ok() => {
                diagnostic.hint(format!("without quotes: {text}"))
            }
            Value::String(text) if takes("boolean") && matches!(&**text, "true" | "false") => {
                diagnostic.hint(format!("without quotes: {text}"))
            }
            _ if takes("array") && !value.is_object() => diagnostic.hint("put it in brackets: `[…]`"),
            _ => match self.notation_beside(error).or_else(|| self.description(error)) {
                Some(text) => diagnostic.hint(text),
                None if takes("string") && (value.is_number() || value.is_boolean()) => {
                    diagnostic.hint("put it in quotes")
                }
                None => diagnostic,
            },
        }
    }

    /// Of several shapes, the one that the author most likely meant: the one with the least wrong with it.
    fn closest(
        self,
        error: &ValidationError<'_>,
        place: &Pointer,
        branches: &[Vec<ValidationError<'static>>],
    ) -> Vec<Diagnostic> {
        let at_top = |error: &ValidationError<'_>| {
            error.instance_path().as_str().len() <= place.as_str().len() - self.place.as_str().len()
        };
        let weight = |branch: &[ValidationError<'_>]| {
            let wrong_shape = branch.iter().any(|error| at_top(error) && matches!(error.kind(), Kind::Type { .. }));
            let missing = branch.iter().any(|error| at_top(error) && matches!(error.kind(), Kind::Required { .. }));
            (wrong_shape, missing, branch.len())
        };
        let best = branches.iter().min_by_key(|branch| weight(branch));
        let told: Vec<_> = best.into_iter().flatten().flat_map(|error| self.tell(error)).collect();
        if told.is_empty() {
            return vec![Diagnostic::error(
                place.clone(),
                "bad-value",
                format!("{} does not fit", shown(error.instance())),
            )];
        }
        told
    }

    /// The keyword beside the one that failed.
    fn sibling(self, error: &ValidationError<'_>, keyword: &str) -> Option<&'a Value> {
        let path = error.schema_path().as_str();
        self.schema.pointer(&path[..path.rfind('/')?])?.get(keyword)
    }

    /// How a value is written, where the schema asks for a duration or a size.
    fn notation_beside(self, error: &ValidationError<'_>) -> Option<String> {
        notation(self.sibling(error, "pattern")?.as_str()?)
    }

    fn description(self, error: &ValidationError<'_>) -> Option<String> {
        self.sibling(error, "description")?.as_str().map(first_sentence)
    }
}

/// How people write what has this pattern: durations and sizes say so themselves.
fn notation(pattern: &str) -> Option<String> {
    let mut generator = SchemaGenerator::default();
    let known = [HumanDuration::json_schema(&mut generator), ByteSize::json_schema(&mut generator)];
    let schema = known.into_iter().find(|schema| schema.get("pattern").and_then(Value::as_str) == Some(pattern))?;
    schema.get("description")?.as_str().map(|text| text.trim_end_matches('.').to_owned())
}

fn wrong_word(
    one: impl Fn(&'static str, String) -> Diagnostic,
    shown: &str,
    value: &Value,
    options: &[Value],
) -> Diagnostic {
    // Nobody can write null in TOML.
    let words = options.iter().filter(|option| !option.is_null());
    let words: Vec<String> =
        words.map(|option| option.as_str().map_or_else(|| option.to_string(), str::to_owned)).collect();
    let diagnostic = match &*words {
        [only] => one("bad-value", format!("{shown} is not `{only}`")),
        _ => one("bad-value", format!("{shown} is not one of {}", listed(words.iter().map(String::as_str)))),
    };
    let written = value.as_str().unwrap_or_default();
    match nearest(written, words.iter().map(String::as_str)) {
        Some(meant) => diagnostic.hint(format!("did you mean `{meant}`?")),
        None => diagnostic,
    }
}

/// A value as it stands in a message: short, or only what it is.
fn shown(value: &Value) -> String {
    const CHARS_MAX: usize = 60;
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    match value {
        Value::Object(_) => "this table".into(),
        Value::Array(_) => "this list".into(),
        _ if text.chars().count() > CHARS_MAX => "this text".into(),
        _ => format!("`{text}`"),
    }
}

fn noun(json: &str) -> &str {
    match json {
        "string" => "text",
        "integer" => "a whole number",
        "number" => "a number",
        "boolean" => "true or false",
        "array" => "a list",
        "object" => "a table",
        other => other,
    }
}

/// The first sentence of a description, on one line.
fn first_sentence(text: &str) -> String {
    let paragraph = text.split("\n\n").next().unwrap_or_default().replace('\n', " ");
    paragraph.split_once(". ").map_or(&*paragraph, |(first, _)| first).trim_end_matches('.').to_owned()
}
