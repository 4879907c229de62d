//! Definitions that come from elsewhere: what another server says of its tools, prompts and resources.
//!
//! A model reads them as if the operator had written them, so they are cleaned where they enter the catalog, once, and no
//! call pays for it. Hidden characters are taken out. A description or title that reads like an order is withheld, and
//! words say so; whatever can't be replaced without breaking the tool (its name, an argument's, an allowed value, a
//! default) and reads like one leaves the whole definition out. So does a name that hides characters.
//!
//! What a definition was like when it was listed first is remembered by the catalog: one that changes after people have
//! come to trust it is told of, or left out.

use portwright_core::limits;
use serde_json::Value;

use super::characters::{Found, clean};
use super::{Cleaner, Drift, Injection, SanitizePlan};
use crate::catalog::Censor;

/// Stands where a description stood.
const WITHHELD: &str =
    "(withheld: the server behind this gateway wrote text here that reads like instructions to the model)";

/// Texts for people and models that mean nothing to the server that wrote them.
const REPLACEABLE: &[&str] = &["description", "title", "$comment"];

/// What a definition is called by; it goes back to its server as it is.
const NAMES: &[&str] = &["name", "uri", "uriTemplate"];

/// Cleans definitions.
#[derive(Debug)]
pub(crate) struct Definitions {
    cleaner: Cleaner,
    injection: Injection,
    drift: Drift,
}

/// What was done to a definition.
#[derive(Debug, Default)]
struct Done {
    cleaned: bool,
    withheld: bool,
}

impl Definitions {
    pub(crate) fn new(plan: &SanitizePlan) -> Self {
        // What looks like a secret in a schema is an example; taking it out would change what the schema allows.
        let cleaner = Cleaner::new(&SanitizePlan { redact: Vec::new(), ..plan.clone() });
        Self { cleaner, injection: plan.injection, drift: plan.drift }
    }
}

impl Censor for Definitions {
    fn tidy(&self, definition: &mut Value) -> Result<Option<&'static str>, String> {
        for name in NAMES.iter().filter_map(|name| definition.get(name)?.as_str()) {
            if is_hiding(name) {
                return Err("its name hides characters".to_owned());
            }
            self.no_order("name", name)?;
        }
        let mut done = Done::default();
        self.walk(definition, "", 0, &mut done)?;
        Ok(match done {
            Done { withheld: true, .. } => Some("text in it reads like an order and is withheld"),
            Done { cleaned: true, .. } => Some("hidden characters were taken out"),
            Done { .. } => None,
        })
    }

    fn bars_drift(&self) -> bool {
        self.drift == Drift::Block
    }

    fn written(&self) -> &'static str {
        match (self.injection, self.drift) {
            (Injection::Off, Drift::Log) => "off",
            (Injection::Off, Drift::Block) => "off, drift blocked",
            (Injection::Mark, Drift::Log) => "mark",
            (Injection::Mark, Drift::Block) => "mark, drift blocked",
            (Injection::Block, Drift::Log) => "block",
            (Injection::Block, Drift::Block) => "block, drift blocked",
        }
    }
}

impl Definitions {
    fn walk(&self, value: &mut Value, key: &str, depth: usize, done: &mut Done) -> Result<(), String> {
        if depth > limits::DEFINITION_DEPTH_MAX {
            return Err("it is nested too deeply".to_owned());
        }
        match value {
            Value::String(text) => self.text(text, key, depth, done),
            Value::Array(items) => items.iter_mut().try_for_each(|item| self.walk(item, key, depth + 1, done)),
            Value::Object(members) => members.iter_mut().try_for_each(|(key, member)| {
                if is_hiding(key) {
                    return Err("a name in it hides characters".to_owned());
                }
                self.no_order("key", key)?;
                self.walk(member, key, depth + 1, done)
            }),
            Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
        }
    }

    fn text(&self, text: &mut String, key: &str, depth: usize, done: &mut Done) -> Result<(), String> {
        let own_name = depth == 1 && NAMES.contains(&key);
        // Icons: a picture is no text, and a client that shows it does not read it.
        if own_name || key == "src" && text.starts_with("data:") {
            return Ok(());
        }
        let (clean, verdict) = self.cleaner.text(text).map_err(|_| "it can't be judged".to_owned())?;
        if verdict.is_order() {
            if self.injection == Injection::Block || !REPLACEABLE.contains(&key) {
                return Err(format!("its `{}` reads like an order", shown(key)));
            }
            WITHHELD.clone_into(text);
            done.withheld = true;
        } else if clean != *text {
            *text = clean.into_owned();
            done.cleaned = true;
        }
        Ok(())
    }

    /// A name has `_` and `-` where an order has spaces.
    fn no_order(&self, what: &str, name: &str) -> Result<(), String> {
        let spoken = name.replace(['_', '-', '.', '/'], " ");
        for text in [name, spoken.as_str()] {
            let (_, verdict) = self.cleaner.text(text).map_err(|_| "it can't be judged".to_owned())?;
            if verdict.is_order() {
                return Err(format!("a {what} in it reads like an order"));
            }
        }
        Ok(())
    }
}

fn is_hiding(name: &str) -> bool {
    clean(name, &mut Found::default()) != name
}

/// A key as it may stand on a health page.
fn shown(key: &str) -> &str {
    const KNOWN: &[&str] =
        &["description", "title", "enum", "default", "const", "examples", "pattern", "name", "$comment"];
    KNOWN.iter().find(|known| **known == key).copied().unwrap_or("schema")
}
