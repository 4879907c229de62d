//! Resources: what they hold, and what must not be opened.

use std::path::Path;
use std::process::Command;

use portwright_core::protocol::ResourceContents;
use portwright_core::testing::context;
use portwright_core::{Health, RefusalKind, limits};
use serde_json::json;

use super::source;

/// What a resource with this file gives: its media type, and its text or blob.
async fn read(base: &Path, file: &str) -> Result<(String, String), (RefusalKind, String)> {
    let source = source(json!({"docs://x/y": {"file": file}}), json!({}), base).await;
    match source.read("docs://x/y", &context()).await {
        Err(refusal) => {
            let base = base.to_str().unwrap();
            assert!(!refusal.public().contains(base), "the caller learned the path: {refusal}");
            assert!(std::error::Error::source(&refusal).is_some(), "the log learns nothing");
            Err((refusal.kind(), refusal.public().to_owned()))
        }
        Ok(result) => match result.contents.into_iter().next() {
            Some(ResourceContents::TextResourceContents { text, mime_type, .. }) => Ok((mime_type.unwrap(), text)),
            Some(ResourceContents::BlobResourceContents { blob, mime_type, .. }) => Ok((mime_type.unwrap(), blob)),
            other => panic!("{other:?}"),
        },
    }
}

fn told(media: &str, body: &str) -> (String, String) {
    (media.to_owned(), body.to_owned())
}

#[tokio::test]
async fn text_is_listed_and_read() {
    let table = json!({"docs://shop/notes": {"text": "Å", "title": "Notes", "description": "What to know."}});
    let source = source(table, json!({}), Path::new("/")).await;
    let listed = serde_json::to_value(source.resources()).unwrap();
    assert_eq!(
        listed,
        json!([{
            "uri": "docs://shop/notes", "name": "notes", "title": "Notes", "description": "What to know.",
            "mimeType": "text/plain", "size": 2,
        }])
    );
    let result = source.read("docs://shop/notes", &context()).await.unwrap();
    let contents = serde_json::to_value(&result.contents).unwrap();
    assert_eq!(contents, json!([{"uri": "docs://shop/notes", "mimeType": "text/plain", "text": "Å"}]));
}

#[tokio::test]
async fn a_file_is_opened_at_each_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rules.md");
    assert_eq!(read(folder.path(), "rules.md").await.unwrap_err().0, RefusalKind::Unavailable);
    std::fs::write(&path, "one").unwrap();
    assert_eq!(read(folder.path(), "rules.md").await.unwrap(), told("text/markdown", "one"));
    std::fs::write(&path, "two").unwrap();
    assert_eq!(read(folder.path(), path.to_str().unwrap()).await.unwrap(), told("text/markdown", "two"));
}

#[tokio::test]
async fn bytes_that_are_not_text_stay_bytes() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("raw"), [0xff, 0xfe, 0x00]).unwrap();
    std::fs::write(folder.path().join("nul.txt"), "a\0b").unwrap();
    std::fs::write(folder.path().join("plain"), "text").unwrap();
    assert_eq!(read(folder.path(), "raw").await.unwrap(), told("application/octet-stream", "//4A"));
    assert_eq!(read(folder.path(), "nul.txt").await.unwrap(), told("text/plain", "YQBi"));
    assert_eq!(read(folder.path(), "plain").await.unwrap(), told("text/plain", "text"));
}

#[tokio::test]
async fn only_regular_files_are_read() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("folder")).unwrap();
    let fifo = folder.path().join("fifo");
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    std::os::unix::fs::symlink(&fifo, folder.path().join("to-fifo")).unwrap();
    std::os::unix::fs::symlink("nowhere", folder.path().join("dangling")).unwrap();
    for file in ["folder", "fifo", "to-fifo", "dangling", "/dev/zero", "folder/none"] {
        assert_eq!(read(folder.path(), file).await.unwrap_err().0, RefusalKind::Unavailable, "{file}");
    }
    std::fs::write(folder.path().join("real"), "yes").unwrap();
    std::os::unix::fs::symlink("real", folder.path().join("link.txt")).unwrap();
    assert_eq!(read(folder.path(), "link.txt").await.unwrap(), told("text/plain", "yes"));
}

#[tokio::test]
async fn a_huge_file_is_refused_unread() {
    let folder = tempfile::tempdir().unwrap();
    let sparse = std::fs::File::create(folder.path().join("huge.txt")).unwrap();
    sparse.set_len(1 << 40).unwrap();
    let (kind, words) = read(folder.path(), "huge.txt").await.unwrap_err();
    assert_eq!(kind, RefusalKind::Unavailable);
    assert!(words.contains("too large"), "{words}");
    sparse.set_len(limits::RESOURCE_FILE_BYTES_MAX).unwrap();
    assert!(read(folder.path(), "huge.txt").await.is_ok());
}

#[tokio::test]
async fn a_cancelled_read_stops() {
    let folder = tempfile::tempdir().unwrap();
    let source = source(json!({"docs://x/y": {"file": "a"}}), json!({}), folder.path()).await;
    let cx = context();
    cx.cancel.cancel();
    assert_eq!(source.read("docs://x/y", &cx).await.unwrap_err().kind(), RefusalKind::Cancelled);
}

#[tokio::test]
async fn the_operator_learns_of_a_missing_file() {
    let folder = tempfile::tempdir().unwrap();
    let source = source(json!({"docs://x/y": {"file": "rules.md"}}), json!({}), folder.path()).await;
    let found = source.inspect().await;
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].place.as_str(), found[0].rule), ("/resources/docs:~1~1x~1y/file", "missing-file"));
    assert_eq!(source.health().await, Health::Degraded("the file of the resource `docs://x/y` can't be read".into()));
    std::fs::write(folder.path().join("rules.md"), "").unwrap();
    assert_eq!((source.inspect().await, source.health().await), (Vec::new(), Health::Ready));
}

#[tokio::test]
async fn a_client_cannot_name_a_path() {
    let source = source(json!({"docs://x/y": {"file": "a"}}), json!({}), Path::new("/etc")).await;
    for uri in ["docs://x/y/../../passwd", "file:///etc/passwd", "docs://x/passwd", "DOCS://x/y", "docs://x/y?"] {
        assert_eq!(source.read(uri, &context()).await.unwrap_err().kind(), RefusalKind::NotFound, "{uri}");
    }
}
