//! The manifests and the Helm chart, as a real API server takes them.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::succeeded;
use crate::harness::files::root;
use crate::harness::skip;

const MANIFESTS: &str = "packaging/kubernetes/portwright.yaml";

/// A dry run of everything in a namespace of its own; what the server said of each.
fn accepted(kubeconfig: &str, namespace: &str, text: &str) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    // The control plane of the tests is older than the stable form of this one kind; the form is the same.
    let text = text.replace("apiVersion: policy/v1\n", "apiVersion: policy/v1beta1\n");
    let file = folder.path().join("all.yaml");
    fs::write(&file, text).expect("written");
    let kubectl = || {
        let mut command = Command::new("kubectl");
        command.env("KUBECONFIG", kubeconfig);
        command
    };
    let _ = kubectl().args(["create", "namespace", namespace]).output();
    succeeded(kubectl().args(["apply", "--dry-run=server", "-n", namespace, "-f"]).arg(&file))
}

#[test]
fn a_real_api_server_takes_manifests_and_chart() {
    let (Ok(kubeconfig), Ok(plane)) = (std::env::var("PORTWRIGHT_KUBE"), std::env::var("PORTWRIGHT_KUBE_PLANE")) else {
        return skip("no control plane; ./test --all starts one");
    };
    let said =
        accepted(&kubeconfig, "packages-manifests", &fs::read_to_string(root().join(MANIFESTS)).expect("manifests"));
    for kind in ["serviceaccount", "configmap", "deployment", "service", "poddisruptionbudget", "networkpolicy"] {
        assert!(said.lines().any(|line| line.starts_with(kind)), "{kind}: {said}");
    }
    let render = |values: &[&str]| {
        let script = root().join("tests/kube/chart/render.sh");
        succeeded(Command::new(script).args([plane.as_str(), "demo", "packages-chart"]).args(values))
    };
    assert_eq!(accepted(&kubeconfig, "packages-chart", &render(&[])).lines().count(), 6);
    let other = render(&["ingress.enabled=true", "networkPolicy.enabled=false", "podDisruptionBudget.enabled=false"]);
    let said = accepted(&kubeconfig, "packages-chart", &other);
    assert!(said.contains("ingress.networking.k8s.io/demo") && !said.contains("networkpolicy"), "{said}");
}

/// The configuration within a manifest or the chart's values, which stands indented behind a key.
fn embedded(path: &Path, key: &str) -> String {
    let text = fs::read_to_string(path).expect("a file");
    let after = text.split_once(&format!("{key}: |\n")).expect(key).1;
    let depth = after.len() - after.trim_start_matches(' ').len();
    let inside = after.lines().take_while(|line| line.trim().is_empty() || line.starts_with(&" ".repeat(depth)));
    inside.map(|line| line.get(depth..).unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_configurations_in_them_are_valid() {
    for (file, key) in [(MANIFESTS, "portwright.toml"), ("packaging/helm/portwright/values.yaml", "configuration")] {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("portwright.toml");
        fs::write(&path, embedded(&root().join(file), key)).expect("written");
        let mut check = Command::new(env!("CARGO_BIN_EXE_portwright"));
        succeeded(check.args(["check", "--offline", "-c"]).arg(&path));
    }
    let container = root().join("packaging/container/portwright.toml");
    succeeded(Command::new(env!("CARGO_BIN_EXE_portwright")).args(["check", "--offline", "-c"]).arg(container));
}
