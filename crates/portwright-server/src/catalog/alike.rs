//! Names that look alike. Two names that are the same are told apart by their sources; one of another server that only
//! looks like somebody else's name must not pass for it either.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::Listing;
use crate::guard::sanitize::likeness;

/// What other servers offer under names that look like a name of another source, by the listing's place and the name.
#[derive(Debug, Default)]
pub(super) struct Twins<'a> {
    pub(super) tools: Set<'a>,
    pub(super) prompts: Set<'a>,
    /// Left out: a URI can't be given its source's name.
    pub(super) resources: Set<'a>,
    pub(super) templates: Set<'a>,
}

type Set<'a> = HashSet<(usize, &'a str)>;

/// A name, the place of its listing, and whether the operator did not write it.
struct Named<'a> {
    at: usize,
    foreign: bool,
    name: &'a str,
}

impl<'a> Twins<'a> {
    pub(super) fn among(listings: &'a [Arc<Listing>]) -> Self {
        let foreign: Vec<bool> = listings.iter().map(|one| one.source.is_foreign()).collect();
        if listings.len() < 2 || !foreign.contains(&true) {
            return Self::default();
        }
        let all = |names: fn(&'a Arc<Listing>) -> Vec<&'a str>| {
            let named = |(at, one)| names(one).into_iter().map(move |name| (at, name));
            let named = listings.iter().enumerate().flat_map(named);
            named.map(|(at, name)| Named { at, foreign: foreign[at], name }).collect::<Vec<_>>()
        };
        let uris = all(|one| one.resources.iter().map(|resource| resource.0.as_str()).collect());
        let templates = all(|one| one.templates.iter().map(|template| template.0.text()).collect());
        Self {
            tools: posing(all(|one| one.tool_names().collect()), likeness::of_name, |_, _| true),
            prompts: posing(all(|one| one.prompt_names().collect()), likeness::of_name, |_, _| true),
            resources: posing(uris, likeness::of_uri, comes_before),
            templates: posing(templates, likeness::of_uri, comes_before),
        }
    }

    /// What is left out, for the log.
    pub(super) fn told(&self, listings: &[Arc<Listing>]) -> Vec<String> {
        let told = |kind: &'static str, set: &Set<'_>| {
            let one = |(at, name): &(usize, &str)| {
                let name: String = name.escape_default().collect();
                format!("{kind} `{name}` of `{}`", listings[*at].name)
            };
            set.iter().map(one).collect::<Vec<_>>()
        };
        let mut all = told("resource", &self.resources);
        all.extend(told("template", &self.templates));
        all.sort();
        all
    }
}

/// The names of other servers that look like a different name of another source which `counts` beside them.
fn posing<'a>(
    names: Vec<Named<'a>>,
    likeness: fn(&str) -> String,
    counts: fn(&Named<'_>, &Named<'_>) -> bool,
) -> Set<'a> {
    let mut alike: HashMap<String, Vec<Named<'a>>> = HashMap::new();
    for named in names {
        alike.entry(likeness(named.name)).or_default().push(named);
    }
    let mut posing = Set::new();
    for group in alike.into_values().filter(|group| group.len() > 1) {
        let poses = |one: &Named<'_>| {
            one.foreign && group.iter().any(|other| other.at != one.at && other.name != one.name && counts(other, one))
        };
        posing.extend(group.iter().filter(|one| poses(one)).map(|one| (one.at, one.name)));
    }
    posing
}

/// Of two that look alike, what the operator wrote is served, or else what stands first in the configuration.
fn comes_before(other: &Named<'_>, one: &Named<'_>) -> bool {
    !other.foreign || other.at < one.at
}
