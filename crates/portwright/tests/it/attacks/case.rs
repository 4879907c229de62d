//! A case: what is tried, and what must come of it, as its file has it.
//!
//! ```text
//! # E1 A page of another site asks         the attack
//! by the front door: Origin                what stops it
//! > POST /mcp HTTP/1.1                     lines of a request over HTTP, with its body after an empty one
//! @ query_customers {"limit": true}        or: a call, on every transport
//! % words in a row                         or: a row that a tool reads, on every transport; \u{..} and \n are escapes
//! $ no algorithm                           or: an access token, by the name of the forgery
//! ! serve --listen 0.0.0.0:0               or: a command
//! = 403                                    status, `refused`, `error CODE`, `answered`, or `exit CODE`; several may do
//! + text                                   must stand in the answer
//! - text                                   must not
//! ```

/// One attack.
pub(super) struct Case {
    pub(super) title: String,
    pub(super) by: String,
    pub(super) deed: Deed,
    pub(super) ends: Vec<String>,
    pub(super) shown: Vec<String>,
    pub(super) hidden: Vec<String>,
}

/// What is done.
pub(super) enum Deed {
    Http(String),
    Call { tool: String, arguments: String },
    Row(String),
    Token(String),
    Command(String),
}

impl Deed {
    /// How it comes, for a reader.
    pub(super) fn ways(&self) -> &'static str {
        match self {
            Self::Http(_) => "HTTP",
            Self::Call { .. } => "a call on every transport",
            Self::Row(_) => "a row, on every transport",
            Self::Token(_) => "an access token",
            Self::Command(_) => "the command line",
        }
    }
}

pub(super) fn cases(text: &str) -> Vec<Case> {
    let blocks = text.split("\n\n").map(str::trim).filter(|block| !block.is_empty());
    blocks.map(|block| case(block).unwrap_or_else(|why| panic!("{why}: {block}"))).collect()
}

fn case(block: &str) -> Result<Case, &'static str> {
    let (mut title, mut by, mut deed) = (None, None, None);
    let (mut ends, mut shown, mut hidden, mut request) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for line in block.lines() {
        let (mark, rest) = line.split_once(' ').unwrap_or((line, ""));
        match mark {
            "#" => title = Some(rest.to_owned()),
            "by" => by = Some(rest.to_owned()),
            ">" => request.push(rest),
            "@" => {
                let (tool, arguments) = rest.split_once(' ').ok_or("a call has arguments")?;
                deed = Some(Deed::Call { tool: tool.to_owned(), arguments: arguments.to_owned() });
            }
            "%" => deed = Some(Deed::Row(unescaped(rest))),
            "$" => deed = Some(Deed::Token(rest.to_owned())),
            "!" => deed = Some(Deed::Command(rest.to_owned())),
            "=" => ends.extend(rest.split(" or ").map(str::to_owned)),
            "+" => shown.push(unescaped(rest)),
            "-" => hidden.push(unescaped(rest)),
            _ => return Err("a line begins with a mark"),
        }
    }
    if !request.is_empty() {
        deed = Some(Deed::Http(request.join("\n")));
    }
    if ends.is_empty() && shown.is_empty() && hidden.is_empty() {
        return Err("nothing is expected");
    }
    let (title, by) = (title.ok_or("no title")?, by.ok_or("nothing stops it")?);
    Ok(Case { title, by, deed: deed.ok_or("nothing is done")?, ends, shown, hidden })
}

/// `\u{..}`, `\n` and `\\`.
fn unescaped(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(hex) = rest.strip_prefix("u{") {
            let (hex, after) = hex.split_once('}').expect("an escape that ends");
            out.push(u32::from_str_radix(hex, 16).ok().and_then(char::from_u32).expect("a character"));
            rest = after;
        } else {
            let letter = rest.chars().next().expect("an escape");
            out.push(if letter == 'n' { '\n' } else { letter });
            rest = &rest[letter.len_utf8()..];
        }
    }
    out + rest
}
