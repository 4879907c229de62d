//! The tables of sources, tools, resources and prompts → configured sources, by the kinds' own decoders.

use std::path::Path;
use std::sync::Arc;

use portwright_core::protocol::JsonObject;
use portwright_core::{Declared, Diagnostic, Pointer, SourceSpec};
use portwright_server::Fingerprint;
use portwright_sources::declared;
use serde_json::Value;

use super::check::entries;
use super::kinds::Kinds;
use super::plan::Configured;
use super::{DECLARED, limits, remove};

/// Decodes everything in which nothing wrong was found so far. Opens nothing.
pub(crate) fn decode(
    value: &Value,
    base: &Path,
    kinds: Kinds,
    found: &[Diagnostic],
) -> (Vec<Configured>, Vec<Diagnostic>) {
    let mut sources = Vec::new();
    let mut problems = Vec::new();
    let sound = |place: &Pointer| !found.iter().any(|diagnostic| within(&diagnostic.place, place));
    for (name, table) in entries(value, "sources") {
        let place = Pointer::root().join("sources").join(name);
        let kind = table.get("kind").and_then(Value::as_str).and_then(|name| kinds.find(name));
        let Some(kind) = kind else { continue };
        let mut table = table.clone();
        for wrong in found.iter().filter(|wrong| within(&wrong.place, &place)) {
            remove(&mut table, &Pointer::new(&wrong.place.as_str()[place.as_str().len()..]));
        }
        let spec = SourceSpec {
            name: Arc::from(name.as_str()),
            table: without(&without(&table, "kind").into(), limits::KEY),
            tools: declared_on(value, "tools", Some(name), &sound),
            resources: declared_on(value, "resources", Some(name), &sound),
            base: base.to_owned(),
        };
        let print = print(kind.name(), &spec);
        match kind.decode(spec) {
            Ok(config) => {
                sources.push(Configured { name: Arc::from(name.as_str()), kind: kind.name().into(), config, print });
            }
            // A table from which something was taken out may lack it; what is declared on the source is told all the same.
            Err(wrong) if !sound(&place) => {
                problems.extend(wrong.into_iter().filter(|one| !within(&one.place, &place)));
            }
            Err(mut wrong) => problems.append(&mut wrong),
        }
    }
    let resources = declared_on(value, "resources", None, &sound);
    let prompts = declared_on(value, "prompts", None, &sound);
    let print = fingerprint(DECLARED, None, [&resources, &prompts], base);
    match declared::decode(resources, prompts, base.to_owned()) {
        Ok(Some(config)) => {
            sources.push(Configured { name: Arc::from(DECLARED), kind: DECLARED.into(), config, print });
        }
        Ok(None) => {}
        Err(mut wrong) => problems.append(&mut wrong),
    }
    (sources, problems)
}

fn declared_on(value: &Value, section: &str, source: Option<&str>, sound: &dyn Fn(&Pointer) -> bool) -> Vec<Declared> {
    entries(value, section)
        .filter(|(_, table)| table.is_object() && table.get("source").and_then(Value::as_str) == source)
        .map(|(name, table)| Declared {
            name: name.clone(),
            table: match section {
                "tools" => without(&without(table, "source").into(), limits::KEY),
                _ => without(table, "source"),
            },
            place: Pointer::root().join(section).join(name),
        })
        .filter(|declared| sound(&declared.place))
        .collect()
}

fn print(kind: &str, spec: &SourceSpec) -> Option<Fingerprint> {
    fingerprint(kind, Some(&spec.table), [&spec.tools, &spec.resources], &spec.base)
}

/// The print of everything that a source is made of, with references resolved.
fn fingerprint(
    kind: &str,
    table: Option<&JsonObject>,
    declared: [&Vec<Declared>; 2],
    base: &Path,
) -> Option<Fingerprint> {
    let mut parts = vec![kind.as_bytes().to_vec(), base.as_os_str().as_encoded_bytes().to_vec()];
    parts.push(serde_json::to_vec(&table).ok()?);
    for one in declared.into_iter().flatten() {
        parts.push(one.place.as_str().as_bytes().to_vec());
        parts.push(serde_json::to_vec(&one.table).ok()?);
    }
    Some(Fingerprint::of(parts.iter().map(Vec::as_slice)))
}

fn without(table: &Value, key: &str) -> JsonObject {
    let mut table = table.as_object().cloned().unwrap_or_default();
    table.shift_remove(key);
    table
}

/// Whether a place is `outer` or stands within it.
fn within(place: &Pointer, outer: &Pointer) -> bool {
    place.as_str().strip_prefix(outer.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}
