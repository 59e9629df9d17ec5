//! Which addresses of the network may be connected to.
//!
//! Names are granted, addresses are not: whoever runs a name's server chooses what it resolves to. So what is not
//! a public address needs a grant that says so, and some is never connected to.

use crate::grant::Reach;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::fmt;

/// Addresses that are refused, by their leading bits.
#[derive(Debug, PartialEq, Eq)]
pub struct Range {
    first: IpAddr,
    bits: u32,
    /// What they are, as in "is ...".
    pub what: &'static str,
    /// The document that says so.
    pub source: &'static str,
    /// Whether no grant helps.
    pub always: bool,
}

/// Why an address may not be connected to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    pub address: IpAddr,
    pub range: &'static Range,
    /// The IPv4 address within an IPv6 one that `range` is about.
    pub embedded: Option<Ipv4Addr>,
}

/// Why `address` may not be connected to under a grant of this reach; nothing where it may.
///
/// A v4-mapped address (RFC 4291, section 2.5.5.2) is its IPv4 address: that is where the system connects. Other
/// IPv6 addresses that carry an IPv4 one towards a translator or a tunnel are refused where the carried one is.
pub fn refusal(address: IpAddr, reach: Reach) -> Option<Refusal> {
    let found = match address.to_canonical() {
        IpAddr::V4(v4) => within(&V4, IpAddr::V4(v4)).map(|range| Refusal { address, range, embedded: None }),
        IpAddr::V6(v6) => refusal_v6(v6),
    };
    found.filter(|refusal| refusal.range.always || reach == Reach::Public)
}

fn refusal_v6(address: Ipv6Addr) -> Option<Refusal> {
    let own = |range| Refusal { address: IpAddr::V6(address), range, embedded: None };
    // The unspecified address and loopback lie within what once was v4-compatible.
    if let Some(range) = within(&V6_FIRST, IpAddr::V6(address)) {
        return Some(own(range));
    }
    let carried = embedded(address);
    for v4 in carried.iter().flatten() {
        if let Some(range) = within(&V4, IpAddr::V4(*v4)) {
            return Some(Refusal { embedded: Some(*v4), ..own(range) });
        }
    }
    let is_transition = V6_TRANSITION.iter().any(|range| range.contains(IpAddr::V6(address)));
    if is_transition { None } else { within(&V6, IpAddr::V6(address)).map(own) }
}

fn within(ranges: &'static [Range], address: IpAddr) -> Option<&'static Range> {
    ranges.iter().find(|range| range.contains(address))
}

/// The IPv4 addresses that an IPv6 address carries: Teredo has two.
fn embedded(address: Ipv6Addr) -> [Option<Ipv4Addr>; 2] {
    let bits = address.to_bits();
    let at = |shift: u32| Some(Ipv4Addr::from_bits((bits >> shift) as u32));
    let [translated, sixtofour, teredo] = &V6_TRANSITION;
    let ip = IpAddr::V6(address);
    if sixtofour.contains(ip) {
        [at(80), None]
    } else if teredo.contains(ip) {
        [at(64), Some(Ipv4Addr::from_bits(!(bits as u32)))]
    } else if translated.contains(ip)
        || V6_EMBEDDING.iter().any(|range| range.contains(ip))
        || is_isatap(bits)
    {
        [at(0), None]
    } else {
        [None, None]
    }
}

/// An interface identifier of ISATAP (RFC 5214, section 6.1), which may follow any prefix.
fn is_isatap(bits: u128) -> bool {
    matches!((bits >> 32) as u32, 0x0000_5efe | 0x0200_5efe)
}

impl Range {
    const fn v4(address: [u8; 4], bits: u32, what: &'static str, source: &'static str) -> Range {
        let [a, b, c, d] = address;
        Range { first: IpAddr::V4(Ipv4Addr::new(a, b, c, d)), bits, what, source, always: false }
    }

    const fn v6(address: u128, bits: u32, what: &'static str, source: &'static str) -> Range {
        Range { first: IpAddr::V6(Ipv6Addr::from_bits(address)), bits, what, source, always: false }
    }

    const fn always(self) -> Range {
        Range { always: true, ..self }
    }

    /// Whether `address`, of the same family, is one of these.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.first, address) {
            (IpAddr::V4(first), IpAddr::V4(address)) => {
                (first.to_bits() ^ address.to_bits()).leading_zeros() >= self.bits
            }
            (IpAddr::V6(first), IpAddr::V6(address)) => {
                (first.to_bits() ^ address.to_bits()).leading_zeros() >= self.bits
            }
            _ => false,
        }
    }

    /// Every range that is refused, in the order in which they are looked at.
    pub fn all() -> impl Iterator<Item = &'static Range> {
        V4.iter().chain(&V6_FIRST).chain(&V6)
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.first, self.bits)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Range { what, source, .. } = self.range;
        match (self.embedded, self.address.to_canonical()) {
            (Some(v4), _) => write!(f, "{} carries {v4}, which is {what} ({source})", self.address),
            (None, canonical) if canonical != self.address => {
                write!(f, "{} is {canonical}, which is {what} ({source})", self.address)
            }
            _ => write!(f, "{} is {what} ({source})", self.address),
        }
    }
}

const METADATA: &str = "the metadata service of a cloud";

/// The narrower range stands before the wider one, so that it gives its name.
static V4: [Range; 18] = [
    Range::v4([0, 0, 0, 0], 8, "this network, the unspecified address among it", "RFC 1122").always(),
    Range::v4([10, 0, 0, 0], 8, "private", "RFC 1918"),
    Range::v4([100, 64, 0, 0], 10, "shared by a provider's customers", "RFC 6598"),
    Range::v4([127, 0, 0, 0], 8, "loopback", "RFC 1122"),
    Range::v4([168, 63, 129, 16], 32, METADATA, "Azure"),
    Range::v4([169, 254, 169, 254], 32, METADATA, "RFC 3927, link-local"),
    Range::v4([169, 254, 0, 0], 16, "link-local", "RFC 3927"),
    Range::v4([172, 16, 0, 0], 12, "private", "RFC 1918"),
    Range::v4([192, 0, 0, 0], 24, "for protocol assignments", "RFC 6890"),
    Range::v4([192, 0, 2, 0], 24, "for documentation", "RFC 5737"),
    Range::v4([192, 88, 99, 0], 24, "the relay of 6to4", "RFC 7526"),
    Range::v4([192, 168, 0, 0], 16, "private", "RFC 1918"),
    Range::v4([198, 18, 0, 0], 15, "for benchmarking", "RFC 2544"),
    Range::v4([198, 51, 100, 0], 24, "for documentation", "RFC 5737"),
    Range::v4([203, 0, 113, 0], 24, "for documentation", "RFC 5737"),
    Range::v4([224, 0, 0, 0], 4, "multicast", "RFC 5771").always(),
    Range::v4([255, 255, 255, 255], 32, "broadcast", "RFC 919").always(),
    Range::v4([240, 0, 0, 0], 4, "reserved", "RFC 1112"),
];

static V6_FIRST: [Range; 3] = [
    Range::v6(0, 128, "the unspecified address", "RFC 4291").always(),
    Range::v6(0x1, 128, "loopback", "RFC 4291"),
    Range::v6(0xff00 << 112, 8, "multicast", "RFC 4291").always(),
];

/// Prefixes on the way to an IPv4 address: as public as that is.
static V6_TRANSITION: [Range; 3] = [
    Range::v6(0x0064_ff9b << 96, 96, "NAT64", "RFC 6052"),
    Range::v6(0x2002 << 112, 16, "6to4", "RFC 3056"),
    Range::v6(0x2001 << 112, 32, "Teredo", "RFC 4380"),
];

/// Prefixes of no use any more that end in an IPv4 address: refused whatever it is, and by its name where it has one.
static V6_EMBEDDING: [Range; 2] =
    [Range::v6(0, 96, "v4-compatible", "RFC 4291"), Range::v6(0xffff << 48, 96, "v4-translated", "RFC 2765")];

/// Global unicast addresses are those of `2000::/3` (the registry of IPv6 addresses at IANA); what is special within
/// it, and everything outside of it, is here.
static V6: [Range; 14] = [
    Range::v6(0x0064_ff9b_0001 << 80, 48, "NAT64 of a local network", "RFC 8215"),
    Range::v6(0x100 << 112, 64, "for discarding", "RFC 6666"),
    Range::v6(0x2001_0002 << 96, 48, "for benchmarking", "RFC 5180"),
    Range::v6(0x2001 << 112, 23, "for protocol assignments", "RFC 2928"),
    Range::v6(0x2001_0db8 << 96, 32, "for documentation", "RFC 3849"),
    Range::v6(0x3fff << 112, 20, "for documentation", "RFC 9637"),
    Range::v6(0x5f00 << 112, 16, "for segment routing", "RFC 9602"),
    Range::v6(0xfd00_0ec2 << 96 | 0x254, 128, METADATA, "RFC 4193, unique local"),
    Range::v6(0xfc00 << 112, 7, "unique local", "RFC 4193"),
    Range::v6(0xfe80 << 112, 10, "link-local", "RFC 4291"),
    Range::v6(0xfec0 << 112, 10, "site-local", "RFC 3879"),
    Range::v6(0, 3, "reserved", "RFC 4291"),
    Range::v6(0x4000 << 112, 2, "reserved", "RFC 4291"),
    Range::v6(0x8000 << 112, 1, "reserved", "RFC 4291"),
];

#[cfg(test)]
#[path = "address_tests.rs"]
mod tests;
