use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::json;

use super::{Contract, Faulty, ManualClock, Recorder, Said, context, holds};
use crate::clock::Clock;
use crate::context::Context;
use crate::downstream::{Answer, Downstream};
use crate::protocol::{CallToolResult, ElicitResult, ElicitationAction, JsonObject, Resource, Tool};
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

#[tokio::test]
async fn the_recorder_answers() {
    let accepted = Answer::Elicited(ElicitResult::new(ElicitationAction::Accept));
    let recorder = Recorder::answering(accepted).and("where", Answer::Roots(Vec::new()));
    let answer = recorder.elicit("sure", "Are you sure?", json!({"type": "object"})).await.expect("an answer");
    assert_eq!(answer.action, ElicitationAction::Accept);
    assert_eq!(recorder.roots("where").await.expect("an answer"), []);
    assert!(recorder.roots("sure").await.is_err(), "an answer of another kind");
    recorder.remember("began", json!(1));
    assert_eq!((recorder.recall("began"), recorder.recall("ended")), (Some(json!(1)), None));
    assert!(matches!(&recorder.said()[0], Said::Asked { key, .. } if key == "sure"));
    assert!(Recorder::default().sample("poem", "A poem, please.", 1).await.is_err());
}

#[test]
fn a_deadline_waits_with_its_call() {
    let clock = Arc::new(ManualClock::default());
    let mut cx = context();
    cx.clock = clock.clone();
    let second = Duration::from_secs(1);
    let bounded = cx.until(clock.instant() + 10 * second);
    clock.advance(second);
    let wait = bounded.waiting.begin(&cx.clock);
    let other = cx.waiting.begin(&cx.clock);
    clock.advance(60 * second);
    assert_eq!(bounded.time_left(), Some(9 * second));
    drop(wait);
    clock.advance(second);
    assert_eq!(bounded.time_left(), Some(9 * second), "one question is still open");
    drop(other);
    assert!(!cx.waiting.is_open());
    clock.advance(second);
    assert_eq!(bounded.time_left(), Some(8 * second));
    let inner = bounded.until(clock.instant() + 3 * second);
    assert_eq!((inner.time_left(), bounded.nested().time_left()), (Some(3 * second), Some(8 * second)));
    assert_eq!(cx.waiting.spent(clock.instant()), 61 * second);
}
