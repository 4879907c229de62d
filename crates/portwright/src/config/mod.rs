//! `portwright.toml` → [`Plan`].
//!
//! The steps, each in its own file: [`locate`] finds the text, `text` reads it into plain values with their places,
//! `check` holds these against the schemas, `reference` resolves references to secrets, each kind of source decodes
//! its own tables, and [`plan`] reads the rest. Nothing is opened but the file and the secrets it refers to. Everything
//! that is wrong comes back at once as [`Problems`].

pub(crate) mod approvals;
pub(crate) mod audit;
mod check;
mod dashboard;
mod excerpt;
mod file;
pub mod kinds;
mod later;
mod limits;
pub mod locate;
pub(crate) mod nearest;
mod oauth;
pub mod plan;
mod problems;
mod reference;
mod replicas;
mod roles;
mod sanitize;
pub mod schema;
mod sources;
mod telemetry;
mod text;
mod tls;
pub(crate) mod watch;
mod words;

#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use portwright_core::{Diagnostic, Pointer};
use serde::de::DeserializeOwned;
use serde_json::Value;

pub use kinds::Kinds;
pub use locate::LocateError;
pub use plan::{Configured, Plan};
pub use problems::{Origin, Problems};

use check::Checker;
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

/// What a configuration is read with: the process's environment variables, or a test's, and the kinds of source.
#[derive(Debug, Clone, Copy)]
pub struct Environment {
    pub variable: fn(&str) -> Option<OsString>,
    pub names: fn() -> Vec<String>,
    pub kinds: Kinds,
}

impl Default for Environment {
    fn default() -> Self {
        Self {
            variable: |name| std::env::var_os(name),
            names: || std::env::vars_os().filter_map(|(name, _)| name.into_string().ok()).collect(),
            kinds: Kinds::default(),
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
        let mut checker = Checker::new(self.environment.kinds);
        let written = &self.document.value;
        self.found = checker.written(written);
        let secrets = self.secrets(&mut checker);

        let mut value = written.clone();
        let mut resolved = Resolved::new();
        let Environment { variable, names, kinds } = self.environment;
        let around = Surroundings { variable: &variable, variables: &names, base: self.base };
        self.found.extend(reference::resolve(&mut value, &Pointer::root(), &around, &mut resolved));
        if !resolved.is_empty() {
            self.found.extend(checker.resolved(written, &value));
        }

        let (sources, mut problems) = sources::decode(&value, self.base, kinds, &self.found);
        let file = self.sections(&value, &mut problems);
        let named = limits::named(&self.sound(&value), &mut problems);
        let plan = plan::plan(file, self.base, variable).map_err(|mut found| problems.append(&mut found)).ok();
        if self.found.iter().any(|wrong| wrong.place.as_str() == "/listen/anonymous") {
            problems.retain(|problem| problem.rule != plan::OPEN_TO_ALL);
        }
        for problem in &mut problems {
            problem.message = reference::conceal(&problem.message, &resolved);
            problem.hint = problem.hint.take().map(|hint| reference::conceal(&hint, &resolved));
        }
        self.found.append(&mut problems);
        let plan = match plan {
            Some(mut plan) if self.found.is_empty() => {
                (plan.server.limit.sources, plan.server.limit.tools) = (named.sources, named.tools);
                Ok(Plan { sources, ..plan })
            }
            _ => Err(self.found),
        };
        Outcome { plan, secrets }
    }

    /// The document without the entries that are known to be wrong: the others are looked at all the same.
    fn sound(&self, value: &Value) -> Value {
        let mut sound = value.clone();
        for wrong in &self.found {
            remove(&mut sound, &wrong.place);
        }
        sound
    }

    /// The sections that belong to no source.
    fn sections(&self, value: &Value, problems: &mut Vec<Diagnostic>) -> File {
        let sound = self.sound(value);
        File {
            server: self.section(&sound, "server", problems),
            listen: self.section(&sound, "listen", problems),
            auth: self.section(&sound, "auth", problems),
            roles: self.section(&sound, "roles", problems),
            limits: self.section(&sound, "limits", problems),
            audit: self.section(&sound, "audit", problems),
            sanitize: self.section(&sound, "sanitize", problems),
            approvals: self.section(&sound, "approvals", problems),
            telemetry: self.section(&sound, "telemetry", problems),
            dashboard: self.section(&sound, "dashboard", problems),
            replicas: self.section(&sound, "replicas", problems),
        }
    }

    fn section<T: DeserializeOwned + Default>(&self, sound: &Value, name: &str, problems: &mut Vec<Diagnostic>) -> T {
        let place = Pointer::root().join(name);
        let Some(section) = sound.get(name) else { return T::default() };
        T::deserialize(section).unwrap_or_else(|error| {
            // The schema lets through a duration that overflows, and nothing else.
            if !self.found.iter().any(|wrong| wrong.place.as_str().starts_with(place.as_str())) {
                problems.push(Diagnostic::error(place, "bad-value", error.to_string()));
            }
            T::default()
        })
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

/// Takes the value at a place out of the document; out of a list, the list.
fn remove(document: &mut Value, place: &Pointer) {
    let (Some(parent), Some(key)) = (place.parent(), place.as_str().rsplit('/').next()) else { return };
    match document.pointer_mut(parent.as_str()) {
        Some(Value::Object(table)) => drop(table.shift_remove(&key.replace("~1", "/").replace("~0", "~"))),
        Some(Value::Array(_)) => remove(document, &parent),
        _ => {}
    }
}
