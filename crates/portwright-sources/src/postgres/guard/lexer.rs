//! PostgreSQL's lexical rules, as strict as its own `scan.l`: where words, strings and comments begin and end.
//!
//! The parser has a lexer too. Two lexers that disagree are how text is smuggled past a guard (a comment that only one
//! of them sees), so the guard compares the two and refuses what they read differently. Assumes
//! `standard_conforming_strings = on`, which every transaction pins.

/// What a token is, as far as the guard must know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// An unquoted identifier or a keyword.
    Word,
    /// A quoted identifier.
    Quoted,
    /// A string of any kind.
    Text,
    /// `$1`
    Param,
    Number,
    Comment,
    /// One character of anything else.
    Sign,
}

/// A token by its place, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) class: Class,
    pub(super) start: usize,
    pub(super) end: usize,
}

impl Token {
    pub(super) fn text(self, sql: &str) -> &str {
        &sql[self.start..self.end]
    }
}

/// What is not PostgreSQL's lexical grammar, or is better not passed on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LexError {
    pub(super) message: &'static str,
    /// In bytes.
    pub(super) at: usize,
}

type Lexed<T> = Result<T, LexError>;

/// Splits a statement into tokens, without white space.
pub(super) fn lex(sql: &str) -> Lexed<Vec<Token>> {
    // The protocol ends a statement at the first one, wherever it stands.
    if let Some(at) = sql.bytes().position(|byte| byte == 0) {
        return Err(LexError { message: "there is a zero character in the statement", at });
    }
    let mut lexer = Lexer { bytes: sql.as_bytes(), at: 0 };
    let mut tokens = Vec::new();
    while let Some(byte) = lexer.peek(0) {
        if matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0c) {
            lexer.at += 1;
            continue;
        }
        let start = lexer.at;
        let class = lexer.token(byte)?;
        tokens.push(Token { class, start, end: lexer.at });
    }
    Ok(tokens)
}

/// The identifier that a word or quoted identifier stands for.
pub(super) fn identifier(text: &str) -> String {
    match text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        Some(inner) => inner.replace("\"\"", "\""),
        None => text.to_ascii_lowercase(),
    }
}

fn begins_word(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_' || byte >= 0x80
}

fn in_word(byte: u8) -> bool {
    begins_word(byte) || byte.is_ascii_digit() || byte == b'$'
}

struct Lexer<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Lexer<'_> {
    fn peek(&self, ahead: usize) -> Option<u8> {
        self.bytes.get(self.at + ahead).copied()
    }

    fn fail<T>(&self, message: &'static str, at: usize) -> Lexed<T> {
        let at = at.min(self.bytes.len());
        Err(LexError { message, at })
    }

    fn skip_while(&mut self, accept: impl Fn(u8) -> bool) {
        while self.peek(0).is_some_and(&accept) {
            self.at += 1;
        }
    }

    fn token(&mut self, first: u8) -> Lexed<Class> {
        let start = self.at;
        match (first, self.peek(1)) {
            (b'-', Some(b'-')) => {
                self.skip_while(|byte| byte != b'\n' && byte != b'\r');
                Ok(Class::Comment)
            }
            (b'/', Some(b'*')) => self.block_comment(),
            (b'u' | b'U', Some(b'&')) if matches!(self.peek(2), Some(b'\'' | b'"')) => {
                self.fail("write identifiers and strings without Unicode escapes (U&'…', U&\"…\")", start)
            }
            (b'e' | b'E', Some(b'\'')) => self.escape_string(),
            (b'b' | b'B' | b'x' | b'X' | b'n' | b'N', Some(b'\'')) => {
                self.at += 1;
                self.quoted(b'\'').map(|()| Class::Text)
            }
            (b'\'', _) => self.quoted(b'\'').map(|()| Class::Text),
            (b'"', _) => {
                self.quoted(b'"')?;
                if self.at == start + 2 {
                    return self.fail("an identifier is empty", start);
                }
                Ok(Class::Quoted)
            }
            (b'$', _) => self.dollar(),
            (b'.', Some(b'0'..=b'9')) | (b'0'..=b'9', _) => self.number(),
            (byte, _) if begins_word(byte) => {
                self.skip_while(in_word);
                Ok(Class::Word)
            }
            (byte, _) if byte.is_ascii_control() => self.fail("there is a control character in the statement", start),
            _ => {
                self.at += 1;
                Ok(Class::Sign)
            }
        }
    }

    fn block_comment(&mut self) -> Lexed<Class> {
        let start = self.at;
        let mut depth = 0_usize;
        loop {
            match (self.peek(0), self.peek(1)) {
                (Some(b'/'), Some(b'*')) => {
                    depth += 1;
                    self.at += 2;
                }
                (Some(b'*'), Some(b'/')) => {
                    depth -= 1;
                    self.at += 2;
                    if depth == 0 {
                        return Ok(Class::Comment);
                    }
                }
                (Some(_), _) => self.at += 1,
                (None, _) => return self.fail("a comment does not end", start),
            }
        }
    }

    /// From one quote to the next; a doubled quote stands for itself.
    fn quoted(&mut self, quote: u8) -> Lexed<()> {
        let start = self.at;
        self.at += 1;
        loop {
            match self.peek(0) {
                Some(byte) if byte == quote && self.peek(1) == Some(quote) => self.at += 2,
                Some(byte) if byte == quote => {
                    self.at += 1;
                    return Ok(());
                }
                Some(_) => self.at += 1,
                None => return self.fail("a quote does not end", start),
            }
        }
    }

    /// `E'…'`. Its continuation on a next line would still know escapes, but not look like it.
    fn escape_string(&mut self) -> Lexed<Class> {
        let start = self.at;
        self.at += 2;
        loop {
            match (self.peek(0), self.peek(1)) {
                (Some(b'\\'), Some(_)) | (Some(b'\''), Some(b'\'')) => self.at += 2,
                (Some(b'\''), _) => {
                    self.at += 1;
                    break;
                }
                (Some(_), _) => self.at += 1,
                (None, _) => return self.fail("a quote does not end", start),
            }
        }
        let mut ahead = Lexer { bytes: self.bytes, at: self.at };
        loop {
            ahead.skip_while(|byte| byte.is_ascii_whitespace());
            if (ahead.peek(0), ahead.peek(1)) != (Some(b'-'), Some(b'-')) {
                break;
            }
            ahead.skip_while(|byte| byte != b'\n' && byte != b'\r');
        }
        if ahead.peek(0) == Some(b'\'') {
            return self.fail("write an E'…' string in one piece", ahead.at);
        }
        Ok(Class::Text)
    }

    /// `$1`, or a string from `$tag$` to `$tag$`.
    fn dollar(&mut self) -> Lexed<Class> {
        let start = self.at;
        self.at += 1;
        if self.peek(0).is_some_and(|byte| byte.is_ascii_digit()) {
            self.skip_while(|byte| byte.is_ascii_digit());
            return match self.peek(0) {
                Some(byte) if in_word(byte) => self.fail("there is something glued to a parameter", self.at),
                _ => Ok(Class::Param),
            };
        }
        self.skip_while(|byte| begins_word(byte) || byte.is_ascii_digit());
        if self.peek(0) != Some(b'$') {
            return self.fail("a `$` begins neither a parameter nor a string", start);
        }
        self.at += 1;
        let tag = &self.bytes[start..self.at];
        match self.bytes[self.at..].windows(tag.len()).position(|window| window == tag) {
            Some(length) => {
                self.at += length + tag.len();
                Ok(Class::Text)
            }
            None => self.fail("a quote does not end", start),
        }
    }

    fn number(&mut self) -> Lexed<Class> {
        let digits = |byte: u8| byte.is_ascii_digit() || byte == b'_';
        if let (Some(b'0'), Some(b'x' | b'X' | b'o' | b'O' | b'b' | b'B')) = (self.peek(0), self.peek(1)) {
            self.at += 2;
            self.skip_while(|byte| byte.is_ascii_hexdigit() || byte == b'_');
        } else {
            self.skip_while(digits);
            if self.peek(0) == Some(b'.') && self.peek(1) != Some(b'.') {
                self.at += 1;
                self.skip_while(digits);
            }
            if matches!(self.peek(0), Some(b'e' | b'E')) {
                let sign = usize::from(matches!(self.peek(1), Some(b'+' | b'-')));
                if self.peek(1 + sign).is_some_and(|byte| byte.is_ascii_digit()) {
                    self.at += 1 + sign;
                    self.skip_while(digits);
                }
            }
        }
        match self.peek(0) {
            Some(byte) if in_word(byte) => self.fail("there is something glued to a number; put a space", self.at),
            _ => Ok(Class::Number),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Class, identifier, lex};

    fn pieces(sql: &str) -> Vec<(Class, &str)> {
        lex(sql).unwrap().into_iter().map(|token| (token.class, token.text(sql))).collect()
    }

    #[test]
    fn dollars_within_words_quote_nothing() {
        assert_eq!(
            pieces("x$$, f(1) y$$"),
            [
                (Class::Word, "x$$"),
                (Class::Sign, ","),
                (Class::Word, "f"),
                (Class::Sign, "("),
                (Class::Number, "1"),
                (Class::Sign, ")"),
                (Class::Word, "y$$")
            ]
        );
        assert_eq!(pieces("$a$ it's $$ $a$"), [(Class::Text, "$a$ it's $$ $a$")]);
    }

    #[test]
    fn comments_end_where_postgresql_ends_them() {
        assert_eq!(pieces("--a\rb"), [(Class::Comment, "--a"), (Class::Word, "b")]);
        assert_eq!(pieces("/*a/*b*/c*/d"), [(Class::Comment, "/*a/*b*/c*/"), (Class::Word, "d")]);
        assert_eq!(pieces("+--x"), [(Class::Sign, "+"), (Class::Comment, "--x")]);
    }

    #[test]
    fn strings_end_where_postgresql_ends_them() {
        assert_eq!(pieces(r"'a\' b"), [(Class::Text, r"'a\'"), (Class::Word, "b")]);
        assert_eq!(pieces(r"E'a\' b'"), [(Class::Text, r"E'a\' b'")]);
        assert_eq!(pieces("'a''b'"), [(Class::Text, "'a''b'")]);
        assert_eq!(pieces("1..2"), [(Class::Number, "1"), (Class::Sign, "."), (Class::Number, ".2")]);
    }

    #[test]
    fn refuses_what_readers_could_differ_on() {
        for sql in [
            "U&'a'",
            "u&\"a\"",
            "E'a'\n'b'",
            "$1a",
            "12abc",
            "'a",
            "/* a",
            "\"\"",
            "a\0b",
            "'a\0b'",
            "\"a\0\"",
            "--\0",
            "$x",
            "E'a' --c\n 'b'",
        ] {
            assert!(lex(sql).is_err(), "{sql:?}");
        }
    }

    #[test]
    fn identifiers_fold_like_postgresql_folds_them() {
        assert_eq!(identifier("PG_Sleep"), "pg_sleep");
        assert_eq!(identifier("\"A\"\"b\""), "A\"b");
        assert_eq!(identifier("Ä"), "Ä");
    }
}
