//! SQLite as a source.

use portwright_core::{Diagnostic, SourceConfig, SourceKind, SourceSpec};
use schemars::{Schema, SchemaGenerator};

/// The kind `sqlite`.
#[derive(Debug, Clone, Copy)]
pub struct Sqlite;

impl SourceKind for Sqlite {
    fn name(&self) -> &'static str {
        "sqlite"
    }

    fn summary(&self) -> &'static str {
        "SQLite"
    }

    fn schema(&self, _: &mut SchemaGenerator) -> Schema {
        Schema::default()
    }

    fn decode(&self, spec: SourceSpec) -> Result<Box<dyn SourceConfig>, Vec<Diagnostic>> {
        Err(vec![Diagnostic::error(spec.place(), "kind", "not yet")])
    }
}
