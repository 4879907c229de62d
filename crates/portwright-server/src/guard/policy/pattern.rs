//! [`Pattern`]: which tools, resources or prompts a rule is about: `tools:query_*`, `resources:db://shop/**`.

use std::fmt;

use globset::{GlobBuilder, GlobMatcher};
use portwright_core::{Operation, limits};

/// One pattern of a rule. A tool or prompt fits under the name that clients see and under `SOURCE.name`, so that
/// `tools:hub.*` is everything that the source `hub` offers, whatever it is listed as.
#[derive(Clone)]
pub struct Pattern {
    written: String,
    noun: Noun,
    glob: GlobMatcher,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Noun {
    Tool,
    Resource,
    Prompt,
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
        let noun = match noun {
            "tools" => Noun::Tool,
            "resources" => Noun::Resource,
            "prompts" => Noun::Prompt,
            _ => return Err(BadPattern::Noun),
        };
        if glob.is_empty() {
            return Err(BadPattern::Empty);
        }
        // `**` in a glob stands for whole segments; in `db://shop/**` and in `db://shop**` people mean the rest.
        let everything = if glob == "*" { "**" } else { glob };
        let built = GlobBuilder::new(everything)
            .literal_separator(noun == Noun::Resource)
            .backslash_escape(true)
            .build()
            .map_err(|error| BadPattern::Glob(error.kind().to_string()))?;
        Ok(Self { written: text.to_owned(), noun, glob: built.compile_matcher() })
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.written
    }

    /// Whether the rule is about this: `listed` is the name or URI that clients see, `source` who owns it.
    pub fn fits(&self, operation: &Operation, listed: &str, source: Option<&str>) -> bool {
        let noun = match operation.noun() {
            "tool" => Noun::Tool,
            "resource" => Noun::Resource,
            _ => Noun::Prompt,
        };
        if noun != self.noun {
            return false;
        }
        let owned = || {
            let source = source.filter(|_| noun != Noun::Resource)?;
            let own = listed.strip_prefix(source).and_then(|rest| rest.strip_prefix('.')).unwrap_or(listed);
            Some(self.glob.is_match(format!("{source}.{own}")))
        };
        self.glob.is_match(listed) || owned().unwrap_or(false)
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.written == other.written
    }
}

impl Eq for Pattern {}

#[cfg(test)]
mod tests {
    use portwright_core::Operation;
    use portwright_core::protocol::JsonObject;

    use super::{BadPattern, Pattern};

    fn tool(pattern: &str, listed: &str, source: &str) -> bool {
        let operation = Operation::CallTool { name: listed.into(), arguments: JsonObject::new() };
        Pattern::read(pattern).expect("a pattern").fits(&operation, listed, Some(source))
    }

    fn resource(pattern: &str, uri: &str) -> bool {
        let operation = Operation::ReadResource { uri: uri.into() };
        Pattern::read(pattern).expect("a pattern").fits(&operation, uri, Some("shop"))
    }

    #[test]
    fn names_fit_as_listed_and_by_their_source() {
        assert!(tool("tools:query_*", "query_customers", "shop"));
        assert!(tool("tools:*", "a.b", "shop") && tool("tools:*", "a/b", "shop"));
        assert!(tool("tools:hub.*", "merge_pull_request", "hub"));
        assert!(tool("tools:hub.merge_*", "hub.merge_pull_request", "hub"));
        assert!(!tool("tools:hub.*", "merge_pull_request", "shop"));
        assert!(!tool("tools:query", "query_customers", "shop"));
        assert!(!tool("prompts:*", "query_customers", "shop"));
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
    fn what_is_no_pattern_is_said() {
        for (text, why) in [("query", BadPattern::Noun), ("tool:x", BadPattern::Noun), ("tools:", BadPattern::Empty)] {
            assert_eq!(Pattern::read(text), Err(why), "{text}");
        }
        assert_eq!(Pattern::read(&format!("tools:{}", "x".repeat(300))), Err(BadPattern::TooLong));
        assert!(matches!(Pattern::read("tools:[a"), Err(BadPattern::Glob(_))));
    }
}
