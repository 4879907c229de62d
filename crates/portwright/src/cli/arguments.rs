//! `key=value` on the command line → JSON arguments, typed by the tool's input schema.

use portwright_core::protocol::JsonObject;
use serde_json::Value;

use super::error::CliError;
use crate::config::nearest::{listed, nearest};

/// Reads `pairs` over the object in `json`. A key that is given twice, or whose parameter is a list, becomes a list.
pub(crate) fn read(json: Option<&str>, pairs: &[String], schema: &JsonObject) -> Result<JsonObject, CliError> {
    let mut arguments = match json.map(serde_json::from_str) {
        None => JsonObject::new(),
        Some(Ok(Value::Object(object))) => object,
        Some(Ok(_)) => return Err(CliError::usage("--args takes a JSON object")),
        Some(Err(error)) => return Err(CliError::usage(format!("--args is not JSON: {error}"))),
    };
    let mut given = JsonObject::new();
    for pair in pairs {
        let (key, text) = split(pair)?;
        let property = property(schema, key)?;
        let takes_list = types(property).contains(&"array");
        let whole_list = takes_list && text.trim_start().starts_with('[');
        let value = if whole_list { json_value(key, text)? } else { typed(key, text, item(property, takes_list))? };
        match given.get_mut(key) {
            Some(Value::Array(items)) if takes_list && !whole_list => items.push(value),
            Some(_) => return Err(CliError::usage(format!("`{key}` is given twice, and is no list"))),
            None if takes_list && !whole_list => drop(given.insert(key.into(), Value::Array(vec![value]))),
            None => drop(given.insert(key.into(), value)),
        }
    }
    arguments.extend(given);
    Ok(arguments)
}

/// Reads `pairs` as text: what prompts take.
pub(crate) fn texts(pairs: &[String]) -> Result<JsonObject, CliError> {
    pairs.iter().map(|pair| split(pair).map(|(key, text)| (key.to_owned(), Value::from(text)))).collect()
}

fn split(pair: &str) -> Result<(&str, &str), CliError> {
    pair.split_once('=').filter(|(key, _)| !key.is_empty()).ok_or_else(|| CliError::Usage {
        message: format!("`{pair}` is not key=value"),
        hint: Some("arguments are written name=value, or all at once as --args '{…}'".into()),
    })
}

fn property<'a>(schema: &'a JsonObject, key: &str) -> Result<&'a Value, CliError> {
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else { return Ok(&Value::Null) };
    if let Some(property) = properties.get(key) {
        return Ok(property);
    }
    if schema.get("additionalProperties") != Some(&Value::Bool(false)) {
        return Ok(&Value::Null);
    }
    let names = || properties.keys().map(String::as_str);
    let hint = match nearest(key, names()) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None if properties.is_empty() => "it takes no arguments".into(),
        None => format!("it takes {}", listed(names())),
    };
    Err(CliError::Usage { message: format!("the tool has no parameter `{key}`"), hint: Some(hint) })
}

fn types(property: &Value) -> Vec<&str> {
    match property.get("type") {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(many)) => many.iter().filter_map(Value::as_str).collect(),
        _ => ["anyOf", "oneOf"]
            .iter()
            .filter_map(|keyword| property.get(keyword)?.as_array())
            .flatten()
            .flat_map(types)
            .collect(),
    }
}

fn item(property: &Value, of_list: bool) -> &Value {
    if of_list { property.get("items").unwrap_or(&Value::Null) } else { property }
}

/// A value of the first of the parameter's types that fits the text. Where nothing says, JSON if it is some, else text.
fn typed(key: &str, text: &str, property: &Value) -> Result<Value, CliError> {
    let types = types(property);
    if types.is_empty() {
        return Ok(serde_json::from_str(text).unwrap_or_else(|_| text.into()));
    }
    for name in &types {
        let read = match *name {
            "integer" => text.parse::<i64>().ok().map(Value::from),
            "number" => text
                .parse::<f64>()
                .ok()
                .filter(|number| number.is_finite())
                .map(|_| json_value(key, text))
                .transpose()?,
            "boolean" => text.parse::<bool>().ok().map(Value::from),
            "null" => (text == "null").then_some(Value::Null),
            "object" | "array" => {
                serde_json::from_str(text).ok().filter(|value: &Value| value.is_object() || value.is_array())
            }
            _ => None,
        };
        if let Some(value) = read {
            return Ok(value);
        }
    }
    if types.contains(&"string") {
        return Ok(text.into());
    }
    let wanted = types.join(" or ");
    Err(CliError::Usage { message: format!("`{key}` must be {wanted}, not `{text}`"), hint: None })
}

fn json_value(key: &str, text: &str) -> Result<Value, CliError> {
    serde_json::from_str(text).map_err(|error| CliError::usage(format!("`{key}` is not JSON: {error}")))
}

#[cfg(test)]
mod tests {
    use portwright_core::protocol::JsonObject;
    use serde_json::{Value, json};

    use super::read;

    fn schema() -> JsonObject {
        let schema = json!({"type": "object", "additionalProperties": false, "properties": {
            "term": {"type": "string"}, "limit": {"type": "integer"}, "price": {"type": "number"},
            "open": {"type": ["boolean", "null"]}, "ids": {"type": "array", "items": {"type": "integer"}},
            "filter": {"type": "object"}, "either": {"type": ["integer", "string"]},
        }});
        schema.as_object().unwrap().clone()
    }

    fn of(pairs: &[&str]) -> Result<Value, String> {
        let pairs: Vec<_> = pairs.iter().map(|pair| (*pair).to_owned()).collect();
        read(Some("{\"term\":\"x\"}"), &pairs, &schema()).map(Value::Object).map_err(|error| error.to_string())
    }

    #[test]
    fn values_get_the_type_that_the_schema_says() {
        assert_eq!(
            of(&["term=10", "limit=10", "price=1.5"]).unwrap(),
            json!({"term": "10", "limit": 10, "price": 1.5})
        );
        assert_eq!(of(&["open=null", "ids=1", "ids=2"]).unwrap(), json!({"term": "x", "open": null, "ids": [1, 2]}));
        assert_eq!(of(&["ids=[3, 4]", "either=a=b"]).unwrap(), json!({"term": "x", "ids": [3, 4], "either": "a=b"}));
        assert_eq!(of(&["filter={\"a\":1}"]).unwrap(), json!({"term": "x", "filter": {"a": 1}}));
    }

    #[test]
    fn what_does_not_fit_is_said() {
        assert_eq!(of(&["limit=ten"]).unwrap_err(), "`limit` must be integer, not `ten`");
        assert_eq!(of(&["limit"]).unwrap_err(), "`limit` is not key=value");
        assert_eq!(of(&["limits=1"]).unwrap_err(), "the tool has no parameter `limits`");
        assert_eq!(of(&["limit=1", "limit=2"]).unwrap_err(), "`limit` is given twice, and is no list");
    }
}
