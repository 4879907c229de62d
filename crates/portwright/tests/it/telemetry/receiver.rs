//! [`Receiver`]: what takes OpenTelemetry's exports, over each of its protocols, read by the official types.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use opentelemetry_proto::tonic::collector::logs::v1::logs_service_server::{LogsService, LogsServiceServer};
use opentelemetry_proto::tonic::collector::logs::v1::{ExportLogsServiceRequest, ExportLogsServiceResponse};
use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_server::{
    MetricsService, MetricsServiceServer,
};
use opentelemetry_proto::tonic::collector::metrics::v1::{ExportMetricsServiceRequest, ExportMetricsServiceResponse};
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{TraceService, TraceServiceServer};
use opentelemetry_proto::tonic::collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse};
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value::Value};
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::metrics::v1::Metric;
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use tonic::{Request, Response, Status};

/// What came so far.
#[derive(Debug, Default, Clone)]
pub(super) struct Taken {
    pub(super) traces: Vec<ExportTraceServiceRequest>,
    pub(super) metrics: Vec<ExportMetricsServiceRequest>,
    pub(super) logs: Vec<ExportLogsServiceRequest>,
    /// The values of the header `x-key`.
    pub(super) keys: Vec<String>,
}

impl Taken {
    pub(super) fn spans(&self) -> Vec<Span> {
        let scopes = self.traces.iter().flat_map(|request| &request.resource_spans).flat_map(|one| &one.scope_spans);
        scopes.flat_map(|scope| scope.spans.clone()).collect()
    }

    pub(super) fn log_records(&self) -> Vec<LogRecord> {
        let scopes = self.logs.iter().flat_map(|request| &request.resource_logs).flat_map(|one| &one.scope_logs);
        scopes.flat_map(|scope| scope.log_records.clone()).collect()
    }

    pub(super) fn numbers(&self) -> Vec<Metric> {
        let scopes = self.metrics.iter().flat_map(|request| &request.resource_metrics);
        scopes.flat_map(|one| &one.scope_metrics).flat_map(|scope| scope.metrics.clone()).collect()
    }

    pub(super) fn resource(&self) -> Option<Resource> {
        self.traces.first()?.resource_spans.first()?.resource.clone()
    }
}

/// The text of an attribute.
pub(super) fn attribute<'a>(attributes: &'a [KeyValue], key: &str) -> Option<&'a str> {
    let value = attributes.iter().find(|attribute| attribute.key == key)?.value.as_ref()?.value.as_ref()?;
    match value {
        Value::StringValue(text) => Some(text),
        _ => None,
    }
}

/// A receiver on a port of its own, until the test program ends.
#[derive(Debug, Clone)]
pub(super) struct Receiver {
    pub(super) address: SocketAddr,
    taken: Arc<Mutex<Taken>>,
}

impl Receiver {
    pub(super) fn taken(&self) -> Taken {
        self.taken.lock().expect("no panic").clone()
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// gRPC, by the official services.
    pub(super) fn grpc() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.set_nonblocking(true).expect("not blocking");
        let receiver = Self { address: listener.local_addr().expect("an address"), taken: Arc::default() };
        let services = Services(receiver.taken.clone());
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async move {
                let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
                let incoming = futures::stream::unfold(listener, |listener| async move {
                    let accepted = listener.accept().await.map(|(stream, _)| stream);
                    Some((accepted, listener))
                });
                let server = tonic::transport::Server::builder()
                    .add_service(TraceServiceServer::new(services.clone()))
                    .add_service(MetricsServiceServer::new(services.clone()))
                    .add_service(LogsServiceServer::new(services));
                server.serve_with_incoming(incoming).await.expect("served");
            });
        });
        receiver
    }

    /// HTTP, with protocol buffers or JSON, whichever comes.
    pub(super) fn http() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let receiver = Self { address: listener.local_addr().expect("an address"), taken: Arc::default() };
        let taken = receiver.taken.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let taken = taken.clone();
                std::thread::spawn(move || while one_request(&stream, &taken).is_some() {});
            }
        });
        receiver
    }

    /// Accepts connections and answers nothing.
    pub(super) fn silent() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let receiver = Self { address: listener.local_addr().expect("an address"), taken: Arc::default() };
        std::thread::spawn(move || {
            let held: Vec<_> = listener.incoming().flatten().collect();
            drop(held);
        });
        receiver
    }
}

/// Reads a request and answers it; none when the connection has ended.
fn one_request(mut stream: &TcpStream, taken: &Mutex<Taken>) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if line.trim().is_empty() {
            break;
        }
        head.push(line.trim().to_ascii_lowercase());
    }
    let header = |name: &str| head.iter().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    let mut body = vec![0; header("content-length")?.parse().ok()?];
    reader.read_exact(&mut body).ok()?;
    let json = header("content-type") == Some("application/json");
    let path = head.first()?.split(' ').nth(1)?;
    let mut taken = taken.lock().expect("no panic");
    taken.keys.extend(header("x-key").map(str::to_owned));
    match path {
        "/v1/traces" => taken.traces.push(decoded(&body, json)),
        "/v1/metrics" => taken.metrics.push(decoded(&body, json)),
        "/v1/logs" => taken.logs.push(decoded(&body, json)),
        other => panic!("nobody exports to {other}"),
    }
    drop(taken);
    let (kind, answer) = if json { ("application/json", "{}") } else { ("application/x-protobuf", "") };
    let length = answer.len();
    write!(stream, "HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\n\r\n{answer}").ok()
}

fn decoded<T: Message + Default + serde::de::DeserializeOwned>(body: &[u8], json: bool) -> T {
    if json { serde_json::from_slice(body).expect("OTLP's JSON") } else { T::decode(body).expect("OTLP's bytes") }
}

#[derive(Debug, Clone)]
struct Services(Arc<Mutex<Taken>>);

impl Services {
    fn take<T>(&self, request: Request<T>, push: impl FnOnce(&mut Taken, T)) {
        let mut taken = self.0.lock().expect("no panic");
        let key = request.metadata().get("x-key").and_then(|value| value.to_str().ok());
        taken.keys.extend(key.map(str::to_owned));
        push(&mut taken, request.into_inner());
    }
}

#[tonic::async_trait]
impl TraceService for Services {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        self.take(request, |taken, request| taken.traces.push(request));
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

#[tonic::async_trait]
impl MetricsService for Services {
    async fn export(
        &self,
        request: Request<ExportMetricsServiceRequest>,
    ) -> Result<Response<ExportMetricsServiceResponse>, Status> {
        self.take(request, |taken, request| taken.metrics.push(request));
        Ok(Response::new(ExportMetricsServiceResponse::default()))
    }
}

#[tonic::async_trait]
impl LogsService for Services {
    async fn export(
        &self,
        request: Request<ExportLogsServiceRequest>,
    ) -> Result<Response<ExportLogsServiceResponse>, Status> {
        self.take(request, |taken, request| taken.logs.push(request));
        Ok(Response::new(ExportLogsServiceResponse::default()))
    }
}
