//! Statements that may write, where the plan allows that.

use super::{Author, Class, Fault, Judge, Kind};

/// Words that must not stand in a statement that writes, outside of names: they reach files, other sessions or users.
const NEVER: [&str; 3] = ["OUTFILE", "DUMPFILE", "INFILE"];

/// What CREATE, ALTER and DROP may be about.
const OBJECTS: [&str; 3] = ["TABLE", "VIEW", "INDEX"];

/// Words between CREATE, ALTER or DROP and what it is about.
const BETWEEN: [&str; 8] = ["OR", "REPLACE", "UNIQUE", "FULLTEXT", "SPATIAL", "ONLINE", "OFFLINE", "IGNORE"];

/// Options of a table that reach beyond the database: files, other servers.
const REACHING: [&str; 5] = ["CONNECTION", "DIRECTORY", "TABLESPACE", "DEFINER", "SECURITY"];

impl Judge<'_> {
    pub(super) fn write(&self, verb: &str) -> Result<Kind, Fault> {
        match verb {
            "INSERT" | "UPDATE" | "DELETE" | "REPLACE" | "TRUNCATE" => {}
            "WITH" if self.ends_a_with() => {}
            "RENAME" if self.is(1, "TABLE") || self.is(1, "TABLES") => {}
            "CREATE" | "ALTER" | "DROP" => self.definition()?,
            "CALL" if self.author == Author::Operator || self.called() => {}
            _ => {
                return self.fault(
                    "a statement of this kind can't be run here: each call is one transaction, and its statement must \
                     not end it, outlive it, change the session, or reach the server's files and users",
                    0,
                );
            }
        }
        for (index, token) in self.tokens.iter().enumerate() {
            let word = self.word(index);
            let is_name = token.class != Class::Word || (index > 0 && self.is(index - 1, "."));
            if token.class == Class::Sign && matches!(word.as_str(), ":=" | "@") {
                return self.fault("variables are not kept from call to call; write the value", index);
            }
            if !is_name && NEVER.contains(&word.as_str()) {
                return self.fault("the server's files are not for statements", index);
            }
            // INTO belongs to the word before it in a statement that writes; a SELECT's own goes to variables.
            let before = index.checked_sub(1).map(|before| self.word(before)).unwrap_or_default();
            let takes_into = ["INSERT", "REPLACE", "IGNORE", "LOW_PRIORITY", "HIGH_PRIORITY", "DELAYED"];
            if !is_name && word == "INTO" && !takes_into.contains(&before.as_str()) {
                return self.fault("a SELECT can't go INTO something here; INSERT INTO … SELECT can", index);
            }
        }
        Ok(Kind::Write)
    }

    /// `WITH … UPDATE`, `WITH … DELETE`.
    fn ends_a_with(&self) -> bool {
        let mut depth = 0_usize;
        for index in 0..self.tokens.len() {
            match self.word(index).as_str() {
                "(" => depth += 1,
                ")" => depth = depth.saturating_sub(1),
                "UPDATE" | "DELETE" if depth == 0 => return true,
                "SELECT" | "INSERT" | "REPLACE" | "TABLE" | "VALUES" if depth == 0 => return false,
                _ => {}
            }
        }
        false
    }

    fn definition(&self) -> Result<(), Fault> {
        let mut at = 1;
        while BETWEEN.contains(&self.word(at).as_str()) {
            at += 1;
        }
        if !OBJECTS.contains(&self.word(at).as_str()) {
            return self.fault("only tables, views and indexes are made, changed and dropped here", at);
        }
        let reaches = |index: &usize| REACHING.contains(&self.word(*index).as_str());
        match (at..self.tokens.len()).find(reaches) {
            Some(index) if self.tokens[index].class == Class::Word && !self.is(index - 1, ".") => {
                self.fault("this option reaches beyond the database; leave it out", index)
            }
            _ => Ok(()),
        }
    }

    /// A procedure that the plan allows.
    fn called(&self) -> bool {
        let name = |index: usize| self.tokens.get(index).map(|token| token.name(self.sql)).unwrap_or_default();
        if self.is(2, ".") { self.guard.allows(Some(&name(1)), &name(3)) } else { self.guard.allows(None, &name(1)) }
    }
}
