//! Which of a kind's own tools a configuration offers: `access`, `toolsets` and `tools`.

use globset::Glob;
use portwright_core::protocol::JsonObject;
use portwright_core::{Diagnostic, Pointer, SourceSpec};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::{Does, OwnTool, Toolbox};
use crate::shared::access::Access;
use crate::shared::decode;

/// The part of `[sources.NAME]` that every source with tools of its own has.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct OwnTable {
    /// Whether calls may write. Default: `read-only`.
    pub access: Access,
    /// The groups of tools to offer, by name.
    pub toolsets: Option<Vec<String>>,
    /// The tools to offer, by name or glob; `!` before a pattern leaves out what it fits. Default: all of the toolsets
    /// that `access` allows.
    pub tools: Option<Vec<String>>,
}

/// What is offered.
#[derive(Debug, Clone, Default)]
pub struct OwnPlan {
    pub access: Access,
    /// The tools, by name.
    pub tools: Vec<&'static str>,
}

/// Reads `[sources.NAME]`. `T` has the keys that the kind adds to [`OwnTable`]'s. Problems are complete: the caller adds
/// its own, and must not go on if one of them is an error.
pub fn decode<T: DeserializeOwned + JsonSchema + Default, S>(
    spec: &SourceSpec,
    toolbox: &Toolbox<S>,
) -> (T, OwnPlan, Vec<Diagnostic>) {
    let mut problems = Vec::new();
    let place = spec.place();
    let own_keys = keys(&T::json_schema(&mut SchemaGenerator::default()));
    let shared_keys = keys(&OwnTable::json_schema(&mut SchemaGenerator::default()));
    let (shared, own): (JsonObject, JsonObject) =
        spec.table.clone().into_iter().partition(|(key, _)| shared_keys.contains(key));
    let own = decode::known(&own, &place, &shared_keys, &mut problems);
    let shared: OwnTable = decode::known(&shared, &place, &own_keys, &mut problems);
    let tools = toolbox.chosen(&shared, &place, &mut problems);
    (own, OwnPlan { access: shared.access, tools }, problems)
}

/// The schema of `[sources.NAME]` for a kind that adds `T`'s keys.
pub fn schema<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    let mut own = T::json_schema(generator);
    let shared = OwnTable::json_schema(generator);
    let members = own.get_mut("properties").and_then(|value| value.as_object_mut());
    if let (Some(own), Some(shared)) = (members, shared.get("properties").and_then(|value| value.as_object())) {
        own.extend(shared.clone());
    }
    own
}

fn keys(schema: &Schema) -> Vec<String> {
    let properties = schema.get("properties").and_then(|value| value.as_object());
    properties.map(|map| map.keys().cloned().collect()).unwrap_or_default()
}

impl<S> Toolbox<S> {
    fn chosen(&self, table: &OwnTable, place: &Pointer, problems: &mut Vec<Diagnostic>) -> Vec<&'static str> {
        let sets = self.sets(table, place, problems);
        let may = |tool: &&OwnTool<S>| table.access == Access::ReadWrite || tool.does == Does::Read;
        let of_sets = |tool: &&OwnTool<S>| sets.as_ref().is_none_or(|sets| sets.iter().any(|set| set == tool.toolset));
        let usual: Vec<_> = self.tools.iter().filter(|tool| !tool.by_name_only).filter(of_sets).collect();
        let Some(patterns) = &table.tools else {
            return usual.into_iter().filter(may).map(|tool| tool.name).collect();
        };
        // Alone they say what is offered; beside toolsets they add to them, and one that leaves out needs all before it.
        let begins_with_all = table.toolsets.is_some() || patterns.first().is_some_and(|first| first.starts_with('!'));
        let mut names: Vec<&str> = if begins_with_all { usual.iter().map(|tool| tool.name).collect() } else { vec![] };
        for (index, written) in patterns.iter().enumerate() {
            let place = place.join("tools").join(index);
            let (out, pattern) = written.strip_prefix('!').map_or((false, written.as_str()), |rest| (true, rest));
            let named = self.named(pattern, &place, problems);
            if out {
                names.retain(|name| !named.contains(name));
                continue;
            }
            for name in named {
                let Some(tool) = self.tools.iter().find(|tool| tool.name == name) else { continue };
                let exact = name == pattern;
                if exact && !may(&tool) {
                    let message = format!("`{name}` writes, and the source may only read");
                    let hint = "set `access = \"read-write\"`, or leave the tool out";
                    problems.push(Diagnostic::error(place.clone(), "writing-tool", message).hint(hint));
                }
                if (exact || !tool.by_name_only) && !names.contains(&name) {
                    names.push(name);
                }
            }
        }
        let kept = self.tools.iter().filter(may).filter(|tool| names.contains(&tool.name));
        kept.map(|tool| tool.name).collect()
    }

    /// The tools that a pattern names. One that names none is a mistake.
    fn named(&self, pattern: &str, place: &Pointer, problems: &mut Vec<Diagnostic>) -> Vec<&'static str> {
        let glob = match Glob::new(pattern) {
            Ok(glob) => glob.compile_matcher(),
            Err(error) => {
                problems.push(Diagnostic::error(place.clone(), "wrong-value", error.to_string()));
                return Vec::new();
            }
        };
        let named: Vec<_> = self.tools.iter().map(|tool| tool.name).filter(|name| glob.is_match(name)).collect();
        if named.is_empty() {
            let by_alias = |tool: &&OwnTool<S>| tool.aliases.iter().any(|alias| alias.name == pattern);
            let meant = self.tools.iter().find(by_alias).map(|tool| tool.name);
            let names = || self.tools.iter().map(|tool| tool.name);
            let hint = match meant.or_else(|| decode::did_you_mean(pattern, names())) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("its own tools are {}", names().collect::<Vec<_>>().join(", ")),
            };
            let message = format!("`{pattern}` names none of this source's own tools");
            problems.push(Diagnostic::error(place.clone(), "unknown-tool", message).hint(hint));
        }
        named
    }

    /// The toolsets that count. None: all do.
    fn sets(&self, table: &OwnTable, place: &Pointer, problems: &mut Vec<Diagnostic>) -> Option<Vec<String>> {
        let Some(written) = &table.toolsets else {
            let default = self.default_sets.iter().map(|set| (*set).to_owned()).collect::<Vec<_>>();
            return Some(default).filter(|sets| !sets.is_empty());
        };
        let mut known: Vec<&str> = self.tools.iter().map(|tool| tool.toolset).filter(|set| !set.is_empty()).collect();
        known.dedup();
        for (index, set) in written.iter().enumerate() {
            if set == "all" || known.contains(&set.as_str()) {
                continue;
            }
            let hint = match decode::did_you_mean(set, known.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None if known.is_empty() => "this kind has none; choose by `tools`".to_owned(),
                None => format!("its toolsets are {}, and `all`", known.join(", ")),
            };
            let message = format!("there is no toolset `{set}`");
            problems.push(Diagnostic::error(place.join("toolsets").join(index), "unknown-toolset", message).hint(hint));
        }
        Some(written.clone()).filter(|sets| !sets.iter().any(|set| set == "all"))
    }
}
