//! Promises about what a source does.

use std::time::Duration;

use tokio::task::JoinSet;

use super::lists::Lists;
use super::{Broken, Contract, bounded};
use crate::limits;
use crate::protocol::{ArgumentInfo, CompletionInfo, JsonObject, Reference, ResourceContents};
use crate::refusal::{Refusal, RefusalKind};
use crate::source::Health;

/// A name that no source has.
const NOBODY: &str = "portwright_contract_no_such_name";
const NOBODY_URI: &str = "portwright-contract://no/such/resource";
const RESOURCES_READ: usize = 20;
const CONCURRENT: usize = 8;
/// How long a slow call gets to be under way before it is cancelled.
const HEAD_START: Duration = Duration::from_millis(100);

pub(super) async fn unknown_names(contract: &Contract, broken: &mut Broken) {
    let source = &contract.source;
    let nothing = JsonObject::new();
    let tool = bounded(async { source.call(NOBODY, &nothing, &(contract.context)()).await.err() }).await;
    let resource = bounded(async { source.read(NOBODY_URI, &(contract.context)()).await.err() }).await;
    let prompt = bounded(async { source.get_prompt(NOBODY, &nothing, &(contract.context)()).await.err() }).await;
    for (what, refusal) in [("tool", tool), ("resource", resource), ("prompt", prompt)] {
        let kind = refusal.map(|refusal| refusal.map(|refusal| refusal.kind()));
        broken.unless(kind == Some(Some(RefusalKind::NotFound)), "unknown names are not found", || match kind {
            None => format!("asked for an unknown {what}, it did not answer"),
            Some(None) => format!("it answered for a {what} that does not exist"),
            Some(Some(kind)) => format!("an unknown {what} was refused as {}", kind.as_str()),
        });
    }
}

pub(super) async fn listed_resources(contract: &Contract, lists: &Lists, broken: &mut Broken) {
    const PROMISE: &str = "listed resources can be read";
    for resource in lists.resources.iter().take(RESOURCES_READ) {
        let uri = &resource.uri;
        match bounded(async { contract.source.read(uri, &(contract.context)()).await }).await {
            None => broken.unless(false, PROMISE, || format!("`{uri}` did not come")),
            Some(Err(refusal)) => broken.unless(false, PROMISE, || format!("`{uri}` was refused: {}", told(&refusal))),
            Some(Ok(result)) => {
                let own = result.contents.iter().any(|content| match content {
                    ResourceContents::TextResourceContents { uri: own, .. }
                    | ResourceContents::BlobResourceContents { uri: own, .. } => own == uri,
                    _ => false,
                });
                broken.unless(own, PROMISE, || format!("`{uri}` came without contents of that URI"));
            }
        }
    }
}

pub(super) async fn completions(contract: &Contract, lists: &Lists, broken: &mut Broken) {
    for prompt in &lists.prompts {
        for argument in prompt.arguments.iter().flatten() {
            let reference = Reference::for_prompt(prompt.name.clone());
            let typed = ArgumentInfo::new(argument.name.clone(), "");
            let asked = async { contract.source.complete(&reference, &typed, None, &(contract.context)()).await };
            let kept = match bounded(asked).await {
                Some(Ok(result)) => result.completion.values.len() <= CompletionInfo::MAX_VALUES,
                Some(Err(refusal)) => refusal.kind() != RefusalKind::Internal,
                None => false,
            };
            broken.unless(kept, "completions come, at most 100", || {
                format!("`{}` of `{}` did not", argument.name, prompt.name)
            });
        }
    }
}

pub(super) async fn working_calls(contract: &Contract, lists: &Lists, broken: &mut Broken) {
    for (tool, arguments) in &contract.works {
        let mut calls = JoinSet::new();
        for _ in 0..CONCURRENT {
            let (source, cx) = (contract.source.clone(), (contract.context)());
            let (tool, arguments) = (tool.clone(), arguments.clone());
            calls.spawn(bounded(async move { source.call(&tool, &arguments, &cx).await }));
        }
        while let Some(ended) = calls.join_next().await {
            let seen = match ended {
                Err(_) => "it panicked".to_owned(),
                Ok(None) => "it did not end".to_owned(),
                Ok(Some(Err(refusal))) => told(&refusal),
                Ok(Some(Ok(result))) if result.is_error == Some(true) => "it answered isError".to_owned(),
                Ok(Some(Ok(result))) => {
                    let listed = lists.tools.iter().find(|listed| listed.name == *tool);
                    let promised = listed.is_some_and(|listed| listed.output_schema.is_some());
                    broken.unless(
                        !promised || result.structured_content.is_some(),
                        "an output schema promises structured content",
                        || format!("`{tool}` answered without"),
                    );
                    continue;
                }
            };
            broken.unless(false, "calls work, also side by side", || format!("`{tool}`: {seen}"));
        }
    }
}

pub(super) async fn cancellation(contract: &Contract, broken: &mut Broken) {
    const PROMISE: &str = "a cancelled call stops";
    let Some((tool, arguments)) = &contract.slow else { return };
    let cx = (contract.context)();
    let cancel = cx.cancel.clone();
    let (source, name, arguments) = (contract.source.clone(), tool.clone(), arguments.clone());
    let mut call = tokio::spawn(async move { source.call(&name, &arguments, &cx).await });
    if tokio::time::timeout(HEAD_START, &mut call).await.is_ok() {
        broken.unless(false, PROMISE, || format!("`{tool}` was to be slow and ended before it could be cancelled"));
        return;
    }
    cancel.cancel();
    match tokio::time::timeout(limits::STOP_WAIT, &mut call).await {
        Ok(Ok(Err(refusal))) => broken.unless(refusal.kind() == RefusalKind::Cancelled, PROMISE, || {
            format!("`{tool}` was refused as {} instead of cancelled", refusal.kind().as_str())
        }),
        Ok(Ok(Ok(_))) => broken.unless(false, PROMISE, || format!("`{tool}` answered all the same")),
        Ok(Err(_)) => broken.unless(false, PROMISE, || format!("`{tool}` panicked")),
        Err(_) => {
            call.abort();
            broken.unless(false, PROMISE, || format!("`{tool}` went on for {} s", limits::STOP_WAIT.as_secs()));
        }
    }
}

pub(super) async fn health(contract: &Contract, broken: &mut Broken) {
    // A little more than the bound itself, so that a source which keeps it exactly passes.
    let wait = limits::HEALTH_WAIT + limits::HEALTH_WAIT / 2;
    match tokio::time::timeout(wait, contract.source.health()).await {
        Ok(Health::Degraded(words)) => {
            broken.unless(!words.trim().is_empty(), "a degraded source says why", || "it does not".to_owned());
        }
        Ok(Health::Ready) => {}
        Err(_) => broken.unless(false, "health answers in time", || format!("not within {} s", wait.as_secs())),
    }
}

fn told(refusal: &Refusal) -> String {
    format!("{} ({})", refusal.public(), refusal.kind().as_str())
}
