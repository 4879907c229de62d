//! The arithmetic of a token bucket, as the generic cell rate algorithm (ITU-T I.371): one moment in time stands for all
//! that a bucket has to know. Pure; times are nanoseconds from a start that the caller chose.

use std::time::Duration;

use portwright_core::limits;

use super::plan::Rate;

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// The time in which `amount` flows in, rounded up.
pub(super) fn time_of(rate: Rate, amount: u64) -> u64 {
    let cost = (rate.per.as_nanos().saturating_mul(u128::from(amount))).div_ceil(u128::from(rate.amount.max(1)));
    u64::try_from(cost).unwrap_or(u64::MAX)
}

/// A bucket. It starts full.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Bucket {
    /// When it will be full again.
    full_at: u64,
    /// When somebody who took from it found it full, last. What was taken before has flowed in again.
    round: u64,
}

impl Bucket {
    pub(crate) fn is_full(self, now: u64) -> bool {
        self.full_at <= now
    }

    /// How long to wait until one unit is there. Zero: it is there.
    pub(crate) fn wait_for_one(self, rate: Rate, now: u64) -> Duration {
        let room = time_of(rate, 1).saturating_mul(rate.burst.saturating_sub(1));
        Duration::from_nanos(self.full_at.saturating_sub(now.saturating_add(room)))
    }

    /// How long to wait until anything is there, after a debt.
    pub(crate) fn wait_for_any(self, rate: Rate, now: u64) -> Duration {
        let room = time_of(rate, rate.burst).saturating_sub(1);
        Duration::from_nanos(self.full_at.saturating_sub(now.saturating_add(room)))
    }

    /// Takes, also what is not there yet: the taker waits for it, or owes it. Tells the round, for
    /// [`give_back`](Self::give_back).
    pub(crate) fn take(&mut self, rate: Rate, amount: u64, now: u64) -> u64 {
        if self.full_at <= now {
            self.full_at = now;
            self.round = now;
        }
        // A debt is paid within the bound, so that one monstrous result does not shut somebody out for ever.
        let debt = nanos(limits::LIMIT_DEBT_WAIT).max(time_of(rate, rate.burst));
        let end = now.saturating_add(time_of(rate, rate.burst)).saturating_add(debt);
        self.full_at = self.full_at.saturating_add(time_of(rate, amount)).min(end);
        self.round
    }

    /// Undoes a [`take`](Self::take) that came to nothing, unless time has done so already.
    pub(crate) fn give_back(&mut self, rate: Rate, amount: u64, round: u64) {
        if self.round == round {
            self.full_at = self.full_at.saturating_sub(time_of(rate, amount));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Bucket;
    use crate::guard::limit::Rate;

    #[test]
    fn what_time_gave_back_already_is_not_given_back_again() {
        let rate = Rate::new(2, Duration::from_secs(2));
        let second = 1_000_000_000;
        let mut bucket = Bucket::default();
        let round = bucket.take(rate, 1, second);
        bucket.take(rate, 1, 10 * second);
        bucket.take(rate, 1, 10 * second);
        bucket.give_back(rate, 1, round);
        assert!(!bucket.wait_for_one(rate, 10 * second).is_zero());
    }

    proptest::proptest! {
        #[test]
        fn no_window_holds_more_than_the_burst_and_what_flows_in(
            amount in 1..50_u64, burst in 1..50_u64, steps in proptest::collection::vec(0..3_000_u64, 1..200),
        ) {
            let rate = Rate { amount, per: Duration::from_secs(10), burst };
            let (mut bucket, mut now, mut passed) = (Bucket::default(), 0_u64, Vec::new());
            for step in steps {
                now += step * 1_000_000;
                if bucket.wait_for_one(rate, now).is_zero() {
                    bucket.take(rate, 1, now);
                    passed.push(now);
                }
            }
            for (first, from) in passed.iter().enumerate() {
                for (last, to) in passed.iter().enumerate().skip(first) {
                    let flows = (to - from) * amount / 10_000_000_000 + 1;
                    proptest::prop_assert!((last - first + 1) as u64 <= burst + flows);
                }
            }
        }
    }
}
