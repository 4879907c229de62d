//! The built binary, driven by the clients that people have: the official SDKs, the inspector, fastmcp, and the proxies
//! that stand between clients and servers; over every transport, in both eras, on both databases. Their scripts are in
//! tests/interop; what they saw is judged here.

mod clients;
mod drivers;
mod five;
mod judge;
mod replicas;
mod steps;
mod table;
mod ways;

use std::path::Path;
use std::process::Command;
use std::sync::Mutex;

use crate::harness::postgres::Postgres;
use crate::harness::server::{Portwright, binary};
use crate::harness::shop::{Shop, postgres_data};

use clients::{Ability, Client};
use drivers::Target;
use judge::Verdict;
use ways::Way;

/// How many clients run at a time.
const WORKERS: usize = 3;

/// What does not stand between others.
const SDKS: [Client; 5] = [Client::Python1, Client::Python2, Client::FastMcp, Client::TypeScript1, Client::TypeScript2];

#[test]
fn clients_and_proxies_agree_with_us_on_every_way() {
    run("SQLite", &Client::ALL, &Way::ALL, &Shop::sqlite);
}

/// What the proxies and the inspector do does not depend on the database.
#[test]
fn official_clients_agree_with_us_on_postgres() {
    let ways = [Way::Stdio, Way::StdioModern, Way::Http, Way::HttpModern];
    on_postgres("PostgreSQL 15", &SDKS, &ways, Postgres::with(&postgres_data()));
}

/// A newer server looks the same to clients; one of each language and lifecycle is enough to tell.
#[test]
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
fn official_clients_agree_with_us_on_postgres_18() {
    let clients = [Client::Python2, Client::TypeScript1];
    on_postgres("PostgreSQL 18", &clients, &[Way::Http, Way::HttpModern], Postgres::version_18(&postgres_data()));
}

/// One database server; each stdio process has a configuration of its own, for its audit.
fn on_postgres(database: &str, clients: &[Client], ways: &[Way], postgres: Postgres) {
    let url = postgres.url(None);
    run(database, clients, ways, &|| Shop::elsewhere(&url));
    drop(postgres);
}

/// Lets one client go one way, to a server of its own: its audit tells of nobody else.
fn cell(client: Client, way: Way, shop: &(dyn Fn() -> Shop + Sync)) -> Verdict {
    let shop = shop();
    let (server, walk) = if way.starts_the_server() {
        (None, None)
    } else {
        (Some(Portwright::start(&shop.config())), Some(Portwright::listening(Command::new(example()))))
    };
    let target = Target::portwright(&shop.config(), server.as_ref());
    if let Some(closed) = client.closed(way) {
        return match drivers::probe(client, way, &closed.shown_by, &target) {
            Ok(()) => Verdict::default(),
            Err(reason) => Verdict::broken(format!("a reason that does not hold: {reason}")),
        };
    }
    let walk = Target::new(vec![example(), "--stdio".to_owned()], walk.as_ref());
    let seen = drivers::drive(client, way, &target, steps::steps(client), &walk);
    let mut verdict = seen.map_or_else(Verdict::broken, |seen| judge::judge(client, way, &seen));
    if client != Client::Inspector {
        verdict.expect_cancelled(&shop, client.can(Ability::Cancel, way));
    }
    verdict
}

/// Lets every client go every way and prints the table.
fn run(database: &str, clients: &[Client], ways: &[Way], shop: &(dyn Fn() -> Shop + Sync)) {
    let cells: Vec<(Client, Way)> = clients.iter().flat_map(|client| ways.iter().map(|way| (*client, *way))).collect();
    let waiting = Mutex::new(cells.iter().enumerate().rev().collect::<Vec<_>>());
    let done = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| {
                loop {
                    let Some((place, (client, way))) = waiting.lock().expect("no panic").pop() else { return };
                    let verdict = cell(*client, *way, shop);
                    done.lock().expect("no panic").push((place, verdict));
                }
            });
        }
    });
    let mut done = done.into_inner().expect("no panic");
    done.sort_by_key(|(place, _)| *place);
    let mut verdicts = done.into_iter().map(|(_, verdict)| verdict);
    let rows: Vec<(Client, Vec<Verdict>)> =
        clients.iter().map(|client| (*client, verdicts.by_ref().take(ways.len()).collect())).collect();
    println!("{}", table::table(database, ways, &rows));
    let wrong: Vec<String> = cells
        .iter()
        .zip(rows.iter().flat_map(|(_, verdicts)| verdicts))
        .filter(|(_, verdict)| !verdict.wrong.is_empty())
        .map(|((client, way), verdict)| {
            format!("{} over {} on {database}: {}", client.title(), way.title(), verdict.wrong.join("; "))
        })
        .collect();
    assert!(wrong.is_empty(), "clients disagree:\n{}", wrong.join("\n"));
}

/// The example whose tool tells of its progress; the binary's own sources have nothing to tell.
fn example() -> String {
    let program = Path::new(binary()).with_file_name("examples").join("steps");
    assert!(
        program.exists(),
        "{} is missing; `cargo build --package portwright --examples` makes it",
        program.display()
    );
    program.display().to_string()
}
