//! The envelope of a JSON-RPC 2.0 message, borrowed from the bytes that came: parameters stay as they are until the
//! method that wants them reads them.
//!
//! Nesting is no danger here: what is only passed over is passed over without recursion, and what is read is read to
//! [`limits::MESSAGE_DEPTH_MAX`].

use std::borrow::Cow;
use std::fmt;

use portwright_core::limits;
use serde::de::{Deserialize, Deserializer};
use serde_json::error::Category;
use serde_json::value::RawValue;

use super::errors::WireError;
use super::params::{self, Params};

/// A request's id, as written: a string or an integer.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Id(Box<str>);

impl Id {
    /// Reads an id; null, fractions and long strings are none.
    pub(crate) fn read(raw: &RawValue) -> Option<Self> {
        let text = raw.get();
        let integer = text.strip_prefix('-').unwrap_or(text);
        let fits = match text.as_bytes().first()? {
            b'"' => text.len() <= limits::REQUEST_ID_BYTES_MAX + 2,
            _ => integer.len() <= 20 && integer.bytes().all(|byte| byte.is_ascii_digit()),
        };
        fits.then(|| Self(text.into()))
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
        params: Params<'a>,
    },
    /// An answer to a request of ours.
    Response(Response<'a>),
}

/// An answer to a request of ours: a result or an error.
#[derive(Debug)]
pub(crate) struct Response<'a> {
    pub(crate) id: Option<Id>,
    pub(crate) result: Option<&'a RawValue>,
    pub(crate) error: Option<&'a RawValue>,
}

/// A request.
#[derive(Debug)]
pub(crate) struct Request<'a> {
    pub(crate) id: Id,
    pub(crate) method: Cow<'a, str>,
    pub(crate) params: Params<'a>,
}

#[derive(serde::Deserialize)]
#[serde(expecting = "an object")]
struct Envelope<'a> {
    #[serde(borrow, default)]
    jsonrpc: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "present")]
    id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    method: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "params::object")]
    params: Params<'a>,
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

/// A message that is none, with what could be read of it.
pub(crate) type Misread<'a> = Box<Wrong<'a>>;

/// See [`Misread`].
#[derive(Debug)]
pub(crate) struct Wrong<'a> {
    pub(crate) id: Option<Id>,
    /// The method of what is a request otherwise.
    pub(crate) method: Option<Cow<'a, str>>,
    pub(crate) error: WireError,
}

impl From<WireError> for Misread<'_> {
    fn from(error: WireError) -> Self {
        Self::new(Wrong { id: None, method: None, error })
    }
}

/// Reads one message.
pub(crate) fn read(bytes: &[u8]) -> Result<Message<'_>, Misread<'_>> {
    if is_batch(bytes) {
        let text = "batches are not part of this protocol revision; send one message at a time";
        return Err(WireError::invalid_request(text).into());
    }
    let text = std::str::from_utf8(bytes).map_err(|error| WireError::parse(format!("not UTF-8: {error}")))?;
    let envelope: Envelope<'_> = serde_json::from_str(text).map_err(|error| diagnose(text, &error))?;
    let id = envelope.id.and_then(Id::read);
    let refuse = |id, method, text: &str| Err(Box::new(Wrong { id, method, error: WireError::invalid_request(text) }));
    if envelope.jsonrpc.as_deref() != Some("2.0") {
        return refuse(id, envelope.method, "`jsonrpc` must be \"2.0\"");
    }
    if envelope.id.is_some() && id.is_none() {
        return refuse(None, envelope.method, "`id` must be a string or an integer");
    }
    match (envelope.method, id) {
        (Some(method), id) if method.len() > limits::NAME_BYTES_MAX => refuse(id, None, "`method` is too long"),
        (method @ Some(_), id) if envelope.result.is_some() || envelope.error.is_some() => {
            refuse(id, method, "a message is a request or a response, not both")
        }
        (Some(method), Some(id)) => Ok(Message::Request(Request { id, method, params: envelope.params })),
        (Some(method), None) => Ok(Message::Notification { method, params: envelope.params }),
        (None, id) if envelope.result.is_some() != envelope.error.is_some() => {
            Ok(Message::Response(Response { id, result: envelope.result, error: envelope.error }))
        }
        (None, id) => refuse(id, None, "`method` is missing"),
    }
}

/// What is wrong with a message that could not be read at once: its JSON, its envelope, or only its parameters.
fn diagnose<'a>(text: &'a str, error: &serde_json::Error) -> Misread<'a> {
    #[derive(serde::Deserialize)]
    #[serde(expecting = "an object")]
    struct Outside<'a> {
        #[serde(borrow, default, deserialize_with = "present")]
        id: Option<&'a RawValue>,
        #[serde(borrow, default)]
        method: Option<Cow<'a, str>>,
        #[serde(borrow, default)]
        params: Option<&'a RawValue>,
    }
    if error.classify() != Category::Data {
        return unreadable(error).into();
    }
    match serde_json::from_str::<Outside<'_>>(text) {
        Ok(Outside { id, method: method @ Some(_), params: Some(raw) }) => {
            let params = params::object::<Params<'_>, _>(&mut serde_json::Deserializer::from_str(raw.get()));
            let error = match params {
                Err(wrong) if raw.get().starts_with('{') => {
                    WireError::invalid_params(format!("`params` do not fit: {wrong}"))
                }
                Err(_) => WireError::invalid_params("`params` must be an object"),
                Ok(_) => unreadable(error),
            };
            Box::new(Wrong { id: id.and_then(Id::read), method, error })
        }
        Ok(Outside { id, method, .. }) => {
            Box::new(Wrong { id: id.and_then(Id::read), method, error: unreadable(error) })
        }
        Err(error) => unreadable(&error).into(),
    }
}

fn unreadable(error: &serde_json::Error) -> WireError {
    match error.classify() {
        Category::Data => WireError::invalid_request(format!("not a JSON-RPC message: {error}")),
        _ => WireError::parse(format!("not valid JSON: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Message, read};

    #[test]
    fn what_is_read_is_borrowed() {
        let bytes =
            br#" {"params":{"name":"say","_meta":null,"more":[[[1]]]},"method":"tools/call","id":-7,"jsonrpc":"2.0"}"#;
        let Ok(Message::Request(request)) = read(bytes) else { panic!("no request") };
        assert_eq!((request.id.as_json(), &*request.method), ("-7", "tools/call"));
        let name = request.params.name.expect("a name").get();
        assert!(bytes.as_ptr_range().contains(&name.as_ptr()), "a copy");
    }

    #[test]
    fn messages_of_each_kind() {
        assert!(matches!(
            read(br#"{"jsonrpc":"2.0","method":"notifications/initialized","params":null}"#),
            Ok(Message::Notification { .. })
        ));
        assert!(matches!(read(br#"{"jsonrpc":"2.0","id":"a","error":{"code":1}}"#), Ok(Message::Response(_))));
        let wrong = read(br#"{"jsonrpc":"2.0","id":"a","method":"x","params":[]}"#).expect_err("an array");
        let (id, method) = (wrong.id.expect("its id"), wrong.method.expect("its method"));
        assert_eq!((id.as_json(), &*method, wrong.error.code), (r#""a""#, "x", -32602));
    }

    proptest! {
        #[test]
        fn no_bytes_break_it(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = read(&bytes);
        }

        #[test]
        fn no_cut_message_is_taken_for_a_whole_one(end in 0usize..91) {
            let whole = r#"{"jsonrpc":"2.0","id":12345,"method":"tools/call","params":{"name":"say","arguments":{}}}  "#;
            prop_assert!(end >= 89 || read(&whole.as_bytes()[..end]).is_err());
        }
    }
}
