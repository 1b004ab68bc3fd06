//! Who is connected, what each is at, and who has to go when seats or the memory for pages run out.
//!
//! It is not the newcomer that is turned away: the oldest connection without a head is thrown out, else the reader that
//! lags most, else the one that waits longest. An honest client sends its head at once and reads at once, so it is hardly
//! ever the one to go.
//!
//! Pages that are the same for all who ask are made one at a time, each anew. Only where there is no memory for one more
//! is a page shared: who asks then gets one that is young and still on its way to somebody. So a crowd costs the making and
//! the memory of a few pages, not of a page each, and whoever of it gets his turn brings the page for an honest client
//! too. The site counts a shared page as one request. A client of HTTP/1.0 gets a page of its own.
//!
//! Nothing here waits, reads or writes, and nothing knows of threads or locks: that is `gate`.

use std::collections::BTreeMap;
use std::mem;
use std::net::{IpAddr, Shutdown, TcpStream};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use crate::http::inner::Answer;
use crate::http::limits::Limits;
use crate::http::request;

/// A page is sent in pieces of this size, each of which buys [`PIECE_TIME`]: 256 KiB/s. The page of 1,000 miners needs a
/// faster reader than that anyhow, to arrive within the longest usual scrape time-out of 60 s.
pub const PIECE_BYTES: usize = 64 << 10;
/// See [`PIECE_BYTES`].
pub const PIECE_TIME: Duration = Duration::from_millis(250);

/// A reader that took no piece for so long has stalled, and may be thrown out for another. On a slow link the kernel
/// takes several pieces at once, then none for some 0.3 s.
const STALL_TIME: Duration = Duration::from_millis(500);
/// A page may be shared until it is so old. By then readers that stalled over it can make room for the next one.
const SHARE_TIME: Duration = STALL_TIME;

/// What became of the connections so far.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Counters {
    /// All that came in. The next three count those of them that did not end well.
    pub accepted: u64,
    /// Got no seat, or an error of the gate's own that is not a time-out. The handler's 404 and 500 are none.
    pub refused: u64,
    /// Thrown out for another before they had their reply.
    pub evicted: u64,
    /// Too slow with the head or the reply, or had to wait too long for the handler.
    pub timeout: u64,
    /// Not of connections: how often the inner server had to be built again.
    pub rebuilt: u64,
}

/// All seats that are taken.
pub struct Table {
    limits: Limits,
    seats: BTreeMap<u64, Seat>,
    /// Of the connections so far, but for `rebuilt`.
    pub counters: Counters,
    /// How many threads wait for something to become free.
    pub waiting: usize,
    /// The last page that is the same for all: its path, since when it is there, and itself while somebody receives it.
    shared: Option<(String, Instant, Weak<Answer>)>,
}

/// A connection that was let in.
pub struct Seat {
    address: IpAddr,
    since: Instant,
    stage: Stage,
    /// What it asks for, once its head is there.
    path: String,
    /// Of the page held in memory for this client, or set aside for it.
    page_bytes: usize,
    /// The page, once it is made. Several clients may hold the same.
    page: Option<Weak<Answer>>,
    socket: Arc<TcpStream>,
}

/// How far a connection has come.
pub enum Stage {
    /// The client owes us its head.
    Head,
    /// It has to wait for a worker, or for memory for its page once it is known (not 0) how large that is.
    Wait {
        /// Of its page, or 0.
        page_bytes: usize,
    },
    /// It is for us to answer.
    Answer,
    /// It reads.
    Reply {
        /// When the first byte went.
        since: Instant,
        /// When it last took a piece.
        moved: Instant,
        /// When the pieces that it took would have been due.
        pace: Instant,
    },
    /// It has all it gets.
    Linger,
    /// Thrown out: its socket is shut down, so its thread is about to leave.
    Evicted,
}

/// A connection that has come in and has no seat yet.
pub struct Newcomer {
    /// The number of its seat.
    pub id: u64,
    address: IpAddr,
    /// Whether its address has all the seats that it may have in a crowd.
    has_share: bool,
}

/// What a newcomer finds.
pub enum Place {
    /// A seat.
    Taken,
    /// None before somebody has left who was thrown out, or becomes one to throw out.
    Soon,
    /// None, for the rest of its address will not go.
    Never,
}

impl Table {
    /// No connections.
    pub fn new(limits: Limits) -> Self {
        Self { limits, seats: BTreeMap::new(), counters: Counters::default(), waiting: 0, shared: None }
    }

    /// Counts a connection, and throws out another for it in a crowd: of its own address if that has its share, else of
    /// any. The last quarter of the seats is for those thrown out who have not gone yet, and so that a newcomer who may
    /// never say anything does not displace one who waits for his answer while there is any other place.
    pub fn arrive(&mut self, address: IpAddr) -> Newcomer {
        self.counters.accepted += 1;
        let seated = self.seats.values().filter(|seat| !seat.is_evicted());
        let (all, own) = seated.fold((0, 0), |(all, own), seat| (all + 1, own + usize::from(seat.address == address)));
        let newcomer = Newcomer { id: self.counters.accepted, address, has_share: own >= self.limits.per_address };
        if all >= self.limits.connections - self.limits.connections / 4 {
            self.evict(|seat| newcomer.may_displace(seat) && !seat.waits());
        }
        newcomer
    }

    /// Gives a newcomer a seat, or sees to it that there soon is one.
    pub fn sit(&mut self, newcomer: &Newcomer, socket: &Arc<TcpStream>) -> Place {
        if self.seats.len() < self.limits.connections {
            let seat = Seat::new(newcomer.address, Instant::now(), Arc::clone(socket));
            self.seats.insert(newcomer.id, seat);
            return Place::Taken;
        }
        let is_about_to = |seat: &Seat| matches!(seat.stage, Stage::Head) && newcomer.may_displace(seat);
        let is_soon = self.seats.values().any(Seat::is_evicted)
            || self.evict(|seat| newcomer.may_displace(seat))
            || self.seats.values().any(is_about_to);
        if is_soon || !newcomer.has_share { Place::Soon } else { Place::Never }
    }

    /// Gives a seat back.
    pub fn leave(&mut self, id: u64) {
        self.seats.remove(&id);
    }

    /// The connection goes on to the next stage, for which so many bytes are held or set aside; none if it was thrown out.
    pub fn enter(&mut self, id: u64, stage: Stage, page_bytes: usize) -> Option<()> {
        let seat = self.seats.get_mut(&id).filter(|seat| !seat.is_evicted())?;
        (seat.stage, seat.page_bytes, seat.page) = (stage, page_bytes, None);
        Some(())
    }

    /// Notes what a connection asks for.
    pub fn note_path(&mut self, id: u64, path: &str) {
        if let Some(seat) = self.seats.get_mut(&id) {
            path.clone_into(&mut seat.path);
        }
    }

    /// Notes which page a connection is sent.
    pub fn note_page(&mut self, id: u64, answer: &Arc<Answer>) {
        if let Some(seat) = self.seats.get_mut(&id) {
            seat.page = Some(Arc::downgrade(answer));
        }
    }

    /// Notes that a reader took a piece, and when the next would be due.
    pub fn note_piece(&mut self, id: u64, due: Instant) {
        if let Some(Stage::Reply { moved, pace, .. }) = self.seats.get_mut(&id).map(|seat| &mut seat.stage) {
            (*moved, *pace) = (Instant::now(), due);
        }
    }

    /// Lets others have the page that this connection is sent.
    pub fn share(&mut self, id: u64, answer: &Arc<Answer>) {
        if let Some(seat) = self.seats.get(&id) {
            self.shared = Some((seat.path.clone(), Instant::now(), Arc::downgrade(answer)));
        }
    }

    /// Whether memory is set aside for this connection's page.
    pub fn has_set_aside(&self, id: u64) -> bool {
        self.seats.get(&id).is_some_and(|seat| seat.page_bytes > 0)
    }

    /// Throws out, among the seats that `may_go`, one that has its reply, else the oldest that owes us its head, else the
    /// reader that lags most, else the one that waits longest. False if all of them are safe for now. A head that has come
    /// and that its thread has had no time to read is not owed any more.
    pub fn evict(&mut self, may_go: impl Fn(&Seat) -> bool) -> bool {
        let (now, grace) = (Instant::now(), self.limits.reply_grace);
        let ranked =
            self.seats.values_mut().filter(|seat| may_go(seat)).filter_map(|seat| Some((seat.rank(now, grace)?, seat)));
        let mut ranked: Vec<_> = ranked.collect();
        ranked.sort_unstable_by_key(|(rank, _)| *rank);
        let Some((_, seat)) = ranked.into_iter().find(|(_, seat)| !seat.is_speaking()) else { return false };
        let _ = seat.socket.shutdown(Shutdown::Both);
        let had_its_reply = matches!(mem::replace(&mut seat.stage, Stage::Evicted), Stage::Linger);
        self.counters.evicted += u64::from(!had_its_reply);
        true
    }

    /// Whether so much more of pages may be in memory. If not, throws out a reader that lags, so that it soon may.
    pub fn has_room(&mut self, page_bytes: usize) -> bool {
        if self.fits(page_bytes) {
            return true;
        }
        if !self.seats.values().any(|seat| seat.is_evicted() && seat.page_bytes > 0) {
            self.evict(|seat| seat.page_bytes > 0);
        }
        false
    }

    /// A small page always fits, which is that of a few miners, and a second one of any size, so that two
    /// Prometheus servers never displace each other.
    fn fits(&self, page_bytes: usize) -> bool {
        page_bytes <= PIECE_BYTES || self.held_bytes() + page_bytes <= self.limits.pages_bytes.max(2 * page_bytes)
    }

    /// The page of this path that is on its way to somebody else, if it is young and another one would not fit.
    pub fn shared_page(&self, path: &str) -> Option<Arc<Answer>> {
        let (of, since, page) = self.shared.as_ref()?;
        let is_young = of == path && since.elapsed() < SHARE_TIME;
        page.upgrade().filter(|page| is_young && !self.fits(page.page.memory()))
    }

    /// Whether this seat is the next of those who wait for the same. Who asks for a page that is being made is not: it may
    /// have to share that one. Each probe is another miner's.
    pub fn is_first(&self, id: u64, path: &str, wanted: usize) -> bool {
        let is_probe = path == request::PROBE_PATH;
        let is_made = |path: &str| !is_probe && self.working().any(|seat| seat.path == path);
        let is_before = |other: &Seat| other.waits_like(is_probe, wanted) && !is_made(&other.path);
        !is_made(path) && !self.seats.range(id + 1..).any(|(_, later)| is_before(later))
    }

    /// Requests that workers of the kind that this path needs are at.
    pub fn at_work(&self, path: &str) -> usize {
        let is_probe = path == request::PROBE_PATH;
        self.working().filter(|seat| seat.is_probe() == is_probe).count()
    }

    fn working(&self) -> impl Iterator<Item = &Seat> {
        self.seats.values().filter(|seat| matches!(seat.stage, Stage::Answer))
    }

    /// Of pages that clients hold, each counted once, and of those that will be made for somebody.
    fn held_bytes(&self) -> usize {
        let holding = self.seats.iter().filter(|(_, seat)| seat.page_bytes > 0);
        let pages = holding.map(|(id, seat)| (seat.page.as_ref().map(Weak::as_ptr).ok_or(id), seat.page_bytes));
        pages.collect::<BTreeMap<_, _>>().values().sum()
    }
}

impl Newcomer {
    fn may_displace(&self, seat: &Seat) -> bool {
        !self.has_share || seat.address == self.address
    }
}

impl Seat {
    fn new(address: IpAddr, since: Instant, socket: Arc<TcpStream>) -> Self {
        Self { address, since, stage: Stage::Head, path: String::new(), page_bytes: 0, page: None, socket }
    }

    fn is_evicted(&self) -> bool {
        matches!(self.stage, Stage::Evicted)
    }

    /// Whether its answer waits for a miner. Probes have threads of their own, so that dead miners never keep a page
    /// waiting.
    fn is_probe(&self) -> bool {
        self.path == request::PROBE_PATH
    }

    fn waits(&self) -> bool {
        matches!(self.stage, Stage::Wait { .. })
    }

    fn waits_like(&self, is_probe: bool, wanted: usize) -> bool {
        let waits = matches!(self.stage, Stage::Wait { page_bytes } if (page_bytes > 0) == (wanted > 0));
        waits && self.is_probe() == is_probe
    }

    /// Whether something of its head has come that its thread has not read yet. The socket is the thread's too, so the
    /// thread may be told at this moment that nothing is there, and has to look again.
    fn is_speaking(&self) -> bool {
        let peek = || {
            self.socket.set_nonblocking(true).ok()?;
            let seen = self.socket.peek(&mut [0]).ok();
            self.socket.set_nonblocking(false).ok().and(seen)
        };
        matches!(self.stage, Stage::Head) && peek().is_some_and(|count| count > 0)
    }

    /// The least goes first; `None` is safe.
    fn rank(&self, now: Instant, grace: Duration) -> Option<(u8, Instant)> {
        match self.stage {
            Stage::Linger => Some((0, self.since)),
            Stage::Head => Some((1, self.since)),
            Stage::Reply { since, moved, pace } if now > since + grace || now > moved + STALL_TIME => Some((2, pace)),
            Stage::Wait { .. } => Some((3, self.since)),
            Stage::Reply { .. } | Stage::Answer | Stage::Evicted => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::net::TcpListener;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    fn place(table: &mut Table, socket: &Arc<TcpStream>) -> (u64, Place) {
        let newcomer = table.arrive(HERE);
        let place = table.sit(&newcomer, socket);
        (newcomer.id, place)
    }

    #[test]
    fn the_silent_go_before_those_who_speak_and_wait() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let pair = || {
            let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            (client, Arc::new(listener.accept().unwrap().0))
        };
        let mut table = Table::new(Limits { connections: 8, per_address: 4, ..Limits::for_machine(1) });
        let (mut speaker, socket) = pair();
        speaker.write_all(b"GET").unwrap();
        socket.peek(&mut [0]).unwrap(); // it has come
        assert!(matches!(place(&mut table, &socket), (1, Place::Taken)));
        let (_silent, silent) = pair();
        for id in 2..=8 {
            assert!(matches!(place(&mut table, &silent), (_, Place::Taken)), "{id}");
            table.enter(2, Stage::Wait { page_bytes: 0 }, 0);
        }
        // The crowd began with the seventh: it and the next displaced the oldest who are silent.
        let evicted: Vec<_> = table.seats.iter().filter(|(_, seat)| seat.is_evicted()).map(|(id, _)| *id).collect();
        assert_eq!((evicted, table.counters.evicted), (vec![3, 4], 2));
        // Only when no seat is left has one who waits to go, and one whose head has come never.
        for id in 3..=8 {
            table.leave(id);
        }
        for id in 3..=7 {
            let seat = Seat::new(HERE, Instant::now(), Arc::clone(&silent));
            table.seats.insert(id, Seat { stage: Stage::Answer, ..seat });
        }
        assert!(matches!(place(&mut table, &silent), (9, Place::Taken)) && !table.seats[&2].is_evicted());
        table.enter(9, Stage::Answer, 0);
        assert!(matches!(place(&mut table, &silent), (10, Place::Soon)) && table.seats[&2].is_evicted());
        table.leave(2);
        assert!(!table.evict(|_| true));
    }

    #[test]
    fn who_owes_us_most_goes_first() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let socket = Arc::new(TcpStream::connect(listener.local_addr().unwrap()).unwrap());
        let (begin, grace) = (Instant::now(), Duration::from_secs(4));
        let at = |millis| begin + Duration::from_millis(millis);
        let reply = |since, moved, pace| Stage::Reply { since: at(since), moved: at(moved), pace: at(pace) };
        let now = at(10_000);
        for (stage, expected) in [
            (Stage::Linger, Some((0, begin))),
            (Stage::Head, Some((1, begin))),
            (reply(9_000, 9_400, 9_250), Some((2, at(9_250)))), // has stalled
            (reply(5_000, 9_990, 20_000), Some((2, at(20_000)))), // moves, but has had its time
            (reply(9_000, 9_600, 9_250), None),
            (Stage::Wait { page_bytes: 0 }, Some((3, begin))),
            (Stage::Answer, None),
            (Stage::Evicted, None),
        ] {
            let address = IpAddr::from([127, 0, 0, 1]);
            let seat = Seat { stage, ..Seat::new(address, begin, Arc::clone(&socket)) };
            assert_eq!(seat.rank(now, grace), expected);
        }
    }
}
