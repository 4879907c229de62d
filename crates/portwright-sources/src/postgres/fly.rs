//! A declared statement that only reads, as one [flight](super::flight): the transaction is opened, the statement runs,
//! the session's locks are given up and the transaction is rolled back, all in one round trip.
//!
//! The session is clean when the flight has landed. One that ended otherwise is made clean as after any other call.

use super::errors::Report;
use super::flight::{self, Flight};
use super::gather::{Gather, Wish};
use super::pool::Lease;
use super::run::{Failure, Job, begin_anew};
use super::session::{Session, waits};
use super::types::{Bound, Cell, Cursor, Malformed};
use crate::shared::sql::Rows;

const BEGIN: (&str, &str) = ("portwright_begin", "BEGIN READ ONLY");
const UNLOCK: (&str, &str) = ("portwright_unlock", "SELECT pg_catalog.pg_advisory_unlock_all()");
const END: (&str, &str) = ("portwright_end", "ROLLBACK");

/// Statements that every flight has. They are prepared by the first.
const EVERY: [(&str, &str); 3] = [BEGIN, UNLOCK, END];

/// How a flight came down.
struct Landing {
    gather: Gather,
    /// It was given up with rows still to come.
    left: bool,
    /// The server refused a part.
    refused: Option<Report>,
    /// The statement was refused, or one before it.
    failed: bool,
    /// Nothing is left behind.
    clean: bool,
}

/// Runs it; none if it can't fly, and then nothing was sent.
pub(super) async fn fly(lease: &mut Lease, job: Job<'_>) -> Result<Option<Rows>, Failure> {
    let session = lease.session()?;
    let Some(kept) = session.statements.get(job.sql) else { return Ok(None) };
    let params = kept.prepared.statement.params();
    let values = job.query.values.iter().zip(params).map(|(value, ty)| Bound(value).text(ty));
    // The longer way says what does not fit.
    let Ok(values) = values.collect::<Result<Vec<_>, _>>() else { return Ok(None) };
    if job.query.values.len() != params.len() {
        return Ok(None);
    }
    let landing = match go(session, job, &values).await {
        Ok(Some(landing)) => landing,
        Ok(None) => return Ok(None),
        Err(error) => return Err(job.failed(error.into(), lease)),
    };
    if !landing.left {
        lease.rest();
    }
    if landing.clean {
        lease.clean();
    }
    match landing.refused {
        Some(report) if landing.failed => return Err(job.failed(report.into(), lease)),
        Some(report) => tracing::warn!(error = %report, "session can't be made clean at once"),
        None => {}
    }
    let gather = landing.gather;
    if gather.asked.is_empty() {
        return Ok(Some(gather.result));
    }
    lease.start(false);
    if landing.left {
        lease.call_off().await?;
    }
    begin_anew(lease, job).await?;
    gather.ask(lease).await.map(Some)
}

/// Sends the flight and reads its answers.
async fn go(session: &mut Session, job: Job<'_>, values: &[Option<String>]) -> std::io::Result<Option<Landing>> {
    let own_waits = (job.query.timeout != session.statement_wait).then(|| waits("SET LOCAL", job.query.timeout));
    let own_waits: Vec<&str> = own_waits.iter().flat_map(|waits| waits.split("; ")).collect();
    let Session { flight, statements, every_prepared, .. } = session;
    let Some(kept) = statements.get_mut(job.sql) else { return Ok(None) };
    let Some(mut messages) = flight.start() else { return Ok(None) };
    for (name, sql) in &EVERY[*every_prepared..] {
        messages.parse(name, sql, &[]);
    }
    if !kept.is_named {
        let types: Vec<u32> = kept.prepared.statement.params().iter().map(tokio_postgres::types::Type::oid).collect();
        messages.parse(&kept.name, job.sql, &types);
    }
    messages.run(BEGIN.0, &[]);
    for sql in &own_waits {
        messages.parse("", sql, &[]);
        messages.run("", &[]);
    }
    if !job.guise.is_empty() {
        messages.parse("", &job.guise.sql(), &job.guise.types());
        messages.run("", &job.guise.values());
    }
    messages.run(&kept.name, values);
    messages.run(UNLOCK.0, &[]);
    messages.run(END.0, &[]);
    messages.sync();

    let mut gather = Gather::new(&kept.prepared, job.query);
    let statement = 1 + own_waits.len() + usize::from(!job.guise.is_empty());
    let (mut done, mut refused) = (0, None);
    loop {
        let answer = match (flight.next().await, refused.take()) {
            // A server that ends the session says why.
            (Err(_), Some(report)) => {
                return Ok(Some(Landing { gather, left: true, refused: Some(report), failed: true, clean: false }));
            }
            (answer, before) => {
                refused = before;
                answer?
            }
        };
        match answer {
            flight::PARSED if *every_prepared < EVERY.len() => *every_prepared += 1,
            flight::PARSED => kept.is_named = true,
            flight::BOUND | flight::CLOSED => {}
            flight::ROW if done == statement => {
                if take(&mut gather, flight)? == Wish::Enough {
                    return Ok(Some(Landing { gather, left: true, refused: None, failed: false, clean: false }));
                }
            }
            flight::ROW if done != statement => {}
            flight::COMPLETE | flight::EMPTY => done += 1,
            flight::ERROR => refused = Some(Report::parse(flight.body())),
            flight::READY => break,
            other => return Err(flight.lost(other)),
        }
    }
    let clean = refused.is_none() && done == statement + 3 && flight.body() == b"I";
    Ok(Some(Landing { gather, left: false, refused, failed: done <= statement, clean }))
}

fn take(gather: &mut Gather, flight: &mut Flight) -> std::io::Result<Wish> {
    match cells(flight.body(), gather.width()) {
        Ok(cells) => Ok(gather.row(cells)),
        Err(_) => Err(flight.lost(flight::ROW)),
    }
}

/// The values of a row: a count, and each with its length before it.
fn cells(body: &[u8], width: usize) -> Result<Vec<Cell<'_>>, Malformed> {
    let mut body = Cursor(body);
    if usize::from(body.u16()?) != width {
        return Err(Malformed);
    }
    (0..width).map(|_| cell(&mut body)).collect()
}

fn cell<'a>(body: &mut Cursor<'a>) -> Result<Cell<'a>, Malformed> {
    match usize::try_from(body.i32()?) {
        Ok(length) => body.take(length).map(|bytes| Cell::new(Some(bytes))),
        Err(_) => Ok(Cell::new(None)),
    }
}
