//! Summaries of a search that was made before.

use std::sync::Arc;

use portwright_core::{Context, Refusal, limits};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::client::{Api, Query};
use super::plain::{plain, text};
use crate::shared::own::Answer;

#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct Summarize {
    /// `summary_key` of brave_web_search with summary true
    key: String,
    /// Also what it is about
    #[serde(default)]
    entity_info: bool,
    /// Sources inside of the text
    #[serde(default)]
    inline_references: bool,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Summary {
    title: Option<String>,
    text: String,
    followups: Vec<String>,
    sources: Vec<Source>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Source {
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<String>,
    url: String,
}

pub(super) async fn summarize(api: Arc<Api>, wanted: Summarize, cx: Context) -> Result<Answer<Summary>, Refusal> {
    let query = Query::default()
        .with("key", &wanted.key)
        .with_some("entity_info", wanted.entity_info.then_some(1))
        .with_some("inline_references", wanted.inline_references.then_some(true));
    let mut answer = Arc::new(Value::Null);
    for _ in 0..limits::SUMMARY_TRIES {
        answer = api.get("summarizer/search", &query, &cx).await?;
        match answer["status"].as_str() {
            Some("complete") => return Ok(summary(&answer)),
            Some("failed") => {
                return Err(Refusal::failed("Brave Search could not summarize this; read the pages themselves"));
            }
            _ => {}
        }
        let pause = cx.cancel.run_until_cancelled(tokio::time::sleep(limits::SUMMARY_PAUSE)).await;
        pause.ok_or_else(Refusal::cancelled)?;
    }
    drop(answer);
    Err(Refusal::failed("the summary is not ready yet; ask again with the same key in a few seconds"))
}

fn summary(answer: &Value) -> Answer<Summary> {
    let parts = answer["summary"].as_array().into_iter().flatten();
    let words = parts.filter_map(|part| match &part["data"] {
        Value::String(words) => Some(plain(words)),
        Value::Object(entity) => entity.get("name").and_then(Value::as_str).map(plain),
        _ => None,
    });
    let followups = answer["followups"].as_array().into_iter().flatten();
    let sources = answer["enrichments"]["context"].as_array().into_iter().flatten();
    let sources =
        sources.filter_map(|one| Some(Source { title: text(one, "title"), url: one["url"].as_str()?.to_owned() }));
    let summary = Summary {
        title: text(answer, "title"),
        text: words.collect(),
        followups: followups.filter_map(Value::as_str).map(plain).collect(),
        sources: sources.collect(),
    };
    let told = summary.sources.iter().flat_map(|source| ["\n- ", &source.url]).collect::<String>();
    let text = format!("{}{told}", summary.text);
    Answer::told(summary, text)
}
