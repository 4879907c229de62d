//! The numbers, and how they are shown.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Result;
use serde_json::json;

use super::median;

/// One server, with so many connections, in one round.
#[derive(Debug, Clone)]
pub(crate) struct Cell {
    name: &'static str,
    connections: usize,
    /// Nanoseconds of CPU time a call.
    cpu: u64,
    /// The same of the database behind it, if there is one.
    database_cpu: Option<u64>,
    /// Nanoseconds, median.
    p50: u64,
    p99: u64,
    calls: u64,
    calls_per_second: u64,
}

/// Resident bytes.
#[derive(Debug)]
pub(crate) struct Memory {
    pub(crate) name: &'static str,
    pub(crate) idle: u64,
    pub(crate) after: u64,
}

/// All that was measured.
#[derive(Debug, Default)]
pub(crate) struct Report {
    cells: Vec<Cell>,
    pub(crate) memory: Vec<Memory>,
    pub(crate) starts: Vec<(&'static str, Duration)>,
    /// Sessions that nobody uses, and the resident bytes with so many of them.
    pub(crate) sessions: Vec<(u64, u64)>,
}

/// A ratio that says how Portwright stands.
struct Ratio {
    what: String,
    value: f64,
    aim: f64,
}

impl Cell {
    pub(crate) fn new(
        name: &'static str,
        connections: usize,
        mut latencies: Vec<u64>,
        elapsed: Duration,
        cpu: Duration,
    ) -> Self {
        let calls = latencies.len().max(1) as u64;
        latencies.sort_unstable();
        let at = |percent: usize| latencies.get(latencies.len() * percent / 100).copied().unwrap_or_default();
        Self {
            name,
            connections,
            cpu: nanoseconds(cpu) / calls,
            database_cpu: None,
            p50: at(50),
            p99: at(99),
            calls: latencies.len() as u64,
            calls_per_second: calls * 1_000_000_000 / nanoseconds(elapsed).max(1),
        }
    }

    /// Adds what the database behind the calls used.
    #[must_use]
    pub(crate) fn with_database(mut self, cpu: Duration) -> Self {
        self.database_cpu = Some(nanoseconds(cpu) / self.calls.max(1));
        self
    }
}

impl Report {
    pub(crate) fn add(&mut self, cell: Cell) {
        self.cells.push(cell);
    }

    /// Prints a table with the ratios below it, or all of it as JSON.
    pub(crate) fn print(&self, as_json: bool) -> Result<()> {
        let rows = self.medians();
        let ratios = ratios(&rows);
        if as_json {
            println!("{}", serde_json::to_string_pretty(&self.json(&rows, &ratios))?);
            return Ok(());
        }
        println!(
            "\n{:<18} {:>5} {:>12} {:>12} {:>10} {:>10} {:>10}",
            "", "conns", "CPU µs/call", "database µs", "p50 µs", "p99 µs", "calls/s"
        );
        for row in &rows {
            println!(
                "{:<18} {:>5} {:>12.1} {:>12} {:>10.1} {:>10.1} {:>10}",
                row.name,
                row.connections,
                micro(row.cpu),
                row.database_cpu.map_or_else(String::new, |cpu| format!("{:.1}", micro(cpu))),
                micro(row.p50),
                micro(row.p99),
                row.calls_per_second
            );
        }
        println!("\n{:<18} {:>12} {:>16}", "", "idle MB", "after calls MB");
        for memory in &self.memory {
            println!("{:<18} {:>12.1} {:>16.1}", memory.name, mega(memory.idle), mega(memory.after));
        }
        println!("\n{:<18} {:>12} {:>16}", "idle sessions", "MB", "kB each");
        for ((count, bytes), each) in self.sessions.iter().zip(self.bytes_each()) {
            println!("{count:<18} {:>12.1} {:>16.2}", mega(*bytes), micro(each));
        }
        println!("\n{:<18} {:>24}", "", "start to first answer ms");
        for (name, start) in &self.starts {
            println!("{name:<18} {:>24.2}", start.as_secs_f64() * 1000.0);
        }
        println!();
        for ratio in &ratios {
            let verdict = if ratio.value <= ratio.aim { "met" } else { "missed" };
            println!("{:<64} {:>6.2}   aim ≤ {:.1}: {verdict}", ratio.what, ratio.value, ratio.aim);
        }
        Ok(())
    }

    /// What each session more than the first one costs.
    fn bytes_each(&self) -> impl Iterator<Item = u64> {
        let (first, least) = self.sessions.first().copied().unwrap_or_default();
        self.sessions.iter().map(move |(count, bytes)| bytes.saturating_sub(least) / (count - first).max(1))
    }

    /// The median round of each server and number of connections.
    fn medians(&self) -> Vec<Cell> {
        let mut groups: BTreeMap<(usize, usize), Vec<&Cell>> = BTreeMap::new();
        let mut names: Vec<&str> = Vec::new();
        for cell in &self.cells {
            let place = names.iter().position(|name| *name == cell.name).unwrap_or_else(|| {
                names.push(cell.name);
                names.len() - 1
            });
            groups.entry((place, cell.connections)).or_default().push(cell);
        }
        let of = |cells: &[&Cell], pick: fn(&Cell) -> u64| {
            median(&mut cells.iter().map(|cell| pick(cell)).collect::<Vec<_>>())
        };
        groups
            .into_values()
            .map(|cells| Cell {
                name: cells[0].name,
                connections: cells[0].connections,
                cpu: of(&cells, |cell| cell.cpu),
                database_cpu: cells[0].database_cpu.map(|_| of(&cells, |cell| cell.database_cpu.unwrap_or_default())),
                p50: of(&cells, |cell| cell.p50),
                p99: of(&cells, |cell| cell.p99),
                calls: of(&cells, |cell| cell.calls),
                calls_per_second: of(&cells, |cell| cell.calls_per_second),
            })
            .collect()
    }

    fn json(&self, rows: &[Cell], ratios: &[Ratio]) -> serde_json::Value {
        json!({
            "cells": rows.iter().map(|row| json!({
                "name": row.name,
                "connections": row.connections,
                "cpu_us_per_call": micro(row.cpu),
                "database_cpu_us_per_call": row.database_cpu.map(micro),
                "p50_us": micro(row.p50),
                "p99_us": micro(row.p99),
                "calls_per_second": row.calls_per_second,
            })).collect::<Vec<_>>(),
            "memory": self.memory.iter().map(|memory| json!({
                "name": memory.name,
                "idle_bytes": memory.idle,
                "after_bytes": memory.after,
            })).collect::<Vec<_>>(),
            "idle_sessions": self.sessions.iter().map(|(count, bytes)| json!({
                "sessions": count,
                "resident_bytes": bytes,
            })).collect::<Vec<_>>(),
            "first_answer_ms": self.starts.iter().map(|(name, start)| json!({
                "name": name,
                "ms": start.as_secs_f64() * 1000.0,
            })).collect::<Vec<_>>(),
            "ratios": ratios.iter().map(|ratio| json!({
                "what": ratio.what,
                "value": ratio.value,
                "aim": ratio.aim,
            })).collect::<Vec<_>>(),
        })
    }
}

/// The ratios that the aims are about.
fn ratios(rows: &[Cell]) -> Vec<Ratio> {
    let find = |name: &str, connections| rows.iter().find(|row| row.name == name && row.connections == connections);
    let mut ratios = Vec::new();
    let mut add = |what: String, (ours, theirs): (Option<u64>, Option<u64>), aim| {
        if let Some((ours, theirs)) = ours.zip(theirs) {
            ratios.push(Ratio { what, value: over(ours, theirs), aim });
        }
    };
    for connections in [1, 32] {
        let plural = if connections == 1 { "connection" } else { "connections" };
        let cpu = |name: &str| find(name, connections).map(|row| row.cpu);
        let p50 = |name: &str| find(name, connections).map(|row| row.p50);
        add(format!("http 2026: CPU over bare rmcp, {connections} {plural}"), (cpu("http 2026"), cpu("rmcp")), 1.3);
        for wire in ["http 2026", "http session", "sse", "websocket", "stdio"] {
            add(format!("{wire}: CPU over floor, {connections} {plural}"), (cpu(wire), cpu("floor")), 2.0);
        }
        let sum = |one: Option<u64>, other: Option<u64>| one.zip(other).map(|(one, other)| one + other);
        let least = sum(cpu("floor"), cpu("pgbench"));
        add(format!("by id: CPU over floor + pgbench, {connections} {plural}"), (cpu("portwright by id"), least), 2.0);
        let least = sum(p50("floor"), p50("pgbench"));
        add(format!("by id: p50 over floor + pgbench, {connections} {plural}"), (p50("portwright by id"), least), 2.0);
    }
    let cpu = |name: &str| find(name, 1).map(|row| row.cpu);
    let calls = (cpu("call, 10000 tools"), cpu("call, 10 tools"));
    add("call: CPU with 10000 tools over 10".to_owned(), calls, 1.3);
    // Both have full pages.
    let lists = (cpu("list, 10000 tools"), cpu("list, 1000 tools"));
    add("list, one page: CPU with 10000 tools over 1000".to_owned(), lists, 1.3);
    ratios
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[expect(clippy::cast_precision_loss, reason = "numbers for people")]
fn over(ours: u64, theirs: u64) -> f64 {
    ours as f64 / theirs.max(1) as f64
}

#[expect(clippy::cast_precision_loss, reason = "numbers for people")]
fn micro(nanoseconds: u64) -> f64 {
    nanoseconds as f64 / 1e3
}

#[expect(clippy::cast_precision_loss, reason = "numbers for people")]
fn mega(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}
