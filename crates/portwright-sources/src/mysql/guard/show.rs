//! SHOW, DESCRIBE and EXPLAIN: the forms that tell about tables and plans.

use super::{Class, Fault, Judge, Kind};

/// What may follow SHOW: words that must all be there, in this order.
const SHOWN: &[&[&str]] = &[
    &["CHARACTER", "SET"],
    &["CHARSET"],
    &["COLLATION"],
    &["COLUMNS"],
    &["COUNT"],
    &["CREATE", "DATABASE"],
    &["CREATE", "SCHEMA"],
    &["CREATE", "TABLE"],
    &["CREATE", "VIEW"],
    &["DATABASES"],
    &["ENGINES"],
    &["FIELDS"],
    &["INDEX"],
    &["INDEXES"],
    &["KEYS"],
    &["SCHEMAS"],
    &["TABLE", "STATUS"],
    &["TABLES"],
    &["WARNINGS"],
];

/// Words between SHOW and what is shown.
const BETWEEN: [&str; 3] = ["EXTENDED", "FULL", "STORAGE"];

impl Judge<'_> {
    pub(super) fn show(&self) -> Result<Kind, Fault> {
        let mut at = 1;
        while BETWEEN.contains(&self.word(at).as_str()) {
            at += 1;
        }
        let fits = |form: &&[&str]| form.iter().enumerate().all(|(offset, word)| self.is(at + offset, word));
        if !SHOWN.iter().any(fits) {
            return self.fault(
                "only SHOW TABLES, SHOW COLUMNS, SHOW INDEX, SHOW CREATE TABLE, SHOW DATABASES and the like are \
                 allowed here",
                1,
            );
        }
        Ok(Kind::Telling)
    }

    /// `DESCRIBE table`, `EXPLAIN SELECT …`.
    pub(super) fn explain(&self) -> Result<Kind, Fault> {
        let mut at = 1;
        loop {
            match self.word(at).as_str() {
                "EXTENDED" | "PARTITIONS" | "ANALYZE" | "(" => at += 1,
                "FORMAT" if self.is(at + 1, "=") => at += 3,
                "SELECT" | "WITH" | "VALUES" | "TABLE" => return Ok(Kind::Telling),
                "FOR" | "INSERT" | "UPDATE" | "DELETE" | "REPLACE" => {
                    return self.fault("EXPLAIN is allowed only of SELECT, WITH, VALUES and TABLE", at);
                }
                _ => break,
            }
        }
        // A table, and perhaps a column of it or a pattern.
        let name = |index: usize| {
            self.tokens.get(index).is_some_and(|token| matches!(token.class, Class::Word | Class::Quoted))
        };
        let after = if self.is(at + 1, ".") { at + 3 } else { at + 1 };
        let rest = self.tokens.len().saturating_sub(after);
        if at == 1 && name(at) && rest <= 1 {
            return Ok(Kind::Telling);
        }
        self.fault("EXPLAIN is allowed only of SELECT, WITH, VALUES and TABLE", at)
    }
}
