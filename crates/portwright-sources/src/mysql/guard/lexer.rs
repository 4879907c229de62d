//! A statement as words, texts and signs, as the servers of MySQL and MariaDB read it.
//!
//! What the two read differently, or differently by a setting that is not ours, is refused here: executable comments,
//! hints, and characters that begin nothing in a statement that reads.

/// How the server reads quotes, by its `sql_mode`. Each session is set to the default.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::mysql) struct Mode {
    /// `NO_BACKSLASH_ESCAPES`: a backslash is itself.
    pub(in crate::mysql) no_backslash_escapes: bool,
    /// `ANSI_QUOTES`: double quotes hold identifiers.
    pub(in crate::mysql) ansi_quotes: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// A keyword, an identifier, a number: what identifiers are made of, which may begin with a digit.
    Word,
    /// An identifier in quotes.
    Quoted,
    Text,
    /// One character.
    Sign,
}

/// A part of a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) class: Class,
    /// In bytes, from 0.
    pub(super) start: usize,
    pub(super) end: usize,
}

impl Token {
    pub(super) fn text<'a>(&self, sql: &'a str) -> &'a str {
        sql.get(self.start..self.end).unwrap_or_default()
    }

    /// An identifier without its quotes, in lower case: names of functions, and of the server's databases, have no case.
    pub(super) fn name(&self, sql: &str) -> String {
        let text = self.text(sql);
        match self.class {
            Class::Quoted => {
                let quote = text.chars().next().unwrap_or('`');
                let inner = text.get(1..text.len().saturating_sub(1)).unwrap_or_default();
                inner.replace(&format!("{quote}{quote}"), &quote.to_string()).to_lowercase()
            }
            _ => text.to_lowercase(),
        }
    }
}

/// Why a statement can't be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unreadable {
    pub(super) message: &'static str,
    /// In bytes, from 0.
    pub(super) at: usize,
}

/// Signs that a statement may be made of.
const SIGNS: &str = "()+-*/%<>=!&|^~,.;?";

/// The parts of a statement, without space and comments.
pub(super) fn lex(sql: &str, mode: Mode) -> Result<Vec<Token>, Unreadable> {
    let mut reader = Reader { sql, at: 0, mode, tokens: Vec::new() };
    while reader.at < sql.len() {
        reader.part()?;
    }
    Ok(reader.tokens)
}

struct Reader<'a> {
    sql: &'a str,
    at: usize,
    mode: Mode,
    tokens: Vec<Token>,
}

fn in_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '$') || !c.is_ascii()
}

/// What the server takes for space: not all that Unicode does.
fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r' | '\x0b' | '\x0c')
}

impl Reader<'_> {
    fn rest(&self) -> &str {
        &self.sql[self.at..]
    }

    fn fail<T>(&self, message: &'static str) -> Result<T, Unreadable> {
        Err(Unreadable { message, at: self.at })
    }

    fn push(&mut self, class: Class, bytes: usize) {
        self.tokens.push(Token { class, start: self.at, end: self.at + bytes });
        self.at += bytes;
    }

    fn skip_line(&mut self) {
        self.at = self.rest().find('\n').map_or(self.sql.len(), |end| self.at + end + 1);
    }

    fn part(&mut self) -> Result<(), Unreadable> {
        let mut chars = self.rest().chars();
        let (Some(first), second) = (chars.next(), chars.next()) else { return Ok(()) };
        match (first, second) {
            (c, _) if is_space(c) => self.at += 1,
            ('#', _) => self.skip_line(),
            ('-', Some('-')) => match chars.next() {
                None => self.skip_line(),
                Some(third) if is_space(third) => self.skip_line(),
                // Two minus signs for MySQL, a comment for everybody else.
                Some(_) => return self.fail("write a space between two minus signs, or after those of a comment"),
            },
            ('/', Some('*')) => return self.comment(),
            ('\'', _) => return self.quoted('\'', Class::Text),
            ('"', _) if self.mode.ansi_quotes => return self.quoted('"', Class::Quoted),
            ('"', _) => return self.quoted('"', Class::Text),
            ('`', _) => return self.quoted('`', Class::Quoted),
            ('@', _) => {
                let signs = if second == Some('@') { 2 } else { 1 };
                self.push(Class::Sign, signs);
            }
            (':', Some('=')) => self.push(Class::Sign, 2),
            // Dollars hold texts for newer servers.
            ('$', _) => return self.fail("a name that begins with a dollar must stand in backticks"),
            (c, _) if in_word(c) => {
                let bytes = self.rest().find(|c| !in_word(c)).unwrap_or(self.rest().len());
                self.push(Class::Word, bytes);
            }
            (c, _) if SIGNS.contains(c) => self.push(Class::Sign, 1),
            _ => return self.fail("a character that has no place in a statement"),
        }
        Ok(())
    }

    fn comment(&mut self) -> Result<(), Unreadable> {
        let body = &self.rest()[2..];
        if body.starts_with('!') || body.starts_with("M!") || body.starts_with("m!") {
            return self.fail("a comment that servers run (/*! … */) is not allowed; write what it holds without it");
        }
        if body.starts_with('+') {
            return self.fail("a hint (/*+ … */) is not allowed; leave it out");
        }
        match body.find("*/") {
            Some(end) => self.at += 2 + end + 2,
            None => return self.fail("a comment is never closed"),
        }
        Ok(())
    }

    /// Up to the closing quote. A doubled one is part of the text, and so is one after a backslash where that escapes.
    fn quoted(&mut self, quote: char, class: Class) -> Result<(), Unreadable> {
        let escapes = class == Class::Text && !self.mode.no_backslash_escapes;
        let mut chars = self.rest().char_indices().skip(1).peekable();
        let mut end = None;
        while let Some((index, c)) = chars.next() {
            if escapes && c == '\\' {
                chars.next();
            } else if c == quote && chars.next_if(|(_, next)| *next == quote).is_none() {
                end = Some(index + 1);
                break;
            }
        }
        match end {
            Some(bytes) => self.push(class, bytes),
            None => return self.fail("a quote is never closed"),
        }
        Ok(())
    }
}
