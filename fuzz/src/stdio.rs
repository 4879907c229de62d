//! A conversation over stdio's framing. Time is the runtime's own and jumps when nothing is to be done, so that waits cost
//! nothing.

use std::cell::RefCell;

use portwright_core::{Principal, TransportKind};
use portwright_server::Server;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::runtime::{Builder, Runtime};
use tokio_util::sync::CancellationToken;

thread_local! {
    static PLACE: RefCell<Option<Place>> = const { RefCell::new(None) };
}

struct Place {
    server: Server,
    runtime: Runtime,
    inputs: u32,
}

impl Place {
    fn new() -> Self {
        let runtime = Builder::new_current_thread().enable_all().start_paused(true).build().expect("a runtime");
        let server = runtime.block_on(crate::server());
        Self { server, runtime, inputs: 0 }
    }
}

/// Says `bytes` to a server, hangs up, and looks at all that comes back.
pub fn converse(bytes: &[u8]) {
    PLACE.with_borrow_mut(|place| {
        if place.as_ref().is_some_and(|place| place.inputs >= crate::INPUTS_OF_ONE) {
            *place = None;
        }
        let place = place.get_or_insert_with(Place::new);
        place.inputs += 1;
        let answers = place.runtime.block_on(exchange(&place.server, bytes));
        for line in answers.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            let message: Value = serde_json::from_slice(line).expect("a line of the server is no JSON");
            crate::is_sound(&message);
        }
    });
}

async fn exchange(server: &Server, bytes: &[u8]) -> Vec<u8> {
    let (ours, theirs) = tokio::io::duplex(64 * 1024);
    let (input, output) = tokio::io::split(theirs);
    let (mut answers, mut questions) = tokio::io::split(ours);
    let principal = Principal::local("fuzz");
    let served = server.serve_io(input, output, TransportKind::Stdio, principal, CancellationToken::new());
    let spoken = async {
        questions.write_all(bytes).await.expect("the server reads to the end");
        questions.shutdown().await.expect("the server is told of the end");
    };
    let mut heard = Vec::new();
    let (served, (), read) = tokio::join!(served, spoken, answers.read_to_end(&mut heard));
    served.expect("a conversation ends well");
    read.expect("what the server wrote arrives");
    heard
}
