//! Any path at a folder: it leads to nothing beside it.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| portwright_fuzz::files::reach(bytes));
