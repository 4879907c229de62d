//! Which addresses outgoing requests may reach.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// How far an address lies from the open Internet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Reach {
    /// Anybody's.
    Public,
    /// This machine, or a network that the Internet doesn't know.
    Private,
    /// Nothing that a request has business with: the services that clouds put on link-local addresses, groups,
    /// addresses that mean no host.
    Never,
}

/// Judges an address, also one that carries another inside: mapped, translated or tunnelled ones count as what they
/// lead to (RFC 4291, 6052, 3056, 4380).
pub(super) fn reach(address: IpAddr) -> Reach {
    match address {
        IpAddr::V4(address) => v4(address),
        IpAddr::V6(address) => v6(address),
    }
}

/// IANA's special-purpose registry (RFC 6890 and its updates).
#[expect(clippy::unnested_or_patterns, reason = "a range of the registry stands by itself")]
fn v4(address: Ipv4Addr) -> Reach {
    let [a, b, c, _] = address.octets();
    match (a, b, c) {
        (169, 254, _) | (0, ..) | (224..=255, ..) => Reach::Never,
        // The metadata service of one cloud stands among the shared addresses.
        (100, 100, 100) if address.octets()[3] == 200 => Reach::Never,
        (10 | 127, ..)
        | (172, 16..=31, _)
        | (192, 168, _)
        | (100, 64..=127, _)
        | (198, 18..=19, _)
        | (192, 0, 0 | 2)
        | (192, 88, 99)
        | (198, 51, 100)
        | (203, 0, 113) => Reach::Private,
        _ => Reach::Public,
    }
}

#[expect(clippy::unnested_or_patterns, clippy::match_same_arms, reason = "a range of the registry stands by itself")]
fn v6(address: Ipv6Addr) -> Reach {
    let segments = address.segments();
    let inner = |high: u16, low: u16| {
        let [[a, b], [c, d]] = [high.to_be_bytes(), low.to_be_bytes()];
        v4(Ipv4Addr::new(a, b, c, d))
    };
    match segments {
        [0, 0, 0, 0, 0, 0, 0, 0] => Reach::Never,
        [0, 0, 0, 0, 0, 0, 0, 1] => Reach::Private,
        // Mapped, compatible, and translated by the well-known prefix.
        [0, 0, 0, 0, 0, 0xffff, high, low]
        | [0, 0, 0, 0, 0, 0, high, low]
        | [0, 0, 0, 0, 0xffff, 0, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => inner(high, low),
        // 6to4 carries the address behind its prefix; it is no way to the open Internet any more.
        [0x2002, high, low, ..] => inner(high, low).max(Reach::Private),
        // Translation in one's own network, Teredo, documentation, benchmarks, discard.
        [0x64, 0xff9b, 1, ..]
        | [0x2001, 0, ..]
        | [0x2001, 2, 0, ..]
        | [0x2001, 0xdb8, ..]
        | [0x3fff, ..]
        | [0x100, 0, 0, 0, ..] => Reach::Private,
        // A cloud's metadata service in the unique local range.
        [0xfd00, 0xec2, ..] => Reach::Never,
        [first, ..] if first & 0xfe00 == 0xfc00 => Reach::Private,
        [first, ..] if first & 0xffc0 == 0xfec0 => Reach::Private,
        [first, ..] if first & 0xffc0 == 0xfe80 || first & 0xff00 == 0xff00 => Reach::Never,
        _ => Reach::Public,
    }
}

#[cfg(test)]
mod tests {
    use super::{Reach, reach};

    #[test]
    fn addresses_are_judged_by_where_they_lead() {
        for (address, expected) in [
            ("93.184.215.14", Reach::Public),
            ("2606:2800:21f:cb07::1", Reach::Public),
            ("64:ff9b::5db8:d70e", Reach::Public),
            ("127.0.0.1", Reach::Private),
            ("127.255.255.254", Reach::Private),
            ("10.1.2.3", Reach::Private),
            ("172.31.0.1", Reach::Private),
            ("172.32.0.1", Reach::Public),
            ("192.168.0.1", Reach::Private),
            ("100.64.0.1", Reach::Private),
            ("100.128.0.1", Reach::Public),
            ("198.18.0.1", Reach::Private),
            ("::1", Reach::Private),
            ("::ffff:127.0.0.1", Reach::Private),
            ("::127.0.0.1", Reach::Private),
            ("::ffff:10.0.0.1", Reach::Private),
            ("64:ff9b::7f00:1", Reach::Private),
            ("64:ff9b:1::7f00:1", Reach::Private),
            ("2002:7f00:1::", Reach::Private),
            ("2002:5db8:d70e::", Reach::Private),
            ("2001:0:1::1", Reach::Private),
            ("fc00::1", Reach::Private),
            ("fd12:3456::1", Reach::Private),
            ("fec0::1", Reach::Private),
            ("169.254.169.254", Reach::Never),
            ("::ffff:169.254.169.254", Reach::Never),
            ("64:ff9b::a9fe:a9fe", Reach::Never),
            ("2002:a9fe:a9fe::", Reach::Never),
            ("100.100.100.200", Reach::Never),
            ("fd00:ec2::254", Reach::Never),
            ("fe80::1", Reach::Never),
            ("0.0.0.0", Reach::Never),
            ("::", Reach::Never),
            ("::ffff:0.0.0.0", Reach::Never),
            ("224.0.0.1", Reach::Never),
            ("255.255.255.255", Reach::Never),
            ("ff02::1", Reach::Never),
        ] {
            assert_eq!(reach(address.parse().expect(address)), expected, "{address}");
        }
    }
}
