//! The chain goes on from file to file, and a file that was taken away is missed.

use std::collections::HashSet;

use portwright_core::Health;

use super::*;
use crate::guard::audit::{HeadState, Rotation, VerifiedTrail, beside, files_of, verify_trail};

/// A trail with a new file for every few records, closed.
fn rotated(file: &Path, rotation: Rotation, calls: usize) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let house = House::new(Audit::open(&AuditPlan { rotation, ..AuditPlan::new(file) }).unwrap());
    runtime.block_on(async {
        for _ in 0..calls {
            house.call("echo").await.unwrap();
        }
    });
}

fn small() -> Rotation {
    Rotation { size_bytes: Some(1500), ..Rotation::default() }
}

fn followed(file: &Path) -> VerifiedTrail {
    verify_trail(file).unwrap_or_else(|broken| panic!("{broken}"))
}

#[test]
fn the_chain_goes_on_from_file_to_file() {
    let (_folder, file) = folder();
    rotated(&file, small(), 12);
    // A server that is started again goes on.
    rotated(&file, small(), 12);
    let files = files_of(&file).unwrap();
    assert!(files.len() > 4, "{files:?}");
    let found = followed(&file);
    assert_eq!((found.files, found.retired_seq, found.all.head), (files.clone(), None, HeadState::Matches));
    assert_eq!((found.all.first_seq, found.all.lost), (Some(1), 0));
    assert_eq!(found.all.records, 24 + files.len() as u64 - 1, "each new file begins with a record of its own");
    for (at, one) in files.iter().enumerate() {
        let first = &records(one)[0];
        assert_eq!(first["outcome"], if at == 0 { "ok" } else { "rotated" });
        whole(one);
        if at > 0 {
            let before = files[at - 1].file_name().unwrap().to_str().unwrap();
            assert_eq!(first["args"]["before"], before);
        }
    }
}

#[test]
fn a_file_that_was_taken_away_is_missed() {
    let (_folder, file) = folder();
    rotated(&file, small(), 20);
    let files = files_of(&file).unwrap();
    let away = file.with_file_name("away");
    for gone in &files[..files.len() - 1] {
        fs::rename(gone, &away).unwrap();
        let broken = verify_trail(&file).unwrap_err().to_string();
        assert!(broken.contains("was taken away"), "{broken}");
        fs::rename(&away, gone).unwrap();
    }
    // The last one: its tail is what the head file tells of.
    fs::write(&away, "").unwrap();
    fs::copy(&file, &away).unwrap();
    fs::write(&file, "").unwrap();
    assert!(verify_trail(&file).unwrap_err().to_string().contains("the tail was cut"));
    fs::copy(&away, &file).unwrap();
    // An old file's tail is held by the file after it.
    let text = fs::read_to_string(&files[1]).unwrap();
    let cut = &text[..=text.trim_end().rfind('\n').unwrap()];
    fs::write(&files[1], cut).unwrap();
    assert!(verify_trail(&file).unwrap_err().to_string().contains("was taken away"));
    fs::write(&files[1], text.replacen("echo", "ecno", 1)).unwrap();
    let broken = verify_trail(&file).unwrap_err();
    assert_eq!((broken.file, broken.broken.line), (files[1].clone(), 2));
}

#[test]
fn old_files_are_retired_whole_and_the_chain_says_so() {
    let (_folder, file) = folder();
    rotated(&file, Rotation { keep_files: Some(2), ..small() }, 30);
    let files = files_of(&file).unwrap();
    assert_eq!(files.len(), 3, "{files:?}");
    let found = followed(&file);
    assert_eq!(found.retired_seq, found.all.first_seq.map(|first| first - 1));
    assert!(found.all.first_seq > Some(1));
    // One more than was retired, now and after more files were retired.
    fs::remove_file(&files[0]).unwrap();
    assert!(verify_trail(&file).unwrap_err().to_string().contains("was taken away"));
}

#[test]
fn retiring_older_files_does_not_hide_that_one_was_taken_away() {
    let (_folder, file) = folder();
    rotated(&file, small(), 8);
    let files = files_of(&file).unwrap();
    fs::remove_file(&files[1]).unwrap();
    // Only the first file has had its time.
    let hours_ago = std::time::SystemTime::now() - Duration::from_hours(2);
    fs::File::options().append(true).open(&files[0]).unwrap().set_modified(hours_ago).unwrap();
    rotated(&file, Rotation { keep: Some(Duration::from_hours(1)), ..small() }, 4);
    assert!(!files[0].exists());
    assert!(verify_trail(&file).unwrap_err().to_string().contains("was taken away"));
}

#[test]
fn old_files_are_kept_as_long_as_the_plan_says() {
    let (_folder, file) = folder();
    rotated(&file, Rotation { keep: Some(Duration::from_hours(1)), ..small() }, 20);
    let all = files_of(&file).unwrap();
    let hours_ago = std::time::SystemTime::now() - Duration::from_hours(2);
    for old in [&all[0], &all[2]] {
        fs::File::options().append(true).open(old).unwrap().set_modified(hours_ago).unwrap();
    }
    rotated(&file, Rotation { keep: Some(Duration::from_hours(1)), ..small() }, 6);
    assert!(!all[0].exists(), "its time is over");
    assert!(all[2].exists(), "an older one stays, so it stays");
    followed(&file);
}

#[test]
fn a_file_is_rotated_by_age() {
    let (_folder, file) = folder();
    let every = Rotation { every: Some(Duration::from_millis(1)), ..Rotation::default() };
    rotated(&file, every, 3);
    std::thread::sleep(Duration::from_millis(2));
    rotated(&file, every, 1);
    assert!(files_of(&file).unwrap().len() > 1);
    followed(&file);
    let never = Rotation { every: Some(Duration::from_hours(1)), ..Rotation::default() };
    let before = files_of(&file).unwrap();
    rotated(&file, never, 3);
    assert_eq!(files_of(&file).unwrap(), before);
}

#[test]
fn a_crash_between_two_files_loses_nothing() {
    let (_folder, file) = folder();
    rotated(&file, Rotation::default(), 3);
    // Moved away, and the new file was not begun, or is still empty.
    let old = file.with_file_name("audit-2026-11-23T105502.123456Z.jsonl");
    fs::rename(&file, &old).unwrap();
    for empty in [false, true] {
        if empty {
            fs::write(&file, "").unwrap();
            assert_eq!(followed(&file).all.head, HeadState::Matches);
        }
    }
    rotated(&file, Rotation::default(), 3);
    let found = followed(&file);
    assert_eq!((found.all.first_seq, found.all.lost), (Some(1), 0));
    assert_eq!(column(&file, "outcome")[0], "recovered");
}

#[test]
fn what_can_not_be_rotated_is_recorded_where_it_is() {
    let (_folder, file) = folder();
    rotated(&file, Rotation::default(), 3);
    let mut seen = HashSet::new();
    // A folder that can't be read for its old files: one of them is no file that can be opened.
    let odd = file.with_file_name("audit-2026-11-23T105502.123456Z.jsonl");
    fs::write(&odd, "nonsense\n").unwrap();
    rotated(&file, small(), 3);
    seen.extend(files_of(&file).unwrap());
    assert!(seen.contains(&odd), "nobody knows what it is, so nobody removes it");
    assert!(verify_trail(&file).unwrap_err().file == odd);
    assert!(!beside(&file, ".torn").exists());
}

#[tokio::test]
async fn health_tells_of_a_file_that_can_not_be_rotated() {
    let (_folder, file) = folder();
    // With its time, the name would be longer than a name may be.
    let file = file.with_file_name(format!("{}.jsonl", "a".repeat(240)));
    let rotation = Rotation { every: Some(Duration::from_nanos(1)), ..Rotation::default() };
    let house = House::new(Audit::open(&AuditPlan { rotation, ..AuditPlan::new(&file) }).unwrap());
    for _ in 0..2 {
        house.call("echo").await.unwrap();
    }
    house.audit.flush().await;
    assert_eq!(house.audit.health(), Health::Degraded("the file can't be rotated".to_owned()));
    assert_eq!(column(&file, "outcome"), ["ok", "ok"], "no call is refused for that");
}
