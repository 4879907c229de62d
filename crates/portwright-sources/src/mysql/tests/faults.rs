//! Servers that go away, come back, or are not what they seem.

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_under_load_heals() {
    let mut server = Server::start();
    server.sql("mysql", "CREATE DATABASE shop; CREATE TABLE shop.n AS SELECT seq AS i FROM seq_1_to_1000");
    let database = open(&server.url("root", "shop"), Access::ReadOnly, 4).await.unwrap();
    let stop = tokio_util::sync::CancellationToken::new();
    let callers: Vec<_> = (0..6)
        .map(|_| {
            let (database, stop) = (database.clone(), stop.clone());
            tokio::spawn(async move {
                let mut failed = 0_u32;
                while !stop.is_cancelled() {
                    match ask(&database, "SELECT sum(i) FROM n").await {
                        Ok(rows) => assert_eq!(rows.rows, [[json!("500500")]]),
                        Err(SqlError::Unreachable(_) | SqlError::PoolBusy(_)) => failed += 1,
                        Err(other) => panic!("{other:?}"),
                    }
                    tokio::task::yield_now().await;
                }
                failed
            })
        })
        .collect();
    let server = tokio::task::spawn_blocking(move || {
        server.restart();
        server
    })
    .await
    .unwrap();
    let mut well = false;
    let end = Instant::now() + WAIT;
    while !well && Instant::now() < end {
        well = ask(&database, "SELECT 1").await.is_ok();
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(well, "it never healed");
    stop.cancel();
    for caller in callers {
        caller.await.unwrap();
    }
    // One idle connection that died is no caller's affair.
    server.sql("mysql", "SELECT 1");
    assert_eq!(one(&database, "SELECT count(*) FROM n").await, json!(1000));
    database.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_was_ended_is_replaced() {
    let fixture = Fixture::new("");
    let database = open(&fixture.url("root"), Access::ReadOnly, 1).await.unwrap();
    let id = one(&database, "SELECT connection_id()").await;
    // It lies idle when it is clean again.
    until("it rests", || {
        let command = format!("SELECT command FROM information_schema.processlist WHERE id = {id}");
        fixture.sql(&command) == ["Sleep"]
    })
    .await;
    fixture.sql(&format!("KILL {id}"));
    assert_ne!(one(&database, "SELECT connection_id()").await, id);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_pool_refuses_after_a_bounded_wait() {
    let fixture = Fixture::new("");
    let opener = Opener::new(Dsn::parse(&Secret::new(fixture.url("root")), Path::new("/")).unwrap(), Access::ReadOnly);
    let plan = PoolPlan { max: 1, wait: Duration::from_millis(100) };
    let place = Pointer::new("/sources/test");
    let database = MySqlDatabase::open(opener, Guard::default(), Access::ReadOnly, plan, place).await.unwrap();
    let long = "SELECT count(*) FROM seq_1_to_1000000 a, seq_1_to_1000000 b";
    let busy = database.clone();
    let task = tokio::spawn(async move { busy.run(query(long, &[]), &cx()).await.map(|_| ()) });
    until("it runs", || fixture.running("SELECT count(*) FROM seq") > 0).await;
    assert!(matches!(ask(&database, "SELECT 1").await, Err(SqlError::PoolBusy(_))));
    task.abort();
}

#[tokio::test]
async fn a_server_that_is_not_there_is_said() {
    let probe = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = probe.local_addr().unwrap().port();
    drop(probe);
    let error = open(&format!("mysql://u:hunter2@127.0.0.1:{port}/d"), Access::ReadOnly, 1).await.unwrap_err();
    assert!(matches!(error, SqlError::Unreachable(_)) && !format!("{error:?}").contains("hunter2"), "{error:?}");
}

/// A server that asks for a file of ours in place of an answer gets none of it.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_asks_for_a_file_gets_none() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("secret");
    std::fs::write(&file, "hunter2 is the secret").unwrap();
    let name = file.to_str().unwrap().to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let hears = tokio::spawn(async move {
        let (mut client, _) = listener.accept().await.unwrap();
        let mut heard = Vec::new();
        // Protocol 10; what is said of salts and names does not matter here.
        let mut hello = vec![10];
        hello.extend_from_slice(b"8.0.36\0\x01\0\0\0saltsalt\0");
        hello.extend_from_slice(&[0xff, 0xf7, 0x2d, 0x02, 0x00, 0xff, 0xdf, 21]);
        hello.extend_from_slice(&[0; 10]);
        hello.extend_from_slice(b"saltsaltsalt\0mysql_native_password\0");
        packet(&mut client, 0, &hello).await;
        // The login, which is answered by yes; then the first question, which is answered by the wish for a file.
        read(&mut client, &mut heard).await;
        packet(&mut client, 2, &[0, 0, 0, 2, 0, 0, 0]).await;
        read(&mut client, &mut heard).await;
        packet(&mut client, 1, &[&[0xfb], name.as_bytes()].concat()).await;
        let _ = client.read_to_end(&mut heard).await;
        heard
    });
    let opened = open(&format!("mysql://u@127.0.0.1:{port}/d?ssl-mode=disabled"), Access::ReadOnly, 1).await;
    assert!(opened.is_err());
    drop(opened);
    let heard = hears.await.unwrap();
    assert!(!String::from_utf8_lossy(&heard).contains("hunter2"));
    assert!(!heard.is_empty());
}

async fn packet(client: &mut tokio::net::TcpStream, number: u8, body: &[u8]) {
    let length = u32::try_from(body.len()).unwrap().to_le_bytes();
    let mut bytes = vec![length[0], length[1], length[2], number];
    bytes.extend_from_slice(body);
    client.write_all(&bytes).await.unwrap();
}

async fn read(client: &mut tokio::net::TcpStream, heard: &mut Vec<u8>) {
    let mut buffer = [0; 4096];
    let count = client.read(&mut buffer).await.unwrap();
    heard.extend_from_slice(&buffer[..count]);
}
