//! The resources that one rendering reads: through the caller's own way, each once, and bounded.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use minijinja::{Error, ErrorKind, Value};
use portwright_core::protocol::ResourceContents;
use portwright_core::{Context, Refusal, RefusalKind, limits};

use super::template::{RESOURCE, RenderError, Template};

/// What `resource(…)` has to give, and what it was asked for in vain.
#[derive(Debug, Default)]
struct Shelf {
    /// The text of each resource that was read; none if it is binary.
    texts: BTreeMap<String, Option<Value>>,
    wanted: Vec<String>,
}

/// One rendering of one prompt.
#[derive(Debug)]
pub(super) struct Reading<'a> {
    prompt: &'a str,
    cx: &'a Context,
    values: BTreeMap<&'a str, Value>,
    read: BTreeMap<String, Vec<ResourceContents>>,
    /// Bytes that may still be read.
    bytes_left: usize,
    shelf: Arc<Mutex<Shelf>>,
}

impl<'a> Reading<'a> {
    pub(super) fn new(prompt: &'a str, values: BTreeMap<&'a str, String>, cx: &'a Context) -> Self {
        let shelf = Arc::new(Mutex::new(Shelf::default()));
        let mut values: BTreeMap<_, _> = values.into_iter().map(|(name, text)| (name, Value::from(text))).collect();
        let asked = shelf.clone();
        values.insert(RESOURCE, Value::from_function(move |uri: &str| look_up(&asked, uri)));
        Self { prompt, cx, values, read: BTreeMap::new(), bytes_left: limits::PROMPT_BYTES_MAX, shelf }
    }

    /// The contents of a resource, as the caller may see them.
    pub(super) async fn contents(&mut self, uri: &str) -> Result<Vec<ResourceContents>, Refusal> {
        if let Some(contents) = self.read.get(uri) {
            return Ok(contents.clone());
        }
        if self.read.len() >= limits::PROMPT_RESOURCES_MAX {
            let most = limits::PROMPT_RESOURCES_MAX;
            return Err(Refusal::failed(format!("the prompt `{}` embeds more than {most} resources", self.prompt)));
        }
        if uri.len() > limits::URI_BYTES_MAX {
            let most = limits::URI_BYTES_MAX;
            return Err(Refusal::invalid(format!(
                "the prompt `{}` would embed a URI of more than {most} bytes; give shorter arguments",
                self.prompt
            )));
        }
        let reader = self.cx.resources.clone();
        let reader = reader.ok_or_else(|| Refusal::internal("no resources can be read within this call"))?;
        let result = reader.read(uri, self.cx).await.map_err(|refusal| self.needing(uri, refusal))?;
        let size = result.contents.iter().map(size).sum();
        self.bytes_left = self.bytes_left.checked_sub(size).ok_or_else(|| self.too_long())?;
        self.read.insert(uri.to_owned(), result.contents.clone());
        Ok(result.contents)
    }

    /// Renders `template` until it has every resource it asks for. What a resource holds is data like any value.
    pub(super) async fn render(&mut self, template: &Template, bytes_max: usize) -> Result<String, Refusal> {
        for _ in 0..limits::PROMPT_ROUNDS_MAX {
            let rendered = template.render(self.values.clone(), bytes_max);
            let wanted = std::mem::take(&mut self.shelf().wanted);
            if wanted.is_empty() {
                return rendered.map_err(|error| self.unrendered(error));
            }
            // What came out lacks these; whatever went wrong may be mended by them.
            for uri in wanted {
                let text = inline_text(&self.contents(&uri).await?);
                self.shelf().texts.insert(uri, text.map(Value::from));
            }
        }
        let rounds = limits::PROMPT_ROUNDS_MAX;
        Err(Refusal::failed(format!("the prompt `{}` still asks for resources after {rounds} rounds", self.prompt)))
    }

    /// Renders a URI. Nothing can be read for that.
    pub(super) fn render_uri(&self, template: &Template) -> Result<String, Refusal> {
        let mut values = self.values.clone();
        values.remove(RESOURCE);
        let uri = template.render(values, limits::URI_BYTES_MAX).map_err(|error| self.unrendered(error))?;
        Ok(uri.trim().to_owned())
    }

    /// What to say when the prompt grows beyond its bound.
    pub(super) fn too_long(&self) -> Refusal {
        let most = limits::PROMPT_BYTES_MAX;
        Refusal::failed(format!("the prompt `{}` would be longer than {most} bytes; ask for less", self.prompt))
    }

    fn unrendered(&self, error: RenderError) -> Refusal {
        let public = match &error {
            RenderError::TooLong(_) => return self.too_long().because(error),
            RenderError::TooMuchWork => {
                format!("the prompt `{}` takes too much work; give shorter arguments", self.prompt)
            }
            RenderError::Failed(_) => {
                format!("the prompt `{}` can't be made of these arguments: {}", self.prompt, error.reason())
            }
        };
        Refusal::failed(public).because(error)
    }

    /// Why a resource did not come, told as the prompt's trouble. What nobody may know stays untold.
    fn needing(&self, uri: &str, refusal: Refusal) -> Refusal {
        let kind = match refusal.kind() {
            RefusalKind::Internal | RefusalKind::Cancelled | RefusalKind::TimedOut => return refusal,
            // The prompt itself is there.
            RefusalKind::NotFound => RefusalKind::Failed,
            kind => kind,
        };
        let public = format!("the prompt `{}` needs the resource `{uri}`: {}", self.prompt, refusal.public());
        let wait = refusal.wait();
        let told = Refusal::new(kind, public).because(refusal);
        match wait {
            Some(wait) => told.retry_after(wait),
            None => told,
        }
    }

    fn shelf(&self) -> std::sync::MutexGuard<'_, Shelf> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `resource(uri)` within a template: the text, or nothing yet.
fn look_up(shelf: &Mutex<Shelf>, uri: &str) -> Result<Value, Error> {
    let mut shelf = shelf.lock().unwrap_or_else(PoisonError::into_inner);
    match shelf.texts.get(uri) {
        Some(Some(text)) => Ok(text.clone()),
        Some(None) => Err(Error::new(ErrorKind::InvalidOperation, "the resource is binary; attach it by `embed`")),
        None => {
            if shelf.wanted.len() < limits::PROMPT_RESOURCES_MAX && !shelf.wanted.iter().any(|wanted| wanted == uri) {
                shelf.wanted.push(uri.to_owned());
            }
            Ok(Value::from(""))
        }
    }
}

/// The text of a resource; none if a part of it is binary.
fn inline_text(contents: &[ResourceContents]) -> Option<String> {
    let texts: Option<Vec<_>> = contents
        .iter()
        .map(|content| match content {
            ResourceContents::TextResourceContents { text, .. } => Some(text.as_str()),
            _ => None,
        })
        .collect();
    texts.map(|texts| texts.join("\n"))
}

/// Bytes that it adds to a prompt.
pub(super) fn size(content: &ResourceContents) -> usize {
    match content {
        ResourceContents::TextResourceContents { text, .. } => text.len(),
        ResourceContents::BlobResourceContents { blob, .. } => blob.len(),
        // A shape that is newer than this code is charged as much as anything may have.
        _ => usize::MAX,
    }
}
