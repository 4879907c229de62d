//! A request's parameters: one pass over the bytes finds where each of them stands; only the method that wants one
//! reads it.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use portwright_core::protocol::JsonObject;
use portwright_core::{LogLevel, TraceContext};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

use super::envelope::Id;
use super::errors::WireError;
use crate::unique::Unique;

/// The parameters that any method has. Others are none of the server's business.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Params<'a> {
    #[serde(borrow, default, rename = "_meta", deserialize_with = "object")]
    pub(crate) meta: Meta<'a>,
    #[serde(borrow)]
    pub(crate) name: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) uri: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) arguments: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) cursor: Option<&'a RawValue>,
    #[serde(borrow, rename = "ref")]
    pub(crate) reference: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) argument: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) context: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) level: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) notifications: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) task_id: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) input_responses: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) request_state: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) request_id: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) protocol_version: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) capabilities: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) client_info: Option<&'a RawValue>,
}

impl Params<'_> {
    /// The request that a cancellation names.
    pub(crate) fn cancelled(&self) -> Option<Id> {
        Id::read(self.request_id?)
    }
}

/// `_meta`: what a request says of its client and of itself.
#[derive(Debug, Default, serde::Deserialize)]
pub(crate) struct Meta<'a> {
    #[serde(borrow, rename = "progressToken")]
    progress_token: Option<&'a RawValue>,
    #[serde(borrow, rename = "io.modelcontextprotocol/protocolVersion")]
    pub(crate) protocol_version: Option<&'a RawValue>,
    #[serde(borrow, rename = "io.modelcontextprotocol/clientCapabilities")]
    pub(crate) client_capabilities: Option<&'a RawValue>,
    #[serde(borrow, rename = "io.modelcontextprotocol/clientInfo")]
    pub(crate) client_info: Option<&'a RawValue>,
    #[serde(borrow, rename = "io.modelcontextprotocol/logLevel")]
    log_level: Option<&'a RawValue>,
    #[serde(borrow)]
    traceparent: Option<&'a RawValue>,
    #[serde(borrow)]
    tracestate: Option<&'a RawValue>,
}

impl Meta<'_> {
    /// Where the request says that it stands in a trace; one that says so in no readable way says nothing.
    pub(crate) fn trace(&self) -> Option<TraceContext> {
        let parent = text("traceparent", Some(self.traceparent?)).ok()?;
        let state = self.tracestate.and_then(|state| text("tracestate", Some(state)).ok());
        TraceContext::read(&parent, state.as_deref())
    }

    /// Whether the request says that it is one of the stateless era.
    pub(crate) fn is_modern(&self) -> bool {
        self.protocol_version.is_some() || self.client_capabilities.is_some()
    }

    pub(crate) fn log_level(&self) -> Result<Option<LogLevel>, WireError> {
        self.log_level.map(|raw| read("_meta.io.modelcontextprotocol/logLevel", Some(raw))).transpose()
    }

    /// The progress token as written, if it is a string or an integer.
    pub(crate) fn progress_token(&self) -> Option<Id> {
        Id::read(self.progress_token?)
    }
}

/// Reads a parameter that must be there.
pub(crate) fn read<'a, T: Deserialize<'a>>(name: &str, raw: Option<&'a RawValue>) -> Result<T, WireError> {
    let raw = raw.ok_or_else(|| WireError::invalid_params(format!("`{name}` is missing")))?;
    serde_json::from_str(raw.get()).map_err(|error| {
        let words = error.to_string();
        // Where it stands within the value is no help beside the value's name.
        let words = words.split(" at line ").next().unwrap_or_default();
        WireError::invalid_params(format!("`{name}` does not fit: {words}"))
    })
}

/// Reads a parameter that may be left out.
pub(crate) fn optional<'a, T: Deserialize<'a>>(name: &str, raw: Option<&'a RawValue>) -> Result<Option<T>, WireError> {
    raw.map(|raw| read(name, Some(raw))).transpose()
}

/// The arguments of a call, none if they are left out. A name that stands twice is refused, at any depth: readers differ
/// on which of the two counts, so what one of them judged is not what another would use.
pub(crate) fn arguments(raw: Option<&RawValue>) -> Result<JsonObject, WireError> {
    match optional::<Unique>("arguments", raw)? {
        None | Some(Unique(Value::Null)) => Ok(JsonObject::new()),
        Some(Unique(Value::Object(map))) => Ok(map),
        Some(_) => Err(WireError::invalid_params("`arguments` does not fit: it must be an object")),
    }
}

/// Text, borrowed unless it holds escapes.
pub(crate) fn text<'a>(name: &str, raw: Option<&'a RawValue>) -> Result<Cow<'a, str>, WireError> {
    #[derive(serde::Deserialize)]
    struct Text<'a>(#[serde(borrow)] Cow<'a, str>);
    read::<Text<'a>>(name, raw).map(|text| text.0)
}

/// Reads a struct from an object or `null`, and from nothing else: serde's own structs take arrays as well.
pub(super) fn object<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: Deserialize<'de> + Default,
    D: Deserializer<'de>,
{
    struct Object<T>(PhantomData<T>);
    impl<'de, T: Deserialize<'de> + Default> Visitor<'de> for Object<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
            T::deserialize(MapAccessDeserializer::new(map))
        }

        fn visit_unit<E>(self) -> Result<T, E> {
            Ok(T::default())
        }
    }
    deserializer.deserialize_any(Object(PhantomData))
}
