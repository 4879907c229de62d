//! Statements at the read-only guards.

use portwright_sources::postgres::testing::passes;

/// What must never pass, whatever stands before it.
const TAILS: &[&str] = &["\n; DELETE FROM t", "\n; SELECT 1", "\n, pg_read_file('x')", "\nINTO stolen", "\nFOR UPDATE"];

/// Judges a statement, and the same with more behind it.
pub fn read(bytes: &[u8]) {
    let Ok(sql) = std::str::from_utf8(bytes) else { return };
    if !passes(sql) {
        return;
    }
    assert!(passes(sql), "twice the same: {sql:?}");
    for tail in TAILS {
        let more = format!("{sql}{tail}");
        assert!(!passes(&more), "this passes: {more:?}");
    }
    let within = format!("SELECT * FROM ({}\n) q, pg_read_file('x')", sql.trim_end().trim_end_matches(';'));
    assert!(!passes(&within), "this passes: {within:?}");
}
