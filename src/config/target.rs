//! A configured miner: the grammar of the entries of `AVALON_IP` and `AVALON_IPS`.
//!
//! An entry is `[name=]host[:port]`; the host is a name, an IPv4 or an IPv6 address, the latter in brackets or not. The
//! label `ip` is the host as written, so that existing series continue; only if the same host is listed with different
//! ports does the label include the port.

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::exposition::writer::LABEL_CHARS_MAX;

/// Longest name of a host (RFC 1035, section 2.3.4) and of one of its labels.
const HOST_CHARS_MAX: usize = 253;
const HOST_LABEL_CHARS_MAX: usize = 63;
/// Longest name that the settings may give a miner: it becomes a label and a column.
const NAME_CHARS_MAX: usize = 64;

/// A miner to poll.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The name that the settings give it.
    pub name: Option<String>,
    /// Host name or address without brackets, as written.
    pub host: String,
    /// Port of the miner's API.
    pub port: u16,
    /// Value of the label `ip`.
    pub label: String,
}

impl Target {
    /// How to call it: its name, else its label.
    pub fn title(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.label)
    }

    /// Reads one entry.
    ///
    /// # Errors
    ///
    /// What is wrong with it, to be read after the entry itself.
    pub fn parse(entry: &str, default_port: u16) -> Result<Self, String> {
        let (name, address) = match entry.split_once('=') {
            Some((name, address)) => (Some(checked_name(name.trim())?), address.trim()),
            None => (None, entry.trim()),
        };
        let (host, port) = split_port(address)?;
        let port = match port {
            Some(port) => {
                port.parse().ok().filter(|port| *port != 0).ok_or("has a port that is not a number from 1 to 65535")?
            }
            None => default_port,
        };
        check_host(host)?;
        Ok(Target { name, host: host.to_owned(), port, label: host.to_owned() })
    }

    /// Host and port as one word, an IPv6 address in brackets.
    pub fn address(&self) -> String {
        // Without brackets the port would look like a part of an IPv6 address.
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }

    /// Whether both have the same host and port, however they are written and named.
    pub fn is_same_miner(&self, other: &Self) -> bool {
        self.identity() == other.identity()
    }

    /// Two targets are the same miner if these are equal.
    fn identity(&self) -> (String, u16) {
        let host = self.host.to_ascii_lowercase();
        let host = host.parse::<Ipv6Addr>().map_or(host, |address| address.to_string());
        (host.trim_end_matches('.').to_owned(), self.port)
    }
}

/// Reads a comma-separated list, spaces around commas and empty entries allowed.
///
/// # Errors
///
/// Each entry that is wrong, and why.
pub fn parse_list(list: &str, default_port: u16) -> Result<Vec<Target>, Vec<String>> {
    let mut targets: Vec<Target> = Vec::new();
    let mut faults = Vec::new();
    // The Python exporter accepted a trailing comma.
    for entry in list.split(',').map(str::trim).filter(|entry| !entry.is_empty()) {
        match Target::parse(entry, default_port) {
            Ok(target) if targets.iter().any(|other| other.is_same_miner(&target)) => {
                faults.push(format!("'{entry}' is already in the list; name each miner once"));
            }
            Ok(target) if target.name.is_some() && targets.iter().any(|other| other.name == target.name) => {
                faults.push(format!("'{entry}' has a name that is already in the list; give each miner its own"));
            }
            Ok(target) => targets.push(target),
            Err(fault) => faults.push(format!("'{entry}' {fault}")),
        }
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    let hosts: Vec<String> = targets.iter().map(|target| target.identity().0).collect();
    for (target, host) in targets.iter_mut().zip(&hosts) {
        if hosts.iter().filter(|other| *other == host).count() > 1 {
            target.label = target.address();
        }
    }
    let too_long = |target: &&Target| target.label.chars().count() > LABEL_CHARS_MAX;
    match targets.iter().find(too_long) {
        Some(target) => {
            Err(vec![format!("'{}' is too long for a label; give at most {LABEL_CHARS_MAX} characters", target.host)])
        }
        None => Ok(targets),
    }
}

fn checked_name(name: &str) -> Result<String, String> {
    if name.is_empty() || name.chars().count() > NAME_CHARS_MAX || name.chars().any(char::is_control) {
        return Err(format!("needs a name of 1 to {NAME_CHARS_MAX} characters before '='"));
    }
    Ok(name.to_owned())
}

/// Splits off the port; an IPv6 address without brackets has none.
fn split_port(address: &str) -> Result<(&str, Option<&str>), String> {
    if let Some(rest) = address.strip_prefix('[') {
        let (host, rest) = rest.split_once(']').ok_or("has an unclosed bracket")?;
        if host.parse::<Ipv6Addr>().is_err() {
            return Err("is not a valid IPv6 address in brackets".into());
        }
        return match rest.strip_prefix(':') {
            Some(port) => Ok((host, Some(port))),
            None if rest.is_empty() => Ok((host, None)),
            None => Err("has something other than ':port' after the bracket".into()),
        };
    }
    if address.contains("://") || address.contains('/') {
        return Err("is a URL or path; give a host, or host:port".into());
    }
    match address.split_once(':') {
        Some((_, port)) if port.contains(':') => Ok((address, None)),
        Some((host, port)) => Ok((host, Some(port))),
        None => Ok((address, None)),
    }
}

/// Checks an address, or a host name by RFC 1123; underscores are accepted, since home networks have them.
///
/// # Errors
///
/// What is wrong with it, to be read after the host itself.
pub fn check_host(host: &str) -> Result<(), String> {
    if host.is_empty() {
        return Err("has no host; give a name or an address".into());
    }
    if host.contains(':') {
        return host.parse::<Ipv6Addr>().map(|_| ()).map_err(|_| "is not a valid IPv6 address".into());
    }
    if host.parse::<Ipv4Addr>().is_ok() {
        return Ok(());
    }
    let name = host.strip_suffix('.').unwrap_or(host);
    let is_label = |label: &str| {
        (1..=HOST_LABEL_CHARS_MAX).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    if name.len() > HOST_CHARS_MAX || !name.split('.').all(is_label) {
        return Err("is not a valid host name; its parts consist of letters, digits and inner hyphens".into());
    }
    // Such a name could only be a mistyped address (RFC 3696, section 2).
    if name.rsplit('.').next().is_some_and(|label| label.bytes().all(|byte| byte.is_ascii_digit())) {
        return Err("is not a valid IPv4 address; it consists of four numbers from 0 to 255".into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(list: &str) -> Vec<String> {
        let targets = parse_list(list, 4028).unwrap();
        targets.into_iter().map(|target| format!("{} {}:{}", target.label, target.host, target.port)).collect()
    }

    #[test]
    fn entries() {
        for (entry, expected) in [
            ("192.168.1.50", "192.168.1.50 192.168.1.50:4028"),
            ("nano3s-01.local:4029", "nano3s-01.local nano3s-01.local:4029"),
            ("Garage", "Garage Garage:4028"),
            (",a, ,", "a a:4028"),
            ("my_miner.lan.", "my_miner.lan. my_miner.lan.:4028"),
            ("::1", "::1 ::1:4028"),
            ("[fe80::2]", "fe80::2 fe80::2:4028"),
            ("[::1]:80", "::1 ::1:80"),
            ("garage = 10.0.0.1:1", "10.0.0.1 10.0.0.1:1"),
        ] {
            assert_eq!(labels(entry), [expected], "{entry}");
        }
        let target = Target::parse("the garage=10.0.0.1", 1).unwrap();
        assert_eq!((target.title(), target.label.as_str()), ("the garage", "10.0.0.1"));
    }

    #[test]
    fn the_port_is_in_the_label_only_where_it_makes_a_difference() {
        assert_eq!(labels("a:1, b:2,A:3"), ["a:1 a:1", "b b:2", "A:3 A:3"]);
        assert_eq!(labels("[::1]:1,::1"), ["[::1]:1 ::1:1", "[::1]:4028 ::1:4028"]);
    }

    #[test]
    fn faults() {
        for (list, fault) in [
            (":1", "':1' has no host"),
            ("x=", "'x=' has no host"),
            ("http://a", "'http://a' is a URL"),
            ("a/b", "'a/b' is a URL or path"),
            ("-a", "'-a' is not a valid host name"),
            ("a-.b", "is not a valid host name"),
            ("a..b", "is not a valid host name"),
            ("a b", "is not a valid host name"),
            ("m\u{fc}ller", "is not a valid host name"),
            ("999.1.1.1", "'999.1.1.1' is not a valid IPv4 address"),
            ("1.2.3", "is not a valid IPv4 address"),
            ("a:0", "'a:0' has a port that is not a number from 1 to 65535"),
            ("a:65536", "has a port that is not"),
            ("a:", "has a port that is not"),
            ("[::1", "has an unclosed bracket"),
            ("[::1]x", "has something other than ':port' after the bracket"),
            ("[a]", "is not a valid IPv6 address in brackets"),
            ("1::2::3", "is not a valid IPv6 address"),
            ("=a", "needs a name of 1 to 64 characters before '='"),
            ("a,A:4028", "'A:4028' is already in the list"),
            ("::1,[0:0::1]", "'[0:0::1]' is already in the list"),
            ("x=a,x=b", "'x=b' has a name that is already in the list"),
        ] {
            let faults = parse_list(list, 4028).unwrap_err();
            assert!(faults.len() == 1 && faults[0].contains(fault), "{list}: {faults:?}");
        }
        assert_eq!(parse_list("-a,b,http://c", 1).unwrap_err().len(), 2);
        assert!(parse_list(&"a".repeat(64), 1).is_err());
        let long = ["a"; 64].join(".");
        assert!(parse_list(&format!("{long}:1"), 1).is_ok() && parse_list(&format!("{long}:1,{long}:2"), 1).is_err());
    }
}
