//! What searches are asked with: checked in words, and made parameters of the service.

use portwright_core::{Refusal, limits};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer};

use super::api::Params;

/// One text or a list of texts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct OneOrMore(pub(super) Vec<String>);

impl<'de> Deserialize<'de> for OneOrMore {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "a text or a list of texts")]
        enum Written {
            One(String),
            More(Vec<String>),
        }
        Ok(match Written::deserialize(deserializer)? {
            Written::One(one) => Self(vec![one]),
            Written::More(more) => Self(more),
        })
    }
}

impl JsonSchema for OneOrMore {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "OneOrMore".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["string", "array"], "items": { "type": "string" } })
    }
}

/// How strictly explicit results are left out.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum SafeSearch {
    Off,
    Moderate,
    Strict,
}

impl SafeSearch {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Moderate => "moderate",
            Self::Strict => "strict",
        }
    }
}

/// Collects parameters; what does not fit is told in words, the first fault first.
#[derive(Debug, Default)]
pub(super) struct Asked {
    params: Params,
}

impl Asked {
    /// For a query, which must be one that the service takes.
    pub(super) fn query(query: &str) -> Result<Self, Refusal> {
        let query = query.trim();
        if query.is_empty() {
            return Err(Refusal::invalid("`query` is empty; say what to search for"));
        }
        let mut asked = Self::default();
        asked.bounded_query(query)?;
        Ok(asked)
    }

    fn bounded_query(&mut self, query: &str) -> Result<(), Refusal> {
        let (characters, words) = (query.chars().count(), query.split_whitespace().count());
        let (characters_max, words_max) = (limits::SEARCH_QUERY_CHARACTERS_MAX, limits::SEARCH_QUERY_WORDS_MAX);
        if characters > characters_max || words > words_max {
            return Err(Refusal::invalid(format!(
                "`query` has {words} words and {characters} characters; the search takes {words_max} words and \
                 {characters_max} characters at most: keep the words that matter"
            )));
        }
        self.params.push(("q", query.to_owned()));
        Ok(())
    }

    /// For a query that may be left out.
    pub(super) fn optional_query(query: Option<&str>) -> Result<Self, Refusal> {
        let mut asked = Self::default();
        if let Some(query) = query.map(str::trim).filter(|query| !query.is_empty()) {
            asked.bounded_query(query)?;
        }
        Ok(asked)
    }

    pub(super) fn set(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.params.push((name, value.into()));
        self
    }

    pub(super) fn flag(self, name: &'static str, value: Option<bool>) -> Self {
        match value {
            Some(value) => self.set(name, value.to_string()),
            None => self,
        }
    }

    /// A whole number between its bounds.
    pub(super) fn number(self, name: &'static str, value: Option<u32>, from: u32, to: u32) -> Result<Self, Refusal> {
        match value {
            Some(value) if (from..=to).contains(&value) => Ok(self.set(name, value.to_string())),
            Some(value) => Err(Refusal::invalid(format!("`{name}` is {value}; it must be {from} to {to}"))),
            None => Ok(self),
        }
    }

    /// A number between its bounds.
    pub(super) fn measure(self, name: &'static str, value: Option<f64>, from: f64, to: f64) -> Result<Self, Refusal> {
        match value {
            Some(value) if (from..=to).contains(&value) => Ok(self.set(name, value.to_string())),
            Some(value) => Err(Refusal::invalid(format!("`{name}` is {value}; it must be {from} to {to}"))),
            None => Ok(self),
        }
    }

    pub(super) fn country(self, value: Option<&str>) -> Result<Self, Refusal> {
        let Some(value) = value else { return Ok(self) };
        let code = value.trim().to_ascii_uppercase();
        if code != "ALL" && !(code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_alphabetic())) {
            return Err(Refusal::invalid("`country` is a code of two letters, such as `DE`, or `ALL`"));
        }
        Ok(self.set("country", code))
    }

    pub(super) fn language(self, value: Option<&str>) -> Result<Self, Refusal> {
        let Some(value) = value else { return Ok(self) };
        let code = value.trim().to_ascii_lowercase();
        let mut parts = code.split('-');
        let letters = |part: &str, to| (2..=to).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphabetic());
        let fits = parts.next().is_some_and(|part| letters(part, 3))
            && parts.next().is_none_or(|part| letters(part, 4))
            && parts.next().is_none();
        if !fits {
            return Err(Refusal::invalid("`search_lang` is a language's code, such as `en` or `pt-br`"));
        }
        Ok(self.set("search_lang", code))
    }

    pub(super) fn freshness(self, value: Option<&str>) -> Result<Self, Refusal> {
        let Some(value) = value else { return Ok(self) };
        let date = |text: &str| text.len() == 10 && text.parse::<jiff::civil::Date>().is_ok();
        let range = value.split_once("to").filter(|(from, to)| date(from) && date(to));
        match range {
            Some((from, to)) if from > to => {
                Err(Refusal::invalid("`freshness` ends before it begins; write the earlier date first"))
            }
            None if !matches!(value, "pd" | "pw" | "pm" | "py") => Err(Refusal::invalid(
                "`freshness` is `pd`, `pw`, `pm` or `py` (a day, week, month or year), or dates such as \
                 `2026-01-01to2026-03-31`",
            )),
            _ => Ok(self.set("freshness", value)),
        }
    }

    pub(super) fn safe(self, value: Option<SafeSearch>) -> Self {
        match value {
            Some(value) => self.set("safesearch", value.word()),
            None => self,
        }
    }

    /// Addresses of goggles, which must be https, or their rules themselves.
    pub(super) fn goggles(mut self, OneOrMore(goggles): &OneOrMore) -> Result<Self, Refusal> {
        if goggles.len() > limits::SEARCH_GOGGLES_MAX {
            let most = limits::SEARCH_GOGGLES_MAX;
            return Err(Refusal::invalid(format!("`goggles` has {} of them; {most} at most work", goggles.len())));
        }
        for goggle in goggles.iter().map(|goggle| goggle.trim()) {
            if goggle.is_empty() || goggle.len() > limits::SEARCH_GOGGLE_BYTES_MAX {
                let most = limits::SEARCH_GOGGLE_BYTES_MAX;
                return Err(Refusal::invalid(format!("a goggle has 1 to {most} bytes; host a longer one")));
            }
            let scheme = goggle
                .split_once("://")
                .map(|(scheme, _)| scheme)
                .filter(|scheme| !scheme.is_empty() && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric()));
            if let Some(scheme) = scheme
                && !scheme.eq_ignore_ascii_case("https")
            {
                return Err(Refusal::invalid(format!(
                    "a goggle's address must begin with https://, and one begins with {}://; host it there, or write \
                     its rules instead of its address",
                    super::text::bounded(scheme, 20)
                )));
            }
            self.params.push(("goggles", goggle.to_owned()));
        }
        Ok(self)
    }

    /// As the service takes them.
    pub(super) fn params(self) -> Params {
        self.params
    }
}
