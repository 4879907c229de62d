//! Any bytes at the listener: as they are, as the body of a request of either lifecycle, as frames of a WebSocket.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| portwright_fuzz::http::converse(bytes));
