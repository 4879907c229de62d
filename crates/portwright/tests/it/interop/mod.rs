//! The built binary, driven by the official clients: Python SDK, TypeScript SDK, inspector; over both transports, on both
//! databases. Their scripts are in tests/interop; what they saw is judged here.

mod clients;
mod judge;

use std::sync::Mutex;

use serde_json::json;

use crate::harness::postgres::Postgres;
use crate::harness::server::{Portwright, binary};
use crate::harness::shop::{Shop, postgres_data};

use clients::{CLIENTS, Driver};
use judge::Verdict;

/// How many clients run at a time.
const WORKERS: usize = 3;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Transport {
    Stdio,
    Http,
}

impl Transport {
    const BOTH: [Self; 2] = [Self::Stdio, Self::Http];

    const fn name(self) -> &'static str {
        match self {
            Self::Stdio => "stdio",
            Self::Http => "http",
        }
    }
}

#[test]
fn official_clients_agree_with_us_on_sqlite() {
    run("SQLite", CLIENTS, &Shop::sqlite);
}

#[test]
fn official_clients_agree_with_us_on_postgres() {
    on_postgres("PostgreSQL 15", CLIENTS, Postgres::with(&postgres_data()));
}

/// A newer server looks the same to clients; one of each language and lifecycle is enough to tell.
#[test]
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
fn official_clients_agree_with_us_on_postgres_18() {
    on_postgres("PostgreSQL 18", &CLIENTS[2..4], Postgres::version_18(&postgres_data()));
}

/// One database server; each stdio process has a configuration of its own, for its audit.
fn on_postgres(database: &str, clients: &[Driver], postgres: Postgres) {
    let url = postgres.url(None);
    run(database, clients, &|| Shop::elsewhere(&url));
    drop(postgres);
}

/// Lets every client run over every transport and prints the table.
fn run(database: &str, clients: &[Driver], shop: &(dyn Fn() -> Shop + Sync)) {
    let http = shop();
    let server = Portwright::start(&http.config());
    let cells: Vec<(&Driver, Transport)> =
        clients.iter().flat_map(|client| Transport::BOTH.map(|transport| (client, transport))).collect();
    let waiting = Mutex::new(cells.iter().enumerate().rev().collect::<Vec<_>>());
    let done = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| {
                loop {
                    let Some((place, (client, transport))) = waiting.lock().expect("no panic").pop() else { return };
                    let own = (*transport == Transport::Stdio).then(shop);
                    let config = own.as_ref().unwrap_or(&http).config();
                    let target = json!({
                        "transport": transport.name(),
                        "url": format!("http://{}/mcp", server.address),
                        "command": [binary(), "serve", "--stdio", "-c", config],
                        "env": {},
                    });
                    let mut verdict =
                        client.drive(target).map_or_else(Verdict::broken, |seen| judge::judge(client, &seen));
                    if let Some(own) = own {
                        verdict.expect_cancelled(&own, usize::from(client.cancels()));
                    }
                    done.lock().expect("no panic").push((place, verdict));
                }
            });
        }
    });
    let mut done = done.into_inner().expect("no panic");
    done.sort_by_key(|(place, _)| *place);
    let verdicts: Vec<Verdict> = done.into_iter().map(|(_, verdict)| verdict).collect();
    println!("{}", table(database, clients, &verdicts));
    let mut over_http = Verdict::default();
    over_http.expect_cancelled(&http, clients.iter().filter(|client| client.cancels()).count());
    let wrong: Vec<String> = cells
        .iter()
        .zip(&verdicts)
        .filter(|(_, verdict)| !verdict.wrong.is_empty())
        .map(|((client, transport), verdict)| {
            format!("{} over {} on {database}: {}", client.title(), transport.name(), verdict.wrong.join("; "))
        })
        .chain(over_http.wrong)
        .collect();
    assert!(wrong.is_empty(), "official clients disagree:\n{}", wrong.join("\n"));
}

fn table(database: &str, clients: &[Driver], verdicts: &[Verdict]) -> String {
    let mut lines = vec![format!("\n{:<34} {:<34} {:<34}", format!("on {database}"), "stdio", "http")];
    for (client, pair) in clients.iter().zip(verdicts.chunks(2)) {
        let words: Vec<String> = pair.iter().map(Verdict::words).collect();
        lines.push(format!("{:<34} {:<34} {:<34}", client.title(), words[0], words[1]));
    }
    lines.join("\n")
}
