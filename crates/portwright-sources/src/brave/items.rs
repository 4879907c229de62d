//! What searches find, in the few words that a model needs; the same as text.

use portwright_core::Context;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use std::fmt::Write as _;

use super::api::Api;
use super::text::{address, text, texts};

/// A page, or something like one.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(super) struct Item {
    pub(super) title: String,
    pub(super) url: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) age: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) source: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) extra_snippets: Option<Vec<String>>,
}

/// Extra snippets of one result, as many as the service says it sends.
const SNIPPETS_MAX: usize = 5;

impl Item {
    /// None where there is no address: what can't be opened or cited is no result.
    pub(super) fn of(value: &Value) -> Option<Self> {
        let url = address(value, "/url")?;
        Some(Self {
            title: text(value, "/title").or_else(|| text(value, "/question")).unwrap_or_else(|| url.clone()),
            description: text(value, "/description").or_else(|| text(value, "/answer")),
            age: text(value, "/age").or_else(|| text(value, "/page_age")),
            source: None,
            extra_snippets: texts(value, "/extra_snippets", SNIPPETS_MAX),
            url,
        })
    }
}

/// Something that is told as a paragraph.
pub(super) trait Told {
    fn told(&self) -> String;
}

impl Told for Item {
    fn told(&self) -> String {
        let mut told = format!("{}\n{}", self.title, self.url);
        let about = [self.source.as_deref(), self.age.as_deref()];
        let about: Vec<_> = about.into_iter().flatten().collect();
        if !about.is_empty() {
            let _ = write!(told, "\n({})", about.join(", "));
        }
        for line in self.description.iter().chain(self.extra_snippets.iter().flatten()) {
            told.push('\n');
            told.push_str(line);
        }
        told
    }
}

/// As many of them as fit into the bytes, and whether that is not all.
pub(super) fn fitting<T: Serialize>(items: impl Iterator<Item = T>, bytes_max: usize, cx: &Context) -> (Vec<T>, bool) {
    let (mut kept, mut bytes) = (Vec::new(), 0);
    for item in items {
        bytes += serde_json::to_vec(&item).map_or(bytes_max, |json| json.len());
        if bytes > bytes_max {
            cx.note(|trail| trail.truncated = true);
            return (kept, true);
        }
        kept.push(item);
    }
    (kept, false)
}

/// The same within the bounds of a search's result.
pub(super) fn fitting_search<T: Serialize>(items: impl Iterator<Item = T>, api: &Api, cx: &Context) -> (Vec<T>, bool) {
    fitting(items, api.bytes_max, cx)
}

/// What is said of a result that was cut or is empty.
pub(super) fn note(empty: bool, cut: bool) -> Option<String> {
    match (empty, cut) {
        (_, true) => Some("not all fitted; ask for a smaller count".to_owned()),
        (true, false) => Some("nothing found; try other or fewer words".to_owned()),
        _ => None,
    }
}

/// All of it, for reading.
pub(super) fn told<T: Told>(items: &[T], note: Option<&str>, next: Option<u32>) -> String {
    let mut paragraphs: Vec<_> =
        items.iter().enumerate().map(|(index, item)| format!("{}. {}", index + 1, item.told())).collect();
    paragraphs.extend(note.map(str::to_owned));
    paragraphs.extend(next.map(|next| format!("More: offset {next}")));
    paragraphs.join("\n\n")
}
