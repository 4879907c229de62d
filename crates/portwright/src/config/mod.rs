//! `portwright.toml` → [`Plan`].
//!
//! The steps, each in its own file: [`locate`] finds the text, [`text`] reads it into plain values with their places,
//! [`check`] holds these against the schemas, [`reference`] resolves references to secrets, each kind of source decodes
//! its own tables, and [`plan`] reads the rest. Nothing is opened but the file and the secrets it refers to. Everything
//! that is wrong comes back at once as [`Problems`].

mod check;
mod excerpt;
mod file;
mod later;
pub mod locate;
pub(crate) mod nearest;
pub mod plan;
mod problems;
mod reference;
pub mod schema;
mod sources;
mod text;
mod words;

#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use portwright_core::{Diagnostic, Pointer};
use serde_json::Value;

pub use locate::LocateError;
pub use plan::{Configured, Plan};
pub use problems::{Origin, Problems};

use check::{Checker, NAMED};
use file::File;
use reference::{Resolved, Surroundings};
use text::{Document, Span};

/// The name of the source behind declared resources and prompts that need no host.
pub const DECLARED: &str = "declared";

/// Why there is no plan.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error(transparent)]
    Locate(#[from] LocateError),
    #[error("{} {} in {}", .0.errors(), if .0.errors() == 1 { "error" } else { "errors" }, .0.path().display())]
    Problems(Problems),
}

/// A plan and the file it came from, so that later findings can point into it.
#[derive(Debug)]
pub struct Loaded {
    pub plan: Plan,
    pub origin: Arc<Origin>,
}

/// The process's environment variables, or a test's.
#[derive(Debug, Clone, Copy)]
pub struct Environment {
    pub variable: fn(&str) -> Option<OsString>,
    pub names: fn() -> Vec<String>,
}

impl Default for Environment {
    fn default() -> Self {
        Self {
            variable: |name| std::env::var_os(name),
            names: || std::env::vars_os().filter_map(|(name, _)| name.into_string().ok()).collect(),
        }
    }
}

/// Finds the configuration and reads it.
pub fn load(named: Option<&Path>, environment: Environment) -> Result<Loaded, ConfigError> {
    let path = locate::locate(named, &environment.variable)?;
    let text = locate::read(&path)?;
    parse(&path, &text, environment).map_err(ConfigError::Problems)
}

/// Reads the text of the file at `path`.
pub fn parse(path: &Path, text: &str, environment: Environment) -> Result<Loaded, Problems> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let document = match Document::parse(text) {
        Ok(document) => document,
        Err(found) => {
            let origin = Origin { path: path.to_owned(), text: excerpt::masked(text, &[]), ..Origin::default() };
            return Err(Problems::of_text(Arc::new(origin), found));
        }
    };
    let base = base(path);
    let outcome = Reading::new(&document, &base, environment).plan();
    let secrets = outcome.secrets;
    let origin = Arc::new(Origin { path: path.to_owned(), text: excerpt::masked(text, &secrets), document });
    outcome.plan.map(|plan| Loaded { plan, origin: origin.clone() }).map_err(|found| Problems::new(origin, found))
}

/// The folder that relative paths start from.
fn base(path: &Path) -> PathBuf {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned())
}

struct Outcome {
    plan: Result<Plan, Vec<Diagnostic>>,
    /// The bytes of literal secrets.
    secrets: Vec<Span>,
}

/// The way from a document to a plan.
struct Reading<'a> {
    document: &'a Document,
    base: &'a Path,
    environment: Environment,
    found: Vec<Diagnostic>,
}

impl<'a> Reading<'a> {
    fn new(document: &'a Document, base: &'a Path, environment: Environment) -> Self {
        Self { document, base, environment, found: Vec::new() }
    }

    fn plan(mut self) -> Outcome {
        let mut checker = Checker::default();
        let written = &self.document.value;
        self.found = checker.written(written);
        let secrets = self.secrets(&mut checker);

        let mut value = written.clone();
        let mut resolved = Resolved::new();
        let Environment { variable, names } = self.environment;
        let around = Surroundings { variable: &variable, variables: &names, base: self.base };
        self.found.extend(reference::resolve(&mut value, &Pointer::root(), &around, &mut resolved));
        if !resolved.is_empty() {
            self.found.extend(checker.resolved(written, &value));
        }

        let (sources, mut problems) = sources::decode(&value, self.base, &self.found);
        let sections = self.sections(&value);
        let plan =
            sections.and_then(|file| plan::plan(file, self.base).map_err(|mut found| problems.append(&mut found)).ok());
        for problem in &mut problems {
            problem.message = reference::conceal(&problem.message, &resolved);
            problem.hint = problem.hint.take().map(|hint| reference::conceal(&hint, &resolved));
        }
        self.found.append(&mut problems);
        let plan = match plan {
            Some(plan) if self.found.is_empty() => Ok(Plan { sources, ..plan }),
            _ => Err(self.found),
        };
        Outcome { plan, secrets }
    }

    /// The sections that belong to no source. None if something is already known to be wrong with them.
    fn sections(&mut self, value: &Value) -> Option<File> {
        let object = value.as_object()?;
        let own: serde_json::Map<_, _> = object
            .iter()
            .filter(|(key, _)| !NAMED.contains(&key.as_str()))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        let wrong = |diagnostic: &Diagnostic| {
            !NAMED.iter().any(|section| diagnostic.place.as_str().starts_with(&format!("/{section}")))
        };
        if self.found.iter().any(wrong) {
            return None;
        }
        match serde_json::from_value(Value::Object(own)) {
            Ok(file) => Some(file),
            Err(error) => {
                // The schema lets through a duration that overflows, and nothing else.
                self.found.push(Diagnostic::error(Pointer::root(), "bad-value", error.to_string()));
                None
            }
        }
    }

    /// Literal secrets, and text below keys that nobody knows: `pasword = "…"`.
    fn secrets(&self, checker: &mut Checker) -> Vec<Span> {
        let mut places = checker.secrets(&self.document.value);
        for unknown in self.found.iter().filter(|diagnostic| diagnostic.rule == "unknown-key") {
            if let Some(value) = self.document.value.pointer(unknown.place.as_str())
                && !later::key(unknown.place.as_str())
            {
                reference::walk(&mut value.clone(), &unknown.place, &mut |_, place| places.push(place.clone()));
            }
        }
        places.iter().filter_map(|place| self.document.value_span(place)).collect()
    }
}
