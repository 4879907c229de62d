//! The envelope of a JSON-RPC 2.0 message, borrowed from the bytes that came: parameters stay as they are until the
//! method that wants them reads them.

use std::borrow::Cow;
use std::fmt;

use portwright_core::limits;
use serde::de::{Deserialize, Deserializer};
use serde_json::error::Category;
use serde_json::value::RawValue;

use super::errors::WireError;

/// A request's id, as written: a string or an integer.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Id(Box<str>);

impl Id {
    /// Reads an id; null, fractions and long strings are refused.
    fn read(raw: &RawValue) -> Option<Self> {
        let text = raw.get();
        let integer = text.strip_prefix('-').unwrap_or(text);
        let fits = match text.as_bytes().first()? {
            b'"' => text.len() <= limits::REQUEST_ID_BYTES_MAX + 2,
            _ => integer.len() <= 20 && integer.bytes().all(|byte| byte.is_ascii_digit()),
        };
        fits.then(|| Self(text.into()))
    }

    /// From text that is a JSON string or integer, as cancellations name it.
    pub(crate) fn parse(raw: &RawValue) -> Option<Self> {
        Self::read(raw)
    }

    pub(crate) fn as_json(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One message from a client.
#[derive(Debug)]
pub(crate) enum Message<'a> {
    Request(Request<'a>),
    Notification {
        method: Cow<'a, str>,
        params: Option<&'a RawValue>,
    },
    /// An answer to a request of ours.
    Response,
}

/// A request.
#[derive(Debug)]
pub(crate) struct Request<'a> {
    pub(crate) id: Id,
    pub(crate) method: Cow<'a, str>,
    pub(crate) params: Option<&'a RawValue>,
}

#[derive(serde::Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, default)]
    jsonrpc: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "present")]
    id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    method: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    params: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    result: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    error: Option<&'a RawValue>,
}

/// Tells `null` from absent.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

/// Whether the bytes are a batch.
pub(crate) fn is_batch(bytes: &[u8]) -> bool {
    bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[')
}

/// The messages of a batch, unread.
pub(crate) fn split_batch(bytes: &[u8]) -> Result<Vec<&RawValue>, WireError> {
    let messages: Vec<&RawValue> = serde_json::from_slice(bytes).map_err(|error| unreadable(&error))?;
    if messages.is_empty() || messages.len() > limits::BATCH_MESSAGES_MAX {
        let text = format!("a batch holds 1 to {} messages", limits::BATCH_MESSAGES_MAX);
        return Err(WireError::invalid_request(text));
    }
    Ok(messages)
}

/// Reads one message. The error tells the id where it could be read.
pub(crate) fn read(bytes: &[u8]) -> Result<Message<'_>, (Option<Id>, WireError)> {
    if is_batch(bytes) {
        let text = "batches are not part of this protocol revision; send one message at a time";
        return Err((None, WireError::invalid_request(text)));
    }
    let envelope: Envelope<'_> = serde_json::from_slice(bytes).map_err(|error| (None, unreadable(&error)))?;
    let id = envelope.id.and_then(Id::read);
    let refuse = |text: &str| Err((id.clone(), WireError::invalid_request(text)));
    if envelope.jsonrpc.as_deref() != Some("2.0") {
        return refuse("`jsonrpc` must be \"2.0\"");
    }
    if envelope.id.is_some() && id.is_none() {
        return refuse("`id` must be a string or an integer");
    }
    if envelope.params.is_some_and(|params| !params.get().starts_with(['{', '['])) {
        return refuse("`params` must be an object");
    }
    match (envelope.method, &id) {
        (Some(method), _) if method.len() > limits::NAME_BYTES_MAX => refuse("`method` is too long"),
        (Some(_), _) if envelope.result.is_some() || envelope.error.is_some() => {
            refuse("a message is a request or a response, not both")
        }
        (Some(method), Some(id)) => Ok(Message::Request(Request { id: id.clone(), method, params: envelope.params })),
        (Some(method), None) => Ok(Message::Notification { method, params: envelope.params }),
        (None, _) if envelope.result.is_some() != envelope.error.is_some() => Ok(Message::Response),
        (None, _) => refuse("`method` is missing"),
    }
}

fn unreadable(error: &serde_json::Error) -> WireError {
    match error.classify() {
        Category::Data => WireError::invalid_request(format!("not a JSON-RPC message: {error}")),
        _ => WireError::parse(format!("not valid JSON: {error}")),
    }
}
