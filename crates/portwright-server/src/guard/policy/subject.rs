//! [`Subject`]: what is judged, by every name that it could be called by.

use std::borrow::Cow;

use portwright_core::{Operation, Target, template};

/// What a rule is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Noun {
    Tool,
    Resource,
    Prompt,
}

impl Noun {
    /// As patterns say it.
    pub(super) fn read(text: &str) -> Option<Self> {
        match text {
            "tools" => Some(Self::Tool),
            "resources" => Some(Self::Resource),
            "prompts" => Some(Self::Prompt),
            _ => None,
        }
    }
}

/// What is judged. Never by the name that a client happened to use: a tool has several, and rules know some of them.
#[derive(Debug)]
pub(crate) enum Subject<'a> {
    /// A tool or a prompt, by its own name, by `SOURCE.name`, and by its aliases; `parts` are those that stand for a
    /// part of it.
    Named { noun: Noun, names: Vec<Cow<'a, str>>, parts: &'a [String] },
    /// A resource, by its URI and by what that comes to when it is decoded and its dot segments are resolved.
    Uri { readings: Vec<Cow<'a, str>> },
    /// A template of resources, by what its URIs begin with.
    Template { literal: &'a str },
}

impl<'a> Subject<'a> {
    pub(super) fn named(noun: Noun, own: &'a str, source: &str, aliases: &'a [String]) -> Self {
        let mut names = vec![Cow::Borrowed(own), Cow::Owned(format!("{source}.{own}"))];
        names.extend(aliases.iter().map(|alias| Cow::Borrowed(alias.as_str())));
        Self::Named { noun, names, parts: &[] }
    }

    pub(crate) fn tool(target: &'a Target) -> Self {
        match Self::named(Noun::Tool, &target.name, &target.source, &target.aliases) {
            Self::Named { noun, names, .. } => Self::Named { noun, names, parts: &target.narrow_aliases },
            other => other,
        }
    }

    pub(crate) fn prompt(target: &'a Target) -> Self {
        Self::named(Noun::Prompt, &target.name, &target.source, &target.aliases)
    }

    pub(crate) fn uri(uri: &'a str) -> Self {
        let mut readings = vec![Cow::Borrowed(uri)];
        if uri.contains('%') {
            readings.push(Cow::Owned(template::percent_decoded(uri).unwrap_or_default()));
        }
        for at in 0..readings.len() {
            if let Some(plain) = without_dots(&readings[at]) {
                readings.push(Cow::Owned(plain));
            }
        }
        Self::Uri { readings }
    }

    pub(crate) fn template(uri: &'a str) -> Self {
        Self::Template { literal: uri.split('{').next().unwrap_or_default() }
    }

    /// What a call is about. None if nothing here has that name.
    pub(in crate::guard) fn of(operation: &'a Operation, target: Option<&'a Target>) -> Option<Self> {
        let target = target?;
        Some(match (operation, operation.noun()) {
            (Operation::CallTool { .. }, _) => Self::tool(target),
            // Values are offered for the template; what is read with them is judged when it is read.
            (Operation::Complete { .. }, "resource") if operation.name().contains('{') => {
                Self::template(operation.name())
            }
            (_, "resource") => Self::uri(operation.name()),
            _ => Self::prompt(target),
        })
    }
}

/// The same with its dot segments resolved (RFC 3986, section 5.2.4); none if it has none.
fn without_dots(uri: &str) -> Option<String> {
    let (scheme, rest) = uri.split_once("://").unwrap_or(("", uri));
    let rest = rest.replace('\\', "/");
    if !rest.split('/').any(|segment| matches!(segment, "." | "..")) {
        return None;
    }
    let mut kept: Vec<&str> = Vec::new();
    for segment in rest.split('/') {
        match segment {
            "." => {}
            ".." => {
                kept.pop();
            }
            other => kept.push(other),
        }
    }
    Some(format!("{scheme}://{}", kept.join("/")))
}
