//! What happens to calls and chain when the file fails.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex};

use portwright_core::{Health, RefusalKind, limits};
use serde_json::{Value, json};

use super::*;
use crate::guard::audit::record::Link;
use crate::guard::audit::store::{Found, Store};
use crate::guard::audit::{HeadState, beside};

/// Stands before a store and fails or hangs when it is told to.
#[derive(Default)]
struct Faults {
    full: AtomicBool,
    /// Something is wrong that hinders no record.
    odd: AtomicBool,
    tries: AtomicUsize,
    hung: Mutex<bool>,
    wake: Condvar,
}

impl Faults {
    fn hang(&self, on: bool) {
        *self.hung.lock().unwrap() = on;
        self.wake.notify_all();
    }
}

struct Faulting<S>(S, Arc<Faults>);

impl<S: Store> Store for Faulting<S> {
    fn ready(&mut self) -> io::Result<(Link, Option<Found>)> {
        self.0.ready()
    }

    fn append(&mut self, lines: &[u8], last: Link) -> io::Result<()> {
        self.1.tries.fetch_add(1, Ordering::SeqCst);
        drop(self.1.wake.wait_while(self.1.hung.lock().unwrap(), |hung| *hung).unwrap());
        if self.1.full.load(Ordering::SeqCst) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.0.append(lines, last)
    }

    fn concern(&self) -> Option<&'static str> {
        self.1.odd.load(Ordering::SeqCst).then_some("it is odd")
    }
}

fn faulting(file: &Path, required: bool) -> (House, Arc<Faults>) {
    let faults = Arc::new(Faults::default());
    let store =
        super::super::FileStore::open(file, super::super::Durability::Process, super::super::Rotation::default())
            .unwrap();
    let plan = AuditPlan { required, ..AuditPlan::new(file) };
    let audit = Audit::start(Faulting(store, faults.clone()), &plan).unwrap();
    (House::new(audit), faults)
}

#[tokio::test]
async fn on_a_full_disk_nothing_runs_unrecorded() {
    let (_folder, file) = folder();
    let (house, faults) = faulting(&file, true);
    house.call("write").await.unwrap();
    faults.full.store(true, Ordering::SeqCst);

    let refusal = house.call("write").await.unwrap_err();
    assert_eq!(refusal.kind(), RefusalKind::Unavailable);
    assert!(refusal.public().contains("could not be recorded") || refusal.public().contains("can't be recorded"));
    assert_eq!(house.source.calls(), 1, "a call with effects did not run");
    assert!(matches!(house.audit.health(), Health::Degraded(_)));
    assert_eq!(house.call("echo").await.unwrap_err().kind(), RefusalKind::Unavailable);
    assert_eq!(house.source.calls(), 1, "nor did one without, once the fault was known");

    faults.full.store(false, Ordering::SeqCst);
    until("the audit recovers by itself", || house.audit.health() == Health::Ready).await;
    house.call("write").await.unwrap();
    let outcomes = column(&file, "outcome");
    assert_eq!(outcomes, ["intent", "ok", "intent", "failed", "failed", "intent", "ok"], "nothing is missing");
    assert_eq!(column(&file, "flags")[2], json!(["withheld"]), "the call behind this intent was not made");
    assert_eq!(column(&file, "flags")[4], json!([]), "this refusal is what its caller got");
    whole(&file);
}

#[tokio::test]
async fn what_hinders_no_record_is_told_as_long_as_it_lasts() {
    let (_folder, file) = folder();
    let (house, faults) = faulting(&file, true);
    for (odd, health) in [(true, Health::Degraded("it is odd".to_owned())), (false, Health::Ready)] {
        faults.odd.store(odd, Ordering::SeqCst);
        house.call("write").await.unwrap();
        house.audit.flush().await;
        assert_eq!(house.audit.health(), health);
    }
}

#[tokio::test]
async fn a_reply_without_its_record_is_withheld() {
    let (_folder, file) = folder();
    let (house, faults) = faulting(&file, true);
    faults.full.store(true, Ordering::SeqCst);
    let refusal = house.call("echo").await.unwrap_err();
    assert_eq!(house.source.calls(), 1, "it ran: the fault was not known yet");
    assert_eq!(refusal.public(), "the call could not be recorded, so its reply is withheld; try again later");
    faults.full.store(false, Ordering::SeqCst);
    until("the record follows", || fs::read(&file).is_ok_and(|bytes| !bytes.is_empty())).await;
    assert_eq!(column(&file, "flags"), [json!(["withheld"])]);
}

#[tokio::test]
async fn an_audit_that_is_not_required_refuses_nothing() {
    let (_folder, file) = folder();
    let (house, faults) = faulting(&file, false);
    faults.full.store(true, Ordering::SeqCst);
    for _ in 0..3 {
        house.call("write").await.unwrap();
    }
    until("the fault shows", || house.audit.health() != Health::Ready).await;
    faults.full.store(false, Ordering::SeqCst);
    until("the records follow", || house.audit.health() == Health::Ready).await;
    drop(house);
    assert_eq!(whole(&file).records, 6);
    assert!(column(&file, "flags").iter().all(|flags| *flags == json!([])), "no reply was withheld");
}

#[tokio::test]
async fn a_file_that_hangs_refuses_calls_and_holds_none_for_ever() {
    let (_folder, file) = folder();
    let (house, faults) = faulting(&file, true);
    house.call("echo").await.unwrap();
    faults.hang(true);
    tokio::time::pause();
    let refusal = house.call("echo").await.unwrap_err();
    assert_eq!(refusal.kind(), RefusalKind::Unavailable);
    tokio::time::resume();
    assert_eq!(house.source.calls(), 2);
    assert_eq!(house.call("echo").await.unwrap_err().kind(), RefusalKind::Unavailable);
    assert_eq!(house.source.calls(), 2, "the next one is refused at once and not made");

    // Nor does the queue grow without end.
    for _ in 0..limits::AUDIT_QUEUE_MAX {
        let _ = house.call("echo").await;
    }
    assert_eq!(house.call("echo").await.unwrap_err().kind(), RefusalKind::Limited);
    faults.hang(false);
    until("the audit recovers by itself", || house.audit.health() == Health::Ready).await;
    house.call("echo").await.unwrap();
    until("those without a record are counted", || column(&file, "outcome").contains(&json!("unrecorded"))).await;
    let verified = whole(&file);
    assert!(verified.records > limits::AUDIT_QUEUE_MAX as u64, "{verified}");
}

#[tokio::test]
async fn a_file_that_is_moved_away_continues_in_a_new_one() {
    let (_folder, file) = folder();
    let house = House::at(&file);
    for _ in 0..3 {
        house.call("echo").await.unwrap();
    }
    let moved = beside(&file, ".1");
    fs::rename(&file, &moved).unwrap();
    house.call("echo").await.unwrap();
    let verified = whole(&file);
    assert_eq!((verified.records, verified.first_seq, verified.last_seq), (2, Some(4), Some(5)));
    assert_eq!(column(&file, "outcome"), ["recovered", "ok"]);
    assert_eq!(records(&file)[0]["prev"], records(&moved)[2]["hash"], "the chain goes on");
    assert_eq!((verified.head, verified.lost), (HeadState::Matches, 0));
}

#[tokio::test]
async fn what_was_lost_is_told_by_a_record() {
    let (_folder, file) = folder();
    let house = House::at(&file);
    for _ in 0..5 {
        house.call("echo").await.unwrap();
    }
    let bytes = fs::read(&file).unwrap();
    let third = bytes.split_inclusive(|byte| *byte == b'\n').take(3).map(<[u8]>::len).sum::<usize>();
    OpenOptions::new().write(true).open(&file).unwrap().set_len(third as u64 - 10).unwrap();
    house.call("echo").await.unwrap();
    drop(house);
    let verified = whole(&file);
    assert_eq!((verified.records, verified.last_seq, verified.lost, verified.lost_before), (4, Some(7), 3, vec![3]));
    let told = &records(&file)[2]["args"];
    assert_eq!(
        (&told["found_seq"], &told["torn_bytes"]),
        (
            &json!(2),
            &json!(third - 10 - bytes.split_inclusive(|byte| *byte == b'\n').take(2).map(<[u8]>::len).sum::<usize>())
        )
    );
    let torn = fs::read_to_string(beside(&file, ".torn")).unwrap();
    assert!(torn.starts_with("{\"seq\":3,"), "half lines are kept: {torn}");

    // The record of a loss does not excuse another loss.
    let kept: Vec<String> = fs::read_to_string(&file).unwrap().lines().map(str::to_owned).collect();
    fs::write(
        &file,
        [&kept[0], &kept[2], &kept[3], ""].map(|line| format!("{line}\n")).concat().trim_end().to_owned() + "\n",
    )
    .unwrap();
    assert_eq!(verify(&file).unwrap_err().line, 2);
}

#[tokio::test]
async fn a_chain_goes_on_after_a_restart() {
    let (_folder, file) = folder();
    for _ in 0..3 {
        let house = House::at(&file);
        house.call("echo").await.unwrap();
    }
    let verified = whole(&file);
    assert_eq!((verified.records, verified.lost), (3, 0));
    // A lost head leaves its mark, so that it can't hide a cut tail.
    fs::remove_file(beside(&file, ".head")).unwrap();
    House::at(&file).call("echo").await.unwrap();
    assert_eq!(records(&file)[3]["args"]["head_missing"], Value::Bool(true));
    // So does a deleted file.
    fs::remove_file(&file).unwrap();
    House::at(&file).call("echo").await.unwrap();
    assert_eq!((whole(&file).first_seq, whole(&file).records), (Some(6), 2));
}

#[test]
fn a_head_that_lags_by_a_batch_is_no_loss() {
    let (_folder, file) = folder();
    written(&file, 3);
    let head = fs::read(beside(&file, ".head")).unwrap();
    written(&file, 3);
    fs::write(beside(&file, ".head"), head).unwrap();
    assert_eq!(whole(&file).head, HeadState::Behind);
    written(&file, 1);
    let verified = whole(&file);
    assert_eq!((verified.records, verified.lost, verified.head), (7, 0, HeadState::Matches));
}

#[test]
fn what_does_not_verify_is_not_appended_to() {
    let open = |file: &Path| {
        let error = Audit::open(&AuditPlan::new(file)).unwrap_err();
        let cause = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
        (error.to_string(), cause)
    };
    let (_folder, file) = folder();
    written(&file, 3);
    let bytes = fs::read(&file).unwrap();
    let mut changed = bytes.clone();
    let at = changed.len() - 100;
    changed[at] ^= 1;
    fs::write(&file, &changed).unwrap();
    let (words, cause) = open(&file);
    assert!(words.contains("can't be opened") && cause.contains("its last line does not verify"), "{cause}");
    assert!(cause.contains("move the file away"), "{cause}");
    assert_eq!(fs::read(&file).unwrap(), changed, "nothing was appended");

    let (_other_folder, other) = folder();
    written(&other, 5);
    fs::copy(&other, &file).unwrap();
    assert!(open(&file).1.contains("not the file that its head file tells of"));
    fs::write(&file, "not an audit file\n").unwrap();
    assert!(open(&file).1.contains("not an audit record"));
    assert!(open(&file.join("below")).0.contains("can't be opened"));

    fs::remove_file(&file).unwrap();
    let made = std::process::Command::new("mkfifo").arg(&file).status().unwrap();
    assert!(made.success());
    assert_eq!(open(&file).1, "it is not a regular file");
    assert!(verify(&file).unwrap_err().what.contains("not a regular file"));
    fs::remove_file(&file).unwrap();
    fs::create_dir(&file).unwrap();
    assert_eq!(open(&file).1, "it is not a regular file");
}

#[test]
fn a_device_that_is_full_is_no_audit_file() {
    let error = Audit::open(&AuditPlan::new("/dev/full")).unwrap_err();
    assert_eq!(std::error::Error::source(&error).unwrap().to_string(), "it is not a regular file");
}

#[test]
fn one_process_a_file() {
    let (_folder, file) = folder();
    let first = Audit::open(&AuditPlan::new(&file)).unwrap();
    let second = Audit::open(&AuditPlan::new(&file)).unwrap();
    let third = Audit::open(&AuditPlan::new(&file)).unwrap();
    let own = |number: u8| file.with_file_name(format!("audit.{number}.jsonl"));
    assert!(file.exists() && own(2).exists() && own(3).exists() && !own(4).exists());
    drop((first, third));
    let again = Audit::open(&AuditPlan::new(&file)).unwrap();
    assert!(!own(4).exists(), "a file that is free is taken first");
    drop((second, again));
}

#[cfg(unix)]
#[test]
fn nobody_else_reads_the_file() {
    use std::os::unix::fs::PermissionsExt;
    let (_folder, file) = folder();
    written(&file, 1);
    for path in [file.clone(), beside(&file, ".head")] {
        assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
    }
    let mut foreign = OpenOptions::new().append(true).open(&file).unwrap();
    foreign.write_all(b"{\"torn\":").unwrap();
    written(&file, 1);
    assert_eq!(column(&file, "outcome"), ["ok", "recovered", "ok"]);
}
