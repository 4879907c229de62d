//! Tools that run as tasks, where their client can follow one.

use std::time::Duration;

use portwright_core::protocol::{CallToolResult, ElicitRequestParams, JsonObject, Tool};
use portwright_core::{Context, Refusal, TaskSupport};
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

/// What the client answers to a question of one value; none if it declines.
async fn ask(message: &str, name: &str, kind: &str, cx: &Context) -> Result<Option<Value>, Refusal> {
    let schema = json!({"type": "object", "properties": {name: {"type": kind}}, "required": [name]});
    let question = json!({"mode": "form", "message": message, "requestedSchema": schema});
    let question: ElicitRequestParams = serde_json::from_value(question).map_err(Refusal::internal)?;
    Ok(cx.downstream.elicit(question).await?.content.and_then(|content| content.get(name).cloned()))
}

async fn confirm_delete(file: &str, cx: &Context) -> Result<CallToolResult, Refusal> {
    let confirmed = ask(&format!("Delete {file}?"), "confirm", "boolean", cx).await?;
    Ok(words(if confirmed == Some(true.into()) { format!("deleted {file}") } else { format!("kept {file}") }))
}

async fn multi_input(cx: &Context) -> Result<CallToolResult, Refusal> {
    let name = ask("What is your name?", "name", "string", cx);
    let sure = ask("Are you sure?", "confirm", "boolean", cx);
    let (name, sure) = tokio::try_join!(name, sure)?;
    Ok(words(format!("name {name:?}, sure {sure:?}")))
}

async fn greet_later(cx: &Context) -> Result<CallToolResult, Refusal> {
    let name = ask("What is your name?", "name", "string", cx).await?;
    let cx = cx.start_task()?;
    work(Duration::from_millis(200), &cx).await?;
    Ok(words(format!("Hello, {}!", name.as_ref().and_then(Value::as_str).unwrap_or("stranger"))))
}
