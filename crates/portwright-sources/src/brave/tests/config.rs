//! `[sources.NAME]`, right and wrong.

use portwright_core::{Declared, Pointer, Severity, SourceKind};
use serde_json::{Value, json};

use super::super::Brave;
use super::service::{Answer, Service};
use super::{TOKEN, decode, object, open, spec};

fn told(table: Value) -> String {
    let problems = decode(table).expect_err("problems");
    let words =
        |one: portwright_core::Diagnostic| format!("{} {}: {}", one.place, one.message, one.hint.unwrap_or_default());
    problems.into_iter().map(words).collect::<Vec<_>>().join("\n")
}

#[test]
fn what_is_wrong_is_told_at_its_place() {
    insta::assert_snapshot!(told(json!({
        "tokne": "x", "api_url": "ftp://search.example", "rate": "fast", "wait": "soon", "timeout": "0s", "cache": "90d",
        "proxy": "socks5://user:hunter2@proxy.example", "tools": ["brave_web_serach"],
    })));
    for rate in ["0/s", "5000/s", "1/h", "-1/s", "1", "1/s/s", ""] {
        assert!(told(json!({ "token": "x", "rate": rate })).contains("/sources/web/rate"), "{rate}");
    }
    for size in ["1B", "2GiB"] {
        assert!(told(json!({ "token": "x", "max_bytes": size })).contains("4 to 1024 KiB"), "{size}");
    }
    for url in ["https://user:hunter2@search.example", "https://search.example/?a=b", "not an address", "https://"] {
        let told = told(json!({ "token": "x", "api_url": url }));
        assert!(told.contains("is not the address of a service") && !told.contains("hunter2"), "{told}");
    }
}

#[test]
fn a_token_must_be_there() {
    for table in [json!({}), json!({ "token": "" }), json!({ "token": "  \n" })] {
        let told = told(table);
        assert!(told.contains("`token` is missing") && told.contains("${env:BRAVE_API_KEY}"), "{told}");
    }
    let told = told(json!({ "token": "BSA\r\nx-evil: 1" }));
    assert!(told.contains("characters that no token has") && !told.contains("evil"), "{told}");
    // As a file has it, with a line's end.
    assert!(decode(json!({ "token": "BSA123\n" })).is_ok());
}

#[test]
fn nothing_is_declared_on_it() {
    let mut spec = spec(json!({ "token": "x" }));
    let place = Pointer::root().join("tools").join("mine");
    spec.tools = vec![Declared { name: "mine".to_owned(), table: object(json!({})), place }];
    let problems = Brave.decode(spec).expect_err("a problem");
    assert_eq!(problems[0].place.to_string(), "/tools/mine");
    assert!(problems[0].message.contains("takes no declared tools"));
}

#[test]
fn the_schema_names_every_key() {
    let schema = Brave.schema(&mut schemars::SchemaGenerator::default()).to_value();
    let keys: Vec<_> = schema["properties"].as_object().expect("properties").keys().cloned().collect();
    let own = ["token", "api_url", "rate", "wait", "timeout", "cache", "max_bytes", "proxy"];
    assert_eq!(keys, [&own[..], &["access", "toolsets", "tools"]].concat());
}

#[tokio::test]
async fn toolsets_choose() {
    let service = Service::always(json!({})).await;
    let names = async |table: Value| -> Vec<String> {
        open(&service, table).await.tools().into_iter().map(|tool| tool.name.into_owned()).collect()
    };
    assert_eq!(names(json!({})).await.len(), 8);
    assert_eq!(names(json!({ "toolsets": ["places"] })).await, ["brave_local_search", "brave_place_search"]);
    assert_eq!(names(json!({ "tools": ["!brave_*_search"] })).await, ["brave_summarizer", "brave_llm_context"]);
}

#[tokio::test]
async fn a_check_tells_what_the_plan_allows() {
    let service = Service::new(|_| Answer::json(&json!({})).limits("1, 2000", "0, 100", "1, 86400")).await;
    let source = open(&service, json!({ "rate": "20/s" })).await;
    let found = source.inspect().await;
    assert_eq!(service.asked().len(), 1, "a check costs one request");
    assert!(found.iter().all(|one| one.severity == Severity::Advice));
    let words: Vec<_> = found.iter().map(|one| format!("{} {}", one.place, one.message)).collect();
    insta::assert_snapshot!(words.join("\n"), @r"
    /sources/web/rate `rate` is more than the plan's 1 requests a second
    /sources/web 100 of the month's 2000 requests are left
    ");
    let fine = Service::new(|_| Answer::json(&json!({})).limits("20, 2000", "19, 1900", "1, 86400")).await;
    assert_eq!(open(&fine, json!({ "rate": "20/s" })).await.inspect().await, []);
    let wrong = Service::new(|_| Answer::error(422, "SUBSCRIPTION_TOKEN_INVALID", TOKEN)).await;
    let found = open(&wrong, json!({})).await.inspect().await;
    assert!(found[0].message.contains("does not accept this server's token"), "{found:?}");
    assert!(!format!("{found:?}").contains(TOKEN));
}

#[tokio::test]
async fn a_token_that_travels_in_the_open_is_told_of() {
    // The proxy stands for the network: the name leads nowhere.
    let service = Service::always(json!({})).await;
    let proxy = service.url().replace("/res/v1", "");
    let table = json!({ "api_url": "http://search.invalid/res/v1", "proxy": proxy });
    let found = open(&service, table).await.inspect().await;
    assert_eq!((found.len(), found[0].place.to_string().as_str()), (1, "/sources/web/api_url"));
    assert!(found[0].message.contains("unencrypted"), "{found:?}");
}
