//! TOML text → [`Document`]: plain values, and where each of them stands. Knows TOML, not what the keys mean.

use std::collections::HashMap;
use std::ops::Range;

use portwright_core::{Diagnostic, Pointer};
use serde_json::{Map, Value};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Bytes of the text, from and to.
pub(crate) type Span = Range<usize>;

/// Where a value stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    /// Its key, or the header of its table.
    pub(crate) key: Span,
    pub(crate) value: Span,
    /// It is written over several lines: only its key is worth pointing at.
    block: bool,
}

/// A parsed configuration file.
#[derive(Default)]
pub(crate) struct Document {
    pub(crate) value: Value,
    places: HashMap<Pointer, Place>,
}

impl Document {
    /// Reads the text. Every syntax error comes back at once, each with the bytes at fault.
    pub(crate) fn parse(text: &str) -> Result<Self, Vec<(Diagnostic, Span)>> {
        let (root, errors) = DeTable::parse_recoverable(text);
        let mut reader = Reader { text, document: Self::default(), problems: Vec::new() };
        if errors.is_empty() {
            reader.document.value = Value::Object(reader.table(root.get_ref(), &Pointer::root()));
        } else {
            reader.problems = errors.iter().map(|error| syntax(text, error)).collect();
            // The first complaint about a line is the one that helps; what follows is the parser's search for its feet.
            reader.problems.sort_by_key(|(_, span)| span.start);
            reader.problems.dedup_by_key(|(_, span)| text.get(..span.start).and_then(|before| before.rfind('\n')));
        }
        if reader.problems.is_empty() { Ok(reader.document) } else { Err(reader.problems) }
    }

    /// What to point at for a problem with the value at `place`: the value itself, or its key where the value is long.
    /// A place that does not exist (a missing key) is where its nearest parent stands.
    pub(crate) fn span(&self, place: &Pointer, of_key: bool) -> Span {
        let mut at = place.clone();
        loop {
            if let Some(found) = self.places.get(&at) {
                let exact = at == *place;
                return if exact && !of_key && !found.block { found.value.clone() } else { found.key.clone() };
            }
            match at.parent() {
                Some(parent) => at = parent,
                None => return 0..0,
            }
        }
    }

    /// The bytes of the value itself.
    pub(crate) fn value_span(&self, place: &Pointer) -> Option<Span> {
        self.places.get(place).map(|found| found.value.clone())
    }
}

const TEXT_IN_QUOTES: &str = "text stands in quotes: `key = \"value\"`";

struct Reader<'a> {
    text: &'a str,
    document: Document,
    problems: Vec<(Diagnostic, Span)>,
}

impl Reader<'_> {
    /// Entries in the order of the file.
    fn table(&mut self, table: &DeTable<'_>, at: &Pointer) -> Map<String, Value> {
        let mut entries: Vec<_> = table.iter().collect();
        entries.sort_by_key(|(key, _)| key.span().start);
        let mut out = Map::with_capacity(entries.len());
        for (key, value) in entries {
            let place = at.join(key.get_ref());
            self.mark(&place, key.span(), value);
            let value = self.value(value, &place);
            out.insert(key.get_ref().to_string(), value);
        }
        out
    }

    fn mark(&mut self, place: &Pointer, key: Span, value: &Spanned<DeValue<'_>>) {
        let span = value.span();
        let written = self.text.get(span.clone()).unwrap_or_default();
        let block = matches!(value.get_ref(), DeValue::Table(_)) && !written.starts_with('{') || written.contains('\n');
        self.document.places.insert(place.clone(), Place { key, value: span, block });
    }

    fn value(&mut self, value: &Spanned<DeValue<'_>>, at: &Pointer) -> Value {
        let problem =
            |rule, message: &str, hint: &str| (Diagnostic::error(at.clone(), rule, message).hint(hint), value.span());
        match value.get_ref() {
            DeValue::String(text) => Value::String(text.to_string()),
            DeValue::Boolean(on) => Value::Bool(*on),
            DeValue::Integer(number) => {
                if let Ok(number) = i64::from_str_radix(number.as_str(), number.radix()) {
                    return number.into();
                }
                self.problems.push(
                    if number.as_str().chars().all(|c| c == '-' || c == '+' || c.is_digit(number.radix())) {
                        problem("wrong-type", "the number is too large", "whole numbers have at most 64 bits")
                    } else {
                        problem("syntax", "this is no number", TEXT_IN_QUOTES)
                    },
                );
                Value::Null
            }
            DeValue::Float(number) => {
                if let Some(number) = number.as_str().parse().ok().and_then(serde_json::Number::from_f64) {
                    return number.into();
                }
                self.problems.push(problem("wrong-type", "only finite numbers have a meaning here", "write a number"));
                Value::Null
            }
            DeValue::Datetime(_) => {
                self.problems.push(problem("wrong-type", "no key takes a bare date or time", "put it in quotes"));
                Value::Null
            }
            DeValue::Array(items) => {
                let mut out = Vec::with_capacity(items.len());
                for (index, item) in items.iter().enumerate() {
                    let place = at.join(index);
                    self.mark(&place, item.span(), item);
                    out.push(self.value(item, &place));
                }
                Value::Array(out)
            }
            DeValue::Table(table) => Value::Object(self.table(table, at)),
        }
    }
}

/// A parser's complaint in our words where it has a common cause.
fn syntax(text: &str, error: &toml::de::Error) -> (Diagnostic, Span) {
    let span = error.span().unwrap_or(text.len()..text.len());
    let message = error.message();
    let mut diagnostic = Diagnostic::error(Pointer::root(), "syntax", message);
    if message == "duplicate key" {
        let name = text.get(span.clone()).unwrap_or_default();
        diagnostic = Diagnostic::error(Pointer::root(), "duplicate-key", format!("`{name}` is there twice"))
            .hint("keep one of the two; parts of one table belong under one header");
    } else if message.starts_with("invalid basic string") || message.starts_with("invalid literal string") {
        diagnostic =
            diagnostic.hint("quotes that open must close on the same line; text of several lines stands in \"\"\"");
    } else if let Some(hint) = syntax_hint(text, &span) {
        diagnostic = diagnostic.hint(hint);
    }
    (diagnostic, span)
}

fn syntax_hint(text: &str, span: &Span) -> Option<&'static str> {
    let start = text.get(..span.start)?.rfind('\n').map_or(0, |at| at + 1);
    let line = text.get(start..)?.lines().next()?.trim();
    let (key, value) = line.split_once('=').unwrap_or((line, ""));
    let value = value.trim();
    if !line.contains('=') && line.contains(':') && !line.starts_with(['[', '"', '\'']) {
        return Some("this is TOML: write `key = value`");
    }
    if key.trim().starts_with('[') || value.is_empty() {
        return None;
    }
    let bare = value.starts_with(|c: char| c.is_alphabetic() || matches!(c, '$' | '/' | '~' | '.'));
    let number_with_unit =
        value.starts_with(|c: char| c.is_ascii_digit()) && value.ends_with(|c: char| c.is_alphabetic());
    (bare || number_with_unit).then_some(TEXT_IN_QUOTES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_has_its_place() {
        let text = "[sources.shop]\nkind = \"sqlite\"\npool = { max = 8 }\n[[list]]\na = 1\n";
        let document = Document::parse(text).unwrap();
        let at = |pointer: &str, of_key| &text[document.span(&Pointer::new(pointer), of_key)];
        assert_eq!(at("/sources/shop", false), "shop");
        assert_eq!(at("/sources/shop/kind", false), "\"sqlite\"");
        assert_eq!(at("/sources/shop/kind", true), "kind");
        assert_eq!(at("/sources/shop/pool/max", false), "8");
        assert_eq!(at("/sources/shop/url", false), "shop", "a missing key points at its table");
        assert_eq!(document.value.pointer("/list/0/a"), Some(&Value::from(1)));
    }

    #[test]
    fn tables_keep_the_order_of_the_file() {
        let document = Document::parse("[tools.b]\n[tools.a]\n").unwrap();
        let names: Vec<_> = document.value["tools"].as_object().unwrap().keys().collect();
        assert_eq!(names, ["b", "a"]);
    }
}
