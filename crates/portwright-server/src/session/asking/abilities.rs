//! What a client answers: its capabilities, as far as its protocol revision knows them.

use portwright_core::protocol::ProtocolVersion;
use portwright_core::{Question, QuestionKind, Refusal};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

/// Which questions a client answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is a capability of its own")]
pub(crate) struct Abilities {
    form: bool,
    url: bool,
    sampling: bool,
    /// Sampling whose model may call tools.
    tools: bool,
    roots: bool,
}

#[derive(Deserialize, Default)]
struct Declared<'a> {
    #[serde(borrow)]
    elicitation: Option<&'a RawValue>,
    #[serde(borrow)]
    sampling: Option<&'a RawValue>,
    #[serde(borrow)]
    roots: Option<&'a RawValue>,
}

#[derive(Deserialize, Default)]
struct Modes<'a> {
    #[serde(borrow)]
    form: Option<&'a RawValue>,
    #[serde(borrow)]
    url: Option<&'a RawValue>,
    #[serde(borrow)]
    tools: Option<&'a RawValue>,
}

fn is_object(raw: Option<&RawValue>) -> bool {
    raw.is_some_and(|raw| raw.get().starts_with('{'))
}

fn modes(raw: Option<&RawValue>) -> Option<Modes<'_>> {
    raw.filter(|raw| is_object(Some(raw))).and_then(|raw| serde_json::from_str(raw.get()).ok())
}

impl Abilities {
    /// Reads declared capabilities. What can't be read, or what the revision does not know, is not declared.
    pub(crate) fn read(capabilities: Option<&RawValue>, protocol: &ProtocolVersion) -> Self {
        let since = |revision: &str| protocol.as_str() >= revision;
        let declared = capabilities.filter(|raw| is_object(Some(raw)));
        let declared: Declared<'_> = declared.and_then(|raw| serde_json::from_str(raw.get()).ok()).unwrap_or_default();
        let mut abilities = Self { roots: is_object(declared.roots), ..Self::default() };
        if let Some(modes) = modes(declared.elicitation) {
            let (form, url) = (is_object(modes.form), is_object(modes.url));
            // Nothing said means forms, which were all there was.
            abilities.form = since("2025-06-18") && (form || !url);
            abilities.url = since("2025-11-25") && url;
        }
        if let Some(modes) = modes(declared.sampling) {
            abilities.sampling = true;
            abilities.tools = since("2025-11-25") && is_object(modes.tools);
        }
        abilities
    }

    pub(crate) fn any(self) -> bool {
        self.form || self.url || self.sampling || self.roots
    }

    pub(crate) fn answers(self, kind: QuestionKind) -> bool {
        match kind {
            QuestionKind::Form => self.form,
            QuestionKind::Url => self.url,
            QuestionKind::Sample => self.sampling,
            QuestionKind::Roots => self.roots,
            _ => false,
        }
    }

    /// Refuses a question that the client can't answer.
    pub(super) fn check(self, question: &Question) -> Result<(), Refusal> {
        let kind = question.kind();
        let wants_tools = ["tools", "toolChoice"].iter().any(|key| question.params().contains_key(*key));
        if self.answers(kind) && (kind != QuestionKind::Sample || self.tools || !wants_tools) {
            return Ok(());
        }
        let (what, needs) = lacking(kind, wants_tools);
        let words = format!("this client can't {what}; give the answer as an argument if the tool takes one");
        Err(Refusal::incapable(words, needs))
    }
}

fn lacking(kind: QuestionKind, wants_tools: bool) -> (&'static str, Value) {
    match kind {
        QuestionKind::Form => ("show a form to a person", json!({"elicitation": {"form": {}}})),
        QuestionKind::Url => ("send a person to a web page", json!({"elicitation": {"url": {}}})),
        QuestionKind::Sample if wants_tools => {
            ("have its model write a message with tools", json!({"sampling": {"tools": {}}}))
        }
        QuestionKind::Sample => ("have its model write a message", json!({"sampling": {}})),
        QuestionKind::Roots => ("tell its folders", json!({"roots": {}})),
        _ => ("answer this kind of question", json!({})),
    }
}
