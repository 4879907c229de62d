//! [`Draft`]: a configuration that is about to be written, and its text, with the comments that teach.

use std::fmt::Write as _;

use portwright_core::Secret;
use toml::Value;

/// What a configuration will say.
#[derive(Debug, Default)]
pub(super) struct Draft {
    /// What it is made from, for its first line.
    pub(super) origin: String,
    /// The server's name.
    pub(super) name: String,
    pub(super) sources: Vec<SourceDraft>,
    pub(super) tools: Vec<ToolDraft>,
    /// Files beside it that hold secrets.
    pub(super) secrets: Vec<SecretFile>,
    /// What the person should know: what was left out, and why.
    pub(super) notes: Vec<String>,
}

/// `[sources.NAME]`
#[derive(Debug)]
pub(super) struct SourceDraft {
    pub(super) name: String,
    pub(super) kind: &'static str,
    pub(super) lines: Vec<Line>,
}

/// A line of a source's table.
#[derive(Debug)]
pub(super) enum Line {
    /// A key with its value, and what it means.
    Key(&'static str, Value, &'static str),
    /// What one might also say there: a whole line, commented out.
    Also(&'static str),
}

/// `[tools.NAME]`
#[derive(Debug)]
pub(super) struct ToolDraft {
    pub(super) name: String,
    pub(super) source: String,
    pub(super) title: String,
    /// Sentences.
    pub(super) description: Vec<String>,
    pub(super) sql: String,
    /// Each parameter with its keys.
    pub(super) params: Vec<(String, Keys)>,
    /// What a person should know about it.
    pub(super) comment: Option<String>,
}

/// The keys of a parameter, in the order in which they are written.
pub(super) type Keys = Vec<(&'static str, Value)>;

/// A secret that is kept out of the configuration, in a file that only its owner reads.
#[derive(Debug)]
pub(super) struct SecretFile {
    /// Its name within [`SECRETS`].
    pub(super) name: String,
    pub(super) secret: Secret,
}

/// The folder of secrets, beside the configuration.
pub(super) const SECRETS: &str = "secrets";

impl SourceDraft {
    pub(super) fn new(name: impl Into<String>, kind: &'static str) -> Self {
        Self { name: name.into(), kind, lines: Vec::new() }
    }

    pub(super) fn key(mut self, key: &'static str, value: impl Into<Value>, meaning: &'static str) -> Self {
        self.lines.push(Line::Key(key, value.into(), meaning));
        self
    }

    pub(super) fn also(mut self, line: &'static str) -> Self {
        self.lines.push(Line::Also(line));
        self
    }
}

impl Draft {
    /// Keeps a secret in a file of its own; the reference to it.
    pub(super) fn keep(&mut self, name: &str, secret: Secret) -> String {
        let name = free(name, |name| self.secrets.iter().any(|file| file.name == name));
        let reference = format!("${{file:{SECRETS}/{name}}}");
        self.secrets.push(SecretFile { name, secret });
        reference
    }

    /// A name for a source that no other has.
    pub(super) fn source_name(&self, wanted: &str) -> String {
        free(&plain(wanted, "source"), |name| self.sources.iter().any(|source| source.name == name))
    }

    /// The text of the file.
    pub(super) fn text(&self) -> String {
        let mut out = String::new();
        let _ = write!(
            out,
            "# Made by `portwright init` from {}. It is yours now: change what you like.\n\
             #     portwright check                     everything that is wrong, at once\n\
             #     portwright list                      what a client would see\n\
             #     portwright serve                     http://127.0.0.1:8722/mcp\n\n\
             [server]\nname = {}\n",
            self.origin.replace(char::is_control, " "),
            quoted(&self.name)
        );
        let what = if self.tools.is_empty() { "say here what it is for" } else { "say what the data are about" };
        let _ = writeln!(
            out,
            "# The first thing that a model reads: {what}, and where to start.\n\
             # instructions = \"…\"\n\n\
             # Every call leaves a line here, chained to the one before: portwright audit verify audit.jsonl\n\
             [audit]\nfile = \"audit.jsonl\"\n\n\
             # Who may call over HTTP: everybody on this machine, nobody else. To let others in, give them keys:\n\
             # [auth.keys]\n# file = \"keys.toml\"                  # portwright keys add NAME\n\n\
             # [limits]\n# calls = \"120/min\"                   # for each caller"
        );
        for source in &self.sources {
            source.write(&mut out);
        }
        for tool in &self.tools {
            tool.write(&mut out);
        }
        out
    }
}

impl SourceDraft {
    fn write(&self, out: &mut String) {
        let _ = write!(out, "\n[sources.{}]\nkind = {}\n", key(&self.name), quoted(self.kind));
        for line in &self.lines {
            let _ = match line {
                Line::Key(key, value, "") => writeln!(out, "{key} = {}", written(value)),
                Line::Key(key, value, meaning) => {
                    writeln!(out, "{:<35} # {meaning}", format!("{key} = {}", written(value)))
                }
                Line::Also(line) => writeln!(out, "# {line}"),
            };
        }
    }
}

impl ToolDraft {
    fn write(&self, out: &mut String) {
        let _ = writeln!(out);
        if let Some(comment) = &self.comment {
            let _ = writeln!(out, "# {}", comment.replace(char::is_control, " "));
        }
        let _ = write!(
            out,
            "[tools.{}]\nsource = {}\ntitle = {}\ndescription = {}\nsql = {}\n",
            key(&self.name),
            quoted(&self.source),
            quoted(&self.title),
            paragraph(&self.description),
            block(&self.sql),
        );
        if !self.params.is_empty() {
            let _ = writeln!(out, "[tools.{}.params]", key(&self.name));
        }
        for (name, keys) in &self.params {
            let keys: Vec<_> = keys.iter().map(|(name, value)| format!("{name} = {}", written(value))).collect();
            let _ = writeln!(out, "{} = {{ {} }}", key(name), keys.join(", "));
        }
    }
}

/// A name that fits TOML without quotes, and every client.
pub(super) fn plain(text: &str, otherwise: &str) -> String {
    let mut name = String::new();
    for letter in text.chars() {
        if letter.is_ascii_alphanumeric() {
            name.push(letter.to_ascii_lowercase());
        } else if !name.is_empty() && !name.ends_with('_') {
            name.push('_');
        }
    }
    name.truncate(40);
    let name = name.trim_end_matches('_');
    if name.is_empty() { otherwise.to_owned() } else { name.to_owned() }
}

/// The name itself, or with a number behind it.
fn free(wanted: &str, taken: impl Fn(&str) -> bool) -> String {
    let numbered = (2_u32..).map(|number| format!("{wanted}_{number}"));
    let mut names = std::iter::once(wanted.to_owned()).chain(numbered);
    names.find(|name| !taken(name)).unwrap_or_else(|| wanted.to_owned())
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", escaped(text))
}

fn key(name: &str) -> String {
    let bare = |letter: char| letter.is_ascii_alphanumeric() || letter == '_' || letter == '-';
    if !name.is_empty() && name.chars().all(bare) { name.to_owned() } else { quoted(name) }
}

fn written(value: &Value) -> String {
    match value {
        Value::Array(items) => format!("[{}]", items.iter().map(written).collect::<Vec<_>>().join(", ")),
        Value::String(text) => quoted(text),
        other => other.to_string(),
    }
}

/// Sentences as a text of several lines that reads as one.
fn paragraph(sentences: &[String]) -> String {
    const WIDTH: usize = 116;
    let mut lines = vec![String::new()];
    for word in sentences.iter().flat_map(|sentence| sentence.split_whitespace()) {
        let last = lines.last().map_or(0, String::len);
        if last > 0 && last + word.len() > WIDTH {
            lines.push(String::new());
        }
        if let Some(line) = lines.last_mut() {
            line.push_str(word);
            line.push(' ');
        }
    }
    let escaped = |line: &String| escaped(line.trim_end());
    format!("\"\"\"\n{}\\\n\"\"\"", lines.iter().map(escaped).collect::<Vec<_>>().join(" \\\n"))
}

/// A text of several lines, as readable as it can stand there.
fn block(text: &str) -> String {
    let odd = |letter: char| letter.is_control() && letter != '\n';
    if text.contains(odd) || (text.contains(['"', '\\']) && text.contains("'''")) {
        let lines: Vec<_> = text.split('\n').map(escaped).collect();
        return format!("\"\"\"\n{}\n\"\"\"", lines.join("\n"));
    }
    let mark = if text.contains(['"', '\\']) { "'''" } else { "\"\"\"" };
    format!("{mark}\n{text}\n{mark}")
}

/// As it stands within double quotes.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '"' | '\\' => out.extend(['\\', letter]),
            '\n' => out.push_str("\\n"),
            letter if letter.is_control() => {
                let _ = write!(out, "\\u{:04X}", u32::from(letter));
            }
            letter => out.push(letter),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use toml::Value;

    use super::{Draft, SourceDraft, ToolDraft};

    fn tool(name: &str, text: &str, sql: &str) -> Draft {
        Draft {
            origin: text.to_owned(),
            name: text.to_owned(),
            sources: vec![SourceDraft::new(name, "sqlite").key("path", text, "where")],
            tools: vec![ToolDraft {
                name: name.to_owned(),
                source: name.to_owned(),
                title: text.to_owned(),
                description: vec![text.to_owned()],
                sql: sql.to_owned(),
                params: vec![(name.to_owned(), vec![("description", Value::from(text))])],
                comment: Some(text.to_owned()),
            }],
            ..Draft::default()
        }
    }

    proptest! {
        #[test]
        fn whatever_the_words_are_they_come_back(name in "[^\\x00]{1,12}", text in ".{0,80}", sql in "[ -~\n'\"]{0,80}") {
            let written = tool(&name, &text, &sql).text();
            let read: toml::Table = written.parse().map_err(|error| TestCaseError::fail(format!("{error}\n{written}")))?;
            let tool = &read["tools"][&name];
            prop_assert_eq!(tool["title"].as_str(), Some(text.as_str()));
            prop_assert_eq!(tool["sql"].as_str().map(str::trim), Some(sql.trim()));
            let words: Vec<_> = text.split_whitespace().collect();
            prop_assert_eq!(tool["description"].as_str().map(|text| text.split_whitespace().collect()), Some(words));
            prop_assert_eq!(read["sources"][&name]["path"].as_str(), Some(text.as_str()));
        }
    }
}
