//! The kind as a client meets it: configured from a table, opened on a real server.

use std::sync::Arc;

use portwright_core::protocol::{CallToolResult, ContentBlock, JsonObject};
use portwright_core::{Diagnostic, Refusal, Source, SourceConfig, SourceKind as _, SourceSpec};
use serde_json::{Value, json};

use super::{Fixture, cx};
use crate::postgres::Postgres;

pub(super) fn object(value: Value) -> JsonObject {
    let Value::Object(map) = value else { panic!("an object") };
    map
}

pub(super) fn decode(url: &str, table: Value) -> Result<Box<dyn SourceConfig>, Vec<Diagnostic>> {
    let mut table = object(table);
    table.insert("url".into(), url.into());
    Postgres.decode(SourceSpec {
        name: "shop".into(),
        table,
        tools: Vec::new(),
        resources: Vec::new(),
        base: "/".into(),
    })
}

/// What a configuration is refused for.
pub(super) fn problems(table: Value) -> Vec<String> {
    let found = decode("postgres://u@127.0.0.1:1/d", table).err().unwrap_or_default();
    found.iter().map(|it| format!("{} {}: {}", it.place.as_str(), it.rule, it.message)).collect()
}

impl Fixture {
    pub(super) async fn source(&self, role: &str, table: Value) -> Arc<dyn Source> {
        decode(&self.url(role), table).unwrap().connect().await.unwrap()
    }
}

pub(super) async fn call(source: &Arc<dyn Source>, tool: &str, arguments: Value) -> Result<CallToolResult, Refusal> {
    source.call(tool, &object(arguments), &cx()).await
}

#[track_caller]
pub(super) fn data(result: Result<CallToolResult, Refusal>) -> Value {
    result.unwrap().structured_content.unwrap()
}

#[track_caller]
pub(super) fn text(result: Result<CallToolResult, Refusal>) -> String {
    let result = result.unwrap();
    let ContentBlock::Text(text) = &result.content[0] else { panic!("text") };
    text.text.clone()
}

#[track_caller]
pub(super) fn refused(result: Result<CallToolResult, Refusal>) -> String {
    result.unwrap_err().public().to_owned()
}

pub(super) fn names(source: &Arc<dyn Source>) -> Vec<String> {
    source.tools().iter().map(|tool| tool.name.to_string()).collect()
}

#[test]
fn tools_are_chosen_by_name_and_pattern() {
    assert_eq!(
        problems(json!({"tools": ["list_lcks", "get_*"]})),
        ["/sources/shop/tools/0 unknown-tool: `list_lcks` names none of this source's own tools"]
    );
    assert!(problems(json!({"tools": ["*", "list_locks"]})).is_empty());
}
