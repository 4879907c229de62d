use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::json;

use super::{Contract, Faulty, ManualClock, Recorder, Said, context, holds};
use crate::clock::Clock;
use crate::context::Context;
use crate::downstream::Downstream;
use crate::protocol::{CallToolResult, JsonObject, Resource, Tool};
use crate::refusal::Refusal;
use crate::source::{Health, Source};

#[tokio::test]
async fn the_faulty_source_is_faulty_only_where_it_says_so() {
    assert_eq!(holds(Arc::new(Faulty::default())).await, []);
    let source = Arc::new(Faulty::default());
    let suite = Contract::of(source.clone()).works("echo", JsonObject::new()).slow("wait", JsonObject::new());
    assert_eq!(suite.check().await, []);
    assert_eq!(source.stopped(), 1);
    assert_eq!(source.calls(), 10, "one unknown, eight side by side, one slow");
}

/// Breaks every promise that can be seen.
#[derive(Debug)]
struct Liar;

#[async_trait]
impl Source for Liar {
    fn tools(&self) -> Vec<Tool> {
        let schema = json!({"type": "array", "properties": {"a": {}}, "required": ["b"]});
        let schema = schema.as_object().cloned().unwrap_or_default();
        vec![
            Tool::new("two words", "", schema.clone()),
            Tool::new("twice", "It.", schema.clone()),
            Tool::new("twice", "It.", schema),
        ]
    }

    fn resources(&self) -> Vec<Resource> {
        vec![Resource::new("no-scheme", "x"), Resource::new("db://gone", "gone")]
    }

    async fn call(&self, _: &str, _: &JsonObject, _: &Context) -> Result<CallToolResult, Refusal> {
        Err(Refusal::failed("no"))
    }

    async fn health(&self) -> Health {
        Health::Degraded(String::new())
    }
}

#[tokio::test]
async fn broken_promises_are_told() {
    let suite = Contract::of(Arc::new(Liar)).works("twice", JsonObject::new()).slow("twice", JsonObject::new());
    let mut promises: Vec<_> = suite.check().await.into_iter().map(|broken| broken.promise).collect();
    promises.dedup();
    promises.sort_unstable();
    promises.dedup();
    assert_eq!(
        promises,
        [
            "a cancelled call stops",
            "a degraded source says why",
            "annotations are complete",
            "calls work, also side by side",
            "listed resources can be read",
            "parameters are described",
            "required properties exist",
            "resource URIs",
            "schemas are of type object",
            "tool names",
            "tools are described",
            "unknown names are not found",
        ]
    );
}

#[test]
fn the_manual_clock_moves_when_told() {
    let clock = ManualClock::default();
    let (now, instant) = (clock.now(), clock.instant());
    assert_eq!((clock.now(), clock.instant()), (now, instant));
    clock.advance(Duration::from_secs(5));
    assert_eq!(clock.now(), now + Duration::from_secs(5));
    assert_eq!(clock.instant(), instant + Duration::from_secs(5));
}

#[test]
fn the_recorder_remembers() {
    let recorder = Recorder::default();
    recorder.progress(1.0, Some(2.0), Some("half"));
    let said = recorder.said();
    assert!(matches!(&said[..], [Said::Progress { message: Some(words), .. }] if words == "half"), "{said:?}");
    assert_eq!(context().depth, 0);
}
