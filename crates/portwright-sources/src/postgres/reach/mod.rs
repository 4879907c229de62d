//! How far a source reaches: `schemas` and `tables` are its fence, `mask` names columns whose values nobody sees.
//!
//! It holds for statements of a model and for the source's own tools. What the operator declares is theirs to judge.
//! `relations.rs` finds out what the names of a statement stand for, `rewrite.rs` takes masked columns out of it.

mod relations;
mod rewrite;

use globset::{Glob, GlobMatcher};
use portwright_core::{Diagnostic, Pointer};

pub(super) use self::relations::Beyond;
use crate::shared::sql::Schema;

/// Catalogs that tell of no table and no other session.
const OPEN_CATALOGS: [&str; 2] = ["pg_timezone_abbrevs", "pg_timezone_names"];

/// What a masked column's description begins with.
pub(super) const MASKED: &str = "masked: its values are not shown";

/// The keys as written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Written<'a> {
    pub(super) schemas: Option<&'a [String]>,
    pub(super) tables: Option<&'a [String]>,
    pub(super) mask: &'a [String],
}

/// Fence and masks.
#[derive(Debug, Clone, Default)]
pub(super) struct Reach {
    schemas: Option<Vec<GlobMatcher>>,
    tables: Option<Vec<[GlobMatcher; 2]>>,
    /// Schema, table, column.
    mask: Vec<[GlobMatcher; 3]>,
}

impl Reach {
    pub(super) fn decode(written: Written<'_>, place: &Pointer, problems: &mut Vec<Diagnostic>) -> Self {
        let schemas = written.schemas.map(|patterns| {
            let place = place.join("schemas");
            patterns.iter().enumerate().filter_map(|(at, text)| glob(text, &place.join(at), problems)).collect()
        });
        let tables = written.tables.map(|patterns| {
            let place = place.join("tables");
            let read = |(at, text): (usize, &String)| {
                let place = place.join(at);
                let Some((schema, table)) = text.split_once('.') else {
                    problems.push(wrong(text, "\"public.customers\", \"sales.*\"", place));
                    return None;
                };
                Some([glob(schema, &place, problems)?, glob(table, &place, problems)?])
            };
            patterns.iter().enumerate().filter_map(read).collect()
        });
        let mut mask = Vec::new();
        for (at, text) in written.mask.iter().enumerate() {
            let place = place.join("mask").join(at);
            let parts: Vec<&str> = text.split('.').collect();
            let parts = match parts.as_slice() {
                [table, column] => ["*", table, column],
                [schema, table, column] => [*schema, table, column],
                _ => {
                    problems.push(wrong(text, "\"public.customers.email\", \"*.ssn\"", place));
                    continue;
                }
            };
            let [schema, table, column] = parts.map(|part| glob(part, &place, problems));
            mask.extend(schema.zip(table).zip(column).map(|((schema, table), column)| [schema, table, column]));
        }
        Self { schemas, tables, mask }
    }

    /// Whether there is anything that it keeps back.
    pub(super) fn is_bounded(&self) -> bool {
        self.is_fenced() || self.masks()
    }

    pub(super) fn is_fenced(&self) -> bool {
        self.schemas.is_some() || self.tables.is_some()
    }

    pub(super) fn masks(&self) -> bool {
        !self.mask.is_empty()
    }

    /// Whether anything of a schema is open.
    pub(super) fn opens_schema(&self, schema: &str) -> bool {
        if is_catalog(schema) {
            return !self.is_bounded();
        }
        self.schemas.as_ref().is_none_or(|known| known.iter().any(|glob| glob.is_match(schema)))
            && self.tables.as_ref().is_none_or(|known| known.iter().any(|[glob, _]| glob.is_match(schema)))
    }

    /// Whether a table or view is open.
    pub(super) fn opens(&self, schema: &str, table: &str) -> bool {
        if schema == "pg_catalog" && OPEN_CATALOGS.contains(&table) {
            return true;
        }
        let named = |[of, glob]: &[GlobMatcher; 2]| of.is_match(schema) && glob.is_match(table);
        self.opens_schema(schema) && self.tables.as_ref().is_none_or(|known| known.iter().any(named))
    }

    pub(super) fn hides(&self, schema: &str, table: &str, column: &str) -> bool {
        self.mask.iter().any(|[of, on, glob]| of.is_match(schema) && on.is_match(table) && glob.is_match(column))
    }

    /// Leaves in a schema what is open, and marks what is masked.
    pub(super) fn narrow(&self, schema: &mut Schema) {
        schema.schemas.retain(|name| self.opens_schema(name));
        schema.tables.retain(|table| self.opens(&table.schema, &table.name));
        for table in &mut schema.tables {
            let home = table.schema.clone();
            table.foreign_keys.retain(|key| {
                let (schema, name) = key.references.split_once('.').unwrap_or((&home, &key.references));
                self.opens(schema, name)
            });
            for column in &mut table.columns {
                if self.hides(&home, &table.name, &column.name) {
                    column.comment = Some(marked(column.comment.as_deref()));
                }
            }
        }
    }
}

/// A masked column's comment.
pub(super) fn marked(comment: Option<&str>) -> String {
    comment.map_or_else(|| MASKED.to_owned(), |comment| format!("{MASKED}. {comment}"))
}

fn is_catalog(schema: &str) -> bool {
    schema.starts_with("pg_") || schema == "information_schema"
}

fn glob(text: &str, place: &Pointer, problems: &mut Vec<Diagnostic>) -> Option<GlobMatcher> {
    match Glob::new(text) {
        Ok(glob) => Some(glob.compile_matcher()),
        Err(error) => {
            problems.push(Diagnostic::error(place.clone(), "wrong-value", error.to_string()));
            None
        }
    }
}

fn wrong(text: &str, hint: &str, place: Pointer) -> Diagnostic {
    let words = format!("`{text}` does not say of which table it speaks");
    Diagnostic::error(place, "wrong-value", words).hint(hint)
}
