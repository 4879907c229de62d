//! [`Fetch`]: how anything here gets at a page of another host.
//!
//! There is one client for outgoing HTTP, and it is the one that judges where a name leads before it connects: an
//! address that a model, a document or a foreign server wrote must not reach what only this machine can reach. Who needs
//! a page takes a `dyn Fetch` and brings no client of their own.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;

use crate::limits;
use crate::secret::Secret;

/// Gets pages of other hosts, within bounds.
#[async_trait]
pub trait Fetch: Send + Sync + fmt::Debug {
    /// Sends the request and reads the whole answer. Redirects are not followed: they come back as they are.
    ///
    /// # Errors
    ///
    /// When there is no answer, or not all of it: see [`FetchError`]. An answer with a status that tells of a failure is
    /// an answer.
    async fn fetch(&self, request: FetchRequest) -> Result<Fetched, FetchError>;
}

/// What a request is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Method {
    /// To read.
    #[default]
    Get,
    /// To add, or to do.
    Post,
    /// To put something in its place.
    Put,
    /// To change a part.
    Patch,
    /// To take away.
    Delete,
}

impl Method {
    /// As it stands in a request.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

/// What is to be fetched.
#[derive(Debug, Clone)]
pub struct FetchRequest {
    /// What it is for.
    pub method: Method,
    /// An absolute URL, `https` or `http`.
    pub url: String,
    /// Name and value. Values may be credentials.
    pub headers: Vec<(String, Secret)>,
    /// What is sent with it.
    pub body: Option<Secret>,
    /// Whether whoever runs the server wrote this address: then it may lead into their own network. An address that came
    /// from anywhere else may not.
    pub trusted: bool,
    /// The most bytes that the answer's body may have.
    pub bytes_max: usize,
    /// How long all of it may take.
    pub wait: Duration,
}

impl FetchRequest {
    /// A GET with the usual bounds.
    pub fn get(url: impl Into<String>) -> Self {
        Self {
            method: Method::Get,
            url: url.into(),
            headers: Vec::new(),
            body: None,
            trusted: false,
            bytes_max: limits::FETCHED_BYTES_MAX,
            wait: limits::FETCH_WAIT,
        }
    }

    /// A POST with this body, of this media type.
    pub fn post(url: impl Into<String>, media_type: &str, body: Secret) -> Self {
        Self { method: Method::Post, body: Some(body), ..Self::get(url) }
            .with_header("content-type", Secret::new(media_type))
    }

    /// To an address that whoever runs the server wrote.
    #[must_use]
    pub fn trusted(self) -> Self {
        Self { trusted: true, ..self }
    }

    /// With one more header.
    #[must_use]
    pub fn with_header(mut self, name: impl Into<String>, value: Secret) -> Self {
        self.headers.push((name.into(), value));
        self
    }
}

/// An answer, whatever its status.
#[derive(Debug, Clone)]
pub struct Fetched {
    /// The HTTP status.
    pub status: u16,
    /// Names in lower case, with their values; those that are not text are left out.
    pub headers: Vec<(String, String)>,
    /// All of the body.
    pub body: Vec<u8>,
}

impl Fetched {
    /// The first header of this name (in lower case).
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// The URL is none, or none that may be asked for.
    #[error("`{0}` is no address that can be fetched")]
    BadUrl(String),
    /// The name leads to an address that is kept from outgoing requests.
    #[error("{0} leads to an address that outgoing requests may not reach")]
    Forbidden(String),
    /// It took too long.
    #[error("there was no answer in time")]
    TimedOut,
    /// The answer is larger than asked for.
    #[error("the answer is larger than {0} bytes")]
    TooLarge(usize),
    /// The host could not be reached, or broke off.
    #[error("the host can't be reached")]
    Unreachable(#[source] Box<dyn std::error::Error + Send + Sync>),
}
