//! Who asked: the calls that a mounted server is working on, so that what it says on the way finds its client.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, PoisonError};

use portwright_core::protocol::JsonObject;
use portwright_core::{Answer, Context, Downstream, Question, QuestionKind, Refusal, RefusalKind};
use rmcp::model::{ElicitRequestParams, ElicitResult, ProgressNotificationParam, ProgressToken, RequestId};

/// Rides on a request, beside what goes over a wire.
#[derive(Clone)]
pub(super) struct Asker {
    client: Arc<dyn Downstream>,
    /// A question that ends the call, whatever the mounted server makes of having no answer: the call is made again.
    ends: Arc<Mutex<Option<Refusal>>>,
}

impl Asker {
    pub(super) fn of(cx: &Context) -> Self {
        Self { client: cx.downstream.clone(), ends: Arc::default() }
    }

    /// The question that ends the call, if there is one.
    pub(super) fn ends(&self) -> Option<Refusal> {
        self.ends.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Asks the person. The key is the question itself: the same question has the same answer within a call.
    pub(super) async fn elicit(&self, question: ElicitRequestParams) -> Result<ElicitResult, String> {
        let kind = match &question {
            ElicitRequestParams::UrlElicitationParams { .. } => QuestionKind::Url,
            _ => QuestionKind::Form,
        };
        let params = serde_json::to_value(&question).ok().and_then(|value| value.as_object().cloned());
        let mut params: JsonObject = params.ok_or("the question can't be read")?;
        for own in ["_meta", "mode", "elicitationId"] {
            params.remove(own);
        }
        let mut hasher = DefaultHasher::new();
        serde_json::to_string(&params).unwrap_or_default().hash(&mut hasher);
        let key = format!("question {:016x}", hasher.finish());
        match self.client.ask(vec![(key, Question::verbatim(kind, params))]).await {
            Ok(answers) => match answers.into_iter().next() {
                Some(Answer::Elicited(result)) => Ok(result),
                _ => Err("the question got no answer of its kind".to_owned()),
            },
            Err(refusal) => {
                let public = refusal.public().to_owned();
                if refusal.kind() == RefusalKind::InputRequired {
                    *self.ends.lock().unwrap_or_else(PoisonError::into_inner) = Some(refusal);
                }
                Err(public)
            }
        }
    }
}

/// By the request's id: what its progress is told under, and to whom.
type Calls = HashMap<RequestId, (Option<ProgressToken>, Asker)>;

/// The calls at work.
#[derive(Clone, Default)]
pub(super) struct AtWork(Arc<Mutex<Calls>>);

impl AtWork {
    fn calls(&self) -> std::sync::MutexGuard<'_, Calls> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Until the guard is dropped, what belongs to this request reaches its client.
    pub(super) fn begin(&self, id: RequestId, token: Option<ProgressToken>, asker: Asker) -> Begun {
        self.calls().insert(id.clone(), (token, asker));
        Begun { id, at_work: self.clone() }
    }

    /// The client behind a request.
    pub(super) fn client_of(&self, id: &RequestId) -> Option<Asker> {
        self.calls().get(id).map(|(_, asker)| asker.clone())
    }

    /// Tells the client that waits for it how far its call is.
    pub(super) fn progress(&self, told: &ProgressNotificationParam) {
        let calls = self.calls();
        let waiting = calls.values().find(|(token, _)| token.as_ref() == Some(&told.progress_token));
        let client = waiting.map(|(_, asker)| asker.client.clone());
        drop(calls);
        if let Some(client) = client {
            client.progress(told.progress, told.total, told.message.as_deref());
        }
    }
}

/// A call at work.
pub(super) struct Begun {
    id: RequestId,
    at_work: AtWork,
}

impl Drop for Begun {
    fn drop(&mut self) {
        self.at_work.calls().remove(&self.id);
    }
}
