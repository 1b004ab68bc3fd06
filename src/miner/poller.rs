//! The rhythm: each interval one named thread a miner, and one poll from beginning to end.
//!
//! A miner whose last poll still runs is left out of the cycle and counted; it never holds up another. Whatever
//! happens to a poll, a thread that cannot be started and a panic included, is that miner's failed poll and nothing
//! else. States are logged when they change, not at each poll.
//!
//! A poll can also be asked for, by a probe. It is a poll like any other, with the same time: a client that leaves early
//! ends its own waiting and not the poll. Whoever asks while one is on its way, a cycle too, gets what that one brings: a
//! miner serves one client at a time.

use std::mem::take;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::cgminer::client::Client;
use crate::cgminer::error::PollError;
use crate::cgminer::reply::{Memory, Reply, Request};
use crate::metrics::KEYS;
use crate::miner::collect::collect;
use crate::miner::reading::{Collected, Identity};
use crate::miner::store::{Change, Miner, Store};

/// Stack of a poll's thread. A poll was seen to need less than a quarter of it in an unoptimized build.
const POLL_STACK_BYTES: usize = 256 << 10;

/// Polls all miners of a store.
#[derive(Debug)]
pub struct Poller {
    store: Arc<Store>,
    miners: Vec<Arc<Polled>>,
    request: Request,
    timeout: Duration,
    /// What a poll on demand needs, where there may be any number of miners.
    permits: Option<Arc<Permits>>,
}

/// A miner, as far as polling it is concerned.
#[derive(Debug)]
struct Polled {
    title: String,
    client: Client,
    turns: Mutex<Turns>,
    /// Signalled when a poll has ended and been recorded.
    ended: Condvar,
}

/// Whose turn it is, and how many are over: who waits for an end may wake when the next poll has begun already.
#[derive(Debug, Default)]
struct Turns {
    running: Option<Origin>,
    ended: u64,
    /// Who waits for an end; mostly nobody, and to wake nobody is a system call too.
    waiting: u32,
}

/// Why a poll runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Origin {
    Cycle,
    Demand,
}

impl Polled {
    /// The right to poll, or why a poll is running already; and how many turns were over before.
    fn take_turn(self: &Arc<Self>, origin: Origin) -> (Result<Turn, Origin>, u64) {
        let mut turns = self.lock();
        let turn = turns.running.map_or_else(|| Ok(Turn(self.clone())), Err);
        turns.running = turns.running.or(Some(origin));
        (turn, turns.ended)
    }

    /// How many turns were over before the one that is on its way, if there is one.
    fn under_way(&self) -> Option<u64> {
        let turns = self.lock();
        turns.running.map(|_| turns.ended)
    }

    /// Waits until more turns are over than there were; false if that did not come in time.
    fn wait(&self, before: u64, by: Instant) -> bool {
        let time = by.saturating_duration_since(Instant::now());
        let mut turns = self.lock();
        turns.waiting += 1;
        let waited = self.ended.wait_timeout_while(turns, time, |turns| turns.ended == before);
        let mut turns = waited.unwrap_or_else(PoisonError::into_inner).0;
        turns.waiting -= 1;
        turns.ended > before
    }

    fn lock(&self) -> MutexGuard<'_, Turns> {
        self.turns.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ends a poll's turn however it ends.
struct Turn(Arc<Polled>);

impl Drop for Turn {
    fn drop(&mut self) {
        let mut turns = self.0.lock();
        (turns.running, turns.ended) = (None, turns.ended + 1);
        let has_waiters = turns.waiting > 0;
        drop(turns);
        if has_waiters {
            self.0.ended.notify_all();
        }
    }
}

/// Permits for what clients may set off without limit: polls of miners that only they name, and look-ups of such names. Each
/// takes a thread and a descriptor, and holds its permit to its end, however early the client left.
#[derive(Debug)]
pub struct Permits {
    free: Mutex<usize>,
    returned: Condvar,
}

/// A permit; it is given back when it is dropped.
#[derive(Debug)]
pub struct Permit(Arc<Permits>);

impl Permits {
    /// So many permits.
    pub fn new(count: usize) -> Arc<Self> {
        Arc::new(Permits { free: Mutex::new(count), returned: Condvar::new() })
    }

    /// A permit; none if all are held until then.
    pub fn take(self: &Arc<Self>, by: Instant) -> Option<Permit> {
        let time = by.saturating_duration_since(Instant::now());
        let waited = self.returned.wait_timeout_while(self.free(), time, |free| *free == 0);
        let mut free = waited.unwrap_or_else(PoisonError::into_inner).0;
        *free = free.checked_sub(1)?;
        Some(Permit(self.clone()))
    }

    fn free(&self) -> MutexGuard<'_, usize> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        *self.0.free() += 1;
        self.0.returned.notify_one();
    }
}

/// A cycle whose polls have not all ended. Each of them holds it, and the last to let go ends it.
struct RunningCycle {
    store: Arc<Store>,
    began: Instant,
    has_polls: AtomicBool,
}

impl Drop for RunningCycle {
    fn drop(&mut self) {
        if *self.has_polls.get_mut() {
            self.store.end_cycle(self.began);
        }
    }
}

impl Poller {
    /// A poller of the store's miners; `timeout` is the deadline of one whole exchange.
    pub fn new(store: Arc<Store>, request: Request, timeout: Duration) -> Self {
        let polled = |miner: &Miner| {
            let (title, client) = (miner.target.title().to_owned(), Client::new(&miner.target));
            Arc::new(Polled { title, client, turns: Mutex::default(), ended: Condvar::new() })
        };
        let miners = store.miners().iter().map(polled).collect();
        Poller { store, miners, request, timeout, permits: None }
    }

    /// The same poller, whose polls on demand need one of these permits each.
    #[must_use]
    pub fn with_permits(self, permits: Arc<Permits>) -> Self {
        Poller { permits: Some(permits), ..self }
    }

    /// Polls for ever, a cycle each interval. A cycle that comes late does not make the next ones hurry.
    pub fn run(&self, interval: Duration) -> ! {
        let mut next = Instant::now();
        loop {
            // Nobody waits for these threads, so each gives its stack back when it ends and not when the last one has begun.
            self.polls().for_each(drop);
            next += interval;
            let now = Instant::now();
            if next < now {
                next = now;
            }
            thread::sleep(next - now);
        }
    }

    /// Polls every miner once and waits for the last.
    pub fn run_once(&self) {
        for handle in self.polls().collect::<Vec<_>>() {
            // The thread catches its panics; what it did is in the store.
            let _ = handle.join();
        }
    }

    /// Polls a miner now, or joins the poll that is on its way. Its record afterwards; if the poll has not ended by then, it goes
    /// on, and only the copy of the record that is returned says that the miner is down. None if no permit was free.
    pub fn poll_now(&self, index: usize, by: Instant) -> Option<Miner> {
        let miner = self.miners.get(index)?;
        let before = match miner.under_way() {
            Some(before) => before,
            None => self.begin_on_demand(index, miner, by)?,
        };
        let has_ended = miner.wait(before, by);
        let mut record = self.store.miner(index)?;
        record.reading = record.reading.filter(|_| has_ended);
        Some(record)
    }

    /// Begins a poll, unless one has begun meanwhile. How many turns were over before.
    fn begin_on_demand(&self, index: usize, miner: &Arc<Polled>, by: Instant) -> Option<u64> {
        let permit = match &self.permits {
            Some(permits) => Some(permits.take(by)?),
            None => None,
        };
        let (turn, before) = miner.take_turn(Origin::Demand);
        if let Ok(turn) = turn {
            self.begin_poll(index, turn, permit);
        }
        Some(before)
    }

    /// A cycle: the threads of its polls, each of which begins when it is asked for.
    fn polls(&self) -> impl Iterator<Item = thread::JoinHandle<()>> {
        let began = Instant::now();
        let cycle = Arc::new(RunningCycle { store: self.store.clone(), began, has_polls: AtomicBool::new(false) });
        self.store.begin_cycle(began);
        self.miners.iter().enumerate().filter_map(move |(index, miner)| {
            match miner.take_turn(Origin::Cycle).0 {
                Ok(turn) => {
                    cycle.has_polls.store(true, Ordering::Relaxed);
                    self.begin_poll(index, turn, cycle.clone())
                }
                Err(Origin::Cycle) => {
                    self.store.skip(index);
                    None
                }
                // The miner is being polled, and what clients ask for is not to look like a miner that is slow.
                Err(Origin::Demand) => None,
            }
        })
    }

    /// Begins a poll, which holds a turn and something else to its end.
    fn begin_poll(&self, index: usize, turn: Turn, held: impl Send + 'static) -> Option<thread::JoinHandle<()>> {
        let (store, request, timeout, miner) = (self.store.clone(), self.request, self.timeout, turn.0.clone());
        let began = Instant::now();
        let name = format!("poll {}", miner.client.host());
        let spawned = thread::Builder::new().name(name).stack_size(POLL_STACK_BYTES).spawn(move || {
            let mut room = Room::take();
            let poll = AssertUnwindSafe(|| poll(&mut room, &turn.0.client, request, timeout));
            let outcome = catch_unwind(poll).unwrap_or(Err(PollError::Panic));
            record(&store, index, &turn.0.title, began, outcome);
            room.give_back();
            // In this order: who sees the cycle's end may begin the miner's next poll.
            drop(turn);
            drop(held);
        });
        spawned.map_err(|error| record(&self.store, index, &miner.title, began, Err(PollError::Spawn(error)))).ok()
    }
}

/// Memory of a poll that serves another when it is over. A poll that asks for its own each time waits for the allocator of the
/// static program, which has one lock for all threads, and gives such large pieces back to the system at once.
#[derive(Debug, Default)]
struct Room {
    bytes: Vec<u8>,
    memory: Memory,
}

/// Most rooms that wait for a poll, and the most that reply and values of one may take: twice what a Nano 3S needs. A reading
/// has limits of its own.
const ROOMS_MAX: usize = 16;
const ROOM_BYTES_MAX: usize = 64 << 10;

/// Rooms that nobody uses, of all pollers: each probed miner has one of its own.
static ROOMS: Mutex<Vec<Room>> = Mutex::new(Vec::new());

impl Room {
    fn take() -> Self {
        Self::free().pop().unwrap_or_default()
    }

    fn give_back(self) {
        let mut rooms = Self::free();
        if self.is_small() && rooms.len() < ROOMS_MAX {
            rooms.push(self);
        }
    }

    fn is_small(&self) -> bool {
        self.bytes.capacity() + self.memory.capacity() <= ROOM_BYTES_MAX
    }

    fn free() -> MutexGuard<'static, Vec<Self>> {
        ROOMS.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One poll: fetch, parse, collect.
fn poll(room: &mut Room, client: &Client, request: Request, timeout: Duration) -> Result<Collected, PollError> {
    let (reply, is_whole) = client.exchange_in(&mut room.bytes, request, timeout)?;
    let memory = take(&mut room.memory);
    let reply = Reply::parse_in(memory, &KEYS, reply, request, is_whole).inspect_err(|_| client.forget_address())?;
    let collected = collect(&reply);
    room.memory = reply.into_memory();
    Ok(collected)
}

/// Records a poll's outcome, and logs what has changed.
fn record(store: &Store, index: usize, title: &str, began: Instant, outcome: Result<Collected, PollError>) {
    let failure = outcome.as_ref().err().map(ToString::to_string);
    match (store.record(index, began, outcome), failure) {
        (Change::None, None) => log::debug!("{title} answered within {:.3} s", began.elapsed().as_secs_f64()),
        (Change::None, Some(failure)) => log::debug!("{title} is still down: {failure}"),
        (_, None) => {
            let identity = store.miner(index).and_then(|miner| miner.identity).unwrap_or_default();
            log::info!("{title} is up: {}", describe(&identity));
        }
        (_, Some(failure)) => log::warn!("{title} is down: {failure}"),
    }
}

/// Model and firmware, for the log. The miner sent them, so control characters are shown, not obeyed.
fn describe(identity: &Identity) -> String {
    let Identity { model, prod, cgminer, firmware, .. } = identity;
    match (model.as_ref().or(prod.as_ref()).or(cgminer.as_ref()), firmware) {
        (Some(name), None) => name.escape_debug().to_string(),
        (Some(name), Some(firmware)) => format!("{}, firmware {}", name.escape_debug(), firmware.escape_debug()),
        (None, _) => "it does not say what it is".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Target;

    fn poller() -> Poller {
        let target = Target::parse("192.0.2.1", 1).unwrap();
        let store = Arc::new(Store::new(&[target], Duration::from_secs(10), None));
        Poller::new(store, Request::Standard, Duration::from_secs(1))
    }

    #[test]
    fn a_poll_on_demand_is_no_skipped_cycle() {
        let poller = poller();
        for (origin, skipped) in [(Origin::Demand, 0), (Origin::Cycle, 1)] {
            let (turn, _) = poller.miners[0].take_turn(origin);
            assert_eq!(poller.polls().count(), 0, "the miner is polled already");
            assert_eq!(poller.store.miner(0).unwrap().skipped, skipped, "{origin:?}");
            drop(turn);
        }
    }

    #[test]
    fn permits_are_given_back() {
        let (permits, soon) = (Permits::new(2), || Instant::now() + Duration::from_millis(1));
        let (first, second) = (permits.take(soon()).unwrap(), permits.take(soon()).unwrap());
        assert!(permits.take(soon()).is_none());
        drop(first);
        let third = permits.take(soon());
        assert!(third.is_some() && permits.take(soon()).is_none());
        // One that waits gets the next that is given back.
        let waiter = thread::spawn({
            let permits = permits.clone();
            move || permits.take(Instant::now() + Duration::from_secs(60)).is_some()
        });
        drop(second);
        assert!(waiter.join().unwrap());
        drop(third);
        assert_eq!(*permits.free(), 2);
    }

    #[test]
    fn who_waits_for_a_poll_does_not_wait_for_the_next() {
        let poller = poller();
        let miner = &poller.miners[0];
        for _ in 0..20 {
            let (start, (turn, before)) = (Instant::now(), miner.take_turn(Origin::Cycle));
            assert!(turn.is_ok() && miner.take_turn(Origin::Demand).0.is_err());
            let waiter = thread::spawn({
                let miner = miner.clone();
                move || miner.wait(before, Instant::now() + Duration::from_secs(60))
            });
            thread::sleep(Duration::from_millis(5));
            drop(turn);
            let (next, _) = miner.take_turn(Origin::Cycle);
            assert!(next.is_ok() && waiter.join().unwrap());
            assert!(start.elapsed() < Duration::from_secs(50), "it waited to its deadline");
        }
        let ended = miner.lock().ended;
        assert!(!miner.wait(ended, Instant::now()), "nothing has ended since");
    }

    #[test]
    fn a_large_room_is_not_kept() {
        let room = |bytes| Room { bytes: Vec::with_capacity(bytes), ..Room::default() };
        assert!(room(ROOM_BYTES_MAX).is_small() && !room(ROOM_BYTES_MAX + 1).is_small());
        let text = format!(
            "CMD=version|STATUS=S|V|CMD=summary|STATUS=S|S|CMD=stats|STATUS=S|{}CMD=pools|STATUS=E,Code=8|",
            "a=b|".repeat(64)
        );
        let memory = Reply::parse(&KEYS, text.as_bytes(), Request::Standard, true).unwrap().into_memory();
        assert!(!Room { memory, ..Room::default() }.is_small(), "a miner with 64 records makes a large one");
    }
}
