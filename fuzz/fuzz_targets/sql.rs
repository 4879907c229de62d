//! Any statement at the read-only guard: what passes is not the beginning of more.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| portwright_fuzz::sql::read(bytes));
