//! Takes masked columns out of a statement: in place of the table stands a subselect that has constants for them, so
//! that nothing around it, whatever it is, can see a value.

use super::relations::{Column, Known};
use crate::postgres::guard::Relation;
use crate::postgres::session::identifier;

/// What a masked text is.
const STARS: &str = "'***'::pg_catalog.text";

/// The statement without what is masked. Each relation stands beside what is known of it.
pub(super) fn rewrite<'a>(sql: &str, relations: impl IntoIterator<Item = (&'a Relation, &'a Known)>) -> String {
    let mut edits: Vec<(usize, usize, String)> = relations
        .into_iter()
        .filter(|(_, known)| known.columns.iter().any(|column| column.masked))
        .map(|(relation, known)| (relation.start, relation.end, subselect(relation, known)))
        .collect();
    edits.sort_by_key(|(start, ..)| *start);
    let mut written = String::with_capacity(sql.len());
    let mut at = 0;
    for (start, end, text) in edits {
        written.push_str(sql.get(at..start).unwrap_or_default());
        written.push_str(&text);
        at = end;
    }
    written.push_str(sql.get(at..).unwrap_or_default());
    written
}

fn subselect(relation: &Relation, known: &Known) -> String {
    let columns: Vec<String> = known.columns.iter().map(shown).collect();
    let alias = if relation.aliased { String::new() } else { format!(" AS {}", identifier(&known.name)) };
    let (schema, name) = (identifier(&known.schema), identifier(&known.name));
    format!("(SELECT {} FROM {schema}.{name}){alias}", columns.join(", "))
}

fn shown(column: &Column) -> String {
    let name = identifier(&column.name);
    match (column.masked, column.ty.as_str()) {
        (false, _) => name,
        (true, "text" | "character varying") => format!("{STARS} AS {name}"),
        (true, ty) => format!("NULL::{ty} AS {name}"),
    }
}
