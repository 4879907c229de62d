//! The stateless era: a question ends the call. The client makes the same call again, with its answer and with what we
//! gave it to carry (specification 2026-07-28, "Multi Round-Trip Requests").
//!
//! What it carries is sealed for this caller and this call, and lasts a few minutes. It holds the answers of earlier
//! rounds, what the source remembers, and which questions were asked last: an answer counts for the question that it
//! was given to, word for word. Answers that come without it are taken as given beforehand. It counts for one call: who
//! carries it again after that call has reached its source is refused, see [`spent`](super::spent).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use portwright_core::protocol::{JsonObject, ProtocolVersion};
use portwright_core::{Answer, InputRequired, Principal, Question, Refusal, RefusalKind, limits};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::sync::OnceCell;

use super::spent::Spent;
use super::{Abilities, Seal, answers};
use crate::ops::random;
use crate::session::Speaker;
use crate::session::errors::WireError;
use crate::session::params::{self, Params};
use crate::session::reply::{self, ServerInfo};

/// What a client carries from one round to the next.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Carried {
    /// When it is worth nothing any more, in milliseconds since 1970.
    until: u64,
    /// What tells it from all others.
    word: String,
    /// How often it was carried.
    round: u32,
    /// The questions that ended the last round: key → digest.
    asked: BTreeMap<String, String>,
    /// What was answered so far: key → digest of the question, answer.
    said: BTreeMap<String, (String, Box<RawValue>)>,
    /// What the source remembers.
    kept: JsonObject,
}

/// One round of a call.
#[derive(Debug)]
pub(crate) struct Round {
    abilities: Abilities,
    seal: Arc<Seal>,
    about: About,
    wait: Duration,
    /// What this request answers.
    given: BTreeMap<String, Box<RawValue>>,
    /// Whether it carried something.
    carries: bool,
    carried: Mutex<Carried>,
    spent: Arc<Spent>,
    /// Whether what it carried is used up.
    used: OnceCell<()>,
}

/// Whose call it is, and which.
#[derive(Debug)]
struct About {
    principal: Arc<Principal>,
    method: String,
    name: String,
    arguments: Option<Box<RawValue>>,
}

impl About {
    /// The same for the same call of the same caller, however its JSON is written.
    fn digest(&self) -> Option<[u8; 32]> {
        let arguments = self.arguments.as_ref().map_or(Ok(json!({})), |raw| serde_json::from_str(raw.get())).ok()?;
        let Principal { id, auth, .. } = &*self.principal;
        digest(&json!([auth.as_str(), id, self.method, self.name, arguments]))
    }
}

fn digest(value: &Value) -> Option<[u8; 32]> {
    let canonical = serde_json_canonicalizer::to_vec(value).ok()?;
    Some(Sha256::digest(canonical).into())
}

/// Enough of a question's digest to tell it from others. Nobody gains by forging it: it is sealed.
fn fingerprint(params: &JsonObject, method: &str) -> Option<String> {
    let digest = digest(&json!([method, params]))?;
    Some(format!("{:032x}", u128::from_be_bytes(*digest.first_chunk()?)))
}

impl Round {
    /// Reads what a request brings along. None where its method, or its revision, knows no rounds.
    pub(crate) fn read(
        (seal, spent): (&Arc<Seal>, &Arc<Spent>),
        wait: Duration,
        speaker: &Speaker,
        method: &str,
        from: &Params<'_>,
    ) -> Result<Option<Self>, WireError> {
        let name = match method {
            "tools/call" | "prompts/get" => from.name,
            "resources/read" => from.uri,
            _ => return Ok(None),
        };
        if !speaker.modern() {
            return Ok(None);
        }
        let state = from.request_state.map(|raw| params::text("requestState", Some(raw))).transpose()?;
        let given: Option<BTreeMap<String, Box<RawValue>>> = params::optional("inputResponses", from.input_responses)?;
        let carries = state.is_some();
        if !carries && !speaker.abilities.any() {
            // A client that answers nothing is never asked.
            return Ok(None);
        }
        let about = About {
            principal: speaker.principal.clone(),
            method: method.to_owned(),
            name: params::text("name", name).map(std::borrow::Cow::into_owned).unwrap_or_default(),
            arguments: from.arguments.map(ToOwned::to_owned),
        };
        let carried = match state {
            Some(state) => Mutex::new(open(seal, &about, &state)?),
            None => Mutex::default(),
        };
        let (abilities, seal, spent) = (speaker.abilities, seal.clone(), spent.clone());
        let (given, used) = (given.unwrap_or_default(), OnceCell::new());
        Ok(Some(Self { abilities, seal, about, wait, given, carries, carried, spent, used }))
    }

    pub(super) fn abilities(&self) -> Abilities {
        self.abilities
    }

    fn carried(&self) -> MutexGuard<'_, Carried> {
        self.carried.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The call reaches its source: what it carried counts, and never again.
    pub(super) async fn use_up(&self) -> Result<(), Refusal> {
        if !self.carries {
            return Ok(());
        }
        let spend = async {
            let (word, until) = {
                let carried = self.carried();
                (carried.word.clone(), carried.until)
            };
            let left = Duration::from_millis(until.saturating_sub(millis(SystemTime::now())));
            let owner = format!("{} {}", self.about.principal.auth.as_str(), self.about.principal.id);
            self.spent.spend(&owner, &word, left.max(Duration::from_secs(1))).await
        };
        // What runs within the call reaches its sources as part of it.
        self.used.get_or_try_init(|| spend).await.copied()
    }

    pub(super) fn ask(&self, questions: &[(String, Question)]) -> Result<Vec<Answer>, Refusal> {
        let mut carried = self.carried();
        let (mut answers, mut requests, mut asked) = (Vec::new(), JsonObject::new(), BTreeMap::new());
        for (key, question) in questions {
            let method = question.kind().method();
            let params = answers::params(question, &ProtocolVersion::V_2026_07_28, None);
            let print = fingerprint(&params, method)
                .ok_or_else(|| Refusal::internal("a question that can't be written as canonical JSON"))?;
            if let Some((answer, raw)) = self.answer(&carried, key, &print, question)? {
                carried.said.insert(key.clone(), (print, raw));
                answers.push(answer);
            } else {
                requests.insert(key.clone(), json!({"method": method, "params": params}));
                asked.insert(key.clone(), print);
            }
        }
        if requests.is_empty() {
            return Ok(answers);
        }
        if carried.round >= limits::ASK_ROUNDS_MAX || carried.said.len() + asked.len() > limits::ASKS_OF_CALL_MAX {
            return Err(super::too_many());
        }
        let state = self.close(&carried, asked)?;
        Err(Refusal::input_required(InputRequired { requests, state }))
    }

    /// The answer to a question, if there is one that fits: from an earlier round or from this request.
    fn answer(
        &self,
        carried: &Carried,
        key: &str,
        print: &str,
        question: &Question,
    ) -> Result<Option<(Answer, Box<RawValue>)>, Refusal> {
        let earlier = carried.said.get(key).filter(|said| said.0 == print).map(|said| &said.1);
        let was_asked = !self.carries || carried.asked.get(key).is_some_and(|asked| asked == print);
        let Some(raw) = earlier.or_else(|| self.given.get(key).filter(|_| was_asked)) else { return Ok(None) };
        match answers::read(question, raw) {
            Ok(answer) => Ok(Some((answer, raw.clone()))),
            // What does not fit is asked again.
            Err(refusal) if refusal.kind() == RefusalKind::Failed => Ok(None),
            Err(refusal) => Err(refusal),
        }
    }

    fn close(&self, carried: &Carried, asked: BTreeMap<String, String>) -> Result<String, Refusal> {
        let next = Carried {
            until: millis(SystemTime::now() + self.wait),
            word: random::hex::<16>().map_err(|_| Refusal::internal("the system gives no random numbers"))?,
            round: carried.round + 1,
            asked,
            said: carried.said.clone(),
            kept: carried.kept.clone(),
        };
        let about =
            self.about.digest().ok_or_else(|| Refusal::invalid("the arguments can't be told apart from others"))?;
        let state = self.seal.close(&about, &reply::json(&next));
        if state.len() > limits::ASK_STATE_BYTES_MAX {
            return Err(Refusal::failed("the answers so far are too large for the client to carry"));
        }
        Ok(state)
    }

    pub(super) fn remember(&self, key: &str, value: Value) {
        self.carried().kept.insert(key.to_owned(), value);
    }

    pub(super) fn recall(&self, key: &str) -> Option<Value> {
        self.carried().kept.get(key).cloned()
    }
}

/// What a client carried, if it is ours, whole, for this call, and not too old.
fn open(seal: &Seal, about: &About, state: &str) -> Result<Carried, WireError> {
    let foreign = || {
        let words = "`requestState` is not what this server gave for this call; make the call again without it";
        WireError::invalid_params(words)
    };
    if state.len() > limits::ASK_STATE_BYTES_MAX {
        return Err(foreign());
    }
    let bytes = about.digest().and_then(|about| seal.open(&about, state)).ok_or_else(foreign)?;
    let carried: Carried = serde_json::from_slice(&bytes).map_err(|_| foreign())?;
    if millis(SystemTime::now()) >= carried.until {
        let words = "`requestState` has expired; make the call again without it";
        return Err(WireError::invalid_params(words));
    }
    Ok(carried)
}

fn millis(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// The result that asks: never to be cached, so without a word on how long it is fresh.
pub(crate) fn required(input: &InputRequired, info: &ServerInfo) -> Vec<u8> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Required<'a> {
        result_type: &'static str,
        input_requests: &'a JsonObject,
        request_state: &'a str,
        #[serde(rename = "_meta")]
        meta: Option<&'a RawValue>,
    }
    reply::json(&Required {
        result_type: "input_required",
        input_requests: &input.requests,
        request_state: &input.state,
        meta: serde_json::from_str(info.meta()).ok(),
    })
}
