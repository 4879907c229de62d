//! Limits that replicas share, in Redis: the same arithmetic as in memory, in one script and one round trip a call. Places
//! of calls that run are leases, so that those of a replica that was killed come back.

mod store;

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use portwright_core::{Auth, Principal, limits};
use redis::Script;
use sha2::{Digest, Sha256};
use tokio::task::AbortHandle;

pub(super) use store::Away;
use store::Store;
pub use store::{StoreError, StorePlan, WhenDown};

use super::Limits;
use super::account::{Gate, Meter, Unit};
use super::bucket::time_of;
use super::plan::Lane;

/// The shared ledger.
#[derive(Debug)]
pub(super) struct Shared {
    store: Arc<Store>,
    scripts: Arc<Scripts>,
    prefix: String,
    pub(super) down: WhenDown,
    /// This process, and how many calls it has let in: together they name a call.
    process: String,
    calls: AtomicU64,
}

#[derive(Debug)]
struct Scripts {
    enter: Script,
    charge: Script,
    hold: Script,
}

/// What became of a call.
pub(super) enum Entered {
    /// It may run, after a wait.
    In { wait: Duration, ticket: Ticket },
    /// This bucket has no room before that wait.
    Short { lane: Lane, what: &'static str, wait: Duration },
    /// All places behind this gate are taken.
    Full { lane: Lane },
}

impl Shared {
    pub(super) fn open(plan: &StorePlan) -> Result<Self, StoreError> {
        let mut process = [0; 16];
        getrandom::fill(&mut process).map_err(|_| StoreError::Away("no random numbers".to_owned()))?;
        let scripts = Scripts {
            enter: Script::new(include_str!("enter.lua")),
            charge: Script::new(include_str!("charge.lua")),
            hold: Script::new(include_str!("hold.lua")),
        };
        Ok(Self {
            store: Arc::new(Store::open(plan)?),
            scripts: Arc::new(scripts),
            prefix: plan.prefix.clone(),
            down: plan.down,
            process: hex(&process),
            calls: AtomicU64::new(0),
        })
    }

    /// Whether each replica counts by itself while the store is away.
    pub(super) fn is_local(&self) -> bool {
        self.down == WhenDown::Local
    }

    /// A key that tells nothing of whose it is. In braces, so that all keys of a call are on one node of a cluster.
    fn key(&self, who: Option<&Principal>, lane: &Lane, what: &str) -> String {
        let mut hash = Sha256::new();
        let who = match who {
            Some(who) if who.auth != Auth::Anonymous && *lane != Lane::Total => (who.auth.as_str(), &*who.id),
            _ => (Auth::Anonymous.as_str(), ""),
        };
        // As `Debug` writes it: quoted, so that no name can be made to look like another.
        hash.update(format!("{who:?} {lane:?} {what}"));
        format!("{{{}}}:{}", self.prefix, hex(&hash.finalize()[..16]))
    }

    fn bucket(&self, who: Option<&Principal>, meter: &Meter) -> String {
        self.key(who, &meter.lane, &format!("{} {:?}", meter.unit.word(), meter.rate))
    }

    /// Takes a call of each bucket and a place behind each gate, if the wait is no longer than `patience`.
    pub(super) async fn enter(
        &self,
        who: Option<&Principal>,
        limits_of_call: [&Limits; 2],
        patience: Duration,
    ) -> Result<Entered, Away> {
        let meters: Vec<&Arc<Meter>> = limits_of_call.iter().flat_map(|limits| &limits.meters).collect();
        let gates: Vec<&Arc<Gate>> = limits_of_call.iter().flat_map(|limits| &limits.gates).collect();
        let call = format!("{}-{}", self.process, self.calls.fetch_add(1, Ordering::Relaxed));
        let mut keys: Vec<String> = meters.iter().map(|meter| self.bucket(who, meter)).collect();
        keys.extend(gates.iter().map(|gate| self.key(who, &gate.lane, "concurrent")));
        let mut values = vec![
            meters.len().to_string(),
            gates.len().to_string(),
            micros(patience).to_string(),
            micros(limits::STORE_LEASE).to_string(),
            call.clone(),
        ];
        for meter in &meters {
            let (calls, room) = match meter.unit {
                Unit::Calls => (1, cost(meter, 1).saturating_mul(meter.rate.burst.saturating_sub(1))),
                Unit::ResultBytes => (0, cost(meter, meter.rate.burst).saturating_sub(1)),
            };
            values.extend([calls.to_string(), cost(meter, 1).to_string(), room.to_string()]);
        }
        values.extend(gates.iter().map(|gate| gate.places.to_string()));
        let (end, which, wait): (u8, usize, u64) = self.store.run(&self.scripts.enter, &keys, &values).await?;
        let wait = Duration::from_micros(wait);
        Ok(match (end, meters.get(which.wrapping_sub(1)), gates.get(which.wrapping_sub(1))) {
            (1, Some(meter), _) => Entered::Short { lane: meter.lane.clone(), what: meter.unit.word(), wait },
            (2, _, Some(gate)) => Entered::Full { lane: gate.lane.clone() },
            (0, ..) => {
                let places = keys.split_off(meters.len());
                let took = keys.into_iter().zip(&meters).filter(|(_, meter)| meter.unit == Unit::Calls);
                let took = took.map(|(key, meter)| (key, cost(meter, 1))).collect();
                Entered::In { wait, ticket: Ticket::new(self, call, places, took) }
            }
            _ => return Err(Away),
        })
    }

    /// Charges a result.
    pub(super) async fn charge(&self, who: Option<&Principal>, limits_of_call: [&Limits; 2], bytes: u64) {
        let (mut keys, mut values) = (Vec::new(), Vec::new());
        let meters = limits_of_call.iter().flat_map(|limits| &limits.meters);
        for meter in meters.filter(|meter| meter.unit == Unit::ResultBytes) {
            let filled = cost(meter, meter.rate.burst);
            let debt = micros(limits::LIMIT_DEBT_WAIT).max(filled);
            keys.push(self.bucket(who, meter));
            values.extend([cost(meter, bytes).to_string(), filled.saturating_add(debt).to_string()]);
        }
        if !keys.is_empty() {
            let _: Result<u8, Away> = self.store.run(&self.scripts.charge, &keys, &values).await;
        }
    }
}

/// What so many cost, in microseconds.
fn cost(meter: &Meter, amount: u64) -> u64 {
    time_of(meter.rate, amount).div_ceil(1000)
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

/// The places of a call that runs, and what it took as long as it does not. Dropped, the places are given back; and what it
/// took, unless the call [ran](Self::runs).
#[derive(Debug)]
pub(super) struct Ticket {
    store: Arc<Store>,
    scripts: Arc<Scripts>,
    call: String,
    places: Vec<String>,
    took: Vec<(String, u64)>,
    renewal: Option<AbortHandle>,
}

impl Ticket {
    fn new(shared: &Shared, call: String, places: Vec<String>, took: Vec<(String, u64)>) -> Self {
        let (store, scripts) = (shared.store.clone(), shared.scripts.clone());
        let renewal = (!places.is_empty()).then(|| {
            let (store, scripts, call, places) = (store.clone(), scripts.clone(), call.clone(), places.clone());
            let renew = async move {
                loop {
                    tokio::time::sleep(limits::STORE_LEASE / 3).await;
                    let lease = [call.clone(), micros(limits::STORE_LEASE).to_string()];
                    let _: Result<u8, Away> = store.run(&scripts.hold, &places, &lease).await;
                }
            };
            tokio::spawn(renew).abort_handle()
        });
        Self { store, scripts, call, places, took, renewal }
    }

    /// The call runs now: what it took is used.
    pub(super) fn runs(&mut self) {
        self.took.clear();
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if let Some(renewal) = &self.renewal {
            renewal.abort();
        }
        if (self.places.is_empty() && self.took.is_empty()) || tokio::runtime::Handle::try_current().is_err() {
            return;
        }
        let (store, scripts) = (self.store.clone(), self.scripts.clone());
        let (call, places, took) =
            (std::mem::take(&mut self.call), std::mem::take(&mut self.places), std::mem::take(&mut self.took));
        tokio::spawn(async move {
            if !places.is_empty() {
                let _: Result<u8, Away> = store.run(&scripts.hold, &places, &[call, "0".to_owned()]).await;
            }
            if !took.is_empty() {
                let (keys, costs): (Vec<_>, Vec<_>) = took.into_iter().unzip();
                let values: Vec<_> = costs.iter().flat_map(|cost| [format!("-{cost}"), i64::MAX.to_string()]).collect();
                let _: Result<u8, Away> = store.run(&scripts.charge, &keys, &values).await;
            }
        });
    }
}
