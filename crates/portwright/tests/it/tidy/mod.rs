//! Rules about the house itself that no compiler holds.

mod directions;
mod documents;
mod guide;
mod manifests;
mod reference;
mod sizes;

/// Fails with every finding at once.
fn report(rule: &str, findings: &[String]) {
    assert!(findings.is_empty(), "{rule}\n  {}", findings.join("\n  "));
}
