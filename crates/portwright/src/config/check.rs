//! A [`Document`] held against the schemas: the sections as a whole, then each source, tool, resource and prompt by the
//! schema of its own kind, so that a finding is about what the author meant to write.

use std::borrow::Cow;
use std::collections::HashMap;

use jsonschema::Validator;
use portwright_core::{Diagnostic, Pointer, SourceKind};
use portwright_server::guard::validate;
use portwright_sources::declared;
use serde_json::{Map, Value, json};

use super::kinds::Kinds;
use super::nearest::{listed, nearest};
use super::words::{PATTERN_FORMAT, Piece};
use super::{later, limits, schema};

/// The sections whose entries have a schema of their own.
pub(crate) const NAMED: [&str; 4] = ["sources", "tools", "resources", "prompts"];

/// The schemas, compiled when they are first needed.
#[derive(Debug, Default)]
pub(crate) struct Checker {
    kinds: Kinds,
    compiled: HashMap<(Role, String), Option<(Value, Validator)>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Role {
    Sections,
    Source,
    Tool,
    Resource,
    DeclaredResource,
    Prompt,
    Quota,
}

/// A document and what is to be said of it.
struct Run<'a> {
    checker: &'a mut Checker,
    /// As in the file.
    written: &'a Value,
    /// With references resolved, in the second round.
    value: &'a Value,
    resolved: bool,
    found: Vec<Diagnostic>,
}

impl Checker {
    pub(crate) fn new(kinds: Kinds) -> Self {
        Self { kinds, compiled: HashMap::new() }
    }

    /// Everything that is wrong with the document as written, before a reference is resolved.
    pub(crate) fn written(&mut self, written: &Value) -> Vec<Diagnostic> {
        Run { checker: self, written, value: written, resolved: false, found: Vec::new() }.all()
    }

    /// What is wrong with the values that references stand for. The messages don't show them.
    pub(crate) fn resolved(&mut self, written: &Value, value: &Value) -> Vec<Diagnostic> {
        Run { checker: self, written, value, resolved: true, found: Vec::new() }.all()
    }

    /// The places of literal secrets: what must not stand in an excerpt.
    pub(crate) fn secrets(&mut self, written: &Value) -> Vec<Pointer> {
        let mut found = Vec::new();
        for (name, source) in entries(written, "sources") {
            let Some(kind) = source.get("kind").and_then(Value::as_str) else { continue };
            if let Some((schema, _)) = self.get(Role::Source, kind) {
                secrets_within(schema, source, &Pointer::root().join("sources").join(name), &mut found);
            }
        }
        found
    }

    fn get(&mut self, role: Role, kind: &str) -> Option<&(Value, Validator)> {
        let build = || {
            let kind = self.kinds.find(kind);
            let built = schema::piece(|generator| match role {
                Role::Sections => None,
                Role::Source => kind.map(|kind| kind.schema(generator)),
                Role::Tool => kind?.tool_schema(generator),
                Role::Resource => kind?.resource_schema(generator),
                Role::DeclaredResource => Some(declared::resource_schema(generator)),
                Role::Prompt => Some(declared::prompt_schema(generator)),
                Role::Quota => Some(generator.root_schema_for::<limits::QuotaSection>()),
            });
            let built = if role == Role::Sections { schema::sections() } else { built? };
            // A schema of ours that does not compile would be a bug that a test finds; it must not let input pass.
            let options =
                || jsonschema::options().should_validate_formats(true).with_format(PATTERN_FORMAT, is_pattern);
            let validator = options().build(&built).or_else(|_| options().build(&Value::Bool(false))).ok()?;
            Some((built, validator))
        };
        self.compiled.entry((role, kind.to_owned())).or_insert_with(build).as_ref()
    }
}

/// The entries of a section of named tables.
pub(crate) fn entries<'a>(
    document: &'a Value,
    section: &str,
) -> impl Iterator<Item = (&'a String, &'a Value)> + use<'a> {
    document.get(section).and_then(Value::as_object).into_iter().flatten()
}

impl Run<'_> {
    fn all(mut self) -> Vec<Diagnostic> {
        let value = self.value;
        self.hold(Role::Sections, "", &Pointer::root(), value);
        for section in NAMED {
            let Some(held) = self.value.get(section) else { continue };
            let place = Pointer::root().join(section);
            let Some(table) = held.as_object() else {
                let header =
                    if section == "resources" { "[resources.\"URI\"]".into() } else { format!("[{section}.NAME]") };
                self.say(Diagnostic::error(place, "wrong-type", format!("`{section}` must be a table")).hint(header));
                continue;
            };
            for (name, value) in table {
                let at = place.join(name);
                self.name(section, name, &at);
                match value.as_object() {
                    Some(value) => self.entry(section, &at, value),
                    None => self.say(
                        Diagnostic::error(at, "wrong-type", format!("`{name}` must be a table"))
                            .hint(format!("the section [{section}] holds one table for each name")),
                    ),
                }
            }
        }
        self.found
    }

    /// Adds what belongs to the first round.
    fn say(&mut self, diagnostic: Diagnostic) {
        if !self.resolved {
            self.found.push(diagnostic);
        }
    }

    fn name(&mut self, section: &str, name: &str, at: &Pointer) {
        let plain = |extra: &[char]| {
            (1..=64).contains(&name.len()) && name.chars().all(|c| c.is_ascii_alphanumeric() || extra.contains(&c))
        };
        let (fits, rule) = match section {
            "resources" => (is_uri(name), "a URI has a scheme and no spaces: `db://shop/notes`"),
            "sources" => (plain(&['_', '-']), "letters, digits, `_` and `-`, at most 64"),
            _ => (plain(&['_', '-', '.']), "letters, digits, `_`, `-` and `.`, at most 64"),
        };
        if !fits {
            self.say(Diagnostic::error(at.clone(), "bad-name", format!("`{name}` can't be a name here")).hint(rule));
        } else if section == "sources" && name == super::DECLARED {
            let problem = Diagnostic::error(
                at.clone(),
                "bad-name",
                format!("`{name}` is the name of the source behind plain resources and prompts"),
            );
            self.say(problem.hint("give it another name"));
        }
    }

    fn entry(&mut self, section: &str, at: &Pointer, table: &Map<String, Value>) {
        let mut table = Cow::Borrowed(table);
        if matches!(section, "sources" | "tools")
            && let Some(quota) = table.to_mut().shift_remove(limits::KEY)
        {
            self.hold(Role::Quota, "", &at.join(limits::KEY), &quota);
        }
        let table = &*table;
        match section {
            "sources" => {
                let Some(kind) = self.kind_of(at, table) else { return };
                self.hold_without("kind", Role::Source, kind, at, table);
            }
            "tools" => self.on_source(Role::Tool, "tools", at, table),
            "resources" if table.contains_key("source") => self.on_source(Role::Resource, "resources", at, table),
            "resources" => self.hold(Role::DeclaredResource, "", at, &Value::Object(table.clone())),
            _ => self.hold(Role::Prompt, "", at, &Value::Object(table.clone())),
        }
    }

    fn kind_of(&mut self, at: &Pointer, table: &Map<String, Value>) -> Option<&'static str> {
        let kinds = self.checker.kinds;
        let names = || kinds.all().map(SourceKind::name);
        let written = self.text_of(
            "kind",
            at,
            table,
            &format!("the kind of source: {}", listed(names())).replace(" and ", " or "),
        )?;
        if let Some(kind) = kinds.find(&written) {
            return Some(kind.name());
        }
        let place = at.join("kind");
        if later::kind(&written) {
            self.say(
                Diagnostic::error(place, "unknown-kind", format!("the kind `{written}` is not in this version"))
                    .hint(format!("this version has {}", listed(names()))),
            );
            return None;
        }
        let problem = Diagnostic::error(place, "unknown-kind", format!("there is no kind of source `{written}`"));
        self.say(match nearest(&written, names()) {
            Some(meant) => problem.hint(format!("did you mean `{meant}`?")),
            None => problem.hint(format!("this version has {}", listed(names()))),
        });
        None
    }

    /// A tool or a resource that names its source.
    fn on_source(&mut self, role: Role, section: &str, at: &Pointer, table: &Map<String, Value>) {
        let Some(name) = self.text_of("source", at, table, "the NAME of a [sources.NAME]") else { return };
        let written = self.written;
        let names = || entries(written, "sources").map(|(name, _)| name.as_str());
        let Some(source) = self.written.get("sources").and_then(|sources| sources.get(&name)) else {
            let problem =
                Diagnostic::error(at.join("source"), "unknown-source", format!("there is no source `{name}`"));
            return self.say(match (nearest(&name, names()), names().next()) {
                (Some(meant), _) => problem.hint(format!("did you mean `{meant}`?")),
                (None, Some(_)) => problem.hint(format!("the sources are {}", listed(names()))),
                (None, None) => problem.hint(format!("add a table [sources.{name}]")),
            });
        };
        let Some(kind) = source.get("kind").and_then(Value::as_str).and_then(|name| self.checker.kinds.find(name))
        else {
            return;
        };
        if self.checker.get(role, kind.name()).is_none() {
            let message = format!("a source of kind `{}` takes no declared {section}", kind.name());
            return self.say(Diagnostic::error(at.join("source"), "wrong-source", message));
        }
        self.hold_without("source", role, kind.name(), at, table);
    }

    /// A key that must be there and be text, literally.
    fn text_of(&mut self, key: &str, at: &Pointer, table: &Map<String, Value>, meaning: &str) -> Option<String> {
        let problem = match table.get(key) {
            Some(Value::String(text)) => return Some(text.clone()),
            Some(_) => Diagnostic::error(at.join(key), "wrong-type", format!("`{key}` must be text")),
            None => Diagnostic::error(at.clone(), "missing-key", format!("`{key}` is missing")),
        };
        self.say(problem.hint(format!("`{key}`: {meaning}")));
        None
    }

    fn hold_without(&mut self, key: &str, role: Role, kind: &str, at: &Pointer, table: &Map<String, Value>) {
        let mut rest = table.clone();
        rest.shift_remove(key);
        self.hold(role, kind, at, &Value::Object(rest));
    }

    fn hold(&mut self, role: Role, kind: &str, at: &Pointer, value: &Value) {
        let as_written = self.written.pointer(at.as_str()).unwrap_or(&Value::Null);
        let Some((schema, validator)) = self.checker.get(role, kind) else { return };
        let piece = Piece { schema, place: at, resolved: self.resolved };
        for error in validator.iter_errors(value).filter(|error| piece.concerns(error, as_written)) {
            self.found.extend(piece.tell(&error));
        }
    }
}

/// Whether the guard that checks arguments can match this pattern.
fn is_pattern(text: &str) -> bool {
    let argument = json!({ "type": "object", "properties": { "x": { "type": "string", "pattern": text } } });
    argument.as_object().is_some_and(|schema| validate::compile(schema).is_ok())
}

/// Whether a name can be a resource's URI: a scheme (RFC 3986), something behind it, nothing invisible in it.
fn is_uri(name: &str) -> bool {
    let Some((scheme, rest)) = name.split_once(':') else { return false };
    name.len() <= portwright_core::limits::URI_BYTES_MAX
        && scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '.' | '-'))
        && !rest.is_empty()
        && !name.chars().any(|c| c.is_whitespace() || c.is_control())
}

fn secrets_within(schema: &Value, value: &Value, at: &Pointer, found: &mut Vec<Pointer>) {
    if schema.get("writeOnly") == Some(&Value::Bool(true)) {
        found.push(at.clone());
    }
    for branch in
        ["anyOf", "oneOf", "allOf"].into_iter().filter_map(|keyword| schema.get(keyword)?.as_array()).flatten()
    {
        secrets_within(branch, value, at, found);
    }
    match value {
        Value::Object(entries) => {
            for (key, entry) in entries {
                let known = schema.get("properties").and_then(|keys| keys.get(key));
                if let Some(below) = known.or_else(|| schema.get("additionalProperties")) {
                    secrets_within(below, entry, &at.join(key), found);
                }
            }
        }
        Value::Array(items) => {
            let Some(below) = schema.get("items") else { return };
            items.iter().enumerate().for_each(|(index, item)| secrets_within(below, item, &at.join(index), found));
        }
        _ => {}
    }
}
