//! Which parts of the grammar a statement may be made of. What is not listed is refused, so that a newer grammar never
//! lets through what nobody looked at.

use std::collections::HashSet;
use std::sync::LazyLock;

use squawk_syntax::SyntaxKind;

/// Statements whose whole effect is rows.
pub(super) fn is_query(kind: SyntaxKind) -> bool {
    matches!(
        kind,
        SyntaxKind::SELECT
            | SyntaxKind::COMPOUND_SELECT
            | SyntaxKind::VALUES
            | SyntaxKind::TABLE
            | SyntaxKind::PAREN_SELECT
    )
}

/// Statements that may run where calls may write. Nothing that ends or outlives the transaction, reaches the server's
/// files, or hides other statements in a string.
pub(super) fn may_write(kind: SyntaxKind) -> bool {
    matches!(
        kind,
        SyntaxKind::ALTER_DOMAIN
            | SyntaxKind::ALTER_INDEX
            | SyntaxKind::ALTER_MATERIALIZED_VIEW
            | SyntaxKind::ALTER_SEQUENCE
            | SyntaxKind::ALTER_TABLE
            | SyntaxKind::ALTER_TYPE
            | SyntaxKind::ALTER_VIEW
            | SyntaxKind::ANALYZE
            | SyntaxKind::CALL
            | SyntaxKind::COMMENT_ON
            | SyntaxKind::CREATE_DOMAIN
            | SyntaxKind::CREATE_INDEX
            | SyntaxKind::CREATE_MATERIALIZED_VIEW
            | SyntaxKind::CREATE_SCHEMA
            | SyntaxKind::CREATE_SEQUENCE
            | SyntaxKind::CREATE_STATISTICS
            | SyntaxKind::CREATE_TABLE
            | SyntaxKind::CREATE_TABLE_AS
            | SyntaxKind::CREATE_TYPE
            | SyntaxKind::CREATE_VIEW
            | SyntaxKind::DELETE
            | SyntaxKind::DROP_DOMAIN
            | SyntaxKind::DROP_INDEX
            | SyntaxKind::DROP_MATERIALIZED_VIEW
            | SyntaxKind::DROP_SEQUENCE
            | SyntaxKind::DROP_STATISTICS
            | SyntaxKind::DROP_TABLE
            | SyntaxKind::DROP_TYPE
            | SyntaxKind::DROP_VIEW
            | SyntaxKind::INSERT
            | SyntaxKind::MERGE
            | SyntaxKind::REFRESH
            | SyntaxKind::SELECT_INTO
            | SyntaxKind::TRUNCATE
            | SyntaxKind::UPDATE
    )
}

/// Statements that change rows and nothing else.
pub(super) fn changes_rows(kind: SyntaxKind) -> bool {
    matches!(kind, SyntaxKind::INSERT | SyntaxKind::UPDATE | SyntaxKind::DELETE | SyntaxKind::MERGE)
}

/// What a part that a query may not have would do; none if a query may have it.
pub(super) fn objection(kind: SyntaxKind) -> Option<&'static str> {
    if may_read(kind) {
        return None;
    }
    Some(match kind {
        SyntaxKind::INSERT | SyntaxKind::UPDATE | SyntaxKind::DELETE | SyntaxKind::MERGE => "it changes data",
        SyntaxKind::SELECT_INTO | SyntaxKind::INTO_CLAUSE => "SELECT INTO creates a table",
        SyntaxKind::LOCKING_CLAUSE => "FOR UPDATE and FOR SHARE lock rows",
        _ => "it has a part that a read-only query may not have",
    })
}

/// The names of the parts that a query may have.
const READING: &str = include_str!("grammar.txt");

static MAY_READ: LazyLock<HashSet<SyntaxKind>> = LazyLock::new(|| {
    let names: HashSet<&str> = names().collect();
    let kinds = (0..u16::from(SyntaxKind::__LAST)).map(SyntaxKind::from);
    kinds.filter(|kind| names.contains(format!("{kind:?}").as_str())).collect()
});

fn names() -> impl Iterator<Item = &'static str> {
    READING.lines().filter(|line| !line.starts_with('#')).flat_map(str::split_whitespace)
}

fn may_read(kind: SyntaxKind) -> bool {
    is_query(kind) || MAY_READ.contains(&kind)
}

#[cfg(test)]
mod tests {
    use super::{MAY_READ, SyntaxKind, names, objection};

    #[test]
    fn each_name_is_a_part_of_the_grammar() {
        assert_eq!(names().count(), MAY_READ.len());
    }

    #[test]
    fn what_changes_something_is_no_part_of_a_query() {
        for kind in [
            SyntaxKind::INSERT,
            SyntaxKind::LOCKING_CLAUSE,
            SyntaxKind::INTO_CLAUSE,
            SyntaxKind::MERGE,
            SyntaxKind::ERROR,
        ] {
            assert!(objection(kind).is_some(), "{kind:?}");
        }
    }
}
