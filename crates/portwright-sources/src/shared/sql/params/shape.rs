//! [`Shape`]: what values a parameter takes. It gives the JSON Schema that the model sees, and checks values itself,
//! so that defaults are judged by the same words as arguments.

use portwright_core::{Diagnostic, Pointer};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Number, Value};

use crate::shared::sql::ParamType;

/// What values a parameter or an array's items take, as written.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ItemTable {
    /// The items' type.
    #[serde(rename = "type")]
    pub kind: Option<ParamType>,
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
}

/// What values are taken, as meant.
#[derive(Debug, Clone, PartialEq)]
pub struct Shape {
    pub kind: ParamType,
    values: Option<Vec<Value>>,
    minimum: Option<Number>,
    maximum: Option<Number>,
    min_length: Option<usize>,
    max_length: Option<usize>,
    pattern: Option<String>,
    format: Option<String>,
    items: Option<Box<Shape>>,
    min_items: Option<usize>,
    max_items: Option<usize>,
}

/// The keys of an array.
#[derive(Debug, Default)]
pub(super) struct ArrayKeys {
    pub items: Option<ItemTable>,
    pub min_items: Option<usize>,
    pub max_items: Option<usize>,
}

impl Shape {
    /// From what is written at `place`; none if the type is missing.
    pub(super) fn decode(
        table: ItemTable,
        array: ArrayKeys,
        place: &Pointer,
        problems: &mut Vec<Diagnostic>,
    ) -> Option<Self> {
        let Some(kind) = table.kind else {
            let missing = Diagnostic::error(place.clone(), "missing-key", "`type` is missing");
            problems.push(missing.hint("one of string, integer, number, boolean, array, object"));
            return None;
        };
        fitting_keys(kind, &table, &array, place, problems);
        let items = match (kind, array.items) {
            (ParamType::Array, None) => {
                let missing = Diagnostic::error(place.clone(), "missing-key", "an array needs `items`");
                problems.push(missing.hint("items = { type = \"string\" }"));
                None
            }
            (ParamType::Array, Some(items)) => {
                let place = place.join("items");
                if items.kind == Some(ParamType::Array) {
                    let nested = "the items of an array can't be arrays";
                    problems.push(Diagnostic::error(place.join("type"), "wrong-value", nested));
                }
                Self::decode_item(items, &place, problems)
            }
            _ => None,
        };
        let shape = Self {
            kind,
            values: table.values,
            minimum: table.minimum,
            maximum: table.maximum,
            min_length: table.min_length,
            max_length: table.max_length,
            pattern: table.pattern,
            format: table.format,
            items: items.map(Box::new),
            min_items: array.min_items,
            max_items: array.max_items,
        };
        shape.judge_itself(place, problems);
        Some(shape)
    }

    fn decode_item(table: ItemTable, place: &Pointer, problems: &mut Vec<Diagnostic>) -> Option<Self> {
        if table.kind == Some(ParamType::Array) {
            return None;
        }
        Self::decode(table, ArrayKeys::default(), place, problems)
    }

    fn judge_itself(&self, place: &Pointer, problems: &mut Vec<Diagnostic>) {
        let crossed =
            |low: Option<f64>, high: Option<f64>| matches!((low, high), (Some(low), Some(high)) if low > high);
        let number = |number: &Option<Number>| number.as_ref().and_then(Number::as_f64);
        #[expect(clippy::cast_precision_loss, reason = "lengths are compared only")]
        let length = |length: Option<usize>| length.map(|length| length as f64);
        for (low, high, is_crossed) in [
            ("minimum", "maximum", crossed(number(&self.minimum), number(&self.maximum))),
            ("min_length", "max_length", crossed(length(self.min_length), length(self.max_length))),
            ("min_items", "max_items", crossed(length(self.min_items), length(self.max_items))),
        ] {
            if is_crossed {
                let message = format!("`{low}` is larger than `{high}`, so no value fits");
                problems.push(Diagnostic::error(place.join(low), "out-of-range", message));
            }
        }
        if let Some(values) = &self.values {
            let place = place.join("enum");
            if values.is_empty() {
                problems.push(Diagnostic::error(place.clone(), "wrong-value", "an empty `enum` allows no value"));
            }
            let open = Self { values: None, ..self.clone() };
            for (index, value) in values.iter().enumerate() {
                if let Err(words) = open.check(value) {
                    problems.push(Diagnostic::error(place.join(index), "wrong-value", format!("{value} {words}")));
                }
            }
        }
    }

    /// The only values that are allowed, if they are few.
    pub fn allowed(&self) -> Option<&[Value]> {
        self.values.as_deref()
    }

    pub fn has_pattern(&self) -> bool {
        self.pattern.is_some()
    }

    /// As JSON Schema.
    pub fn schema(&self) -> Map<String, Value> {
        let mut schema = Map::new();
        let mut put = |key: &str, value: Option<Value>| {
            if let Some(value) = value {
                schema.insert(key.to_owned(), value);
            }
        };
        put("type", Some(self.kind.word().into()));
        put("enum", self.values.clone().map(Value::Array));
        put("minimum", self.minimum.clone().map(Value::Number));
        put("maximum", self.maximum.clone().map(Value::Number));
        put("minLength", self.min_length.map(Value::from));
        put("maxLength", self.max_length.map(Value::from));
        put("pattern", self.pattern.clone().map(Value::from));
        put("format", self.format.clone().map(Value::from));
        put("items", self.items.as_ref().map(|items| Value::Object(items.schema())));
        put("minItems", self.min_items.map(Value::from));
        put("maxItems", self.max_items.map(Value::from));
        schema
    }

    /// Whether a value fits; else words that follow its name: `must be an integer`. Patterns are left to the guard
    /// that checks arguments against the schema.
    pub fn check(&self, value: &Value) -> Result<(), String> {
        let fits = match self.kind {
            ParamType::String => value.is_string(),
            ParamType::Integer => whole(value).is_some(),
            ParamType::Number => value.is_number(),
            ParamType::Boolean => value.is_boolean(),
            ParamType::Array => value.is_array(),
            ParamType::Object => value.is_object(),
        };
        if !fits {
            return Err(format!("must be {}, not {}", self.kind.with_article(), json_word(value)));
        }
        if let Some(values) = &self.values
            && !values.contains(value)
        {
            return Err(format!("must be one of {}", Value::from(values.clone())));
        }
        self.check_bounds(value)
    }

    fn check_bounds(&self, value: &Value) -> Result<(), String> {
        let number = value.as_f64();
        if let (Some(bound), Some(number)) = (&self.minimum, number)
            && bound.as_f64().is_some_and(|bound| number < bound)
        {
            return Err(format!("must be at least {bound}"));
        }
        if let (Some(bound), Some(number)) = (&self.maximum, number)
            && bound.as_f64().is_some_and(|bound| number > bound)
        {
            return Err(format!("must be at most {bound}"));
        }
        if let Some(text) = value.as_str() {
            within(text.chars().count(), self.min_length, self.max_length, "character")?;
        }
        if let Some(list) = value.as_array() {
            within(list.len(), self.min_items, self.max_items, "item")?;
            for (index, item) in list.iter().enumerate() {
                let items = self.items.as_ref().map_or(Ok(()), |items| items.check(item));
                items.map_err(|words| format!("has a wrong item {index}: it {words}"))?;
            }
        }
        Ok(())
    }

    /// The value as it is bound: `1.0` for an integer becomes `1`.
    pub fn normal(&self, value: &Value) -> Value {
        match (self.kind, value, &self.items) {
            (ParamType::Integer, value, _) => whole(value).map_or_else(|| value.clone(), Value::from),
            (ParamType::Array, Value::Array(list), Some(items)) => {
                list.iter().map(|item| items.normal(item)).collect::<Vec<_>>().into()
            }
            _ => value.clone(),
        }
    }
}

fn within(count: usize, low: Option<usize>, high: Option<usize>, unit: &str) -> Result<(), String> {
    let plural = |bound: usize| if bound == 1 { "" } else { "s" };
    match (low, high) {
        (Some(low), _) if count < low => Err(format!("must have at least {low} {unit}{}", plural(low))),
        (_, Some(high)) if count > high => Err(format!("must have at most {high} {unit}{}", plural(high))),
        _ => Ok(()),
    }
}

/// An integer that a database can hold, also when written as `1.0`.
fn whole(value: &Value) -> Option<i64> {
    let as_float = || {
        let number = value.as_f64()?;
        #[expect(clippy::cast_possible_truncation, reason = "within ±2^53 and without a fraction")]
        let exact = (number.fract() == 0.0 && number.abs() <= 9_007_199_254_740_992.0).then_some(number as i64);
        exact
    };
    if value.is_u64() { value.as_i64() } else { value.as_i64().or_else(as_float) }
}

fn json_word(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "this number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

impl ParamType {
    /// The word in JSON Schema.
    pub fn word(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Integer => "integer",
            Self::Number => "number",
            Self::Boolean => "boolean",
            Self::Array => "array",
            Self::Object => "object",
        }
    }

    fn with_article(self) -> String {
        let article = if matches!(self, Self::Integer | Self::Array | Self::Object) { "an" } else { "a" };
        format!("{article} {}", self.word())
    }
}

/// Tells of bounds that have no meaning for the type.
fn fitting_keys(
    kind: ParamType,
    table: &ItemTable,
    array: &ArrayKeys,
    place: &Pointer,
    problems: &mut Vec<Diagnostic>,
) {
    use ParamType::{Array, Integer, Number, String};
    let keys: [(&str, bool, &[ParamType]); 9] = [
        ("minimum", table.minimum.is_some(), &[Integer, Number]),
        ("maximum", table.maximum.is_some(), &[Integer, Number]),
        ("min_length", table.min_length.is_some(), &[String]),
        ("max_length", table.max_length.is_some(), &[String]),
        ("pattern", table.pattern.is_some(), &[String]),
        ("format", table.format.is_some(), &[String]),
        ("items", array.items.is_some(), &[Array]),
        ("min_items", array.min_items.is_some(), &[Array]),
        ("max_items", array.max_items.is_some(), &[Array]),
    ];
    for (key, given, kinds) in keys {
        if given && !kinds.contains(&kind) {
            let message = format!("`{key}` has no meaning for type `{}`", kind.word());
            let kinds: Vec<_> = kinds.iter().map(|kind| format!("`{}`", kind.word())).collect();
            let hint = format!("it goes with {}", kinds.join(" and "));
            problems.push(Diagnostic::error(place.join(key), "wrong-key", message).hint(hint));
        }
    }
}
