//! [`UriTemplate`]: URI templates of RFC 6570, as far as resources use them: `{name}` stands for one segment, `{+name}` for
//! several.

use crate::limits;

/// A template that URIs can be held against.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UriTemplate {
    text: String,
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Literal(String),
    /// `reserved`: may hold `/`.
    Variable {
        name: String,
        reserved: bool,
    },
}

impl UriTemplate {
    /// None for a template with expressions that it does not know, with two variables side by side, or with the same
    /// variable twice.
    pub fn parse(text: &str) -> Option<Self> {
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
            parts.push(Part::Variable { name: name.to_owned(), reserved });
            rest = &rest[close + 1..];
        }
        if !rest.is_empty() {
            parts.push(Part::Literal(rest.to_owned()));
        }
        let template = Self { text: text.to_owned(), parts };
        let mut names: Vec<_> = template.variables().collect();
        names.sort_unstable();
        names.windows(2).all(|pair| pair[0] != pair[1]).then_some(template)
    }

    /// As written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The variables' names, in their order.
    pub fn variables(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Variable { name, .. } => Some(name.as_str()),
            Part::Literal(_) => None,
        })
    }

    /// Whether `uri` is an expansion of the template with no empty value. Linear in the length of the URI for each
    /// variable, whatever it holds.
    pub fn fits(&self, uri: &str) -> bool {
        uri.len() <= limits::URI_BYTES_MAX && fits(&self.parts, uri, &mut |_, _| {})
    }

    /// The variables' values in `uri`, without their percent-encoding; none if the URI does not fit, or a value is no
    /// proper encoding of a text.
    pub fn values<'a>(&'a self, uri: &str) -> Option<Vec<(&'a str, String)>> {
        let mut found = Vec::new();
        let fitting = uri.len() <= limits::URI_BYTES_MAX
            && fits(&self.parts, uri, &mut |name, value| found.push((name, percent_decoded(value))));
        if !fitting {
            return None;
        }
        found.into_iter().map(|(name, value)| Some((name, value?))).collect()
    }
}

/// Each variable takes as little as it can, the last one the rest: enough for templates whose literals are
/// separators, and without backtracking. Tells each variable's part of the URI.
fn fits<'a>(parts: &'a [Part], uri: &str, tell: &mut dyn FnMut(&'a str, &str)) -> bool {
    match parts {
        [] => uri.is_empty(),
        [Part::Literal(literal), rest @ ..] => {
            uri.strip_prefix(literal.as_str()).is_some_and(|uri| fits(rest, uri, tell))
        }
        [variable] => value(variable, uri, tell),
        [variable, Part::Literal(literal)] => {
            uri.strip_suffix(literal.as_str()).is_some_and(|uri| value(variable, uri, tell))
        }
        [variable, Part::Literal(literal), rest @ ..] => uri
            .find(literal.as_str())
            .is_some_and(|at| value(variable, &uri[..at], tell) && fits(rest, &uri[at + literal.len()..], tell)),
        [Part::Variable { .. }, ..] => false,
    }
}

fn value<'a>(part: &'a Part, text: &str, tell: &mut dyn FnMut(&'a str, &str)) -> bool {
    let Part::Variable { name, reserved } = part else { return false };
    tell(name, text);
    !text.is_empty() && (*reserved || !text.contains(['/', '?', '#']))
}

/// Undoes percent-encoding; none if it is broken, or does not encode a text.
pub fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        rest = tail;
        if first != b'%' {
            bytes.push(first);
            continue;
        }
        let digits = std::str::from_utf8(rest.get(..2)?).ok()?;
        if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return None;
        }
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        rest = &rest[2..];
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::UriTemplate;

    fn fits(template: &str, uri: &str) -> bool {
        UriTemplate::parse(template).expect("a template").fits(uri)
    }

    #[test]
    fn values_come_decoded() {
        let template = UriTemplate::parse("db://shop/{table}/rows/{+key}").expect("a template");
        assert_eq!(template.variables().collect::<Vec<_>>(), ["table", "key"]);
        let values = template.values("db://shop/a%2Fb/rows/x/%C3%A9").expect("it fits");
        assert_eq!(values, [("table", "a/b".to_owned()), ("key", "x/é".to_owned())]);
        for broken in ["db://shop/a%2/rows/x", "db://shop/a/rows/%FF", "db://shop/a/rows/%zz", "db://shop/a"] {
            assert_eq!(template.values(broken), None, "{broken}");
        }
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
        for odd in ["x://{a", "x://{}", "x://{a}{b}", "x://{a}/{a}", "x://{?a}", "x://{a*}", "x://{a,b}"] {
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
