//! What kinds there are, and what their fields mean, as the cluster itself describes them.

use std::sync::Arc;

use portwright_core::{Context, Refusal};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::rows::{self, Page};
use crate::kubernetes::cluster::{Ask, Cluster};
use crate::kubernetes::errors;
use crate::kubernetes::kinds::Kind;
use crate::kubernetes::source::Kubernetes;
use crate::shared::own::{Answer, OwnTool, tool};

/// Bytes of a field's description among others.
const WORDS: usize = 200;
/// Fields that are told at once.
const FIELDS: usize = 200;

pub(super) fn tools() -> Vec<OwnTool<Kubernetes>> {
    vec![
        tool(
            "explain_resource",
            "Explain fields",
            "The fields of a kind, or of a part of it: `pods.spec.containers`. Use it before you write a manifest.",
            explain,
        )
        .in_set("core"),
        tool("list_api_resources", "List kinds", "The kinds that the cluster has, custom ones too.", kinds)
            .in_set("core"),
    ]
}

#[derive(Deserialize, JsonSchema)]
struct Kinds {
    /// Only of this group
    #[serde(default, rename = "apiGroup")]
    api_group: Option<String>,
    /// Only such
    #[serde(default)]
    namespaced: Option<bool>,
    /// With all of these verbs
    #[serde(default)]
    verbs: Vec<String>,
    /// Which cluster
    #[serde(default)]
    context: Option<String>,
}

async fn kinds(source: Arc<Kubernetes>, asked: Kinds, cx: Context) -> Result<Answer<Page>, Refusal> {
    let cluster = source.cluster(asked.context.as_deref())?;
    let (found, silent) = cluster.all_kinds(asked.api_group.as_deref(), &cx).await?;
    let fits = |kind: &&Kind| {
        let namespaced = asked.namespaced.is_none_or(|wanted| wanted == kind.namespaced);
        let fenced = kind.namespaced || kind.is_namespace() || source.plan.fence.namespaces().is_none();
        let verbs = asked.verbs.iter().all(|verb| kind.verbs.contains(verb));
        namespaced && fenced && verbs && !source.plan.fence.denies(kind)
    };
    let row = |kind: &Kind| {
        let scope = if kind.namespaced { "namespace" } else { "cluster" };
        vec![kind.plural.clone(), kind.short.join(","), kind.api_version(), scope.to_owned(), kind.kind.clone()]
    };
    let columns = ["Name", "Short", "APIVersion", "Scope", "Kind"].map(str::to_owned).to_vec();
    let note = (!silent.is_empty()).then(|| format!("these groups do not answer: {}", silent.join(", ")));
    let page = Page { columns, rows: found.iter().filter(fits).map(row).collect(), next: None, note };
    Ok(rows::told(page, "no kinds fit", source.plan.bytes_max, &cx))
}

#[derive(Deserialize, JsonSchema)]
struct Explain {
    /// `deployments.spec.strategy`
    resource: String,
    /// Where a kind is in several
    #[serde(default, rename = "apiVersion")]
    api_version: Option<String>,
    /// Which cluster
    #[serde(default)]
    context: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Explained {
    kind: String,
    api_version: String,
    path: String,
    r#type: String,
    description: String,
    fields: Vec<Field>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Field {
    name: String,
    r#type: String,
    required: bool,
    description: String,
}

async fn explain(source: Arc<Kubernetes>, asked: Explain, cx: Context) -> Result<Answer<Explained>, Refusal> {
    let cluster = source.cluster(asked.context.as_deref())?;
    let (word, path) = asked.resource.split_once('.').unwrap_or((&asked.resource, ""));
    let kind = cluster.kind(word, asked.api_version.as_deref(), &cx).await?;
    let document = described(cluster, &kind, &cx).await?;
    let schemas = document["components"].get("schemas").unwrap_or(&document["definitions"]);
    let mine = |schema: &&Value| {
        let named = schema["x-kubernetes-group-version-kind"].as_array().map(|all| &**all).unwrap_or_default();
        named
            .iter()
            .any(|one| one["group"] == *kind.group && one["version"] == *kind.version && one["kind"] == *kind.kind)
    };
    let root = schemas.as_object().and_then(|schemas| schemas.values().find(mine));
    let root = root.ok_or_else(|| Refusal::failed(format!("the cluster does not describe {}", kind.kind)))?;
    let mut at = root;
    let mut words = &root["description"];
    for step in path.split('.').filter(|step| !step.is_empty()) {
        let members = resolved(at, schemas);
        let next = members["properties"].get(step);
        let names = || members["properties"].as_object().into_iter().flatten().map(|(name, _)| name.as_str());
        let next = next.ok_or_else(|| {
            let near = crate::shared::decode::did_you_mean(step, names());
            let hint =
                near.map_or_else(|| names().take(40).collect::<Vec<_>>().join(", "), |near| format!("`{near}`?"));
            Refusal::invalid(format!("there is no field `{step}` in {}: {hint}", kind.kind))
        })?;
        words = if next["description"].is_string() {
            &next["description"]
        } else {
            &resolved(next, schemas)["description"]
        };
        at = next;
    }
    Ok(told(&kind, path, at, words, schemas))
}

/// The document in which a cluster describes a kind: by group in newer ones, of everything in older ones.
async fn described(cluster: &Cluster, kind: &Kind, cx: &Context) -> Result<Value, Refusal> {
    let path = match &*kind.group {
        "" => vec!["openapi", "v3", "api", &kind.version],
        group => vec!["openapi", "v3", "apis", group, &kind.version],
    };
    match cluster.json(&Ask::path(&path), cx).await {
        Ok(document) => Ok(document),
        Err(refusal) if errors::is_unknown(&refusal) => cluster.json(&Ask::path(&["openapi", "v2"]), cx).await,
        Err(refusal) => Err(refusal),
    }
}

/// What a field is made of: behind references, within lists and maps.
fn resolved<'a>(schema: &'a Value, schemas: &'a Value) -> &'a Value {
    let mut at = schema;
    // References of a cluster's own description are a few deep; more is a circle.
    for _ in 0..8 {
        let reference = at["$ref"].as_str().or_else(|| at["allOf"][0]["$ref"].as_str());
        if let Some(name) = reference.and_then(|reference| reference.rsplit('/').next()) {
            at = &schemas[name];
        } else if at["items"].is_object() {
            at = &at["items"];
        } else if at["additionalProperties"].is_object() {
            at = &at["additionalProperties"];
        } else {
            break;
        }
    }
    at
}

fn type_of(schema: &Value, schemas: &Value) -> String {
    if schema["items"].is_object() {
        return format!("[]{}", type_of(&schema["items"], schemas));
    }
    if schema["additionalProperties"].is_object() {
        return format!("map of {}", type_of(&schema["additionalProperties"], schemas));
    }
    let plain = resolved(schema, schemas);
    plain["type"].as_str().unwrap_or("object").to_owned()
}

fn told(kind: &Kind, path: &str, at: &Value, words: &Value, schemas: &Value) -> Answer<Explained> {
    let members = resolved(at, schemas);
    let required = members["required"].as_array().map(|all| &**all).unwrap_or_default();
    let field = |(name, schema): (&String, &Value)| {
        let words = schema["description"].as_str().or_else(|| resolved(schema, schemas)["description"].as_str());
        let words = words.unwrap_or_default();
        let end = words.find(". ").map_or(words.len(), |end| end + 1).min(words.floor_char_boundary(WORDS));
        Field {
            name: name.clone(),
            r#type: type_of(schema, schemas),
            required: required.iter().any(|one| one == name.as_str()),
            description: words[..end].to_owned(),
        }
    };
    let fields = members["properties"].as_object().into_iter().flatten().take(FIELDS).map(field);
    let explained = Explained {
        kind: kind.kind.clone(),
        api_version: kind.api_version(),
        path: path.to_owned(),
        r#type: type_of(at, schemas),
        description: words.as_str().unwrap_or_default().to_owned(),
        fields: fields.collect(),
    };
    let mut lines = vec![format!("{} ({}) {}: {}", explained.kind, explained.api_version, path, explained.r#type)];
    lines.push(explained.description.clone());
    lines.extend(explained.fields.iter().map(|one| {
        let required = if one.required { ", required" } else { "" };
        format!("{} ({}{required}): {}", one.name, one.r#type, one.description)
    }));
    let text = lines.join("\n");
    Answer::told(explained, text)
}
