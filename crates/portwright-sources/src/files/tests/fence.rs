//! Attacks on the fence: each tries to reach what lies beside the root, or what no file is.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use portwright_core::protocol::JsonObject;
use portwright_core::testing::Recorder;
use portwright_core::{Answer, Context, Root, Source};
use proptest::prelude::*;
use serde_json::json;

use super::{Place, call, context, data, refused};

/// What lies outside must be in no answer, whatever is asked for.
const JEWELS: &str = "crown jewels";

#[tokio::test]
async fn names_do_not_lead_out() {
    let place = Place::new();
    place.write("in.txt", "in");
    let source = place.writable().await;
    let outside = place.outside().display().to_string();
    let root = place.root.display().to_string();
    for path in [
        "../secret.txt".to_owned(),
        format!("{root}/../secret.txt"),
        format!("{root}-evil/secret.txt"),
        format!("{outside}/secret.txt"),
        "/etc/passwd".to_owned(),
        "//etc/passwd".to_owned(),
        "....//secret.txt".to_owned(),
        "..\\secret.txt".to_owned(),
        "%2e%2e/secret.txt".to_owned(),
        "%252e%252e%252fsecret.txt".to_owned(),
        "\u{ff0e}\u{ff0e}/secret.txt".to_owned(),
        "in.txt/../../secret.txt".to_owned(),
        format!("file://{outside}/secret.txt"),
        "~/secret.txt".to_owned(),
        "in.txt\0/../../secret.txt".to_owned(),
        "in.txt\0".to_owned(),
        String::new(),
        "/proc/self/environ".to_owned(),
        "/proc/self/cwd/Cargo.toml".to_owned(),
        "/dev/stdin".to_owned(),
        "a/".repeat(5000),
        "x".repeat(5000),
        "CON".to_owned(),
        "in.txt::$DATA".to_owned(),
        "in.txt.".to_owned(),
        "in.txt ".to_owned(),
        "IN.TXT".to_owned(),
    ] {
        for tool in
            ["read_text_file", "read_media_file", "list_directory", "directory_tree", "get_file_info", "delete_file"]
        {
            let words = refused(&source, tool, json!({"path": path})).await;
            assert!(!words.contains(JEWELS), "{tool} {path}");
        }
        let write = call(&source, "write_file", json!({"path": path, "content": "x", "mode": "append"})).await;
        if let Ok(written) = write {
            let at = written.structured_content.unwrap()["path"].as_str().unwrap().to_owned();
            assert!(Path::new(&at).starts_with(&place.root), "{path} was written at {at}");
        }
    }
    assert_eq!(fs::read(place.outside().join("secret.txt")).unwrap(), JEWELS_FILE);
    assert_eq!(fs::read_dir(place.outside()).unwrap().count(), 3);
}

const JEWELS_FILE: &[u8] = b"the crown jewels";

#[cfg(unix)]
#[tokio::test]
async fn links_do_not_lead_out() {
    use std::os::unix::fs::symlink;
    let place = Place::new();
    place.write("in.txt", "in");
    place.write("folder/deep.txt", "deep");
    symlink(place.outside().join("secret.txt"), place.root.join("absolute")).unwrap();
    symlink("../secret.txt", place.root.join("relative")).unwrap();
    symlink("absolute", place.root.join("chain")).unwrap();
    symlink("..", place.root.join("up")).unwrap();
    symlink(place.outside(), place.root.join("folder-out")).unwrap();
    symlink("../new.txt", place.root.join("dangling")).unwrap();
    symlink("loop", place.root.join("loop")).unwrap();
    symlink(format!("/proc/self/{}/etc", "root"), place.root.join("magic")).unwrap();
    symlink("folder/deep.txt", place.root.join("inner")).unwrap();
    let source = place.writable().await;
    for path in
        ["absolute", "relative", "chain", "up/secret.txt", "folder-out/secret.txt", "dangling", "loop", "magic/passwd"]
    {
        for (tool, arguments) in [
            ("read_text_file", json!({"path": path})),
            ("read_media_file", json!({"path": path})),
            ("write_file", json!({"path": path, "content": "x"})),
            ("write_file", json!({"path": path, "content": "x", "mode": "append"})),
            ("edit_file", json!({"path": path, "edits": [{"oldText": "crown", "newText": "x"}]})),
            ("copy_file", json!({"source": path, "destination": "copied.txt"})),
            ("copy_file", json!({"source": "in.txt", "destination": path, "overwrite": true})),
            ("search_files_content", json!({"path": path, "query": "crown"})),
        ] {
            let words = refused(&source, tool, arguments).await;
            assert!(!words.contains(JEWELS), "{tool} {path}: {words}");
        }
    }
    for path in ["up", "folder-out", "magic"] {
        for tool in ["list_directory", "directory_tree"] {
            refused(&source, tool, json!({"path": path})).await;
        }
        refused(&source, "create_directory", json!({"path": format!("{path}/made")})).await;
        refused(&source, "write_file", json!({"path": format!("{path}/made.txt"), "content": "x"})).await;
        refused(&source, "move_file", json!({"source": "in.txt", "destination": format!("{path}/moved.txt")})).await;
    }
    let found = data(&source, "search_files_content", json!({"path": place.root, "query": "crown"})).await;
    assert_eq!(found["matches"], json!([]));
    let found = data(&source, "search_files", json!({"path": place.root, "pattern": "secret"})).await;
    assert_eq!(found["paths"], json!([]));
    // A link that stays inside is as good as a name.
    assert_eq!(data(&source, "read_text_file", json!({"path": "inner"})).await["content"], "deep");
    data(&source, "write_file", json!({"path": "inner", "content": "deeper"})).await;
    assert_eq!(place.read("folder/deep.txt"), b"deeper");
    assert!(fs::symlink_metadata(place.root.join("inner")).unwrap().is_symlink());
    // Deleting a link deletes the link.
    data(&source, "delete_file", json!({"path": "absolute"})).await;
    data(&source, "delete_file", json!({"path": "folder-out"})).await;
    assert_eq!(fs::read(place.outside().join("secret.txt")).unwrap(), JEWELS_FILE);
    assert_eq!(fs::read_dir(place.outside()).unwrap().count(), 3);
}

#[cfg(unix)]
#[tokio::test]
async fn what_is_no_file_is_refused_at_once() {
    let place = Place::new();
    place.write("in.txt", "needle");
    let fifo = std::ffi::CString::new(place.path("pipe")).unwrap();
    let made = std::process::Command::new("mkfifo").arg(place.path("pipe")).status().expect("mkfifo");
    assert!(made.success(), "{fifo:?}");
    let _listener = std::os::unix::net::UnixListener::bind(place.root.join("socket")).unwrap();
    let source = place.writable().await;
    for path in ["pipe", "socket"] {
        for (tool, arguments) in [
            ("read_text_file", json!({"path": path})),
            ("read_media_file", json!({"path": path})),
            ("write_file", json!({"path": path, "content": "x"})),
            ("edit_file", json!({"path": path, "edits": [{"oldText": "a", "newText": "x"}]})),
            ("copy_file", json!({"source": path, "destination": "copied.txt"})),
        ] {
            let words = refused(&source, tool, arguments).await;
            assert!(words.contains("no regular file"), "{tool} {path}: {words}");
        }
        assert_eq!(data(&source, "get_file_info", json!({"path": path})).await["type"], "other");
    }
    // They hold up no search, and no call after it.
    let found = data(&source, "search_files_content", json!({"path": place.root, "query": "needle"})).await;
    assert_eq!(found["matches"].as_array().unwrap().len(), 1);
    assert_eq!(
        data(&source, "list_directory", json!({"path": place.root})).await["entries"].as_array().unwrap().len(),
        3
    );
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_swapped_meanwhile_leads_nowhere() {
    use std::os::unix::fs::symlink;
    let place = Place::new();
    fs::create_dir(place.root.join("folder")).unwrap();
    fs::write(place.root.join("folder/secret.txt"), "honest").unwrap();
    let source = place.writable().await;
    let (root, outside, over) = (place.root.clone(), place.outside().to_owned(), Arc::new(AtomicBool::new(false)));
    let stop = over.clone();
    let swapper = std::thread::spawn(move || {
        let mut swaps = 0u32;
        while !stop.load(Ordering::Relaxed) {
            let _ = fs::rename(root.join("folder"), root.join("away"));
            let _ = symlink(&outside, root.join("folder"));
            let _ = fs::remove_file(root.join("folder"));
            let _ = fs::rename(root.join("away"), root.join("folder"));
            swaps += 1;
        }
        swaps
    });
    let mut honest = 0;
    for round in 0..1500 {
        let read = call(&source, "read_text_file", json!({"path": "folder/secret.txt"})).await;
        if let Ok(read) = read {
            let read = read.structured_content.unwrap();
            assert_eq!(read["content"], "honest", "what lies outside was read");
            honest += 1;
        }
        let _ = call(&source, "write_file", json!({"path": "folder/written.txt", "content": round.to_string()})).await;
        let found = call(&source, "search_files_content", json!({"path": place.root, "query": JEWELS})).await;
        if let Ok(found) = found {
            assert_eq!(found.structured_content.unwrap()["matches"], json!([]), "what lies outside was found");
        }
    }
    over.store(true, Ordering::Relaxed);
    let swaps = swapper.join().unwrap();
    assert!(honest > 0 && swaps > 0, "nothing was tried: {honest} readings, {swaps} swaps");
    assert!(!place.outside().join("written.txt").exists(), "it was written outside");
}

#[cfg(unix)]
#[tokio::test]
async fn what_is_left_out_is_not_there_by_any_way() {
    use std::os::unix::fs::symlink;
    let place = Place::new();
    place.write(".env", JEWELS_FILE);
    place.write("sub/.ENV", JEWELS_FILE);
    place.write("private/key.pem", JEWELS_FILE);
    place.write("private/deep/er.txt", JEWELS_FILE);
    place.write("open.txt", "open");
    symlink("private", place.root.join("public")).unwrap();
    symlink(".env", place.root.join("env.txt")).unwrap();
    let source = place.open(json!({"access": "read-write", "exclude": [".env", "private/"]})).await;
    for path in [
        ".env",
        ".ENV",
        "sub/.ENV",
        "private/key.pem",
        "PRIVATE/key.pem",
        "public/key.pem",
        "env.txt",
        "public/deep/er.txt",
        "./private/./key.pem",
    ] {
        for tool in ["read_text_file", "read_media_file", "get_file_info", "delete_file"] {
            // The link itself hides nothing.
            if path == "env.txt" && tool == "delete_file" {
                continue;
            }
            let words = refused(&source, tool, json!({"path": path})).await;
            assert!(words.contains("there is no"), "{tool} {path}: {words}");
        }
        refused(&source, "write_file", json!({"path": path, "content": "x"})).await;
        refused(&source, "copy_file", json!({"source": path, "destination": "copy.txt"})).await;
        if path != "env.txt" {
            refused(&source, "move_file", json!({"source": path, "destination": "moved.txt"})).await;
        }
    }
    for path in ["private", "public"] {
        refused(&source, "list_directory", json!({"path": path})).await;
        refused(&source, "directory_tree", json!({"path": path})).await;
        refused(&source, "search_files_content", json!({"path": path, "query": "crown"})).await;
    }
    let listed = data(&source, "list_directory", json!({"path": place.root})).await.to_string();
    let tree = data(&source, "directory_tree", json!({"path": place.root, "ignored": true})).await.to_string();
    assert!(!listed.contains("private") && !listed.contains("\".env"), "{listed}");
    assert!(!tree.contains("private") && !tree.to_lowercase().contains(".env"), "{tree}");
    let found =
        data(&source, "search_files_content", json!({"path": place.root, "query": "crown", "ignored": true})).await;
    assert_eq!(found["matches"], json!([]));
    // A folder does not take what is hidden in it to another name.
    let carried = refused(&source, "move_file", json!({"source": "sub", "destination": "elsewhere"})).await;
    assert!(carried.contains("stays as it is"), "{carried}");
    let uri = format!("file://{}/.env", place.root.display());
    assert!(source.read(&uri, &context()).await.is_err());
    assert_eq!(place.read(".env"), JEWELS_FILE);
}

#[tokio::test]
async fn a_uri_leads_where_a_path_does() {
    let place = Place::new();
    place.write("in file.txt", "in");
    let source: Arc<dyn Source> = place.open(json!({})).await;
    let root = place.root.display();
    let read = source.read(&format!("file://{root}/in%20file.txt"), &context()).await.expect("a text");
    assert_eq!(serde_json::to_value(&read.contents[0]).unwrap()["text"], "in");
    for uri in [
        format!("file://{root}/../secret.txt"),
        format!("file://{root}/%2e%2e/secret.txt"),
        format!("file://{root}/..%2fsecret.txt"),
        format!("file://{root}/in%20file.txt%00"),
        format!("file://{}/secret.txt", place.outside().display()),
        format!("file://{root}-evil/secret.txt"),
        "file:///etc/passwd".to_owned(),
        "file://otherhost/etc/passwd".to_owned(),
        "file://localhost/etc/passwd".to_owned(),
        format!("http://{root}/in file.txt"),
        "/etc/passwd".to_owned(),
    ] {
        let refusal = source.read(&uri, &context()).await.expect_err(&uri);
        assert!(!refusal.public().contains(JEWELS), "{uri}");
    }
}

#[tokio::test]
async fn a_clients_folders_narrow_and_never_widen() {
    let place = Place::new();
    place.write("mine/a.txt", "mine");
    place.write("other/b.txt", "other");
    std::os::unix::fs::symlink("../other", place.root.join("mine/link")).unwrap();
    let source = place.open(json!({"client_roots": true})).await;
    let with = |uris: &[String]| {
        let roots = uris.iter().map(|uri| Root { uri: uri.clone(), name: None }).collect();
        let mut cx = context();
        cx.downstream = Arc::new(Recorder::answering(Answer::Roots(roots)));
        cx
    };
    let read = async |cx: &Context, path: &str| {
        let arguments = json!({"path": place.path(path)}).as_object().cloned().unwrap();
        source.call("read_text_file", &arguments, cx).await.is_ok()
    };
    let uri = |path: &str| format!("file://{}", place.path(path));
    let mine = with(&[uri("mine")]);
    assert!(
        read(&mine, "mine/a.txt").await && !read(&mine, "other/b.txt").await && !read(&mine, "mine/link/b.txt").await
    );
    let above = with(&["file:///".to_owned()]);
    assert!(read(&above, "mine/a.txt").await && read(&above, "other/b.txt").await);
    let arguments = json!({"path": place.outside().join("secret.txt")}).as_object().cloned().unwrap();
    assert!(source.call("read_text_file", &arguments, &above).await.is_err(), "a client's folder does not widen ours");
    let elsewhere = with(&["file:///nowhere".to_owned(), "https://x.example/".to_owned()]);
    assert!(!read(&elsewhere, "mine/a.txt").await);
    let allowed = source.call("list_allowed_directories", &JsonObject::new(), &mine).await.unwrap();
    assert_eq!(allowed.structured_content.unwrap()["directories"], json!([place.root.join("mine")]));
    assert!(read(&context(), "other/b.txt").await, "a client that can't tell is held by ours alone");
}

#[tokio::test]
async fn words_tell_nothing_of_the_host() {
    let place = Place::new();
    let source = place.writable().await;
    let words = refused(&source, "read_text_file", json!({"path": "/var/lib/other/thing.txt"})).await;
    assert_eq!(
        words,
        "`/var/lib/other/thing.txt` is not in the folders that are served here; list_allowed_directories tells them"
    );
    let missing = refused(&source, "read_text_file", json!({"path": "missing.txt"})).await;
    assert!(!missing.contains("os error"), "{missing}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Whatever is written for a path, it is refused or lies within the root.
    #[test]
    fn no_text_is_a_path_outside(parts in prop::collection::vec(prop_oneof![
        Just("..".to_owned()), Just(".".to_owned()), Just(String::new()), Just("secret.txt".to_owned()), Just("top".to_owned()),
        Just("top-evil".to_owned()), Just("\\".to_owned()), Just("%2e%2e".to_owned()), Just("~".to_owned()), "[ -~]{0,6}", "\\PC{0,4}",
    ], 0..6), absolute: bool) {
        let place = Place::new();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let source = place.open(json!({})).await;
            let path = parts.join("/");
            let path = if absolute { format!("{}/{path}", place.root.display()) } else { path };
            if let Ok(read) = call(&source, "read_text_file", json!({"path": path})).await {
                panic!("{path:?} was read: {read:?}");
            }
            if let Ok(listed) = call(&source, "list_directory", json!({"path": path})).await {
                let listed = listed.structured_content.unwrap();
                assert_eq!(listed["entries"], json!([]), "{path:?} led to {listed}");
            }
        });
    }
}
