//! [`Pattern`]: which tools, resources or prompts a rule is about: `tools:query_*`, `resources:db://shop/**`.

use std::fmt;

use globset::{Glob, GlobBuilder, GlobSet, GlobSetBuilder};
use portwright_core::limits;

use super::subject::{Noun, Subject};

/// One pattern of a rule. A tool or prompt fits under its own name and under `SOURCE.name`, so that `tools:hub.*` is
/// everything that the source `hub` offers, whatever it is listed as.
#[derive(Clone, PartialEq, Eq)]
pub struct Pattern {
    written: String,
    noun: Noun,
    glob: Glob,
}

/// Why a text is no pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadPattern {
    #[error("a pattern begins with `tools:`, `resources:` or `prompts:`")]
    Noun,
    #[error("nothing stands after the colon")]
    Empty,
    #[error("it is longer than {} bytes", limits::RULE_PATTERN_BYTES_MAX)]
    TooLong,
    #[error("{0}")]
    Glob(String),
}

impl Pattern {
    /// Reads `tools:GLOB`, `resources:GLOB` or `prompts:GLOB`. `*` fits anything in names, and anything but `/` in
    /// URIs; `**` fits anything.
    pub fn read(text: &str) -> Result<Self, BadPattern> {
        if text.len() > limits::RULE_PATTERN_BYTES_MAX {
            return Err(BadPattern::TooLong);
        }
        let (noun, glob) = text.split_once(':').ok_or(BadPattern::Noun)?;
        let noun = Noun::read(noun).ok_or(BadPattern::Noun)?;
        if glob.is_empty() {
            return Err(BadPattern::Empty);
        }
        let built = GlobBuilder::new(if glob == "*" { "**" } else { glob })
            .literal_separator(noun == Noun::Resource)
            .backslash_escape(true)
            .build()
            .map_err(|error| BadPattern::Glob(error.kind().to_string()))?;
        Ok(Self { written: text.to_owned(), noun, glob: built })
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.written
    }

    /// What stands before the first sign that means more than itself.
    fn literal(&self) -> &str {
        let glob = self.glob.glob();
        glob.split(['*', '?', '[', '{', '\\']).next().unwrap_or_default()
    }

    /// Whether it fits whatever begins with its literal part.
    fn takes_all_below(&self) -> bool {
        self.glob.glob().strip_prefix(self.literal()) == Some("**")
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

/// Patterns that are looked up together: what that costs hardly grows with their number.
#[derive(Debug)]
pub(in crate::guard) struct Patterns {
    written: Vec<Pattern>,
    /// For each noun, the set and where its members stand in the list.
    sets: [(GlobSet, Vec<usize>); 3],
}

impl Patterns {
    pub(in crate::guard) fn new(written: &[Pattern]) -> Result<Self, BadPattern> {
        let set = |noun: Noun| {
            let mut builder = GlobSetBuilder::new();
            let mut places = Vec::new();
            for (place, pattern) in written.iter().enumerate().filter(|(_, pattern)| pattern.noun == noun) {
                builder.add(pattern.glob.clone());
                places.push(place);
            }
            let built = builder.build().map_err(|error| BadPattern::Glob(error.kind().to_string()))?;
            Ok((built, places))
        };
        Ok(Self { written: written.to_vec(), sets: [set(Noun::Tool)?, set(Noun::Resource)?, set(Noun::Prompt)?] })
    }

    pub(super) fn get(&self, place: usize) -> Option<&Pattern> {
        self.written.get(place)
    }

    fn first(&self, noun: Noun, name: &str) -> Option<usize> {
        let (set, places) = &self.sets[noun as usize];
        set.matches(name).into_iter().filter_map(|at| places.get(at).copied()).min()
    }

    /// The first rule that lets it through: for whatever it may be read as, there is one.
    pub(super) fn allows(&self, subject: &Subject<'_>) -> Option<usize> {
        match subject {
            Subject::Named { noun, names, .. } => names.iter().filter_map(|name| self.first(*noun, name)).min(),
            Subject::Uri { readings } => {
                let found: Option<Vec<usize>> = readings.iter().map(|uri| self.first(Noun::Resource, uri)).collect();
                found?.into_iter().max()
            }
            // Some URI of the template may fit where one's literal part begins the other's.
            Subject::Template { literal } => self.written.iter().position(|pattern| {
                let own = pattern.literal();
                pattern.noun == Noun::Resource && (own.starts_with(*literal) || literal.starts_with(own))
            }),
        }
    }

    /// The first rule that keeps it out: whatever it may be read as, one reading is enough.
    pub(in crate::guard) fn denies(&self, subject: &Subject<'_>) -> Option<usize> {
        match subject {
            Subject::Named { noun, names, parts } => {
                let names = names.iter().map(AsRef::as_ref).chain(parts.iter().map(String::as_str));
                names.filter_map(|name| self.first(*noun, name)).min()
            }
            Subject::Uri { readings } => readings.iter().filter_map(|uri| self.first(Noun::Resource, uri)).min(),
            // A template is out only if all of its URIs are.
            Subject::Template { literal } => self.written.iter().position(|pattern| {
                pattern.noun == Noun::Resource && pattern.takes_all_below() && literal.starts_with(pattern.literal())
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{BadPattern, Pattern, Patterns};
    use crate::guard::policy::subject::{Noun, Subject};

    fn one(pattern: &str) -> Patterns {
        Patterns::new(&[Pattern::read(pattern).expect("a pattern")]).expect("a set")
    }

    fn tool(pattern: &str, own: &str, source: &str) -> bool {
        one(pattern).allows(&Subject::named(Noun::Tool, own, source, &[])).is_some()
    }

    fn resource(pattern: &str, uri: &str) -> bool {
        one(pattern).allows(&Subject::uri(uri)).is_some()
    }

    fn denied(pattern: &str, uri: &str) -> bool {
        one(pattern).denies(&Subject::uri(uri)).is_some()
    }

    #[test]
    fn names_fit_by_themselves_and_by_their_source() {
        assert!(tool("tools:query_*", "query_customers", "shop"));
        assert!(tool("tools:*", "a.b", "shop") && tool("tools:*", "a/b", "shop"));
        assert!(tool("tools:hub.*", "merge_pull_request", "hub"));
        assert!(tool("tools:hub.merge_*", "merge_pull_request", "hub"));
        assert!(!tool("tools:hub.*", "merge_pull_request", "shop"));
        assert!(!tool("tools:query", "query_customers", "shop") && !tool("tools:QUERY_*", "query_customers", "shop"));
        assert!(!tool("prompts:*", "query_customers", "shop"));
        let aliases = ["query".to_owned()];
        let alias = Subject::named(Noun::Tool, "run_sql_query", "shop", &aliases);
        assert!(one("tools:query").denies(&alias).is_some(), "whoever keeps out one name keeps out the tool");
        let part =
            Subject::Named { noun: Noun::Tool, names: vec!["issue_write".into()], parts: &["create_issue".to_owned()] };
        assert!(one("tools:create_issue").denies(&part).is_some());
        assert!(one("tools:create_issue").allows(&part).is_none(), "a part is not the whole");
    }

    #[test]
    fn a_star_stays_within_a_segment_of_a_uri() {
        assert!(resource("resources:db://shop/**", "db://shop/schema/customers"));
        assert!(resource("resources:*", "db://shop/schema/customers"));
        assert!(resource("resources:db://shop/*", "db://shop/schema"));
        assert!(!resource("resources:db://shop/*", "db://shop/schema/customers"));
        assert!(!resource("resources:db://shop/**", "db://other/schema"));
        assert!(!resource("tools:*", "db://shop/schema"));
    }

    #[test]
    fn a_uri_is_judged_by_all_that_it_may_be_read_as() {
        assert!(denied("resources:db://shop/schema/secret", "db://shop/schema/secre%74"));
        assert!(denied("resources:db://shop/secret/**", "db://shop/public/../secret/x"));
        assert!(denied("resources:db://shop/secret/**", "db://shop/public%2f%2E%2e%2Fsecret/x"));
        assert!(!resource("resources:db://shop/public/**", "db://shop/public/../secret"));
        assert!(!resource("resources:db://shop/public/*", "db://shop/public/a%2Fb"));
        assert!(resource("resources:db://shop/public/**", "db://shop/public/a%2Fb"));
        assert!(resource("resources:db://shop/public/*", "db://shop/public/a%20b"));
    }

    #[test]
    fn a_template_is_out_only_with_all_of_its_uris() {
        let template = Subject::template("db://shop/schema/{table}");
        for may in ["db://shop/**", "db://shop/schema/customers", "*", "db://shop/schema/c*", "db://s*/x"] {
            assert!(one(&format!("resources:{may}")).allows(&template).is_some(), "{may}");
        }
        for not in ["db://shop/notes", "db://other/**"] {
            assert!(one(&format!("resources:{not}")).allows(&template).is_none(), "{not}");
        }
        assert!(one("resources:db://shop/**").denies(&template).is_some());
        assert!(one("resources:db://shop/schema/customers").denies(&template).is_none());
        assert!(one("resources:db://shop/schema/*").denies(&template).is_none(), "deeper ones stay");
    }

    #[test]
    fn what_is_no_pattern_is_said() {
        for (text, why) in [("query", BadPattern::Noun), ("tool:x", BadPattern::Noun), ("tools:", BadPattern::Empty)] {
            assert_eq!(Pattern::read(text), Err(why), "{text}");
        }
        assert_eq!(Pattern::read(&format!("tools:{}", "x".repeat(300))), Err(BadPattern::TooLong));
        assert!(matches!(Pattern::read("tools:[a"), Err(BadPattern::Glob(_))));
    }
}
