//! Named placeholders: `:name` in a declared statement becomes the dialect's own placeholder.
//!
//! The statement is read as tokens, so that a colon within a string, a comment, a quoted identifier, a `::cast`, an
//! array slice or `json_object('k': v)` stays what it is. It knows nothing of grammar, and never looks at a value:
//! values are bound by the database.

#[cfg(test)]
mod tests;

use super::database::Dialect;

/// A declared statement in the database's own words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// The statement with the dialect's placeholders.
    pub sql: String,
    /// The parameters in the order of their numbers, each once; where placeholders have none, in the order of use.
    pub names: Vec<String>,
    /// Characters up to which the text was written, here and in the original, after each placeholder.
    marks: Vec<(usize, usize)>,
}

impl Statement {
    /// A position in [`sql`](Self::sql), in characters from 1, as the same place in the original text.
    pub fn original_position(&self, position: usize) -> usize {
        let after = self.marks.iter().rev().find(|(here, _)| *here < position);
        after.map_or(position, |(here, original)| position - here + original)
    }
}

/// What is wrong with a declared statement. Positions are in characters from 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlaceholderError {
    #[error("{what} is never closed")]
    Unclosed { what: &'static str, position: usize },
    #[error("`{text}` is the database's own placeholder, and parameters here have names")]
    OwnPlaceholder { text: String, position: usize },
}

impl PlaceholderError {
    pub fn position(&self) -> usize {
        match self {
            Self::Unclosed { position, .. } | Self::OwnPlaceholder { position, .. } => *position,
        }
    }
}

/// `line 2, column 5`, for a position in characters from 1.
pub fn line_and_column(text: &str, position: usize) -> String {
    let before: String = text.chars().take(position.saturating_sub(1)).collect();
    let line = before.matches('\n').count() + 1;
    let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
    format!("line {line}, column {column}")
}

/// Rewrites `:name` to the dialect's placeholders.
pub fn rewrite(text: &str, dialect: &Dialect) -> Result<Statement, PlaceholderError> {
    let mut reader = Reader { text, at: 0, dialect, brackets: 0, last: Last::Start, out: Statement::empty(text.len()) };
    while reader.at < text.len() {
        reader.token()?;
    }
    Ok(reader.out)
}

impl Statement {
    fn empty(capacity: usize) -> Self {
        Self { sql: String::with_capacity(capacity), names: Vec::new(), marks: Vec::new() }
    }

    fn number(&mut self, name: &str, positional: bool) -> usize {
        let known = self.names.iter().position(|known| known == name && !positional);
        known.unwrap_or_else(|| {
            self.names.push(name.to_owned());
            self.names.len() - 1
        }) + 1
    }
}

/// What stood before: it tells a placeholder's colon from one between two operands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Last {
    Start,
    Word,
    Number,
    /// A string or a quoted identifier.
    Quoted,
    /// A closing parenthesis or bracket.
    Closing,
    Other,
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    dialect: &'a Dialect,
    /// How many array brackets are open.
    brackets: usize,
    last: Last,
    out: Statement,
}

fn starts_word(c: char) -> bool {
    c.is_alphabetic() || c == '_'
}

fn in_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    /// Characters from 1 of the byte `at`.
    fn position(&self, at: usize) -> usize {
        self.text[..at].chars().count() + 1
    }

    /// Copies `bytes` bytes as they are.
    fn copy(&mut self, bytes: usize) {
        self.out.sql.push_str(&self.rest()[..bytes]);
        self.at += bytes;
    }

    fn copy_while(&mut self, keep: impl Fn(char) -> bool) {
        let rest = self.rest();
        self.copy(rest.find(|c| !keep(c)).unwrap_or(rest.len()));
    }

    fn token(&mut self) -> Result<(), PlaceholderError> {
        let Some(first) = self.peek() else { return Ok(()) };
        let second = self.rest().chars().nth(1);
        match (first, second) {
            (c, _) if c.is_whitespace() => self.copy_while(char::is_whitespace),
            ('-', Some('-')) if self.is_comment() => self.copy_while(|c| c != '\n'),
            ('/', Some('*')) => return self.block_comment(),
            ('#', _) if self.dialect.mysql_quotes => self.copy_while(|c| c != '\n'),
            ('\'', _) => return self.quoted('\'', self.dialect.mysql_quotes, "a string"),
            ('"', _) => return self.quoted('"', self.dialect.mysql_quotes, "a quoted identifier"),
            ('`', _) if self.dialect.backtick_identifiers => return self.quoted('`', false, "a quoted identifier"),
            ('[', _) if self.dialect.bracket_identifiers => return self.bracketed(),
            ('$', _) if self.dialect.dollar_quotes && self.dollar_tag().is_some() => return self.dollar_quoted(),
            ('e' | 'E', Some('\'')) if self.dialect.escape_strings => {
                self.copy(1);
                return self.quoted('\'', true, "a string");
            }
            (c, second) if self.dialect.own_placeholders.contains(&c) && self.is_own(c, second) => {
                return Err(self.own_placeholder());
            }
            (':', Some(':' | '=')) => {
                self.copy(2);
                self.last = Last::Other;
            }
            (':', Some(c)) if starts_word(c) && !self.between_operands() => self.placeholder(),
            (c, _) if starts_word(c) => {
                // Identifiers may hold a `$`, which begins nothing there.
                self.copy_while(|c| in_word(c) || c == '$');
                self.last = Last::Word;
            }
            (c, _) if c.is_ascii_digit() => {
                self.copy_while(|c| in_word(c) || c == '.');
                self.last = Last::Number;
            }
            (c, _) => self.symbol(c),
        }
        Ok(())
    }

    /// Whether two dashes here begin a comment: MySQL wants a space after them.
    fn is_comment(&self) -> bool {
        !self.dialect.mysql_quotes || self.rest().chars().nth(2).is_none_or(|c| c.is_whitespace() || c.is_control())
    }

    fn symbol(&mut self, symbol: char) {
        match symbol {
            '[' => self.brackets += 1,
            ']' => self.brackets = self.brackets.saturating_sub(1),
            _ => {}
        }
        self.copy(symbol.len_utf8());
        self.last = if matches!(symbol, ')' | ']') { Last::Closing } else { Last::Other };
    }

    /// Whether a colon here stands between two operands (`a[1:n]`, `json_object('k':v)`) rather than before a name.
    fn between_operands(&self) -> bool {
        let adjacent = !self.text[..self.at].ends_with(char::is_whitespace);
        match self.last {
            Last::Start | Last::Other => false,
            Last::Quoted | Last::Number => true,
            Last::Closing => self.brackets > 0,
            Last::Word => self.brackets > 0 && adjacent,
        }
    }

    fn placeholder(&mut self) {
        let name = &self.rest()[1..];
        let name = &name[..name.find(|c| !in_word(c)).unwrap_or(name.len())];
        let number = self.out.number(name, self.dialect.positional);
        self.out.sql.push_str(&(self.dialect.placeholder)(number));
        self.at += 1 + name.len();
        let written = self.out.sql.chars().count();
        self.out.marks.push((written, self.position(self.at) - 1));
        self.last = Last::Word;
    }

    fn is_own(&self, first: char, second: Option<char>) -> bool {
        match first {
            '?' => true,
            _ if self.dialect.dollar_quotes => second.is_some_and(|c| c.is_ascii_digit()),
            _ => second.is_some_and(in_word),
        }
    }

    fn own_placeholder(&self) -> PlaceholderError {
        let rest = &self.rest()[1..];
        let end = rest.find(|c| !in_word(c)).unwrap_or(rest.len());
        let text = self.rest()[..=end].to_owned();
        PlaceholderError::OwnPlaceholder { text, position: self.position(self.at) }
    }

    fn unclosed(&self, what: &'static str, start: usize) -> PlaceholderError {
        PlaceholderError::Unclosed { what, position: self.position(start) }
    }

    /// Up to the closing `quote`; a doubled one is part of the text, and so is one after a backslash in `escapes`.
    fn quoted(&mut self, quote: char, escapes: bool, what: &'static str) -> Result<(), PlaceholderError> {
        let start = self.at;
        let mut chars = self.rest().char_indices().skip(1).peekable();
        while let Some((index, c)) = chars.next() {
            if escapes && c == '\\' {
                chars.next();
            } else if c == quote && chars.next_if(|(_, next)| *next == quote).is_none() {
                self.copy(index + 1);
                self.last = Last::Quoted;
                return Ok(());
            }
        }
        Err(self.unclosed(what, start))
    }

    fn bracketed(&mut self) -> Result<(), PlaceholderError> {
        let end = self.rest().find(']').ok_or_else(|| self.unclosed("a quoted identifier", self.at))?;
        self.copy(end + 1);
        self.last = Last::Quoted;
        Ok(())
    }

    fn block_comment(&mut self) -> Result<(), PlaceholderError> {
        let rest = self.rest().as_bytes();
        let (mut depth, mut index) = (0_usize, 0);
        while index < rest.len() {
            match &rest[index..] {
                [b'/', b'*', ..] if depth == 0 || self.dialect.nested_comments => {
                    depth += 1;
                    index += 2;
                }
                [b'*', b'/', ..] => {
                    depth -= 1;
                    index += 2;
                    if depth == 0 {
                        self.copy(index);
                        return Ok(());
                    }
                }
                _ => index += 1,
            }
        }
        Err(self.unclosed("a comment", self.at))
    }

    /// The tag of a dollar quote that begins here, dollars included.
    fn dollar_tag(&self) -> Option<&'a str> {
        let rest = self.rest();
        let inner = rest.strip_prefix('$')?;
        let end = inner.find('$')?;
        let tag = &inner[..end];
        let is_tag = tag.chars().enumerate().all(|(index, c)| if index == 0 { starts_word(c) } else { in_word(c) });
        is_tag.then(|| &rest[..end + 2])
    }

    fn dollar_quoted(&mut self) -> Result<(), PlaceholderError> {
        let tag = self.dollar_tag().unwrap_or("$$");
        let body = &self.rest()[tag.len()..];
        let end = body.find(tag).ok_or_else(|| self.unclosed("a dollar-quoted string", self.at))?;
        self.copy(tag.len() + end + tag.len());
        self.last = Last::Quoted;
        Ok(())
    }
}
