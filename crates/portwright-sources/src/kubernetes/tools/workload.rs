//! Workloads: what picks their pods, and how far a rollout is.

use portwright_core::Refusal;
use serde_json::Value;

/// The label selector by which a workload or a service picks its pods.
pub(super) fn selector(object: &Value) -> Result<String, Refusal> {
    let selector = &object["spec"]["selector"];
    let labels = selector.get("matchLabels").or_else(|| selector.get("matchExpressions").is_none().then_some(selector));
    let mut parts = Vec::new();
    for (key, value) in labels.and_then(Value::as_object).into_iter().flatten() {
        parts.extend(value.as_str().map(|value| format!("{key}={value}")));
    }
    for rule in selector["matchExpressions"].as_array().into_iter().flatten() {
        let key = rule["key"].as_str().unwrap_or_default();
        let values = rule["values"].as_array().into_iter().flatten().filter_map(Value::as_str).collect::<Vec<_>>();
        parts.push(match rule["operator"].as_str() {
            Some("In") => format!("{key} in ({})", values.join(",")),
            Some("NotIn") => format!("{key} notin ({})", values.join(",")),
            Some("Exists") => key.to_owned(),
            _ => format!("!{key}"),
        });
    }
    if parts.is_empty() {
        let kind = object["kind"].as_str().unwrap_or("this");
        return Err(Refusal::failed(format!("{kind} picks no pods: name a pod, or use `labelSelector`")));
    }
    Ok(parts.join(","))
}

/// Whether a rollout is through, and if not, what it waits for.
pub(super) fn progress(object: &Value) -> (bool, String) {
    let (spec, status) = (&object["spec"], &object["status"]);
    let number = |value: &Value| value.as_i64().unwrap_or(0);
    let seen = number(&status["observedGeneration"]) >= number(&object["metadata"]["generation"]);
    if !seen {
        return (false, "the controller has not seen the change yet".to_owned());
    }
    let condition = |kind: &str| {
        let all = status["conditions"].as_array().map(|all| &**all).unwrap_or_default();
        all.iter().find(|one| one["type"] == kind).cloned().unwrap_or_default()
    };
    if condition("Progressing")["reason"] == "ProgressDeadlineExceeded" {
        return (
            false,
            "it does not get on: the progress deadline has passed. Look at the pods and their events".to_owned(),
        );
    }
    let paused = if spec["paused"] == true { "; it is paused" } else { "" };
    let (wanted, updated, ready) = match object["kind"].as_str() {
        Some("DaemonSet") => (
            number(&status["desiredNumberScheduled"]),
            number(&status["updatedNumberScheduled"]),
            number(&status["numberAvailable"]),
        ),
        Some("StatefulSet") => (
            spec["replicas"].as_i64().unwrap_or(1),
            number(&status["updatedReplicas"]),
            number(&status["readyReplicas"]),
        ),
        _ => (
            spec["replicas"].as_i64().unwrap_or(1),
            number(&status["updatedReplicas"]),
            number(&status["availableReplicas"]),
        ),
    };
    let old = number(&status["replicas"]) - updated;
    let words = if updated < wanted {
        format!("{updated} of {wanted} are of the new revision")
    } else if object["kind"] == "Deployment" && old > 0 {
        format!("{old} of the old revision are still there")
    } else if ready < wanted {
        format!("{ready} of {wanted} of the new revision are available")
    } else {
        return (paused.is_empty(), format!("all {wanted} are of the new revision and available{paused}"));
    };
    (false, format!("{words}{paused}"))
}
