//! PostgreSQL as a source.

mod guard;
mod types;

pub(crate) use crate::shared::sql::Access;
use portwright_core::{Diagnostic, SourceConfig, SourceKind, SourceSpec};
use schemars::{Schema, SchemaGenerator};

/// The kind `postgres`.
#[derive(Debug, Clone, Copy)]
pub struct Postgres;

impl SourceKind for Postgres {
    fn name(&self) -> &'static str {
        "postgres"
    }

    fn summary(&self) -> &'static str {
        "PostgreSQL"
    }

    fn schema(&self, _: &mut SchemaGenerator) -> Schema {
        Schema::default()
    }

    fn decode(&self, spec: SourceSpec) -> Result<Box<dyn SourceConfig>, Vec<Diagnostic>> {
        Err(vec![Diagnostic::error(spec.place(), "kind", "not yet")])
    }
}
