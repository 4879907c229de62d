//! Writing.

use std::fs;

use serde_json::json;

use super::{Place, call, data, refused, text};

#[tokio::test]
async fn a_file_is_written_as_a_whole_and_stays_what_it_was() {
    let place = Place::new();
    let source = place.writable().await;
    let made = data(&source, "write_file", json!({"path": "new.txt", "content": "hello"})).await;
    assert_eq!((&made["created"], &made["bytes"]), (&json!(true), &json!(5)));
    let digest = made["sha256"].as_str().unwrap().to_owned();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(place.root.join("new.txt"), fs::Permissions::from_mode(0o750)).unwrap();
    }
    let stale = json!({"path": "new.txt", "content": "x", "expected_sha256": "00"});
    assert!(refused(&source, "write_file", stale).await.contains("read it again"));
    let again = json!({"path": "new.txt", "content": "hello again", "expected_sha256": digest});
    assert_eq!(data(&source, "write_file", again).await["created"], false);
    assert_eq!(place.read("new.txt"), b"hello again");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(place.root.join("new.txt")).unwrap().permissions().mode() & 0o777, 0o750);
    }
    let more = json!({"path": "new.txt", "content": "!", "mode": "append"});
    assert_eq!(data(&source, "write_file", more).await["bytes"], 12);
    assert_eq!(place.read("new.txt"), b"hello again!");
    let new = json!({"path": "new.txt", "content": "", "mode": "create_new"});
    assert!(refused(&source, "write_file", new).await.contains("exists already"));
    let new = json!({"path": "newer.txt", "content": "n", "mode": "create_new"});
    assert_eq!(data(&source, "write_file", new).await["created"], true);
    let missing = refused(&source, "write_file", json!({"path": "no/such/folder.txt", "content": ""})).await;
    assert!(missing.contains("there is no"), "{missing}");
    let left: Vec<_> = fs::read_dir(&place.root).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 2, "something was left behind: {left:?}");
}

#[tokio::test]
async fn an_edit_fails_rather_than_guess() {
    let place = Place::new();
    let source = place.writable().await;
    place.write("code.rs", "fn a() {}\nfn b() {}\nfn a() {}\n");
    let edit = |old: &str, new: &str| json!({"path": "code.rs", "edits": [{"oldText": old, "newText": new}]});
    assert!(refused(&source, "edit_file", edit("fn a() {}", "x")).await.contains("2 times"));
    assert!(refused(&source, "edit_file", edit("", "x")).await.contains("empty"));
    let near = refused(&source, "edit_file", edit("  fn b() {}\n", "x")).await;
    assert!(near.contains("Line 2 is like its first line"), "{near}");
    let counted = json!({"path": "code.rs", "edits": [{"oldText": "fn a", "newText": "fn c", "expectedMatches": 3}]});
    assert!(refused(&source, "edit_file", counted).await.contains("not 3"));
    // The second edit fails, so the first is not made either.
    let both = json!({"path": "code.rs", "edits": [{"oldText": "fn b", "newText": "fn x"}, {"oldText": "zzz", "newText": ""}]});
    assert!(refused(&source, "edit_file", both).await.contains("edit 2"));
    assert_eq!(place.read("code.rs"), b"fn a() {}\nfn b() {}\nfn a() {}\n");
    let dry =
        json!({"path": "code.rs", "edits": [{"oldText": "fn b() {}", "newText": "fn b() { 1 }"}], "dryRun": true});
    let shown = call(&source, "edit_file", dry).await.unwrap();
    assert!(
        text(&shown).contains("-fn b() {}\n+fn b() { 1 }\n") && text(&shown).contains("dry run"),
        "{}",
        text(&shown)
    );
    assert_eq!(place.read("code.rs"), b"fn a() {}\nfn b() {}\nfn a() {}\n");
    let all = json!({"path": "code.rs", "edits": [{"oldText": "fn a", "newText": "fn z", "replaceAll": true}]});
    assert_eq!(data(&source, "edit_file", all).await["replaced"], 2);
    assert_eq!(place.read("code.rs"), b"fn z() {}\nfn b() {}\nfn z() {}\n");
}

#[tokio::test]
async fn line_ends_marks_and_encodings_outlive_an_edit() {
    let place = Place::new();
    let source = place.writable().await;
    let edit = async |name: &str, old: &str, new: &str| {
        data(&source, "edit_file", json!({"path": name, "edits": [{"oldText": old, "newText": new}]})).await
    };
    place.write("dos.txt", "one\r\ntwo\r\nthree\r\n");
    let done = edit("dos.txt", "one\ntwo", "1\n2").await;
    assert_eq!(place.read("dos.txt"), b"1\r\n2\r\nthree\r\n");
    assert!(done["diff"].as_str().unwrap().contains(" three␍\n"), "{}", done["diff"]);
    place.write("mixed.txt", "one\r\ntwo\nthree\r\n");
    edit("mixed.txt", "two\n", "2\n").await;
    assert_eq!(place.read("mixed.txt"), b"one\r\n2\nthree\r\n");
    place.write("bom.txt", b"\xef\xbb\xbfone two\n");
    edit("bom.txt", "two", "2").await;
    assert_eq!(place.read("bom.txt"), b"\xef\xbb\xbfone 2\n");
    place.write("latin.txt", b"Gr\xfc\xdfe aus K\xf6ln, sch\xf6ne Gr\xfc\xdfe\n");
    edit("latin.txt", "Köln", "Düren").await;
    assert_eq!(place.read("latin.txt"), b"Gr\xfc\xdfe aus D\xfcren, sch\xf6ne Gr\xfc\xdfe\n");
    let lacking = json!({"path": "latin.txt", "edits": [{"oldText": "Düren", "newText": "東京"}]});
    assert!(refused(&source, "edit_file", lacking).await.contains("lacks a character"));
    let utf16: Vec<u8> =
        [0xff, 0xfe].into_iter().chain("one\r\ntwo\r\n".encode_utf16().flat_map(u16::to_le_bytes)).collect();
    place.write("utf16.txt", &utf16);
    edit("utf16.txt", "two", "zwölf").await;
    let expected: Vec<u8> =
        [0xff, 0xfe].into_iter().chain("one\r\nzwölf\r\n".encode_utf16().flat_map(u16::to_le_bytes)).collect();
    assert_eq!(place.read("utf16.txt"), expected);
    // Bytes that make no text are not made into replacement characters.
    place.write("half.txt", b"\xef\xbb\xbfgood \xff\xfe bad\n");
    let broken = json!({"path": "half.txt", "edits": [{"oldText": "good", "newText": "well"}]});
    assert!(refused(&source, "edit_file", broken).await.contains("can't be edited safely"));
    assert_eq!(place.read("half.txt"), b"\xef\xbb\xbfgood \xff\xfe bad\n");
}

#[tokio::test]
async fn moving_and_copying_replace_nothing_by_themselves() {
    let place = Place::new();
    let source = place.writable().await;
    place.write("a.txt", "A");
    place.write("b.txt", "B");
    place.write("folder/c.txt", "C");
    let pair = |from: &str, to: &str| json!({"source": from, "destination": to});
    for tool in ["move_file", "copy_file"] {
        assert!(refused(&source, tool, pair("a.txt", "b.txt")).await.contains("exists already"), "{tool}");
        assert!(refused(&source, tool, pair("a.txt", "folder")).await.contains("folder/a.txt"), "{tool}");
        assert!(refused(&source, tool, pair("zz.txt", "y.txt")).await.contains("there is no"), "{tool}");
    }
    assert_eq!(place.read("b.txt"), b"B");
    data(&source, "copy_file", pair("a.txt", "copy.txt")).await;
    data(&source, "move_file", pair("a.txt", "folder/a.txt")).await;
    assert!(!place.root.join("a.txt").exists());
    assert_eq!((place.read("copy.txt"), place.read("folder/a.txt")), (b"A".to_vec(), b"A".to_vec()));
    data(&source, "move_file", json!({"source": "copy.txt", "destination": "b.txt", "overwrite": true})).await;
    assert_eq!(place.read("b.txt"), b"A");
    data(&source, "move_file", pair("folder", "moved")).await;
    assert_eq!(place.read("moved/c.txt"), b"C");
    assert!(refused(&source, "move_file", pair("moved", "moved/into/itself")).await.contains("there is no"));
    fs::create_dir(place.root.join("moved/into")).unwrap();
    assert!(refused(&source, "move_file", pair("moved", "moved/into/itself")).await.contains("into itself"));
}

#[tokio::test]
async fn folders_are_made_and_things_deleted_with_a_word_before() {
    let place = Place::new();
    let source = place.writable().await;
    assert_eq!(data(&source, "create_directory", json!({"path": "x/y/z"})).await["created"], true);
    assert_eq!(data(&source, "create_directory", json!({"path": "x/y/z"})).await["created"], false);
    place.write("x/one.txt", "1");
    place.write("x/y/two.txt", "2");
    let refusal = refused(&source, "delete_file", json!({"path": "x"})).await;
    assert!(refusal.contains("2 files and 2 folders"), "{refusal}");
    let dry = data(&source, "delete_file", json!({"path": "x", "recursive": true, "dryRun": true})).await;
    assert_eq!((&dry["files"], &dry["directories"], &dry["done"]), (&json!(2), &json!(3), &json!(false)));
    assert!(place.root.join("x/y/two.txt").exists());
    data(&source, "delete_file", json!({"path": "x/one.txt"})).await;
    assert!(!place.root.join("x/one.txt").exists());
    data(&source, "delete_file", json!({"path": "x", "recursive": true})).await;
    assert!(!place.root.join("x").exists());
    assert!(refused(&source, "delete_file", json!({"path": place.root})).await.contains("stays as it is"));
    assert!(place.root.exists());
}

#[cfg(unix)]
#[tokio::test]
async fn other_names_of_a_file_are_not_written_through() {
    let place = Place::new();
    fs::hard_link(place.outside().join("secret.txt"), place.root.join("twin.txt")).unwrap();
    let source = place.writable().await;
    assert_eq!(data(&source, "read_text_file", json!({"path": "twin.txt"})).await["content"], "the crown jewels");
    for (tool, arguments) in [
        ("write_file", json!({"path": "twin.txt", "content": "x"})),
        ("write_file", json!({"path": "twin.txt", "content": "x", "mode": "append"})),
        ("edit_file", json!({"path": "twin.txt", "edits": [{"oldText": "crown", "newText": "x"}]})),
    ] {
        assert!(refused(&source, tool, arguments).await.contains("other names"), "{tool}");
    }
    assert_eq!(fs::read(place.outside().join("secret.txt")).unwrap(), b"the crown jewels");
    let strict = place.open(json!({"hard_links": "refuse"})).await;
    assert!(refused(&strict, "read_text_file", json!({"path": "twin.txt"})).await.contains("other names"));
    let loose = place.open(json!({"hard_links": "write", "access": "read-write"})).await;
    data(&loose, "write_file", json!({"path": "twin.txt", "content": "mine"})).await;
    assert_eq!(fs::read(place.outside().join("secret.txt")).unwrap(), b"the crown jewels");
}
