//! The guard of SQL statements: what may be sent to the server at all.
//!
//! It reads a statement with PostgreSQL's grammar and lets through only what it knows: one statement, of a kind that
//! fits the access, made of parts that only read, calling functions that only compute. What it can't read it refuses.
//!
//! It is one wall of three. It does not know the catalog, so it can't see what a view, an operator, a cast, a policy or
//! a default calls in turn: the READ ONLY transaction and the role's privileges hold those.

mod builtins;
mod grammar;
mod lexer;
mod relations;
mod tree;

use std::collections::BTreeSet;
use std::panic;
use std::thread;

use globset::{Glob, GlobMatcher};
use portwright_core::limits::SQL_BYTES_MAX;

use self::lexer::{Class, Token};
pub(crate) use self::relations::{Relation, Use};
use super::Access;

/// Levels of parentheses and brackets. Honest statements have a dozen.
const NESTING_MAX: usize = 100;

/// Tokens that may follow each other without a comma, with those around the parentheses that they stand in. A chain
/// (`1+1+1…`, `a OR b OR c…`) is a tree as deep as it is long, and the parser takes quadratic time for it.
const CHAIN_MAX: usize = 2000;

/// Tokens up to which a statement is parsed on the caller's stack. The parser recurses at most once a token.
const INLINE_TOKENS_MAX: usize = 200;

/// Bytes of stack for longer statements: enough for [`SQL_BYTES_MAX`] of the most deeply nesting text there is.
const PARSER_STACK: usize = 256 * 1024 * 1024;

/// Who wrote a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Author {
    /// The operator, in the configuration: may call functions of their own and read any relation.
    Operator,
    /// A model, now.
    Model,
}

/// What a statement is that passed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Passed {
    /// It can be explained.
    pub(crate) is_query: bool,
    /// It is about rows that it adds, changes or deletes.
    pub(crate) change: Option<Change>,
    pub(crate) names: Names,
    /// What it names, where that is to be held to a fence.
    pub(crate) relations: Vec<Relation>,
}

/// What a statement does that changes rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Change {
    /// It updates or deletes all rows of a table: there is no WHERE.
    pub(crate) all: bool,
}

/// Names by which PostgreSQL could reach a function that is not its own. They are to be compared with the functions that
/// the database has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Names {
    /// Names in field position (`x.name`). They are functions' where there is no such column.
    pub(crate) fields: BTreeSet<String>,
    /// Functions of PostgreSQL's own that are called without a schema. One of the same name that fits the arguments better
    /// is called in their place.
    pub(crate) calls: BTreeSet<String>,
}

impl Names {
    pub(crate) fn is_empty(&self) -> bool {
        self.fields.is_empty() && self.calls.is_empty()
    }

    pub(crate) fn retain(&mut self, keep: impl Fn(&str) -> bool) {
        self.fields.retain(|name| keep(name));
        self.calls.retain(|name| keep(name));
    }
}

/// Why a statement does not pass, in words for who wrote it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}{}", place(*.position))]
pub(crate) struct Rejection {
    pub(crate) message: String,
    /// In characters from 1.
    pub(crate) position: Option<usize>,
}

fn place(position: Option<usize>) -> String {
    position.map(|at| format!(" (at character {at})")).unwrap_or_default()
}

impl Rejection {
    fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), position: None }
    }

    /// `byte` counts from 0.
    fn at(mut self, sql: &str, byte: usize) -> Self {
        let before = sql.char_indices().take_while(|(at, _)| *at < byte).count();
        self.position = Some(before + 1);
        self
    }
}

/// A pattern of function names that the plan allows.
#[derive(Debug, Clone)]
struct Allowed {
    schema: GlobMatcher,
    name: GlobMatcher,
    /// Only a pattern that says `pg_catalog` opens PostgreSQL's own functions.
    builtin: bool,
}

/// The guard, with the functions that the plan allows beside PostgreSQL's harmless ones.
#[derive(Debug, Clone, Default)]
pub(crate) struct Guard {
    allowed: Vec<Allowed>,
    bounds: Bounds,
}

/// What ad-hoc statements are held to beside their access.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Bounds {
    /// Some relations or columns are kept back: nothing may be reached that the statement does not name as a relation.
    pub(crate) fenced: bool,
    /// The rows are the caller's own: nothing may be called that could change whose they are.
    pub(crate) bound: bool,
}

impl Bounds {
    fn any(self) -> bool {
        self.fenced || self.bound
    }
}

impl Guard {
    /// `functions` are globs on `schema.name`, or on a name alone.
    pub(crate) fn new(functions: &[String]) -> Result<Self, globset::Error> {
        let glob = |text: &str| Glob::new(text).map(|glob| glob.compile_matcher());
        let allowed = functions.iter().map(|pattern| {
            let (schema, name) = pattern.rsplit_once('.').unwrap_or(("*", pattern));
            Ok(Allowed { schema: glob(schema)?, name: glob(name)?, builtin: schema == "pg_catalog" })
        });
        Ok(Self { allowed: allowed.collect::<Result<_, globset::Error>>()?, bounds: Bounds::default() })
    }

    /// Holds ad-hoc statements to more.
    pub(crate) fn held(mut self, bounds: Bounds) -> Self {
        self.bounds = bounds;
        self
    }

    /// Judges one statement.
    pub(crate) fn check(&self, sql: &str, access: Access, author: Author) -> Result<Passed, Rejection> {
        if author == Author::Model && sql.len() > SQL_BYTES_MAX {
            return Err(Rejection::new(format!("the statement is longer than {SQL_BYTES_MAX} bytes; shorten it")));
        }
        let tokens = lexer::lex(sql).map_err(|error| {
            Rejection::new(format!("the statement can't be read: {}", error.message)).at(sql, error.at)
        })?;
        nesting(sql, &tokens)?;
        let judge = Judge { guard: self, sql, tokens: &tokens, access, author };
        judge.words()?;
        if tokens.len() <= INLINE_TOKENS_MAX {
            return panic::catch_unwind(panic::AssertUnwindSafe(|| judge.tree())).unwrap_or_else(|_| Err(unreadable()));
        }
        thread::scope(|scope| {
            let parse = thread::Builder::new().name("sql-guard".into()).stack_size(PARSER_STACK);
            let Ok(parse) = parse.spawn_scoped(scope, || judge.tree()) else { return Err(unreadable()) };
            parse.join().unwrap_or_else(|_| Err(unreadable()))
        })
    }

    /// Whether the plan allows a function that is not one of PostgreSQL's own; without a schema, any will do.
    pub(crate) fn allows(&self, schema: Option<&str>, name: &str) -> bool {
        self.allowed.iter().any(|pattern| {
            !pattern.builtin
                && pattern.name.is_match(name)
                && schema.is_none_or(|schema| pattern.schema.is_match(schema))
        })
    }

    fn allows_builtin(&self, name: &str) -> bool {
        self.allowed.iter().any(|pattern| pattern.builtin && pattern.name.is_match(name))
    }
}

fn unreadable() -> Rejection {
    Rejection::new("the statement can't be read; write it in a simpler way")
}

/// Bounds the depth of the tree before anything recurses over it.
fn nesting(sql: &str, tokens: &[Token]) -> Result<(), Rejection> {
    let mut levels = vec![0_usize];
    let mut chain = 0_usize;
    for token in tokens.iter().filter(|token| token.class != Class::Comment) {
        let text = token.text(sql);
        match text {
            "(" | "[" => levels.push(0),
            ")" | "]" if levels.len() > 1 => chain -= levels.pop().unwrap_or(0),
            "," => chain -= levels.last_mut().map_or(0, std::mem::take),
            _ => {}
        }
        if let Some(level) = levels.last_mut() {
            *level += 1;
            chain += 1;
        }
        if levels.len() > NESTING_MAX || chain > CHAIN_MAX {
            return Err(Rejection::new("the statement nests too deep; write it in a simpler way").at(sql, token.start));
        }
    }
    Ok(())
}

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
    /// What the statement is held to; nothing for the operator's own.
    fn bounds(&self) -> Bounds {
        if self.author == Author::Model { self.guard.bounds } else { Bounds::default() }
    }

    fn reject<T>(&self, message: impl Into<String>, byte: usize) -> Result<T, Rejection> {
        Err(Rejection::new(message).at(self.sql, byte))
    }

    /// Looks at the words alone, whatever the grammar makes of them.
    fn words(&self) -> Result<(), Rejection> {
        let significant: Vec<&Token> = self.tokens.iter().filter(|token| token.class != Class::Comment).collect();
        let text = |index: usize| significant.get(index).map_or("", |token| token.text(self.sql));
        for (index, token) in significant.iter().enumerate() {
            if !matches!(token.class, Class::Word | Class::Quoted) {
                continue;
            }
            let name = lexer::identifier(token.text(self.sql));
            if self.author == Author::Model && builtins::is_private_relation(&name) {
                return self.reject(format!("`{name}` is not open to ad-hoc queries"), token.start);
            }
            let is_field = index > 0 && text(index - 1) == ".";
            let is_call = text(index + 1) == "(";
            if (is_field || is_call) && builtins::may_call(&name, self.access) == Some(false) {
                self.builtin(&name, index, &significant, token.start)?;
            }
            if (is_field || is_call)
                && self.bounds().fenced
                && relations::reads_catalog(&name)
                && !self.guard.allows_builtin(&name)
            {
                let words = format!("`{name}` reads the catalogs, which are not open here. Leave it out");
                return self.reject(words, token.start);
            }
        }
        Ok(())
    }

    /// A function of PostgreSQL's own that does more than compute.
    fn builtin(&self, name: &str, index: usize, tokens: &[&Token], byte: usize) -> Result<(), Rejection> {
        if self.guard.allows_builtin(name) || (name == "current_setting" && self.shows_setting(index, tokens)) {
            return Ok(());
        }
        let schema = (index > 1).then(|| lexer::identifier(tokens[index - 2].text(self.sql)));
        if schema.is_some_and(|schema| schema != "pg_catalog" && self.guard.allows(Some(&schema), name)) {
            return Ok(());
        }
        self.reject(
            format!(
                "`{name}` is not allowed: it does more than compute from the data. Leave it out (an operator can allow it \
                 with functions = [\"pg_catalog.{name}\"])"
            ),
            byte,
        )
    }

    /// `current_setting('…'` of a setting that may be shown.
    fn shows_setting(&self, index: usize, tokens: &[&Token]) -> bool {
        let after = |offset: usize| tokens.get(index + offset).map_or("", |token| token.text(self.sql));
        let setting = after(2).strip_prefix('\'').and_then(|rest| rest.strip_suffix('\''));
        let ends = matches!(after(3), ")" | ",");
        after(1) == "(" && ends && setting.is_some_and(|name| builtins::may_show(&name.to_ascii_lowercase()))
    }
}

#[cfg(test)]
mod tests;
