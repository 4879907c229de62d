//! The extension `io.modelcontextprotocol/tasks` (SEP-2663), in the stateless era: a call of a tool that takes long is
//! answered with a task's id, and its client asks for the result later.
//!
//! A task is a call like any other. It passes the whole chain first, so what is refused is refused at once and never
//! becomes a task; only right before its source is reached it may begin one ([`opening`]), or when it waits for a person's
//! approval in the queue. When it ends it leaves the
//! one outcome record that every call leaves. `tasks/get`, `tasks/update` and `tasks/cancel` reach no source: they are
//! no calls and leave no records; what they bring about shows in the record of the call behind the task.
//!
//! Tasks live in this process and end with it; replicas that share a store ask each other. Nobody but the principal that called learns that a task exists.

mod asking;
mod opening;
mod store;
mod task;

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Weak};

use portwright_core::{Call, Context, Operation, Principal, TASKS_EXTENSION, limits};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::Speaker;
use super::dispatch::{self, Scene};
use super::errors::WireError;
use super::params::{self, Params};
use super::reply::{Outcome, ServerInfo};
use crate::catalog::Catalog;
use crate::engine::Engine;
pub(crate) use store::Tasks;

use opening::{Opening, Verdict};
use task::Task;

/// What a client must declare to be given tasks.
pub(crate) fn capability() -> Value {
    json!({"extensions": {TASKS_EXTENSION: {}}})
}

/// Whether the capabilities of a request declare the extension.
pub(crate) fn declared(capabilities: Option<&RawValue>) -> bool {
    #[derive(serde::Deserialize)]
    struct Declared<'a> {
        #[serde(borrow, default)]
        extensions: HashMap<Cow<'a, str>, &'a RawValue>,
    }
    let declared: Option<Declared<'_>> = capabilities.and_then(|raw| serde_json::from_str(raw.get()).ok());
    let settings = declared.as_ref().and_then(|declared| declared.extensions.get(TASKS_EXTENSION));
    settings.is_some_and(|settings| settings.get().starts_with('{'))
}

/// Refuses clients that did not declare the extension.
pub(crate) fn must_be_declared(declared: bool) -> Result<(), WireError> {
    let text = format!("the client must declare the extension {TASKS_EXTENSION}");
    if declared { Ok(()) } else { Err(WireError::missing_capability(text, &capability())) }
}

/// `tasks/get`, `tasks/update` and `tasks/cancel`.
pub(crate) fn answer(scene: &Scene<'_>, method: &str, params: &Params<'_>) -> Result<Vec<u8>, WireError> {
    must_be_declared(scene.speaker.tasks)?;
    let id = params::text("taskId", params.task_id)?;
    of(scene.engine, &id, &scene.speaker.principal, method, params.input_responses).ok_or_else(unknown)?
}

/// The same, about a task of this process; none if there is no such.
pub(super) fn of(
    engine: &Engine,
    id: &str,
    principal: &Principal,
    method: &str,
    answers: Option<&RawValue>,
) -> Option<Result<Vec<u8>, WireError>> {
    let task = engine.tasks.get(id, principal)?;
    Some(match method {
        "tasks/get" => Ok(task.told(&engine.info)),
        "tasks/update" => params::read::<HashMap<String, Box<RawValue>>>("inputResponses", answers)
            .and_then(|answers| task.answered(&answers))
            .map(|()| acknowledged(&engine.info)),
        _ => {
            task.call_off("called off by its client");
            Ok(acknowledged(&engine.info))
        }
    })
}

/// Whether a request is about a task that this process does not keep.
pub(crate) fn is_elsewhere(engine: &Engine, speaker: &Speaker, method: &str, params: &Params<'_>) -> bool {
    let id = || params::text("taskId", params.task_id).ok();
    matches!(method, "tasks/get" | "tasks/update" | "tasks/cancel")
        && speaker.tasks
        && id().is_some_and(|id| engine.tasks.get(&id, &speaker.principal).is_none())
}

/// A task that a subscription follows. The subscription does not keep it.
#[derive(Debug, Clone)]
pub(crate) struct Followed {
    pub(crate) id: Arc<str>,
    task: Weak<Task>,
}

impl Followed {
    /// What there is to tell of it, while it is kept; nothing as long as it only works, unless `even_working`.
    pub(crate) fn notice(&self, even_working: bool) -> Option<Value> {
        let task = self.task.upgrade()?;
        (even_working || !task.is_working()).then(|| task.notice())
    }
}

/// The tasks that a subscription may follow, of those that its filter names: the caller's own.
pub(crate) fn followed(
    engine: &Engine,
    speaker: &Speaker,
    filter: Option<&RawValue>,
) -> Result<Vec<Followed>, WireError> {
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Filter {
        task_ids: Option<Vec<String>>,
    }
    let Filter { task_ids: Some(ids) } = params::read("notifications", filter)? else { return Ok(Vec::new()) };
    must_be_declared(speaker.tasks)?;
    if ids.len() > limits::TASKS_FOLLOWED_MAX {
        let text = format!("a subscription may follow {} tasks", limits::TASKS_FOLLOWED_MAX);
        return Err(WireError::invalid_params(text));
    }
    let ids: BTreeSet<String> = ids.into_iter().collect();
    let own = ids.iter().filter_map(|id| engine.tasks.get(id, &speaker.principal));
    Ok(own.map(|task| Followed { id: task.id().clone(), task: Arc::downgrade(&task) }).collect())
}

/// One text for tasks that never were, those of others and those that are no longer kept.
fn unknown() -> WireError {
    WireError::invalid_params("there is no such task; it may have expired")
}

fn acknowledged(info: &ServerInfo) -> Vec<u8> {
    format!(r#"{{"resultType":"complete","_meta":{}}}"#, info.meta()).into_bytes()
}

/// Whether a call may become a task.
pub(crate) fn may_become(call: &Call, cx: &Context) -> bool {
    cx.follows_tasks
        && matches!(call.operation, Operation::CallTool { .. })
        && call.target.as_ref().is_some_and(|target| !target.tasks.is_never())
}

/// Runs a call that may become a task, in a task of the runtime's own. Answers with the task if it becomes one, with
/// what the call came to otherwise.
pub(crate) async fn run(engine: &Arc<Engine>, catalog: &Arc<Catalog>, call: Call, cx: &Context) -> Outcome {
    let cancel = engine.stop.child_token();
    let (opening, mut verdict) = Opening::of(engine, &call, cx, cancel.clone());
    let own = cx.handed_over(cancel.clone(), opening.clone());
    let (engine, catalog) = (engine.clone(), catalog.clone());
    engine.calls.clone().spawn(async move {
        let result = dispatch::through(&catalog, &opening.gate(&catalog), &call, &own).await;
        opening.ended(result, &call.operation, &own);
    });
    let verdict = tokio::select! {
        biased;
        verdict = &mut verdict => verdict,
        () = cx.cancel.cancelled() => {
            cancel.cancel();
            verdict.await
        }
    };
    match verdict {
        Ok(Verdict::Begun(told)) => {
            // Whoever went in the same moment does not know the task's id.
            if cx.cancel.is_cancelled() {
                cancel.cancel();
            }
            Outcome::Result(told)
        }
        Ok(Verdict::Ended(outcome)) => outcome,
        Err(_) => Outcome::Error(WireError::internal("the call was lost")),
    }
}

/// A message for people, cut to its bound.
fn short(text: &str) -> String {
    text[..text.floor_char_boundary(limits::TASK_MESSAGE_BYTES_MAX)].to_owned()
}
