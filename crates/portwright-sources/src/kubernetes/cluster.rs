//! One cluster and its credential: every request goes through [`Cluster::bytes`], which bounds time and bytes and puts
//! a refusal into words. It knows no fence: whoever asks has asked that before.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderName, HeaderValue, Method, Request, Uri};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use kube::Client;
use kube::client::Body;
use portwright_core::{CLIENT_SPAN, Context, Refusal, RefusalKind, limits};
use reqwest::Url;
use serde_json::Value;
use tracing::Instrument;

use super::errors;
use super::kinds::{Kind, Known};

/// A table that the server prints, as `kubectl get` shows it.
pub(super) const AS_TABLE: &str = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";
/// A manifest that says what its fields shall be, and who says so.
pub(super) const APPLY: &str = "application/apply-patch+yaml";
/// Changes merged into what is there (RFC 7396).
pub(super) const MERGE: &str = "application/merge-patch+json";
/// Changes merged by the kind's own keys of lists.
pub(super) const STRATEGIC: &str = "application/strategic-merge-patch+json";
/// Changes one after the other (RFC 6902).
pub(super) const JSON_PATCH: &str = "application/json-patch+json";
const JSON: &str = "application/json";

/// A cluster behind one context of a kubeconfig.
#[derive(Clone)]
pub(super) struct Cluster {
    inner: Arc<Inner>,
}

struct Inner {
    context: String,
    namespace: String,
    client: Client,
    timeout: Duration,
    unproven: bool,
    known: Mutex<Known>,
}

impl fmt::Debug for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cluster").field("context", &self.inner.context).finish_non_exhaustive()
    }
}

/// One request: what it wants in the words of rights (verb, resource, namespace), and how it is sent.
#[derive(Debug, Clone)]
pub(super) struct Ask {
    pub(super) verb: &'static str,
    pub(super) group: String,
    pub(super) resource: String,
    pub(super) kind: String,
    pub(super) namespace: Option<String>,
    pub(super) name: Option<String>,
    method: Method,
    base: Vec<String>,
    plural: Option<String>,
    sub: Vec<String>,
    query: Vec<(&'static str, String)>,
    body: Option<(&'static str, Vec<u8>)>,
    accept: &'static str,
}

impl Ask {
    /// Of objects of a kind; `verb` is a right's: `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`.
    pub(super) fn of(verb: &'static str, kind: &Kind) -> Self {
        let base = match kind.group.as_str() {
            "" => vec!["api".to_owned(), kind.version.clone()],
            group => vec!["apis".to_owned(), group.to_owned(), kind.version.clone()],
        };
        let method = match verb {
            "create" => Method::POST,
            "patch" => Method::PATCH,
            "update" => Method::PUT,
            "delete" => Method::DELETE,
            _ => Method::GET,
        };
        Self {
            verb,
            group: kind.group.clone(),
            resource: kind.plural.clone(),
            kind: kind.kind.clone(),
            namespace: None,
            name: None,
            method,
            base,
            plural: Some(kind.plural.clone()),
            sub: Vec::new(),
            query: Vec::new(),
            body: None,
            accept: JSON,
        }
    }

    /// Of a path that is no object's: what the cluster can do.
    pub(super) fn path(segments: &[&str]) -> Self {
        let mut ask = Self::of("get", &Kind::default());
        ask.base = segments.iter().map(|segment| (*segment).to_owned()).collect();
        ask.plural = None;
        ask.resource = format!("/{}", segments.join("/"));
        ask
    }

    pub(super) fn within(mut self, namespace: Option<&str>) -> Self {
        self.namespace = namespace.map(str::to_owned);
        self
    }

    pub(super) fn named(mut self, name: &str) -> Self {
        self.name = Some(name.to_owned());
        self
    }

    /// A part of the object that has rights of its own: `log`, `scale`, `proxy`.
    pub(super) fn sub(mut self, segments: &[&str]) -> Self {
        if let Some(first) = segments.first() {
            self.resource = format!("{}/{first}", self.resource);
        }
        self.sub = segments.iter().map(|segment| (*segment).to_owned()).collect();
        self
    }

    #[expect(clippy::needless_pass_by_value, reason = "texts and numbers alike, without a sign before each")]
    pub(super) fn with(mut self, key: &'static str, value: impl ToString) -> Self {
        self.query.push((key, value.to_string()));
        self
    }

    pub(super) fn with_some(self, key: &'static str, value: Option<impl ToString>) -> Self {
        match value {
            Some(value) => self.with(key, value),
            None => self,
        }
    }

    pub(super) fn sending(mut self, media_type: &'static str, body: &Value) -> Self {
        self.body = Some((media_type, body.to_string().into_bytes()));
        self
    }

    pub(super) fn sending_json(self, body: &Value) -> Self {
        self.sending(JSON, body)
    }

    pub(super) fn for_table(mut self) -> Self {
        self.accept = AS_TABLE;
        self.with("includeObject", "Metadata")
    }

    pub(super) fn for_text(mut self) -> Self {
        self.accept = "*/*";
        self
    }

    /// Path and query. Each part is one segment of the path, whatever stands in it.
    fn uri(&self) -> Result<Uri, Refusal> {
        let mut segments: Vec<&str> = self.base.iter().map(String::as_str).collect();
        if let Some(namespace) = &self.namespace {
            segments.extend(["namespaces", namespace]);
        }
        segments.extend(self.plural.as_deref());
        segments.extend(self.name.as_deref());
        segments.extend(self.sub.iter().map(String::as_str));
        segments.iter().try_for_each(|segment| check_name(segment))?;
        let mut url = Url::parse("http://cluster/").map_err(Refusal::internal)?;
        if let Ok(mut path) = url.path_segments_mut() {
            path.clear().extend(segments);
        }
        if !self.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&self.query);
        }
        let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
        format!("{}{query}", url.path()).parse().map_err(Refusal::internal)
    }

    /// As it goes over the wire.
    pub(super) fn request(&self) -> Result<Request<Vec<u8>>, Refusal> {
        let (media_type, body) = self.body.clone().unzip();
        let mut request = Request::new(body.unwrap_or_default());
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.uri()?;
        let mut header = |name: HeaderName, value: &'static str| {
            request.headers_mut().insert(name, HeaderValue::from_static(value));
        };
        header(ACCEPT, self.accept);
        if let Some(media_type) = media_type {
            header(CONTENT_TYPE, media_type);
        }
        Ok(request)
    }
}

/// Refuses what can't be the name of an object: one segment of a path, which is no way out of it.
pub(super) fn check_name(text: &str) -> Result<(), Refusal> {
    let sound = |one: char| !one.is_control() && !one.is_whitespace() && !matches!(one, '/' | '%' | '\\' | '?' | '#');
    if !text.is_empty() && text.len() <= 253 && text != "." && text != ".." && text.chars().all(sound) {
        return Ok(());
    }
    let wrong: String = text.chars().take(60).collect();
    Err(Refusal::invalid(format!("`{}` is not a name that an object can have", wrong.escape_debug())))
}

impl Cluster {
    /// `unproven`: nothing proves that it is the cluster that is meant.
    pub(super) fn new(context: String, namespace: String, client: Client, timeout: Duration, unproven: bool) -> Self {
        Self { inner: Arc::new(Inner { context, namespace, client, timeout, unproven, known: Mutex::default() }) }
    }

    /// Whether nothing proves that it is the cluster that is meant.
    pub(super) fn is_unproven(&self) -> bool {
        self.inner.unproven
    }

    /// The name by which calls choose it.
    pub(super) fn context(&self) -> &str {
        &self.inner.context
    }

    /// The namespace that its context names.
    pub(super) fn namespace(&self) -> &str {
        &self.inner.namespace
    }

    pub(super) fn client(&self) -> &Client {
        &self.inner.client
    }

    /// What is remembered of its kinds.
    pub(super) fn known<T>(&self, read: impl FnOnce(&mut Known) -> T) -> T {
        let mut known = self.inner.known.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        read(&mut known)
    }

    /// The time that a call has for one request.
    pub(super) fn wait(&self, cx: &Context) -> Duration {
        cx.time_left().map_or(self.inner.timeout, |left| left.min(self.inner.timeout))
    }

    /// Sends it and reads the answer, JSON.
    pub(super) async fn json(&self, ask: &Ask, cx: &Context) -> Result<Value, Refusal> {
        let (bytes, whole) = self.bytes(ask, limits::CLUSTER_ANSWER_BYTES_MAX, cx).await?;
        if !whole {
            return Err(Refusal::failed("the cluster's answer is too large: narrow it by a selector, or by `limit`"));
        }
        serde_json::from_slice(&bytes)
            .map_err(|error| Refusal::failed("the cluster answered with something that is not JSON").because(error))
    }

    /// Sends it and reads the answer up to that many bytes; the second tells whether that is all of it.
    pub(super) async fn bytes(&self, ask: &Ask, most: usize, cx: &Context) -> Result<(Vec<u8>, bool), Refusal> {
        let span = tracing::debug_span!(
            CLIENT_SPAN,
            http.request.method = ask.method.as_str(),
            k8s.cluster.name = self.inner.context,
            error.r#type = tracing::field::Empty,
        );
        let work = self.answer(ask, most).instrument(span.clone());
        let answer = tokio::time::timeout(self.wait(cx), work).await.unwrap_or_else(|_| {
            Err(Refusal::timed_out("the cluster did not answer in time: ask for less, or again later"))
        });
        if let Err(refusal) = &answer {
            span.record("error.type", refusal.kind().as_str());
        }
        answer
    }

    async fn answer(&self, ask: &Ask, most: usize) -> Result<(Vec<u8>, bool), Refusal> {
        let request = ask.request()?.map(Body::from);
        let answer = self.inner.client.send(request).await.map_err(errors::unreachable)?;
        let (head, body) = answer.into_parts();
        let sound = head.status.is_success();
        let (bytes, whole) = read(body, if sound { most } else { limits::CLUSTER_ANSWER_BYTES_MAX }).await?;
        if sound { Ok((bytes, whole)) } else { Err(errors::refused(head.status, &bytes, ask)) }
    }

    /// Whether the cluster is there and takes the credential.
    pub(super) async fn greet(&self) -> Result<(), Refusal> {
        match self.answer(&Ask::path(&["version"]), limits::CLUSTER_ANSWER_BYTES_MAX).await {
            Ok(_) => Ok(()),
            // Who may not see the version is known to the cluster all the same.
            Err(refusal) if refusal.kind() == RefusalKind::Failed => Ok(()),
            Err(refusal) => Err(refusal),
        }
    }
}

async fn read(body: Body, most: usize) -> Result<(Vec<u8>, bool), Refusal> {
    let mut body = Limited::new(body, most);
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        match frame {
            Ok(frame) => bytes.extend_from_slice(frame.data_ref().map(|data| &**data).unwrap_or_default()),
            Err(error) if error.is::<LengthLimitError>() => return Ok((bytes, false)),
            Err(error) => return Err(Refusal::unavailable("the cluster broke off").because(error)),
        }
    }
    Ok((bytes, true))
}
