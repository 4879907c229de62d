//! The places of a call that runs. They are free again when it ends, however it ends; and while it waits for a person, since
//! nothing of it runs then, and a queue of such calls is not to keep everybody else out.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use portwright_core::{Context, Places, Refusal, async_trait, limits};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, sleep, timeout_at};

use super::account::{Account, Gate};
use super::shared::{Entered, Ticket};
use super::{Ledger, Limits, full, unknown};

/// What is taken.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) _places: Vec<OwnedSemaphorePermit>,
    pub(super) _ticket: Option<Ticket>,
}

/// What it was taken of, so that it can be taken again.
pub(super) struct Seat {
    ledger: Arc<Ledger>,
    account: Arc<Account>,
    /// The gates of the principal or target, and of all together.
    gates: [Limits; 2],
    held: Mutex<Option<Held>>,
}

impl fmt::Debug for Seat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Seat").field("held", &self.held().is_some()).finish_non_exhaustive()
    }
}

impl Seat {
    pub(super) fn new(ledger: &Arc<Ledger>, account: &Arc<Account>, taken_of: [&Limits; 2], held: Held) -> Self {
        let gates = |limits: &Limits| Limits { meters: Vec::new(), gates: limits.gates.clone() };
        Self {
            ledger: ledger.clone(),
            account: account.clone(),
            gates: taken_of.map(gates),
            held: Mutex::new(Some(held)),
        }
    }

    fn held(&self) -> MutexGuard<'_, Option<Held>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether anything could be given up.
    pub(super) fn has_gates(&self) -> bool {
        self.gates.iter().any(|limits| !limits.gates.is_empty())
    }

    async fn take(&self, cx: &Context, until: Instant) -> Result<Held, Refusal> {
        let Some(shared) = self.ledger.shared() else { return self.take_here(cx, until).await };
        loop {
            let entered =
                shared.enter(cx.principal().map(|who| &**who), [&self.gates[0], &self.gates[1]], Duration::ZERO).await;
            let lane = match entered {
                Ok(Entered::In { mut ticket, .. }) => {
                    ticket.runs();
                    return Ok(Held { _places: Vec::new(), _ticket: Some(ticket) });
                }
                Ok(Entered::Full { lane } | Entered::Short { lane, .. }) => lane,
                Err(_) if shared.is_local() => return self.take_here(cx, until).await,
                Err(_) => return Err(unknown(cx)),
            };
            if Instant::now() + limits::STORE_LOOK_AGAIN >= until {
                return Err(full(cx, &lane));
            }
            sleep(limits::STORE_LOOK_AGAIN).await;
        }
    }

    async fn take_here(&self, cx: &Context, until: Instant) -> Result<Held, Refusal> {
        let of = |account: &Arc<Account>, limits: &Limits| -> Vec<(Arc<Account>, Arc<Gate>)> {
            limits.gates.iter().map(|gate| (account.clone(), gate.clone())).collect()
        };
        let all = of(&self.account, &self.gates[0]).into_iter().chain(of(self.ledger.total(), &self.gates[1]));
        let mut places = Vec::new();
        for (account, gate) in all {
            let place = timeout_at(until, account.places(&gate).acquire_owned()).await;
            places.push(place.ok().and_then(Result::ok).ok_or_else(|| full(cx, &gate.lane))?);
        }
        Ok(Held { _places: places, _ticket: None })
    }
}

#[async_trait]
impl Places for Seat {
    fn leave(&self) {
        self.held().take();
    }

    /// Somebody has said yes to the call, so it waits for a place as long as it has time.
    async fn back(&self, cx: &Context) -> Result<(), Refusal> {
        if !self.has_gates() {
            return Ok(());
        }
        let patience = cx.time_left().unwrap_or(limits::CALL_WAIT);
        let taken = cx.cancel.run_until_cancelled(self.take(cx, Instant::now() + patience)).await;
        *self.held() = Some(taken.ok_or_else(Refusal::cancelled)??);
        Ok(())
    }
}

/// Gives the places back when the call ends, whoever else still holds the seat.
pub(super) struct Seated(pub(super) Arc<Seat>);

impl Drop for Seated {
    fn drop(&mut self) {
        self.0.leave();
    }
}
