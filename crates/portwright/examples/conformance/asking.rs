//! Tools that ask their client: one code for both eras.

use portwright_core::protocol::{
    CallToolResult, ContentBlock, ElicitResult, JsonObject, Prompt, PromptMessage, Role, Tool,
};
use portwright_core::{Answer, Context, Question, QuestionKind, Refusal};
use serde_json::{Value, json};

fn tool(name: &'static str, description: &'static str, schema: &Value) -> Tool {
    Tool::new(name, description, schema.as_object().cloned().unwrap_or_default())
}

pub(crate) fn tools() -> Vec<Tool> {
    let none = json!({"type": "object", "additionalProperties": false});
    let text = |name: &str| json!({"type": "object", "properties": {name: {"type": "string"}}, "required": [name], "additionalProperties": false});
    vec![
        tool("test_sampling", "Has the client's model answer.", &text("prompt")),
        tool("test_elicitation", "Has a person fill in a form.", &text("message")),
        tool("test_elicitation_sep1034_defaults", "Shows a form with defaults.", &none),
        tool("test_elicitation_sep1330_enums", "Shows a form with every kind of choice.", &none),
        tool("test_missing_capability", "Needs a client that samples.", &none),
        tool("test_streaming_elicitation", "Tells of its progress and asks.", &none),
        tool("test_input_required_result_elicitation", "Asks for a name.", &none),
        tool("test_input_required_result_sampling", "Asks the client's model.", &none),
        tool("test_input_required_result_list_roots", "Asks for the client's folders.", &none),
        tool("test_input_required_result_request_state", "Remembers something while it asks.", &none),
        tool("test_input_required_result_multiple_inputs", "Asks three questions at once.", &none),
        tool("test_input_required_result_multi_round", "Asks one question after the other.", &none),
        tool("test_input_required_result_tampered_state", "Asks for a confirmation.", &none),
        tool("test_input_required_result_capabilities", "Asks what the client can answer.", &none),
    ]
}

pub(crate) fn prompt() -> Prompt {
    Prompt::new("test_input_required_result_prompt", Some("Asks for its context."), None)
}

pub(crate) async fn get_prompt(cx: &Context) -> Result<Vec<PromptMessage>, Refusal> {
    let answer = cx.downstream.elicit("user_context", "What context should the prompt use?", one("context", "string"));
    let context = entered(&answer.await?, "context");
    Ok(vec![PromptMessage::new(Role::User, ContentBlock::text(format!("Answer in this context: {context}")))])
}

/// A form with one field that must be filled in.
fn one(name: &str, kind: &str) -> Value {
    json!({"type": "object", "properties": {name: {"type": kind}}, "required": [name]})
}

fn entered(answer: &ElicitResult, field: &str) -> String {
    let value = answer.content.as_ref().and_then(|content| content.get(field));
    value.map_or_else(String::new, |value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
}

fn words(text: impl Into<String>) -> CallToolResult {
    CallToolResult::success(vec![ContentBlock::text(text)])
}

fn said(answer: &ElicitResult) -> String {
    let (action, content) = (json!(answer.action), json!(answer.content));
    format!("action={}, content={content}", action.as_str().unwrap_or_default())
}

/// Calls one of [`tools`].
pub(crate) async fn call(name: &str, arguments: &JsonObject, cx: &Context) -> Result<CallToolResult, Refusal> {
    let client = &cx.downstream;
    let argument = |name: &str| arguments.get(name).and_then(Value::as_str).unwrap_or_default();
    Ok(match name {
        "test_sampling" => {
            let sampled = client.sample("answer", argument("prompt"), 100).await?;
            words(format!("LLM response: {}", sampled.text().unwrap_or_default()))
        }
        "test_elicitation" => {
            let schema = json!({"type": "object", "properties": {
                "username": {"type": "string", "description": "User's response"},
                "email": {"type": "string", "description": "User's email address"}
            }, "required": ["username", "email"]});
            let answer = client.elicit("person", argument("message"), schema).await?;
            words(format!("User response: {}", said(&answer)))
        }
        "test_elicitation_sep1034_defaults" => {
            let answer = client.elicit("defaults", "Please check these values", defaults()).await?;
            words(format!("Elicitation completed: {}", said(&answer)))
        }
        "test_elicitation_sep1330_enums" => {
            let answer = client.elicit("choices", "Please choose", choices()).await?;
            words(format!("Elicitation completed: {}", said(&answer)))
        }
        "test_missing_capability" | "test_input_required_result_sampling" => {
            let sampled = client.sample("capital_question", "What is the capital of France?", 100).await?;
            words(format!("The model says: {}", sampled.text().unwrap_or_default()))
        }
        "test_streaming_elicitation" => {
            client.progress(1.0, Some(2.0), Some("asking"));
            let answer = client.elicit("go_on", "Shall it go on?", one("ok", "boolean")).await?;
            words(said(&answer))
        }
        "test_input_required_result_elicitation" => {
            let answer = client.elicit("user_name", "What is your name?", one("name", "string")).await?;
            words(format!("Hello, {}!", entered(&answer, "name")))
        }
        "test_input_required_result_list_roots" => {
            let roots = client.roots("client_roots").await?;
            let uris: Vec<_> = roots.into_iter().map(|root| root.uri).collect();
            words(format!("Roots: {}", uris.join(", ")))
        }
        "test_input_required_result_request_state" => remembering(cx).await?,
        "test_input_required_result_tampered_state" => {
            let answer = client.elicit("confirm", "Please confirm", one("ok", "boolean")).await?;
            words(format!("confirmed: {}", entered(&answer, "ok")))
        }
        "test_input_required_result_multiple_inputs" => several(cx).await?,
        "test_input_required_result_multi_round" => {
            let name = client.elicit("step1", "What is your name?", one("name", "string")).await?;
            let color = client.elicit("step2", "What is your favorite color?", one("color", "string")).await?;
            words(format!("{} likes {}", entered(&name, "name"), entered(&color, "color")))
        }
        "test_input_required_result_capabilities" => able(cx).await?,
        _ => return Err(Refusal::not_found("tool", name)),
    })
}

/// What it remembers before it asks is there when it runs again.
async fn remembering(cx: &Context) -> Result<CallToolResult, Refusal> {
    let first = cx.downstream.recall("first_run").is_none();
    if first {
        cx.downstream.remember("first_run", json!(&*cx.request));
    }
    let answer = cx.downstream.elicit("confirm", "Please confirm", one("ok", "boolean")).await?;
    let state = if first { "no state" } else { "state-ok" };
    Ok(words(format!("{state}, confirmed: {}", entered(&answer, "ok"))))
}

/// Three questions that do not depend on each other go together.
async fn several(cx: &Context) -> Result<CallToolResult, Refusal> {
    let questions = [
        ("user_name", Question::form("What is your name?", one("name", "string"))),
        ("greeting", Question::sample("Write a short greeting.", 50)),
        ("client_roots", Question::roots()),
    ];
    let answers = cx.downstream.ask(questions.map(|(key, question)| (key.to_owned(), question)).into()).await?;
    let told = answers.iter().map(|answer| match answer {
        Answer::Elicited(answer) => entered(answer, "name"),
        Answer::Sampled(sampled) => sampled.text().unwrap_or_default().to_owned(),
        Answer::Roots(roots) => format!("{} roots", roots.len()),
        _ => String::new(),
    });
    Ok(words(told.collect::<Vec<_>>().join(", ")))
}

/// Asks only what the client can answer.
async fn able(cx: &Context) -> Result<CallToolResult, Refusal> {
    let questions = [
        ("user_name", Question::form("What is your name?", one("name", "string"))),
        ("greeting", Question::sample("Write a short greeting.", 50)),
        ("client_roots", Question::roots()),
    ];
    let able = |kind: QuestionKind| cx.downstream.answers(kind);
    let questions = questions.into_iter().filter(|(_, question)| able(question.kind()));
    let questions: Vec<_> = questions.map(|(key, question)| (key.to_owned(), question)).collect();
    if questions.is_empty() {
        return Ok(words("this client answers nothing"));
    }
    Ok(words(format!("{} answers", cx.downstream.ask(questions).await?.len())))
}

fn defaults() -> Value {
    json!({"type": "object", "properties": {
        "name": {"type": "string", "default": "John Doe"},
        "age": {"type": "integer", "default": 30},
        "score": {"type": "number", "default": 95.5},
        "status": {"type": "string", "enum": ["active", "inactive", "pending"], "default": "active"},
        "verified": {"type": "boolean", "default": true}
    }, "required": []})
}

fn choices() -> Value {
    let titled = |names: [&str; 3]| {
        let choice = |at: usize| json!({"const": format!("value{}", at + 1), "title": names[at]});
        json!([choice(0), choice(1), choice(2)])
    };
    json!({"type": "object", "properties": {
        "untitledSingle": {"type": "string", "enum": ["option1", "option2", "option3"]},
        "titledSingle": {"type": "string", "oneOf": titled(["First Option", "Second Option", "Third Option"])},
        "legacyEnum": {
            "type": "string", "enum": ["opt1", "opt2", "opt3"],
            "enumNames": ["Option One", "Option Two", "Option Three"]
        },
        "untitledMulti": {
            "type": "array", "minItems": 1, "maxItems": 3,
            "items": {"type": "string", "enum": ["option1", "option2", "option3"]}
        },
        "titledMulti": {
            "type": "array", "minItems": 1, "maxItems": 3,
            "items": {"anyOf": titled(["First Choice", "Second Choice", "Third Choice"])}
        }
    }, "required": []})
}
