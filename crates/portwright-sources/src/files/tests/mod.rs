//! The source as its callers know it.

mod fence;
mod likeness;
mod offer;
mod reading;
mod searching;
mod watching;
mod writing;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use portwright_core::protocol::{CallToolResult, JsonObject};
use portwright_core::{Context, Diagnostic, Refusal, Source, SourceKind, SourceSpec, TransportKind};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::Files;

/// A folder `top` with something in it, and things beside it that nobody may reach.
struct Place {
    temp: TempDir,
    root: PathBuf,
}

impl Place {
    fn new() -> Self {
        let temp = tempfile::tempdir().expect("a folder");
        let root = temp.path().join("top");
        fs::create_dir(&root).expect("a folder");
        fs::write(temp.path().join("secret.txt"), "the crown jewels").expect("a file");
        fs::create_dir(temp.path().join("top-evil")).expect("a folder");
        fs::write(temp.path().join("top-evil/secret.txt"), "the crown jewels").expect("a file");
        Self { temp, root }
    }

    fn write(&self, name: &str, contents: impl AsRef<[u8]>) -> PathBuf {
        let path = self.root.join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
        fs::write(&path, contents).expect("a file");
        path
    }

    fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.root.join(name)).expect("a file")
    }

    fn path(&self, name: &str) -> String {
        self.root.join(name).display().to_string()
    }

    fn outside(&self) -> &Path {
        self.temp.path()
    }

    /// Opens it with more keys of its table.
    async fn open(&self, keys: Value) -> Arc<dyn Source> {
        let mut table = json!({"roots": [self.root]}).as_object().cloned().expect("an object");
        table.extend(keys.as_object().cloned().expect("an object"));
        decode(table).expect("a plan").connect().await.expect("open folders")
    }

    async fn writable(&self) -> Arc<dyn Source> {
        self.open(json!({"access": "read-write"})).await
    }
}

fn decode(table: JsonObject) -> Result<Box<dyn portwright_core::SourceConfig>, Vec<Diagnostic>> {
    let base = std::env::temp_dir();
    Files.decode(SourceSpec { name: "docs".into(), table, tools: Vec::new(), resources: Vec::new(), base })
}

fn context() -> Context {
    Context::new("r-1", TransportKind::InProcess)
}

async fn call(source: &Arc<dyn Source>, tool: &str, arguments: Value) -> Result<CallToolResult, Refusal> {
    source.call(tool, arguments.as_object().expect("an object"), &context()).await
}

/// What a tool answers with.
async fn data(source: &Arc<dyn Source>, tool: &str, arguments: Value) -> Value {
    let result = call(source, tool, arguments.clone()).await;
    let result = result.unwrap_or_else(|refusal| panic!("{tool} {arguments}: {refusal}"));
    result.structured_content.expect("data")
}

/// What a tool says no with.
async fn refused(source: &Arc<dyn Source>, tool: &str, arguments: Value) -> String {
    match call(source, tool, arguments.clone()).await {
        Err(refusal) => refusal.public().to_owned(),
        Ok(result) => panic!("{tool} {arguments} was answered: {result:?}"),
    }
}

fn text(result: &CallToolResult) -> &str {
    result.content[0].as_text().map(|text| text.text.as_str()).expect("a text")
}
