//! A killed process loses no acknowledged record.
//!
//! The test starts itself again as a child that audits calls and prints each id once its reply is there, kills it in
//! mid-flight, and looks for every printed id in the file.

use std::collections::HashSet;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use super::*;
use crate::guard::audit::{Rotation, files_of, verify_trail};

const CHILD: &str = "PORTWRIGHT_TEST_AUDIT_CHILD";
const ROUNDS: usize = 20;

#[test]
fn a_killed_process_loses_no_acknowledged_record() {
    if let Some(file) = std::env::var_os(CHILD) {
        child(Path::new(&file));
        return;
    }
    let (_folder, file) = folder();
    let mut acknowledged = HashSet::new();
    for round in 0..ROUNDS {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "guard::audit::tests::crash::a_killed_process_loses_no_acknowledged_record",
                "--nocapture",
            ])
            .env(CHILD, &file)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        // Each round is killed a little later than the one before it.
        let mut wanted = 20 + round * 61;
        let mut replies = lines.by_ref().map_while(Result::ok).filter(|line| line.starts_with("ack "));
        while wanted > 0 {
            acknowledged.insert(replies.next().expect("the child goes on until it is killed"));
            wanted -= 1;
        }
        child.kill().unwrap();
        // What it printed before it died was acknowledged too.
        acknowledged.extend(replies.filter(|line| line.ends_with(" done")));
        child.wait().unwrap();
    }
    let files = files_of(&file).unwrap();
    assert!(files.len() > ROUNDS, "files were rotated while processes were killed: {}", files.len());
    let recorded: HashSet<String> = files
        .iter()
        .flat_map(|file| column(file, "id"))
        .map(|id| format!("ack {} done", id.as_str().unwrap()))
        .collect();
    let missing: Vec<_> = acknowledged.difference(&recorded).collect();
    assert!(missing.is_empty(), "{} of {} are missing: {missing:?}", missing.len(), acknowledged.len());
    let found = verify_trail(&file).unwrap_or_else(|broken| panic!("{broken}"));
    assert_eq!(found.all.lost, 0);
}

/// Audits calls from several tasks until it is killed.
fn child(file: &Path) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let rotation = Rotation { size_bytes: Some(20_000), ..Rotation::default() };
    let plan = AuditPlan { rotation, ..AuditPlan::new(file) };
    let house = Arc::new(House::new(Audit::open(&plan).unwrap()));
    runtime.block_on(async {
        let mut tasks = tokio::task::JoinSet::new();
        for task in 0..4 {
            let house = house.clone();
            tasks.spawn(async move {
                for at in 0_u64.. {
                    let id = format!("{}-{task}-{at}", std::process::id());
                    let tool = if at % 3 == 0 { "write" } else { "echo" };
                    house.run(&call(&house.source, tool), &cx(&id)).await.unwrap();
                    // The parent is the client: what it reads is acknowledged.
                    let mut out = std::io::stdout().lock();
                    if writeln!(out, "ack {id} done").is_err() {
                        return;
                    }
                }
            });
        }
        while tasks.join_next().await.is_some() {}
    });
}
