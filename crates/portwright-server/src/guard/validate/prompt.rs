//! The check of a prompt's arguments: required ones are there, values are strings, nothing else comes along.

use portwright_core::protocol::{JsonObject, Prompt};
use portwright_core::{CheckArguments, Refusal, limits};
use serde_json::Value;

use super::echo::{about, got, short};
use super::faults::Faults;
use super::shape::Known;

#[derive(Debug)]
pub(super) struct PromptArguments {
    known: Vec<Known>,
    descriptions: Vec<String>,
}

impl PromptArguments {
    pub(super) fn of(prompt: &Prompt) -> Self {
        let arguments = prompt.arguments.as_deref().unwrap_or_default();
        Self {
            known: arguments
                .iter()
                .map(|argument| Known { name: argument.name.clone(), required: argument.required == Some(true) })
                .collect(),
            descriptions: arguments
                .iter()
                .map(|argument| argument.description.as_deref().map(about).unwrap_or_default())
                .collect(),
        }
    }
}

impl CheckArguments for PromptArguments {
    fn check(&self, arguments: &JsonObject) -> Result<(), Refusal> {
        let mut faults = Faults::default();
        let mut wrong = false;
        for (name, value) in arguments {
            if !self.known.iter().any(|known| known.name == *name) {
                faults.unknown(name, &self.known);
            } else if let Value::String(text) = value {
                if text.len() <= limits::PROMPT_ARGUMENT_BYTES_MAX {
                    continue;
                }
                let max = limits::PROMPT_ARGUMENT_BYTES_MAX;
                faults.add(&short(name), &format!("must be at most {max} bytes, but is {}", text.len()));
            } else {
                faults.add(&short(name), &format!("must be a string, but is {}", got(value)));
            }
            wrong = true;
        }
        for (known, description) in self.known.iter().zip(&self.descriptions) {
            if known.required && !arguments.contains_key(&known.name) {
                faults.add(&short(&known.name), &format!("is required{description}"));
                wrong = true;
            }
        }
        if wrong { Err(faults.refusal(&self.known)) } else { Ok(()) }
    }
}
