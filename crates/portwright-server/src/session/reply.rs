//! Answers as they go over the wire: written once, straight into the bytes that are sent.

use portwright_core::Reply;
use portwright_core::limits;
use portwright_core::protocol::{CacheScope, MetaObject, ResultType};
use serde::Serialize;
use serde_json::Value;

use super::envelope::Id;
use super::errors::WireError;

/// What a request came to.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// A result, written already.
    Result(Vec<u8>),
    Reply(Box<Reply>),
    Error(WireError),
}

impl From<Result<Vec<u8>, WireError>> for Outcome {
    fn from(result: Result<Vec<u8>, WireError>) -> Self {
        result.map_or_else(Self::Error, Self::Result)
    }
}

/// A whole message with its HTTP status.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) bytes: Vec<u8>,
    pub(crate) status: u16,
}

/// What a result of the stateless era carries beside its content.
#[derive(Debug, Clone)]
pub(crate) struct ServerInfo(pub(crate) Value);

impl ServerInfo {
    pub(crate) const KEY: &'static str = "io.modelcontextprotocol/serverInfo";

    /// `_meta` with the server's name in it.
    pub(crate) fn meta(&self) -> MetaObject {
        let mut meta = MetaObject::new();
        self.add_to(&mut meta);
        meta
    }

    fn add_to(&self, meta: &mut MetaObject) {
        meta.0.insert(Self::KEY.to_owned(), self.0.clone());
    }
}

/// Writes the answer to a request. `modern` carries what results of the stateless era need.
pub(crate) fn answer(id: Option<&Id>, outcome: Outcome, modern: Option<&ServerInfo>) -> Answer {
    let mut bytes = Vec::with_capacity(256);
    bytes.extend_from_slice(br#"{"jsonrpc":"2.0","id":"#);
    bytes.extend_from_slice(id.map_or("null", Id::as_json).as_bytes());
    let status = match outcome {
        Outcome::Result(result) => {
            bytes.extend_from_slice(br#","result":"#);
            bytes.extend_from_slice(&result);
            200
        }
        Outcome::Reply(mut reply) => {
            dress(&mut reply, modern);
            let start = bytes.len();
            bytes.extend_from_slice(br#","result":"#);
            match write_reply(&mut bytes, &reply) {
                Ok(()) => 200,
                Err(error) => {
                    bytes.truncate(start);
                    tracing::error!(%error, "reply can't be written");
                    write_error(&mut bytes, &WireError::internal("the reply can't be written"))
                }
            }
        }
        Outcome::Error(error) => write_error(&mut bytes, &error),
    };
    bytes.push(b'}');
    Answer { bytes, status }
}

fn write_error(bytes: &mut Vec<u8>, error: &WireError) -> u16 {
    bytes.extend_from_slice(br#","error":"#);
    bytes.extend_from_slice(&json(error));
    error.http_status()
}

fn write_reply(bytes: &mut Vec<u8>, reply: &Reply) -> serde_json::Result<()> {
    match reply {
        Reply::Tool(result) => serde_json::to_writer(bytes, result),
        Reply::Resource(result) => serde_json::to_writer(bytes, result),
        Reply::Prompt(result) => serde_json::to_writer(bytes, result),
        Reply::Completion(result) => serde_json::to_writer(bytes, result),
        _ => Ok(bytes.extend_from_slice(b"{}")),
    }
}

/// Adds what the client's revision wants, takes away what it does not know.
fn dress(reply: &mut Reply, modern: Option<&ServerInfo>) {
    let kind = modern.map(|_| ResultType::COMPLETE);
    let meta = match reply {
        Reply::Tool(result) => {
            result.result_type = kind;
            &mut result.meta
        }
        Reply::Resource(result) => {
            result.result_type = kind;
            if modern.is_some() {
                result.ttl_ms.get_or_insert(0);
                result.cache_scope.get_or_insert(CacheScope::Private);
            } else {
                (result.ttl_ms, result.cache_scope) = (None, None);
            }
            &mut result.meta
        }
        Reply::Prompt(result) => {
            result.result_type = kind;
            &mut result.meta
        }
        Reply::Completion(result) => {
            result.result_type = kind;
            &mut result.meta
        }
        _ => return,
    };
    if let Some(info) = modern {
        info.add_to(meta.get_or_insert_with(MetaObject::new));
    }
}

/// A notification.
pub(crate) fn notification(method: &str, params: &impl Serialize) -> Vec<u8> {
    #[derive(Serialize)]
    struct Notification<'a, P> {
        jsonrpc: &'static str,
        method: &'a str,
        params: &'a P,
    }
    json(&Notification { jsonrpc: "2.0", method, params })
}

/// JSON of our own types, which can always be written.
pub(crate) fn json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).unwrap_or_else(|error| {
        tracing::error!(%error, "message can't be written");
        b"null".to_vec()
    })
}

/// How long a list may be taken for fresh, in the protocol's unit.
pub(crate) fn list_ttl_ms() -> u64 {
    u64::try_from(limits::LIST_FRESH.as_millis()).unwrap_or(0)
}
