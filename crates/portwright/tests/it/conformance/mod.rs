//! The official conformance suite against the fixture of the library's examples: a source written against
//! portwright-core, served by `App` through the whole chain with its audit, over HTTP, in both eras.
//!
//! What the suite requires of a revision and what it merely reports (pending scenarios, extensions) count alike here:
//! every scenario must run and pass. There is no list of failures to expect.

mod fixture;
mod suite;

use std::collections::BTreeMap;

use fixture::Fixture;
use suite::Verdict;

/// The revisions that the suite can speak, but for one (2025-03-26) of which it knows a single scenario, that makes no
/// call and runs for the others as well.
const REVISIONS: [&str; 3] = ["2025-06-18", "2025-11-25", "2026-07-28"];

/// Scenarios that check nothing, and why. A failing check in them fails the run as any other.
const WITHOUT_CHECKS: [(&str, &str); 1] =
    [("tasks-status-notifications", "the suite leaves it out until it can listen")];

#[test]
fn the_official_suite_agrees_with_us() {
    let revisions: Vec<(&str, BTreeMap<String, Verdict>)> = std::thread::scope(|scope| {
        let runs = REVISIONS.map(|revision| scope.spawn(move || (revision, one(revision))));
        runs.map(|run| run.join().expect("no panic")).into()
    });
    println!("{}", table(&revisions));
    let wrong: Vec<String> = revisions.iter().flat_map(|(revision, verdicts)| wrong(revision, verdicts)).collect();
    assert!(wrong.is_empty(), "the conformance suite disagrees:\n{}", wrong.join("\n"));
}

/// Every scenario of a revision, against a server of its own.
fn one(revision: &str) -> BTreeMap<String, Verdict> {
    let fixture = Fixture::start();
    let verdicts = suite::run(revision, &fixture.url(), fixture.folder());
    fixture.stop_and_check_its_audit();
    verdicts
}

fn wrong(revision: &str, verdicts: &BTreeMap<String, Verdict>) -> Vec<String> {
    let mut wrong = Vec::new();
    for scenario in suite::scenarios(revision) {
        let exempt = WITHOUT_CHECKS.iter().any(|(name, _)| *name == scenario);
        match verdicts.get(&scenario) {
            None => wrong.push(format!("{revision} {scenario}: did not run")),
            Some(verdict) if !verdict.failures.is_empty() => {
                wrong.extend(verdict.failures.iter().map(|failure| format!("{revision} {scenario}: {failure}")));
            }
            Some(verdict) if verdict.passed == 0 && !exempt => {
                wrong.push(format!("{revision} {scenario}: checked nothing"));
            }
            Some(_) => {}
        }
    }
    wrong
}

fn table(revisions: &[(&str, BTreeMap<String, Verdict>)]) -> String {
    let scenarios: std::collections::BTreeSet<&String> =
        revisions.iter().flat_map(|(_, verdicts)| verdicts.keys()).collect();
    let mut lines =
        vec![format!("\n{:<50}{}", "conformance suite", columns(revisions.iter().map(|(name, _)| (*name).to_owned())))];
    for scenario in scenarios {
        let cells =
            revisions.iter().map(|(_, verdicts)| verdicts.get(scenario).map_or_else(String::new, Verdict::words));
        let reason = WITHOUT_CHECKS.iter().find(|(name, _)| name == scenario).map_or("", |(_, reason)| reason);
        lines.push(format!("{scenario:<50}{}{reason}", columns(cells)));
    }
    let total = |verdicts: &BTreeMap<String, Verdict>| {
        let sum = verdicts.values().fold((0, 0), |sum, one| (sum.0 + one.passed, sum.1 + one.failures.len()));
        format!("{} passed, {} failed", sum.0, sum.1)
    };
    lines.push(format!("{:<50}{}", "checks", columns(revisions.iter().map(|(_, verdicts)| total(verdicts)))));
    lines.join("\n")
}

fn columns(cells: impl Iterator<Item = String>) -> String {
    cells.map(|cell| format!("{cell:<23}")).collect::<Vec<_>>().concat()
}
