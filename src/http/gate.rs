//! The gate: the only code that touches bytes of untrusted clients.
//!
//! A connection gets a slot, sends one request, is sent one response and is closed. Each step has a total deadline and a size
//! limit, so nothing that a client does or leaves undone keeps a slot for ever. Which connection has to go when slots or
//! memory run out is decided in [`admission`](super::admission).
//!
//! ```text
//! accept -> admit (evict) -> read_head -> request::parse -> queue -> Inner::ask -> begin_response (evict) -> send -> leave
//! ```
//!
//! It does not keep connections alive, take bodies, compress or speak TLS. Each connection has a thread: the one that
//! accepted it, which leaves the listener to another. A thread that is handed the connection would have to wake up first.
//! What threads share is in [`Admission`] behind one lock, and no thread sleeps, reads or writes while it holds that.
//!
//! Descriptors and threads are bounded by `connections` and a few. Memory is bounded by `connections` x (a request head twice,
//! a small body, the piece that is being sent, and the few pages of a stack that are touched) + `bodies_bytes` or two bodies
//! + the bodies that are being made, one for each path.

use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::admission::{Admission, Admitted, Counters, PIECE_TIME, Stage};
use super::inner::{AskError, Inner};
use super::request::{self, RequestHead};
use super::response::{self, Prepared, Status};
use super::{Class, Handler, Limits};

/// How long a newcomer, and all behind it, waits for a slot when there is none.
const SLOT_TIME: Duration = Duration::from_secs(1);
/// How often those that wait look again for a connection that can be evicted.
const WAIT_STEP: Duration = Duration::from_millis(20);
/// A short text into an empty socket buffer goes at once or never.
const REFUSAL_TIME: Duration = Duration::from_secs(1);
/// How long what a client sends after its request head is drained: closing with unread bytes is a reset, which can overtake
/// the response.
const DRAIN_TIME: Duration = Duration::from_secs(2);
/// The same in bytes.
const DRAIN_BYTES_MAX: usize = 1 << 20;
/// When descriptors or memory are short, connections have to end first.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// The deepest call formats a log line, some 10 KiB.
const STACK_BYTES: usize = 128 << 10;
/// Threads without a connection: one that accepts, and one that goes on while a scrape is answered.
const IDLE_MAX: usize = 2;

/// The front of the web server.
pub struct Gate {
    /// Held while waiting for a client.
    listener: Mutex<TcpListener>,
    /// Threads without a connection: the one that accepts, and those that accept next. At least one.
    idle: AtomicUsize,
    limits: Limits,
    handler: Arc<dyn Handler>,
    inner: Inner,
    counters: Arc<Counters>,
    admission: Mutex<Admission>,
    /// Signalled when a slot, a worker or memory for bodies may be free.
    freed: Condvar,
}

/// How a connection ends before its response is complete.
enum Abort {
    /// The client left or was evicted.
    Gone,
    /// It is cut off without a word.
    Late,
    /// It is told why.
    Refused(Status),
}

impl Gate {
    /// Starts to serve `listener`, on threads of its own, and returns. The inner server's socket is made in the first of
    /// `dirs` that can be written.
    ///
    /// # Errors
    /// If the inner server cannot be started, or no thread.
    pub fn start(
        listener: TcpListener,
        dirs: &[PathBuf],
        limits: Limits,
        handler: Arc<dyn Handler>,
        counters: Arc<Counters>,
    ) -> io::Result<Arc<Self>> {
        let inner = Inner::start(dirs, &limits, Arc::clone(&handler), Arc::clone(&counters))?;
        let admission = Mutex::new(Admission::new(limits.clone(), Arc::clone(&counters)));
        let (listener, idle, freed) = (Mutex::new(listener), AtomicUsize::new(1), Condvar::new());
        let gate = Arc::new(Self { listener, idle, limits, handler, inner, counters, admission, freed });
        gate.start_thread()?;
        Ok(gate)
    }

    /// Removes the inner server's socket before the process ends. Every later request gets 502.
    pub fn close(&self) {
        self.inner.close();
    }

    fn start_thread(self: &Arc<Self>) -> io::Result<()> {
        let gate = Arc::clone(self);
        let thread = thread::Builder::new().name("http".into()).stack_size(STACK_BYTES);
        thread.spawn(move || while gate.serve_one() {}).map(|_| ())
    }

    /// Accepts a connection and attends to it. Whether to go on: with the next one, unless enough other threads wait for it.
    fn serve_one(self: &Arc<Self>) -> bool {
        let (socket, slot) = self.accept();
        self.attend(slot.id, &socket);
        drop(socket); // before its slot is free, so that descriptors never outnumber the slots
        drop(slot);
        self.idle.fetch_update(Relaxed, Relaxed, |idle| (idle < IDLE_MAX).then_some(idle + 1)).is_ok()
    }

    /// Accepts a connection for which there is a slot, and leaves the listener to another thread. No error of `accept` is
    /// final.
    fn accept(self: &Arc<Self>) -> (Arc<TcpStream>, Permit) {
        let listener = self.listener.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            match listener.accept() {
                Ok((socket, peer)) => {
                    let socket = Arc::new(socket);
                    let Some(slot) = self.take_slot(peer.ip(), &socket) else { continue };
                    // Only the thread that has the listener leaves it, so if one is idle it is this one.
                    let has_others =
                        self.idle.fetch_update(Relaxed, Relaxed, |idle| (idle > 1).then_some(idle - 1)).is_ok();
                    match if has_others { Ok(()) } else { self.start_thread() } {
                        Ok(()) => return (socket, slot),
                        Err(error) => {
                            log::debug!("no thread for the next connection: {error}");
                            drop(socket); // before its slot is free
                            drop(slot);
                            self.counters.refused.fetch_add(1, Relaxed);
                            self.admission().evict(|_| true); // gives a thread back for the next one
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

    /// Gives a connection a slot, or refuses it. When all slots are taken it waits for those evicted to leave, and the backlog
    /// keeps those that come meanwhile. So threads and descriptors never outnumber the slots.
    fn take_slot(self: &Arc<Self>, address: std::net::IpAddr, socket: &Arc<TcpStream>) -> Option<Permit> {
        let mut admission = self.admission();
        let newcomer = admission.arrive(address);
        let by = Instant::now() + SLOT_TIME;
        loop {
            match admission.admit(&newcomer, socket) {
                Admitted::Now => return Some(Permit { gate: Arc::clone(self), id: newcomer.id }),
                Admitted::Later if Instant::now() < by => admission = self.wait(admission),
                Admitted::Later | Admitted::Never => {
                    self.counters.refused.fetch_add(1, Relaxed);
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
        let responded = read.and_then(|end| {
            self.respond(id, socket, bytes.get(..end).unwrap_or_default())?;
            Ok(end == bytes.len())
        });
        let all_read = match responded {
            Ok(all_read) => all_read,
            Err(Abort::Gone) => return,
            Err(Abort::Late) => {
                self.counters.timeout.fetch_add(1, Relaxed);
                return;
            }
            Err(Abort::Refused(status)) => {
                self.refuse(id, socket, status, !bytes.starts_with(b"HEAD "));
                false
            }
        };
        let _ = socket.shutdown(Shutdown::Write);
        let stays = self.enter(&mut self.admission(), id, Stage::Linger, 0).is_ok();
        if stays && !all_read {
            drain(socket, Instant::now() + DRAIN_TIME);
        }
    }

    fn respond(&self, id: u64, socket: &TcpStream, head: &[u8]) -> Result<(), Abort> {
        let request = Arc::new(request::parse(head).map_err(Abort::Refused)?);
        let response = self.answer(id, &request)?;
        self.send(id, socket, &response, !request.is_head)
    }

    /// Gets the response for a request, and sets it down as being sent.
    fn answer(&self, id: u64, request: &Arc<RequestHead>) -> Result<Arc<Prepared>, Abort> {
        let class = self.handler.class(request);
        self.admission().note_request(id, &request.path, class);
        let mut body_bytes = 0; // not known yet
        loop {
            if let Some(shared) = self.queue(id, request, class, body_bytes)? {
                return Ok(shared);
            }
            let response = Arc::new(self.ask(request, class)?);
            body_bytes = response.memory();
            if self.begin_response(id, &response)? {
                return Ok(response);
            }
            // The response is made again later rather than kept, so that those that wait hold neither memory nor a worker.
        }
    }

    /// Waits for a free worker, and for memory if the size of the body is known; or for a response that can be shared, and
    /// begins to send that. The last to come is the first to be served: in a crowd the others may have left already, and
    /// an honest client does not queue behind it.
    fn queue(
        &self,
        id: u64,
        request: &RequestHead,
        class: Class,
        body_bytes: usize,
    ) -> Result<Option<Arc<Prepared>>, Abort> {
        let by = Instant::now() + self.limits.wait_time;
        let mut admission = self.admission();
        self.enter(&mut admission, id, Stage::Queue { body_bytes }, 0)?;
        loop {
            if let Some(shared) = (!request.is_http_1_0).then(|| admission.shared_response(&request.path)).flatten() {
                self.enter_response(&mut admission, id, &shared)?;
                return Ok(Some(shared));
            }
            let is_next = admission.is_next(id, &request.path, class, body_bytes) && admission.has_worker(class);
            if is_next && admission.has_room(body_bytes) {
                self.enter(&mut admission, id, Stage::Answer, body_bytes)?;
                return Ok(None);
            }
            if Instant::now() >= by {
                return Err(Abort::Refused(response::UNAVAILABLE));
            }
            admission = self.wait(admission);
        }
    }

    fn ask(&self, request: &Arc<RequestHead>, class: Class) -> Result<Prepared, Abort> {
        self.inner.ask(request, class, self.limits.answer_time).map_err(|error| match error {
            AskError::Late => Abort::Refused(response::GATEWAY_TIMEOUT),
            AskError::Gone(error) => {
                log::warn!("the inner web server does not answer: {error}");
                Abort::Refused(response::BAD_GATEWAY)
            }
        })
    }

    /// Goes on to send a response, unless the memory for it was neither set aside nor is there. Frees the worker.
    fn begin_response(&self, id: u64, response: &Arc<Prepared>) -> Result<bool, Abort> {
        let mut admission = self.admission();
        if !admission.has_set_aside(id) && !admission.has_room(response.memory()) {
            return Ok(false);
        }
        self.enter_response(&mut admission, id, response)?;
        if response.is_shared {
            admission.share(id, response);
        }
        Ok(true)
    }

    fn enter_response(&self, admission: &mut Admission, id: u64, response: &Arc<Prepared>) -> Result<(), Abort> {
        let now = Instant::now();
        self.enter(admission, id, Stage::Response { since: now, moved: now, pace: now }, response.memory())?;
        admission.note_response(id, response);
        Ok(())
    }

    fn send(&self, id: u64, socket: &TcpStream, response: &Prepared, with_body: bool) -> Result<(), Abort> {
        let (mut parts, mut due) = (response.parts(with_body), Instant::now());
        while let Some(mut part) = parts.next_part() {
            write_by(socket, &mut part, due + self.limits.response_time)?;
            due += PIECE_TIME;
            self.admission().note_piece(id, due);
        }
        Ok(())
    }

    /// Says why there is no response.
    fn refuse(&self, id: u64, socket: &TcpStream, status: Status, with_body: bool) {
        if self.enter(&mut self.admission(), id, Stage::Linger, 0).is_err() {
            return;
        }
        let counter = match status {
            response::REQUEST_TIMEOUT | response::GATEWAY_TIMEOUT => &self.counters.timeout,
            _ => &self.counters.refused,
        };
        counter.fetch_add(1, Relaxed);
        let allow = if status == response::METHOD_NOT_ALLOWED { "Allow: GET, HEAD\r\n" } else { "" };
        let length = status.len() + 1;
        let mut text = format!(
            "HTTP/1.1 {status}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {length}\r\n\
             {allow}Connection: close\r\n\r\n"
        );
        if with_body {
            text.extend([status, "\n"]);
        }
        let _ = write_by(socket, &mut [IoSlice::new(text.as_bytes())], Instant::now() + REFUSAL_TIME);
    }

    /// Goes on to the next stage, unless evicted meanwhile. That may free a worker, or memory.
    fn enter(&self, admission: &mut Admission, id: u64, stage: Stage, body_bytes: usize) -> Result<(), Abort> {
        admission.enter(id, stage, body_bytes).ok_or(Abort::Gone)?;
        self.freed.notify_all();
        Ok(())
    }

    /// Waits until something may have become free, or another connection may be evicted.
    fn wait<'a>(&self, admission: MutexGuard<'a, Admission>) -> MutexGuard<'a, Admission> {
        self.freed.wait_timeout(admission, WAIT_STEP).unwrap_or_else(PoisonError::into_inner).0
    }

    fn admission(&self) -> MutexGuard<'_, Admission> {
        self.admission.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection's slot, given back when dropped, however its thread ends.
struct Permit {
    gate: Arc<Gate>,
    id: u64,
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.gate.admission().leave(self.id);
        self.gate.freed.notify_all();
    }
}

/// Reads until `bytes` hold a whole request head, and gives its length; what came after it is in `bytes` too.
fn read_head(mut socket: &TcpStream, bytes: &mut Vec<u8>, by: Instant) -> Result<usize, Abort> {
    let mut piece = [0; 1024]; // an idle connection holds no more than this
    loop {
        let read = left(by).and_then(|left| socket.set_read_timeout(left)).and_then(|()| socket.read(&mut piece));
        let count = match read {
            Ok(0) => return Err(Abort::Gone),
            Ok(count) => count,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            // Admission was looking whether the client is sending.
            Err(error) if error.kind() == ErrorKind::WouldBlock && left(by).is_ok() => continue,
            // A client that sent nothing, such as a browser's connection in advance, expects no response.
            Err(error) if is_timeout(&error) && bytes.is_empty() => return Err(Abort::Late),
            Err(error) if is_timeout(&error) => return Err(Abort::Refused(response::REQUEST_TIMEOUT)),
            Err(_) => return Err(Abort::Gone),
        };
        let searched = bytes.len();
        bytes.extend_from_slice(piece.get(..count).unwrap_or_default());
        if let Some(end) = request::end(bytes, searched) {
            return Ok(end);
        }
        if !request::is_plausible(bytes.get(searched..).unwrap_or_default()) {
            return Err(Abort::Refused(response::BAD_REQUEST));
        }
        if bytes.len() > request::HEAD_BYTES_MAX {
            return Err(Abort::Refused(request::too_large(bytes)));
        }
    }
}

fn write_by(mut socket: &TcpStream, mut slices: &mut [IoSlice<'_>], by: Instant) -> Result<(), Abort> {
    IoSlice::advance_slices(&mut slices, 0); // past those that are empty
    while !slices.is_empty() {
        match left(by).and_then(|left| socket.set_write_timeout(left)).and_then(|()| socket.write_vectored(slices)) {
            Ok(0) => return Err(Abort::Gone),
            Ok(count) => IoSlice::advance_slices(&mut slices, count),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if is_timeout(&error) => return Err(Abort::Late),
            Err(_) => return Err(Abort::Gone),
        }
    }
    Ok(())
}

/// Reads what a client still sends, until it stops or has had enough time.
fn drain(mut socket: &TcpStream, by: Instant) {
    let mut piece = [0; 4096];
    let mut drained = 0;
    while drained < DRAIN_BYTES_MAX {
        match left(by).and_then(|left| socket.set_read_timeout(left)).and_then(|()| socket.read(&mut piece)) {
            Ok(count) if count > 0 => drained += count,
            _ => return,
        }
    }
}

/// The time left as a socket's time-out. Checked before each call, so that sending a byte now and then cannot stretch a
/// deadline.
fn left(by: Instant) -> io::Result<Option<Duration>> {
    let left = by.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(ErrorKind::TimedOut.into()) } else { Ok(Some(left)) }
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}
