//! Any rules on any names: one more deny never allows more, and a call that may go on stands in the lists.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| portwright_fuzz::policy::judge(bytes));
