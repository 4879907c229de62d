//! Answers as they go over the wire: written once, straight into the bytes that are sent.

use portwright_core::protocol::{CacheScope, Implementation, MetaObject};
use portwright_core::{Reply, limits};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::value::RawValue;

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

/// Who answers: in the result of `initialize`, and in every result of the stateless era. Written once.
#[derive(Debug)]
pub(crate) struct ServerInfo {
    own: Box<RawValue>,
    meta: String,
}

impl ServerInfo {
    const KEY: &'static str = "io.modelcontextprotocol/serverInfo";

    pub(crate) fn new(server: &Implementation) -> serde_json::Result<Self> {
        let own = serde_json::value::to_raw_value(server)?;
        let meta = format!(r#"{{"{}":{own}}}"#, Self::KEY);
        Ok(Self { own, meta })
    }

    /// The server's name and version.
    pub(crate) fn own(&self) -> &RawValue {
        &self.own
    }

    /// `_meta` that holds nothing else, as JSON.
    pub(crate) fn meta(&self) -> &str {
        &self.meta
    }
}

/// Writes the answer to a request; one whose id could not be read has none. `modern` carries what results of the
/// stateless era need.
pub(crate) fn answer(id: Option<&Id>, outcome: Outcome, modern: Option<&ServerInfo>) -> Answer {
    let room = if let Outcome::Result(result) = &outcome { result.len() + 64 } else { 512 };
    let mut bytes = Vec::with_capacity(room);
    bytes.extend_from_slice(br#"{"jsonrpc":"2.0""#);
    if let Some(id) = id {
        bytes.extend_from_slice(br#","id":"#);
        bytes.extend_from_slice(id.as_json().as_bytes());
    }
    let status = match outcome {
        Outcome::Result(result) => {
            bytes.extend_from_slice(br#","result":"#);
            bytes.extend_from_slice(&result);
            200
        }
        Outcome::Reply(reply) => {
            let start = bytes.len();
            bytes.extend_from_slice(br#","result":"#);
            match write_reply(&mut bytes, &reply, modern) {
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

/// A reply on its own, without what belongs to the message around it.
pub(crate) fn result(reply: &Reply) -> serde_json::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(512);
    write_reply(&mut bytes, reply, None)?;
    Ok(bytes)
}

/// A reply as its client's revision wants it: what only the stateless era knows is there for it alone.
fn write_reply(bytes: &mut Vec<u8>, reply: &Reply, modern: Option<&ServerInfo>) -> serde_json::Result<()> {
    let mut serializer = serde_json::Serializer::new(bytes);
    let mut map = serializer.serialize_map(None)?;
    if modern.is_some() {
        map.serialize_entry("resultType", "complete")?;
    }
    let said = match reply {
        Reply::Tool(result) => {
            map.serialize_entry("content", &result.content)?;
            if let Some(value) = &result.structured_content {
                map.serialize_entry("structuredContent", value)?;
            }
            if let Some(is_error) = result.is_error {
                map.serialize_entry("isError", &is_error)?;
            }
            &result.meta
        }
        Reply::Resource(result) => {
            map.serialize_entry("contents", &result.contents)?;
            if modern.is_some() {
                map.serialize_entry("ttlMs", &result.ttl_ms.unwrap_or(0))?;
                map.serialize_entry("cacheScope", &result.cache_scope.unwrap_or(CacheScope::Private))?;
            }
            &result.meta
        }
        Reply::Prompt(result) => {
            if let Some(description) = &result.description {
                map.serialize_entry("description", description)?;
            }
            map.serialize_entry("messages", &result.messages)?;
            &result.meta
        }
        Reply::Completion(result) => {
            map.serialize_entry("completion", &result.completion)?;
            &result.meta
        }
        _ => &None,
    };
    if said.is_some() || modern.is_some() {
        map.serialize_entry("_meta", &Meta { said: said.as_ref(), server: modern })?;
    }
    map.end()
}

/// `_meta` of a reply: what its source said, and in the stateless era who answers.
struct Meta<'a> {
    said: Option<&'a MetaObject>,
    server: Option<&'a ServerInfo>,
}

impl Serialize for Meta<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (key, value) in self.said.into_iter().flat_map(|said| &said.0).filter(|(key, _)| *key != ServerInfo::KEY) {
            map.serialize_entry(key, value)?;
        }
        if let Some(server) = self.server {
            map.serialize_entry(ServerInfo::KEY, &server.own)?;
        }
        map.end()
    }
}

/// A request of ours.
pub(crate) fn request(id: u64, method: &str, params: &impl Serialize) -> Vec<u8> {
    #[derive(serde::Serialize)]
    struct Request<'a, P> {
        jsonrpc: &'static str,
        id: u64,
        method: &'a str,
        params: &'a P,
    }
    json(&Request { jsonrpc: "2.0", id, method, params })
}

/// A notification.
pub(crate) fn notification(method: &str, params: &impl Serialize) -> Vec<u8> {
    #[derive(serde::Serialize)]
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
