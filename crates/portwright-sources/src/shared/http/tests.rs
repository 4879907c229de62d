use std::time::Duration;

use portwright_core::{Fetch, FetchError, FetchRequest, Secret};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::{Client, ClientError};

fn client() -> Client {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    Client::new().expect("a client")
}

/// Answers every request with these bytes and hands over what was asked.
async fn answering(answer: &'static str) -> (String, tokio::sync::mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let (asked, asks) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = vec![0; 4096];
            let read = stream.read(&mut request).await.unwrap_or_default();
            let _ = asked.send(String::from_utf8_lossy(&request[..read]).into_owned());
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    (url, asks)
}

#[tokio::test]
async fn what_was_asked_for_comes_back_whole() {
    let (url, mut asks) = answering("HTTP/1.1 203 Fine\r\nx-note: here\r\ncontent-length: 5\r\n\r\nhello").await;
    let request = FetchRequest::post(format!("{url}/page?a=b"), "text/plain", Secret::new("question")).trusted();
    let answer = client().fetch(request.with_header("x-key", Secret::new("k"))).await.expect("an answer");
    assert_eq!((answer.status, answer.header("x-note"), answer.body.as_slice()), (203, Some("here"), &b"hello"[..]));
    let asked = asks.recv().await.expect("a request");
    assert!(asked.starts_with("POST /page?a=b HTTP/1.1\r\n") && asked.ends_with("\r\n\r\nquestion"), "{asked}");
    assert!(asked.contains("x-key: k") && asked.contains("content-type: text/plain"), "{asked}");
}

#[tokio::test]
async fn what_strangers_wrote_does_not_lead_inside() {
    let (url, mut asks) = answering("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    let port = url.rsplit(':').next().expect("a port").to_owned();
    for host in [
        "127.0.0.1",
        "localhost",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::127.0.0.1]",
        "0",
        "0.0.0.0",
        "169.254.169.254",
        "[64:ff9b::7f00:1]",
        "１２７.0.0.1",
    ] {
        let refused = client().fetch(FetchRequest::get(format!("http://{host}:{port}/"))).await;
        assert!(matches!(refused, Err(FetchError::Forbidden(_))), "{host}: {refused:?}");
    }
    for host in ["169.254.169.254", "[fd00:ec2::254]", "0.0.0.0", "100.100.100.200"] {
        let refused = client().fetch(FetchRequest::get(format!("http://{host}:{port}/")).trusted()).await;
        assert!(matches!(refused, Err(FetchError::Forbidden(_))), "{host}: {refused:?}");
    }
    assert!(asks.try_recv().is_err(), "somebody was asked");
}

#[tokio::test]
async fn only_plain_web_addresses_are_asked_for() {
    for url in [
        "file:///etc/passwd",
        "gopher://example.com/",
        "ftp://example.com/",
        "unix:/run/x",
        "data:text/plain,x",
        "http://good.example@127.0.0.1/",
        "http://user:hunter2@example.com/",
        "//example.com/",
        "example.com",
        "",
    ] {
        let refused = client().fetch(FetchRequest::get(url).trusted()).await;
        assert!(matches!(refused, Err(FetchError::BadUrl(_))), "{url}: {refused:?}");
        assert!(!refused.expect_err("refused").to_string().contains("hunter2"), "{url}");
    }
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let (inside, mut asks) = answering("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    let page = format!("HTTP/1.1 307 Go\r\nlocation: {inside}\r\ncontent-length: 0\r\n\r\n");
    let (url, _) = answering(Box::leak(page.into_boxed_str())).await;
    let answer = client().fetch(FetchRequest::get(url).trusted()).await.expect("an answer");
    assert_eq!((answer.status, answer.header("location")), (307, Some(inside.as_str())));
    assert!(asks.try_recv().is_err());
}

#[tokio::test]
async fn answers_are_bounded_in_bytes_and_time() {
    let (told, _) = answering("HTTP/1.1 200 OK\r\ncontent-length: 2000\r\n\r\n").await;
    let (untold, _) =
        answering("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n8\r\n12345678\r\n8\r\n12345678\r\n0\r\n\r\n")
            .await;
    for url in [told, untold] {
        let request = FetchRequest { bytes_max: 10, ..FetchRequest::get(url).trusted() };
        assert!(matches!(client().fetch(request).await, Err(FetchError::TooLarge(10))));
    }
    let (slow, _) = answering("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhel").await;
    let silent = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let silent = (format!("http://{}", silent.local_addr().expect("an address")), silent);
    for url in [&slow, &silent.0] {
        let request = FetchRequest { wait: Duration::from_millis(200), ..FetchRequest::get(url).trusted() };
        let refused = client().fetch(request).await;
        assert!(matches!(refused, Err(FetchError::TimedOut | FetchError::Unreachable(_))), "{refused:?}");
    }
}

#[tokio::test]
async fn a_proxy_is_judged_and_carries_trusted_requests_alone() {
    let _ = client();
    let (url, mut asks) = answering("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
    let through = Client::through(&Secret::new(&*url)).expect("a client");
    let answer = through.fetch(FetchRequest::get("http://name.invalid/page").trusted()).await.expect("an answer");
    assert_eq!(answer.body, b"ok");
    let asked = asks.recv().await.expect("a request");
    assert!(asked.starts_with("GET http://name.invalid/page HTTP/1.1\r\n"), "{asked}");

    // The proxy would resolve the name, and nobody here could judge where it leads.
    for url in ["http://name.invalid/", "https://example.com/", "http://127.0.0.1/"] {
        let refused = through.fetch(FetchRequest::get(url)).await;
        assert!(matches!(refused, Err(FetchError::Forbidden(_))), "{url}: {refused:?}");
    }
    for url in ["http://169.254.169.254/", "http://[fd00:ec2::254]/", "file:///etc/passwd"] {
        assert!(through.fetch(FetchRequest::get(url).trusted()).await.is_err(), "{url}");
    }
    assert!(asks.try_recv().is_err(), "somebody was asked");

    for proxy in ["http://169.254.169.254:80", "http://user:hunter2@0.0.0.0", "socks5://127.0.0.1", "ftp://x", "", "x"]
    {
        let refused = Client::through(&Secret::new(proxy));
        assert!(matches!(refused, Err(ClientError::Proxy(_))), "{proxy}");
        assert!(!format!("{refused:?}").contains("hunter2"), "{proxy}");
    }
}
