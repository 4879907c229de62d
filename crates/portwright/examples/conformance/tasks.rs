//! Tools that run as tasks, where their client can follow one.

use std::time::Duration;

use portwright_core::protocol::{CallToolResult, JsonObject, Tool};
use portwright_core::{Context, Question, Refusal, TaskSupport};
use serde_json::{Value, json};

use crate::source::{nothing, text, texts, tool, words};

pub(crate) fn tools() -> Vec<Tool> {
    let slow = json!({"type": "object", "properties": {
        "seconds": {"type": "number", "minimum": 0},
        "label": {"type": "string"}
    }, "required": ["seconds"], "additionalProperties": false});
    vec![
        tool("greet", "Greets at once.", &texts(&["name"])),
        tool("slow_compute", "Computes for so many seconds.", &slow),
        tool("failing_job", "Works for a second and fails.", &nothing()),
        tool("protocol_error_job", "Breaks.", &nothing()),
        tool("confirm_delete", "Asks before it would delete a file.", &texts(&["filename"])),
        tool("multi_input", "Asks two questions at once.", &nothing()),
        tool("test_tool_with_task", "Asks for a name, then works.", &nothing()),
    ]
}

pub(crate) fn support(name: &str) -> TaskSupport {
    match name {
        "slow_compute" | "protocol_error_job" | "confirm_delete" | "multi_input" => TaskSupport::OPTIONAL,
        "failing_job" => TaskSupport::REQUIRED,
        // It asks for the name before there is a task.
        "test_tool_with_task" => TaskSupport::REQUIRED.begun_by_source(),
        _ => TaskSupport::NEVER,
    }
}

pub(crate) async fn call(name: &str, arguments: &JsonObject, cx: &Context) -> Option<Result<CallToolResult, Refusal>> {
    Some(match name {
        "greet" => Ok(words(format!("Hello, {}!", text(arguments, "name")))),
        "slow_compute" => slow_compute(arguments, cx).await,
        "failing_job" => failing_job(cx).await,
        "protocol_error_job" => Err(Refusal::internal("this job always breaks")),
        "confirm_delete" => confirm_delete(text(arguments, "filename"), cx).await,
        "multi_input" => multi_input(cx).await,
        "test_tool_with_task" => greet_later(cx).await,
        _ => return None,
    })
}

/// Works for a while, or until the call is called off.
async fn work(time: Duration, cx: &Context) -> Result<(), Refusal> {
    let worked = cx.cancel.run_until_cancelled(tokio::time::sleep(time)).await;
    worked.ok_or_else(Refusal::cancelled)
}

async fn slow_compute(arguments: &JsonObject, cx: &Context) -> Result<CallToolResult, Refusal> {
    let seconds = arguments.get("seconds").and_then(Value::as_f64).unwrap_or_default();
    let time = Duration::try_from_secs_f64(seconds).map_err(|_| Refusal::invalid("`seconds` is too large"))?;
    cx.downstream.progress(0.0, Some(1.0), Some("computing"));
    work(time, cx).await?;
    Ok(words(format!("computed {} for {seconds} s", text(arguments, "label"))))
}

async fn failing_job(cx: &Context) -> Result<CallToolResult, Refusal> {
    work(Duration::from_secs(1), cx).await?;
    Err(Refusal::failed("this job always fails"))
}

/// A form with room for a name and for a yes.
fn form() -> Value {
    json!({"type": "object", "properties": {"name": {"type": "string"}, "confirm": {"type": "boolean"}}})
}

async fn confirm_delete(file: &str, cx: &Context) -> Result<CallToolResult, Refusal> {
    let answer = cx.downstream.elicit("sure", &format!("Delete {file}?"), form()).await?;
    let confirmed = answer.content.is_some_and(|content| content["confirm"] == true);
    Ok(words(if confirmed { format!("deleted {file}") } else { format!("kept {file}") }))
}

async fn multi_input(cx: &Context) -> Result<CallToolResult, Refusal> {
    let questions = [("name", "What is your name?"), ("sure", "Are you sure?")];
    let questions = questions.map(|(key, message)| (key.to_owned(), Question::form(message, form())));
    let answers = cx.downstream.ask(questions.into()).await?;
    Ok(words(format!("{} answers", answers.len())))
}

async fn greet_later(cx: &Context) -> Result<CallToolResult, Refusal> {
    let answer = cx.downstream.elicit("user_name", "What is your name?", form()).await?;
    let name = answer.content.as_ref().and_then(|content| content["name"].as_str()).unwrap_or("stranger");
    let cx = cx.start_task()?;
    work(Duration::from_millis(200), &cx).await?;
    Ok(words(format!("Hello, {name}!")))
}
