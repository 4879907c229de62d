//! Brings what is exported to an OTLP receiver.

use std::error::Error;

use http_body_util::BodyExt;
use portwright_core::{async_trait, limits};
use portwright_server::{Carried, Carrier, Parcel};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, ClientBuilder, redirect};

/// Two clients: gRPC speaks HTTP/2 from its first byte, also without TLS.
#[derive(Debug)]
pub(super) struct Http {
    any: Client,
    second: Client,
}

impl Http {
    pub(super) fn new() -> Result<Self, reqwest::Error> {
        let builder = || -> ClientBuilder {
            Client::builder()
                .redirect(redirect::Policy::none())
                .referer(false)
                .no_proxy()
                .user_agent(concat!("portwright/", env!("CARGO_PKG_VERSION")))
        };
        Ok(Self { any: builder().build()?, second: builder().http2_prior_knowledge().build()? })
    }

    async fn answer(&self, parcel: Parcel) -> Result<Carried, String> {
        let client = if parcel.http2 { &self.second } else { &self.any };
        let mut headers = HeaderMap::new();
        for (name, value) in &parcel.headers {
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| "a header has no name".to_owned())?;
            let mut value =
                HeaderValue::from_str(value.expose()).map_err(|_| format!("the header {name} is no text"))?;
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        let asked = client.post(&parcel.url).headers(headers).body(parcel.body);
        let answer = asked.send().await.map_err(told)?;
        let mut carried = Carried { status: answer.status().as_u16(), ..Carried::default() };
        let status =
            |headers: &HeaderMap| headers.get("grpc-status").and_then(|value| value.to_str().ok()).map(str::to_owned);
        carried.grpc_status = status(answer.headers());
        let mut body = http::Response::<reqwest::Body>::from(answer).into_body();
        while let Some(frame) = body.frame().await {
            match frame.map_err(told)?.into_data() {
                Ok(piece) if carried.body.len() + piece.len() <= limits::EXPORT_ANSWER_BYTES_MAX => {
                    carried.body.extend_from_slice(&piece);
                }
                Ok(_) => return Err("the answer is too large".to_owned()),
                Err(frame) => {
                    if let Ok(trailers) = frame.into_trailers() {
                        carried.grpc_status = status(&trailers).or(carried.grpc_status);
                    }
                }
            }
        }
        Ok(carried)
    }
}

#[async_trait]
impl Carrier for Http {
    async fn post(&self, parcel: Parcel) -> Result<Carried, String> {
        let wait = parcel.wait;
        let answer = tokio::time::timeout(wait, self.answer(parcel)).await;
        answer.unwrap_or_else(|_| Err("there was no answer in time".to_owned()))
    }
}

/// An error with its causes and without its address, which may hold more than a log should.
fn told(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        words = format!("{words}: {error}");
        cause = error.source();
    }
    words
}
