//! The source as the server sees it: what it lists, and that it keeps the contract.

mod prompts;
mod resources;
mod wrong;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use portwright_core::protocol::{
    ArgumentInfo, CompletionContext, CompletionInfo, GetPromptResult, JsonObject, ReadResourceResult, ResourceContents,
};
use portwright_core::testing::{Contract, context};
use portwright_core::{Context, Declared, Diagnostic, Pointer, ReadResource, Refusal, Source, async_trait};
use serde_json::{Value, json};

use super::decode;

/// Entries as the configuration hands them over.
fn declared(section: &str, tables: Value) -> Vec<Declared> {
    let Value::Object(tables) = tables else { panic!("tables by name") };
    tables
        .into_iter()
        .map(|(name, table)| Declared { table: object(table), place: Pointer::root().join(section).join(&name), name })
        .collect()
}

fn object(value: Value) -> JsonObject {
    match value {
        Value::Object(object) => object,
        other => panic!("{other} is not an object"),
    }
}

async fn source(resources: Value, prompts: Value, base: &Path) -> Arc<dyn Source> {
    let decoded = decode(declared("resources", resources), declared("prompts", prompts), base.to_owned());
    decoded.unwrap().unwrap().connect().await.unwrap()
}

async fn prompt(table: Value) -> Arc<dyn Source> {
    source(json!({}), json!({ "p": table }), Path::new("/")).await
}

fn problems(resources: Value, prompts: Value) -> Vec<Diagnostic> {
    decode(declared("resources", resources), declared("prompts", prompts), "/".into()).err().unwrap_or_default()
}

/// Resources of the rest of the server, and who asked for which.
#[derive(Debug, Default)]
struct Shelves {
    texts: BTreeMap<String, String>,
    asked: Mutex<Vec<String>>,
}

#[async_trait]
impl ReadResource for Shelves {
    async fn read(&self, uri: &str, _: &Context) -> Result<ReadResourceResult, Refusal> {
        self.asked.lock().unwrap().push(uri.to_owned());
        if uri == "test://binary" {
            return Ok(ReadResourceResult::new(vec![ResourceContents::blob("AAEC", uri)]));
        }
        let text = self.texts.get(uri).ok_or_else(|| Refusal::not_found("resource", uri))?;
        Ok(ReadResourceResult::new(vec![ResourceContents::text(text, uri)]))
    }

    async fn complete(
        &self,
        uri: &str,
        variable: &ArgumentInfo,
        _: Option<&CompletionContext>,
        _: &Context,
    ) -> Result<CompletionInfo, Refusal> {
        self.asked.lock().unwrap().push(format!("{uri} {}={}", variable.name, variable.value));
        let values = self.texts.get(uri).ok_or_else(|| Refusal::not_found("resource", uri))?;
        CompletionInfo::with_pagination(values.split(' ').map(str::to_owned).collect(), Some(2), false)
            .map_err(Refusal::internal)
    }
}

/// A context whose caller can read these.
fn beside(texts: &[(&str, &str)]) -> (Context, Arc<Shelves>) {
    let texts = texts.iter().map(|(uri, text)| ((*uri).to_owned(), (*text).to_owned())).collect();
    let shelves = Arc::new(Shelves { texts, asked: Mutex::default() });
    let mut cx = context();
    cx.resources = Some(shelves.clone());
    (cx, shelves)
}

/// The messages as they go over the wire.
fn messages(result: &GetPromptResult) -> Vec<Value> {
    match serde_json::to_value(&result.messages).unwrap() {
        Value::Array(messages) => messages,
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn the_contract_holds() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("rules.md"), "# Rules").unwrap();
    let source = source(
        json!({
            "docs://shop/notes": {"text": "Closed on Sundays."},
            "docs://shop/rules": {"file": "rules.md", "title": "Rules"},
        }),
        json!({
            "greet": {
                "description": "Greets.",
                "arguments": {"name": {"values": ["Ada", "Grace"]}},
                "template": "Hello {{ name }}",
            },
        }),
        folder.path(),
    )
    .await;
    assert_eq!(Contract::of(source).check().await, []);
}

#[tokio::test]
async fn nothing_declared_is_no_source() {
    assert!(decode(Vec::new(), Vec::new(), "/".into()).unwrap().is_none());
}

#[test]
fn schemas_take_no_unknown_key() {
    let mut generator = schemars::SchemaGenerator::default();
    for schema in [super::resource_schema(&mut generator), super::prompt_schema(&mut generator)] {
        assert_eq!(schema.get("additionalProperties"), Some(&json!(false)));
        for (key, own) in schema.get("properties").and_then(Value::as_object).unwrap() {
            let described = own.get("description").is_some() || own.get("$ref").is_some() || own.get("allOf").is_some();
            assert!(described, "{key} is not described");
        }
    }
}
