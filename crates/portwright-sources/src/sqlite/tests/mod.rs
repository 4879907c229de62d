//! The kind `sqlite` as a client meets it: configured from a table, opened on a real file.

mod attacks;
mod bounds;
mod config;
mod schema;
mod templates;
mod tools;
mod values;
mod writes;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use portwright_core::protocol::{CallToolResult, ContentBlock, JsonObject};
use portwright_core::{
    Context, Declared, Diagnostic, Pointer, Refusal, Source, SourceConfig, SourceKind, SourceSpec, TransportKind,
};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::Sqlite;

const SHOP: &str = "
CREATE TABLE customers (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL, email TEXT UNIQUE, vip BOOLEAN NOT NULL DEFAULT 0,
    tenant TEXT NOT NULL DEFAULT 'a'
);
CREATE TABLE orders (
    id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customers(id), total REAL, placed_at DATE
);
CREATE INDEX orders_by_customer ON orders(customer_id, placed_at);
CREATE VIEW spending AS SELECT customer_id, sum(total) AS spent FROM orders GROUP BY customer_id;
INSERT INTO customers VALUES (1, 'Ada', 'ada@example.com', 1, 'a'), (2, 'Bob', NULL, 0, 'b');
INSERT INTO orders VALUES (1, 1, 10.5, '2026-01-02'), (2, 1, 20, '2026-02-03'), (3, 2, 5, NULL);
";

/// A file with something in it, in a folder of its own.
pub(super) struct Shop {
    pub(super) folder: TempDir,
    pub(super) path: PathBuf,
}

impl Shop {
    pub(super) fn new() -> Self {
        Self::with(SHOP)
    }

    pub(super) fn with(sql: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("shop.db");
        super::create(&path, sql).unwrap();
        Self { folder, path }
    }

    /// The bytes of every file in the folder, by name.
    pub(super) fn bytes(&self) -> Vec<(String, Vec<u8>)> {
        let entry = |entry: std::fs::DirEntry| {
            (entry.file_name().to_string_lossy().into_owned(), std::fs::read(entry.path()).unwrap())
        };
        let mut files: Vec<_> = std::fs::read_dir(self.folder.path()).unwrap().map(|it| entry(it.unwrap())).collect();
        files.sort();
        files
    }

    /// Runs SQL on the file beside the source, as another process would.
    pub(super) fn beside(&self, sql: &str) {
        rusqlite::Connection::open(&self.path).unwrap().execute_batch(sql).unwrap();
    }

    pub(super) fn spec(&self, table: Value, tools: &[(&str, Value)], resources: &[(&str, Value)]) -> SourceSpec {
        let mut table = object(table);
        table.insert("path".into(), "shop.db".into());
        spec(table, tools, resources, self.folder.path())
    }

    pub(super) async fn open(&self, table: Value) -> Arc<dyn Source> {
        self.open_with(table, &[], &[]).await
    }

    pub(super) async fn open_with(
        &self,
        table: Value,
        tools: &[(&str, Value)],
        resources: &[(&str, Value)],
    ) -> Arc<dyn Source> {
        decode(self.spec(table, tools, resources)).unwrap().connect().await.unwrap()
    }
}

pub(super) fn object(value: Value) -> JsonObject {
    let Value::Object(map) = value else { panic!("an object") };
    map
}

pub(super) fn spec(table: JsonObject, tools: &[(&str, Value)], resources: &[(&str, Value)], base: &Path) -> SourceSpec {
    let declared = |root: &str, list: &[(&str, Value)]| {
        let place = Pointer::root().join(root);
        let one = |(name, table): &(&str, Value)| Declared {
            name: (*name).to_owned(),
            table: object(table.clone()),
            place: place.join(name),
        };
        list.iter().map(one).collect()
    };
    SourceSpec {
        name: "shop".into(),
        table,
        tools: declared("tools", tools),
        resources: declared("resources", resources),
        base: base.to_owned(),
    }
}

pub(super) fn decode(spec: SourceSpec) -> Result<Box<dyn SourceConfig>, Vec<Diagnostic>> {
    Sqlite.decode(spec)
}

pub(super) fn cx() -> Context {
    Context::new("test", TransportKind::InProcess)
}

pub(super) async fn sql(source: &Arc<dyn Source>, sql: &str) -> Result<CallToolResult, Refusal> {
    source.call("run_sql_query", &object(json!({"sql": sql})), &cx()).await
}

/// The rows of a statement.
#[track_caller]
pub(super) fn content(result: Result<CallToolResult, Refusal>) -> Value {
    result.unwrap().structured_content.unwrap()
}

#[track_caller]
pub(super) fn text(result: Result<CallToolResult, Refusal>) -> String {
    let result = result.unwrap();
    let ContentBlock::Text(text) = &result.content[0] else { panic!("text") };
    text.text.clone()
}
