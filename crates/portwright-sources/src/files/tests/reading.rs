//! Reading.

use std::ops::RangeInclusive;

use serde_json::json;

use super::{Place, call, data, refused, text};

/// A text with a line for each number.
fn lines(numbers: RangeInclusive<u32>, line: &str) -> String {
    numbers.flat_map(|number| line.replace("{}", &number.to_string()).chars().collect::<Vec<_>>()).collect()
}

#[tokio::test]
async fn a_part_of_a_text_is_read_by_its_lines() {
    let place = Place::new();
    let path = place.write("ten.txt", lines(1..=10, "line {}\n"));
    let source = place.open(json!({})).await;
    let read = async |more: serde_json::Value| {
        let mut arguments = json!({"path": path});
        arguments.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        data(&source, "read_text_file", arguments).await
    };
    let all = read(json!({})).await;
    assert_eq!((&all["lines"], &all["first_line"], &all["size"]), (&json!(10), &json!(1), &json!(71)));
    assert!(all.get("next_offset").is_none() && all.get("encoding").is_none());
    let some = read(json!({"offset": 4, "limit": 2})).await;
    assert_eq!(some["content"], "line 4\nline 5\n");
    assert_eq!(some["next_offset"], 6);
    assert_eq!(read(json!({"head": 1})).await["content"], "line 1\n");
    // A text that ends with a line end has no empty line after it.
    assert_eq!(read(json!({"tail": 3})).await["content"], "line 8\nline 9\nline 10\n");
    assert_eq!(read(json!({"tail": 99})).await["lines"], 10);
    assert_eq!(
        read(json!({"byte_offset": 64})).await["content"],
        "ine 10
"[..]
            .to_owned()
    );
    let numbered =
        call(&source, "read_text_file", json!({"path": path, "offset": 9, "line_numbers": true})).await.unwrap();
    assert_eq!(text(&numbered), "     9\tline 9\n    10\tline 10\n");
    assert!(
        refused(&source, "read_text_file", json!({"path": path, "offset": 12})).await.contains("there is no line 12")
    );
    assert!(
        refused(&source, "read_text_file", json!({"path": path, "tail": 1, "head": 1})).await.contains("one of them")
    );
}

#[tokio::test]
async fn a_long_text_is_read_in_parts_that_make_the_whole() {
    let place = Place::new();
    let whole: String = lines(0..=4999, "{} — ünïcode\n");
    let path = place.write("long.txt", &whole);
    let source = place.open(json!({"max_bytes": "4KiB"})).await;
    let (mut offset, mut parts) = (Some(1), String::new());
    while let Some(at) = offset {
        let part = data(&source, "read_text_file", json!({"path": path, "offset": at})).await;
        assert!(part["content"].as_str().unwrap().len() <= 4096);
        parts.push_str(part["content"].as_str().unwrap());
        offset = part["next_offset"].as_u64();
    }
    assert_eq!(parts, whole);
    let (mut byte, mut parts) = (Some(0), String::new());
    while let Some(at) = byte {
        let part = data(&source, "read_text_file", json!({"path": path, "byte_offset": at})).await;
        parts.push_str(part["content"].as_str().unwrap());
        byte = part["next_byte_offset"].as_u64();
    }
    assert_eq!(parts, whole);
    let tail = data(&source, "read_text_file", json!({"path": path, "tail": 5000})).await;
    let tail = tail["content"].as_str().unwrap();
    assert!(tail.len() <= 4096 && whole.ends_with(tail) && tail.starts_with(|c: char| c.is_ascii_digit()));
}

#[tokio::test]
async fn one_line_without_end_is_read_by_its_bytes() {
    let place = Place::new();
    let path = place.write("line.json", "ä".repeat(5000));
    let source = place.open(json!({"max_bytes": "1KiB"})).await;
    let first = data(&source, "read_text_file", json!({"path": path})).await;
    assert!(first["content"].as_str().unwrap().len() <= 1024);
    let (mut byte, mut letters) = (Some(0), 0);
    while let Some(at) = byte {
        let part = data(&source, "read_text_file", json!({"path": path, "byte_offset": at})).await;
        letters += part["content"].as_str().unwrap().chars().filter(|letter| *letter == 'ä').count();
        byte = part["next_byte_offset"].as_u64();
    }
    assert_eq!(letters, 5000);
}

#[tokio::test]
async fn a_file_without_end_takes_no_memory() {
    let place = Place::new();
    let path = place.write("huge.log", "first\n");
    let file = std::fs::OpenOptions::new().append(true).open(&path).unwrap();
    for _ in 0..200_000 {
        use std::io::Write;
        (&file).write_all(b"some words of a log that goes on and on\n").unwrap();
    }
    let source = place.open(json!({})).await;
    let part = data(&source, "read_text_file", json!({"path": path, "offset": 150_000, "limit": 2})).await;
    assert_eq!(part["lines"], 2);
    assert_eq!(data(&source, "read_text_file", json!({"path": path, "tail": 1})).await["lines"], 1);
}

#[tokio::test]
async fn text_in_any_encoding_is_told_from_what_is_none() {
    let place = Place::new();
    let utf16: Vec<u8> = [0xff, 0xfe].into_iter().chain("Grüße\n".encode_utf16().flat_map(u16::to_le_bytes)).collect();
    place.write("utf16.txt", utf16);
    place.write("plain16.txt", "hello world\n".encode_utf16().flat_map(u16::to_be_bytes).collect::<Vec<_>>());
    place.write("latin.txt", b"Gr\xfc\xdfe aus K\xf6ln, sch\xf6ne Gr\xfc\xdfe\n");
    place.write("bom.txt", b"\xef\xbb\xbfmarked\n");
    place.write("sjis.txt", encoding_rs::SHIFT_JIS.encode("これは日本語のテキストです。漢字も入っています。").0);
    place.write("image.png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR");
    place.write("empty.txt", "");
    let source = place.open(json!({})).await;
    for (name, content, encoding) in [
        ("utf16.txt", "Grüße\n", Some("UTF-16LE")),
        ("plain16.txt", "hello world\n", Some("UTF-16BE")),
        ("latin.txt", "Grüße aus Köln, schöne Grüße\n", Some("windows-1252")),
        ("bom.txt", "marked\n", None),
        ("sjis.txt", "これは日本語のテキストです。漢字も入っています。", Some("Shift_JIS")),
        ("empty.txt", "", None),
    ] {
        let read = data(&source, "read_text_file", json!({"path": name})).await;
        assert_eq!((read["content"].as_str(), read["encoding"].as_str()), (Some(content), encoding), "{name}");
    }
    let words = refused(&source, "read_text_file", json!({"path": "image.png"})).await;
    assert!(words.contains("image/png") && words.contains("read_media_file"), "{words}");
}

#[tokio::test]
async fn what_is_no_text_is_read_as_what_it_is() {
    let place = Place::new();
    place.write("image.PNG", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR");
    place.write("sound.wav", b"RIFF\0\0\0\0WAVEfmt ");
    place.write("thing.bin", b"\0\x01\x02");
    let source = place.open(json!({})).await;
    let kinds = async |name: &str| {
        let result = call(&source, "read_media_file", json!({"path": name})).await.expect(name);
        serde_json::to_value(&result.content[1]).unwrap()
    };
    let image = kinds("image.PNG").await;
    assert_eq!((&image["type"], &image["mimeType"]), (&json!("image"), &json!("image/png")));
    assert_eq!(kinds("sound.wav").await["type"], "audio");
    let other = kinds("thing.bin").await;
    assert_eq!((&other["type"], &other["resource"]["blob"]), (&json!("resource"), &json!("AAEC")));
    let words = refused(&source, "read_media_file", json!({"path": "thing.bin", "max_bytes": 2})).await;
    assert!(words.contains("at most"), "{words}");
}

#[tokio::test]
async fn several_files_are_read_and_one_that_can_not_be_hides_none() {
    let place = Place::new();
    place.write("a.txt", "A");
    place.write("b.txt", "B");
    let source = place.open(json!({})).await;
    let read = data(&source, "read_multiple_files", json!({"paths": ["a.txt", "missing.txt", "b.txt"]})).await;
    assert_eq!(read["files"][0]["content"], "A");
    assert!(read["files"][1]["error"].as_str().unwrap().contains("there is no"));
    assert_eq!(read["files"][2]["content"], "B");
}

#[tokio::test]
async fn a_folder_is_listed_in_pages_with_what_things_are() {
    let place = Place::new();
    for number in 0..25 {
        place.write(&format!("file{number:02}.txt"), "x".repeat(number));
    }
    std::fs::create_dir(place.root.join("folder")).unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink(place.outside().join("secret.txt"), place.root.join("link")).unwrap();
    let source = place.open(json!({})).await;
    let (mut names, mut cursor) = (Vec::new(), None);
    loop {
        let mut arguments = json!({"path": place.root, "limit": 10});
        if let Some(cursor) = &cursor {
            arguments["cursor"] = json!(cursor);
        }
        let page = data(&source, "list_directory", arguments).await;
        let entries = page["entries"].as_array().unwrap();
        assert!(entries.len() <= 10);
        names.extend(entries.iter().map(|entry| (entry["name"].clone(), entry["type"].clone(), entry["size"].clone())));
        cursor = page["next"].as_str().map(str::to_owned);
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(names.len(), if cfg!(unix) { 27 } else { 26 });
    assert!(names.contains(&(json!("folder"), json!("directory"), json!(null))));
    // A link is a link, and says nothing of what it leads to.
    #[cfg(unix)]
    assert!(names.contains(&(json!("link"), json!("symlink"), json!(null))));
    let largest = data(&source, "list_directory", json!({"path": place.root, "sortBy": "size", "limit": 3})).await;
    let sizes: Vec<_> = largest["entries"].as_array().unwrap().iter().map(|entry| entry["size"].as_u64()).collect();
    assert_eq!(sizes, [Some(24), Some(23), Some(22)]);
    assert_eq!(largest["next"], "at:3");
    assert!(refused(&source, "list_directory", json!({"path": place.root, "cursor": "x"})).await.contains("cursor"));
}

#[tokio::test]
async fn a_tree_is_outlined_without_what_git_ignores() {
    let place = Place::new();
    place.write("src/main.rs", "");
    place.write("src/deep/er/x.rs", "");
    place.write("target/debug/huge", "");
    place.write(".git/config", "");
    place.write(".gitignore", "/target\n*.log\n!keep.log\n");
    place.write("a.log", "");
    place.write("keep.log", "");
    let source = place.open(json!({})).await;
    let tree = data(&source, "directory_tree", json!({"path": place.root})).await;
    assert_eq!(
        tree["entries"],
        json!([".gitignore", "keep.log", "src/", "src/deep/", "src/deep/er/", "src/deep/er/x.rs", "src/main.rs"])
    );
    let flat =
        data(&source, "directory_tree", json!({"path": place.root, "maxDepth": 1, "excludePatterns": ["*.log"]})).await;
    assert_eq!(flat["entries"], json!([".gitignore", "src/"]));
    let cut = data(&source, "directory_tree", json!({"path": place.root, "maxEntries": 2})).await;
    assert_eq!((cut["entries"].as_array().unwrap().len(), &cut["truncated"]), (2, &json!(true)));
    let all = data(&source, "directory_tree", json!({"path": place.root, "ignored": true})).await;
    assert!(all["entries"].as_array().unwrap().contains(&json!("target/debug/huge")));
    let below = data(&source, "directory_tree", json!({"path": place.path("target"), "ignored": false})).await;
    assert_eq!(below["entries"], json!(["debug/", "debug/huge"]));
}

#[tokio::test]
async fn what_is_known_of_a_file_is_told() {
    let place = Place::new();
    let path = place.write("a.md", "hello\n");
    let source = place.open(json!({})).await;
    let info = data(&source, "get_file_info", json!({"path": path, "sha256": true})).await;
    assert_eq!(
        (&info["type"], &info["size"], &info["mime_type"]),
        (&json!("file"), &json!(6), &json!("text/markdown"))
    );
    assert_eq!(info["sha256"], "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03");
    assert!(info["modified"].as_str().unwrap().ends_with('Z'));
    assert_eq!(data(&source, "get_file_info", json!({"path": place.root})).await["type"], "directory");
    let allowed = data(&source, "list_allowed_directories", json!({})).await;
    assert_eq!(allowed["directories"], json!([place.root]));
}
