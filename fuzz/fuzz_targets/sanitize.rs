//! Any text out of a source: what is cleaned is clean, and honest pieces of it stay.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| portwright_fuzz::sanitize::clean(bytes));
