//! The inner server: `tiny_http` as published, on a private socket, fenced in.
//!
//! Only the gate connects to it, with requests of its own making: `HEAD /TICKET HTTP/1.x`, never a byte of a client, and no
//! more at a time than there are workers. So what `tiny_http` 0.12.0 cannot survive stays away from it: lengths of bodies,
//! HTTP/2, `TE` lists, endless heads, clients that do not read, crowds.
//!
//! ```text
//! gate:   Inner::ask  -- HEAD /TICKET -->  tiny_http's accept loop and parser
//! worker: tiny_http's queue -> the ticket's request -> Handler::answer -> respond -- response head --> gate
//!                                                            `---- body, through memory --------------> gate
//! ```
//!
//! A body never goes through the socket, so it exists once, and a worker is free again before the client has read a byte.
//!
//! What can still end `tiny_http`'s accept loop is a lack of descriptors or threads. The socket then refuses, and a new
//! server takes its place, at a new path.

use std::any::Any;
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::io::{self, BufRead, BufReader, ErrorKind, Read};
use std::net::{Shutdown, TcpListener};
use std::os::unix::net::{UnixListener, UnixStream};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use super::admission::Counters;
use super::private_socket::{Address, Duplex, PrivateDir, PrivateSocket, is_gone};
use super::request::RequestHead;
use super::response::{Body, Prepared, Response, measure};
use super::{Class, Handler, Limits};

/// The site polls a miner on it for a probe, as poll threads do on a stack of this size.
const STACK_BYTES: usize = 256 << 10;
/// Between the loss of a server and the next one, so that servers that die at once do not pile up: the threads of
/// `tiny_http`'s pool outlive theirs by 5 s.
const REPLACE_PAUSE: Duration = Duration::from_millis(50);
/// A response head has some 200 bytes.
const HEAD_BYTES_MAX: u64 = 16 << 10;

/// Why a request has no response.
#[derive(Debug)]
pub enum AskError {
    /// The site took longer than the time given.
    Late,
    /// The server is gone and could not be replaced.
    Gone(io::Error),
}

/// The running server, and all it takes to replace it.
pub struct Inner {
    dirs: Vec<PathBuf>,
    workers: usize,
    handler: Arc<dyn Handler>,
    counters: Arc<Counters>,
    pending: Arc<Pending>,
    /// None once it is closed.
    running: Mutex<Option<Running>>,
}

impl Inner {
    /// Starts the server, with its socket in the first of `dirs` in which we can make a directory.
    ///
    /// # Errors
    /// If there is no socket to be had at all, or no thread.
    pub fn start(
        dirs: &[PathBuf],
        limits: &Limits,
        handler: Arc<dyn Handler>,
        counters: Arc<Counters>,
    ) -> io::Result<Self> {
        let (dirs, workers, running) = (dirs.to_vec(), limits.workers, Mutex::new(None));
        let inner = Self { dirs, workers, handler, counters, pending: Arc::default(), running };
        let first = Running::start(&inner)?;
        if let Some(home) = &first.home {
            home.remove_abandoned(&inner.dirs);
        }
        *inner.running() = Some(first);
        Ok(inner)
    }

    /// Has a worker answer a request within this time.
    pub fn ask(&self, request: &Arc<RequestHead>, class: Class, time: Duration) -> Result<Prepared, AskError> {
        let (ticket, answer) = self.pending.add(Arc::clone(request), class);
        let head = self.exchange(ticket, u8::from(!request.is_http_1_0), time);
        self.pending.take(ticket); // unless a worker has
        let mut head = head.map_err(|error| match error.kind() {
            ErrorKind::WouldBlock | ErrorKind::TimedOut => AskError::Late,
            _ => AskError::Gone(error),
        })?;
        let answer = answer.try_recv().map_err(|_| AskError::Gone(io::Error::other("a response without its body")))?;
        head.truncate(head.len().saturating_sub(2)); // the empty line
        head.extend_from_slice(b"Connection: close\r\n\r\n");
        let Answered { body, is_chunked, is_shared } = answer;
        let is_shared = is_shared && !request.is_head && !request.is_http_1_0;
        Ok(Prepared { head, body: (!request.is_head).then_some(body), is_chunked, is_shared })
    }

    /// Removes the socket and its directory. From now on nothing is answered.
    pub fn close(&self) {
        *self.running() = None;
    }

    fn exchange(&self, ticket: Ticket, minor_version: u8, time: Duration) -> io::Result<Vec<u8>> {
        let mut stream = self.connect(time)?;
        let asked = format!("HEAD /{ticket:032x} HTTP/1.{minor_version}\r\nConnection: close\r\n\r\n");
        stream.write_all(asked.as_bytes())?; // in one piece
        read_head(stream)
    }

    /// Connects to the server, or to a new one if it is gone.
    fn connect(&self, time: Duration) -> io::Result<Box<dyn Duplex>> {
        let mut running = self.running();
        let current = running.as_ref().ok_or_else(|| io::Error::other("the web server is closed"))?;
        match current.address.connect(time) {
            Err(error) if is_gone(&error) => {
                thread::sleep(REPLACE_PAUSE);
                let next = Running::start(self)?;
                let stream = next.address.connect(time);
                *running = Some(next);
                self.counters.rebuilt.fetch_add(1, Relaxed);
                log::warn!("replaced the inner web server, which was lost: {error}");
                stream
            }
            other => other,
        }
    }

    fn running(&self) -> MutexGuard<'_, Option<Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A running server. Dropping it ends its threads and removes its socket.
struct Running {
    server: Arc<tiny_http::Server>,
    /// The listener of `server` once more.
    listener: UnixStream,
    workers: usize,
    address: Address,
    home: Option<PrivateDir>,
}

impl Running {
    fn start(inner: &Inner) -> io::Result<Self> {
        let PrivateSocket { listener, address, home } = PrivateSocket::listen(&inner.dirs)?;
        let again = listener.try_clone()?;
        let listener: tiny_http::Listener = match address {
            Address::Unix(_) => UnixListener::from(listener).into(),
            Address::Tcp(_) => TcpListener::from(listener).into(),
        };
        // tiny_http panics where there is no thread to be had.
        let server = catch_unwind(|| tiny_http::Server::from_listener(listener, None))
            .map_err(|panic| io::Error::other(panic_text(panic.as_ref())))?
            .map_err(io::Error::other)?;
        let mut running = Self { server: Arc::new(server), listener: again.into(), workers: 0, address, home };
        for _ in 0..inner.workers {
            let (server, pending) = (Arc::clone(&running.server), Arc::clone(&inner.pending));
            let handler = Arc::clone(&inner.handler);
            let worker = thread::Builder::new().name("http-worker".into()).stack_size(STACK_BYTES);
            worker.spawn(move || work(&server, &pending, &handler))?;
            running.workers += 1;
        }
        Ok(running)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // tiny_http would wake its accept loop by connecting to the socket's path, which may be gone. This needs no path:
        // `accept` fails once the listener is shut down, whichever kind of socket it is.
        let _ = self.listener.shutdown(Shutdown::Both);
        for _ in 0..self.workers {
            self.server.unblock(); // ends one worker
        }
    }
}

/// The life of a worker. A request of the class remote goes on in a thread of its own, of which the gate allows only so
/// many: were they workers too, each would have its own heap of glibc's, which a crowd fills with large bodies.
fn work(server: &tiny_http::Server, pending: &Pending, handler: &Arc<dyn Handler>) {
    while let Ok(asked) = server.recv() {
        let ticket = asked.url().strip_prefix('/').and_then(|ticket| Ticket::from_str_radix(ticket, 16).ok());
        let Some(job) = ticket.and_then(|ticket| pending.take(ticket)) else {
            respond(asked, tiny_http::Response::empty(404)); // a stranger on loopback
            continue;
        };
        if job.class != Class::Remote {
            respond(asked, job.answer(handler.as_ref()));
            continue;
        }
        let handler = Arc::clone(handler);
        let thread = thread::Builder::new().name("http-remote".into()).stack_size(STACK_BYTES);
        // Without a thread the request is dropped, and the gate hears that there is no answer.
        if let Err(error) = thread.spawn(move || respond(asked, job.answer(handler.as_ref()))) {
            log::error!("no thread for a request: {error}");
        }
    }
}

fn respond(asked: tiny_http::Request, response: tiny_http::Response<io::Empty>) {
    if let Err(error) = asked.respond(response) {
        log::debug!("a response was no longer wanted: {error}");
    }
}

impl Job {
    /// Gives the body of the response to the gate, and its head to `tiny_http`.
    fn answer(&self, handler: &dyn Handler) -> tiny_http::Response<io::Empty> {
        let made = catch_unwind(AssertUnwindSafe(|| {
            let response = handler.answer(&self.request);
            // Only HTTP/1.0 cannot do without the length.
            let is_measured = self.request.is_http_1_0;
            let length = if is_measured { Some(measure(&*response.body)) } else { response.body.length() };
            (response, length)
        }));
        let (response, length) = made.unwrap_or_else(|panic| {
            log::error!("answering {} failed: {}", self.request.path, panic_text(panic.as_ref()));
            let text = b"500 Internal Server Error\n".to_vec();
            let length = text.len();
            (Response::new(500, "text/plain; charset=utf-8", text), Some(length))
        });
        let head = head_of(&response, length);
        let Response { body, is_shared, .. } = response;
        // The gate may have given up waiting for it.
        let _ = self.answer.try_send(Answered { body, is_chunked: length.is_none(), is_shared });
        head
    }
}

/// What `tiny_http` makes the head from: no data, but the length that the body really has, or that it goes in chunks.
fn head_of(response: &Response, length: Option<usize>) -> tiny_http::Response<io::Empty> {
    let mut head = tiny_http::Response::new(response.status.into(), Vec::new(), io::empty(), length, None)
        .with_chunked_threshold(usize::MAX);
    let headers = response.headers.iter().map(|(name, value)| (*name, value.as_str()));
    for (name, value) in headers.chain([("Content-Type", response.content_type)]).filter(|(_, value)| !value.is_empty())
    {
        match tiny_http::Header::from_bytes(name, value) {
            Ok(header) if !value.contains(|c: char| c.is_ascii_control()) => head.add_header(header),
            _ => log::error!("the field {name} was left out of a response: its value is not printable ASCII"),
        }
    }
    head
}

/// Reads up to the empty line, behind which `tiny_http` sends nothing to a `HEAD`.
fn read_head(stream: impl Read) -> io::Result<Vec<u8>> {
    let (mut reader, mut head) = (BufReader::with_capacity(512, stream.take(HEAD_BYTES_MAX)), Vec::new());
    while !head.ends_with(b"\r\n\r\n") {
        if reader.read_until(b'\n', &mut head)? == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(head)
}

/// Names a request that is waiting for its response. It cannot be guessed, since on loopback any local user could ask with
/// it.
type Ticket = u128;

/// What a worker gives to the gate.
struct Answered {
    body: Box<dyn Body>,
    is_chunked: bool,
    is_shared: bool,
}

/// A request for a worker.
struct Job {
    request: Arc<RequestHead>,
    class: Class,
    /// Where the answer goes.
    answer: SyncSender<Answered>,
}

/// Requests that no worker has taken yet.
#[derive(Default)]
struct Pending(Mutex<HashMap<Ticket, Job>>);

impl Pending {
    fn add(&self, request: Arc<RequestHead>, class: Class) -> (Ticket, Receiver<Answered>) {
        let (answer, receiver) = mpsc::sync_channel(1);
        let ticket = random();
        self.jobs().insert(ticket, Job { request, class, answer });
        (ticket, receiver)
    }

    fn take(&self, ticket: Ticket) -> Option<Job> {
        self.jobs().remove(&ticket)
    }

    fn jobs(&self) -> MutexGuard<'_, HashMap<Ticket, Job>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// 128 bits from two keyed hashes, each with keys of its own.
fn random() -> Ticket {
    let half = || u128::from(RandomState::new().hash_one(0));
    half() << 64 | half()
}

fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("a panic without a message")
}

#[cfg(test)]
mod tests {
    use super::super::request;
    use super::*;
    use std::fs;

    const TIME: Duration = Duration::from_secs(5);

    struct Echo;

    impl Handler for Echo {
        fn class(&self, _: &RequestHead) -> Class {
            Class::Quick
        }

        fn answer(&self, request: &RequestHead) -> Response {
            match request.path.as_str() {
                "/panic" => panic!("on purpose"),
                "/slow" => thread::sleep(Duration::from_secs(1)),
                _ => {}
            }
            let headers = vec![("X-Bad", "a\r\nb".to_owned()), ("X-Good", "c".to_owned())];
            Response { headers, ..Response::new(200, "text/x", request.path.clone().into_bytes()) }
        }
    }

    fn start(dirs: &[PathBuf]) -> Inner {
        let limits = Limits { workers: 1, ..Limits::for_machine(1) };
        Inner::start(dirs, &limits, Arc::new(Echo), Arc::default()).unwrap()
    }

    fn ask(inner: &Inner, line: &str, time: Duration) -> Result<(String, String), AskError> {
        let request = Arc::new(request::parse(format!("{line}\r\n\r\n").as_bytes()).unwrap());
        let response = inner.ask(&request, Class::Quick, time)?;
        let body = response.body.map(|body| body.pieces().next_piece(usize::MAX).0.to_vec());
        Ok((String::from_utf8(response.head).unwrap(), String::from_utf8(body.unwrap_or_default()).unwrap()))
    }

    fn assert_answers(inner: &Inner) {
        let (head, body) = ask(inner, "GET /path HTTP/1.1", TIME).unwrap();
        assert_eq!(body, "/path");
        let (first, rest) = head.split_once("Date: ").unwrap();
        assert_eq!(first, "HTTP/1.1 200 OK\r\nServer: tiny-http (Rust)\r\n");
        let (_, rest) = rest.split_once("\r\n").unwrap();
        assert_eq!(rest, "X-Good: c\r\nContent-Type: text/x\r\nContent-Length: 5\r\nConnection: close\r\n\r\n");
    }

    #[test]
    fn a_lost_server_is_replaced_in_a_new_place() {
        let parent = std::env::temp_dir().join(format!("inner-test-{}", std::process::id()));
        fs::create_dir(&parent).unwrap();
        let home = || fs::read_dir(&parent).unwrap().next().map(|entry| entry.unwrap().path());
        let inner = start(std::slice::from_ref(&parent));
        assert_answers(&inner);
        let first = home().unwrap();
        fs::remove_dir_all(&first).unwrap();
        assert_answers(&inner);
        assert_answers(&inner);
        assert_eq!(inner.counters.read().rebuilt, 1);
        assert_ne!(home(), Some(first));
        inner.close();
        assert!(matches!(ask(&inner, "GET / HTTP/1.1", TIME), Err(AskError::Gone(_))));
        assert_eq!(home(), None);
        fs::remove_dir(&parent).unwrap();
    }

    /// As for lack of descriptors, on either kind of socket.
    #[test]
    fn a_server_that_accepts_no_more_is_replaced() {
        for dirs in [vec![std::env::temp_dir()], Vec::new()] {
            let inner = start(&dirs);
            let first = inner.running().as_ref().unwrap().address.clone();
            inner.running().as_ref().unwrap().listener.shutdown(Shutdown::Both).unwrap();
            // Until its accept loop has ended, for 20 s at most.
            let mut connections = (0..2000).map(|_| (thread::sleep(Duration::from_millis(10)), first.connect(TIME)).1);
            assert!(connections.any(|connection| connection.is_err()));
            assert_answers(&inner);
            assert_eq!(inner.counters.read().rebuilt, 1);
            assert!(first.connect(TIME).is_err_and(|error| is_gone(&error)), "the first one still listens");
            inner.close();
        }
    }

    #[test]
    fn heads_fit_the_version_and_the_method() {
        let inner = start(&[std::env::temp_dir()]);
        let (head, body) = ask(&inner, "HEAD /path HTTP/1.0", TIME).unwrap();
        assert!(head.starts_with("HTTP/1.0 200 OK\r\n") && head.contains("Content-Length: 5\r\n"), "{head}");
        assert_eq!(body, "");
        inner.close();
    }

    #[test]
    fn panics_and_lateness_have_their_answers() {
        let inner = start(&[std::env::temp_dir()]);
        let (head, body) = ask(&inner, "GET /panic HTTP/1.1", TIME).unwrap();
        assert!(head.starts_with("HTTP/1.1 500 "), "{head}");
        assert_eq!(body, "500 Internal Server Error\n");
        assert!(matches!(ask(&inner, "GET /slow HTTP/1.1", Duration::from_millis(100)), Err(AskError::Late)));
        assert_answers(&inner);
        assert!(inner.pending.jobs().is_empty());
        inner.close();
    }

    /// On loopback, where any local user can ask.
    #[test]
    fn a_stranger_without_a_ticket_gets_nothing() {
        let inner = start(&[]);
        let address = inner.running().as_ref().unwrap().address.clone();
        assert!(matches!(address, Address::Tcp(_)));
        let (waiting, answer) = inner.pending.add(Arc::default(), Class::Quick);
        for target in ["/".to_owned(), "/path".to_owned(), "/1".to_owned(), format!("/{:032x}", waiting ^ 1)] {
            let mut stream = address.connect(TIME).unwrap();
            write!(stream, "HEAD {target} HTTP/1.1\r\nConnection: close\r\n\r\n").unwrap();
            assert!(read_head(stream).unwrap().starts_with(b"HTTP/1.1 404 "), "{target}");
        }
        assert!(answer.try_recv().is_err() && inner.pending.take(waiting).is_some(), "the request was answered");
        assert_answers(&inner);
    }

    /// One more and one less say nothing of the next one.
    #[test]
    fn tickets_share_no_bits() {
        let tickets: Vec<_> = (0..1000).map(|_| random()).collect();
        for bit in 0..Ticket::BITS {
            let set = tickets.iter().filter(|ticket| *ticket >> bit & 1 == 1).count();
            // Nine standard deviations of 1000 coins.
            assert!((357..=643).contains(&set), "bit {bit} is set in {set} of 1000");
        }
        for pair in tickets.windows(2) {
            assert!((pair[0] ^ pair[1]).count_ones() > 12, "{pair:x?}");
        }
    }
}
