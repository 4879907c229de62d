//! How often, how much and how many at once: `[limits]`, `[roles.NAME.limits]`, `[sources.NAME.limits]` and `[tools.NAME.limits]` → the plan of
//! the limits.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use portwright_core::{ByteSize, Diagnostic, HumanDuration, Pointer, limits};
use portwright_server::guard::limit::{LimitPlan, Quota, Rate, StorePlan, WhenDown};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

use super::check::entries;
use super::file::{LimitsSection, StoreDown};
use super::roles::RoleSection;

/// The key under which sources and tools have limits of their own.
pub(crate) const KEY: &str = "limits";

const TIMES: [(&str, Duration); 4] = [
    ("s", Duration::from_secs(1)),
    ("min", Duration::from_mins(1)),
    ("h", Duration::from_hours(1)),
    ("day", limits::LIMIT_PER_MAX),
];

/// Calls in a time, written as `"120/min"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CallRate {
    amount: u64,
    per: Duration,
}

/// Bytes in a time, written as `"10MiB/min"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ByteRate {
    amount: u64,
    per: Duration,
}

fn halves<'a>(text: &'a str, example: &str) -> Result<(&'a str, Duration), String> {
    let wrong = || format!("`{text}` is not a rate; write it as \"{example}\", with s, min, h or day");
    let (amount, time) = text.split_once('/').ok_or_else(wrong)?;
    let (_, per) = TIMES.into_iter().find(|(name, _)| *name == time.trim()).ok_or_else(wrong)?;
    Ok((amount.trim(), per))
}

impl FromStr for CallRate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (amount, per) = halves(text, "120/min")?;
        let amount = amount.parse().map_err(|_| format!("`{amount}` is not a number of calls"))?;
        Ok(Self { amount, per })
    }
}

impl FromStr for ByteRate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (amount, per) = halves(text, "10MiB/min")?;
        let size = ByteSize::from_str(amount).map_err(|error| error.to_string())?;
        Ok(Self { amount: size.0, per })
    }
}

impl<'de> Deserialize<'de> for CallRate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

impl<'de> Deserialize<'de> for ByteRate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

impl JsonSchema for CallRate {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "CallRate".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": "^ *[0-9]+ */ *(s|min|h|day) *$",
            "description": "Calls in a time: \"5/s\", \"120/min\", \"1000/h\", \"5000/day\"."
        })
    }
}

impl JsonSchema for ByteRate {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "ByteRate".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": "^ *[0-9]+ *([KkMmGg][Ii]?)?[Bb]? */ *(s|min|h|day) *$",
            "description": "Bytes in a time: \"10MiB/min\", \"1GiB/day\"."
        })
    }
}

/// What may be used. What is left out is not limited.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct QuotaSection {
    /// How many calls in a time, such as `120/min`; the times are `s`, `min`, `h` and `day`.
    pub(crate) calls: Option<CallRate>,
    /// How many of these calls may come all at once after a pause; as many as `calls` says where nothing is said.
    pub(crate) burst: Option<u64>,
    /// How many calls may run at the same time.
    pub(crate) concurrent: Option<u32>,
    /// How many bytes of results in a time, such as `10MiB/min`. The result that goes beyond is still delivered.
    pub(crate) result_bytes: Option<ByteRate>,
}

impl QuotaSection {
    fn quota(&self, place: &Pointer, problems: &mut Vec<Diagnostic>) -> Quota {
        let mut more_than_none = |there: bool, key: &str, hint: &str| {
            if !there {
                let problem = Diagnostic::error(place.join(key), "out-of-range", "would let nothing through");
                problems.push(problem.hint(format!("leave `{key}` out for no limit, or write {hint}")));
            }
        };
        more_than_none(self.calls.is_none_or(|rate| rate.amount > 0), "calls", "more: `\"120/min\"`");
        more_than_none(self.burst != Some(0), "burst", "1 at least");
        more_than_none(self.concurrent != Some(0), "concurrent", "1 at least");
        more_than_none(self.result_bytes.is_none_or(|rate| rate.amount > 0), "result_bytes", "more: `\"10MiB/min\"`");
        if self.burst.is_some() && self.calls.is_none() {
            let problem = Diagnostic::error(place.join("burst"), "unused-key", "`burst` says nothing without `calls`");
            problems.push(problem.hint("add `calls = \"120/min\"` beside it, or take it out"));
        }
        Quota {
            calls: self
                .calls
                .map(|rate| Rate { burst: self.burst.unwrap_or(rate.amount), ..Rate::new(rate.amount, rate.per) }),
            concurrent: self.concurrent,
            result_bytes: self.result_bytes.map(|rate| Rate::new(rate.amount, rate.per)),
        }
    }
}

impl CallRate {
    /// As the server counts; a rate of none says so at its place.
    pub(crate) fn rate(self, place: Pointer, problems: &mut Vec<Diagnostic>) -> Rate {
        if self.amount == 0 {
            let problem = Diagnostic::error(place, "out-of-range", "would let nothing through");
            problems.push(problem.hint("write more: `\"60/min\"`"));
        }
        Rate::new(self.amount.max(1), self.per)
    }
}

/// The section → the plan, without the limits of single sources and tools.
pub(crate) fn plan(
    section: &LimitsSection,
    roles: &BTreeMap<String, RoleSection>,
    problems: &mut Vec<Diagnostic>,
) -> LimitPlan {
    let place = Pointer::root().join(KEY);
    let each = QuotaSection {
        calls: section.calls,
        burst: section.burst,
        concurrent: section.concurrent,
        result_bytes: section.result_bytes,
    };
    let mut plan = LimitPlan {
        each: each.quota(&place, problems),
        total: section.total.quota(&place.join("total"), problems),
        ..LimitPlan::default()
    };
    for (name, role) in roles {
        if let Some(quota) = &role.limits {
            let place = Pointer::root().join("roles").join(name).join(KEY);
            plan.roles.insert(Arc::from(name.as_str()), quota.quota(&place, problems));
        }
    }
    if let Some(HumanDuration(wait)) = section.queue_wait {
        if wait > limits::LIMIT_QUEUE_WAIT_MAX {
            let max = HumanDuration(limits::LIMIT_QUEUE_WAIT_MAX);
            let problem = Diagnostic::error(place.join("queue_wait"), "out-of-range", format!("must be at most {max}"));
            problems.push(problem.hint("a caller who is told to come later waits better than one who hangs"));
        }
        plan.queue_wait = wait;
    }
    plan.store = store(section, &place, problems);
    plan
}

/// Where what was used is kept; none: in this process.
fn store(section: &LimitsSection, place: &Pointer, problems: &mut Vec<Diagnostic>) -> Option<StorePlan> {
    let shared = section.store.as_ref().filter(|url| url.expose() != "memory");
    let Some(url) = shared else {
        for (key, said) in
            [("store_prefix", section.store_prefix.is_some()), ("store_down", section.store_down != StoreDown::Closed)]
        {
            if said {
                let problem = Diagnostic::error(place.join(key), "unused-key", "nothing is shared without a store");
                problems.push(problem.hint("add `store = \"redis://…\"`, or take it out"));
            }
        }
        return None;
    };
    let plan = StorePlan {
        url: url.clone(),
        prefix: section.store_prefix.clone().unwrap_or_else(|| "portwright".to_owned()),
        down: match section.store_down {
            StoreDown::Closed => WhenDown::Closed,
            StoreDown::Local => WhenDown::Local,
        },
    };
    if let Err(error) = plan.check() {
        let hint = "`memory`, `redis://host:6379/0`, or `rediss://…` for TLS; a password belongs behind `${env:NAME}`";
        problems.push(Diagnostic::error(place.join("store"), "bad-url", error.to_string()).hint(hint));
    }
    problems.extend(not_a_prefix(&plan.prefix, place.join("store_prefix")));
    Some(plan)
}

/// What is wrong with a prefix of keys in a store.
pub(crate) fn not_a_prefix(prefix: &str, place: Pointer) -> Option<Diagnostic> {
    let fits = prefix.chars().all(|letter| letter.is_ascii_alphanumeric() || "-_.".contains(letter));
    let message = "a prefix has letters, digits, `-`, `_` and `.` only";
    (!fits).then(|| Diagnostic::error(place, "bad-value", message).hint("such as `portwright`"))
}

/// The limits of single sources and tools.
#[derive(Debug, Default)]
pub(crate) struct Named {
    pub(crate) sources: BTreeMap<Arc<str>, Quota>,
    pub(crate) tools: BTreeMap<(Arc<str>, Arc<str>), Quota>,
}

/// Reads them; `document` is without what is known to be wrong.
pub(crate) fn named(document: &Value, problems: &mut Vec<Diagnostic>) -> Named {
    let mut found = Named::default();
    for (name, table) in entries(document, "sources") {
        if let Some(quota) = quota_of(table, "sources", name, problems) {
            found.sources.insert(Arc::from(name.as_str()), quota);
        }
    }
    for (name, table) in entries(document, "tools") {
        let Some(source) = table.get("source").and_then(Value::as_str) else { continue };
        if let Some(quota) = quota_of(table, "tools", name, problems) {
            found.tools.insert((Arc::from(source), Arc::from(name.as_str())), quota);
        }
    }
    found
}

fn quota_of(table: &Value, section: &str, name: &str, problems: &mut Vec<Diagnostic>) -> Option<Quota> {
    let limits = table.get(KEY)?;
    let place = Pointer::root().join(section).join(name).join(KEY);
    match QuotaSection::deserialize(limits) {
        Ok(section) => Some(section.quota(&place, problems)),
        Err(error) => {
            problems.push(Diagnostic::error(place, "bad-value", error.to_string()));
            None
        }
    }
}

/// Adds the key to the published schema of a source or a tool.
pub(crate) fn offer(schema: &mut Value, quota: &Value, about: &str) {
    let mut keyword = None;
    for branches in ["anyOf", "oneOf"] {
        if schema.get(branches).is_some_and(Value::is_array) {
            keyword = Some(branches);
        }
    }
    if let Some(branches) = keyword.and_then(|keyword| schema.get_mut(keyword)).and_then(Value::as_array_mut) {
        return branches.iter_mut().for_each(|branch| offer(branch, quota, about));
    }
    if schema.get("properties").is_some_and(Value::is_object) {
        let mut quota = quota.clone();
        quota["description"] = json!(about);
        schema["properties"][KEY] = quota;
    }
}

#[cfg(test)]
mod tests {
    use super::{ByteRate, CallRate};

    #[test]
    fn rates_are_read_as_people_write_them() {
        let calls = |text: &str| text.parse::<CallRate>().map(|rate| (rate.amount, rate.per.as_secs()));
        assert_eq!(calls("120/min"), Ok((120, 60)));
        assert_eq!(calls("5 / s"), Ok((5, 1)));
        assert_eq!(calls("1/h"), Ok((1, 3600)));
        assert_eq!(calls("9/day"), Ok((9, 86_400)));
        let bytes = |text: &str| text.parse::<ByteRate>().map(|rate| (rate.amount, rate.per.as_secs()));
        assert_eq!(bytes("10MiB/min"), Ok((10 << 20, 60)));
        for wrong in ["120", "120/", "/min", "-1/s", "1.5/s", "1/month", "99999999999999999999/s", "1/s/s"] {
            assert!(calls(wrong).is_err() && bytes(wrong).is_err(), "{wrong}");
        }
    }
}
