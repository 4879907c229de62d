//! Copies of the records: what sinks get, and what happens to calls when they fail.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use portwright_core::{Fetch, FetchError, FetchRequest, Fetched, Health, RefusalKind, Secret, async_trait, limits};
use serde_json::json;

use super::*;
use crate::guard::audit::sink::otlp::Otlp;
use crate::guard::audit::sink::stdout::StandardOutput;
use crate::guard::audit::sink::{Sink, SinkError, SinkPlan, Written};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mood {
    Well,
    Down,
    Hangs,
    /// It takes no record of the tool `write`.
    Choosy,
}

/// A place that keeps what it gets, in the mood that it is put in.
#[derive(Debug, Clone)]
struct Place(Arc<(Mutex<Mood>, Mutex<Vec<Written>>, AtomicUsize)>);

impl Place {
    fn new() -> Self {
        Self(Arc::new((Mutex::new(Mood::Well), Mutex::default(), AtomicUsize::new(0))))
    }

    fn set(&self, mood: Mood) {
        *self.0.0.lock().unwrap() = mood;
    }

    fn lines(&self) -> Vec<String> {
        self.0.1.lock().unwrap().iter().map(|written| written.line.clone()).collect()
    }

    fn tries(&self) -> usize {
        self.0.2.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl Sink for Place {
    fn name(&self) -> &'static str {
        "place"
    }

    async fn store(&self, records: &[Arc<Written>]) -> Result<(), SinkError> {
        self.0.2.fetch_add(1, Ordering::SeqCst);
        let mood = *self.0.0.lock().unwrap();
        match mood {
            Mood::Down => return Err(SinkError::Failed("it is down".to_owned())),
            Mood::Hangs => std::future::pending().await,
            Mood::Choosy if records.iter().any(|record| record.line.contains("\"write\"")) => {
                return Err(SinkError::Refused("not of my taste".to_owned()));
            }
            Mood::Choosy | Mood::Well => {}
        }
        self.0.1.lock().unwrap().extend(records.iter().map(|record| Written::clone(record)));
        Ok(())
    }
}

fn with(file: &Path, place: &Place, required: bool) -> House {
    let sinks = vec![SinkPlan { required, ..SinkPlan::new(place.clone()) }];
    House::new(Audit::open(&AuditPlan { sinks, ..AuditPlan::new(file) }).unwrap())
}

fn lines(file: &Path) -> Vec<String> {
    fs::read_to_string(file).unwrap().lines().map(str::to_owned).collect()
}

#[tokio::test]
async fn a_sink_gets_the_lines_of_the_file_in_their_order() {
    let (_folder, file) = folder();
    let place = Place::new();
    let house = with(&file, &place, true);
    house.call("echo").await.unwrap();
    house.call("write").await.unwrap();
    assert_eq!(place.lines(), lines(&file), "a required sink has them before the reply leaves");
    let told: Vec<_> = place.0.1.lock().unwrap().iter().map(|one| (one.seq, one.hash.clone())).collect();
    let expected: Vec<_> = records(&file)
        .iter()
        .map(|record| (record["seq"].as_u64().unwrap(), record["hash"].as_str().unwrap().to_owned()))
        .collect();
    assert_eq!(told, expected);
}

#[tokio::test]
async fn a_sink_that_is_not_required_holds_no_call() {
    for mood in [Mood::Down, Mood::Hangs] {
        let (_folder, file) = folder();
        let place = Place::new();
        let house = with(&file, &place, false);
        place.set(mood);
        for _ in 0..3 {
            house.call("write").await.unwrap();
        }
        until("health says so", || matches!(house.audit.health(), Health::Degraded(words) if words.contains("place")))
            .await;
        house.call("write").await.unwrap();
        place.set(Mood::Well);
        until("it is back", || house.audit.health() == Health::Ready).await;
        house.audit.flush().await;
        assert_eq!(place.lines(), lines(&file), "what came meanwhile follows");
        assert!(column(&file, "flags").iter().all(|flags| *flags == json!([])));
    }
}

#[tokio::test]
async fn a_required_sink_that_is_down_denies_calls_until_it_is_back() {
    let (_folder, file) = folder();
    let place = Place::new();
    let house = with(&file, &place, true);
    place.set(Mood::Down);
    let refusal = house.call("write").await.unwrap_err();
    assert_eq!(refusal.kind(), RefusalKind::Unavailable);
    assert_eq!(house.source.calls(), 0, "its intent was not stored, so it was not made");
    assert!(matches!(house.audit.health(), Health::Degraded(_)));
    assert_eq!(house.call("echo").await.unwrap_err().kind(), RefusalKind::Unavailable);
    assert_eq!(house.source.calls(), 0, "nor was the next");
    place.set(Mood::Well);
    until("it is back by itself", || house.audit.health() == Health::Ready).await;
    house.call("write").await.unwrap();
    assert_eq!(place.lines(), lines(&file), "the sink has the refusals too");
    whole(&file);
}

#[tokio::test]
async fn a_required_sink_that_hangs_denies_after_a_bound() {
    let (_folder, file) = folder();
    let place = Place::new();
    let house = with(&file, &place, true);
    house.call("echo").await.unwrap();
    place.set(Mood::Hangs);
    let refusal = house.call("echo").await.unwrap_err();
    assert_eq!(refusal.kind(), RefusalKind::Unavailable);
    assert!(matches!(house.audit.health(), Health::Degraded(words) if words == "place: it does not answer"));
    place.set(Mood::Well);
    until("it is back by itself", || house.audit.health() == Health::Ready).await;
    house.audit.flush().await;
    let told = records(&file);
    let late: Vec<_> = told.iter().filter(|record| record["operation"] == "audit/withheld").collect();
    assert_eq!(late.len(), 1, "the file says that the reply was withheld");
    assert_eq!(late[0]["args"], json!({"id": "r"}));
}

#[tokio::test]
async fn a_record_that_a_sink_refuses_does_not_stop_the_others() {
    let (_folder, file) = folder();
    let place = Place::new();
    let house = with(&file, &place, false);
    place.set(Mood::Choosy);
    for tool in ["echo", "write", "echo"] {
        house.call(tool).await.unwrap();
    }
    until("the chain says what it misses", || column(&file, "operation").contains(&json!("audit/unsent"))).await;
    house.audit.flush().await;
    assert_eq!(house.audit.health(), Health::Ready);
    assert_eq!(place.lines().iter().filter(|line| line.contains("\"echo\"")).count(), 2);
    let unsent: u64 = records(&file)
        .iter()
        .filter(|record| record["operation"] == "audit/unsent")
        .map(|record| record["args"]["records"].as_u64().unwrap())
        .sum();
    assert_eq!(unsent, 2, "the intent of the call and its outcome");
}

#[tokio::test]
async fn what_waits_for_a_sink_is_bounded_and_the_rest_is_counted() {
    let (_folder, file) = folder();
    let place = Place::new();
    place.set(Mood::Down);
    let audit = Audit::open(&AuditPlan::new(&file)).unwrap();
    let outlet = super::super::Outlet::open(&SinkPlan::new(place.clone()), &audit.open.queue);
    let line = "x".repeat(1024 * 1024);
    let count = 2 * limits::AUDIT_SINK_BYTES_MAX / line.len();
    for seq in 0..count {
        let written = Written::new(seq as u64, seq.to_string(), std::time::SystemTime::now(), line.clone());
        outlet.give(&Arc::new(written), None);
        tokio::task::yield_now().await;
    }
    assert!(place.tries() >= 1);
    until("the fault shows", || outlet.fault().is_some_and(|words| words.contains("are in the file alone"))).await;
    place.set(Mood::Well);
    until("the rest is stored", || outlet.fault().is_none()).await;
    let _ = outlet.flush().await;
    assert_eq!(place.lines().len(), limits::AUDIT_SINK_BYTES_MAX / line.len());
}

#[tokio::test]
async fn standard_output_gets_one_line_a_record_even_if_it_is_slow() {
    let (mut reader, writer) = tokio::io::duplex(64);
    let sink = StandardOutput::to(writer);
    let lines: Vec<_> = (1..4)
        .map(|seq| {
            Arc::new(Written::new(seq, "h", std::time::SystemTime::now(), format!("{{\"seq\":{seq}}}").repeat(9)))
        })
        .collect();
    let given_up = tokio::time::timeout(Duration::from_millis(20), sink.store(&lines)).await;
    assert!(given_up.is_err(), "nobody reads");
    let read = tokio::spawn(async move {
        let mut text = String::new();
        tokio::io::AsyncReadExt::read_to_string(&mut reader, &mut text).await.unwrap();
        text
    });
    sink.store(&lines).await.unwrap();
    drop(sink);
    let expected: Vec<&str> = lines.iter().map(|record| record.line.as_str()).collect();
    assert_eq!(read.await.unwrap(), expected.join("\n") + "\n", "each once, whole");
}

/// A receiver of logs.
#[derive(Debug, Default)]
struct Receiver {
    answer: Mutex<(u16, String)>,
    got: Mutex<Vec<FetchRequest>>,
}

#[async_trait]
impl Fetch for Receiver {
    async fn fetch(&self, request: FetchRequest) -> Result<Fetched, FetchError> {
        self.got.lock().unwrap().push(request);
        let (status, body) = self.answer.lock().unwrap().clone();
        Ok(Fetched { status, headers: Vec::new(), body: body.into_bytes() })
    }
}

#[tokio::test]
async fn a_receiver_of_logs_gets_records_that_it_can_tell_apart() {
    let receiver = Arc::new(Receiver::default());
    let headers = vec![("authorization".to_owned(), Secret::new("Bearer canary"))];
    let sink = Otlp::new("http://127.0.0.1:4318/", headers, "shop", receiver.clone());
    let at = std::time::UNIX_EPOCH + Duration::new(7, 5);
    let records = [Arc::new(Written::new(4, "d2f6", at, "{\"seq\":4}"))];
    let answers = [(200, "{}", "ok"), (204, "", "ok"), (400, "", "refused"), (503, "", "failed"), (401, "", "failed")];
    let partly = "{\"partialSuccess\":{\"rejectedLogRecords\":\"1\",\"errorMessage\":\"no\"}}";
    for (status, body, expected) in answers.into_iter().chain([(200, partly, "refused")]) {
        *receiver.answer.lock().unwrap() = (status, body.to_owned());
        let told = match sink.store(&records).await {
            Ok(()) => "ok",
            Err(SinkError::Refused(_)) => "refused",
            Err(SinkError::Failed(_)) => "failed",
        };
        assert_eq!(told, expected, "{status} {body}");
    }
    let got = receiver.got.lock().unwrap();
    assert_eq!(got[0].url, "http://127.0.0.1:4318/v1/logs");
    assert!(got[0].headers.iter().any(|(name, value)| name == "authorization" && value.expose() == "Bearer canary"));
    let body: Value = serde_json::from_str(got[0].body.as_ref().unwrap().expose()).unwrap();
    let log = &body["resourceLogs"][0]["scopeLogs"][0]["logRecords"][0];
    assert_eq!(log["body"], json!({"stringValue": "{\"seq\":4}"}));
    assert_eq!(log["timeUnixNano"], "7000000005");
    assert_eq!(log["attributes"][0], json!({"key": "log.record.uid", "value": {"stringValue": "d2f6"}}));
    assert!(!format!("{sink:?}").contains("canary"));
}
