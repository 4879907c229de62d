//! What calls may touch, whatever the credential may: the namespaces of the fence, and kinds that are denied.

use portwright_core::{Diagnostic, Pointer, Refusal, limits};

use super::kinds::Kind;

/// The operator's fence. It judges before the cluster is asked.
#[derive(Debug, Clone, Default)]
pub(super) struct Fence {
    /// Empty: every namespace.
    namespaces: Vec<String>,
    denied: Vec<Denied>,
}

/// A kind by its name or plural, in one group or in any.
#[derive(Debug, Clone)]
struct Denied {
    kind: String,
    group: Option<String>,
}

impl Fence {
    /// As the configuration has it.
    pub(super) fn read(
        namespaces: &[String],
        denied: &[String],
        place: &Pointer,
        problems: &mut Vec<Diagnostic>,
    ) -> Self {
        for (index, name) in namespaces.iter().enumerate().filter(|(_, name)| !is_label(name)) {
            let message = format!("`{name}` is not a namespace's name");
            let hint = "small letters, digits and `-`; there are no patterns here";
            problems.push(Diagnostic::error(place.join("namespaces").join(index), "wrong-value", message).hint(hint));
        }
        if namespaces.len() > limits::CLUSTER_NAMESPACES_MAX {
            let message = format!("at most {} namespaces", limits::CLUSTER_NAMESPACES_MAX);
            problems.push(Diagnostic::error(place.join("namespaces"), "wrong-value", message));
        }
        let mut kinds = Vec::new();
        for (index, written) in denied.iter().enumerate() {
            let (kind, group) = written.split_once('.').map_or((&**written, None), |(kind, group)| (kind, Some(group)));
            if kind.is_empty() || !kind.chars().all(|one| one.is_ascii_alphanumeric()) {
                let message = format!("`{written}` is not a kind");
                let hint = "write `Secret`, or with its group `Certificate.cert-manager.io`";
                problems.push(Diagnostic::error(place.join("denied").join(index), "wrong-value", message).hint(hint));
            }
            kinds.push(Denied { kind: kind.to_lowercase(), group: group.map(str::to_lowercase) });
        }
        Self { namespaces: namespaces.to_vec(), denied: kinds }
    }

    /// The namespaces that there are for calls; none: all.
    pub(super) fn namespaces(&self) -> Option<&[String]> {
        (!self.namespaces.is_empty()).then_some(&*self.namespaces)
    }

    /// Whether calls may touch the namespace.
    pub(super) fn has(&self, namespace: &str) -> bool {
        self.namespaces.is_empty() || self.namespaces.iter().any(|name| name == namespace)
    }

    /// Refuses a namespace outside.
    pub(super) fn check_namespace(&self, namespace: &str) -> Result<(), Refusal> {
        if self.has(namespace) {
            return Ok(());
        }
        Err(Refusal::invalid(format!(
            "this server works in the namespaces {} alone, and `{namespace}` is none of them",
            self.namespaces.join(", ")
        )))
    }

    /// Refuses a kind that is denied.
    pub(super) fn check_kind(&self, kind: &Kind) -> Result<(), Refusal> {
        if self.denies(kind) {
            return Err(Refusal::invalid(format!("this server does not touch objects of the kind {}", kind.kind)));
        }
        Ok(())
    }

    /// Whether the kind is denied.
    pub(super) fn denies(&self, kind: &Kind) -> bool {
        self.denied.iter().any(|denied| {
            let named = kind.kind.eq_ignore_ascii_case(&denied.kind) || kind.plural.eq_ignore_ascii_case(&denied.kind);
            named && denied.group.as_ref().is_none_or(|group| group.eq_ignore_ascii_case(&kind.group))
        })
    }

    /// Refuses what belongs to no namespace, where there is a fence: it tells of the others.
    pub(super) fn check_cluster_wide(&self, what: &str) -> Result<(), Refusal> {
        if self.namespaces.is_empty() {
            return Ok(());
        }
        Err(Refusal::invalid(format!(
            "{what} belong to the whole cluster, and this server works in the namespaces {} alone",
            self.namespaces.join(", ")
        )))
    }
}

/// Whether it is an RFC 1123 label, as a namespace's name is.
pub(super) fn is_label(name: &str) -> bool {
    let sound = |one: u8| one.is_ascii_lowercase() || one.is_ascii_digit() || one == b'-';
    !name.is_empty() && name.len() <= 63 && name.bytes().all(sound) && !name.starts_with('-') && !name.ends_with('-')
}
