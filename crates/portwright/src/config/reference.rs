//! References to secrets: `${env:NAME}` and `${file:PATH}` within text. `$${` stands for `${` itself.
//!
//! What a reference stands for shows up in no diagnostic: a missing one is told by its name.

use std::ffi::OsString;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use portwright_core::{Diagnostic, Pointer, Secret, limits};
use serde_json::Value;

use super::nearest::nearest;

/// Where references lead.
pub(crate) struct Surroundings<'a> {
    /// The environment variables.
    pub(crate) variable: &'a dyn Fn(&str) -> Option<OsString>,
    /// Their names, for "did you mean".
    pub(crate) variables: &'a dyn Fn() -> Vec<String>,
    /// The folder that relative paths start from.
    pub(crate) base: &'a Path,
}

/// What a reference stood for, so that it can be taken out of any text that is to be shown.
pub(crate) type Resolved = Vec<(Secret, String)>;

/// A part of a text.
#[derive(Debug, PartialEq, Eq)]
enum Part<'a> {
    Text(&'a str),
    /// `$${`
    Escaped,
    Reference {
        scheme: &'a str,
        name: &'a str,
        whole: &'a str,
    },
    /// A `${` that is no reference.
    Broken(&'a str),
}

/// Whether the text holds a reference, or tries to.
pub(crate) fn occurs(text: &str) -> bool {
    text.contains("${")
}

/// Replaces every reference within `value`, which stands at `at`. All that is wrong comes back at once.
pub(crate) fn resolve(
    value: &mut Value,
    at: &Pointer,
    around: &Surroundings<'_>,
    resolved: &mut Resolved,
) -> Vec<Diagnostic> {
    let mut problems = Vec::new();
    walk(value, at, &mut |text, place| {
        if !occurs(text) {
            return;
        }
        match around.expand(text, place, resolved) {
            Ok(whole) => *text = whole,
            Err(mut wrong) => problems.append(&mut wrong),
        }
    });
    problems
}

/// Text in which every resolved value is put back to its reference.
pub(crate) fn conceal(text: &str, resolved: &Resolved) -> String {
    /// Shorter ones are no secrets, and would turn plain words into riddles.
    const BYTES_MIN: usize = 3;
    let mut out = text.to_owned();
    for (secret, name) in resolved.iter().filter(|(secret, _)| secret.expose().len() >= BYTES_MIN) {
        out = out.replace(secret.expose(), name);
    }
    out
}

/// Shows every text within `value` to `see`.
pub(crate) fn walk(value: &mut Value, at: &Pointer, see: &mut dyn FnMut(&mut String, &Pointer)) {
    match value {
        Value::String(text) => see(text, at),
        Value::Array(items) => items.iter_mut().enumerate().for_each(|(index, item)| walk(item, &at.join(index), see)),
        Value::Object(entries) => entries.iter_mut().for_each(|(key, entry)| walk(entry, &at.join(key), see)),
        _ => {}
    }
}

impl Surroundings<'_> {
    /// The files that the text refers to.
    pub(crate) fn files(&self, text: &str) -> Vec<PathBuf> {
        let file = |part| match part {
            Part::Reference { scheme: "file", name, .. } => Some(self.path(name)),
            _ => None,
        };
        parts(text).into_iter().filter_map(file).collect()
    }

    fn expand(&self, text: &str, at: &Pointer, resolved: &mut Resolved) -> Result<String, Vec<Diagnostic>> {
        let mut out = String::with_capacity(text.len());
        let mut problems = Vec::new();
        for part in parts(text) {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Escaped => out.push_str("${"),
                Part::Broken(text) => problems.push(broken(text, at)),
                Part::Reference { scheme, name, whole } => match self.look_up(scheme, name, at) {
                    Ok(value) => {
                        out.push_str(&value);
                        resolved.push((Secret::new(value), whole.to_owned()));
                    }
                    Err(problem) => problems.push(problem),
                },
            }
        }
        if problems.is_empty() { Ok(out) } else { Err(problems) }
    }

    fn look_up(&self, scheme: &str, name: &str, at: &Pointer) -> Result<String, Diagnostic> {
        if scheme == "env" { self.environment(name, at) } else { self.file(name, at) }
    }

    fn environment(&self, name: &str, at: &Pointer) -> Result<String, Diagnostic> {
        let missing = |message: String| Diagnostic::error(at.clone(), "missing-env", message);
        match (self.variable)(name).map(OsString::into_string) {
            Some(Ok(value)) if !value.is_empty() => Ok(value),
            Some(Ok(_)) => {
                Err(missing(format!("the environment variable {name} is empty"))
                    .hint("give it a value before the start"))
            }
            Some(Err(_)) => Err(missing(format!("the environment variable {name} is not UTF-8"))),
            None => {
                let names = (self.variables)();
                let problem = missing(format!("the environment variable {name} is not set"));
                Err(match nearest(name, names.iter().map(String::as_str)) {
                    Some(meant) => problem.hint(format!("did you mean {meant}? That one is set")),
                    None => problem.hint(format!("set it before the start: export {name}=…")),
                })
            }
        }
    }

    fn file(&self, path: &str, at: &Pointer) -> Result<String, Diagnostic> {
        let wrong = |message: String| Diagnostic::error(at.clone(), "missing-file", message);
        let full = self.path(path);
        let shown = full.display();
        let unreadable = |error: std::io::Error| wrong(format!("{shown} can't be read: {}", reason(&error)));
        let kind = std::fs::metadata(&full).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => wrong(format!("there is no file {shown}"))
                .hint("relative paths start from the configuration file's folder"),
            _ => unreadable(error),
        })?;
        if !kind.is_file() {
            return Err(wrong(format!("{shown} is not a regular file")));
        }
        let mut bytes = Vec::new();
        let file = File::open(&full).map_err(unreadable)?;
        file.take(limits::SECRET_FILE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(unreadable)?;
        if bytes.len() as u64 > limits::SECRET_FILE_BYTES_MAX {
            return Err(wrong(format!(
                "{shown} is too large for a secret: at most {} bytes",
                limits::SECRET_FILE_BYTES_MAX
            )));
        }
        let text = String::from_utf8(bytes).map_err(|_| wrong(format!("{shown} is not UTF-8 text")))?;
        match text.trim_end_matches(['\r', '\n']) {
            "" => Err(wrong(format!("{shown} is empty"))),
            text => Ok(text.to_owned()),
        }
    }

    fn path(&self, path: &str) -> PathBuf {
        let home = path.strip_prefix("~/").and_then(|rest| Some((rest, (self.variable)("HOME")?)));
        match home {
            Some((rest, home)) => Path::new(&home).join(rest),
            None => self.base.join(path),
        }
    }
}

/// Why the system refused, without its number.
pub(crate) fn reason(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::PermissionDenied => "permission denied".into(),
        std::io::ErrorKind::NotFound => "there is no such file".into(),
        std::io::ErrorKind::IsADirectory => "it is a folder".into(),
        _ => error.to_string(),
    }
}

fn broken(text: &str, at: &Pointer) -> Diagnostic {
    let problem = Diagnostic::error(at.clone(), "bad-reference", format!("`{text}` is not a reference"));
    let name = text.trim_start_matches("${").trim_end_matches('}');
    let plain = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if plain && text.ends_with('}') {
        return problem.hint(format!(
            "write `${{env:{name}}}` for an environment variable, `$${{` for the characters themselves"
        ));
    }
    problem.hint("references are `${env:NAME}` and `${file:PATH}`; write `$${` for the characters themselves")
}

fn parts(text: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        let (before, from) = rest.split_at(at);
        if let Some(before) = before.strip_suffix('$') {
            parts.extend([Part::Text(before), Part::Escaped]);
            rest = &from[2..];
            continue;
        }
        parts.push(Part::Text(before));
        let line_end = from.find('\n').unwrap_or(from.len());
        let Some(end) = from[..line_end].find('}') else {
            parts.push(Part::Broken(cut(&from[..line_end])));
            rest = &from[line_end..];
            continue;
        };
        let whole = &from[..=end];
        parts.push(match whole[2..end].split_once(':') {
            Some((scheme @ ("env" | "file"), name)) if fits(scheme, name) => Part::Reference { scheme, name, whole },
            _ => Part::Broken(cut(whole)),
        });
        rest = &from[end + 1..];
    }
    parts.push(Part::Text(rest));
    parts
}

fn fits(scheme: &str, name: &str) -> bool {
    let variable = || {
        name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') && !name.starts_with(|c: char| c.is_ascii_digit())
    };
    !name.is_empty() && name.trim() == name && !name.contains('\0') && (scheme == "file" || variable())
}

/// As much of a text as fits a message.
fn cut(text: &str) -> &str {
    text.char_indices().nth(60).map_or(text, |(at, _)| &text[..at])
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use portwright_core::Pointer;
    use serde_json::json;

    use super::{Part, Surroundings, conceal, parts, resolve};

    fn expand(text: &str) -> Result<String, Vec<String>> {
        let variable = |name: &str| (name == "WHO").then(|| OsString::from("ada"));
        let variables = || vec!["WHO".to_owned()];
        let around =
            Surroundings { variable: &variable, variables: &variables, base: std::path::Path::new("/nonexistent") };
        let mut value = json!(text);
        let problems = resolve(&mut value, &Pointer::root(), &around, &mut Vec::new());
        if problems.is_empty() {
            return Ok(value.as_str().unwrap().to_owned());
        }
        Err(problems
            .into_iter()
            .map(|problem| format!("{} | {}", problem.message, problem.hint.unwrap_or_default()))
            .collect())
    }

    #[test]
    fn references_stand_within_text() {
        assert_eq!(expand("plain $ {x} $$ $1").unwrap(), "plain $ {x} $$ $1");
        assert_eq!(expand("pg://${env:WHO}:${env:WHO}@h").unwrap(), "pg://ada:ada@h");
        assert_eq!(expand("$${env:WHO} $${").unwrap(), "${env:WHO} ${");
        assert_eq!(
            parts("${file:a b.txt}")[1],
            Part::Reference { scheme: "file", name: "a b.txt", whole: "${file:a b.txt}" }
        );
    }

    #[test]
    fn every_broken_one_is_told() {
        let told = expand("${WHO} ${env:} ${env:WHOM} ${vault:x} ${open").unwrap_err();
        assert_eq!(told.len(), 5, "{told:?}");
        assert!(told[0].contains("write `${env:WHO}`"), "{told:?}");
        assert!(told[2].contains("WHOM is not set | did you mean WHO?"), "{told:?}");
        assert!(expand("${file:nothing}").unwrap_err()[0].contains("there is no file /nonexistent/nothing"));
    }

    #[test]
    fn what_was_resolved_is_put_back() {
        let resolved = vec![("hunter2".into(), "${env:PW}".to_owned())]
            .into_iter()
            .map(|(value, name): (String, String)| (portwright_core::Secret::new(value), name))
            .collect();
        assert_eq!(conceal("no host in hunter2@", &resolved), "no host in ${env:PW}@");
    }
}
