//! What one address may use up before anybody knows who calls: connections, and credentials that do not hold.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use portwright_core::limits;

use crate::guard::limit::{Bucket, Rate};

/// The buckets of addresses. What comes from this machine is not counted: a proxy here speaks for many.
#[derive(Debug)]
pub(super) struct Addresses {
    connections: Option<Rate>,
    failures: Option<Rate>,
    start: Instant,
    buckets: Mutex<HashMap<u128, Used>>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Used {
    connections: Bucket,
    failures: Bucket,
}

/// Addresses that find no room in the table share one place.
const CROWD: u128 = 0;

impl Addresses {
    pub(super) fn new(connections: Option<Rate>, failures: Option<Rate>) -> Self {
        Self { connections, failures, start: Instant::now(), buckets: Mutex::default() }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    /// Whether one more connection may come from there.
    pub(super) fn connects(&self, address: IpAddr) -> bool {
        let Some(rate) = self.connections else { return true };
        self.used(address, |used, now| {
            let free = used.connections.wait_for_one(rate, now).is_zero();
            if free {
                used.connections.take(rate, 1, now);
            }
            free
        })
        .unwrap_or(true)
    }

    /// A credential from there did not hold. How long to wait until one more may be tried; none: at once.
    pub(super) fn failed(&self, address: IpAddr) -> Option<Duration> {
        let rate = self.failures?;
        self.used(address, |used, now| {
            let wait = used.failures.wait_for_one(rate, now);
            if wait.is_zero() {
                used.failures.take(rate, 1, now);
            }
            Some(wait).filter(|wait| !wait.is_zero())
        })
        .flatten()
    }

    /// Whether so many did not hold that nobody else is asked about one more.
    pub(super) fn has_failed_often(&self, address: IpAddr) -> bool {
        let Some(rate) = self.failures else { return false };
        self.used(address, |used, now| !used.failures.wait_for_one(rate, now).is_zero()).unwrap_or(false)
    }

    /// None for an address that is not counted.
    fn used<T>(&self, address: IpAddr, look: impl FnOnce(&mut Used, u64) -> T) -> Option<T> {
        let place = place(address)?;
        let now = self.now();
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= limits::ADDRESSES_MAX && !buckets.contains_key(&place) {
            buckets.retain(|_, used| !(used.connections.is_full(now) && used.failures.is_full(now)));
        }
        let full = buckets.len() >= limits::ADDRESSES_MAX && !buckets.contains_key(&place);
        Some(look(buckets.entry(if full { CROWD } else { place }).or_default(), now))
    }
}

/// An address as a place in the table; of IPv6 the network, since whoever has one has all of its addresses (RFC 6177).
fn place(address: IpAddr) -> Option<u128> {
    match address.to_canonical() {
        address if address.is_loopback() => None,
        IpAddr::V4(address) => Some(address.to_ipv6_mapped().to_bits()),
        IpAddr::V6(address) => Some(address.to_bits() >> 64 << 64),
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
    use std::time::Duration;

    use portwright_core::limits;

    use super::Addresses;
    use crate::guard::limit::Rate;

    fn hourly(amount: u64) -> Rate {
        Rate::new(amount, Duration::from_hours(1))
    }

    #[test]
    fn one_address_takes_nothing_from_another() {
        let addresses = Addresses::new(Some(hourly(2)), Some(hourly(1)));
        let (one, other) = (IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2]));
        assert!(addresses.connects(one) && addresses.connects(one) && !addresses.connects(one));
        assert!(addresses.connects(other));
        assert!(!addresses.has_failed_often(one));
        assert_eq!(addresses.failed(one), None);
        assert!(
            addresses.has_failed_often(one) && addresses.failed(one).is_some_and(|wait| wait > Duration::from_mins(59))
        );
        assert!(!addresses.has_failed_often(other));
        // The same address as IPv6 writes it.
        assert!(!addresses.connects(IpAddr::V6(Ipv4Addr::new(10, 0, 0, 1).to_ipv6_mapped())));
    }

    #[test]
    fn a_network_is_one_and_this_machine_is_not_counted() {
        let addresses = Addresses::new(Some(hourly(1)), Some(hourly(1)));
        let of = |last: u16| IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 7, 0, 0, 0, last));
        assert!(addresses.connects(of(1)) && !addresses.connects(of(2)));
        for _ in 0..9 {
            assert!(addresses.connects(IpAddr::V4(Ipv4Addr::LOCALHOST)));
            assert_eq!(addresses.failed(IpAddr::V6(Ipv6Addr::LOCALHOST)), None);
        }
    }

    #[test]
    fn the_table_is_bounded_and_a_crowd_shares_one_place() {
        let addresses = Addresses::new(Some(hourly(1)), None);
        let of = |number: usize| IpAddr::from(u32::try_from(0x0a00_0000 + number).expect("an address").to_be_bytes());
        for number in 0..limits::ADDRESSES_MAX {
            assert!(addresses.connects(of(number)));
        }
        assert!(addresses.connects(of(limits::ADDRESSES_MAX)), "the first of the crowd");
        assert!(!addresses.connects(of(limits::ADDRESSES_MAX + 1)));
        assert!(addresses.buckets.lock().expect("whole").len() <= limits::ADDRESSES_MAX + 1);
        assert!(!addresses.connects(of(0)), "who was there keeps their place");
    }
}
