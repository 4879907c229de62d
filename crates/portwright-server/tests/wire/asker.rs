//! A source that asks its client, and one whose resource changes.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use portwright_core::protocol::{
    CallToolResult, ContentBlock, ElicitResult, GetPromptResult, JsonObject, Prompt, PromptMessage, ReadResourceResult,
    Resource, ResourceContents, Role, Tool, ToolAnnotations,
};
use portwright_core::{Answer, Context, Health, Question, Refusal, Source, async_trait, limits};
use serde_json::{Value, json};
use tokio::sync::broadcast;

const TOOLS: [&str; 9] = ["name", "trip", "page", "sample", "roots", "drift", "endless", "crowd", "write"];

/// Counts how often it ran.
#[derive(Debug)]
pub(crate) struct Asker {
    runs: AtomicUsize,
    updates: broadcast::Sender<Arc<str>>,
}

impl Default for Asker {
    fn default() -> Self {
        Self { runs: AtomicUsize::new(0), updates: broadcast::Sender::new(16) }
    }
}

impl Asker {
    pub(crate) fn runs(&self) -> usize {
        self.runs.load(Ordering::SeqCst)
    }

    pub(crate) fn update(&self, uri: &str) {
        self.updates.send(uri.into()).expect("somebody listens");
    }
}

pub(crate) fn form(field: &str) -> Value {
    json!({"type": "object", "properties": {field: {"type": "string"}}, "required": [field]})
}

fn entered(answer: &ElicitResult, field: &str) -> String {
    let value = answer.content.as_ref().and_then(|content| content[field].as_str());
    value.map_or_else(|| json!(answer.action).as_str().unwrap_or_default().to_owned(), str::to_owned)
}

#[async_trait]
impl Source for Asker {
    fn tools(&self) -> Vec<Tool> {
        let schema = json!({"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "array"}}});
        let schema = schema.as_object().cloned().unwrap_or_default();
        let tool = |name: &'static str| {
            let mut tool = Tool::new(name, "A tool for tests.", schema.clone());
            tool.annotations = Some(ToolAnnotations::new().read_only(name != "write"));
            tool
        };
        TOOLS.into_iter().map(tool).collect()
    }

    fn resources(&self) -> Vec<Resource> {
        vec![Resource::new("ask://who", "who"), Resource::new("ask://other", "other")]
    }

    fn prompts(&self) -> Vec<Prompt> {
        vec![Prompt::new("greet", Some("Asks whom to greet."), None)]
    }

    async fn call(&self, tool: &str, _: &JsonObject, cx: &Context) -> Result<CallToolResult, Refusal> {
        let run = self.runs.fetch_add(1, Ordering::SeqCst) + 1;
        let client = &cx.downstream;
        let text = match tool {
            "name" | "write" => entered(&client.elicit("name", "Who are you?", form("name")).await?, "name"),
            "trip" => {
                // Remembered once, however often it runs.
                let began = client.recall("began").unwrap_or_else(|| json!(run));
                client.remember("began", began.clone());
                let start = Question::form("From where?", form("city"));
                let questions = vec![("from".to_owned(), start), ("roots".to_owned(), Question::roots())];
                let answers = client.ask(questions).await?;
                let [Answer::Elicited(from), Answer::Roots(roots)] = &answers[..] else {
                    return Err(Refusal::internal("answers out of order"));
                };
                let to = client.elicit("to", "And to where?", form("city")).await?;
                format!("{} to {} with {}, began {began}", entered(from, "city"), entered(&to, "city"), roots.len())
            }
            "page" => {
                let answer = client.elicit_url("login", "Please log in", "https://example.com/login").await?;
                client.concluded("login");
                entered(&answer, "")
            }
            "sample" => client.sample("poem", "A poem, please.", 50).await?.text().unwrap_or_default().to_owned(),
            "roots" => client.roots("roots").await?.into_iter().map(|root| root.uri).collect::<Vec<_>>().join(" "),
            // Never the same question twice.
            "drift" => entered(&client.elicit("drift", &format!("Question {run}"), form("name")).await?, "name"),
            "endless" => {
                for number in 0..=limits::ASKS_OF_CALL_MAX {
                    client.elicit(&format!("question {number}"), "More?", form("name")).await?;
                }
                "enough".to_owned()
            }
            "crowd" => {
                let question = |number| (format!("question {number}"), Question::form("And you?", form("name")));
                let answers = client.ask((0..limits::ASKS_OPEN_MAX).map(question).collect()).await?;
                answers.len().to_string()
            }
            other => return Err(Refusal::not_found("tool", other)),
        };
        Ok(CallToolResult::success(vec![ContentBlock::text(text)]))
    }

    async fn read(&self, uri: &str, cx: &Context) -> Result<ReadResourceResult, Refusal> {
        let answer = cx.downstream.elicit("name", "Who reads?", form("name")).await?;
        Ok(ReadResourceResult::new(vec![ResourceContents::TextResourceContents {
            uri: uri.to_owned(),
            mime_type: None,
            text: entered(&answer, "name"),
            meta: None,
        }]))
    }

    async fn get_prompt(&self, _: &str, _: &JsonObject, cx: &Context) -> Result<GetPromptResult, Refusal> {
        let answer = cx.downstream.elicit("name", "Who is greeted?", form("name")).await?;
        let text = format!("Greet {}.", entered(&answer, "name"));
        Ok(GetPromptResult::new(vec![PromptMessage::new(Role::User, ContentBlock::text(text))]))
    }

    async fn health(&self) -> Health {
        Health::Ready
    }

    fn updates(&self) -> Option<broadcast::Receiver<Arc<str>>> {
        Some(self.updates.subscribe())
    }

    async fn subscribe(&self, uri: &str, _: &Context) -> Result<(), Refusal> {
        if uri == "ask://other" { Err(Refusal::not_found("resource", uri)) } else { Ok(()) }
    }
}
