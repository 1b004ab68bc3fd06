//! `discover`: which addresses of a home network have a miner. It asks each address for `version` and nothing else, and it
//! never runs by itself.
//!
//! Ranges are private ones of at most [`ADDRESSES_MAX`] addresses, so that nobody's network is searched by a slip of the
//! finger, and connections begin at a bounded rate: a home router that sees hundreds at once takes them for an attack. An
//! address gets `ADDRESS_TIME` in all, and is asked once.

use std::fmt::Write;
use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::cgminer::client::Client;
use crate::cgminer::reply::{Request, Version};
use crate::config::{AddressRange, Target};
use crate::metrics::KEYS;
use crate::miner::collect::identify;
use crate::miner::reading::Identity;

/// A range of 22 bits: more than a home has, and a minute's work.
pub const ADDRESSES_MAX: usize = 1024;

/// For name and number: a miner on a weak Wi-Fi answers within half of it.
const ADDRESS_TIME: Duration = Duration::from_millis(1500);

/// Addresses that are asked at a time.
const THREADS: usize = 32;

/// Time from one connection to the next, over all threads: a hundred a second.
const STEP: Duration = Duration::from_millis(10);

/// A poll needs no more either, and this is less than one.
const STACK_BYTES: usize = 256 << 10;

/// A miner that was found.
#[derive(Clone, Debug)]
pub struct Discovered {
    /// Where it is.
    pub target: Target,
    /// Who it says it is.
    pub identity: Identity,
}

impl Discovered {
    /// Whether it is one of Avalon's; others speak the same protocol.
    pub fn is_avalon(&self) -> bool {
        self.identity.model.is_some() || self.identity.prod.is_some()
    }
}

/// The addresses to ask. The error says why a range is refused.
pub fn addresses(network: &AddressRange) -> Result<Vec<Ipv4Addr>, String> {
    let most = format!("give a private range of at most {ADDRESSES_MAX} addresses, such as 192.168.1.0/24");
    if !network.is_private() {
        return Err(format!("{network} is not private, and other people's networks are not searched; {most}"));
    }
    match network.hosts() {
        Some(hosts) if hosts.len() <= ADDRESSES_MAX => Ok(hosts.collect()),
        _ => Err(format!("{network} is too large; {most}")),
    }
}

/// Asks all addresses. `progress` is told how many were asked, again and again.
pub fn discover(addresses: &[Ipv4Addr], port: u16, progress: impl Fn(usize)) -> Vec<Discovered> {
    let (next, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let found = Mutex::new(Vec::new());
    let began = Instant::now();
    let work = || {
        loop {
            let place = next.fetch_add(1, Ordering::Relaxed);
            let Some(address) = addresses.get(place) else { return };
            let due = began + STEP * u32::try_from(place).unwrap_or(u32::MAX);
            thread::sleep(due.saturating_duration_since(Instant::now()));
            if let Some(miner) = ask(*address, port) {
                found.lock().unwrap_or_else(PoisonError::into_inner).push((place, miner));
            }
            done.fetch_add(1, Ordering::Relaxed);
        }
    };
    thread::scope(|scope| {
        let start = |number: usize| {
            let thread = thread::Builder::new().name(format!("discover {number}")).stack_size(STACK_BYTES);
            thread.spawn_scoped(scope, work)
        };
        // Whatever number of threads can be had does the work; without any, this one does.
        let threads: Vec<_> = (0..THREADS.min(addresses.len())).map_while(|number| start(number).ok()).collect();
        if threads.is_empty() {
            work();
        }
        while threads.iter().any(|thread| !thread.is_finished()) {
            progress(done.load(Ordering::Relaxed));
            thread::sleep(STEP * 5);
        }
    });
    let mut found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    found.sort_by_key(|(place, _)| *place);
    found.into_iter().map(|(_, miner)| miner).collect()
}

fn ask(address: Ipv4Addr, port: u16) -> Option<Discovered> {
    let host = address.to_string();
    let target = Target { name: None, label: host.clone(), host, port };
    let raw = Client::new(&target).exchange(Request::Version, ADDRESS_TIME).ok()?;
    let identity = Version::parse(&KEYS, &raw.bytes).ok().map(|version| identify(&version))?;
    Some(Discovered { target, identity })
}

/// What was found, for people: a table, and the setting that polls it all.
pub fn table(found: &[Discovered], default_port: u16) -> String {
    // A miner sent these, and they go to a terminal.
    let shown = |text: &Option<String>| {
        text.iter().flat_map(|text| text.chars()).flat_map(char::escape_debug).collect::<String>()
    };
    let row = |miner: &Discovered| {
        let Identity { model, firmware, mac, .. } = &miner.identity;
        [miner.target.label.clone(), shown(model), shown(firmware), shown(mac)]
    };
    let head = ["ADDRESS", "MODEL", "FIRMWARE", "MAC"].map(str::to_owned);
    let rows: Vec<_> = [head].into_iter().chain(found.iter().map(row)).collect();
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    let mut text = String::new();
    for row in &rows {
        let cells = row.iter().enumerate().map(|(at, cell)| format!("{cell:<0$}", width(at).unwrap_or(0)));
        let _ = writeln!(text, "{}", cells.collect::<Vec<_>>().join("  ").trim_end());
    }
    let entry = |miner: &Discovered| match miner.target.port {
        port if port == default_port => miner.target.label.clone(),
        _ => miner.target.address(),
    };
    let entries: Vec<String> = found.iter().filter(|miner| miner.is_avalon()).map(entry).collect();
    if !entries.is_empty() {
        let _ = writeln!(text, "\nAVALON_IPS={}", entries.join(","));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges() {
        let count = |text: &str| addresses(&AddressRange::parse(text).unwrap()).map(|addresses| addresses.len());
        assert_eq!((count("192.168.1.0/24"), count("10.0.0.0/22"), count("127.0.0.1")), (Ok(254), Ok(1022), Ok(1)));
        for (text, why) in [
            ("10.0.0.0/21", "too large"),
            ("8.8.8.0/24", "not private"),
            ("0.0.0.0/0", "not private"),
            ("fd00::/120", "not private"),
        ] {
            assert!(count(text).unwrap_err().contains(why), "{text}");
        }
    }

    #[test]
    fn tables() {
        let miner = |host: &str, port: u16, model: &str| {
            let model = (!model.is_empty()).then(|| model.to_owned());
            let identity = Identity { model, ..Identity::default() };
            Discovered { target: Target { port, ..Target::parse(host, 1).unwrap() }, identity }
        };
        let found = [miner("10.0.0.1", 4028, "Q"), miner("10.0.0.20", 4028, ""), miner("10.0.0.3", 5, "a\x1b[2Jb")];
        let expected = "ADDRESS    MODEL        FIRMWARE  MAC\n10.0.0.1   Q\n10.0.0.20\n10.0.0.3   a\\u{1b}[2Jb\n\n\
                        AVALON_IPS=10.0.0.1,10.0.0.3:5\n";
        assert_eq!(table(&found, 4028), expected);
        assert_eq!(table(&found[1..2], 4028).lines().count(), 2, "no setting for what is no Avalon");
    }
}
