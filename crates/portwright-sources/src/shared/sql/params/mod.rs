//! Parameters of declared tools: what the model sees of them, and what is bound.
//!
//! A parameter is either an argument, which the model gives, or filled from the principal, which the model never sees.

mod shape;
#[cfg(test)]
mod tests;

use std::fmt;

use portwright_core::protocol::JsonObject;
use portwright_core::{Diagnostic, Pointer, Principal, Refusal, limits};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Number, Value, json};

use self::shape::ArrayKeys;
pub use self::shape::{ItemTable, Shape};
use super::database::ParamType;
use super::result::nullable;
use crate::shared::decode;

/// `[tools.NAME.params.PARAM]`, as written.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ParamTable {
    /// The type of the value.
    #[serde(rename = "type")]
    pub kind: Option<ParamType>,
    /// Fills the parameter from who calls; the model never sees it.
    pub from: Option<Origin>,
    /// With `from = "principal"`: the claim of the credential; dots step into objects.
    pub claim: Option<String>,
    /// What it is, for the model.
    pub description: Option<String>,
    /// The value where the model gives none.
    pub default: Option<Value>,
    /// Whether it may be left out; it is NULL then.
    pub optional: bool,
    /// The only values that are allowed.
    #[serde(rename = "enum")]
    pub values: Option<Vec<Value>>,
    /// Smallest number.
    pub minimum: Option<Number>,
    /// Largest number.
    pub maximum: Option<Number>,
    /// Fewest characters.
    pub min_length: Option<usize>,
    /// Most characters.
    pub max_length: Option<usize>,
    /// A regular expression that texts must match, without look-around and back-references.
    #[schemars(extend("format" = "regex"))]
    pub pattern: Option<String>,
    /// A hint about the text's form: `date`, `date-time`, `email`, `uuid`.
    pub format: Option<String>,
    /// What an array's items are.
    pub items: Option<ItemTable>,
    /// Fewest items.
    pub min_items: Option<usize>,
    /// Most items.
    pub max_items: Option<usize>,
}

/// Where a parameter that the model does not give comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    Principal,
}

/// A parameter, as meant.
#[derive(Debug, Clone, PartialEq)]
pub struct Param {
    pub name: String,
    pub value: ParamValue,
}

/// Where a parameter's value comes from.
#[derive(Debug, Clone, PartialEq)]
pub enum ParamValue {
    Argument { shape: Box<Shape>, description: Option<String>, default: Option<Value>, optional: bool },
    Principal { claim: String },
}

/// The parameters of one statement, in the order of the file.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Params(Vec<Param>);

/// Why a parameter that comes from the principal has no value. For the log; the caller learns less.
#[derive(Debug)]
struct MissingClaim {
    param: String,
    claim: String,
    principal: Option<String>,
}

impl fmt::Display for MissingClaim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { param, claim, principal } = self;
        match principal {
            Some(id) => write!(f, "parameter `{param}` needs the claim `{claim}`, which the principal `{id}` lacks"),
            None => write!(f, "parameter `{param}` needs the claim `{claim}`, and nobody has said who calls"),
        }
    }
}

impl std::error::Error for MissingClaim {}

impl Param {
    /// A text as a value of the parameter's type, if it is one.
    pub fn read(&self, text: &str) -> Option<Value> {
        let ParamValue::Argument { shape, .. } = &self.value else { return None };
        match shape.kind {
            ParamType::String => Some(text.into()),
            ParamType::Integer => text.parse::<i64>().ok().map(Value::from),
            ParamType::Number => text.parse().ok().and_then(Number::from_f64).map(Value::from),
            ParamType::Boolean => text.parse::<bool>().ok().map(Value::from),
            ParamType::Array | ParamType::Object => None,
        }
    }
}

impl Params {
    /// Reads `params`, whose table stands at `place`. Advice is kept apart from what is wrong.
    pub fn decode(
        table: &JsonObject,
        place: &Pointer,
        problems: &mut Vec<Diagnostic>,
        advice: &mut Vec<Diagnostic>,
    ) -> Self {
        if table.len() > limits::PARAMS_MAX {
            let message = format!("{} parameters are more than {}", table.len(), limits::PARAMS_MAX);
            problems.push(Diagnostic::error(place.clone(), "out-of-range", message));
        }
        let params = table.iter().filter_map(|(name, value)| param(name, value, &place.join(name), problems, advice));
        Self(params.collect())
    }

    /// Adds those of `others` that `wanted` names, as parameters that need no value.
    pub fn extend_optional(&mut self, others: &Self, wanted: impl Fn(&str) -> bool) {
        let more = others.0.iter().filter(|param| wanted(&param.name) && self.get(&param.name).is_none());
        let more = more.cloned().map(|mut param| {
            if let ParamValue::Argument { optional, .. } = &mut param.value {
                *optional = true;
            }
            param
        });
        let more: Vec<_> = more.collect();
        self.0.extend(more);
    }

    pub fn iter(&self) -> impl Iterator<Item = &Param> {
        self.0.iter()
    }

    pub fn get(&self, name: &str) -> Option<&Param> {
        self.0.iter().find(|param| param.name == name)
    }

    /// Whether the model has anything to give.
    pub fn has_arguments(&self) -> bool {
        self.0.iter().any(|param| matches!(param.value, ParamValue::Argument { .. }))
    }

    /// Gives each value of a `number` a fraction, for a database that would take 2 for an integer where 2.0 is meant.
    pub fn with_fractions(&self, names: &[String], values: &mut [Value]) {
        /// Integers up to here are exact as a float.
        const EXACT_MAX: u64 = 1 << 53;
        for (name, value) in names.iter().zip(values) {
            let Some(Param { value: ParamValue::Argument { shape, .. }, .. }) = self.get(name) else { continue };
            let exact = value.as_i64().filter(|number| number.unsigned_abs() <= EXACT_MAX);
            if shape.kind == ParamType::Number && exact.is_some() {
                *value = value.as_f64().map_or(Value::Null, Value::from);
            }
        }
    }

    /// What the model sees: the schema of an object with exactly the arguments.
    pub fn input_schema(&self) -> JsonObject {
        let mut properties = JsonObject::new();
        let mut required = Vec::new();
        for param in &self.0 {
            let ParamValue::Argument { shape, description, default, optional } = &param.value else { continue };
            let mut schema = shape.schema();
            if let Some(text) = description {
                schema.insert("description".into(), text.clone().into());
            }
            if let Some(value) = default {
                schema.insert("default".into(), value.clone());
            }
            if default.is_none() && !optional {
                required.push(Value::from(param.name.clone()));
                properties.insert(param.name.clone(), schema.into());
            } else {
                // Models write null for what they leave out.
                properties.insert(param.name.clone(), nullable(schema.into()));
            }
        }
        let mut schema = JsonObject::new();
        schema.insert("type".into(), "object".into());
        schema.insert("properties".into(), properties.into());
        if !required.is_empty() {
            schema.insert("required".into(), required.into());
        }
        schema.insert("additionalProperties".into(), false.into());
        schema
    }

    /// One value for each of `names`, in their order. Arguments have passed [`input_schema`](Self::input_schema), and
    /// are checked here once more: what is bound never depends on who called.
    pub fn bind(
        &self,
        names: &[String],
        arguments: &JsonObject,
        principal: Option<&Principal>,
    ) -> Result<Vec<Value>, Refusal> {
        let known = |name: &str| matches!(self.get(name), Some(Param { value: ParamValue::Argument { .. }, .. }));
        if let Some(name) = arguments.keys().find(|name| !known(name)) {
            return Err(Refusal::invalid(format!("there is no parameter `{name}`")));
        }
        names.iter().map(|name| self.value(name, arguments, principal)).collect()
    }

    fn value(&self, name: &str, arguments: &JsonObject, principal: Option<&Principal>) -> Result<Value, Refusal> {
        let param = self.get(name).ok_or_else(|| Refusal::internal(format!("`{name}` is not declared")))?;
        match &param.value {
            ParamValue::Principal { claim } => match principal.and_then(|who| who.claim(claim)) {
                None | Some(Value::Null) => Err(Refusal::failed(
                    "this can't be used with your credential: it lacks something that is needed here; ask whoever \
                     runs this server",
                )
                .because(MissingClaim {
                    param: name.to_owned(),
                    claim: claim.clone(),
                    principal: principal.map(|who| who.id.to_string()),
                })),
                Some(value) => Ok(value),
            },
            ParamValue::Argument { shape, default, optional, .. } => match arguments.get(name) {
                None | Some(Value::Null) if default.is_some() || *optional => {
                    Ok(default.as_ref().map_or(Value::Null, |value| shape.normal(value)))
                }
                None => Err(Refusal::invalid(format!("the parameter `{name}` is missing"))),
                Some(value) => match shape.check(value) {
                    Ok(()) => Ok(shape.normal(value)),
                    Err(words) => Err(Refusal::invalid(format!("`{name}` {words}"))),
                },
            },
        }
    }
}

fn param(
    name: &str,
    value: &Value,
    place: &Pointer,
    problems: &mut Vec<Diagnostic>,
    advice: &mut Vec<Diagnostic>,
) -> Option<Param> {
    let Value::Object(table) = value else {
        let wrong = Diagnostic::error(place.clone(), "wrong-type", "a parameter is a table");
        problems.push(wrong.hint(format!("{name} = {{ type = \"string\", description = \"…\" }}")));
        return None;
    };
    let mut letters = name.chars();
    let starts = letters.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
    if !starts || !letters.all(|c| c.is_ascii_alphanumeric() || c == '_') {
        let message = format!("`{name}` can't be written as `:{name}` in SQL");
        problems.push(
            Diagnostic::error(place.clone(), "wrong-name", message).hint("letters, digits and _, a letter first"),
        );
    }
    let before = problems.len();
    let table: ParamTable = decode::table(table, place, problems);
    if problems.len() > before {
        return None;
    }
    let value = match table.from {
        Some(Origin::Principal) => from_principal(table, place, problems)?,
        None => argument(table, place, problems, advice)?,
    };
    Some(Param { name: name.to_owned(), value })
}

fn from_principal(table: ParamTable, place: &Pointer, problems: &mut Vec<Diagnostic>) -> Option<ParamValue> {
    let others = [
        ("type", table.kind.is_some()),
        ("default", table.default.is_some()),
        ("optional", table.optional),
        ("enum", table.values.is_some()),
    ];
    for (key, _) in others.iter().filter(|(_, given)| *given) {
        let message = format!("`{key}` has no meaning for a parameter that comes from the principal");
        problems.push(Diagnostic::error(place.join(key), "wrong-key", message));
    }
    let Some(claim) = table.claim.filter(|claim| !claim.is_empty()) else {
        let missing = Diagnostic::error(place.clone(), "missing-key", "`claim` is missing");
        problems.push(missing.hint("the name of the credential's claim: claim = \"sub\""));
        return None;
    };
    Some(ParamValue::Principal { claim })
}

fn argument(
    table: ParamTable,
    place: &Pointer,
    problems: &mut Vec<Diagnostic>,
    advice: &mut Vec<Diagnostic>,
) -> Option<ParamValue> {
    if table.claim.is_some() {
        let message = "`claim` goes with `from = \"principal\"`";
        problems.push(Diagnostic::error(place.join("claim"), "wrong-key", message));
    }
    let item = ItemTable {
        kind: table.kind,
        values: table.values,
        minimum: table.minimum,
        maximum: table.maximum,
        min_length: table.min_length,
        max_length: table.max_length,
        pattern: table.pattern,
        format: table.format,
    };
    let array = ArrayKeys { items: table.items, min_items: table.min_items, max_items: table.max_items };
    let shape = Shape::decode(item, array, place, problems)?;
    if let Some(default) = &table.default
        && let Err(words) = shape.check(default)
    {
        let message = format!("the default {} {words}", json!(default));
        problems.push(Diagnostic::error(place.join("default"), "wrong-default", message));
    }
    if table.description.as_deref().unwrap_or("").trim().is_empty() {
        let message = "the parameter has no description";
        advice.push(
            Diagnostic::advice(place.clone(), "no-description", message)
                .hint("say what it is, in what form, with an example: the model has nothing else to go by"),
        );
    }
    Some(ParamValue::Argument {
        shape: Box::new(shape),
        description: table.description,
        default: table.default,
        optional: table.optional,
    })
}
