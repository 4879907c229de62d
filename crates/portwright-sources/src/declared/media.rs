//! Media types, guessed from a name's extension.

use std::path::Path;

/// The media types of what people put into a resource.
const BY_EXTENSION: [(&str, &str); 22] = [
    ("css", "text/css"),
    ("csv", "text/csv"),
    ("gif", "image/gif"),
    ("htm", "text/html"),
    ("html", "text/html"),
    ("jpeg", "image/jpeg"),
    ("jpg", "image/jpeg"),
    ("js", "text/javascript"),
    ("json", "application/json"),
    ("jsonl", "application/jsonl"),
    ("md", "text/markdown"),
    ("pdf", "application/pdf"),
    ("png", "image/png"),
    ("sql", "application/sql"),
    ("svg", "image/svg+xml"),
    ("toml", "application/toml"),
    ("tsv", "text/tab-separated-values"),
    ("txt", "text/plain"),
    ("webp", "image/webp"),
    ("xml", "application/xml"),
    ("yaml", "application/yaml"),
    ("yml", "application/yaml"),
];

pub(super) const TEXT: &str = "text/plain";
pub(super) const BINARY: &str = "application/octet-stream";

/// The media type that a file's name or a URI tells, if it does.
pub(super) fn guess(name: &str) -> Option<&'static str> {
    let extension = Path::new(name).extension()?.to_str()?.to_ascii_lowercase();
    BY_EXTENSION.iter().find(|(known, _)| *known == extension).map(|(_, media)| *media)
}

#[cfg(test)]
mod tests {
    use super::guess;

    #[test]
    fn the_extension_tells() {
        assert_eq!(guess("/srv/docs/Rules.MD"), Some("text/markdown"));
        assert_eq!(guess("docs://shop/notes.json"), Some("application/json"));
        assert_eq!((guess("docs://shop/notes"), guess(".md"), guess("a.weird")), (None, None, None));
    }
}
