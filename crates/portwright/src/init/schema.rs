//! The live schema of a database, as its source tells it to every client: `db://NAME/schema`.

use portwright_core::protocol::ResourceContents;
use portwright_core::{Context, Refusal, Source, TransportKind};
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// Tables whose columns are asked for one by one, where the whole schema is too long to be told at once.
const ASKED_ONE_BY_ONE: usize = 40;

/// A database's tables.
#[derive(Debug, Deserialize)]
pub(super) struct Schema {
    /// `PostgreSQL`, `SQLite`, `MySQL`.
    pub(super) database: String,
    #[serde(rename = "default_schema")]
    pub(super) home: String,
    pub(super) tables: Vec<Table>,
    #[serde(default)]
    pub(super) truncated: bool,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Table {
    pub(super) schema: String,
    pub(super) name: String,
    pub(super) kind: String,
    #[serde(default)]
    pub(super) rows_estimate: Option<u64>,
    #[serde(default)]
    pub(super) columns: Vec<Column>,
    #[serde(default)]
    pub(super) primary_key: Vec<String>,
    #[serde(default)]
    pub(super) foreign_keys: Vec<ForeignKey>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Column {
    pub(super) name: String,
    #[serde(rename = "type")]
    pub(super) type_name: String,
    #[serde(default, rename = "enum")]
    pub(super) values: Vec<String>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct ForeignKey {
    pub(super) columns: Vec<String>,
    /// A table, with its schema where it is another.
    pub(super) references: String,
    #[serde(default)]
    pub(super) referenced_columns: Vec<String>,
}

/// Asks an open source for its schema.
pub(super) async fn read(source: &dyn Source, name: &str) -> Result<Schema, Refusal> {
    let mut schema: Schema = one(source, &format!("db://{name}/schema")).await?;
    let bare = schema.tables.iter_mut().filter(|table| table.columns.is_empty());
    for table in bare.take(ASKED_ONE_BY_ONE) {
        let path = format!("{}.{}", table.schema, table.name);
        let written: String = url_encoded(&path);
        if let Ok(whole) = one(source, &format!("db://{name}/schema/{written}")).await {
            *table = whole;
        }
    }
    Ok(schema)
}

async fn one<T: DeserializeOwned>(source: &dyn Source, uri: &str) -> Result<T, Refusal> {
    let cx = Context::new("init", TransportKind::InProcess);
    let told = source.read(uri, &cx).await?;
    let text = told.contents.into_iter().find_map(|contents| match contents {
        ResourceContents::TextResourceContents { text, .. } => Some(text),
        _ => None,
    });
    serde_json::from_str(&text.unwrap_or_default()).map_err(Refusal::internal)
}

fn url_encoded(text: &str) -> String {
    use std::fmt::Write as _;
    text.bytes().fold(String::new(), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
        out
    })
}
