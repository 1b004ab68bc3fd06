//! Probes: polls on demand of one miner, `/probe?target=HOST[:PORT]`, for fleets whose list of miners lives in Prometheus.
//!
//! What may be asked are the configured miners and what `PROBE_ALLOW` permits. A name that does not stand there itself is
//! resolved first, the addresses are checked, and the poll then goes to the very address that was checked: what the
//! name means a moment later has no say.
//!
//! A probe of a configured miner is a poll like those of the cycle. Of another miner a record is kept too, so that its
//! counters and its energy go on from probe to probe; of `RECORDS_MAX` records, the one for which nobody has asked
//! longest makes room. How many clients wait for a probe at a time is limited by `gate`, which has places of their own for them;
//! how many polls and look-ups go on for miners that are not configured, with a client or without one, by as many permits.
//!
//! A client's time ends its own waiting and nothing else. A poll has `MINER_TIMEOUT` whoever asks for it.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::cgminer::client::Client;
use crate::cgminer::error::PollError;
use crate::cgminer::reply::Request;
use crate::config::{Allow, Config, Target, Tariff};
use crate::miner::{Miner, Permits, Poller, Store};

/// Ten times what one exporter is likely to be asked for, at some 10 kB each.
const RECORDS_MAX: usize = 1024;

/// Time that a probe leaves of what Prometheus gives it, for the way there and back. Of a second or less it leaves half.
const MARGIN: Duration = Duration::from_millis(500);

/// The longest probe: the gate gives up on an answer soon after.
const TIME_MAX: Duration = Duration::from_secs(11);

/// The rhythm of probes is not known. Prometheus asks each minute unless told otherwise, and energy has to be counted
/// from one to the next.
const INTERVAL_MIN: Duration = Duration::from_secs(60);

/// Why a target is not probed.
#[derive(Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The query is wrong.
    Malformed(String),
    /// The target is not allowed.
    Forbidden(String),
    /// All permits are held.
    Busy,
}

/// Whoever probes miners.
#[derive(Debug)]
pub struct Probes {
    allow: Allow,
    port: u16,
    request: Request,
    timeout: Duration,
    interval: Duration,
    tariff: Option<Tariff>,
    /// The configured miners, and what polls them.
    miners: Vec<Target>,
    poller: Arc<Poller>,
    records: Mutex<HashMap<RecordKey, Record>>,
    permits: Arc<Permits>,
}

/// Label, host and port of a target: an address that two names lead to has two records.
type RecordKey = (String, String, u16);

/// What is kept of a miner that is not configured.
#[derive(Debug)]
struct Record {
    poller: Arc<Poller>,
    used: Instant,
}

impl Probes {
    /// Probes by these settings; `poller` is that of the configured miners, and of others so many are polled at a time.
    pub fn new(config: &Config, poller: Arc<Poller>, at_a_time: usize) -> Self {
        Probes {
            allow: config.probe_allow.clone(),
            port: config.miner_port,
            request: config.request(),
            timeout: config.timeout,
            interval: config.interval.max(INTERVAL_MIN),
            tariff: config.price.as_ref().map(|price| price.tariff.clone()),
            miners: config.targets.clone(),
            poller,
            records: Mutex::default(),
            permits: Permits::new(at_a_time),
        }
    }

    /// Polls the target that the query names, and waits for it as long as Prometheus does. A miner that has not answered then is no
    /// refusal: the record that is returned says that it is down.
    pub fn probe(&self, query: &str, scrape_timeout: Option<Duration>) -> Result<Miner, Refusal> {
        let by = Instant::now() + scrape_timeout.map_or(TIME_MAX, usable).min(TIME_MAX);
        let text = target_of(query).map_err(Refusal::Malformed)?;
        let named = |miner: &Target| miner.name.as_deref() == Some(&text) || miner.label == text;
        if let Some(index) = self.miners.iter().position(named) {
            return ask(&self.poller, index, by);
        }
        let target = Target::parse(&text, self.port).ok().filter(|target| target.name.is_none());
        let target =
            target.ok_or_else(|| Refusal::Malformed(format!("'{text}' is no target; give HOST or HOST:PORT")))?;
        if let Some(index) = self.miners.iter().position(|miner| miner.is_same_miner(&target)) {
            return ask(&self.poller, index, by);
        }
        match self.permitted(target, by)? {
            Ok(target) => ask(&self.poller_of(target), 0, by),
            Err((target, error)) => {
                let store = Store::new(&[target], self.interval, None);
                store.record(0, Instant::now(), Err(error));
                store.miner(0).ok_or_else(|| Refusal::Malformed("the target was lost".to_owned()))
            }
        }
    }

    /// The target as it may be connected to, or why nobody knows where that is.
    fn permitted(&self, target: Target, by: Instant) -> Result<Result<Target, (Target, PollError)>, Refusal> {
        let forbidden =
            |what: String| Refusal::Forbidden(format!("{what} is neither a configured miner nor in PROBE_ALLOW"));
        if let Ok(address) = target.host.parse() {
            return if self.allow.has_address(address) { Ok(Ok(target)) } else { Err(forbidden(target.host)) };
        }
        if self.allow.has_name(&target.host) {
            return Ok(Ok(target));
        }
        if !self.allow.has_ranges() {
            return Err(forbidden(format!("'{}'", target.host)));
        }
        let permit = self.permits.take(by).ok_or(Refusal::Busy)?;
        let time = self.timeout.min(by.saturating_duration_since(Instant::now()));
        let addresses = match Client::new(&target).addresses(time, permit) {
            Ok(addresses) => addresses,
            Err(error) => return Ok(Err((target, error))),
        };
        let allowed = addresses.iter().find(|address| self.allow.has_address(**address));
        match (allowed, addresses.first()) {
            (Some(address), _) => Ok(Ok(Target { host: address.to_string(), ..target })),
            (None, Some(address)) => Err(forbidden(format!("{address}, the address of '{}',", target.host))),
            (None, None) => Ok(Err((target, PollError::NoAddress))),
        }
    }

    /// The poller of a record, a new one if there is none yet.
    fn poller_of(&self, target: Target) -> Arc<Poller> {
        let now = Instant::now();
        let mut records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (target.label.clone(), target.host.clone(), target.port);
        if let Some(record) = records.get_mut(&key) {
            record.used = now;
            return record.poller.clone();
        }
        if records.len() >= RECORDS_MAX {
            let oldest = records.iter().min_by_key(|(_, record)| record.used).map(|(key, _)| key.clone());
            oldest.map(|key| records.remove(&key));
        }
        let store = Arc::new(Store::new(&[target], self.interval, self.tariff.clone()));
        let poller = Poller::new(store, self.request, self.timeout).with_permits(self.permits.clone());
        let poller = Arc::new(poller);
        records.insert(key, Record { poller: poller.clone(), used: now });
        poller
    }
}

fn ask(poller: &Poller, index: usize, by: Instant) -> Result<Miner, Refusal> {
    poller.poll_now(index, by).ok_or(Refusal::Busy)
}

/// What is left of Prometheus's time.
fn usable(scrape_timeout: Duration) -> Duration {
    scrape_timeout.saturating_sub(MARGIN).max(scrape_timeout / 2)
}

/// The value of the one parameter `target`, decoded.
fn target_of(query: &str) -> Result<String, String> {
    let usage = "as in /probe?target=192.168.1.50";
    let pairs = query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    let mut targets = pairs.filter(|(key, _)| *key == "target").map(|(_, value)| value);
    let target = targets.next().filter(|value| !value.is_empty()).ok_or_else(|| format!("give a target, {usage}"))?;
    if targets.next().is_some() {
        return Err(format!("give one target, {usage}"));
    }
    let target =
        percent_decode(target).ok_or_else(|| format!("the target is not percent-encoded text; give it {usage}"))?;
    if target.chars().any(char::is_control) {
        return Err(format!("the target has control characters; give it {usage}"));
    }
    Ok(target.into_owned())
}

/// Takes percent-encoding off (RFC 3986, section 2.1); none if it is broken or what it encodes is not UTF-8.
pub fn percent_decode(text: &str) -> Option<Cow<'_, str>> {
    if !text.contains('%') {
        return Some(Cow::Borrowed(text));
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let mut digit = || char::from(rest.next()?).to_digit(16);
                u8::try_from(digit()? * 16 + digit()?).ok()?
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes).ok().map(Cow::Owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries() {
        for (query, target) in [
            ("target=10.0.0.1", Some("10.0.0.1")),
            ("module=x&target=a%3A4028&y", Some("a:4028")),
            ("target=%5B%3a%3A1%5d:1", Some("[::1]:1")),
            ("target=m%C3%BC", Some("m\u{fc}")),
            ("target=a&target=b", None),
            ("target=", None),
            ("target", None),
            ("", None),
            ("Target=a", None),
            ("target=%", None),
            ("target=%4", None),
            ("target=%zz", None),
            ("target=%+4", None),
            ("target=%ff", None),
            ("target=a%0d%0ab", None),
            ("target=%00", None),
        ] {
            assert_eq!(target_of(query).ok().as_deref(), target, "{query}");
        }
    }

    #[test]
    fn time_is_left_for_the_way() {
        for (given, left) in [(10_000, 9_500), (1_500, 1_000), (1_000, 500), (400, 200)] {
            assert_eq!(usable(Duration::from_millis(given)), Duration::from_millis(left));
        }
    }

    fn probes(allow: &str) -> Probes {
        let config = Config::read(
            |name| match name {
                "AVALON_IPS" => Some("garage=192.0.2.1".into()),
                "PROBE_ALLOW" => Some(allow.into()),
                "MINER_TIMEOUT" => Some("60".into()),
                _ => None,
            },
            None,
        );
        let config = config.unwrap();
        let store = Arc::new(Store::new(&config.targets, config.interval, None));
        Probes::new(&config, Arc::new(Poller::new(store, config.request(), config.timeout)), 8)
    }

    #[test]
    fn what_is_permitted() {
        let by = Instant::now() + TIME_MAX;
        for (allow, target, host) in [
            ("", "127.0.0.1", None),
            ("", "localhost", None),
            ("127.0.0.0/8", "127.9.9.9", Some("127.9.9.9")),
            ("127.0.0.0/8", "::ffff:127.0.0.1", Some("::ffff:127.0.0.1")),
            ("127.0.0.0/8", "10.0.0.1", None),
            ("127.0.0.0/8", "0.0.0.0", None),
            ("127.0.0.0/8", "localhost", Some("127.0.0.1")),
            ("10.0.0.0/8", "localhost", None),
            ("localhost", "LocalHost.", Some("LocalHost.")),
            ("localhost", "127.0.0.1", None),
        ] {
            let found = probes(allow).permitted(Target::parse(target, 1).unwrap(), by);
            let found = found.ok().map(|target| target.unwrap());
            assert_eq!(found.as_ref().map(|target| target.host.as_str()), host, "{target} with {allow}");
            assert!(found.is_none_or(|found| found.label == target));
        }
    }

    #[test]
    fn records_are_kept_and_bounded() {
        let probes = probes("127.0.0.0/8");
        let target = |number: usize| Target::parse(&format!("127.0.{}.{}", number / 256, number % 256), 1).unwrap();
        let first = probes.poller_of(target(0));
        for number in 1..RECORDS_MAX {
            probes.poller_of(target(number));
        }
        assert!(Arc::ptr_eq(&first, &probes.poller_of(target(0))));
        probes.poller_of(target(RECORDS_MAX));
        assert_eq!(probes.records.lock().unwrap().len(), RECORDS_MAX);
        assert!(Arc::ptr_eq(&first, &probes.poller_of(target(0))), "it was asked for more recently than the others");
    }
}
