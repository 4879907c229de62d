//! What was carried and is used up. A state counts once: a client that carries it twice, at once or later, makes one call.
//!
//! What is remembered is the state's word, until the state has expired; where there is no room to remember, nothing more
//! is used up. Replicas that share a store remember there.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use portwright_core::{Refusal, RefusalKind, limits};
use tokio::time::Instant;

use crate::session::replicas::Replicas;

/// The words that are used up.
#[derive(Debug)]
pub(crate) struct Spent {
    here: Mutex<Words>,
    replicas: Option<Arc<Replicas>>,
}

#[derive(Debug, Default)]
struct Words {
    of: HashMap<String, HashMap<String, Instant>>,
    count: usize,
}

impl Words {
    /// Uses a word up; false if it is already.
    fn spend(&mut self, owner: &str, word: &str, until: Instant) -> Result<bool, Refusal> {
        let now = Instant::now();
        if let Some(own) = self.of.get_mut(owner) {
            let before = own.len();
            own.retain(|_, until| *until > now);
            self.count -= before - own.len();
            if own.contains_key(word) {
                return Ok(false);
            }
            if own.len() >= limits::ASK_SPENT_OF_ONE_MAX {
                return Err(full());
            }
        }
        if self.count >= limits::ASK_SPENT_MAX {
            for own in self.of.values_mut() {
                own.retain(|_, until| *until > now);
            }
            self.of.retain(|_, own| !own.is_empty());
            self.count = self.of.values().map(HashMap::len).sum();
        }
        if self.count >= limits::ASK_SPENT_MAX {
            return Err(full());
        }
        self.of.entry(owner.to_owned()).or_default().insert(word.to_owned(), until);
        self.count += 1;
        Ok(true)
    }
}

impl Spent {
    pub(crate) fn new(replicas: Option<Arc<Replicas>>) -> Self {
        Self { here: Mutex::default(), replicas }
    }

    /// Uses up the word of a state that expires in `left`. A refusal if it is used up, or if nobody can tell.
    pub(super) async fn spend(&self, owner: &str, word: &str, left: Duration) -> Result<(), Refusal> {
        // The state's own end is told by a clock that may be set back.
        let kept = left * 2;
        let first = match &self.replicas {
            Some(replicas) => replicas.spend(word, kept).await.map_err(|_| {
                let words = "the store that knows which answers were used is away; try again later";
                Refusal::new(RefusalKind::Unavailable, words)
            })?,
            None => {
                self.here.lock().unwrap_or_else(PoisonError::into_inner).spend(owner, word, Instant::now() + kept)?
            }
        };
        if first {
            return Ok(());
        }
        Err(Refusal::invalid("`requestState` was used already; make the call again without it"))
    }
}

fn full() -> Refusal {
    Refusal::new(RefusalKind::Limited, "too many questions were answered; try again later")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_is_remembered_is_bounded_and_ends() {
        let spent = Spent::new(None);
        let spend = async |owner: &str, word: usize| {
            spent.spend(owner, &word.to_string(), Duration::from_secs(1)).await.map_err(|refusal| refusal.kind())
        };
        for word in 0..limits::ASK_SPENT_OF_ONE_MAX {
            assert_eq!(spend("ada", word).await, Ok(()));
        }
        assert_eq!(spend("ada", 7).await, Err(RefusalKind::Invalid));
        assert_eq!(spend("ada", limits::ASK_SPENT_OF_ONE_MAX).await, Err(RefusalKind::Limited));
        for owner in 1..limits::ASK_SPENT_MAX / limits::ASK_SPENT_OF_ONE_MAX {
            for word in 0..limits::ASK_SPENT_OF_ONE_MAX {
                assert_eq!(spend(&format!("owner {owner}"), word).await, Ok(()), "one takes no room of another");
            }
        }
        assert_eq!(spend("bob", 1).await, Err(RefusalKind::Limited), "nothing is forgotten to make room");
        tokio::time::advance(Duration::from_secs(2)).await;
        assert_eq!(spend("bob", 1).await, Ok(()));
        assert_eq!(spent.here.lock().unwrap_or_else(PoisonError::into_inner).count, 1, "what has ended is forgotten");
    }
}
