//! Ranges of addresses, and the list of what may be probed besides the configured miners: the grammar of `PROBE_ALLOW`.
//!
//! ```text
//! list  = entry *( "," entry )
//! entry = address | address "/" bits | name
//! ```
//!
//! An IPv4-mapped IPv6 address (`::ffff:10.0.0.1`, RFC 4291 section 2.5.5.2) is that IPv4 address, since a connection to it
//! goes to the same place. Bits after a range's prefix are ignored, since users write their own address with `/24`. No name
//! is resolved here: the caller passes the address that will be connected to.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};

use crate::config::target::check_host;

/// Bits before the IPv4 address in an IPv4-mapped IPv6 address.
const IPV4_SHIFT: u8 = 96;

/// A range of addresses with a common prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddressRange {
    first: IpAddr,
    bits: u8,
}

impl AddressRange {
    /// Reads `address/bits`, or an address, which is a range of one.
    ///
    /// # Errors
    ///
    /// What is wrong with it, to be read after the text itself.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (address, bits) = text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
        let address: IpAddr = address.parse().map_err(|_| "is not an address or a range such as 192.168.1.0/24")?;
        let most: u8 = if address.is_ipv4() { 32 } else { 128 };
        let bits = match bits {
            None => most,
            Some(bits) => bits
                .parse()
                .ok()
                .filter(|bits| *bits <= most)
                .ok_or_else(|| format!("needs a number from 0 to {most} after the slash"))?,
        };
        let masked = |number: u128, width: u8| number & u128::MAX.checked_shl(u32::from(width - bits)).unwrap_or(0);
        let first = match address {
            IpAddr::V4(ip) => {
                let first = masked(ip.to_bits().into(), 32);
                IpAddr::V4(Ipv4Addr::from_bits(u32::try_from(first).unwrap_or_default()))
            }
            IpAddr::V6(ip) => IpAddr::V6(masked(ip.to_bits(), 128).into()),
        };
        Ok(AddressRange { first, bits })
    }

    /// Whether the address belongs to the range.
    pub fn contains(&self, address: IpAddr) -> bool {
        let bits = if self.first.is_ipv4() { self.bits + IPV4_SHIFT } else { self.bits };
        (number(address) ^ number(self.first)).checked_shr(u32::from(128 - bits)).unwrap_or(0) == 0
    }

    /// The addresses that hosts can have, if the range is one of IPv4: all but the first and the last, which are those of the
    /// network itself and of broadcasts, unless there are no others.
    pub fn hosts(&self) -> Option<impl ExactSizeIterator<Item = Ipv4Addr> + use<>> {
        let IpAddr::V4(first) = self.first else { return None };
        let (first, more) = (first.to_bits(), u32::MAX.checked_shr(u32::from(self.bits)).unwrap_or(0));
        let edge = u32::from(more > 1);
        // A whole /0 would not fit; no caller wants more than a few thousand.
        let count = usize::try_from((more - 2 * edge).saturating_add(1)).unwrap_or(usize::MAX);
        Some((0..count).map(move |at| Ipv4Addr::from_bits(first + edge + u32::try_from(at).unwrap_or(u32::MAX))))
    }

    /// Whether all of it is private: addresses by RFC 1918, and loopback.
    pub fn is_private(&self) -> bool {
        const PRIVATE: [(Ipv4Addr, u8); 4] = [
            (Ipv4Addr::new(10, 0, 0, 0), 8),
            (Ipv4Addr::new(172, 16, 0, 0), 12),
            (Ipv4Addr::new(192, 168, 0, 0), 16),
            (Ipv4Addr::new(127, 0, 0, 0), 8),
        ];
        let within = |(first, bits): (Ipv4Addr, u8)| {
            self.bits >= bits && AddressRange { first: first.into(), bits }.contains(self.first)
        };
        self.first.is_ipv4() && PRIVATE.into_iter().any(within)
    }
}

impl fmt::Display for AddressRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_one = self.bits == if self.first.is_ipv4() { 32 } else { 128 };
        if is_one { write!(f, "{}", self.first) } else { write!(f, "{}/{}", self.first, self.bits) }
    }
}

fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(ip) => ip.to_ipv6_mapped().to_bits(),
        IpAddr::V6(ip) => ip.to_bits(),
    }
}

/// What may be probed besides the configured miners; by default nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Allow {
    ranges: Vec<AddressRange>,
    names: Vec<String>,
}

impl Allow {
    /// Reads a list.
    ///
    /// # Errors
    ///
    /// Each entry that is wrong, and why.
    pub fn parse(list: &str) -> Result<Self, Vec<String>> {
        let mut allow = Allow::default();
        let mut faults = Vec::new();
        for entry in list.split(',').map(str::trim) {
            let is_name =
                !entry.contains(['/', ':']) && check_host(entry).is_ok() && entry.parse::<Ipv4Addr>().is_err();
            match AddressRange::parse(entry) {
                Ok(range) => allow.ranges.push(range),
                Err(_) if is_name => allow.names.push(entry.to_ascii_lowercase()),
                Err(fault) if entry.contains('/') => faults.push(format!("'{entry}' {fault}")),
                Err(_) => {
                    faults.push(format!("'{entry}' is not an address, a range such as 192.168.1.0/24 or a host name"));
                }
            }
        }
        if faults.is_empty() { Ok(allow) } else { Err(faults) }
    }

    /// Whether the list is empty.
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty() && self.names.is_empty()
    }

    /// Whether an address may be polled.
    pub fn has_address(&self, address: IpAddr) -> bool {
        self.ranges.iter().any(|range| range.contains(address))
    }

    /// Whether a name is in the list itself; its addresses then need not be.
    pub fn has_name(&self, name: &str) -> bool {
        self.names.iter().any(|known| known.trim_end_matches('.').eq_ignore_ascii_case(name.trim_end_matches('.')))
    }

    /// Whether there are ranges, so that the address of a name could be in one.
    pub fn has_ranges(&self) -> bool {
        !self.ranges.is_empty()
    }
}

impl fmt::Display for Allow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("none");
        }
        let ranges = self.ranges.iter().map(ToString::to_string);
        f.write_str(&ranges.chain(self.names.iter().cloned()).collect::<Vec<_>>().join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_in_a_range_or_not() {
        for (network, address, expected) in [
            ("192.168.1.0/24", "192.168.1.255", true),
            ("192.168.1.77/24", "192.168.1.0", true),
            ("192.168.1.0/24", "192.168.2.0", false),
            ("10.0.0.1", "10.0.0.1", true),
            ("10.0.0.1", "10.0.0.2", false),
            ("10.0.0.0/8", "::ffff:10.1.2.3", true),
            ("::ffff:10.0.0.0/104", "10.1.2.3", true),
            ("0.0.0.0/0", "203.0.113.7", true),
            ("0.0.0.0/0", "2001:db8::1", false),
            ("10.0.0.0/8", "a01:203::", false),
            ("fd00::/8", "fd12::1", true),
            ("fd00::/8", "fe80::1", false),
            ("::/0", "2001:db8::1", true),
            ("2001:db8::1/128", "2001:db8::1", true),
        ] {
            let found = AddressRange::parse(network).unwrap().contains(address.parse().unwrap());
            assert_eq!(found, expected, "{address} in {network}");
        }
        for text in ["", "10.0.0.0/33", "10.0.0.0/", "::/129", "10.0.0/8", "a/8", "10.0.0.0/-1"] {
            assert!(AddressRange::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn hosts_of_a_range() {
        let hosts = |text: &str| -> Vec<String> {
            AddressRange::parse(text).unwrap().hosts().unwrap().map(|host| host.to_string()).collect()
        };
        assert_eq!(hosts("192.168.1.9/30"), ["192.168.1.9", "192.168.1.10"]);
        assert_eq!(hosts("10.0.0.0/31"), ["10.0.0.0", "10.0.0.1"]);
        assert_eq!(hosts("10.0.0.7"), ["10.0.0.7"]);
        assert_eq!(AddressRange::parse("10.0.0.0/22").unwrap().hosts().unwrap().len(), 1022);
        assert!(AddressRange::parse("0.0.0.0/0").unwrap().hosts().unwrap().len() > 1 << 31);
        assert!(AddressRange::parse("fd00::/120").unwrap().hosts().is_none());
        for (text, expected) in [
            ("192.168.0.0/16", true),
            ("192.168.0.0/15", false),
            ("10.1.0.0/24", true),
            ("172.16.0.0/12", true),
            ("172.32.0.0/24", false),
            ("127.0.0.5", true),
            ("8.8.8.0/24", false),
            ("fd00::/120", false),
        ] {
            assert_eq!(AddressRange::parse(text).unwrap().is_private(), expected, "{text}");
        }
    }

    #[test]
    fn lists() {
        let allow = Allow::parse("10.0.0.0/24, Miner.lan ,fd00::1").unwrap();
        assert_eq!(allow.to_string(), "10.0.0.0/24,fd00::1,miner.lan");
        assert!(allow.has_name("MINER.lan.") && !allow.has_name("other.lan") && allow.has_ranges());
        assert!(allow.has_address("10.0.0.9".parse().unwrap()) && !allow.has_address("10.0.1.9".parse().unwrap()));
        assert_eq!(Allow::default().to_string(), "none");
        let faults = Allow::parse("10.0.0.0/99,http://a,,1.2.3,ok").unwrap_err();
        assert_eq!(faults.len(), 4, "{faults:?}");
        assert!(faults[0].contains("'10.0.0.0/99' needs a number from 0 to 32 after the slash"), "{faults:?}");
    }
}
