//! Prompts for searches.

use portwright_core::Refusal;
use portwright_core::protocol::{
    ContentBlock, GetPromptResult, JsonObject, Prompt, PromptArgument, PromptMessage, Role,
};

use super::client::Api;
use crate::shared::own::Offer;

const RESEARCH: &str = "research";
const NEARBY: &str = "recommend_nearby";

/// Those whose tools are offered.
pub(super) fn listed(offer: &Offer<Api>) -> Vec<Prompt> {
    let argument = |name: &str, about: &str| PromptArgument::new(name).with_description(about).with_required(true);
    let mut prompts = Vec::new();
    if offer.has("brave_web_search") {
        let arguments = vec![argument("question", "What you want to know")];
        prompts.push(Prompt::new(
            RESEARCH,
            Some("An answer from the Web, each statement with its source."),
            Some(arguments),
        ));
    }
    if offer.has("brave_local_search") {
        let arguments = vec![argument("what", "What you look for"), argument("where", "Where")];
        prompts.push(Prompt::new(NEARBY, Some("Three places nearby, with reasons."), Some(arguments)));
    }
    prompts
}

pub(super) fn fill_in(offer: &Offer<Api>, name: &str, arguments: &JsonObject) -> Result<GetPromptResult, Refusal> {
    let prompt = listed(offer).into_iter().find(|prompt| prompt.name == name);
    let prompt = prompt.ok_or_else(|| Refusal::not_found("prompt", name))?;
    let given = |key: &str| arguments.get(key).and_then(|value| value.as_str()).unwrap_or_default();
    let text = if name == RESEARCH {
        format!(
            "Find out what is asked below. Search with brave_web_search, in several wordings if the first finds little, \
             and prefer sources that know it at first hand. Answer in a few sentences, name the URL behind each \
             statement and its date where that matters, and say what you could not find.\n\nQuestion: {}",
            given("question")
        )
    } else {
        format!(
            "Recommend three places for what is asked below. Search with brave_local_search, compare ratings, hours and \
             distance, and give name, address, phone and one reason each. Say so if fewer are worth it.\n\nWhat: {}\nWhere: {}",
            given("what"),
            given("where")
        )
    };
    let mut result = GetPromptResult::new(vec![PromptMessage::new(Role::User, ContentBlock::text(text))]);
    result.description = prompt.description;
    Ok(result)
}
