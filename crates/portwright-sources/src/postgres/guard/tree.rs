//! The guard's walk over the syntax tree: kinds of statement, parts, calls.

use squawk_syntax::{SourceFile, SyntaxElement, SyntaxKind, SyntaxNode};

use super::grammar;
use super::lexer::{Class, identifier};
use super::{Access, Author, Change, Judge, Names, Passed, Rejection, builtins};

/// Sampling methods: PostgreSQL's own and those of its contributed modules.
const SAMPLING: &[&str] = &["bernoulli", "system", "system_rows", "system_time"];

/// Bytes of a word of the statement that a refusal repeats.
const WORD_BYTES_MAX: usize = 64;

/// Statements that are refused with the word for what they are for.
const INSTEAD: &str = "only SELECT, VALUES, TABLE, EXPLAIN of these, and SHOW are allowed here";

impl Judge<'_> {
    /// Parses, and looks at everything.
    pub(super) fn tree(self) -> Result<Passed, Rejection> {
        let parse = SourceFile::parse(self.sql);
        if let Some(error) = parse.errors().first() {
            let at = usize::from(error.range().start());
            return self.reject(self.unreadable(error.message(), at), at);
        }
        let root = parse.syntax_node();
        self.same_tokens(&root)?;
        let mut statements = root.children().filter(|node| node.kind() != SyntaxKind::EMPTY_STMT);
        let Some(statement) = statements.next() else {
            return Err(Rejection::new("there is no statement"));
        };
        if let Some(second) = statements.next() {
            return self.reject("send one statement at a time", usize::from(second.text_range().start()));
        }
        self.statement(&statement)
    }

    /// The parser's words, with the statement's own word in place of the parser's name for its kind.
    fn unreadable(self, message: &str, at: usize) -> String {
        let message = message.split(", found ").next().unwrap_or(message);
        let tokens = self.tokens.iter().filter(|token| token.class != Class::Comment);
        match tokens.map(|token| (token.start, token.text(self.sql))).find(|(start, _)| *start >= at) {
            Some((_, word)) if word.len() <= WORD_BYTES_MAX => {
                format!("the statement can't be read at `{word}`: {message}")
            }
            _ => format!("the statement can't be read: {message}"),
        }
    }

    fn statement(self, statement: &SyntaxNode) -> Result<Passed, Rejection> {
        let mut names = Names::default();
        match statement.kind() {
            kind if grammar::is_query(kind) => {
                self.parts(statement, &mut names)?;
                self.passed(statement, true, names)
            }
            SyntaxKind::SHOW => {
                self.show(statement)?;
                self.passed(statement, false, names)
            }
            SyntaxKind::EXPLAIN => {
                for child in statement.children() {
                    match child.kind() {
                        SyntaxKind::EXPLAIN_OPTION_LIST | SyntaxKind::EXPLAIN_ANALYZE | SyntaxKind::EXPLAIN_VERBOSE => {
                        }
                        kind if grammar::is_query(kind) => self.parts(&child, &mut names)?,
                        _ => return self.refuse_part(&child, "EXPLAIN is allowed only of SELECT, VALUES and TABLE"),
                    }
                }
                self.passed(statement, false, names)
            }
            kind if self.access == Access::ReadWrite && self.bounds().any() && !grammar::changes_rows(kind) => {
                self.refuse_part(statement, "only SELECT, VALUES, INSERT, UPDATE, DELETE and MERGE are allowed here")
            }
            kind if self.access == Access::ReadWrite && grammar::may_write(kind) => {
                self.calls(statement, &mut names)?;
                self.passed(statement, false, names)
            }
            _ if self.access == Access::ReadWrite => self.refuse_part(
                statement,
                "a statement of this kind can't be run here: each call is one transaction, and its statement must not \
                 end it, outlive it, change the session, or reach the server's files",
            ),
            _ => self.refuse_part(statement, INSTEAD),
        }
    }

    fn passed(self, statement: &SyntaxNode, is_query: bool, names: Names) -> Result<Passed, Rejection> {
        let relations = if self.bounds().fenced { self.relations(statement)? } else { Vec::new() };
        let of_all = |node: &SyntaxNode| {
            matches!(node.kind(), SyntaxKind::UPDATE | SyntaxKind::DELETE)
                && node.children().all(|part| part.kind() != SyntaxKind::WHERE_CLAUSE)
        };
        let change = grammar::changes_rows(statement.kind())
            .then(|| Change { all: statement.descendants().any(|node| of_all(&node)) });
        Ok(Passed { is_query, change, names, relations })
    }

    /// Whether functions and operators that are not PostgreSQL's own may be called without the plan's leave.
    fn calls_others(self) -> bool {
        self.author == Author::Operator || (self.access == Access::ReadWrite && !self.bounds().any())
    }

    pub(super) fn refuse_part<T>(self, part: &SyntaxNode, words: &str) -> Result<T, Rejection> {
        self.reject(words, usize::from(part.text_range().start()))
    }

    /// Both lexers must see the same words, strings and comments.
    fn same_tokens(self, root: &SyntaxNode) -> Result<(), Rejection> {
        let begins_special = |text: &str| {
            text.starts_with(|first: char| {
                first.is_alphabetic() || matches!(first, '_' | '\'' | '"' | '$') || !first.is_ascii()
            }) || text.starts_with("--")
                || text.starts_with("/*")
        };
        let theirs = root
            .descendants_with_tokens()
            .filter_map(SyntaxElement::into_token)
            .filter(|token| begins_special(token.text()))
            .map(|token| (usize::from(token.text_range().start()), usize::from(token.text_range().end())));
        let ours = self
            .tokens
            .iter()
            .filter(|token| !matches!(token.class, Class::Number | Class::Sign))
            .map(|token| (token.start, token.end));
        let mut ours = ours.peekable();
        let mut theirs = theirs.peekable();
        loop {
            match (ours.next(), theirs.next()) {
                (None, None) => return Ok(()),
                (ours, theirs) if ours == theirs => {}
                (ours, theirs) => {
                    let at = [ours, theirs].into_iter().flatten().map(|(start, _)| start).min().unwrap_or(0);
                    return self.reject("the statement can't be read without doubt; write it in a simpler way", at);
                }
            }
        }
    }

    /// A statement that must only read: each part of it is known, and so is each call.
    fn parts(self, top: &SyntaxNode, found: &mut Names) -> Result<(), Rejection> {
        for node in top.descendants() {
            match grammar::objection(node.kind()) {
                None => {}
                Some(_) if self.access == Access::ReadWrite => {}
                Some(why) => return self.refuse_part(&node, &format!("the statement may not run here: {why}")),
            }
        }
        self.calls(top, found)
    }

    fn calls(self, top: &SyntaxNode, found: &mut Names) -> Result<(), Rejection> {
        for node in top.descendants() {
            match node.kind() {
                SyntaxKind::CALL_EXPR => found.calls.extend(self.call(&node)?),
                SyntaxKind::OPERATOR_CALL => self.operator(&node)?,
                SyntaxKind::FIELD_EXPR if node.parent().is_none_or(|parent| !is_callee(&parent, &node)) => {
                    found.fields.extend(names(&node).pop());
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Gives the name, if it is one of PostgreSQL's own without its schema.
    fn call(self, call: &SyntaxNode) -> Result<Option<String>, Rejection> {
        let Some(callee) = call.children().next() else {
            return self.refuse_part(call, "there is a call without a name");
        };
        let path = match callee.kind() {
            SyntaxKind::NAME_REF | SyntaxKind::FIELD_EXPR => names(&callee),
            // The grammar's own forms: EXTRACT(…), XMLELEMENT(…). Their kinds are on the list of known parts.
            _ if call.children().all(|child| child.kind() != SyntaxKind::ARG_LIST) => return Ok(None),
            _ => Vec::new(),
        };
        if call.parent().is_some_and(|parent| parent.kind() == SyntaxKind::TABLESAMPLE_CLAUSE)
            && matches!(path.as_slice(), [name] if SAMPLING.contains(&name.as_str()))
        {
            return Ok(None);
        }
        match path.as_slice() {
            [name] => self.function(None, name, call).map(|()| Some(name.clone())),
            [schema, name] => self.function(Some(schema), name, call).map(|()| None),
            _ => self.refuse_part(call, "write a function as name(…) or schema.name(…)"),
        }
    }

    fn function(self, schema: Option<&str>, name: &str, call: &SyntaxNode) -> Result<(), Rejection> {
        let is_builtin = schema.is_none_or(|schema| schema == "pg_catalog");
        if is_builtin && let Some(allowed) = builtins::may_call(name, self.access) {
            // Those that are not allowed were looked at with the words.
            if allowed || self.guard.allows_builtin(name) || name == "current_setting" {
                return Ok(());
            }
            return self.refuse_part(call, &format!("`{name}` is not allowed"));
        }
        let own_schema = schema != Some("pg_catalog");
        if own_schema && (self.calls_others() || self.guard.allows(schema, name)) {
            return Ok(());
        }
        let full = schema.map_or_else(|| name.to_owned(), |schema| format!("{schema}.{name}"));
        let pattern = schema.map_or_else(|| format!("public.{name}"), |schema| format!("{schema}.{name}"));
        self.refuse_part(
            call,
            &format!(
                "the function `{full}` is not one of PostgreSQL's that only compute. Write the query without it (an \
                 operator can allow it with functions = [\"{pattern}\"])"
            ),
        )
    }

    /// `OPERATOR(schema.+)`
    fn operator(self, call: &SyntaxNode) -> Result<(), Rejection> {
        let words = call.descendants_with_tokens().filter_map(SyntaxElement::into_token);
        let path: Vec<_> = words
            .filter(|token| token.kind() != SyntaxKind::OPERATOR_KW)
            .map(|token| token.text().to_owned())
            .filter(|text| text.starts_with(|first: char| first.is_alphabetic() || matches!(first, '_' | '"')))
            .map(|text| identifier(&text))
            .collect();
        match path.as_slice() {
            [] => Ok(()),
            [schema] if schema == "pg_catalog" || self.author == Author::Operator => Ok(()),
            [schema] if self.calls_others() || self.guard.allows(Some(schema), "operator") => Ok(()),
            _ => self.refuse_part(call, "write the operator without OPERATOR(schema.…)"),
        }
    }

    fn show(self, show: &SyntaxNode) -> Result<(), Rejection> {
        let Some(what) = show.children().next() else {
            return self.refuse_part(show, "say which setting to show");
        };
        let setting: String = what.text().to_string().split_whitespace().collect();
        let setting = identifier(&setting);
        let harmless = matches!(what.kind(), SyntaxKind::TIME_ZONE | SyntaxKind::TRANSACTION_ISOLATION_LEVEL)
            || builtins::may_show(&setting);
        if harmless || self.author == Author::Operator {
            return Ok(());
        }
        self.refuse_part(&what, "this setting is not shown; settings of formats, limits and versions are")
    }
}

fn is_callee(parent: &SyntaxNode, node: &SyntaxNode) -> bool {
    parent.kind() == SyntaxKind::CALL_EXPR && parent.children().next().as_ref() == Some(node)
}

/// The identifiers of `a.b.c`; empty if it is not made of identifiers alone (except for its start, if that is one).
fn names(node: &SyntaxNode) -> Vec<String> {
    if node.kind() == SyntaxKind::NAME_REF {
        return vec![identifier(node.text().to_string().trim())];
    }
    let mut path = Vec::new();
    let children: Vec<_> = node.children().collect();
    match children.as_slice() {
        [base, field] => {
            path.extend(match base.kind() {
                SyntaxKind::NAME_REF | SyntaxKind::FIELD_EXPR => names(base),
                // `(expression).name(…)` is no call that PostgreSQL has.
                _ => vec![String::new(), String::new()],
            });
            path.extend(names(field));
        }
        _ => path.extend([String::new(), String::new(), String::new()]),
    }
    path
}
