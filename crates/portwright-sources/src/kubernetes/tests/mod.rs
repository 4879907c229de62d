//! A source in front of a small API server, and what its tests share.

mod changes;
mod exec;
mod fake;
mod live;
mod logs;
mod masks;
mod offer;
mod reading;
mod rollout;
mod watching;

use std::sync::Arc;

use portwright_core::protocol::{CallToolResult, JsonObject};
use portwright_core::{Context, Diagnostic, Refusal, Source, SourceKind, SourceSpec, TransportKind};
use serde_json::{Value, json};

use self::fake::Fake;
use super::KubernetesKind;

/// Stands for every credential; it may come out nowhere.
const CANARY: &str = "canary-b7f3d1e9";

fn spec(table: &Value, base: &std::path::Path) -> SourceSpec {
    SourceSpec {
        name: "cluster".into(),
        table: table.as_object().cloned().unwrap_or_default(),
        tools: Vec::new(),
        resources: Vec::new(),
        base: base.to_owned(),
    }
}

fn problems(table: &Value) -> String {
    let told = |problems: Vec<Diagnostic>| {
        let words = |one: Diagnostic| format!("{} {}: {}", one.place, one.message, one.hint.unwrap_or_default());
        problems.into_iter().map(words).collect::<Vec<_>>().join("\n")
    };
    KubernetesKind.decode(spec(table, std::path::Path::new("/"))).map_or_else(told, |_| String::new())
}

/// A source in front of a cluster that answers what the test says.
struct Bench {
    source: Arc<dyn Source>,
    fake: Fake,
    _folder: tempfile::TempDir,
}

impl Bench {
    async fn of(table: Value) -> Self {
        Self::on(Fake::start().await, table).await
    }

    async fn on(fake: Fake, mut table: Value) -> Self {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let folder = tempfile::tempdir().expect("a folder");
        let user = json!({"token": CANARY});
        std::fs::write(folder.path().join("config"), kubeconfig(&fake.url, &user)).expect("written");
        table["kubeconfig"] = "config".into();
        let config = KubernetesKind.decode(spec(&table, folder.path())).expect("a sound table");
        let source = config.connect().await.expect("connected");
        Self { source, fake, _folder: folder }
    }

    async fn call(&self, tool: &str, arguments: Value) -> Result<CallToolResult, Refusal> {
        call(&*self.source, tool, &arguments).await
    }

    async fn data(&self, tool: &str, arguments: Value) -> Value {
        let answer = self.call(tool, arguments).await.expect(tool);
        answer.structured_content.expect("data")
    }

    async fn refused(&self, tool: &str, arguments: Value) -> String {
        let refusal = self.call(tool, arguments).await.expect_err(tool);
        format!("{}: {}", refusal.kind().as_str(), refusal.public())
    }
}

async fn call(source: &dyn Source, tool: &str, arguments: &Value) -> Result<CallToolResult, Refusal> {
    let arguments: JsonObject = arguments.as_object().cloned().unwrap_or_default();
    source.call(tool, &arguments, &Context::new("r-1", TransportKind::InProcess)).await
}

fn text(answer: &CallToolResult) -> String {
    answer.content.iter().filter_map(|block| block.as_text()).map(|text| text.text.clone()).collect()
}

fn kubeconfig(url: &str, user: &Value) -> String {
    let context = |name: &str| json!({"name": name, "context": {"cluster": "c", "user": "u", "namespace": "shop"}});
    json!({
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "one",
        "clusters": [{"name": "c", "cluster": {"server": url}}],
        "users": [{"name": "u", "user": user}],
        "contexts": [context("one"), context("two"), context("three")],
    })
    .to_string()
}
