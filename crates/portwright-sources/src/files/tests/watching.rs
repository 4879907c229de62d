//! Watching.

use std::sync::Arc;
use std::time::Duration;

use portwright_core::RefusalKind;
use serde_json::json;
use tokio::sync::broadcast::Receiver;

use super::{Place, context, data};

/// Waits until something is told of `uri`.
async fn told(news: &mut Receiver<Arc<str>>, uri: &str) {
    let wait = async { while &*news.recv().await.expect("news") != uri {} };
    tokio::time::timeout(Duration::from_secs(20), wait).await.expect("nothing was told");
}

#[tokio::test]
async fn changes_are_told_however_a_file_is_written() {
    let place = Place::new();
    let path = place.write("watched.txt", "1");
    let source = place.writable().await;
    let mut news = source.updates().expect("it can tell");
    let uri = format!("file://{}", path.display());
    let folder = format!("file://{}/", place.root.display());
    source.subscribe(&uri, &context()).await.expect("watched");
    source.subscribe(&uri, &context()).await.expect("watched twice");
    source.subscribe(&folder, &context()).await.expect("watched");
    std::fs::write(&path, "2").unwrap();
    told(&mut news, &uri).await;
    // Replaced, as editors and we do it.
    data(&source, "write_file", json!({"path": "watched.txt", "content": "3"})).await;
    told(&mut news, &uri).await;
    place.write("other.txt", "new");
    told(&mut news, &folder).await;
    let outside = format!("file://{}/secret.txt", place.outside().display());
    let refusal = source.subscribe(&outside, &context()).await.expect_err("refused");
    assert_eq!(refusal.kind(), RefusalKind::NotFound);
}
