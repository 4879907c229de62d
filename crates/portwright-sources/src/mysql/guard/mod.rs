//! The guard of SQL statements: what may be sent to the server at all.
//!
//! It reads a statement as words and signs and lets through only what it knows: one statement that begins as a reading
//! one does, has no word of one that writes, and calls nothing but functions that only compute. What it can't read it
//! refuses.
//!
//! It is one wall of several. It does not know the catalog, so it can't see what a view or a stored function calls in
//! turn: the READ ONLY transaction and the user's privileges hold those.

mod builtins;
mod lexer;
mod show;
#[cfg(test)]
pub(super) mod tests;
mod writes;

use globset::{Glob, GlobMatcher};
use portwright_core::limits::SQL_BYTES_MAX;

pub(super) use self::lexer::Mode;
use self::lexer::{Class, Token};
use super::Access;

/// Levels of parentheses. Honest statements have a dozen.
const NESTING_MAX: usize = 100;

/// Statements that are refused with the word for what they are for.
const INSTEAD: &str = "only SELECT, WITH, VALUES, TABLE, EXPLAIN of these, DESCRIBE and SHOW are allowed here";

/// Databases that only the operator's statements may name: they hold password hashes and other people's statements.
const PRIVATE: [&str; 3] = ["mysql", "performance_schema", "sys"];

/// Tables of `information_schema` that show what others do.
const PRIVATE_TABLES: [&str; 4] = ["processlist", "user_statistics", "client_statistics", "user_attributes"];

/// Variables of the server that say how it reads and compares, and nothing of where it is and what it holds.
const SHOWN: [&str; 18] = [
    "autocommit",
    "character_set_client",
    "character_set_connection",
    "character_set_database",
    "character_set_results",
    "character_set_server",
    "collation_connection",
    "collation_database",
    "collation_server",
    "default_week_format",
    "lower_case_table_names",
    "max_allowed_packet",
    "sql_mode",
    "system_time_zone",
    "time_zone",
    "timestamp",
    "version",
    "version_comment",
];

/// Who wrote a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Author {
    /// The operator, in the configuration: may call functions of their own and read any table.
    Operator,
    /// A model, now.
    Model,
}

/// What a statement is that passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// It gives rows and can be explained.
    Query,
    /// It tells about tables.
    Telling,
    /// It may write.
    Write,
}

/// Why a statement does not pass, in words for who wrote it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}{}", place(*.position))]
pub(super) struct Rejection {
    pub(super) message: String,
    /// In characters from 1.
    pub(super) position: Option<usize>,
}

fn place(position: Option<usize>) -> String {
    position.map(|at| format!(" (at character {at})")).unwrap_or_default()
}

/// A pattern of function names that the plan allows.
#[derive(Debug, Clone)]
struct Allowed {
    /// None: a function of the server's own.
    database: Option<GlobMatcher>,
    name: GlobMatcher,
}

/// The guard, with the functions that the plan allows beside the servers' harmless ones.
#[derive(Debug, Clone, Default)]
pub(super) struct Guard {
    allowed: Vec<Allowed>,
    mode: Mode,
}

impl Guard {
    /// `functions` are globs on `database.name`, or names of the servers' own functions.
    pub(super) fn new(functions: &[String]) -> Result<Self, globset::Error> {
        let glob = |text: &str| Glob::new(&text.to_lowercase()).map(|glob| glob.compile_matcher());
        let allowed = functions.iter().map(|pattern| match pattern.rsplit_once('.') {
            Some((database, name)) => Ok(Allowed { database: Some(glob(database)?), name: glob(name)? }),
            None => Ok(Allowed { database: None, name: glob(&globset::escape(pattern))? }),
        });
        Ok(Self { allowed: allowed.collect::<Result<_, globset::Error>>()?, mode: Mode::default() })
    }

    /// The same for a server that reads quotes in another way.
    #[cfg(test)]
    pub(super) fn reading(mut self, mode: Mode) -> Self {
        self.mode = mode;
        self
    }

    /// Judges one statement.
    pub(super) fn check(&self, sql: &str, access: Access, author: Author) -> Result<Kind, Rejection> {
        let refused = |message: String, byte: Option<usize>| Rejection {
            message,
            position: byte.map(|byte| sql.char_indices().take_while(|(at, _)| *at < byte).count() + 1),
        };
        if author == Author::Model && sql.len() > SQL_BYTES_MAX {
            return Err(refused(format!("the statement is longer than {SQL_BYTES_MAX} bytes; shorten it"), None));
        }
        if let Some(byte) = sql.find('\0') {
            return Err(refused("the statement holds a NUL character".to_owned(), Some(byte)));
        }
        let mut tokens = lexer::lex(sql, self.mode)
            .map_err(|error| refused(format!("the statement can't be read: {}", error.message), Some(error.at)))?;
        while tokens.last().is_some_and(|last| last.text(sql) == ";") {
            tokens.pop();
        }
        let judge = Judge { guard: self, sql, tokens: &tokens, access, author };
        judge.judged().map_err(|Fault(message, byte)| refused(message, byte))
    }

    /// Whether the plan allows a stored function.
    fn allows(&self, database: Option<&str>, name: &str) -> bool {
        self.allowed.iter().any(|it| {
            let of = it.database.as_ref();
            of.is_some_and(|of| it.name.is_match(name) && database.is_none_or(|database| of.is_match(database)))
        })
    }

    fn allows_builtin(&self, name: &str) -> bool {
        self.allowed.iter().any(|it| it.database.is_none() && it.name.is_match(name))
    }
}

/// What is wrong, and the byte where.
#[derive(Debug)]
struct Fault(String, Option<usize>);

/// One statement on trial.
#[derive(Debug, Clone, Copy)]
struct Judge<'a> {
    guard: &'a Guard,
    sql: &'a str,
    tokens: &'a [Token],
    access: Access,
    author: Author,
}

impl Judge<'_> {
    /// The token's text in upper case; empty beyond the end, and for texts and quoted identifiers.
    fn word(&self, index: usize) -> String {
        match self.tokens.get(index) {
            Some(token) if matches!(token.class, Class::Word | Class::Sign) => {
                token.text(self.sql).to_ascii_uppercase()
            }
            _ => String::new(),
        }
    }

    fn is(&self, index: usize, word: &str) -> bool {
        self.word(index) == word
    }

    fn fault<T>(&self, message: impl Into<String>, index: usize) -> Result<T, Fault> {
        Err(Fault(message.into(), self.tokens.get(index).map(|token| token.start)))
    }

    fn judged(&self) -> Result<Kind, Fault> {
        let Some(first) = (0..self.tokens.len()).find(|index| !self.is(*index, "(")) else {
            return Err(Fault("there is no statement".to_owned(), None));
        };
        self.shape()?;
        let kind = match self.word(first).as_str() {
            "SELECT" | "WITH" | "VALUES" | "TABLE" => self.query(first)?,
            "SHOW" if first == 0 => self.show()?,
            "EXPLAIN" | "DESCRIBE" | "DESC" if first == 0 => self.explain()?,
            verb if first == 0 && self.access == Access::ReadWrite => self.write(verb)?,
            _ => return self.fault(INSTEAD, first),
        };
        if kind != Kind::Write {
            self.reading()?;
        }
        self.names()?;
        self.calls()?;
        Ok(kind)
    }

    /// One statement, and parentheses within bounds.
    fn shape(&self) -> Result<(), Fault> {
        let mut depth = 0_usize;
        for index in 0..self.tokens.len() {
            match self.word(index).as_str() {
                ";" => return self.fault("send one statement at a time", index),
                "(" => depth += 1,
                ")" => match depth.checked_sub(1) {
                    Some(less) => depth = less,
                    None => return self.fault("a parenthesis is closed that was never opened", index),
                },
                _ => {}
            }
            if depth > NESTING_MAX {
                return self.fault("the statement nests too deep; write it in a simpler way", index);
            }
        }
        if depth > 0 { Err(Fault("a parenthesis is never closed".to_owned(), None)) } else { Ok(()) }
    }

    /// A query, or in a WITH what comes after it. Words that write are found wherever they stand, so that only a
    /// statement that may write needs to know where its parts begin.
    fn query(&self, first: usize) -> Result<Kind, Fault> {
        if self.access == Access::ReadWrite && self.is(first, "WITH") && self.reading().is_err() {
            return self.write("WITH");
        }
        Ok(Kind::Query)
    }

    /// Looks for words that make a statement more than one that reads, whatever stands around them.
    fn reading(&self) -> Result<(), Fault> {
        self.locks()?;
        for index in 0..self.tokens.len() {
            if self.tokens[index].class == Class::Sign {
                if self.is(index, ":=") {
                    return self.fault("variables can't be set here; use window functions or WITH", index);
                }
                if self.is(index, "@") {
                    return self.fault("variables are not kept from call to call; write the value", index);
                }
                continue;
            }
            // After a dot stands a name, whatever it looks like.
            if self.tokens[index].class != Class::Word || (index > 0 && self.is(index - 1, ".")) {
                continue;
            }
            let (word, next) = (self.word(index), self.word(index + 1));
            let words = match (word.as_str(), next.as_str()) {
                ("INSERT" | "REPLACE", "(") => continue,
                ("INSERT" | "UPDATE" | "DELETE" | "REPLACE", _) => "the access is read-only, and this would write",
                ("INTO", _) => "INTO would write, to a file or to a variable; leave it out",
                ("PROCEDURE" | "CALL", _) => "procedures can't be run here",
                ("LOCK", "IN") => "rows can't be locked here; leave out what comes after",
                ("VALUE", "FOR") => "taking a number from a sequence would change it",
                ("OUTFILE" | "DUMPFILE" | "INFILE", _) => "the server's files are not for statements",
                _ => continue,
            };
            return self.fault(words, index);
        }
        Ok(())
    }

    /// `FOR UPDATE`, `FOR SHARE`.
    fn locks(&self) -> Result<(), Fault> {
        let locks = |index: &usize| {
            self.is(*index, "FOR") && matches!(self.word(*index + 1).as_str(), "UPDATE" | "SHARE" | "NO" | "KEY")
        };
        match (0..self.tokens.len()).find(locks) {
            Some(index) => self.fault("rows can't be locked here; leave out FOR UPDATE and FOR SHARE", index),
            None => Ok(()),
        }
    }

    /// Looks at the names of databases and variables.
    fn names(&self) -> Result<(), Fault> {
        for (index, token) in self.tokens.iter().enumerate() {
            if token.text(self.sql) == "@@" {
                self.variable(index)?;
            }
            if self.author == Author::Operator || !matches!(token.class, Class::Word | Class::Quoted) {
                continue;
            }
            let name = token.name(self.sql);
            let is_database = self.is(index + 1, ".") || (self.is(0, "SHOW") && index > 0);
            if is_database && PRIVATE.contains(&name.as_str()) {
                return self.fault(format!("the database `{name}` is not open to ad-hoc queries"), index);
            }
            let in_catalog =
                index >= 2 && self.is(index - 1, ".") && self.tokens[index - 2].name(self.sql) == "information_schema";
            if in_catalog && (PRIVATE_TABLES.contains(&name.as_str()) || name.starts_with("innodb_")) {
                return self.fault(format!("`{name}` is not open to ad-hoc queries"), index);
            }
        }
        Ok(())
    }

    /// `@@name`, `@@global.name`.
    fn variable(&self, at: usize) -> Result<(), Fault> {
        let scoped = matches!(self.word(at + 1).as_str(), "GLOBAL" | "SESSION" | "LOCAL") && self.is(at + 2, ".");
        let index = if scoped { at + 3 } else { at + 1 };
        let name = self.tokens.get(index).map(|token| token.name(self.sql)).unwrap_or_default();
        let alone = !self.is(index + 1, ".") && !self.is(index + 1, ":=");
        if alone && (self.author == Author::Operator || SHOWN.contains(&name.as_str())) {
            return Ok(());
        }
        self.fault(format!("the server's variable `{name}` is not open to ad-hoc queries"), at)
    }

    /// Looks at what is called: a name before a parenthesis.
    fn calls(&self) -> Result<(), Fault> {
        for index in 0..self.tokens.len() {
            let token = self.tokens[index];
            if !matches!(token.class, Class::Word | Class::Quoted) || !self.is(index + 1, "(") {
                continue;
            }
            let name = token.name(self.sql);
            if index > 0 && self.is(index - 1, ".") {
                self.stored(index, &name)?;
                continue;
            }
            if token.class == Class::Word && builtins::is_keyword(&name) {
                continue;
            }
            if builtins::only_computes(&name) || self.guard.allows_builtin(&name) {
                continue;
            }
            if builtins::does_more(&name) {
                let words = format!(
                    "`{name}` is not allowed: it does more than compute from the data. Leave it out (an operator can \
                     allow it with functions = [\"{name}\"])"
                );
                return self.fault(words, index);
            }
            if self.names_columns(index) {
                continue;
            }
            self.stored(index, &name)?;
        }
        Ok(())
    }

    /// A function that is not one of the servers' own, as far as is known.
    fn stored(&self, index: usize, name: &str) -> Result<(), Fault> {
        let database = (index > 1 && self.is(index - 1, ".")).then(|| self.tokens[index - 2].name(self.sql));
        let private = database.as_deref().is_some_and(|database| PRIVATE.contains(&database));
        // Where a statement may write, what it calls may too; tables stand there before their columns as well.
        let trusted = self.author == Author::Operator
            || self.access == Access::ReadWrite
            || self.guard.allows(database.as_deref(), name);
        if trusted && !private {
            return Ok(());
        }
        let full = database.map_or_else(|| name.to_owned(), |database| format!("{database}.{name}"));
        let pattern = if full.contains('.') { full.clone() } else { format!("DATABASE.{full}") };
        self.fault(
            format!(
                "`{full}` is no function that is known to only compute. Leave it out (an operator can allow it with \
                 functions = [\"{pattern}\"])"
            ),
            index,
        )
    }

    /// `name (a, b) AS (` in a WITH, `AS name (a, b)` and `) name (a, b)` after a derived table: names of columns.
    fn names_columns(&self, index: usize) -> bool {
        let Some(end) = self.columns_end(index + 1) else { return false };
        if self.is(end + 1, "AS") && self.is(end + 2, "(") {
            return true;
        }
        let before = if index > 0 && self.is(index - 1, "AS") { index.checked_sub(2) } else { index.checked_sub(1) };
        before.is_some_and(|before| self.is(before, ")"))
    }

    /// The end of a list of names in parentheses that opens here.
    fn columns_end(&self, open: usize) -> Option<usize> {
        let mut at = open + 1;
        loop {
            if !self.tokens.get(at).is_some_and(|token| matches!(token.class, Class::Word | Class::Quoted)) {
                return None;
            }
            match self.word(at + 1).as_str() {
                "," => at += 2,
                ")" => return Some(at + 1),
                _ => return None,
            }
        }
    }
}
