//! Any bytes as one whole conversation over stdio's framing: lines, envelopes, both lifecycles, the chain, the answers.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| portwright_fuzz::stdio::converse(bytes));
