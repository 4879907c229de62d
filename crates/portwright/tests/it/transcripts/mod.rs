//! Conversations as data: each file is run over every transport in each lifecycle that it knows, and must read the
//! same. That is the proof that a call looks the same wherever it came from.
//!
//! A file has lines `-> METHOD PARAMS` and `<- PATTERN`; `#` starts a comment. A pattern is JSON: objects and arrays must
//! hold at least what it holds, in this order; `"…text…"` is a string that holds the text, and `"…"` is any value.

mod examples;
mod folders;
mod pattern;

use serde_json::Value;

use crate::harness::duplex::{Sse, WebSocket};
use crate::harness::files::{File, files};
use crate::harness::server::{Portwright, serve};
use crate::harness::shop::Shop;
use crate::harness::wire::{Client, Era, Http, Stdio};

use pattern::mismatch;

#[test]
fn a_conversation_reads_the_same_everywhere() {
    let shop = Shop::sqlite();
    let server = Portwright::start(&shop.config());
    let transcripts = files("crates/portwright/tests/it/transcripts", &[".txt"]);
    assert!(transcripts.len() >= 3, "the transcripts are missing");
    let mut findings = Vec::new();
    for era in Era::BOTH {
        for file in &transcripts {
            let mut client = Http::connect(server.address, era);
            play(file, &mut client, &format!("http, {}", era.version()), &mut findings);
            let mut client = WebSocket::connect(server.address, era);
            play(file, &mut client, &format!("websocket, {}", era.version()), &mut findings);
            let own = Shop::sqlite();
            let mut client = Stdio::start(serve(&own.config()), era);
            play(file, &mut client, &format!("stdio, {}", era.version()), &mut findings);
            assert!(client.close().success(), "{}: the server did not end well with its input", file.path);
        }
    }
    for file in &transcripts {
        play(file, &mut Sse::connect(server.address), "sse", &mut findings);
    }
    assert!(findings.is_empty(), "{}", findings.join("\n"));
}

/// Plays one transcript and adds what does not fit.
fn play(file: &File, client: &mut dyn Client, way: &str, findings: &mut Vec<String>) {
    let mut answer = None;
    for (index, line) in file.text.lines().enumerate() {
        let place = || format!("{}:{} over {way}", file.path, index + 1);
        if let Some(request) = line.strip_prefix("-> ") {
            let (method, params) = request.split_once(' ').unwrap_or((request, "{}"));
            let params: Value = serde_json::from_str(params).unwrap_or_else(|error| panic!("{}: {error}", place()));
            answer = Some(client.request(method, &params));
        } else if let Some(pattern) = line.strip_prefix("<- ") {
            let pattern: Value = serde_json::from_str(pattern).unwrap_or_else(|error| panic!("{}: {error}", place()));
            let seen = answer.as_ref().unwrap_or_else(|| panic!("{}: nothing was asked", place()));
            if let Some(difference) = mismatch(&pattern, seen) {
                findings.push(format!("{}: {difference}\n    seen: {seen}", place()));
            }
        } else {
            assert!(line.is_empty() || line.starts_with('#'), "{}: what is this?", place());
        }
    }
}
