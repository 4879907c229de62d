//! A line is what the surface says: fields in order, and a hash that any RFC 8785 library can compute.

use proptest::prelude::*;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::*;
use crate::guard::audit::line;
use crate::guard::audit::record::{FIELDS, Link, Record, hex, unhex};

fn record(text: &str, micros: u64, args: Option<String>) -> Record {
    Record {
        principal: Some(text.into()),
        client: Some(text.to_owned()),
        name: Some(text.to_owned()),
        duration: Some(Duration::from_micros(micros)),
        result_bytes: Some(micros),
        flags: vec![text.to_owned(), "x".to_owned()],
        args,
        ..Record::own("tools/call", "ok", String::new())
    }
}

fn line(record: &Record, last: Link) -> (String, Link) {
    let mut lines = Vec::new();
    let link = record.append(last, &mut lines);
    (String::from_utf8(lines).unwrap(), link)
}

proptest! {
    #[test]
    fn hashes_are_those_of_canonical_json(text in any::<String>(), micros in 0..(1_u64 << 50), seq in 0..(1_u64 << 53) - 1, number in any::<f64>()) {
        let args = serde_json::json!({"z": number, "a": [text.clone()], "é": {"b": null, "A": true}});
        let args = serde_json_canonicalizer::to_string(&args).unwrap();
        let last = Link { seq, hash: [7; 32] };
        let (line, link) = line(&record(&text, micros, Some(args.clone())), last);

        let told: Map<String, Value> = serde_json::from_str(&line).unwrap();
        prop_assert_eq!(told.keys().map(String::as_str).collect::<Vec<_>>(), FIELDS);
        prop_assert_eq!((line.ends_with("}\n"), line.matches('\n').count()), (true, 1));
        prop_assert_eq!(told["prev"].as_str(), Some(&*hex(&last.hash)));
        prop_assert_eq!(told["name"].as_str(), Some(&*text));

        // What any other program would do: parse, take out the hash, write canonically, hash. The numbers of `args` are
        // taken as written, because serde_json may read a float an ulp off.
        let mut rest = told.clone();
        rest.remove("hash");
        rest.insert("args".to_owned(), "ARGS".into());
        let canonical = serde_json_canonicalizer::to_string(&rest).unwrap().replacen("\"ARGS\"", &args, 1);
        let expected: [u8; 32] = Sha256::digest(canonical.as_bytes()).into();
        prop_assert_eq!(link.hash, expected);

        let parsed = line::parse(line.trim_end_matches('\n').as_bytes()).unwrap();
        prop_assert_eq!((parsed.link, parsed.prev), (link, last.hash));
    }

    #[test]
    fn no_bytes_make_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(line::parse(&bytes).is_err());
    }
}

#[test]
fn hex_has_one_spelling() {
    let bytes: [u8; 32] = std::array::from_fn(|at| u8::try_from(at * 8).unwrap());
    assert_eq!(unhex(&hex(&bytes)), Some(bytes));
    assert_eq!(unhex(&hex(&bytes).to_uppercase()), None);
    assert_eq!(unhex("00"), None);
}

/// Not a test of speed: it tells the cost when someone asks for it.
#[test]
#[ignore = "prints a measurement"]
fn cost_of_a_record() {
    let (_folder, file) = folder();
    let house = House::at(&file);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let count: u32 = 51_200;
    println!("profile: {}", if cfg!(debug_assertions) { "debug" } else { "release" });
    for tasks in [1, 32] {
        for (name, guards) in [
            ("without audit", chain(&server(), None, None, &Arc::default(), &[], None, &Arc::default())),
            ("with audit", house.guards.clone()),
        ] {
            let guards: Arc<[Arc<dyn Guard>]> = guards.into();
            let (started, before) = (std::time::Instant::now(), cpu());
            runtime.block_on(async {
                let mut running = tokio::task::JoinSet::new();
                for _ in 0..tasks {
                    running.spawn(echoes(guards.clone(), house.source.clone(), count / tasks));
                }
                while running.join_next().await.is_some() {}
            });
            let (took, used) = (started.elapsed() / count, cpu().saturating_sub(before) / count);
            println!("{tasks} at once, {name}: {took:?} a call, {used:?} CPU");
        }
    }
}

async fn echoes(guards: Arc<[Arc<dyn Guard>]>, source: Arc<Faulty>, count: u32) {
    let end = Direct(source.clone());
    let call = call(&source, "echo");
    for _ in 0..count {
        Next::new(&guards, &end).run(&call, &cx("r")).await.unwrap();
    }
}

/// CPU time of this process so far.
fn cpu() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let ticks: u64 =
        stat.rsplit(')').next().unwrap().split_whitespace().skip(11).take(2).map(|n| n.parse::<u64>().unwrap()).sum();
    Duration::from_millis(ticks * 10)
}
