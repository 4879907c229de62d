//! Limit: how often, how much and how many at once, for each principal and for all together.
//!
//! It knows principals and names, never sessions or addresses: who opens a second session has not more. There are two
//! guards of it. The first, for principals and their roles, stands before policy, so that who tries names that they may
//! not call uses up what they have. The second, for single tools and sources and for all together, stands after policy: a
//! limit that only a tool which exists has would tell those who may not see it that it is there; and what one principal
//! tries in vain takes nothing from the others.
//!
//! What there is no room for waits a little, in the order it came, and is refused then. What one of these guards refuses
//! has used nothing of what that guard counts. Results are charged when they are there, also beyond what is left; then the
//! next call waits until that is paid back. A read within a call is part of that call.

mod account;
mod bucket;
mod ledger;
mod plan;
mod seat;
mod shared;
mod size;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use portwright_core::{Call, Context, Guard, Next, Operation, Refusal, RefusalKind, Reply, async_trait, limits};
use tokio::time::{Instant, sleep, timeout_at};

use account::{Account, Gate, InLine, Meter, Short, Taken, Unit};
pub(crate) use bucket::Bucket;
pub use ledger::Ledger;
use plan::Lane;
pub use plan::{LimitPlan, Quota, Rate};
use seat::{Held, Seat, Seated};
use shared::{Entered, Shared};
pub use shared::{StoreError, StorePlan, WhenDown};

/// Quotas, ready for use.
#[derive(Debug, Default)]
struct Limits {
    meters: Vec<Arc<Meter>>,
    gates: Vec<Arc<Gate>>,
}

impl Limits {
    fn new(lane: &Lane, quota: &Quota) -> Self {
        let meter = |unit, rate| Arc::new(Meter { lane: lane.clone(), unit, rate });
        let calls = quota.calls.map(|rate| meter(Unit::Calls, rate));
        let bytes = quota.result_bytes.map(|rate| meter(Unit::ResultBytes, rate));
        let gate = quota.concurrent.map(|places| Arc::new(Gate { lane: lane.clone(), places }));
        Self { meters: calls.into_iter().chain(bytes).collect(), gates: gate.into_iter().collect() }
    }

    fn add(&mut self, other: &Self) {
        self.meters.extend(other.meters.iter().cloned());
        self.gates.extend(other.gates.iter().cloned());
    }

    fn is_empty(&self) -> bool {
        self.meters.is_empty() && self.gates.is_empty()
    }
}

/// Which of the two guards.
#[derive(Debug)]
enum Scope {
    /// Principals and their roles.
    Principals { each: Limits, roles: HashMap<Arc<str>, Limits> },
    /// Sources, tools (by source, then by name), and what all use together.
    Targets { sources: HashMap<Arc<str>, Limits>, tools: HashMap<Arc<str>, HashMap<Arc<str>, Limits>> },
}

/// Bounds what a principal, and all together, may use.
#[derive(Debug)]
pub(super) struct Limit {
    ledger: Arc<Ledger>,
    scope: Scope,
    total: Limits,
    queue_wait: Duration,
}

fn named(quotas: &BTreeMap<Arc<str>, Quota>, lane: fn(Arc<str>) -> Lane) -> HashMap<Arc<str>, Limits> {
    quotas.iter().map(|(name, quota)| (name.clone(), Limits::new(&lane(name.clone()), quota))).collect()
}

impl Limit {
    /// The guard for principals and roles. None where nothing of that is limited.
    pub(super) fn of_principals(plan: &LimitPlan, ledger: &Arc<Ledger>) -> Option<Self> {
        let (each, roles) = (Limits::new(&Lane::Each, &plan.each), named(&plan.roles, Lane::Role));
        let needed = !each.is_empty() || roles.values().any(|limits| !limits.is_empty());
        let (scope, total) = (Scope::Principals { each, roles }, Limits::default());
        needed.then(|| Self { ledger: ledger.clone(), scope, total, queue_wait: plan.queue_wait })
    }

    /// The guard for tools, sources and all together. None where nothing of that is limited.
    pub(super) fn of_targets(plan: &LimitPlan, ledger: &Arc<Ledger>) -> Option<Self> {
        let sources = named(&plan.sources, Lane::Source);
        let mut tools: HashMap<Arc<str>, HashMap<Arc<str>, Limits>> = HashMap::new();
        for ((source, name), quota) in &plan.tools {
            let limits = Limits::new(&Lane::Tool(source.clone(), name.clone()), quota);
            tools.entry(source.clone()).or_default().insert(name.clone(), limits);
        }
        let total = Limits::new(&Lane::Total, &plan.total);
        let named = sources.values().chain(tools.values().flat_map(HashMap::values));
        let needed = named.chain([&total]).any(|limits| !limits.is_empty());
        let scope = Scope::Targets { sources, tools };
        needed.then(|| Self { ledger: ledger.clone(), scope, total, queue_wait: plan.queue_wait })
    }

    /// What of the principal's own speaks of this call.
    fn own(&self, call: &Call, cx: &Context) -> Limits {
        let mut own = Limits::default();
        match &self.scope {
            Scope::Principals { each, roles } => {
                own.add(each);
                let has = cx.principal().into_iter().flat_map(|who| who.role_names());
                has.filter_map(|role| roles.get(role)).for_each(|limits| own.add(limits));
            }
            Scope::Targets { sources, tools } => {
                let Some(target) = &call.target else { return own };
                if let Some(limits) = sources.get(&target.source) {
                    own.add(limits);
                }
                if matches!(call.operation, Operation::CallTool { .. }) {
                    let tool = tools.get(&target.source).and_then(|tools| tools.get(target.name.as_str()));
                    if let Some(limits) = tool {
                        own.add(limits);
                    }
                }
            }
        }
        own
    }

    fn now(&self, cx: &Context) -> u64 {
        self.ledger.time(cx.clock.instant())
    }

    /// Waits for room in all of them and takes it; a call that goes away meanwhile leaves nothing behind.
    async fn enter(&self, account: &Arc<Account>, own: &Limits, cx: &Context) -> Result<Held, Refusal> {
        let now = self.now(cx);
        // To wait until the call's time is up would be a time-out, where a word about the limit helps more.
        let patience = cx.time_left().map_or(self.queue_wait, |left| left.min(self.queue_wait));
        let until = Instant::now() + patience;
        let short = |short: Short<'_>| refuse(cx, &short.meter.lane, short.meter.unit.word(), short.wait);
        let mine = Taking::new(account, &own.meters, patience, now).map_err(short)?;
        let of_all = Taking::new(self.ledger.total(), &self.total.meters, patience, now).map_err(short)?;
        let wait = mine.wait.max(of_all.wait);
        let mut queue = Queue { account, place: None };
        if !wait.is_zero() {
            if !queue.join() {
                let lane = own.meters.first().map_or(&Lane::Each, |meter| &meter.lane);
                return Err(refuse(cx, lane, "calls", wait));
            }
            cx.cancel.run_until_cancelled(sleep(wait)).await.ok_or_else(Refusal::cancelled)?;
        }
        let gates = own.gates.iter().map(|gate| (account, gate));
        let gates = gates.chain(self.total.gates.iter().map(|gate| (self.ledger.total(), gate)));
        let mut places = Vec::new();
        for (holder, gate) in gates {
            let room = holder.places(gate);
            if let Ok(place) = room.clone().try_acquire_owned() {
                places.push(place);
                continue;
            }
            let full = || full(cx, &gate.lane);
            if patience.is_zero() || !queue.join() {
                return Err(full());
            }
            let place = timeout_at(until, room.acquire_owned());
            let place = cx.cancel.run_until_cancelled(place).await.ok_or_else(Refusal::cancelled)?;
            places.push(place.ok().and_then(Result::ok).ok_or_else(full)?);
        }
        mine.keep();
        of_all.keep();
        Ok(Held { _places: places, _ticket: None })
    }

    /// The same where replicas share what was used. None while the store is away and this process counts by itself.
    async fn enter_shared(
        &self,
        shared: &Shared,
        account: &Arc<Account>,
        own: &Limits,
        cx: &Context,
    ) -> Result<Option<Held>, Refusal> {
        let who = cx.principal().map(|who| &**who);
        let patience = cx.time_left().map_or(self.queue_wait, |left| left.min(self.queue_wait));
        let until = Instant::now() + patience;
        let mut queue = Queue { account, place: None };
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let (lane, what, wait) = match shared.enter(who, [own, &self.total], left).await {
                Err(_) if shared.down == WhenDown::Local => return Ok(None),
                Err(_) => return Err(unknown(cx)),
                Ok(Entered::In { wait, mut ticket }) => {
                    if !wait.is_zero() {
                        if !queue.join() {
                            return Err(refuse(cx, &Lane::Each, "calls", wait));
                        }
                        cx.cancel.run_until_cancelled(sleep(wait)).await.ok_or_else(Refusal::cancelled)?;
                    }
                    ticket.runs();
                    return Ok(Some(Held { _places: Vec::new(), _ticket: Some(ticket) }));
                }
                Ok(Entered::Short { lane, what, wait }) => return Err(refuse(cx, &lane, what, wait)),
                Ok(Entered::Full { lane }) => (lane, "concurrent", limits::LIMIT_PLACE_RETRY),
            };
            if left <= limits::STORE_LOOK_AGAIN || !queue.join() {
                return Err(refuse(cx, &lane, what, wait));
            }
            let pause = sleep(limits::STORE_LOOK_AGAIN);
            cx.cancel.run_until_cancelled(pause).await.ok_or_else(Refusal::cancelled)?;
        }
    }
}

#[async_trait]
impl Guard for Limit {
    fn name(&self) -> &'static str {
        match self.scope {
            Scope::Principals { .. } => "limit",
            Scope::Targets { .. } => "limit_of_target",
        }
    }

    async fn check(&self, call: &Call, cx: &Context, next: Next<'_>) -> Result<Reply, Refusal> {
        let own = self.own(call, cx);
        // What nobody owns reaches nothing that could be shielded, and must not be told from what is forbidden.
        let nobodys = matches!(self.scope, Scope::Targets { .. }) && call.target.is_none();
        if nobodys || cx.depth > 0 || (own.is_empty() && self.total.is_empty()) {
            return next.run(call, cx).await;
        }
        let account = self.ledger.account(cx.principal().map(|who| &**who), self.now(cx));
        let shared = self.ledger.shared();
        let held = match shared {
            Some(shared) => self.enter_shared(shared, &account, &own, cx).await?,
            None => None,
        };
        let shared = shared.filter(|_| held.is_some());
        let held = match held {
            Some(held) => held,
            None => self.enter(&account, &own, cx).await?,
        };
        let seated = Seated(Arc::new(Seat::new(&self.ledger, &account, [&own, &self.total], held)));
        if seated.0.has_gates() {
            cx.waiting.takes_up(seated.0.clone());
        }
        let result = next.run(call, cx).await;
        let counts = |limits: &Limits| limits.meters.iter().any(|meter| meter.unit == Unit::ResultBytes);
        if let Ok(reply) = &result
            && (counts(&own) || counts(&self.total))
        {
            let (bytes, now) = (size::of(reply), self.now(cx));
            if let Some(shared) = shared {
                shared.charge(cx.principal().map(|who| &**who), [&own, &self.total], bytes).await;
            } else {
                account.charge(&own.meters, bytes, now);
                self.ledger.total().charge(&self.total.meters, bytes, now);
            }
        }
        result
    }
}

/// What was taken for a call that does not run yet. It is given back unless it is kept.
struct Taking {
    account: Arc<Account>,
    taken: Vec<Taken>,
    wait: Duration,
}

impl Taking {
    fn new<'a>(
        account: &Arc<Account>,
        meters: &'a [Arc<Meter>],
        patience: Duration,
        now: u64,
    ) -> Result<Self, Short<'a>> {
        if meters.is_empty() {
            return Ok(Self { account: account.clone(), taken: Vec::new(), wait: Duration::ZERO });
        }
        let (wait, taken) = account.take(meters, patience, now)?;
        Ok(Self { account: account.clone(), taken, wait })
    }

    fn keep(mut self) {
        self.taken.clear();
    }
}

impl Drop for Taking {
    fn drop(&mut self) {
        if !self.taken.is_empty() {
            self.account.give_back(&self.taken);
        }
    }
}

/// The queue that a call may have to join, once.
struct Queue<'a> {
    account: &'a Arc<Account>,
    place: Option<InLine>,
}

impl Queue<'_> {
    fn join(&mut self) -> bool {
        if self.place.is_none() {
            self.place = self.account.line_up(limits::LIMIT_QUEUE_MAX);
        }
        self.place.is_some()
    }
}

/// All places behind a gate are taken.
fn full(cx: &Context, lane: &Lane) -> Refusal {
    refuse(cx, lane, "concurrent", limits::LIMIT_PLACE_RETRY)
}

/// What was used can't be looked up, and the plan says that nobody may call then.
fn unknown(cx: &Context) -> Refusal {
    cx.note(|trail| trail.rule = Some("limits.store".to_owned()));
    let words = "the server can't look up its limits just now; try again in a while";
    Refusal::new(RefusalKind::Limited, words).retry_after(limits::STORE_PAUSE)
}

/// Leaves the rule for the record. The caller learns when to come again, and nothing of what others do.
fn refuse(cx: &Context, lane: &Lane, what: &str, wait: Duration) -> Refusal {
    let rule = format!("{lane}.{what}");
    tracing::debug!(request = %cx.request, rule, "a call is over its limit");
    cx.note(|trail| trail.rule = Some(rule));
    let words = match (lane, what) {
        (Lane::Total, _) => "the server has too much to do just now",
        (_, "concurrent") => "too many of your calls are running; wait until one of them has ended",
        (_, "result_bytes") => "your last results were too large together; wait, and ask for less at a time",
        _ => "too many calls in too short a time; wait, and make fewer calls that each do more",
    };
    // In whole seconds, rounded up: who comes at the time that was told is let in.
    let wait = Duration::from_secs(wait.as_secs() + u64::from(wait.subsec_nanos() > 0));
    Refusal::new(RefusalKind::Limited, words).retry_after(wait.max(Duration::from_secs(1)))
}
