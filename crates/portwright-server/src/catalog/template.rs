//! URI templates of RFC 6570, as far as resources use them: `{name}` stands for one segment, `{+name}` for several.

use portwright_core::limits;

/// A template that URIs can be held against.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UriTemplate {
    text: String,
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Literal(String),
    /// `reserved`: may hold `/`.
    Variable {
        reserved: bool,
    },
}

impl UriTemplate {
    /// None for a template with expressions that it does not know, or with two variables side by side.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(open) = rest.find('{') {
            let close = open + rest[open..].find('}')?;
            if open > 0 {
                parts.push(Part::Literal(rest[..open].to_owned()));
            } else if matches!(parts.last(), Some(Part::Variable { .. })) {
                return None;
            }
            let inner = &rest[open + 1..close];
            let (reserved, name) = inner.strip_prefix('+').map_or((false, inner), |name| (true, name));
            if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
                return None;
            }
            parts.push(Part::Variable { reserved });
            rest = &rest[close + 1..];
        }
        if !rest.is_empty() {
            parts.push(Part::Literal(rest.to_owned()));
        }
        Some(Self { text: text.to_owned(), parts })
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Whether `uri` is an expansion of the template with no empty value. Linear in the length of the URI for each
    /// variable, whatever it holds.
    pub(crate) fn fits(&self, uri: &str) -> bool {
        uri.len() <= limits::URI_BYTES_MAX && fits(&self.parts, uri)
    }
}

/// Each variable takes as little as it can, the last one the rest: enough for templates whose literals are
/// separators, and without backtracking.
fn fits(parts: &[Part], uri: &str) -> bool {
    match parts {
        [] => uri.is_empty(),
        [Part::Literal(literal), rest @ ..] => uri.strip_prefix(literal.as_str()).is_some_and(|uri| fits(rest, uri)),
        [Part::Variable { reserved }] => value(uri, *reserved),
        [Part::Variable { reserved }, Part::Literal(literal)] => {
            uri.strip_suffix(literal.as_str()).is_some_and(|uri| value(uri, *reserved))
        }
        [Part::Variable { reserved }, Part::Literal(literal), rest @ ..] => uri
            .find(literal.as_str())
            .is_some_and(|at| value(&uri[..at], *reserved) && fits(rest, &uri[at + literal.len()..])),
        [Part::Variable { .. }, ..] => false,
    }
}

fn value(text: &str, reserved: bool) -> bool {
    !text.is_empty() && (reserved || !text.contains(['/', '?', '#']))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::UriTemplate;

    fn fits(template: &str, uri: &str) -> bool {
        UriTemplate::parse(template).expect("a template").fits(uri)
    }

    #[test]
    fn a_variable_is_one_segment_unless_it_says_otherwise() {
        assert!(fits("db://shop/{table}", "db://shop/customers"));
        assert!(fits("db://shop/{table}/rows/{id}", "db://shop/customers/rows/7"));
        assert!(fits("file:///{+path}", "file:///a/b/c.txt"));
        assert!(fits("x://{a}.{b}", "x://one.two"));
        for (template, uri) in [
            ("db://shop/{table}", "db://shop/"),
            ("db://shop/{table}", "db://shop/a/b"),
            ("db://shop/{table}", "db://shop/a?b"),
            ("db://shop/{table}", "db://other/a"),
            ("db://shop/{table}/end", "db://shop/a/endless"),
            ("file:///{+path}", "file:///"),
        ] {
            assert!(!fits(template, uri), "{template} {uri}");
        }
        for odd in ["x://{a", "x://{}", "x://{a}{b}", "x://{?a}", "x://{a*}", "x://{a,b}"] {
            assert!(UriTemplate::parse(odd).is_none(), "{odd}");
        }
    }

    proptest! {
        #[test]
        fn an_expansion_fits(table in "[a-z_]{1,20}", id in "[0-9]{1,9}") {
            let uri = format!("db://shop/{table}/rows/{id}");
            let fitting = fits("db://shop/{table}/rows/{id}", &uri);
            prop_assert!(fitting);
        }

        #[test]
        fn nothing_breaks_it(template in ".{0,60}", uri in ".{0,200}") {
            if let Some(template) = UriTemplate::parse(&template) {
                template.fits(&uri);
            }
        }
    }
}
