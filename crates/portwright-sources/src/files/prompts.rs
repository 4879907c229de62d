//! Prompts about folders.

use portwright_core::Refusal;
use portwright_core::protocol::{
    ContentBlock, GetPromptResult, JsonObject, Prompt, PromptArgument, PromptMessage, Role,
};

use super::roots::Folders;
use crate::shared::own::Offer;

const TOUR: &str = "tour_folder";
const ANSWER: &str = "answer_from_files";

/// Those whose tools are offered.
pub(super) fn listed(folders: &Folders, offer: &Offer<Folders>) -> Vec<Prompt> {
    let mut prompts = Vec::new();
    if offer.has("directory_tree") && offer.has("read_text_file") {
        let path = PromptArgument::new("path").with_description("The folder").with_required(folders.roots.len() > 1);
        let about = "What a folder holds, and where to begin reading.";
        prompts.push(Prompt::new(TOUR, Some(about), Some(vec![path])));
    }
    if offer.has("search_files_content") && offer.has("read_text_file") {
        let question = PromptArgument::new("question").with_description("What you want to know").with_required(true);
        let about = "An answer from the files alone, with the places that it rests on.";
        prompts.push(Prompt::new(ANSWER, Some(about), Some(vec![question])));
    }
    prompts
}

pub(super) fn fill_in(
    folders: &Folders,
    offer: &Offer<Folders>,
    name: &str,
    arguments: &JsonObject,
) -> Result<GetPromptResult, Refusal> {
    let prompt = listed(folders, offer).into_iter().find(|prompt| prompt.name == name);
    let prompt = prompt.ok_or_else(|| Refusal::not_found("prompt", name))?;
    let given = |key: &str| arguments.get(key).and_then(|value| value.as_str()).map(str::to_owned);
    let text = if name == TOUR {
        let first = || folders.roots.first().map(|root| root.path.display().to_string()).unwrap_or_default();
        let path = given("path").unwrap_or_else(first);
        format!(
            "Give me a tour of the folder below. Outline it with directory_tree, read what introduces it (a README, an \
             index), then tell in a few sentences what it is for, what its parts are, and which three files to read \
             first.\n\nFolder: {path}"
        )
    } else {
        format!(
            "Answer the question below from the files served here and from nothing else. Search for its words and for \
             others that mean the same with search_files_content, read around what you find, and name the file and line \
             that each statement rests on. Say so if the files do not tell.\n\nQuestion: {}",
            given("question").unwrap_or_default()
        )
    };
    let mut result = GetPromptResult::new(vec![PromptMessage::new(Role::User, ContentBlock::text(text))]);
    result.description = prompt.description;
    Ok(result)
}
