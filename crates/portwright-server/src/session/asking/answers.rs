//! Questions as they go over the wire, and what comes back held against what was asked.

use portwright_core::protocol::{ElicitResult, ElicitationAction, JsonObject, ProtocolVersion};
use portwright_core::{Answer, Question, QuestionKind, Refusal, Root, Sampled};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::guard::validate;

/// A question's parameters in the words of a revision. A page has an id of its own in the one that asks for it.
pub(super) fn params(question: &Question, protocol: &ProtocolVersion, page: Option<&str>) -> JsonObject {
    let mut params = question.params().clone();
    params.remove("mode");
    params.remove("elicitationId");
    let url = question.kind() == QuestionKind::Url;
    if url {
        params.insert("mode".to_owned(), "url".into());
    } else if question.kind() == QuestionKind::Form && protocol.as_str() >= "2025-11-25" {
        params.insert("mode".to_owned(), "form".into());
    }
    if let Some(page) = page.filter(|_| url) {
        params.insert("elicitationId".to_owned(), page.into());
    }
    params
}

/// Reads an answer. A refusal of kind `Failed` says that it does not fit its question.
pub(in crate::session) fn read(question: &Question, raw: &RawValue) -> Result<Answer, Refusal> {
    let unfit = |_| Refusal::failed("the client's answer can't be read");
    match question.kind() {
        QuestionKind::Sample => {
            let sampled: JsonObject = serde_json::from_str(raw.get()).map_err(unfit)?;
            let content = sampled.get("content").is_some_and(|content| content.is_object() || content.is_array());
            if content && sampled.get("role").is_some_and(Value::is_string) {
                Ok(Answer::Sampled(Sampled(sampled)))
            } else {
                Err(Refusal::failed("the client's answer holds no message of its model"))
            }
        }
        QuestionKind::Roots => {
            #[derive(Deserialize)]
            struct Roots {
                roots: Vec<Root>,
            }
            serde_json::from_str::<Roots>(raw.get()).map(|answer| Answer::Roots(answer.roots)).map_err(unfit)
        }
        kind => {
            let mut result: ElicitResult = serde_json::from_str(raw.get()).map_err(unfit)?;
            if kind == QuestionKind::Form && result.action == ElicitationAction::Accept {
                entered(question, result.content.as_ref())?;
            } else {
                result.content = None;
            }
            Ok(Answer::Elicited(result))
        }
    }
}

/// What a person entered must fit the form: the client was asked to see to it, and is not taken at its word.
fn entered(question: &Question, content: Option<&Value>) -> Result<(), Refusal> {
    let schema = question.params().get("requestedSchema").and_then(Value::as_object);
    let schema = schema.ok_or_else(|| Refusal::internal("a form without a schema"))?;
    let nothing = JsonObject::new();
    let content = match content {
        // A form without fields is filled in by accepting it.
        None if schema.get("properties").and_then(Value::as_object).is_some_and(JsonObject::is_empty) => Some(&nothing),
        content => content.and_then(Value::as_object),
    };
    let content = content.ok_or_else(|| Refusal::failed("the client's answer holds nothing that was entered"))?;
    let form = validate::compile(schema).map_err(Refusal::internal)?;
    form.check(content)
        .map_err(|refusal| Refusal::failed(format!("what was entered does not fit the form: {}", refusal.public())))
}
