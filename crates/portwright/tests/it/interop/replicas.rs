//! Two replicas behind a balancer that knows nothing of MCP: each connection goes to the other one in turn. Clients of the
//! stateless revision need no more than that; those of the revisions with sessions find theirs at either.

use std::io;
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::clients::Client;
use super::drivers::{self, Target};
use super::ways::Way;
use super::{example, judge, steps};
use crate::harness::redis::Redis;
use crate::harness::server::{Portwright, binary, serve};
use crate::harness::shop::Shop;

/// Listens, and passes each connection on to one of the replicas. Ends with the process.
fn balancer(replicas: [SocketAddr; 2]) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let address = listener.local_addr().expect("an address");
    thread::spawn(move || {
        let turn = AtomicUsize::new(0);
        for client in listener.incoming().flatten() {
            let replica = replicas[turn.fetch_add(1, Ordering::Relaxed) % replicas.len()];
            let Ok(server) = TcpStream::connect(replica) else { continue };
            pass(&client, &server);
            pass(&server, &client);
        }
    });
    address
}

/// Passes bytes on until one side ends, and lets the other know.
fn pass(from: &TcpStream, to: &TcpStream) {
    let (mut from, mut to) = (from.try_clone().expect("a socket"), to.try_clone().expect("a socket"));
    thread::spawn(move || {
        let _ = io::copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Write);
    });
}

/// A client's whole walk through two replicas; what each was asked for.
fn walk_through(client: Client, way: Way, replicas: [SocketAddr; 2]) {
    let walk = Portwright::listening(Command::new(example()));
    let target = Target::at(balancer(replicas));
    let walk = Target::new(vec![example(), "--stdio".to_owned()], Some(&walk));
    let seen = drivers::drive(client, way, &target, steps::steps(client), &walk);
    let verdict = judge::judge(client, way, &seen.expect("a conversation"));
    assert!(verdict.wrong.is_empty(), "{}: {}", client.title(), verdict.wrong.join("; "));
}

#[test]
fn clients_with_sessions_find_them_at_either_replica() {
    let Some(redis) = Redis::start("hunter2") else { return };
    for client in [Client::Python1, Client::Python2, Client::TypeScript1, Client::TypeScript2, Client::FastMcp] {
        let shops = [Shop::sqlite(), Shop::sqlite()];
        let servers = shops.each_ref().map(|shop| {
            let replicas = "\n[replicas]\nsecret = \"${env:REPLICAS_SECRET}\"\nstore = \"${env:REPLICAS_STORE}\"\n";
            let text = std::fs::read_to_string(shop.config()).expect("a configuration");
            std::fs::write(shop.config(), text + replicas).expect("written");
            let mut command = serve(&shop.config());
            command.env("REPLICAS_SECRET", "0123456789abcdef0123456789abcdef");
            command.env("REPLICAS_STORE", format!("redis://:hunter2@127.0.0.1:{}", redis.port));
            let server = Portwright::listening(command);
            server.wait_ready();
            server
        });
        walk_through(client, Way::Http, servers.each_ref().map(|server| server.address));
        let counts = shops.each_ref().map(|shop| shop.outcomes().len());
        assert!(counts.iter().all(|count| *count > 0), "{}: one replica had nothing to do: {counts:?}", client.title());
    }
}

#[test]
fn stateless_clients_need_nothing_but_a_balancer() {
    for client in [Client::Python2, Client::TypeScript2] {
        let shops = [Shop::sqlite(), Shop::sqlite()];
        let servers = shops.each_ref().map(|shop| Portwright::start(&shop.config()));
        let replicas = servers.each_ref().map(|server| server.address);
        walk_through(client, Way::HttpModern, replicas);
        let address = balancer(replicas);
        // Our own client as well, each call by a process of its own, so that both replicas get some.
        for _ in 0..4 {
            let mut call = Command::new(binary());
            call.args(["call", "--url", &format!("http://{address}"), "query_customers", "search_term=ada"]);
            let told = call.output().expect("the binary runs");
            assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
        }
        let counts = shops.each_ref().map(|shop| shop.outcomes().len());
        assert!(counts.iter().all(|count| *count > 0), "{}: one replica had nothing to do: {counts:?}", client.title());
    }
}
