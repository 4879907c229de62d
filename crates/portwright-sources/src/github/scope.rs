//! Where a search looks: in the repositories that the plan allows, and nowhere else.
//!
//! What a search finds elsewhere is dropped in any case. But the number of pages, or the place of a known result among
//! others, would still tell of what was dropped: so a query that leaves the fence is refused, not only narrowed.

use portwright_core::{Refusal, limits};

use super::fence::Fence;

/// How a kind of search reads what stands side by side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Grammar {
    /// `OR`, `AND`, `NOT` and parentheses join everything, qualifiers too; side by side means both.
    Boolean,
    /// Repositories side by side mean any of them.
    Plain,
}

/// A query that stays inside.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Scoped {
    pub(super) query: String,
    /// Whose repositories it is about, if it is one's: their token is used.
    pub(super) owner: Option<String>,
}

/// `repo:acme/site` in a query.
struct Qualifier<'a> {
    key: &'a str,
    value: &'a str,
}

impl Fence {
    /// The query within the fence, and within what the caller names beside it; `more` is a qualifier of ours.
    pub(super) fn scoped(
        &self,
        query: &str,
        (owner, repo): (Option<&str>, Option<&str>),
        more: &str,
        grammar: Grammar,
    ) -> Result<Scoped, Refusal> {
        let joined = grammar == Grammar::Boolean && is_joined(query);
        if joined || self.is_closed() {
            whole(query)?;
        }
        let named = qualifiers(query);
        if self.is_closed() {
            for one in &named {
                self.inside(one)?;
            }
        }
        let within = match (owner, repo) {
            (Some(owner), Some(repo)) => {
                self.check(owner, repo)?;
                vec![format!("repo:{owner}/{repo}")]
            }
            (Some(owner), None) => {
                // An owner's name follows the rule of a repository's.
                Self::default().check(owner, "x")?;
                self.qualifiers(Some(owner))?
            }
            (None, Some(_)) => return Err(Refusal::invalid("`repo` needs its `owner`")),
            (None, None) if self.is_closed() && (named.is_empty() || joined) => self.qualifiers(None)?,
            (None, None) => Vec::new(),
        };
        let owner = only_owner(&named, &within, owner);
        let several = within.len() > 1 && grammar == Grammar::Boolean;
        let within = if several { format!("({})", within.join(" OR ")) } else { within.join(" ") };
        let query = if joined { format!("({})", query.trim()) } else { query.trim().to_owned() };
        let parts = [query.as_str(), more, within.as_str()];
        let query = parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ");
        Ok(Scoped { query, owner })
    }

    fn inside(&self, named: &Qualifier<'_>) -> Result<(), Refusal> {
        let allowed = match (named.key, named.value.split_once('/')) {
            ("repo", Some((owner, name))) => self.check(owner, name).is_ok(),
            ("repo", None) => false,
            _ => self.holds_all_of(named.value),
        };
        if allowed {
            return Ok(());
        }
        let words = format!("`{}:{}` is not, or not all, what this server may use", named.key, named.value);
        Err(Refusal::failed(format!("{words}; search in single repositories (repo:owner/name), or name none")))
    }

    /// What narrows a search to the fence, or to what of it is an owner's.
    fn qualifiers(&self, owner: Option<&str>) -> Result<Vec<String>, Refusal> {
        let unsaid = || Refusal::failed("say where to search: add `repo:owner/name` to the query");
        if !self.is_closed() {
            return Ok(owner.map(|owner| format!("user:{owner}")).into_iter().collect());
        }
        let mut found = Vec::new();
        for (pattern, name) in self.patterns() {
            let any = is_glob(pattern);
            match owner {
                Some(owner) if any && Self::fits(pattern, owner) => found.push(format!("user:{owner}")),
                Some(owner) if any || !owner.eq_ignore_ascii_case(pattern) => {}
                None if any => return Err(unsaid()),
                _ if is_glob(name) => found.push(format!("user:{pattern}")),
                _ => found.push(format!("repo:{pattern}/{name}")),
            }
        }
        found.sort_unstable();
        found.dedup();
        let owners: Vec<String> = found.iter().filter_map(|one| one.strip_prefix("user:")).map(str::to_owned).collect();
        found.retain(|one| !owners.iter().any(|owner| one.starts_with(&format!("repo:{owner}/"))));
        match (found.len(), owner) {
            (0, Some(owner)) => {
                Err(Refusal::failed(format!("there is no repository of `{owner}` that this server may use")))
            }
            (count, _) if count > limits::HUB_SEARCH_SCOPES_MAX => Err(unsaid()),
            _ => Ok(found),
        }
    }
}

/// The owner, where a search is about the repositories of one.
fn only_owner(named: &[Qualifier<'_>], within: &[String], owner: Option<&str>) -> Option<String> {
    let named = named.iter().filter_map(|one| one.value.split('/').next());
    let within = within.iter().filter_map(|one| one.split_once(':')?.1.split('/').next());
    let mut owners = owner.into_iter().chain(named).chain(within);
    let first = owners.next()?;
    owners.all(|other| other.eq_ignore_ascii_case(first)).then(|| first.to_owned())
}

fn is_glob(text: &str) -> bool {
    text.contains(['*', '?', '[', '{'])
}

/// Whether words join its parts, so that what is set beside it would belong to the last of them alone.
fn is_joined(query: &str) -> bool {
    let word = |word: &str| ["or", "and", "not"].iter().any(|join| word.eq_ignore_ascii_case(join));
    query.contains(['(', ')']) || query.split_whitespace().any(word)
}

/// Refuses a query whose parentheses or quotes reach out of it, whichever way quotes are read.
fn whole(query: &str) -> Result<(), Refusal> {
    let (mut quoted, mut outside, mut everywhere) = (false, 0_i32, 0_i32);
    for letter in query.chars() {
        let step = match letter {
            '(' => 1,
            ')' => -1,
            _ => 0,
        };
        quoted ^= letter == '"';
        everywhere += step;
        outside += if quoted { 0 } else { step };
        if everywhere < 0 || outside < 0 {
            break;
        }
    }
    if quoted || outside != 0 || everywhere != 0 || query.contains("\\\"") {
        return Err(Refusal::invalid("the query's quotes and parentheses must come in pairs, and no quote be escaped"));
    }
    Ok(())
}

/// What a query says of where to look. What it leaves out (`-repo:…`) is none of them: it can only find less.
fn qualifiers(query: &str) -> Vec<Qualifier<'_>> {
    const KEYS: [&str; 4] = ["repo", "org", "user", "owner"];
    let mut found = Vec::new();
    for (at, _) in query.match_indices(':') {
        let before = &query[..at];
        let begin = before.trim_end_matches(|letter: char| letter.is_ascii_alphanumeric());
        let key = &before[begin.len()..];
        let Some(key) = KEYS.into_iter().find(|known| key.eq_ignore_ascii_case(known)) else { continue };
        let left_out =
            begin.strip_suffix('-').is_some_and(|more| more.is_empty() || more.ends_with(char::is_whitespace));
        let rest = query[at + 1..].trim_start_matches('"');
        let end = rest.find(|letter: char| letter.is_whitespace() || "\"()".contains(letter)).unwrap_or(rest.len());
        if !left_out {
            found.push(Qualifier { key, value: &rest[..end] });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::fence::Fence;
    use super::Grammar::{Boolean, Plain};
    use super::{Grammar, Scoped};

    fn told(patterns: &[&str], query: &str, within: (Option<&str>, Option<&str>), grammar: Grammar) -> String {
        let written: Vec<String> = patterns.iter().map(|one| (*one).to_owned()).collect();
        match Fence::new(&written).expect("patterns").scoped(query, within, "", grammar) {
            Ok(Scoped { query, owner }) => format!("{query} | {}", owner.unwrap_or_default()),
            Err(refusal) => format!("refused: {refusal}"),
        }
    }

    #[test]
    fn a_query_is_set_beside_where_it_may_look() {
        let none = (None, None);
        let both = ["acme/*", "other/public"];
        assert_eq!(told(&[], "crash", none, Plain), "crash | ");
        assert_eq!(told(&[], "crash repo:acme/site", none, Plain), "crash repo:acme/site | acme");
        assert_eq!(told(&["acme/*"], "crash", none, Boolean), "crash user:acme | acme");
        assert_eq!(told(&both, "crash", none, Plain), "crash repo:other/public user:acme | ");
        assert_eq!(told(&both, "crash", none, Boolean), "crash (repo:other/public OR user:acme) | ");
        assert_eq!(told(&["acme/*", "acme/site"], "x", none, Plain), "x user:acme | acme");
        assert_eq!(told(&["acme/site-*"], "x", none, Plain), "x user:acme | acme");
        // What is named inside the fence is enough.
        assert_eq!(told(&both, "crash repo:Acme/site", none, Boolean), "crash repo:Acme/site | Acme");
        assert_eq!(told(&both, "crash org:acme", none, Boolean), "crash org:acme | acme");
        let left_out = "crash -repo:acme/site repo:other/public user:acme | ";
        assert_eq!(told(&both, "crash -repo:acme/site", none, Plain), left_out);
        let site = (Some("acme"), Some("site"));
        assert_eq!(told(&both, "crash", site, Boolean), "crash repo:acme/site | acme");
        assert_eq!(told(&both, "crash", (Some("other"), None), Boolean), "crash repo:other/public | other");
        assert_eq!(told(&["*/public"], "crash", (Some("x"), None), Boolean), "crash user:x | x");
    }

    #[test]
    fn words_that_join_do_not_lead_out() {
        let none = (None, None);
        assert_eq!(told(&["acme/*"], "a OR b", none, Boolean), "(a OR b) user:acme | acme");
        let named = "(a or repo:acme/site b) user:acme | acme";
        assert_eq!(told(&["acme/*"], "a or repo:acme/site b", none, Boolean), named);
        assert_eq!(told(&[], "a OR b", (Some("acme"), Some("site")), Boolean), "(a OR b) repo:acme/site | acme");
        for query in
            ["a) OR (b", "(a", "\"(\" ) OR ( \")\"", "\"unfinished", "a \\\" ) OR ( \\\" b", "\") OR secret\"("]
        {
            let told = told(&["acme/*"], query, none, Boolean);
            assert!(told.starts_with("refused: the query's quotes"), "{query}: {told}");
        }
    }

    #[test]
    fn what_is_outside_is_refused_and_not_only_dropped() {
        let none = (None, None);
        for query in [
            "repo:evil/secret",
            "x REPO:evil/secret",
            "repo:\"evil/secret\"",
            "(repo:evil/secret)",
            "repo:acme/site,evil/secret",
            "repo:acme/site repo:evil/secret",
            "user:evil",
            "org:evil x",
            "owner:evil",
            "user:",
            "user:other",
            "a-repo:evil/x",
        ] {
            for within in [none, (Some("acme"), Some("site"))] {
                let told = told(&["acme/*", "other/public"], query, within, Boolean);
                assert!(told.starts_with("refused"), "{query}: {told}");
            }
        }
        let injected = (Some("acme repo:evil/x"), None);
        for within in [(Some("evil"), None), (Some("evil"), Some("x")), injected, (None, Some("site"))] {
            let told = told(&["acme/*"], "x", within, Boolean);
            assert!(told.starts_with("refused"), "{within:?}: {told}");
        }
        assert!(told(&["*/public"], "x", none, Plain).starts_with("refused: say where"));
        let many: Vec<String> = (0..9).map(|number| format!("o{number}/x")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert!(told(&many, "x", none, Boolean).starts_with("refused: say where"));
    }
}
