//! `portwright audit`: the records of real calls, verified, shown and searched.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use serde_json::{Value, json};

use super::Folder;
use crate::harness::shop::Shop;

#[test]
fn calls_from_the_command_line_leave_their_records() {
    let shop = Shop::sqlite();
    let config = shop.config().display().to_string();
    let folder = Folder::with("");
    assert_eq!(folder.run(&["call", "-c", &config, "query_customers", "search_term=ada"]).code, 0);
    let records = shop.outcomes();
    assert_eq!((records.len(), &records[0]["transport"]), (1, &json!("in_process")));
    let file = shop.audit_file().display().to_string();
    let verified = folder.run(&["audit", "verify", &file, "--json"]);
    assert_eq!(verified.code, 0);
    assert_eq!(serde_json::from_str::<Value>(&verified.out).unwrap()["ok"], true);
    let text = std::fs::read_to_string(&file).unwrap().replacen("in_process", "in_Process", 1);
    std::fs::write(&file, text).unwrap();
    let broken = folder.run(&["audit", "verify", &file]);
    assert_eq!(broken.code, 5);
    assert!(broken.out.contains("broken") && broken.out.contains("line 1"), "{}", broken.out);
}

#[test]
fn a_trail_is_read_over_all_its_files() {
    let shop = Shop::sqlite();
    let text = std::fs::read_to_string(shop.config()).unwrap();
    let rotate = "[audit]\nrotate = { size = \"64KiB\", every = \"1ms\" }\nkeep = \"90d\"\nkeep_files = 8\n";
    assert!(text.contains("[audit]\n"));
    std::fs::write(shop.config(), text.replacen("[audit]\n", rotate, 1)).unwrap();
    let (config, folder) = (shop.config().display().to_string(), Folder::with(""));
    for _ in 0..3 {
        assert_eq!(folder.run(&["call", "-c", &config, "query_customers", "search_term=ada"]).code, 0);
    }
    let file = shop.audit_file();
    let path = file.display().to_string();
    let found = folder.run(&["audit", "verify", &path]);
    assert_eq!(found.code, 0, "{}{}", found.out, found.errors);
    assert!(found.out.contains("in 3 files, unbroken"), "{}", found.out);
    let all = folder.run(&["audit", "query", &path, "--outcome", "ok", "--json"]);
    assert_eq!(all.out.lines().count(), 3, "{}", all.out);
    let parent = file.parent().unwrap();
    let whole = folder.run(&["audit", "verify", &parent.display().to_string(), "--json"]);
    assert_eq!(serde_json::from_str::<Value>(&whole.out).unwrap()["found"]["files"].as_array().unwrap().len(), 3);
    let names = parent.read_dir().unwrap().map(|entry| entry.unwrap().path());
    let oldest = names.filter(|path| path.to_string_lossy().contains("audit-")).min().unwrap();
    std::fs::remove_file(oldest).unwrap();
    let broken = folder.run(&["audit", "verify", &path]);
    assert_eq!(broken.code, 5);
    assert!(broken.out.contains("was taken away"), "{}", broken.out);
}

/// A shop in which three calls were made, one of them refused.
fn shop_with_calls() -> (Shop, Folder, String) {
    let (shop, folder) = (Shop::sqlite(), Folder::with(""));
    let config = shop.config().display().to_string();
    for (call, code) in [
        (&["query_customers", "search_term=ada"][..], 0),
        (&["query_customers", "limit=1"], 7),
        (&["run_sql_query", "sql=SELECT 1"], 0),
    ] {
        let words = [&["call", "-c", &config], call].concat();
        assert_eq!(folder.run(&words).code, code, "{words:?}");
    }
    let file = shop.audit_file().display().to_string();
    (shop, folder, file)
}

#[test]
fn the_records_that_fit_are_found() {
    let (_shop, folder, file) = shop_with_calls();
    let names = |filter: &[&str]| -> Vec<Value> {
        let found = folder.run(&[&["audit", "query", &file, "--json"], filter].concat());
        assert_eq!(found.code, 0, "{}", found.errors);
        let records = found.out.lines().map(|line| serde_json::from_str::<Value>(line).expect("a record"));
        records.map(|record| record["name"].clone()).collect()
    };
    assert_eq!(names(&[]), ["query_customers", "query_customers", "run_sql_query"]);
    assert_eq!(names(&["--limit", "1"]), ["run_sql_query"], "the latest");
    assert_eq!(names(&["--name", "query_*"]), ["query_customers", "query_customers"]);
    assert_eq!(names(&["--outcome", "ok", "--name", "query_*", "--since", "1h"]), ["query_customers"]);
    assert_eq!(names(&["--since", "2999-01-01"]), [] as [&str; 0]);
    assert_eq!(names(&["--until", "2000-01-01T00:00:00Z"]), [] as [&str; 0]);
    for (filter, value) in [("--principal", "nobody"), ("--source", "other"), ("--operation", "x"), ("--flag", "stray")]
    {
        assert_eq!(names(&[filter, value]), [] as [&str; 0], "{filter}");
    }
    assert_eq!(names(&["--source", "shop", "--operation", "tools/call"]).len(), 3);
    let table = folder.run(&["audit", "query", &file, "--outcome", "refused"]);
    assert!(table.out.contains("query_customers") && !table.out.contains("run_sql_query"), "{}", table.out);
    assert_eq!(folder.run(&["audit", "query", &file, "--principal", "nobody"]).out, "no record fits\n");
    let cut = folder.run(&["audit", "query", &file, "--limit", "2"]);
    assert!(cut.errors.contains("1 older records fit as well"), "{}", cut.errors);
    for (flag, wrong) in [("--since", "yesterday"), ("--name", "[")] {
        assert_eq!(folder.run(&["audit", "query", &file, flag, wrong]).code, 2, "{wrong}");
    }
}

#[test]
fn several_files_are_read_as_one_in_order_of_time() {
    let folder = Folder::with("");
    let line = |ts: &str, name: &str| format!("{{\"ts\":\"{ts}\",\"name\":\"{name}\"}}\n");
    let one = line("2026-01-01T00:00:00.000001Z", "a") + &line("2026-01-01T00:00:03.000001Z", "c");
    std::fs::write(folder.file("audit.jsonl"), one).expect("written");
    // A name that would clear the screen, and a line that is no record.
    let other = line("2026-01-01T00:00:02.000001Z", "b\\u001b[2J") + "nonsense\n{\"ts\":\"2026-01-01T00:0";
    std::fs::write(folder.file("audit.2.jsonl"), other).expect("written");
    let found = folder.run(&["audit", "query", "audit.jsonl", "audit.2.jsonl", "--limit", "2"]);
    let (b, c) = (found.out.find("b\u{fffd}[2J").expect("b"), found.out.find(" c ").expect("c"));
    assert!(b < c && !found.out.contains('\u{1b}') && !found.out.contains(" a "), "{}", found.out);
}

#[test]
fn the_last_records_are_shown() {
    let (_shop, folder, file) = shop_with_calls();
    let shown = folder.run(&["audit", "tail", &file, "-n", "2"]);
    let lines: Vec<_> = shown.out.lines().collect();
    assert_eq!(lines.len(), 2, "{}", shown.out);
    assert!(lines[0].contains("query_customers refused") && lines[1].contains("run_sql_query ok"), "{}", shown.out);
    assert_eq!(folder.run(&["audit", "tail", &file, "-n", "0"]).out, "");
    assert_eq!(folder.run(&["audit", "tail", &file, "--json"]).out, std::fs::read_to_string(&file).expect("read"));
    assert_eq!(folder.run(&["audit", "tail", "nowhere.jsonl"]).code, 2);
}

#[test]
fn records_that_come_are_followed() {
    let folder = Folder::with("");
    let file = folder.file("audit.jsonl");
    std::fs::write(&file, "{\"name\":\"before\"}\n{\"name\":\"ha").expect("written");
    let mut command = folder.command(["audit", "tail", "audit.jsonl", "--follow", "--json"]);
    let mut tail = command.stdout(Stdio::piped()).spawn().expect("started");
    let mut lines = BufReader::new(tail.stdout.take().expect("piped")).lines();
    let mut next = || lines.next().expect("a line").expect("text");
    assert_eq!(next(), "{\"name\":\"before\"}");
    let append = std::fs::OpenOptions::new().append(true).open(&file).expect("opened");
    std::io::Write::write_all(&mut { append }, b"lf\"}\n").expect("written");
    assert_eq!(next(), "{\"name\":\"half\"}", "a record is shown when it is whole");
    // Moved away, and begun anew.
    std::fs::write(&file, "{\"name\":\"new\"}\n").expect("written");
    assert_eq!(next(), "{\"name\":\"new\"}");
    // Rotated: what came to the old file last is shown before what stands in the new one.
    let append = std::fs::OpenOptions::new().append(true).open(&file).expect("opened");
    std::fs::rename(&file, folder.file("audit-2026-11-23T105502.123456Z.jsonl")).expect("moved");
    std::io::Write::write_all(&mut { append }, b"{\"name\":\"last\"}\n").expect("written");
    std::fs::write(&file, "{\"name\":\"a longer line than all that stood in the file before it\"}\n").expect("written");
    assert_eq!(next(), "{\"name\":\"last\"}");
    assert!(next().contains("a longer line"));
    tail.kill().expect("ended");
    tail.wait().expect("ended");
}
