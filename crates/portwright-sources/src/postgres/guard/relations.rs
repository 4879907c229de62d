//! The relations and types that a statement names, for a source that keeps some back.
//!
//! A name without a schema that a WITH query in scope has is that query's; any other is to be looked up. What is found in
//! a place that nobody looked at is refused.

use squawk_syntax::{SyntaxElement, SyntaxKind, SyntaxNode};

use super::lexer::identifier;
use super::{Judge, Rejection};

/// What a statement does with what it names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    Read,
    Write,
    /// It is the name of a type, which may be a table's.
    Type,
}

/// A relation or type that a statement names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Relation {
    pub(crate) schema: Option<String>,
    pub(crate) name: String,
    /// In bytes of the statement.
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) used: Use,
    /// It has an alias.
    pub(crate) aliased: bool,
    /// It stands alone in FROM, so that a subselect may stand in its place.
    pub(crate) plain: bool,
}

impl Relation {
    /// As PostgreSQL names it in its messages.
    pub(crate) fn words(&self) -> String {
        match &self.schema {
            Some(schema) => format!("{schema}.{}", self.name),
            None => self.name.clone(),
        }
    }
}

/// Types whose values are objects of the database: they read the catalogs by name.
const OBJECT_TYPES: [&str; 9] = [
    "regclass",
    "regcollation",
    "regnamespace",
    "regoper",
    "regoperator",
    "regproc",
    "regprocedure",
    "regrole",
    "regtype",
];

/// Whether it reads the catalogs, whose rows may be beyond the fence.
pub(super) fn reads_catalog(function: &str) -> bool {
    const PLAIN: [&str; 9] = [
        "pg_client_encoding",
        "pg_collation_actual_version",
        "pg_column_compression",
        "pg_column_size",
        "pg_get_keywords",
        "pg_input_is_valid",
        "pg_size_bytes",
        "pg_size_pretty",
        "pg_typeof",
    ];
    const OTHERS: [&str; 13] = [
        "col_description",
        "currtid2",
        "currval",
        "format_type",
        "icu_unicode_version",
        "lastval",
        "nextval",
        "obj_description",
        "row_security_active",
        "satisfies_hash_partition",
        "setval",
        "shobj_description",
        "text_regclass",
    ];
    if function.starts_with("pg_") {
        return !PLAIN.contains(&function);
    }
    ["has_", "to_reg", "_pg_", "txid_"].iter().any(|prefix| function.starts_with(prefix))
        || function.contains("_to_xml")
        || OBJECT_TYPES.contains(&function.strip_suffix("send").unwrap_or(function))
        || OTHERS.contains(&function)
}

impl Judge<'_> {
    /// Everything that `top` names.
    pub(super) fn relations(self, top: &SyntaxNode) -> Result<Vec<Relation>, Rejection> {
        let mut found = Vec::new();
        for node in top.descendants() {
            match node.kind() {
                SyntaxKind::RELATION_NAME_REF | SyntaxKind::TABLE_NAME_REF => found.extend(self.relation(&node)?),
                SyntaxKind::PATH_TYPE => found.extend(self.named_type(&node)?),
                SyntaxKind::PERCENT_TYPE | SyntaxKind::PERCENT_TYPE_CLAUSE => {
                    return self.refuse_part(&node, "write the type's name in place of %TYPE");
                }
                _ => {}
            }
        }
        Ok(found)
    }

    fn relation(self, node: &SyntaxNode) -> Result<Option<Relation>, Rejection> {
        let parent = node.parent();
        let above = parent.as_ref().and_then(SyntaxNode::parent);
        let kind = |node: &Option<SyntaxNode>| node.as_ref().map(SyntaxNode::kind);
        let (used, item) = match (kind(&parent), kind(&above)) {
            (Some(SyntaxKind::RELATION_FROM_ITEM), _) => (Use::Read, parent),
            (Some(SyntaxKind::RELATION_NAME), Some(SyntaxKind::TABLE)) => (Use::Read, None),
            (Some(SyntaxKind::INSERT), _)
            | (Some(SyntaxKind::RELATION_NAME), Some(SyntaxKind::UPDATE | SyntaxKind::DELETE))
            | (Some(SyntaxKind::TABLE_RELATION_NAME), Some(SyntaxKind::MERGE)) => (Use::Write, None),
            _ => return self.refuse_part(node, "the statement names a table in a way that can't be followed here"),
        };
        let (schema, name) = self.path(node)?;
        if used == Use::Read && schema.is_none() && in_scope(node, &name) {
            return Ok(None);
        }
        let alone = |item: &SyntaxNode| {
            let parts = item
                .children()
                .all(|part| matches!(part.kind(), SyntaxKind::RELATION_NAME_REF | SyntaxKind::FROM_ALIAS));
            let words = item.children_with_tokens().filter_map(SyntaxElement::into_token);
            parts && words.into_iter().all(|token| token.text().trim().is_empty() || is_comment(token.text()))
        };
        let plain = item.as_ref().is_some_and(alone);
        let aliased = item.is_some_and(|item| item.children().any(|part| part.kind() == SyntaxKind::FROM_ALIAS));
        let range = node.text_range();
        let (start, end) = (usize::from(range.start()), usize::from(range.end()));
        Ok(Some(Relation { schema, name, start, end, used, aliased, plain }))
    }

    fn named_type(self, node: &SyntaxNode) -> Result<Option<Relation>, Rejection> {
        let (schema, name) = self.path(node)?;
        // An array's type is named after that of its members.
        let name = name.trim_start_matches('_').to_owned();
        if OBJECT_TYPES.contains(&name.as_str()) {
            return self.refuse_part(node, &format!("the type `{name}` reads the catalogs, which are not open here"));
        }
        let range = node.text_range();
        let (start, end) = (usize::from(range.start()), usize::from(range.end()));
        let (aliased, plain) = (false, false);
        Ok(Some(Relation { schema, name, start, end, used: Use::Type, aliased, plain }))
    }

    /// `schema.name` or `name`.
    fn path(self, node: &SyntaxNode) -> Result<(Option<String>, String), Rejection> {
        let segments = node.descendants().filter(|part| part.kind() == SyntaxKind::PATH_SEGMENT_REF);
        let mut names: Vec<String> = segments.map(|segment| identifier(segment.text().to_string().trim())).collect();
        match (names.pop(), names.pop(), names.pop()) {
            (Some(name), schema, None) if !name.is_empty() => Ok((schema, name)),
            _ => self.refuse_part(node, "write the name as name or schema.name"),
        }
    }
}

fn is_comment(text: &str) -> bool {
    text.starts_with("--") || text.starts_with("/*")
}

/// Whether a name without a schema is a WITH query's at this place.
fn in_scope(node: &SyntaxNode, name: &str) -> bool {
    let mut below = node.clone();
    while let Some(above) = below.parent() {
        // The WITH of a compound stands in its first part.
        let mut first = Some(above.clone());
        while let Some(part) = first {
            let with = part.children().find(|child| child.kind() == SyntaxKind::WITH_CLAUSE);
            // What stands behind a parenthesis ends with it.
            let start = part.text_range().start();
            let with = with.filter(|with| part == above || with.text_range().start() == start);
            if let Some(with) = with {
                if with_names(&with, node).any(|known| known == name) {
                    return true;
                }
                break;
            }
            first = (part.kind() == SyntaxKind::COMPOUND_SELECT).then(|| part.children().next()).flatten();
        }
        below = above;
    }
    false
}

/// The queries of a WITH that can be seen from `node`: all of them from outside and where it is RECURSIVE, else those
/// before.
fn with_names(with: &SyntaxNode, node: &SyntaxNode) -> impl Iterator<Item = String> {
    let inside = with.text_range().contains_range(node.text_range());
    let recursive = with.children_with_tokens().any(|part| part.kind() == SyntaxKind::RECURSIVE_KW);
    let at = node.text_range().start();
    let tables: Vec<_> = with
        .children()
        .filter(|table| table.kind() == SyntaxKind::WITH_TABLE)
        .filter(|table| !inside || recursive || table.text_range().end() <= at)
        .collect();
    tables.into_iter().filter_map(|table| {
        let name = table.children().find(|child| child.kind() == SyntaxKind::CTE_NAME)?;
        Some(identifier(name.text().to_string().trim()))
    })
}
