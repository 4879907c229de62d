//! Whatever a crash leaves behind, the chain goes on and hides no loss.

use std::process::{Command, Stdio};
use std::sync::OnceLock;

use portwright_core::RefusalKind;
use proptest::prelude::*;
use proptest::sample::Index;

use super::*;
use crate::guard::audit::beside;

const COUNT: usize = 6;

/// The bytes of a file of six records, where its lines end, and its head after each of them.
struct History {
    log: Vec<u8>,
    ends: Vec<usize>,
    heads: Vec<Vec<u8>>,
}

fn history() -> &'static History {
    static HISTORY: OnceLock<History> = OnceLock::new();
    HISTORY.get_or_init(|| {
        let (_folder, file) = folder();
        let (mut ends, mut heads) = (vec![0], vec![Vec::new()]);
        for _ in 0..COUNT {
            written(&file, 1);
            ends.push(fs::metadata(&file).unwrap().len().try_into().unwrap());
            heads.push(fs::read(beside(&file, ".head")).unwrap());
        }
        History { log: fs::read(&file).unwrap(), ends, heads }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// Power fails: any prefix of the file is on the disk, perhaps with zeros after it, beside the head of any moment,
    /// perhaps with one slot spoiled.
    #[test]
    fn any_crash_is_recovered_from(len in any::<Index>(), head in 0..=COUNT, zeros in 0_usize..3, spoiled in any::<bool>()) {
        let history = history();
        let len = len.index(history.log.len() + 1);
        let kept = history.ends.iter().rposition(|end| *end <= len).unwrap();
        let mut log = history.log[..len].to_vec();
        log.resize(len + zeros * 100, 0);
        let mut slots = history.heads[head].clone();
        let mut known = head;
        if spoiled && head > 1 {
            // The slot that was being written: the other one tells of the record before.
            let slot = if (head - 1) % 2 == 0 { 0 } else { 512 };
            slots[slot + 20] ^= 1;
            known -= 1;
        }
        let (_folder, file) = folder();
        fs::write(&file, &log).unwrap();
        fs::write(beside(&file, ".head"), &slots).unwrap();

        written(&file, 2);

        let verified = whole(&file);
        let lost = known.saturating_sub(kept) as u64;
        let torn = log.len() > history.ends[kept];
        let marked = torn || lost > 0 || (head == 0 && kept > 0);
        prop_assert_eq!(verified.records, kept as u64 + u64::from(marked) + 2);
        prop_assert_eq!(verified.last_seq, Some(kept.max(known) as u64 + u64::from(marked) + 2));
        prop_assert_eq!(verified.lost, if kept > 0 { lost } else { 0 }, "lost at the very start, it is an earlier file");
        prop_assert_eq!(column(&file, "outcome").iter().filter(|outcome| *outcome == "recovered").count(), usize::from(marked));
    }
}

const CHILD: &str = "PORTWRIGHT_TEST_AUDIT_LIMITED";

/// A real limit of the system: the file may not grow beyond a few kilobytes, and a write is cut short there.
#[test]
fn a_write_that_is_cut_short_leaves_no_trace() {
    if let Some(file) = std::env::var_os(CHILD) {
        limited(Path::new(&file));
        return;
    }
    let (_folder, file) = folder();
    let output = Command::new("sh")
        // Without the trap the signal that comes with the limit would end the process.
        .args(["-c", r#"trap '' XFSZ; ulimit -f 8; exec "$0" "$@""#])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "guard::audit::tests::recovery::a_write_that_is_cut_short_leaves_no_trace", "--nocapture"])
        .env(CHILD, &file)
        .stdout(Stdio::piped())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    let full = beside(&file, ".full");
    let bytes = fs::read(&full).unwrap();
    assert!(bytes.ends_with(b"}\n") && bytes.len() > 2000, "whole lines only: {} bytes", bytes.len());
    assert_eq!(records(&full).len() as u64 + 1, whole(&file).first_seq.unwrap());
    assert!(!beside(&file, ".torn").exists());
}

fn limited(file: &Path) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let house = House::at(file);
    runtime.block_on(async {
        let refusal = loop {
            if let Err(refusal) = house.call("echo").await {
                break refusal;
            }
        };
        assert_eq!(refusal.kind(), RefusalKind::Unavailable);
        // What an operator would do; nobody restarts anything.
        fs::rename(file, beside(file, ".full")).unwrap();
        until("the audit recovers by itself", || house.audit.health() == portwright_core::Health::Ready).await;
        house.call("write").await.unwrap();
    });
}
