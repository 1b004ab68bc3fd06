//! The admission to the web server, and the only code that touches bytes of untrusted clients.
//!
//! A connection takes a seat, sends one head, gets one reply and is closed. Each step has a total deadline and a size
//! limit, so nothing a client does or leaves undone keeps a seat for ever. When seats or the memory for pages run out, it
//! is not the newcomer that is turned away: the oldest connection without a head is thrown out, else the reader that lags
//! most. An honest client sends its head at once and reads at once, so it is hardly ever the one to go.
//!
//! ```text
//! accept -> take_seat (evict) -> read_head -> head::parse -> wait_for_turn -> Inner::ask -> begin_reply (evict) -> send -> leave
//! ```
//!
//! Pages that are the same for all who ask are shared: who asks while such a page is being made, or is young and still on
//! its way to somebody, gets that one. So a crowd costs the making and the memory of one page, not of a page each, and
//! whoever of it gets his turn brings the page for an honest client too.
//!
//! It does not keep connections alive, take bodies, compress or speak TLS. Each connection has a thread; all that threads
//! share is in `Table` behind one lock, with which nobody sleeps, reads or writes.
//!
//! Descriptors and threads are bounded by `connections`, memory by `connections` x (a head, a small page and the few
//! touched pages of a stack) + `pages_bytes` or two pages + the pages that are being made, each path's once.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{IpAddr, Ipv6Addr, Shutdown, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};
use std::{iter, mem, thread};

use crate::head::{self, Head, Status};
use crate::limits::Limits;
use crate::server::{Answer, Fault, Handler, Inner};

/// A page is sent in pieces of this size, each of which buys [`PIECE_TIME`]: 256 KiB/s. The page of 1,000 miners needs a
/// faster reader than that anyhow, to arrive within the longest usual scrape time-out of 60 s.
pub const PIECE_BYTES: usize = 64 << 10;
/// See [`PIECE_BYTES`].
pub const PIECE_TIME: Duration = Duration::from_millis(250);

/// A reader that took no piece for so long has stalled, and may be thrown out for another. On a slow link the kernel
/// takes several pieces at once, then none for some 0.3 s.
const STALL_TIME: Duration = Duration::from_millis(500);
/// A page is shared until it is so old. By then readers that stalled over it can make room for the next one.
const SHARE_TIME: Duration = STALL_TIME;
/// How long a full house keeps the next client, and all behind it, waiting for a seat.
const SEAT_TIME: Duration = Duration::from_secs(1);
/// How often those who wait look again whether somebody has become one to throw out.
const WAIT_STEP: Duration = Duration::from_millis(20);
/// A short text into an empty socket buffer goes at once or never.
const REFUSAL_TIME: Duration = Duration::from_secs(1);
/// What a client sends behind its head is swallowed for so long: to close with unread bytes is a reset, which can
/// overtake the reply.
const LINGER_TIME: Duration = Duration::from_secs(2);
/// The same in bytes.
const LINGER_BYTES_MAX: usize = 1 << 20;
/// When descriptors or memory are short, others have to go first.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// The deepest call is a formatted log line, some 10 KiB.
const STACK_BYTES: usize = 128 << 10;

const BAD_GATEWAY: Status = "502 Bad Gateway";
const UNAVAILABLE: Status = "503 Service Unavailable";
const GATEWAY_TIMEOUT: Status = "504 Gateway Timeout";

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

/// The front of the web server.
pub struct Gate {
    limits: Limits,
    inner: Inner,
    table: Mutex<Table>,
    /// Signalled when a seat, a worker or memory for pages may be free.
    freed: Condvar,
}

/// All that the threads share.
#[derive(Default)]
struct Table {
    seats: BTreeMap<u64, Seat>,
    counters: Counters,
    /// The last page that is the same for all: its path, since when it is there, and itself while somebody receives it.
    shared: Option<(String, Instant, Weak<Answer>)>,
}

struct Seat {
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

enum Stage {
    /// The client owes us its head.
    Head,
    /// It has to wait for a worker, or for memory for its page once it is known (not 0) how large that is.
    Wait { page_bytes: usize },
    /// It is for us to answer.
    Answer,
    /// It reads. `moved`: when it last took a piece. `pace`: when the pieces it took would have been due.
    Reply { since: Instant, moved: Instant, pace: Instant },
    /// It has all it gets.
    Linger,
    /// Thrown out: its socket is shut down, so its thread is about to leave.
    Evicted,
}

/// How a conversation ends before its reply is complete.
enum End {
    /// The client left or was thrown out.
    Gone,
    /// It is cut without a word.
    Late,
    /// It is told why.
    Refused(Status),
}

/// Starts to serve `listener` with `handler`, on threads of its own, and returns. The inner server's socket is made in the
/// first of `dirs` that can be written.
///
/// # Errors
/// If the inner server cannot be started, or no thread.
pub fn serve(listener: TcpListener, dirs: &[PathBuf], limits: Limits, handler: Arc<Handler>) -> io::Result<Arc<Gate>> {
    let inner = Inner::start(dirs, limits.workers, handler)?;
    let gate = Arc::new(Gate { limits, inner, table: Mutex::default(), freed: Condvar::new() });
    let accepting = Arc::clone(&gate);
    thread::Builder::new().name("http-accept".into()).spawn(move || accepting.accept(&listener))?;
    Ok(gate)
}

impl Gate {
    /// The counters at this moment. None ever falls.
    #[must_use]
    pub fn counters(&self) -> Counters {
        Counters { rebuilt: self.inner.rebuilt(), ..self.table().counters }
    }

    /// Removes the inner server's socket for the end of the process, at once. Every later request gets 502.
    pub fn close(&self) {
        self.inner.close();
    }

    /// Never ends: no error of `accept` is final, and the listener stays ours.
    fn accept(self: &Arc<Self>, listener: &TcpListener) {
        loop {
            match listener.accept() {
                Ok((socket, peer)) => self.admit(socket, household(peer.ip())),
                Err(error) if matches!(error.kind(), ErrorKind::ConnectionAborted | ErrorKind::Interrupted) => {}
                Err(error) => {
                    log::debug!("cannot accept a connection: {error}");
                    thread::sleep(ACCEPT_PAUSE);
                }
            }
        }
    }

    /// Finds a seat and a thread for a connection, or closes it.
    fn admit(self: &Arc<Self>, socket: TcpStream, address: IpAddr) {
        let socket = Arc::new(socket);
        let Some(id) = self.take_seat(address, &socket) else { return };
        let leave = Leave { gate: Arc::clone(self), id };
        let attend = move || {
            leave.gate.attend(leave.id, &socket);
            drop(socket); // before its seat is free, so that descriptors never outnumber the seats
            drop(leave);
        };
        // A failed spawn drops the closure, and with it the connection and its seat.
        if let Err(error) = thread::Builder::new().name("http".into()).stack_size(STACK_BYTES).spawn(attend) {
            log::debug!("no thread for a connection: {error}");
            let mut table = self.table();
            table.counters.refused += 1;
            self.evict(&mut table, |_| true); // gives a thread back for the next one
        }
    }

    /// Seats a connection. In a crowd it takes the place of another: of its own address if that has its share, else of any.
    /// The last quarter of the seats is for those thrown out who have not gone yet, and so that a newcomer who may never
    /// say anything does not displace one who waits for his answer while there is any other place. Should even these be
    /// taken, it waits, and the backlog keeps who comes meanwhile. So threads and descriptors never outnumber the seats.
    fn take_seat(&self, address: IpAddr, socket: &Arc<TcpStream>) -> Option<u64> {
        let mut table = self.table();
        table.counters.accepted += 1;
        let id = table.counters.accepted;
        let seated = table.seats.values().filter(|seat| !seat.is_evicted());
        let (all, own) = seated.fold((0, 0), |(all, own), seat| (all + 1, own + usize::from(seat.address == address)));
        let has_share = own >= self.limits.per_address;
        let may_go = |seat: &Seat| !has_share || seat.address == address;
        if all >= self.limits.connections - self.limits.connections / 4 {
            self.evict(&mut table, |seat| may_go(seat) && !seat.waits());
        }
        let by = Instant::now() + SEAT_TIME;
        while table.seats.len() >= self.limits.connections {
            let is_hopeless =
                !table.seats.values().any(Seat::is_evicted) && !self.evict(&mut table, may_go) && has_share;
            if is_hopeless || Instant::now() >= by {
                table.counters.refused += 1;
                return None;
            }
            table = self.wait(table);
        }
        table.seats.insert(id, Seat::new(address, Instant::now(), Arc::clone(socket)));
        Some(id)
    }

    /// Throws out, among the seats that `may_go`, one that has its reply, else the oldest that owes us its head, else the
    /// reader that lags most, else the one that waits longest. False if all of them are safe for now.
    fn evict(&self, table: &mut Table, may_go: impl Fn(&Seat) -> bool) -> bool {
        let now = Instant::now();
        let seats = table.seats.values_mut().filter(|seat| may_go(seat));
        let ranked = seats.filter_map(|seat| Some((seat.rank(now, self.limits.reply_grace)?, seat)));
        let Some((_, seat)) = ranked.min_by_key(|(rank, _)| *rank) else { return false };
        let _ = seat.socket.shutdown(Shutdown::Both);
        let had_its_reply = matches!(mem::replace(&mut seat.stage, Stage::Evicted), Stage::Linger);
        table.counters.evicted += u64::from(!had_its_reply);
        true
    }

    /// One connection, from its first byte to its last.
    fn attend(&self, id: u64, socket: &TcpStream) {
        let _ = socket.set_nodelay(true);
        let mut bytes = Vec::new();
        let read = read_head(socket, &mut bytes, Instant::now() + self.limits.head_time);
        let replied = read.and_then(|end| {
            self.reply(id, socket, bytes.get(..end).unwrap_or_default())?;
            Ok(end == bytes.len())
        });
        let all_read = match replied {
            Ok(all_read) => all_read,
            Err(End::Gone) => return,
            Err(End::Late) => {
                self.table().counters.timeout += 1;
                return;
            }
            Err(End::Refused(status)) => {
                self.refuse(id, socket, status, !bytes.starts_with(b"HEAD "));
                false
            }
        };
        let _ = socket.shutdown(Shutdown::Write);
        let stays = self.enter(&mut self.table(), id, Stage::Linger, 0).is_ok();
        if stays && !all_read {
            swallow(socket, Instant::now() + LINGER_TIME);
        }
    }

    fn reply(&self, id: u64, socket: &TcpStream, bytes: &[u8]) -> Result<(), End> {
        let head = head::parse(bytes).map_err(End::Refused)?;
        let answer = self.answer(id, &head)?;
        self.send(id, socket, &answer.head, if head.wants_page { &answer.page } else { &[] })
    }

    fn answer(&self, id: u64, head: &Head) -> Result<Arc<Answer>, End> {
        let mut page_bytes = 0; // not known yet
        loop {
            if let Some(shared) = self.wait_for_turn(id, head.path(), page_bytes)? {
                return Ok(shared);
            }
            let answer = Arc::new(self.ask(head)?);
            page_bytes = answer.page.capacity();
            if self.begin_reply(id, &answer)? {
                return Ok(answer);
            }
            // The page is made again later rather than kept, so that those who wait hold neither memory nor a worker.
        }
    }

    /// Waits for a free worker, and for memory if the size of the page is known; or for a page that can be shared, and
    /// begins to send that. The last to come is the first to be served: in a crowd the others may have left already, and
    /// an honest client does not queue behind it.
    fn wait_for_turn(&self, id: u64, path: &str, page_bytes: usize) -> Result<Option<Arc<Answer>>, End> {
        let workers = if path == head::PROBE_PATH { self.limits.probes } else { self.limits.workers };
        let by = Instant::now() + self.limits.wait_time;
        let mut table = self.table();
        self.enter(&mut table, id, Stage::Wait { page_bytes }, 0)?;
        if let Some(seat) = table.seats.get_mut(&id) {
            path.clone_into(&mut seat.path);
        }
        loop {
            if let Some(shared) = table.shared_page(path) {
                self.enter_reply(&mut table, id, &shared)?;
                return Ok(Some(shared));
            }
            if table.is_first(id, path, page_bytes)
                && table.at_work(path) < workers
                && self.has_room(&mut table, page_bytes)
            {
                self.enter(&mut table, id, Stage::Answer, page_bytes)?;
                return Ok(None);
            }
            if Instant::now() >= by {
                return Err(End::Refused(UNAVAILABLE));
            }
            table = self.wait(table);
        }
    }

    fn ask(&self, head: &Head) -> Result<Answer, End> {
        let asked = self.inner.ask(|ticket| head.canonical(ticket), self.limits.answer_time);
        let mut answer = asked.map_err(|fault| match fault {
            Fault::Late => End::Refused(GATEWAY_TIMEOUT),
            Fault::Dead(error) => {
                log::warn!("the inner web server does not answer: {error}");
                End::Refused(BAD_GATEWAY)
            }
        })?;
        answer.head.truncate(answer.head.len().saturating_sub(2)); // the empty line
        answer.head.extend_from_slice(b"Connection: close\r\n\r\n");
        if !head.wants_page {
            (answer.page, answer.is_shared) = (Vec::new(), false);
        }
        Ok(answer)
    }

    /// Goes on to send a page, unless the memory for it was neither set aside nor is there. Frees the worker.
    fn begin_reply(&self, id: u64, answer: &Arc<Answer>) -> Result<bool, End> {
        let mut table = self.table();
        let seat = table.seats.get(&id).ok_or(End::Gone)?;
        let path = seat.path.clone();
        if seat.page_bytes == 0 && !self.has_room(&mut table, answer.page.capacity()) {
            return Ok(false);
        }
        self.enter_reply(&mut table, id, answer)?;
        if answer.is_shared {
            table.shared = Some((path, Instant::now(), Arc::downgrade(answer)));
        }
        Ok(true)
    }

    fn enter_reply(&self, table: &mut Table, id: u64, answer: &Arc<Answer>) -> Result<(), End> {
        let now = Instant::now();
        self.enter(table, id, Stage::Reply { since: now, moved: now, pace: now }, answer.page.capacity())?;
        if let Some(seat) = table.seats.get_mut(&id) {
            seat.page = Some(Arc::downgrade(answer));
        }
        Ok(())
    }

    /// Whether so much more of pages may be in memory. If not, throws out a reader that lags, so that it soon may. A small
    /// page always may, since the kernel's buffers take it whole, and a second one of any size, so that two Prometheus
    /// servers never displace each other.
    fn has_room(&self, table: &mut Table, page_bytes: usize) -> bool {
        let limit = self.limits.pages_bytes.max(2 * page_bytes);
        if page_bytes <= PIECE_BYTES || table.held_bytes() + page_bytes <= limit {
            return true;
        }
        if !table.seats.values().any(|seat| seat.is_evicted() && seat.page_bytes > 0) {
            self.evict(table, |seat| seat.page_bytes > 0);
        }
        false
    }

    fn send(&self, id: u64, socket: &TcpStream, head: &[u8], page: &[u8]) -> Result<(), End> {
        let mut due = Instant::now();
        for piece in iter::once(head).chain(page.chunks(PIECE_BYTES)) {
            write_by(socket, piece, due + self.limits.reply_time)?;
            due += PIECE_TIME;
            if let Some(seat) = self.table().seats.get_mut(&id)
                && let Stage::Reply { moved, pace, .. } = &mut seat.stage
            {
                (*moved, *pace) = (Instant::now(), due);
            }
        }
        Ok(())
    }

    /// Says why there is no reply.
    fn refuse(&self, id: u64, socket: &TcpStream, status: Status, with_text: bool) {
        let mut table = self.table();
        if self.enter(&mut table, id, Stage::Linger, 0).is_err() {
            return;
        }
        match status {
            head::REQUEST_TIMEOUT | GATEWAY_TIMEOUT => table.counters.timeout += 1,
            _ => table.counters.refused += 1,
        }
        drop(table);
        let allow = if status == head::METHOD_NOT_ALLOWED { "Allow: GET, HEAD\r\n" } else { "" };
        let length = status.len() + 1;
        let mut text = format!(
            "HTTP/1.1 {status}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {length}\r\n\
             {allow}Connection: close\r\n\r\n"
        );
        if with_text {
            text.extend([status, "\n"]);
        }
        let _ = write_by(socket, text.as_bytes(), Instant::now() + REFUSAL_TIME);
    }

    /// Goes on to the next stage, unless thrown out meanwhile. That may free a worker, or memory.
    fn enter(&self, table: &mut Table, id: u64, stage: Stage, page_bytes: usize) -> Result<(), End> {
        let seat = table.seats.get_mut(&id).filter(|seat| !seat.is_evicted()).ok_or(End::Gone)?;
        (seat.stage, seat.page_bytes, seat.page) = (stage, page_bytes, None);
        self.freed.notify_all();
        Ok(())
    }

    /// Waits until something may have become free, or somebody one to throw out.
    fn wait<'a>(&self, table: MutexGuard<'a, Table>) -> MutexGuard<'a, Table> {
        self.freed.wait_timeout(table, WAIT_STEP).unwrap_or_else(PoisonError::into_inner).0
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    /// The page of this path that is on its way to somebody else, unless it has become old.
    fn shared_page(&self, path: &str) -> Option<Arc<Answer>> {
        let (of, since, page) = self.shared.as_ref()?;
        let is_young = of == path && since.elapsed() < SHARE_TIME;
        page.upgrade().filter(|_| is_young)
    }

    /// Whether this seat is the next of those who wait for the same. Who asks for a page that is being made is not: it may
    /// be given that one. Each probe is another miner's.
    fn is_first(&self, id: u64, path: &str, wanted: usize) -> bool {
        let is_probe = path == head::PROBE_PATH;
        let is_made = |path: &str| !is_probe && self.working().any(|seat| seat.path == path);
        let is_before = |other: &Seat| other.waits_like(is_probe, wanted) && !is_made(&other.path);
        !is_made(path) && !self.seats.range(id + 1..).any(|(_, later)| is_before(later))
    }

    /// Requests that workers of the kind that this path needs are at.
    fn at_work(&self, path: &str) -> usize {
        let is_probe = path == head::PROBE_PATH;
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
        self.path == head::PROBE_PATH
    }

    fn waits(&self) -> bool {
        matches!(self.stage, Stage::Wait { .. })
    }

    fn waits_like(&self, is_probe: bool, wanted: usize) -> bool {
        let waits = matches!(self.stage, Stage::Wait { page_bytes } if (page_bytes > 0) == (wanted > 0));
        waits && self.is_probe() == is_probe
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

/// Gives the seat back, whichever way its thread ends.
struct Leave {
    gate: Arc<Gate>,
    id: u64,
}

impl Drop for Leave {
    fn drop(&mut self) {
        self.gate.table().seats.remove(&self.id);
        self.gate.freed.notify_all();
    }
}

/// What counts as one client: an IPv4 address, or the /64 that a household has of IPv6.
fn household(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX))),
        v4 @ IpAddr::V4(_) => v4,
    }
}

/// Reads until `bytes` hold a whole head, and gives its length; what came behind it is in `bytes` too.
fn read_head(mut socket: &TcpStream, bytes: &mut Vec<u8>, by: Instant) -> Result<usize, End> {
    let mut piece = [0; 1024]; // an idle connection holds no more than this
    loop {
        let read = left(by).and_then(|left| socket.set_read_timeout(left)).and_then(|()| socket.read(&mut piece));
        let count = match read {
            Ok(0) => return Err(End::Gone),
            Ok(count) => count,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            // To one that never spoke, such as a browser's connection in advance, there is nothing to answer.
            Err(error) if is_timeout(&error) && bytes.is_empty() => return Err(End::Late),
            Err(error) if is_timeout(&error) => return Err(End::Refused(head::REQUEST_TIMEOUT)),
            Err(_) => return Err(End::Gone),
        };
        let searched = bytes.len();
        bytes.extend_from_slice(piece.get(..count).unwrap_or_default());
        if let Some(end) = head::end(bytes, searched) {
            return Ok(end);
        }
        if !head::plausible(bytes.get(searched..).unwrap_or_default()) {
            return Err(End::Refused(head::BAD_REQUEST));
        }
        if bytes.len() > head::HEAD_BYTES_MAX {
            return Err(End::Refused(head::too_large(bytes)));
        }
    }
}

fn write_by(mut socket: &TcpStream, mut bytes: &[u8], by: Instant) -> Result<(), End> {
    while !bytes.is_empty() {
        match left(by).and_then(|left| socket.set_write_timeout(left)).and_then(|()| socket.write(bytes)) {
            Ok(0) => return Err(End::Gone),
            Ok(count) => bytes = bytes.get(count..).unwrap_or_default(),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if is_timeout(&error) => return Err(End::Late),
            Err(_) => return Err(End::Gone),
        }
    }
    Ok(())
}

/// Reads what a client still sends, until it stops or has had enough time.
fn swallow(mut socket: &TcpStream, by: Instant) {
    let mut piece = [0; 4096];
    let mut swallowed = 0;
    while swallowed < LINGER_BYTES_MAX {
        match left(by).and_then(|left| socket.set_read_timeout(left)).and_then(|()| socket.read(&mut piece)) {
            Ok(count) if count > 0 => swallowed += count,
            _ => return,
        }
    }
}

/// The time left as a socket's time-out. Checked before each call, so that dripping cannot stretch a deadline.
fn left(by: Instant) -> io::Result<Option<Duration>> {
    let left = by.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(ErrorKind::TimedOut.into()) } else { Ok(Some(left)) }
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_household_is_one_client() {
        for (address, expected) in [
            ("192.0.2.7", "192.0.2.7"),
            ("::ffff:192.0.2.7", "192.0.2.7"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
            ("::1", "::"),
        ] {
            assert_eq!(household(address.parse().unwrap()), expected.parse::<IpAddr>().unwrap(), "{address}");
        }
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
