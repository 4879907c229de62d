//! Which kinds a cluster has: read when asked for, remembered for a while, found by the names that people use.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use futures::{StreamExt, stream};
use portwright_core::{Context, Refusal, limits};
use serde::Deserialize;
use serde_json::Value;

use super::cluster::{Ask, Cluster};
use crate::shared::decode::did_you_mean;

/// Requests for kinds that run at once.
const AT_ONCE: usize = 8;

/// A kind of object.
#[expect(clippy::struct_field_names, reason = "`kind` is the cluster's own word for its name")]
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Kind {
    pub(super) group: String,
    pub(super) version: String,
    pub(super) kind: String,
    pub(super) plural: String,
    pub(super) singular: String,
    pub(super) short: Vec<String>,
    pub(super) namespaced: bool,
    pub(super) verbs: Vec<String>,
}

impl Kind {
    /// A kind of the cluster's own, which needs no looking up.
    pub(super) fn built_in(group: &str, version: &str, kind: &str, plural: &str, namespaced: bool) -> Self {
        Self {
            group: group.to_owned(),
            version: version.to_owned(),
            kind: kind.to_owned(),
            plural: plural.to_owned(),
            namespaced,
            ..Self::default()
        }
    }

    pub(super) fn pod() -> Self {
        Self::built_in("", "v1", "Pod", "pods", true)
    }

    pub(super) fn node() -> Self {
        Self::built_in("", "v1", "Node", "nodes", false)
    }

    pub(super) fn namespace() -> Self {
        Self::built_in("", "v1", "Namespace", "namespaces", false)
    }

    pub(super) fn event() -> Self {
        Self::built_in("", "v1", "Event", "events", true)
    }

    /// `v1`, `apps/v1`.
    pub(super) fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.clone() } else { format!("{}/{}", self.group, self.version) }
    }

    pub(super) fn is_namespace(&self) -> bool {
        self.group.is_empty() && self.kind == "Namespace"
    }

    fn answers_to(&self, word: &str) -> bool {
        let same = |name: &str| name.eq_ignore_ascii_case(word);
        same(&self.kind) || same(&self.plural) || same(&self.singular) || self.short.iter().any(|short| same(short))
    }
}

/// What is remembered of a cluster.
#[derive(Debug, Default)]
pub(super) struct Known {
    groups: Option<(Instant, Arc<Vec<Group>>)>,
    kinds: HashMap<String, (Instant, Arc<Vec<Kind>>)>,
}

/// A group with the version that the cluster prefers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Group {
    name: String,
    preferred: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Listed {
    name: String,
    #[serde(default)]
    singular_name: String,
    #[serde(default)]
    namespaced: bool,
    kind: String,
    #[serde(default)]
    verbs: Vec<String>,
    #[serde(default)]
    short_names: Vec<String>,
}

impl Cluster {
    /// The kinds of one version of a group: `v1`, `apps/v1`.
    pub(super) async fn kinds_of(&self, api_version: &str, cx: &Context) -> Result<Arc<Vec<Kind>>, Refusal> {
        let fresh = |at: &Instant| at.elapsed() < limits::CLUSTER_KINDS_FRESH;
        let known = self
            .known(|known| known.kinds.get(api_version).filter(|(at, _)| fresh(at)).map(|(_, kinds)| kinds.clone()));
        if let Some(kinds) = known {
            return Ok(kinds);
        }
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        let path = if group.is_empty() { vec!["api", version] } else { vec!["apis", group, version] };
        let answer = self.json(&Ask::path(&path), cx).await?;
        let listed = answer["resources"].as_array().cloned().unwrap_or_default();
        let read = |value: Value| serde_json::from_value::<Listed>(value).ok();
        let whole = listed.into_iter().filter_map(read).filter(|one| !one.name.contains('/'));
        let kinds: Vec<Kind> = whole
            .map(|one| Kind {
                group: group.to_owned(),
                version: version.to_owned(),
                singular: if one.singular_name.is_empty() { one.kind.to_lowercase() } else { one.singular_name },
                kind: one.kind,
                plural: one.name,
                short: one.short_names,
                namespaced: one.namespaced,
                verbs: one.verbs,
            })
            .collect();
        let kinds = Arc::new(kinds);
        self.known(|known| {
            if known.kinds.len() > limits::CLUSTER_GROUPS_MAX {
                known.kinds.clear();
            }
            known.kinds.insert(api_version.to_owned(), (Instant::now(), kinds.clone()));
        });
        Ok(kinds)
    }

    /// The groups, each by the version that the cluster prefers; the core group is `v1`.
    async fn groups(&self, cx: &Context) -> Result<Arc<Vec<Group>>, Refusal> {
        let fresh = |(at, _): &&(Instant, Arc<Vec<Group>>)| at.elapsed() < limits::CLUSTER_KINDS_FRESH;
        if let Some(groups) = self.known(|known| known.groups.as_ref().filter(fresh).map(|(_, groups)| groups.clone()))
        {
            return Ok(groups);
        }
        let answer = self.json(&Ask::path(&["apis"]), cx).await?;
        let listed = answer["groups"].as_array().cloned().unwrap_or_default();
        let group = |value: &Value| {
            let text = |value: &Value| value.as_str().map(str::to_owned);
            Some(Group { name: text(&value["name"])?, preferred: text(&value["preferredVersion"]["groupVersion"])? })
        };
        let core = Group { name: String::new(), preferred: "v1".to_owned() };
        let named = listed.iter().filter_map(group).take(limits::CLUSTER_GROUPS_MAX);
        let groups = Arc::new(std::iter::once(core).chain(named).collect::<Vec<_>>());
        self.known(|known| known.groups = Some((Instant::now(), groups.clone())));
        Ok(groups)
    }

    /// Every kind, in the cluster's own order of groups; groups that do not answer are named.
    pub(super) async fn all_kinds(
        &self,
        group: Option<&str>,
        cx: &Context,
    ) -> Result<(Vec<Kind>, Vec<String>), Refusal> {
        let groups = self.groups(cx).await?;
        let wanted: Vec<Group> =
            groups.iter().filter(|one| group.is_none_or(|group| one.name == group)).cloned().collect();
        let (cluster, cx) = (self.clone(), cx.clone());
        let asked = stream::iter(wanted).map(move |group: Group| {
            let (cluster, cx) = (cluster.clone(), cx.clone());
            async move { (cluster.kinds_of(&group.preferred, &cx).await, group.preferred) }
        });
        let answers: Vec<_> = asked.buffered(AT_ONCE).collect().await;
        let (mut kinds, mut silent) = (Vec::new(), Vec::new());
        for (answer, group) in answers {
            match answer {
                Ok(found) => kinds.extend(found.iter().cloned()),
                Err(_) => silent.push(group),
            }
        }
        Ok((kinds, silent))
    }

    /// The kind that is meant: by its name, plural or short name, alone (`Deployment`, `deploy`) or with its group
    /// (`deployments.apps`), in the version that is named or the one that the cluster prefers.
    pub(super) async fn kind(&self, word: &str, api_version: Option<&str>, cx: &Context) -> Result<Kind, Refusal> {
        let word = word.trim();
        if let Some(api_version) = api_version.filter(|text| !text.is_empty()) {
            let kinds =
                self.kinds_of(api_version, cx).await.map_err(|refusal| unknown_version(refusal, api_version))?;
            let found = kinds.iter().find(|kind| kind.answers_to(word));
            return found.cloned().ok_or_else(|| unknown_kind(word, Some(api_version), kinds.iter()));
        }
        let (word, group) = word.split_once('.').map_or((word, None), |(word, group)| (word, Some(group)));
        if group.is_none() {
            for usual in ["v1", "apps/v1"] {
                let kinds = self.kinds_of(usual, cx).await;
                if let Some(kind) = kinds.iter().flat_map(|kinds| kinds.iter()).find(|kind| kind.answers_to(word)) {
                    return Ok(kind.clone());
                }
                kinds?;
            }
        }
        let (kinds, silent) = self.all_kinds(group, cx).await?;
        if let Some(kind) = kinds.iter().find(|kind| kind.answers_to(word)) {
            return Ok(kind.clone());
        }
        if !silent.is_empty() {
            let groups = silent.join(", ");
            return Err(Refusal::failed(format!(
                "no kind `{word}` is known, and these groups do not answer: {groups}"
            )));
        }
        Err(unknown_kind(word, group, kinds.iter()))
    }
}

fn unknown_version(refusal: Refusal, api_version: &str) -> Refusal {
    if refusal.kind() != portwright_core::RefusalKind::Failed {
        return refusal;
    }
    let words =
        format!("the cluster does not know the apiVersion `{api_version}`: leave it out, or see list_api_resources");
    refusal.reworded(words)
}

fn unknown_kind<'a>(word: &str, place: Option<&str>, kinds: impl Iterator<Item = &'a Kind>) -> Refusal {
    let names: Vec<&str> = kinds.flat_map(|kind| [kind.kind.as_str(), &kind.plural]).collect();
    let place = place.map(|place| format!(" in `{place}`")).unwrap_or_default();
    let hint = match did_you_mean(word, names) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "list_api_resources tells which there are".to_owned(),
    };
    Refusal::invalid(format!("the cluster has no kind `{word}`{place}: {hint}"))
}
