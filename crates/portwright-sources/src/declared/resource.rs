//! A declared resource: text within the configuration, or a file beside it.

use std::path::Path;
use std::sync::Arc;

use base64::Engine;
use portwright_core::protocol::{ReadResourceResult, Resource, ResourceContents};
use portwright_core::{Context, Declared, Diagnostic, IconTable, Pointer, Refusal, limits};

use super::file::{self, FileError};
use super::media;
use super::table::ResourceTable;
use crate::shared::decode;

/// A declared resource, as meant.
#[derive(Debug)]
pub(super) struct DeclaredResource {
    uri: String,
    name: String,
    title: Option<String>,
    icons: Vec<IconTable>,
    description: Option<String>,
    /// As declared, or as the extension tells.
    mime_type: Option<String>,
    body: Body,
    place: Pointer,
}

#[derive(Debug)]
enum Body {
    Text(String),
    /// Opened at each read, so that a change shows without a restart.
    File(Arc<Path>),
}

impl DeclaredResource {
    /// Reads the table; none if it is too wrong to go on with.
    pub(super) fn decode(declared: &Declared, base: &Path, problems: &mut Vec<Diagnostic>) -> Option<Self> {
        let place = &declared.place;
        let mut keys = declared.table.clone();
        if keys.remove("sql").is_some() {
            let message = "a resource with `sql` needs to know which source runs it";
            problems.push(
                Diagnostic::error(place.clone(), "missing-key", message)
                    .hint("add `source = \"NAME\"`, a name of [sources]"),
            );
            return None;
        }
        let table: ResourceTable = decode::table(&keys, place, problems);
        if let Some(message) = wrong_uri(&declared.name) {
            problems.push(
                Diagnostic::error(place.clone(), "wrong-value", message)
                    .hint("a URI has a scheme and no spaces: \"docs://shop/notes\""),
            );
            return None;
        }
        let body = match (table.text, table.file) {
            (Some(text), None) => Body::Text(text),
            (None, Some(file)) if !file.as_os_str().is_empty() => Body::File(base.join(file).into()),
            (None, Some(_)) => {
                problems.push(Diagnostic::error(place.join("file"), "wrong-value", "the path is empty"));
                return None;
            }
            (Some(_), Some(_)) => {
                let message = "`text` and `file` exclude each other";
                problems.push(Diagnostic::error(place.join("file"), "conflict", message).hint("keep one of them"));
                return None;
            }
            // A key of the wrong type has been told already.
            (None, None) if keys.contains_key("text") || keys.contains_key("file") => return None,
            (None, None) => {
                let message = "the resource holds nothing";
                let hint = "add `text = \"…\"` or `file = \"PATH\"`, or `sql` with `source`";
                problems.push(Diagnostic::error(place.clone(), "missing-key", message).hint(hint));
                return None;
            }
        };
        let extension = match &body {
            Body::Text(_) => media::guess(&declared.name).or(Some(media::TEXT)),
            Body::File(path) => path.file_name().and_then(|name| name.to_str()).and_then(media::guess),
        };
        Some(Self {
            uri: declared.name.clone(),
            name: table.name.unwrap_or_else(|| last_part(&declared.name).to_owned()),
            title: table.title,
            icons: table.icons,
            description: table.description,
            mime_type: table.mime_type.or_else(|| extension.map(str::to_owned)),
            body,
            place: place.clone(),
        })
    }

    pub(super) fn uri(&self) -> &str {
        &self.uri
    }

    pub(super) fn listed(&self) -> Resource {
        let mut listed = Resource::new(&self.uri, &self.name);
        listed.title.clone_from(&self.title);
        listed.icons = IconTable::to_icons(&self.icons);
        listed.description.clone_from(&self.description);
        listed.mime_type.clone_from(&self.mime_type);
        if let Body::Text(text) = &self.body {
            listed.size = Some(text.len() as u64);
        }
        listed
    }

    pub(super) async fn read(&self, cx: &Context) -> Result<ReadResourceResult, Refusal> {
        let contents = match &self.body {
            Body::Text(text) => self.text(text.clone()),
            Body::File(path) => {
                let path = path.clone();
                let reading = tokio::task::spawn_blocking(move || file::read(&path));
                let bytes = tokio::select! {
                    biased;
                    () = cx.cancel.cancelled() => return Err(Refusal::cancelled()),
                    read = reading => read.map_err(Refusal::internal)?.map_err(|error| self.unreadable(error))?,
                };
                self.contents(bytes)
            }
        };
        Ok(ReadResourceResult::new(vec![contents]))
    }

    /// What is wrong with the file now, for the operator.
    pub(super) async fn missing(&self) -> Option<Diagnostic> {
        let Body::File(path) = &self.body else { return None };
        let path = path.clone();
        let error = tokio::task::spawn_blocking(move || file::probe(&path)).await.ok()?.err()?;
        let problem = Diagnostic::error(self.place.join("file"), "missing-file", error.to_string());
        Some(match error {
            FileError::Open(_, cause) => {
                problem.hint(format!("{cause}; relative paths start from the configuration file's folder"))
            }
            _ => problem,
        })
    }

    /// Text if it is text, whatever was declared: bytes that are not are not bent into it.
    fn contents(&self, bytes: Vec<u8>) -> ResourceContents {
        match String::from_utf8(bytes) {
            Ok(text) if !text.contains('\0') => self.text(text),
            Ok(text) => self.blob(text.as_bytes()),
            Err(error) => self.blob(error.as_bytes()),
        }
    }

    fn text(&self, text: String) -> ResourceContents {
        let media = self.mime_type.as_deref().unwrap_or(media::TEXT);
        ResourceContents::text(text, &self.uri).with_mime_type(media)
    }

    fn blob(&self, bytes: &[u8]) -> ResourceContents {
        let media = self.mime_type.as_deref().unwrap_or(media::BINARY);
        let blob = base64::engine::general_purpose::STANDARD.encode(bytes);
        ResourceContents::blob(blob, &self.uri).with_mime_type(media)
    }

    /// The caller learns what it means for them, never the path.
    fn unreadable(&self, error: FileError) -> Refusal {
        let uri = &self.uri;
        let public = match &error {
            FileError::TooLarge(_) => format!("the file of `{uri}` is too large to be read as a resource"),
            _ => format!("the file of `{uri}` can't be read now; the server's operator has to mend that"),
        };
        Refusal::unavailable(public).because(error)
    }
}

fn wrong_uri(uri: &str) -> Option<String> {
    let scheme = |scheme: &str| {
        scheme.starts_with(|letter: char| letter.is_ascii_alphabetic())
            && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
    };
    if uri.len() > limits::URI_BYTES_MAX {
        return Some(format!("the URI is longer than {} bytes", limits::URI_BYTES_MAX));
    }
    if !uri.split_once(':').is_some_and(|(start, rest)| scheme(start) && !rest.is_empty()) {
        return Some(format!("`{uri}` is not a URI"));
    }
    uri.contains(|letter: char| letter.is_whitespace() || letter.is_control())
        .then(|| format!("`{}` holds a space or a control character", uri.escape_debug()))
}

/// `notes` of `docs://shop/notes`.
fn last_part(uri: &str) -> &str {
    let path = uri.split_once(':').map_or(uri, |(_, rest)| rest);
    path.rsplit('/').find(|part| !part.is_empty()).unwrap_or(uri)
}

#[cfg(test)]
mod tests {
    use super::{last_part, wrong_uri};

    #[test]
    fn uris_are_checked() {
        for good in ["docs://shop/notes", "urn:isbn:123", "db+x://a"] {
            assert_eq!(wrong_uri(good), None, "{good}");
        }
        for bad in ["", "notes", "1://x", "docs:", "docs://a b", "docs://a\u{7}", "//x"] {
            assert!(wrong_uri(bad).is_some(), "{bad}");
        }
    }

    #[test]
    fn the_last_part_is_the_name() {
        assert_eq!(last_part("docs://shop/notes"), "notes");
        assert_eq!(last_part("docs://shop/notes/"), "notes");
        assert_eq!(last_part("urn:isbn:123"), "isbn:123");
        assert_eq!(last_part("x://"), "x://");
    }
}
