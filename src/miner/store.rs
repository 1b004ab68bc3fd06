//! What is known of each miner, behind one lock a miner: the last reading, counters, transitions, energy.
//!
//! What can be derived is not stored: a miner is up exactly when its last poll left a reading, its status changes are
//! its ups and downs, its errors are the sum of their kinds. A reading that is known to anybody is never changed, only
//! replaced, so a page that took its snapshot never mixes two polls of one miner, and neither waits for the other longer
//! than it takes to copy one record. The lock is taken here and nowhere else, and no guard leaves this module.
//!
//! Why no model checker: the crate has no `unsafe`, so data races do not compile. What is left are deadlocks and lost
//! wake-ups. No lock here is taken while another is held, so no circle of waiters can form. The two waits
//! for another thread (see `poll`) have a deadline each: the one for the end of a poll counts ends instead of looking at a
//! flag, which the next poll would set again; the one for a permit looks at how many are free.
//! `tests/it/invariants.rs` has threads read, record and ask at once.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant, SystemTime};

use crate::cgminer::error::{ErrorKind, PollError};
use crate::config::{Target, Tariff};
use crate::metrics::catalogue::PollValues;
use crate::miner::energy::Meter;
use crate::miner::history::{History, Moment};
use crate::miner::reading::{Collected, Identity, Reading};

/// What is known of one miner. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct Miner {
    /// Where it is.
    pub target: Arc<Target>,
    /// Who it said it was, at its last successful poll.
    pub identity: Option<Arc<Identity>>,
    /// What its last poll yielded; none if that failed.
    pub reading: Option<Arc<Reading>>,
    /// When its last successful poll ended.
    pub success: Option<(Instant, SystemTime)>,
    /// How long its last poll took; none before the first.
    pub duration: Option<Duration>,
    /// Its last failed poll.
    pub failure: Option<Arc<Failure>>,
    /// Energy and its cost.
    pub meter: Meter,
    /// Its last hour.
    pub history: Arc<History>,
    /// When it came into the state that it is in, up or down; none before the first poll.
    pub since: Option<Instant>,
    /// Transitions to up; the first poll is none.
    pub ups: u64,
    /// Transitions to down.
    pub downs: u64,
    /// Cycles that found its last poll still running.
    pub skipped: u64,
    /// What the limits of a reading cut off, over all polls.
    pub dropped: u64,
    errors: [u64; ErrorKind::ALL.len()],
    started: Instant,
}

/// A failed poll, for `/debug`.
#[derive(Clone, Debug)]
pub struct Failure {
    /// Its counter.
    pub kind: ErrorKind,
    /// What happened, for people.
    pub text: String,
    /// When the poll ended.
    pub at: SystemTime,
}

/// What a poll did to a miner's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It is as it was.
    None,
    /// It is up, and was down or not polled yet.
    Up,
    /// It is down, and was up or not polled yet.
    Down,
}

impl Miner {
    fn new(target: Target, started: Instant) -> Self {
        Miner {
            target: Arc::new(target),
            identity: None,
            reading: None,
            success: None,
            duration: None,
            failure: None,
            meter: Meter::default(),
            history: Arc::default(),
            since: None,
            errors: [0; ErrorKind::ALL.len()],
            ups: 0,
            downs: 0,
            skipped: 0,
            dropped: 0,
            started,
        }
    }

    /// Whether the last poll succeeded.
    pub fn is_up(&self) -> bool {
        self.reading.is_some()
    }

    /// How long there has been no reading: since the last success, or since the exporter's start.
    pub fn down_for(&self, now: Instant) -> Duration {
        let since = self.success.map_or(self.started, |(instant, _)| instant);
        if self.is_up() { Duration::ZERO } else { now.saturating_duration_since(since) }
    }

    /// The last hour, oldest first.
    pub fn last_hour(&self, now: Instant) -> impl ExactSizeIterator<Item = Moment> {
        self.history.moments(now.saturating_duration_since(self.started))
    }

    /// The values of the table `POLL`. Before the first poll only the state and the counters have one.
    pub fn poll_values(&self, now: Instant) -> PollValues {
        let count = |count: u64| Some(count as f64);
        let errors = |kind| count(self.errors_of(kind));
        let is_polled = self.duration.is_some();
        let last_success = self.success.map_or(0.0, |(_, at)| seconds(unix(at)));
        PollValues {
            up: count(u64::from(self.is_up())),
            last_scrape_timestamp_seconds: is_polled.then_some(last_success),
            down_duration_seconds: is_polled.then(|| seconds(self.down_for(now))),
            scrape_duration_seconds: self.duration.map(seconds),
            scrape_errors_total: count(self.errors.iter().sum()),
            scrape_errors_timeout_total: errors(ErrorKind::Timeout),
            scrape_errors_connection_refused_total: errors(ErrorKind::ConnectionRefused),
            scrape_errors_network_total: errors(ErrorKind::Network),
            scrape_errors_parse_total: errors(ErrorKind::Parse),
            scrape_errors_other_total: errors(ErrorKind::Other),
            status_changes_total: count(self.ups + self.downs),
            status_ups_total: count(self.ups),
            status_downs_total: count(self.downs),
            polls_skipped_total: count(self.skipped),
            series_dropped_total: count(self.dropped),
            energy_joules_total: self.meter.joules(),
        }
    }

    /// Failed polls of a kind.
    pub fn errors_of(&self, kind: ErrorKind) -> u64 {
        self.errors.iter().zip(ErrorKind::ALL).find(|(_, of)| *of == kind).map_or(0, |(count, _)| *count)
    }

    fn record(&mut self, poll: &Poll, outcome: Result<Collected, PollError>) -> Change {
        let Poll { began, ended, at, gap_max, price } = *poll;
        let (is_first, was_up) = (self.duration.is_none(), self.is_up());
        self.duration = Some(ended.saturating_duration_since(began));
        self.reading = match outcome {
            Ok(Collected { identity, reading }) => {
                self.dropped += reading.dropped;
                self.identity = Some(identity);
                self.success = Some((ended, at));
                Some(reading)
            }
            Err(error) => {
                self.fail(&error, at);
                None
            }
        };
        let reading = self.reading.as_deref();
        let watts = reading.and_then(|reading| reading.miner.power_watts);
        self.meter.measure(ended, watts, gap_max, price);
        let moment = reading.map(|reading| (reading.terahashes(), reading.hottest_chip()));
        let (terahashes, celsius) = moment.unwrap_or_default();
        let since_start = ended.saturating_duration_since(self.started);
        // A copy is made only while a page holds the last one.
        Arc::make_mut(&mut self.history).note(since_start, gap_max, terahashes, celsius);
        self.transition(is_first, was_up, ended)
    }

    fn fail(&mut self, error: &PollError, at: SystemTime) {
        let kind = error.kind();
        self.errors.iter_mut().zip(ErrorKind::ALL).filter(|(_, of)| *of == kind).for_each(|(count, _)| *count += 1);
        self.failure = Some(Arc::new(Failure { kind, text: error.to_string(), at }));
    }

    /// What the poll did to the miner's state. The first one finds the state and changes nothing.
    fn transition(&mut self, is_first: bool, was_up: bool, ended: Instant) -> Change {
        let is_up = self.is_up();
        if is_up == was_up && !is_first {
            return Change::None;
        }
        self.since = Some(ended);
        if !is_first {
            *(if is_up { &mut self.ups } else { &mut self.downs }) += 1;
        }
        if is_up { Change::Up } else { Change::Down }
    }
}

/// A poll that has ended, and what its measurements need.
struct Poll {
    began: Instant,
    ended: Instant,
    /// When it ended, on the wall.
    at: SystemTime,
    /// Measurements further apart are not joined.
    gap_max: Duration,
    /// Price of a kWh, if one is set.
    price: Option<f64>,
}

/// Time since 1970; a clock that stands before it has not been set yet.
fn unix(at: SystemTime) -> Duration {
    at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO)
}

/// To the microsecond: what is finer says nothing of a poll, and makes numbers long.
fn seconds(time: Duration) -> f64 {
    time.as_micros() as f64 / 1e6
}

/// The rhythm of the poller.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cycle {
    /// When the last cycle began.
    pub began: Option<Instant>,
    /// The youngest cycle of which all polls have ended: when it began, and how long it took.
    pub ended: Option<(Instant, Duration)>,
}

/// All miners.
#[derive(Debug)]
pub struct Store {
    miners: Vec<RwLock<Miner>>,
    cycle: RwLock<Cycle>,
    started: Instant,
    interval: Duration,
    tariff: Option<Tariff>,
}

impl Store {
    /// A store of miners that nobody has polled yet.
    pub fn new(targets: &[Target], interval: Duration, tariff: Option<Tariff>) -> Self {
        let started = Instant::now();
        let miners = targets.iter().map(|target| RwLock::new(Miner::new(target.clone(), started))).collect();
        Store { miners, cycle: RwLock::default(), started, interval, tariff }
    }

    /// Takes in a poll that began then and has just ended.
    pub fn record(&self, index: usize, began: Instant, outcome: Result<Collected, PollError>) -> Change {
        let (ended, at, gap_max) = (Instant::now(), SystemTime::now(), self.interval * 3);
        let poll = Poll { began, ended, at, gap_max, price: self.price_now() };
        self.change(index, |miner| miner.record(&poll, outcome)).unwrap_or(Change::None)
    }

    /// The price of a kWh at this moment, if one is set.
    pub fn price_now(&self) -> Option<f64> {
        // The tariff takes whole seconds, which fit for longer than there will be electricity.
        let now = i64::try_from(unix(SystemTime::now()).as_secs()).unwrap_or(i64::MAX);
        self.tariff.as_ref().map(|tariff| tariff.price_at(now))
    }

    /// Counts a cycle in which the miner's last poll was still running.
    pub fn skip(&self, index: usize) {
        self.change(index, |miner| miner.skipped += 1);
    }

    /// Notes that a cycle begins.
    pub fn begin_cycle(&self, now: Instant) {
        self.cycle.write().unwrap_or_else(PoisonError::into_inner).began = Some(now);
    }

    /// Notes that the last poll of the cycle that began then has ended. A hung poll may end a cycle after younger ones.
    pub fn end_cycle(&self, began: Instant) {
        let ended = &mut self.cycle.write().unwrap_or_else(PoisonError::into_inner).ended;
        if ended.is_none_or(|(youngest, _)| youngest < began) {
            *ended = Some((began, began.elapsed()));
        }
    }

    /// The rhythm as it is now.
    pub fn cycle(&self) -> Cycle {
        *self.cycle.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the poller lives: a cycle began within the last 30 s, or within three intervals if those are longer.
    pub fn is_alive(&self, now: Instant) -> bool {
        let patience = (self.interval * 3).max(Duration::from_secs(30));
        now.saturating_duration_since(self.cycle().began.unwrap_or(self.started)) <= patience
    }

    /// A copy of every miner's record, in the order of the settings.
    pub fn miners(&self) -> Vec<Miner> {
        self.miners.iter().map(|miner| miner.read().unwrap_or_else(PoisonError::into_inner).clone()).collect()
    }

    /// A copy of one miner's record.
    pub fn miner(&self, index: usize) -> Option<Miner> {
        self.miners.get(index).map(|miner| miner.read().unwrap_or_else(PoisonError::into_inner).clone())
    }

    fn change<T>(&self, index: usize, change: impl FnOnce(&mut Miner) -> T) -> Option<T> {
        // A record is whole between any two statements that could panic, so a poisoned lock says nothing.
        self.miners.get(index).map(|miner| change(&mut miner.write().unwrap_or_else(PoisonError::into_inner)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cgminer::error::Phase;
    use crate::cgminer::reply::{Reply, Request};
    use crate::metrics::KEYS;
    use crate::miner::collect;

    const REPLY: &str = "CMD=version|STATUS=S|VERSION,MODEL=Q|CMD=summary|STATUS=S|SUMMARY,Elapsed=1|\
                         CMD=stats|STATUS=S|CMD=pools|STATUS=E,Code=8|";

    fn store() -> Store {
        Store::new(&[Target::parse("a", 1).unwrap()], Duration::from_secs(10), None)
    }

    fn succeed(store: &Store) -> Change {
        let reply = Reply::parse(&KEYS, REPLY.as_bytes(), Request::Standard, true).unwrap();
        store.record(0, Instant::now(), Ok(collect(&reply)))
    }

    fn fail(store: &Store) -> Change {
        store.record(0, Instant::now(), Err(PollError::Timeout(Phase::Connect, Duration::from_secs(5))))
    }

    fn values(store: &Store) -> PollValues {
        store.miners()[0].poll_values(Instant::now())
    }

    #[test]
    fn before_the_first_poll() {
        let values = values(&store());
        let nothing = PollValues {
            last_scrape_timestamp_seconds: None,
            down_duration_seconds: None,
            scrape_duration_seconds: None,
            energy_joules_total: None,
            ..PollValues::of(|_| Some(0.0))
        };
        assert_eq!(values, nothing);
    }

    #[test]
    fn transitions_and_counters() {
        let store = store();
        assert_eq!((fail(&store), fail(&store)), (Change::Down, Change::None), "the first poll finds the state");
        let down = values(&store);
        assert_eq!(down.last_scrape_timestamp_seconds, Some(0.0));
        assert!(down.down_duration_seconds > Some(0.0), "down since the start");
        assert_eq!(
            (down.status_changes_total, down.scrape_errors_total),
            (Some(0.0), Some(2.0)),
            "and is no transition"
        );
        assert_eq!((succeed(&store), succeed(&store), fail(&store)), (Change::Up, Change::None, Change::Down));
        store.skip(0);
        let after = values(&store);
        let expected = PollValues {
            up: Some(0.0),
            scrape_errors_total: Some(3.0),
            scrape_errors_timeout_total: Some(3.0),
            scrape_errors_parse_total: Some(0.0),
            status_changes_total: Some(2.0),
            status_ups_total: Some(1.0),
            status_downs_total: Some(1.0),
            polls_skipped_total: Some(1.0),
            ..after
        };
        assert_eq!(after, expected);
        let miner = store.miners().remove(0);
        assert!(miner.reading.is_none(), "it is down");
        assert_eq!(miner.identity.unwrap().model.as_deref(), Some("Q"), "who it is stays");
    }

    #[test]
    fn the_youngest_cycle_counts() {
        let store = store();
        let (old, young) = (Instant::now(), Instant::now() + Duration::from_nanos(1));
        store.end_cycle(young);
        store.end_cycle(old);
        assert_eq!(store.cycle().ended.map(|(began, _)| began), Some(young));
    }

    #[test]
    fn alive_while_cycles_begin() {
        let store = store();
        let now = Instant::now();
        assert!(store.is_alive(now) && !store.is_alive(now + Duration::from_secs(31)));
        store.begin_cycle(now + Duration::from_secs(40));
        assert!(store.is_alive(now + Duration::from_secs(69)) && !store.is_alive(now + Duration::from_secs(71)));
        let slow = Store::new(&[], Duration::from_secs(60), None);
        assert!(slow.is_alive(now + Duration::from_secs(179)) && !slow.is_alive(now + Duration::from_secs(182)));
    }
}
