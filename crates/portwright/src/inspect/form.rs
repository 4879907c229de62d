//! A form that is made from what a tool, a prompt or a resource's address asks for.

use portwright_core::protocol::{JsonObject, Prompt, Tool};
use serde_json::Value;

use crate::cli::arguments;

/// What the person fills in.
#[derive(Debug)]
pub(super) struct Form {
    /// The tool, the prompt, or the resource's address with its variables.
    pub(super) of: Of,
    pub(super) fields: Vec<Field>,
    /// The field that is being written in; one behind the last is the button.
    pub(super) at: usize,
    /// What does not fit.
    pub(super) wrong: Option<String>,
}

#[derive(Debug, Clone)]
pub(super) enum Of {
    Tool { name: String, schema: JsonObject },
    Prompt(String),
    Template(String),
}

#[derive(Debug, Default)]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) about: String,
    pub(super) required: bool,
    pub(super) text: String,
    /// The only values that it takes; the empty one where it may be left out.
    pub(super) choices: Vec<String>,
}

/// What a filled form asks the server for.
#[derive(Debug, PartialEq)]
pub(super) enum Ask {
    Call { tool: String, arguments: JsonObject },
    Prompt { name: String, arguments: JsonObject },
    Read(String),
}

impl Form {
    pub(super) fn of_tool(tool: &Tool) -> Self {
        let schema: JsonObject = (*tool.input_schema).clone();
        let required: Vec<&str> =
            schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
        let properties = schema.get("properties").and_then(Value::as_object);
        let field = |(name, property): (&String, &Value)| Field::of(name, property, required.contains(&name.as_str()));
        let fields = properties.into_iter().flatten().map(field).collect();
        Self { of: Of::Tool { name: tool.name.to_string(), schema }, fields, at: 0, wrong: None }
    }

    pub(super) fn of_prompt(prompt: &Prompt) -> Self {
        let field = |one: &portwright_core::protocol::PromptArgument| Field {
            name: one.name.clone(),
            about: one.description.clone().unwrap_or_default(),
            required: one.required == Some(true),
            ..Field::default()
        };
        let fields = prompt.arguments.iter().flatten().map(field).collect();
        Self { of: Of::Prompt(prompt.name.clone()), fields, at: 0, wrong: None }
    }

    /// The variables of an address: `db://shop/schema/{table}`.
    pub(super) fn of_template(template: &str) -> Self {
        let names = template.split('{').skip(1).filter_map(|rest| rest.split_once('}').map(|(name, _)| name));
        let field = |name: &str| Field { name: name.to_owned(), required: true, ..Field::default() };
        Self { of: Of::Template(template.to_owned()), fields: names.map(field).collect(), at: 0, wrong: None }
    }

    /// What to ask for, or what does not fit yet.
    pub(super) fn ask(&self) -> Result<Ask, String> {
        if let Some(missing) = self.fields.iter().find(|field| field.required && field.text.is_empty()) {
            return Err(format!("`{}` is needed", missing.name));
        }
        let given = || self.fields.iter().filter(|field| !field.text.is_empty());
        let pairs: Vec<String> = given().map(|field| format!("{}={}", field.name, field.text)).collect();
        match &self.of {
            Of::Tool { name, schema } => {
                let arguments = arguments::read(None, &pairs, schema).map_err(|error| error.to_string())?;
                Ok(Ask::Call { tool: name.clone(), arguments })
            }
            Of::Prompt(name) => {
                let arguments = arguments::texts(&pairs).map_err(|error| error.to_string())?;
                Ok(Ask::Prompt { name: name.clone(), arguments })
            }
            Of::Template(template) => {
                let filled = given().fold(template.clone(), |uri, field| {
                    uri.replace(&format!("{{{}}}", field.name), &encoded(&field.text))
                });
                Ok(Ask::Read(filled))
            }
        }
    }

    pub(super) fn field(&mut self) -> Option<&mut Field> {
        self.fields.get_mut(self.at)
    }

    /// Moves on by so many fields, around the button.
    pub(super) fn step(&mut self, by: isize) {
        let places = self.fields.len() + 1;
        self.at = (self.at + places).saturating_add_signed(by) % places;
    }
}

impl Field {
    fn of(name: &str, property: &Value, required: bool) -> Self {
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let mut choices: Vec<String> =
            property["enum"].as_array().into_iter().flatten().filter(|value| !value.is_null()).map(text).collect();
        if property["type"] == "boolean" {
            choices = vec!["true".to_owned(), "false".to_owned()];
        }
        let default = property.get("default").filter(|value| !value.is_null()).map(text).unwrap_or_default();
        if !choices.is_empty() && !required {
            choices.insert(0, String::new());
        }
        let kind = match &property["type"] {
            Value::String(kind) => kind.clone(),
            Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" or "),
            _ => String::new(),
        };
        let description = property["description"].as_str().unwrap_or_default();
        let about = match (kind.as_str(), description) {
            ("", text) => text.to_owned(),
            (kind, "") => kind.to_owned(),
            (kind, text) => format!("{kind}: {text}"),
        };
        Self { name: name.to_owned(), about, required, text: default, choices }
    }

    /// The next or previous of its values.
    pub(super) fn turn(&mut self, by: isize) {
        let count = self.choices.len();
        if count == 0 {
            return;
        }
        let at = self.choices.iter().position(|choice| *choice == self.text);
        let next = at.map_or(0, |at| (at + count).saturating_add_signed(by) % count);
        self.text.clone_from(&self.choices[next]);
    }
}

fn encoded(text: &str) -> String {
    use std::fmt::Write as _;
    text.bytes().fold(String::new(), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
        out
    })
}
