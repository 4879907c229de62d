//! Prompts.

use portwright_core::Refusal;
use portwright_core::protocol::{
    ContentBlock, GetPromptResult, JsonObject, Prompt, PromptArgument, PromptMessage, Role,
};

use crate::content::{PNG, embedded};
use crate::source::text;

pub(crate) fn prompts() -> Vec<Prompt> {
    let argument = |name: &str| PromptArgument::new(name).with_description("An argument.").with_required(true);
    let prompt = |name: &str, arguments| Prompt::new(name, Some("A prompt for tests."), arguments);
    vec![
        prompt("test_simple_prompt", None),
        prompt("test_prompt_with_arguments", Some(vec![argument("arg1"), argument("arg2")])),
        prompt("test_prompt_with_embedded_resource", Some(vec![argument("resourceUri")])),
        prompt("test_prompt_with_image", None),
    ]
}

pub(crate) fn get(name: &str, arguments: &JsonObject) -> Result<GetPromptResult, Refusal> {
    let user = |content| PromptMessage::new(Role::User, content);
    let said = |words: String| user(ContentBlock::text(words));
    let messages = match name {
        "test_simple_prompt" | "test_grown_prompt" => vec![said("This is a simple prompt for testing.".into())],
        "test_prompt_with_arguments" => {
            let (one, two) = (text(arguments, "arg1"), text(arguments, "arg2"));
            vec![said(format!("Prompt with arguments: arg1='{one}', arg2='{two}'"))]
        }
        "test_prompt_with_embedded_resource" => vec![
            user(embedded(text(arguments, "resourceUri"), "text/plain", "Embedded resource content for testing.")),
            said("Please process the embedded resource above.".into()),
        ],
        "test_prompt_with_image" => {
            vec![user(ContentBlock::image(PNG, "image/png")), said("Please analyze the image above.".into())]
        }
        _ => return Err(Refusal::not_found("prompt", name)),
    };
    Ok(GetPromptResult::new(messages))
}
