//! The admission to the web server, and the only code that touches bytes of untrusted clients.
//!
//! A connection takes a seat, sends one head, gets one reply and is closed. Each step has a total deadline and a size
//! limit, so nothing a client does or leaves undone keeps a seat for ever. Who has to go when seats or memory run out is
//! decided in `seats`.
//!
//! ```text
//! accept -> take_seat (evict) -> read_head -> request::parse -> wait_for_turn -> Inner::ask -> begin_reply (evict) -> send -> leave
//! ```
//!
//! It does not keep connections alive, take bodies, compress or speak TLS. Each connection has a thread: the one that took it
//! from the listener, which leaves the listener to another. A thread that were given the connection would have to wake up
//! first. What threads share of connections is in [`Table`] behind one lock, with which nobody sleeps, reads or writes.
//!
//! Descriptors and threads are bounded by `connections` and a few, memory by `connections` x (a head, a small page, the piece that is
//! being sent, and the few touched pages of a stack) + `pages_bytes` or two pages + the pages that are being made, each path's
//! once + what is kept of an earlier page and piece for the next ones.

use std::io::{self, ErrorKind, Read, Write};
use std::mem::take;
use std::net::{IpAddr, Ipv6Addr, Shutdown, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::exposition::buffer::Buffer;
use crate::http::admission::{Counters, PIECE_BYTES, PIECE_TIME, Place, Stage, Table};
use crate::http::inner::{Answer, Body, Fault, Handler, Inner, Pieces};
use crate::http::limits::Limits;
use crate::http::request::{self, Head, Status};

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
/// Threads without a connection at the most: one that accepts and one that goes on while a scrape is answered.
const IDLE_MAX: usize = 2;

/// A piece ends with a line, and most are shorter than this.
const LINE_BYTES: usize = 1 << 10;

const BAD_GATEWAY: Status = "502 Bad Gateway";
const UNAVAILABLE: Status = "503 Service Unavailable";
const GATEWAY_TIMEOUT: Status = "504 Gateway Timeout";

/// The front of the web server.
pub struct Gate {
    /// Whose turn it is to accept. It is held while waiting for a client.
    listener: Mutex<TcpListener>,
    /// Threads without a connection: the one that accepts, and those that do so next. One at the least.
    idle: AtomicUsize,
    limits: Limits,
    inner: Inner,
    table: Mutex<Table>,
    /// Signalled when a seat, a worker or memory for pages may be free.
    freed: Condvar,
    /// Memory of a piece that was sent, for the next reply.
    spare: Mutex<Buffer>,
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
    let table = Mutex::new(Table::new(limits.clone()));
    let (listener, idle) = (Mutex::new(listener), AtomicUsize::new(1));
    let gate = Arc::new(Gate { listener, idle, limits, inner, table, freed: Condvar::new(), spare: Mutex::default() });
    gate.start_thread()?;
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

    fn start_thread(self: &Arc<Self>) -> io::Result<()> {
        let gate = Arc::clone(self);
        let thread = thread::Builder::new().name("http".into()).stack_size(STACK_BYTES);
        thread.spawn(move || while gate.serve_one() {}).map(|_| ())
    }

    /// Accepts a connection and attends to it. Whether to go on: with the next client, unless enough others wait for it.
    fn serve_one(self: &Arc<Self>) -> bool {
        let (socket, leave) = self.accept();
        self.attend(leave.id, &socket);
        drop(socket); // before its seat is free, so that descriptors never outnumber the seats
        drop(leave);
        self.idle.fetch_update(Relaxed, Relaxed, |idle| (idle < IDLE_MAX).then_some(idle + 1)).is_ok()
    }

    /// Takes a connection that finds a seat, and leaves the listener to another thread. No error of `accept` is final.
    fn accept(self: &Arc<Self>) -> (Arc<TcpStream>, Leave) {
        let listener = self.listener.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            match listener.accept() {
                Ok((socket, peer)) => {
                    let socket = Arc::new(socket);
                    let Some(id) = self.take_seat(household(peer.ip()), &socket) else { continue };
                    let leave = Leave { gate: Arc::clone(self), id };
                    // Only who has the listener leaves it, so the last idle thread is this one.
                    let has_others =
                        self.idle.fetch_update(Relaxed, Relaxed, |idle| (idle > 1).then_some(idle - 1)).is_ok();
                    match if has_others { Ok(()) } else { self.start_thread() } {
                        Ok(()) => return (socket, leave),
                        Err(error) => {
                            log::debug!("no thread for the next connection: {error}");
                            drop(socket); // before its seat is free
                            drop(leave);
                            let mut table = self.table();
                            table.counters.refused += 1;
                            table.evict(|_| true); // gives a thread back for the next one
                        }
                    }
                }
                Err(error) if matches!(error.kind(), ErrorKind::ConnectionAborted | ErrorKind::Interrupted) => {}
                Err(error) => {
                    log::debug!("cannot accept a connection: {error}");
                    thread::sleep(ACCEPT_PAUSE);
                }
            }
        }
    }

    /// Seats a connection, or refuses it. When all seats are taken it waits for those thrown out to go, and the backlog
    /// keeps who comes meanwhile. So threads and descriptors never outnumber the seats.
    fn take_seat(&self, address: IpAddr, socket: &Arc<TcpStream>) -> Option<u64> {
        let mut table = self.table();
        let newcomer = table.arrive(address);
        let by = Instant::now() + SEAT_TIME;
        loop {
            match table.sit(&newcomer, socket) {
                Place::Taken => return Some(newcomer.id),
                Place::Soon if Instant::now() < by => table = self.wait(table),
                Place::Soon | Place::Never => {
                    table.counters.refused += 1;
                    return None;
                }
            }
        }
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
        let head = request::parse(bytes).map_err(End::Refused)?;
        let answer = self.answer(id, &head)?;
        let none = Body::default();
        self.send(id, socket, &answer.head, if head.wants_page { &answer.page } else { &none })
    }

    fn answer(&self, id: u64, head: &Head) -> Result<Arc<Answer>, End> {
        let mut page_bytes = 0; // not known yet
        loop {
            if let Some(shared) = self.wait_for_turn(id, head, page_bytes)? {
                return Ok(shared);
            }
            let answer = Arc::new(self.ask(head)?);
            page_bytes = answer.page.memory();
            if self.begin_reply(id, &answer)? {
                return Ok(answer);
            }
            // The page is made again later rather than kept, so that those who wait hold neither memory nor a worker.
        }
    }

    /// Waits for a free worker, and for memory if the size of the page is known; or for a page that can be shared, and
    /// begins to send that. The last to come is the first to be served: in a crowd the others may have left already, and
    /// an honest client does not queue behind it.
    fn wait_for_turn(&self, id: u64, head: &Head, page_bytes: usize) -> Result<Option<Arc<Answer>>, End> {
        let (path, may_share) = (head.path(), !head.is_old());
        let workers = if path == request::PROBE_PATH { self.limits.probes } else { self.limits.workers };
        let by = Instant::now() + self.limits.wait_time;
        let mut table = self.table();
        table.note_path(id, path);
        self.enter(&mut table, id, Stage::Wait { page_bytes }, 0)?;
        loop {
            if let Some(shared) = may_share.then(|| table.shared_page(path)).flatten() {
                self.enter_reply(&mut table, id, &shared)?;
                return Ok(Some(shared));
            }
            if table.is_first(id, path, page_bytes) && table.at_work(path) < workers && table.has_room(page_bytes) {
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
            answer.page = Body::default();
        }
        answer.is_shared &= head.wants_page && !head.is_old();
        Ok(answer)
    }

    /// Goes on to send a page, unless the memory for it was neither set aside nor is there. Frees the worker.
    fn begin_reply(&self, id: u64, answer: &Arc<Answer>) -> Result<bool, End> {
        let mut table = self.table();
        if !table.has_set_aside(id) && !table.has_room(answer.page.memory()) {
            return Ok(false);
        }
        self.enter_reply(&mut table, id, answer)?;
        if answer.is_shared {
            table.share(id, answer);
        }
        Ok(true)
    }

    fn enter_reply(&self, table: &mut Table, id: u64, answer: &Arc<Answer>) -> Result<(), End> {
        let now = Instant::now();
        self.enter(table, id, Stage::Reply { since: now, moved: now, pace: now }, answer.page.memory())?;
        table.note_page(id, answer);
        Ok(())
    }

    fn send(&self, id: u64, socket: &TcpStream, head: &[u8], page: &Body) -> Result<(), End> {
        // The head goes with the first piece, so that a small page is one packet for the client to wake up for.
        let length = page.length().map_or(PIECE_BYTES, |length| length.min(PIECE_BYTES));
        let mut piece = take(&mut *self.spare());
        piece.reserve(head.len() + length + LINE_BYTES);
        piece.push(head);
        let sent = self.send_pieces(id, socket, page.pieces(), &mut piece);
        piece.clear();
        *self.spare() = piece;
        sent
    }

    /// Sends what a piece holds already and what is left of a page.
    fn send_pieces(&self, id: u64, socket: &TcpStream, mut page: Pieces<'_>, piece: &mut Buffer) -> Result<(), End> {
        let mut due = Instant::now();
        loop {
            page.write(piece, PIECE_BYTES);
            if piece.is_empty() {
                return Ok(());
            }
            write_by(socket, piece.text(), due + self.limits.reply_time)?;
            due += PIECE_TIME;
            self.table().note_piece(id, due);
            piece.clear();
        }
    }

    /// Says why there is no reply.
    fn refuse(&self, id: u64, socket: &TcpStream, status: Status, with_text: bool) {
        let mut table = self.table();
        if self.enter(&mut table, id, Stage::Linger, 0).is_err() {
            return;
        }
        match status {
            request::REQUEST_TIMEOUT | GATEWAY_TIMEOUT => table.counters.timeout += 1,
            _ => table.counters.refused += 1,
        }
        drop(table);
        let allow = if status == request::METHOD_NOT_ALLOWED { "Allow: GET, HEAD\r\n" } else { "" };
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
        table.enter(id, stage, page_bytes).ok_or(End::Gone)?;
        self.wake(table);
        Ok(())
    }

    /// Wakes those who wait, if there are any: to wake nobody is a system call too.
    fn wake(&self, table: &Table) {
        if table.waiting > 0 {
            self.freed.notify_all();
        }
    }

    /// Waits until something may have become free, or somebody one to throw out.
    fn wait<'a>(&self, mut table: MutexGuard<'a, Table>) -> MutexGuard<'a, Table> {
        table.waiting += 1;
        let (mut table, _) = self.freed.wait_timeout(table, WAIT_STEP).unwrap_or_else(PoisonError::into_inner);
        table.waiting -= 1;
        table
    }

    fn spare(&self) -> MutexGuard<'_, Buffer> {
        self.spare.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Gives the seat back, whichever way its thread ends.
struct Leave {
    gate: Arc<Gate>,
    id: u64,
}

impl Drop for Leave {
    fn drop(&mut self) {
        let mut table = self.gate.table();
        table.leave(self.id);
        self.gate.wake(&table);
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
            // The table had a look whether the client speaks.
            Err(error) if error.kind() == ErrorKind::WouldBlock && left(by).is_ok() => continue,
            // To one that never spoke, such as a browser's connection in advance, there is nothing to answer.
            Err(error) if is_timeout(&error) && bytes.is_empty() => return Err(End::Late),
            Err(error) if is_timeout(&error) => return Err(End::Refused(request::REQUEST_TIMEOUT)),
            Err(_) => return Err(End::Gone),
        };
        let searched = bytes.len();
        bytes.extend_from_slice(piece.get(..count).unwrap_or_default());
        if let Some(end) = request::end(bytes, searched) {
            return Ok(end);
        }
        if !request::plausible(bytes.get(searched..).unwrap_or_default()) {
            return Err(End::Refused(request::BAD_REQUEST));
        }
        if bytes.len() > request::HEAD_BYTES_MAX {
            return Err(End::Refused(request::too_large(bytes)));
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
}
