//! `_meta` of a request: what it says of the client and of itself.

use portwright_core::LogLevel;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::errors::WireError;

/// The keys that the server reads; others are none of its business.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Meta<'a> {
    #[serde(borrow, default, rename = "progressToken")]
    pub(crate) progress_token: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "io.modelcontextprotocol/protocolVersion")]
    pub(crate) protocol_version: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "io.modelcontextprotocol/clientCapabilities")]
    pub(crate) client_capabilities: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "io.modelcontextprotocol/clientInfo")]
    pub(crate) client_info: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "io.modelcontextprotocol/logLevel")]
    log_level: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Params<'a> {
    #[serde(borrow, default, rename = "_meta")]
    meta: Option<&'a RawValue>,
}

impl<'a> Meta<'a> {
    /// Reads `_meta`; a request without one has an empty one.
    pub(crate) fn read(params: Option<&'a RawValue>) -> Result<Self, WireError> {
        let Some(params) = params else { return Ok(Self::default()) };
        if params.get().starts_with('[') {
            return Err(WireError::invalid_params("`params` must be an object"));
        }
        let wrong = |error: serde_json::Error| WireError::invalid_params(format!("`_meta` can't be read: {error}"));
        let Params { meta } = serde_json::from_str(params.get()).map_err(wrong)?;
        meta.map_or_else(|| Ok(Self::default()), |meta| serde_json::from_str(meta.get()).map_err(wrong))
    }

    /// Whether the request says that it is one of the stateless era.
    pub(crate) fn is_modern(&self) -> bool {
        self.protocol_version.is_some() || self.client_capabilities.is_some()
    }

    pub(crate) fn log_level(&self) -> Result<Option<LogLevel>, WireError> {
        let read = |raw: &RawValue| serde_json::from_str(raw.get());
        let wrong = |_| WireError::invalid_params("`io.modelcontextprotocol/logLevel` is not a log level");
        self.log_level.map(read).transpose().map_err(wrong)
    }

    /// The progress token, if it is a string or an integer.
    pub(crate) fn progress_token(&self) -> Option<Box<str>> {
        super::envelope::Id::parse(self.progress_token?).map(|token| token.as_json().into())
    }
}
