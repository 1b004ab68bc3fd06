//! Which connections there are, what each is doing, and which has to go when slots or the memory for bodies run out.
//!
//! The newcomer is not the one to be turned away: the oldest connection without a request is evicted, else the reader that is
//! furthest behind, else the request that has been waiting longest. An honest client sends its request and reads its response
//! at once, so it is hardly ever the one to go.
//!
//! Large responses that are the same for every client are made one at a time, each anew. Only where there is no memory for
//! another one is it shared: a client then gets one that is young and still being sent to another. So a crowd costs the
//! making and the memory of a few responses, and those of its requests that are answered also bring the response for an
//! honest client. The site counts a shared response as one request. A client of HTTP/1.0 never shares.
//!
//! Nothing here waits, reads or writes, and nothing knows of threads or locks: that is the gate's part.

use std::collections::BTreeMap;
use std::mem;
use std::net::{IpAddr, Ipv6Addr, Shutdown, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use super::response::{PIECE_BYTES, Prepared};
use super::{Class, Limits};

/// What each piece of a body ([`PIECE_BYTES`]) buys its reader: 256 KiB/s. The page of 1,000 miners needs a faster reader
/// anyway, to arrive within the longest usual scrape time-out of 60 s.
pub const PIECE_TIME: Duration = Duration::from_millis(250);

/// A reader that took no piece for so long has stalled and may be evicted. On a slow link the kernel takes several pieces at
/// once, then none for some 0.3 s.
const STALL_TIME: Duration = Duration::from_millis(500);
/// A response may be shared until it is this old. By then readers that stalled over it can make room for the next one.
const SHARE_TIME: Duration = STALL_TIME;

/// What became of connections so far. None of the counts ever falls.
#[derive(Debug, Default)]
pub struct Counters {
    pub(super) accepted: AtomicU64,
    pub(super) refused: AtomicU64,
    pub(super) evicted: AtomicU64,
    pub(super) timeout: AtomicU64,
    pub(super) rebuilt: AtomicU64,
}

/// [`Counters`] at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts {
    /// All that came in. The next three count those of them that did not end well.
    pub accepted: u64,
    /// Got no slot, or an error of the gate's own that is not a time-out. A 404 or 500 of the site is not one.
    pub refused: u64,
    /// Evicted for another before they had their response.
    pub evicted: u64,
    /// Too slow with the request or the response, or had to wait too long for the site.
    pub timeout: u64,
    /// How often the inner server was replaced. Not of connections.
    pub rebuilt: u64,
}

impl Counters {
    /// The counts at this moment.
    pub fn read(&self) -> Counts {
        Counts {
            accepted: self.accepted.load(Relaxed),
            refused: self.refused.load(Relaxed),
            evicted: self.evicted.load(Relaxed),
            timeout: self.timeout.load(Relaxed),
            rebuilt: self.rebuilt.load(Relaxed),
        }
    }
}

/// All connections that have a slot.
pub struct Admission {
    limits: Limits,
    counters: Arc<Counters>,
    connections: BTreeMap<u64, Connection>,
    shared: Option<Shared>,
}

/// The last response that is the same for every client.
struct Shared {
    path: String,
    since: Instant,
    /// Itself, while it is being sent to a client.
    response: Weak<Prepared>,
}

/// A connection that has a slot.
pub struct Connection {
    client: IpAddr,
    since: Instant,
    stage: Stage,
    /// What it asks for, once its request is there.
    path: String,
    class: Class,
    /// Of the body that is held for this client, or set aside for it.
    body_bytes: usize,
    /// The response, once it is made. Several clients may have the same.
    response: Option<Weak<Prepared>>,
    socket: Arc<TcpStream>,
}

/// How far a connection has come.
pub enum Stage {
    /// The client still has to send its request.
    Request,
    /// It waits for a worker, or for memory for its body once the size of that is known (not 0).
    Queue {
        /// Of its body, or 0.
        body_bytes: usize,
    },
    /// A worker answers it.
    Answer,
    /// It reads its response.
    Response {
        /// When the first byte was sent.
        since: Instant,
        /// When it last took a piece.
        moved: Instant,
        /// When the pieces that it took were due.
        pace: Instant,
    },
    /// It has its whole response.
    Linger,
    /// Evicted: its socket is shut down, so its thread is about to end.
    Evicted,
}

/// A connection that has been accepted and has no slot yet.
pub struct Newcomer {
    /// The number of the connection.
    pub id: u64,
    client: IpAddr,
    /// Whether its client has all the slots that it may have in a crowd.
    has_share: bool,
}

/// Whether there is a slot for a newcomer.
pub enum Admitted {
    /// It has one.
    Now,
    /// Not before one that was evicted has left, or one that can be evicted turns up.
    Later,
    /// Not at all, because the other connections of its client cannot be evicted.
    Never,
}

impl Admission {
    /// No connections.
    pub fn new(limits: Limits, counters: Arc<Counters>) -> Self {
        Self { limits, counters, connections: BTreeMap::new(), shared: None }
    }

    /// Counts a connection, and in a crowd evicts another for it: one of the same client if that has its share, else of
    /// any. The last quarter of the slots is for those evicted that have not left yet, and so that a newcomer that may
    /// never send anything does not displace a request that is waiting while there is another slot.
    pub fn arrive(&mut self, address: IpAddr) -> Newcomer {
        let (id, client) = (self.counters.accepted.fetch_add(1, Relaxed) + 1, client_of(address));
        let staying = self.connections.values().filter(|other| !other.is_evicted());
        let (all, own) = staying.fold((0, 0), |(all, own), other| (all + 1, own + usize::from(other.client == client)));
        let newcomer = Newcomer { id, client, has_share: own >= self.limits.per_client };
        if all >= self.limits.connections - self.limits.connections / 4 {
            self.evict(|other| newcomer.may_displace(other) && !other.is_queued());
        }
        newcomer
    }

    /// Gives a newcomer a slot, or sees to it that there soon is one.
    pub fn admit(&mut self, newcomer: &Newcomer, socket: &Arc<TcpStream>) -> Admitted {
        if self.connections.len() < self.limits.connections {
            self.connections.insert(newcomer.id, Connection::new(newcomer.client, Instant::now(), Arc::clone(socket)));
            return Admitted::Now;
        }
        let is_about_to = |other: &Connection| matches!(other.stage, Stage::Request) && newcomer.may_displace(other);
        let is_soon = self.connections.values().any(Connection::is_evicted)
            || self.evict(|other| newcomer.may_displace(other))
            || self.connections.values().any(is_about_to);
        if is_soon || !newcomer.has_share { Admitted::Later } else { Admitted::Never }
    }

    /// Takes a slot back.
    pub fn leave(&mut self, id: u64) {
        self.connections.remove(&id);
    }

    /// The connection goes on to the next stage, for which so many bytes are held or set aside; none if it was evicted.
    pub fn enter(&mut self, id: u64, stage: Stage, body_bytes: usize) -> Option<()> {
        let connection = self.connections.get_mut(&id).filter(|connection| !connection.is_evicted())?;
        (connection.stage, connection.body_bytes, connection.response) = (stage, body_bytes, None);
        Some(())
    }

    /// Notes what a connection asks for.
    pub fn note_request(&mut self, id: u64, path: &str, class: Class) {
        if let Some(connection) = self.connections.get_mut(&id) {
            path.clone_into(&mut connection.path);
            connection.class = class;
        }
    }

    /// Notes which response a connection is sent.
    pub fn note_response(&mut self, id: u64, response: &Arc<Prepared>) {
        if let Some(connection) = self.connections.get_mut(&id) {
            connection.response = Some(Arc::downgrade(response));
        }
    }

    /// Notes that a reader took a piece, and when the next one is due.
    pub fn note_piece(&mut self, id: u64, due: Instant) {
        let stage = self.connections.get_mut(&id).map(|connection| &mut connection.stage);
        if let Some(Stage::Response { moved, pace, .. }) = stage {
            (*moved, *pace) = (Instant::now(), due);
        }
    }

    /// Offers the response that this connection is sent to others.
    pub fn share(&mut self, id: u64, response: &Arc<Prepared>) {
        if let Some(connection) = self.connections.get(&id) {
            let (path, response) = (connection.path.clone(), Arc::downgrade(response));
            self.shared = Some(Shared { path, since: Instant::now(), response });
        }
    }

    /// Whether memory is set aside for this connection's body.
    pub fn has_set_aside(&self, id: u64) -> bool {
        self.connections.get(&id).is_some_and(|connection| connection.body_bytes > 0)
    }

    /// Evicts, among the connections that `may_go`, one that has its response, else the oldest without a request, else the
    /// reader that is furthest behind, else the request that has been waiting longest. False if all are safe for now.
    /// A request that has arrived but that its thread has had no time to read makes its connection safe.
    pub fn evict(&mut self, may_go: impl Fn(&Connection) -> bool) -> bool {
        let (now, grace) = (Instant::now(), self.limits.response_grace);
        let candidates = self.connections.values_mut().filter(|connection| may_go(connection));
        let mut ranked: Vec<_> =
            candidates.filter_map(|connection| Some((connection.rank(now, grace)?, connection))).collect();
        ranked.sort_unstable_by_key(|(rank, _)| *rank);
        let Some((_, connection)) = ranked.into_iter().find(|(_, connection)| !connection.is_sending()) else {
            return false;
        };
        let _ = connection.socket.shutdown(Shutdown::Both);
        let had_its_response = matches!(mem::replace(&mut connection.stage, Stage::Evicted), Stage::Linger);
        self.counters.evicted.fetch_add(u64::from(!had_its_response), Relaxed);
        true
    }

    /// Whether so much more of bodies may be in memory. If not, evicts a reader that is behind, so that it soon may.
    pub fn has_room(&mut self, body_bytes: usize) -> bool {
        if self.fits(body_bytes) {
            return true;
        }
        if !self.connections.values().any(|connection| connection.is_evicted() && connection.body_bytes > 0) {
            self.evict(|connection| connection.body_bytes > 0);
        }
        false
    }

    /// A small body always fits, such as the page of a few miners, and a second one of any size, so that two Prometheus
    /// servers never displace each other.
    fn fits(&self, body_bytes: usize) -> bool {
        body_bytes <= PIECE_BYTES || self.held_bytes() + body_bytes <= self.limits.bodies_bytes.max(2 * body_bytes)
    }

    /// The response for this path that is being sent to another client, if it is young and another one would not fit.
    pub fn shared_response(&self, path: &str) -> Option<Arc<Prepared>> {
        let shared = self.shared.as_ref()?;
        let is_young = shared.path == path && shared.since.elapsed() < SHARE_TIME;
        shared.response.upgrade().filter(|response| is_young && !self.fits(response.memory()))
    }

    /// Whether this connection is next among those that wait for the same. A large response that is being made for another
    /// connection comes first, since this one may have to share it.
    pub fn is_next(&self, id: u64, path: &str, class: Class, body_bytes: usize) -> bool {
        let is_made = |path: &str, class| {
            class == Class::Large && self.answered().any(|other| other.class == class && other.path == path)
        };
        let is_before =
            |other: &Connection| other.is_queued_like(class, body_bytes > 0) && !is_made(&other.path, other.class);
        !is_made(path, class) && !self.connections.range(id + 1..).any(|(_, later)| is_before(later))
    }

    /// Whether a worker for requests of this class is free.
    pub fn has_worker(&self, class: Class) -> bool {
        let workers = if class == Class::Remote { self.limits.remote_workers } else { self.limits.workers };
        self.answered().filter(|other| other.has_workers_of(class)).count() < workers
    }

    fn answered(&self) -> impl Iterator<Item = &Connection> {
        self.connections.values().filter(|connection| matches!(connection.stage, Stage::Answer))
    }

    /// Of bodies that clients hold, each counted once, and of those that memory is set aside for.
    fn held_bytes(&self) -> usize {
        let holding = self.connections.iter().filter(|(_, connection)| connection.body_bytes > 0);
        let bodies = holding
            .map(|(id, connection)| (connection.response.as_ref().map(Weak::as_ptr).ok_or(id), connection.body_bytes));
        bodies.collect::<BTreeMap<_, _>>().values().sum()
    }
}

/// What counts as one client: an IPv4 address, or an IPv6 /64, which is what a home has.
fn client_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX))),
        v4 @ IpAddr::V4(_) => v4,
    }
}

impl Newcomer {
    fn may_displace(&self, other: &Connection) -> bool {
        !self.has_share || other.client == self.client
    }
}

impl Connection {
    fn new(client: IpAddr, since: Instant, socket: Arc<TcpStream>) -> Self {
        let (stage, path, class) = (Stage::Request, String::new(), Class::Quick);
        Self { client, since, stage, path, class, body_bytes: 0, response: None, socket }
    }

    fn is_evicted(&self) -> bool {
        matches!(self.stage, Stage::Evicted)
    }

    fn is_queued(&self) -> bool {
        matches!(self.stage, Stage::Queue { .. })
    }

    /// Whether it waits for memory, or else for a worker, and one that takes requests of this class too.
    fn is_queued_like(&self, class: Class, for_memory: bool) -> bool {
        let is_like = matches!(self.stage, Stage::Queue { body_bytes } if (body_bytes > 0) == for_memory);
        is_like && self.has_workers_of(class)
    }

    fn has_workers_of(&self, class: Class) -> bool {
        (self.class == Class::Remote) == (class == Class::Remote)
    }

    /// Whether bytes of its request have arrived that its thread has not read yet. The thread has the same socket, so it may
    /// see it as non-blocking at this moment, and has to read again.
    fn is_sending(&self) -> bool {
        let peek = || {
            self.socket.set_nonblocking(true).ok()?;
            let seen = self.socket.peek(&mut [0]).ok();
            self.socket.set_nonblocking(false).ok().and(seen)
        };
        matches!(self.stage, Stage::Request) && peek().is_some_and(|count| count > 0)
    }

    /// The least goes first; `None` is safe.
    fn rank(&self, now: Instant, grace: Duration) -> Option<(u8, Instant)> {
        match self.stage {
            Stage::Linger => Some((0, self.since)),
            Stage::Request => Some((1, self.since)),
            Stage::Response { since, moved, pace } if now > since + grace || now > moved + STALL_TIME => {
                Some((2, pace))
            }
            Stage::Queue { .. } => Some((3, self.since)),
            Stage::Response { .. } | Stage::Answer | Stage::Evicted => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::net::TcpListener;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    fn admission(change: impl FnOnce(&mut Limits)) -> Admission {
        let mut limits = Limits { connections: 8, per_client: 4, ..Limits::for_machine(1) };
        change(&mut limits);
        Admission::new(limits, Arc::default())
    }

    fn admit(admission: &mut Admission, socket: &Arc<TcpStream>) -> (u64, Admitted) {
        let newcomer = admission.arrive(HERE);
        let admitted = admission.admit(&newcomer, socket);
        (newcomer.id, admitted)
    }

    fn socket() -> Arc<TcpStream> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        Arc::new(TcpStream::connect(listener.local_addr().unwrap()).unwrap())
    }

    #[test]
    fn silent_connections_go_before_those_that_send_and_wait() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let pair = || {
            let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            (client, Arc::new(listener.accept().unwrap().0))
        };
        let mut admission = admission(|_| {});
        let (mut speaker, speaking) = pair();
        speaker.write_all(b"GET").unwrap();
        speaking.peek(&mut [0]).unwrap(); // it has arrived
        assert!(matches!(admit(&mut admission, &speaking), (1, Admitted::Now)));
        let (_silent, silent) = pair();
        for id in 2..=8 {
            assert!(matches!(admit(&mut admission, &silent), (_, Admitted::Now)), "{id}");
            admission.enter(2, Stage::Queue { body_bytes: 0 }, 0);
        }
        // The crowd began with the seventh: it and the next one displaced the oldest silent ones.
        let evicted: Vec<_> =
            admission.connections.iter().filter(|(_, other)| other.is_evicted()).map(|(id, _)| *id).collect();
        assert_eq!((evicted, admission.counters.read().evicted), (vec![3, 4], 2));
        // A request that waits has to go only when no slot is left, and one whose request has arrived never.
        for id in 3..=8 {
            admission.leave(id);
        }
        for id in 3..=7 {
            let connection = Connection::new(HERE, Instant::now(), Arc::clone(&silent));
            admission.connections.insert(id, Connection { stage: Stage::Answer, ..connection });
        }
        assert!(
            matches!(admit(&mut admission, &silent), (9, Admitted::Now)) && !admission.connections[&2].is_evicted()
        );
        admission.enter(9, Stage::Answer, 0);
        assert!(
            matches!(admit(&mut admission, &silent), (10, Admitted::Later)) && admission.connections[&2].is_evicted()
        );
        admission.leave(2);
        assert!(!admission.evict(|_| true));
    }

    #[test]
    fn the_furthest_behind_goes_first() {
        let (socket, begin, grace) = (socket(), Instant::now(), Duration::from_secs(4));
        let at = |millis| begin + Duration::from_millis(millis);
        let response = |since, moved, pace| Stage::Response { since: at(since), moved: at(moved), pace: at(pace) };
        let now = at(10_000);
        for (stage, expected) in [
            (Stage::Linger, Some((0, begin))),
            (Stage::Request, Some((1, begin))),
            (response(9_000, 9_400, 9_250), Some((2, at(9_250)))), // has stalled
            (response(5_000, 9_990, 20_000), Some((2, at(20_000)))), // moves, but has had its time
            (response(9_000, 9_600, 9_250), None),
            (Stage::Queue { body_bytes: 0 }, Some((3, begin))),
            (Stage::Answer, None),
            (Stage::Evicted, None),
        ] {
            let connection = Connection { stage, ..Connection::new(HERE, begin, Arc::clone(&socket)) };
            assert_eq!(connection.rank(now, grace), expected);
        }
    }

    /// The last to come is next, but a large response waits for the one that is being made for the same path.
    #[test]
    fn classes_wait_for_different_things() {
        let (socket, mut admission) = (socket(), admission(|limits| (limits.workers, limits.remote_workers) = (2, 1)));
        let mut enter = |id, stage, path: &str, class| {
            admission.connections.insert(id, Connection::new(HERE, Instant::now(), Arc::clone(&socket)));
            admission.note_request(id, path, class);
            admission.enter(id, stage, 0).unwrap();
        };
        enter(1, Stage::Answer, "/large", Class::Large);
        for (id, path, class) in [
            (2, "/large", Class::Large),
            (3, "/quick", Class::Quick),
            (4, "/remote", Class::Remote),
            (5, "/large", Class::Large),
        ] {
            enter(id, Stage::Queue { body_bytes: 0 }, path, class);
        }
        let is_next = |admission: &Admission, id| {
            let Connection { path, class, .. } = &admission.connections[&id];
            admission.is_next(id, path, *class, 0)
        };
        assert_eq!([2, 3, 4, 5].map(|id| is_next(&admission, id)), [false, true, true, false]);
        assert_eq!([Class::Quick, Class::Remote].map(|class| admission.has_worker(class)), [true, true]);
        admission.enter(3, Stage::Answer, 0);
        admission.enter(4, Stage::Answer, 0);
        assert_eq!([Class::Large, Class::Quick, Class::Remote].map(|class| admission.has_worker(class)), [false; 3]);
        admission.leave(1);
        assert_eq!([2, 5].map(|id| is_next(&admission, id)), [false, true]);
        assert_eq!([Class::Large, Class::Remote].map(|class| admission.has_worker(class)), [true, false]);
    }

    #[test]
    fn a_client_is_an_address_or_a_network() {
        for (address, expected) in [
            ("192.0.2.7", "192.0.2.7"),
            ("::ffff:192.0.2.7", "192.0.2.7"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
            ("::1", "::"),
        ] {
            assert_eq!(client_of(address.parse().unwrap()), expected.parse::<IpAddr>().unwrap(), "{address}");
        }
    }
}
