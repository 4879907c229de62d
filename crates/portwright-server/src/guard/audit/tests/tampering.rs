//! Whatever is done to the file, `verify` finds it.

use proptest::prelude::*;
use proptest::sample::Index;

use super::*;
use crate::guard::audit::{HeadState, beside};

const COUNT: usize = 4;

/// A file of four records and its head.
fn original() -> (TempDir, PathBuf, Vec<u8>) {
    let (folder, file) = folder();
    written(&file, COUNT);
    let bytes = fs::read(&file).unwrap();
    (folder, file, bytes)
}

fn lines(bytes: &[u8]) -> Vec<&[u8]> {
    bytes.split_inclusive(|byte| *byte == b'\n').collect()
}

#[test]
fn a_whole_file_is_told_as_such() {
    let (_folder, file, _) = original();
    let verified = whole(&file);
    assert_eq!((verified.records, verified.head, verified.lost), (4, HeadState::Matches, 0));
    assert!(verified.to_string().starts_with("4 records, unbroken, from 20"), "{verified}");
    assert!(serde_json::to_string(&verified).unwrap().contains(r#""records":4,"first_seq":1,"last_seq":4"#));
    fs::remove_file(beside(&file, ".head")).unwrap();
    assert_eq!(whole(&file).head, HeadState::Missing);
    fs::write(beside(&file, ".head"), "nonsense").unwrap();
    assert_eq!(whole(&file).head, HeadState::Unreadable);
    assert!(verify(&file.join("none")).unwrap_err().to_string().contains("can't be read"));
}

#[test]
fn every_changed_byte_is_found_in_its_line() {
    let (_folder, file, bytes) = original();
    let mut line = 1;
    for at in 0..bytes.len() {
        // The one changes a digit or letter into its neighbour, the other the case of a letter.
        let flip = if at % 2 == 0 { 0x01 } else { 0x20 };
        let mut changed = bytes.clone();
        changed[at] ^= flip;
        fs::write(&file, &changed).unwrap();
        let broken = verify(&file).unwrap_err();
        assert_eq!(broken.line, line, "byte {at} with {flip:#x}: {broken}");
        line += u64::from(bytes[at] == b'\n');
    }
}

#[test]
fn every_cut_is_found() {
    let (_folder, file, bytes) = original();
    for len in 0..bytes.len() {
        fs::write(&file, &bytes[..len]).unwrap();
        let broken = verify(&file).unwrap_err();
        assert!(broken.what.contains("the tail was cut"), "{len} bytes: {broken}");
    }
}

#[test]
fn every_dropped_line_is_found() {
    let (_folder, file, bytes) = original();
    for dropped in 0..COUNT - 1 {
        let mut kept = lines(&bytes);
        kept.remove(dropped);
        fs::write(&file, kept.concat()).unwrap();
        let broken = verify(&file).unwrap_err();
        assert_eq!(broken.line, dropped as u64 + 1, "{broken}");
        assert!(broken.what.contains("was dropped"), "{broken}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn swapped_and_inserted_lines_are_found(one in any::<Index>(), other in any::<Index>()) {
        let (_folder, file, bytes) = original();
        let all = lines(&bytes);
        let (one, other) = (one.index(COUNT), other.index(COUNT));
        let mut inserted = all.clone();
        inserted.insert(one, all[other]);
        fs::write(&file, inserted.concat()).unwrap();
        // A line put before itself is the second of the two that is too much.
        prop_assert_eq!(verify(&file).unwrap_err().line, one as u64 + if one == other { 2 } else { 1 });
        if one != other {
            let mut swapped = all.clone();
            swapped.swap(one, other);
            fs::write(&file, swapped.concat()).unwrap();
            prop_assert_eq!(verify(&file).unwrap_err().line, one.min(other) as u64 + 1);
        }
    }

    #[test]
    fn random_damage_is_found(at in any::<Index>(), with in any::<Vec<u8>>(), over in 0_usize..40) {
        let (_folder, file, bytes) = original();
        let at = at.index(bytes.len());
        let mut damaged = bytes.clone();
        damaged.splice(at..(at + over).min(bytes.len()), with);
        fs::write(&file, &damaged).unwrap();
        prop_assert_eq!(verify(&file).is_ok(), damaged == bytes);
    }
}

#[test]
fn another_file_under_this_head_is_found() {
    let (_folder, file, _) = original();
    let (_other_folder, other, _) = original();
    fs::copy(&other, &file).unwrap();
    let broken = verify(&file).unwrap_err();
    assert!(broken.what.contains("the file was rewritten"), "{broken}");
    assert_eq!(broken.line, 4);
    // Two files spliced together.
    let (one, two) = (fs::read(&file).unwrap(), original().2);
    let spliced = [&lines(&one)[..2], &lines(&two)[2..]].concat().concat();
    fs::write(&file, spliced).unwrap();
    assert_eq!(verify(&file).unwrap_err().line, 3);
}

#[test]
fn a_line_without_end_takes_no_memory() {
    let (_folder, file) = folder();
    fs::write(&file, vec![b'x'; 3 * portwright_core::limits::AUDIT_LINE_BYTES_MAX]).unwrap();
    assert_eq!(verify(&file).unwrap_err().to_string(), "line 1: it is not an audit record");
}
