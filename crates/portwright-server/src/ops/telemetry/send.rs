//! One request to a receiver, over gRPC or HTTP, and what its answer means.

use std::fmt;
use std::time::Duration;

use portwright_core::{Secret, async_trait};

use super::encode;
use super::plan::{Protocol, Receiver, Signal};

/// Brings a request to a receiver. Somebody else's HTTP client: this crate has none.
#[async_trait]
pub trait Carrier: fmt::Debug + Send + Sync {
    /// Posts it and reads the whole answer. The error is for the log, and holds no header.
    async fn post(&self, parcel: Parcel) -> Result<Carried, String>;
}

/// What is posted.
#[derive(Debug)]
pub struct Parcel {
    pub url: String,
    pub headers: Vec<(String, Secret)>,
    pub body: Vec<u8>,
    /// gRPC needs HTTP/2, also in the clear.
    pub http2: bool,
    pub wait: Duration,
}

/// An answer.
#[derive(Debug, Default)]
pub struct Carried {
    pub status: u16,
    /// Of the head or the trailers.
    pub grpc_status: Option<String>,
    pub body: Vec<u8>,
}

/// Why a receiver did not take a request.
#[derive(Debug)]
pub(super) struct Trouble {
    /// Whether trying again may help.
    pub(super) passes: bool,
    pub(super) words: String,
}

/// Sends it; gives how many items were rejected.
pub(super) async fn send(
    carrier: &dyn Carrier,
    receiver: &Receiver,
    signal: Signal,
    body: Vec<u8>,
) -> Result<u64, Trouble> {
    let grpc = receiver.protocol == Protocol::Grpc;
    let media_type = match receiver.protocol {
        Protocol::Grpc => "application/grpc",
        Protocol::HttpProtobuf => "application/x-protobuf",
        Protocol::HttpJson => "application/json",
    };
    let mut headers = receiver.headers.clone();
    headers.push(("content-type".to_owned(), Secret::new(media_type)));
    if grpc {
        headers.push(("te".to_owned(), Secret::new("trailers")));
    }
    let base = receiver.url.trim_end_matches('/');
    let parcel = Parcel {
        url: if grpc { format!("{base}{}", signal.rpc()) } else { receiver.url.clone() },
        headers,
        body: if grpc { framed(&body) } else { body },
        http2: grpc,
        wait: receiver.timeout,
    };
    let answer = carrier.post(parcel).await.map_err(|words| Trouble { passes: true, words })?;
    if answer.status != 200 && (grpc || !(200..300).contains(&answer.status)) {
        let passes = matches!(answer.status, 429 | 502..=504);
        return Err(Trouble { passes, words: format!("HTTP status {}", answer.status) });
    }
    match receiver.protocol {
        Protocol::Grpc => {
            let status = answer.grpc_status.as_deref().unwrap_or("missing");
            if status != "0" {
                // Cancelled, deadline, exhausted, aborted, out of range, unavailable, data loss: those that pass.
                let passes = matches!(status, "1" | "4" | "8" | "10" | "11" | "14" | "15");
                return Err(Trouble { passes, words: format!("gRPC status {status}") });
            }
            Ok(encode::rejected(answer.body.get(5..).unwrap_or_default()))
        }
        Protocol::HttpProtobuf => Ok(encode::rejected(&answer.body)),
        Protocol::HttpJson => Ok(rejected_in_json(&answer.body)),
    }
}

/// One message of a gRPC stream: not compressed, so long.
fn framed(body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len()).unwrap_or(u32::MAX);
    let mut framed = Vec::with_capacity(body.len() + 5);
    framed.push(0);
    framed.extend_from_slice(&length.to_be_bytes());
    framed.extend_from_slice(body);
    framed
}

fn rejected_in_json(body: &[u8]) -> u64 {
    let answer: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    let told = answer.get("partialSuccess").and_then(serde_json::Value::as_object);
    let count =
        told.and_then(|told| told.iter().find(|(name, _)| name.starts_with("rejected")).map(|(_, count)| count));
    count.and_then(|count| count.as_u64().or_else(|| count.as_str()?.parse().ok())).unwrap_or(0)
}
