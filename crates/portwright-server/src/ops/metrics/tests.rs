use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use portwright_core::protocol::JsonObject;
use portwright_core::testing::{Faulty, call_of};
use portwright_core::{Auth, Call, Context, Principal, Refusal, Reply, TransportKind};

use super::{METHODS, Metrics, OUTCOMES};

fn call() -> Call {
    call_of(&Faulty::default(), "echo", JsonObject::new())
}

fn context(who: &str) -> Context {
    let cx = Context::new("r-1", TransportKind::Http);
    cx.set_principal(Arc::new(Principal::new(who, Auth::Key)));
    cx
}

#[test]
fn nothing_is_lost_where_many_count_at_once() {
    const EACH: u64 = 2_000;
    let metrics = Metrics::default();
    std::thread::scope(|scope| {
        for thread in 0..4_u64 {
            let metrics = &metrics;
            scope.spawn(move || {
                let (call, cx) = (call(), context(&format!("p{thread}")));
                for turn in 0..EACH {
                    let result = if turn % 4 == 0 { Err(Refusal::invalid("no")) } else { Ok(Reply::text("yes")) };
                    metrics.begin(&call, &cx).end(&result);
                }
            });
        }
    });
    let counted: u64 =
        metrics.series().iter().flat_map(|series| &series.outcomes).map(|histogram| histogram.read().count()).sum();
    assert_eq!(counted, 4 * EACH);
    let tallies: u64 =
        metrics.tallies().iter().flat_map(|tally| &tally.outcomes).map(|count| count.load(Ordering::Relaxed)).sum();
    assert_eq!(tallies, 4 * EACH);
    assert_eq!(metrics.reasons().map(|(_, count)| count).sum::<u64>(), EACH);
    assert_eq!((metrics.in_flight(), metrics.flights.all().len()), (0, 0));
    let window: u64 = metrics.window.read(metrics.step_now()).iter().map(|(_, told)| told.calls).sum();
    assert_eq!(window, 4 * EACH);
}

#[test]
fn a_call_that_is_dropped_was_cancelled() {
    let metrics = Metrics::default();
    let (call, cx) = (call(), context("ada"));
    drop(metrics.begin(&call, &cx));
    let cancelled = OUTCOMES.iter().position(|outcome| *outcome == "cancelled").expect("a word");
    let counted: Vec<u64> = metrics
        .series()
        .iter()
        .filter(|series| series.method == METHODS[0])
        .map(|series| series.outcomes[cancelled].read().count())
        .collect();
    assert_eq!(counted.iter().sum::<u64>(), 1);
    assert_eq!(metrics.in_flight(), 0);
}

/// `cargo test --release -p portwright-server --lib what_counting -- --ignored --nocapture`
#[test]
#[ignore = "it prints a time, which is nothing to assert"]
fn what_counting_a_call_takes() {
    const CALLS: u32 = 1_000_000;
    let metrics = Metrics::default();
    let (call, cx, result) = (call(), context("ada"), Ok(Reply::text("yes")));
    let rounds = (0..5).map(|_| {
        let start = Instant::now();
        for _ in 0..CALLS {
            metrics.begin(&call, &cx).end(&result);
        }
        start.elapsed() / CALLS
    });
    let best: Duration = rounds.min().unwrap_or_default();
    eprintln!("counting a call takes {best:?}");
}
