//! The inner server: `tiny_http` as published, on a private socket, with worker threads that ask the handler.
//!
//! Only `gate` speaks to it, only in the canonical heads of `head`, and at most as many at a time as there are workers.
//! That keeps what `tiny_http` 0.12.0 cannot survive away from it (lengths of bodies, HTTP/2, `TE` lists, endless heads,
//! clients that do not read, crowds). What still can end its accept thread is a lack of descriptors or threads; the socket
//! then refuses, and a new server is built under a new path.
//!
//! Pages do not go through the socket. Each question carries a ticket; the worker lays the page on the `Shelf` under that
//! ticket and lets `tiny_http` answer with the head alone, which is what `tiny_http` does with every `HEAD`, with the page's
//! true length or coding. So a page exists once, and a worker is free again before the client has read a byte.

use std::any::Any;
use std::collections::HashMap;
use std::io::{self, ErrorKind, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::exposition::buffer::Buffer;
use crate::http::private_socket::{Address, Duplex, PrivateDir, listen};
use crate::http::request::{PROBE_PATH, SCRAPE_TIMEOUT, TICKET};
use crate::site::metrics_page::{self, Page};

/// What a client asked for. Only GET and HEAD come this far, and the handler need not know which.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Request {
    /// The target up to the first `?`, as sent: not decoded, beginning with `/`.
    pub path: String,
    /// The target behind the first `?`, not decoded; empty without one.
    pub query: String,
    /// The values of `Accept`, joined by `, `; empty without one.
    pub accept: String,
    /// How long the asking Prometheus waits for this scrape, if it said so.
    pub scrape_timeout: Option<Duration>,
}

/// What the handler answers.
#[derive(Debug, Clone, Default)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// The media type of the body.
    pub content_type: &'static str,
    /// More fields. Values must be printable ASCII, others are left out: they could split the reply.
    pub headers: Vec<(&'static str, String)>,
    /// The page.
    pub body: Body,
    /// Whether it is the same page for all who ask for this path now, whatever else they say.
    pub is_shared: bool,
}

/// What is behind the head of a reply.
#[derive(Debug, Clone)]
pub enum Body {
    /// As it is.
    Text(Vec<u8>),
    /// Metrics, whose text comes into being as it is sent, in chunks: its length is not known before (RFC 9112 section 7.1).
    Page(Box<Page>),
    /// The same for a client of HTTP/1.0, which knows no chunks, and its length, for which it is written once more.
    Measured(Box<Page>, usize),
}

impl Default for Body {
    fn default() -> Self {
        Self::Text(Vec::new())
    }
}

impl Body {
    /// Its length in bytes, if it is known.
    pub fn length(&self) -> Option<usize> {
        match self {
            Self::Text(text) => Some(text.len()),
            Self::Page(_) => None,
            Self::Measured(_, length) => Some(*length),
        }
    }

    /// How many bytes of memory it takes.
    pub fn memory(&self) -> usize {
        match self {
            Self::Text(text) => text.capacity(),
            Self::Page(page) | Self::Measured(page, _) => page.memory(),
        }
    }

    /// The same from its beginning, to be sent.
    pub fn pieces(&self) -> Pieces<'_> {
        match self {
            Self::Text(text) => Pieces::Text(text),
            Self::Page(page) => Pieces::Chunks(page.pieces()),
            Self::Measured(page, _) => Pieces::Page(page.pieces()),
        }
    }
}

/// What is left of a body.
pub enum Pieces<'a> {
    /// Of a text.
    Text(&'a [u8]),
    /// Of metrics.
    Page(metrics_page::Pieces<'a>),
    /// Of metrics in chunks.
    Chunks(metrics_page::Pieces<'a>),
    /// Nothing.
    None,
}

/// How long a chunk is, in as many hexadecimal digits as any chunk may need.
const CHUNK_HEAD: &[u8] = b"00000000\r\n";

impl Pieces<'_> {
    /// Appends what comes next, until nothing is left or `out` has some `bytes`.
    pub fn write(&mut self, out: &mut Buffer, bytes: usize) {
        match self {
            Self::Text(text) => {
                let (now, later) = text.split_at_checked(bytes.saturating_sub(out.len())).unwrap_or((text, &[]));
                out.push(now);
                *text = later;
            }
            Self::Page(page) => {
                page.write(out, bytes);
            }
            Self::Chunks(page) => {
                let begin = out.len();
                out.push(CHUNK_HEAD);
                let has_more = page.write(out, bytes);
                let length = out.len() - begin - CHUNK_HEAD.len();
                out.replace(begin, format!("{length:08x}").as_bytes());
                out.push(b"\r\n");
                if !has_more {
                    // An empty chunk is the end.
                    out.push(if length > 0 { b"0\r\n\r\n" } else { b"" });
                    *self = Self::None;
                }
            }
            Self::None => {}
        }
    }
}

/// A probe's page is written on it; `poll` does the rest in a thread of its own.
const PROBE_STACK_BYTES: usize = 256 << 10;

/// The site: it answers each request, on one of the workers, a probe on a thread of its own. A panic becomes a 500 and the worker goes on.
pub type Handler = dyn Fn(&Request) -> Response + Send + Sync;

/// Why a question has no answer.
#[derive(Debug)]
pub enum Fault {
    /// The handler took longer than the time given.
    Late,
    /// The inner server is dead and could not be rebuilt.
    Dead(io::Error),
}

/// The answer to a question.
pub struct Answer {
    /// The head of the reply, its empty line included; it fits the page.
    pub head: Vec<u8>,
    /// The page.
    pub page: Body,
    /// See [`Response::is_shared`].
    pub is_shared: bool,
}

/// The running server and all it takes to build it again.
pub struct Inner {
    dirs: Vec<PathBuf>,
    workers: usize,
    handler: Arc<Handler>,
    shelf: Arc<Shelf>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    current: Option<Generation>,
    rebuilt: u64,
    closed: bool,
}

impl Inner {
    /// Starts the server with its socket in the first of `dirs` that lets us make a directory.
    ///
    /// # Errors
    /// If no socket can be had at all, or no thread.
    pub fn start(dirs: &[PathBuf], workers: usize, handler: Arc<Handler>) -> io::Result<Self> {
        let inner = Self { dirs: dirs.to_vec(), workers, handler, shelf: Arc::default(), state: Mutex::default() };
        let first = Generation::build(&inner)?;
        inner.state().current = Some(first);
        Ok(inner)
    }

    /// Asks what `canonical` says for a ticket, waiting `time` at most. Only as many at a time are answered as there are
    /// workers.
    ///
    /// # Errors
    /// See [`Fault`]; a handler that panics is no error but a 500.
    pub fn ask(&self, canonical: impl Fn(u64) -> String, time: Duration) -> Result<Answer, Fault> {
        let by = Instant::now() + time;
        let ticket = self.shelf.open();
        let mut stream = self.dial(by).map_err(Fault::Dead)?;
        let asked = stream.write_all(canonical(ticket.number).as_bytes());
        let head = asked.and_then(|()| read_reply_head(stream.as_mut())).map_err(|error| match error.kind() {
            ErrorKind::WouldBlock | ErrorKind::TimedOut => Fault::Late,
            _ => Fault::Dead(error),
        })?;
        let (page, is_shared) =
            ticket.collect().ok_or_else(|| Fault::Dead(io::Error::other("a reply without its page")))?;
        Ok(Answer { head, page, is_shared })
    }

    /// How often the server had to be built again.
    pub fn rebuilt(&self) -> u64 {
        self.state().rebuilt
    }

    /// Removes the socket and its directory; nothing is answered any more. Takes no longer than the two system calls.
    pub fn close(&self) {
        let mut state = self.state();
        state.closed = true;
        state.current = None;
    }

    /// A connection to the current server, or to a new one if that is dead.
    fn dial(&self, by: Instant) -> io::Result<Box<dyn Duplex>> {
        let (number, address) = {
            let state = self.state();
            let current = state.current.as_ref().ok_or_else(closed)?;
            (current.number, current.address.clone())
        };
        match address.dial(by) {
            Err(error) if matches!(error.kind(), ErrorKind::ConnectionRefused | ErrorKind::NotFound) => {
                self.replace(number, &error)?.dial(by)
            }
            other => other,
        }
    }

    /// Builds the next generation unless another thread just did so, and gives the address.
    fn replace(&self, dead: u64, why: &io::Error) -> io::Result<Address> {
        let mut state = self.state();
        if state.closed {
            return Err(closed());
        }
        if let Some(current) = state.current.as_ref().filter(|current| current.number != dead) {
            return Ok(current.address.clone());
        }
        let mut next = Generation::build(self)?;
        next.number = dead + 1;
        let address = next.address.clone();
        state.current = Some(next);
        state.rebuilt += 1;
        log::warn!("the inner web server was lost ({why}) and has been built anew");
        Ok(address)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn closed() -> io::Error {
    io::Error::other("the web server is closed")
}

/// One life of the inner server. Dropping it sends its workers home and removes the socket; a server whose accept thread
/// still lived keeps that one thread, as nothing can reach it any more.
struct Generation {
    number: u64,
    address: Address,
    server: Arc<tiny_http::Server>,
    workers: usize,
    _home: Option<PrivateDir>,
}

impl Generation {
    fn build(inner: &Inner) -> io::Result<Self> {
        let (listener, address, home) = listen(&inner.dirs)?;
        // tiny_http panics where no thread can be had.
        let server = catch_unwind(|| tiny_http::Server::from_listener(listener, None))
            .map_err(|panic| io::Error::other(panic_text(panic.as_ref())))?
            .map_err(io::Error::other)?;
        let mut generation = Self { number: 0, address, server: Arc::new(server), workers: 0, _home: home };
        for _ in 0..inner.workers {
            let (server, shelf) = (Arc::clone(&generation.server), Arc::clone(&inner.shelf));
            let handler = Arc::clone(&inner.handler);
            thread::Builder::new().name("http-worker".into()).spawn(move || work(&server, &shelf, &handler))?;
            generation.workers += 1;
        }
        Ok(generation)
    }
}

impl Drop for Generation {
    fn drop(&mut self) {
        for _ in 0..self.workers {
            self.server.unblock(); // wakes one worker each
        }
    }
}

/// A worker's life: it ends when the server is replaced or can accept no more. A probe waits for a miner, so it goes on in
/// a thread of its own, of which there are no more than `gate` lets through.
fn work(server: &tiny_http::Server, shelf: &Arc<Shelf>, handler: &Arc<Handler>) {
    while let Ok(request) = server.recv() {
        if request.url().split('?').next() != Some(PROBE_PATH) {
            attend(request, shelf, handler.as_ref());
            continue;
        }
        let (shelf, handler) = (Arc::clone(shelf), Arc::clone(handler));
        let probe = thread::Builder::new().name("http-probe".into()).stack_size(PROBE_STACK_BYTES);
        // Without a thread the request is dropped, which tiny_http answers with 500.
        if let Err(error) = probe.spawn(move || attend(request, &shelf, handler.as_ref())) {
            log::error!("no thread for a probe: {error}");
        }
    }
}

fn attend(request: tiny_http::Request, shelf: &Shelf, handler: &Handler) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| answer(request, shelf, handler))) {
        log::error!("answering a request failed: {}", panic_text(panic.as_ref()));
    }
}

fn answer(request: tiny_http::Request, shelf: &Shelf, handler: &Handler) {
    let ticket = field(&request, TICKET).parse().ok().filter(|ticket| shelf.is_open(*ticket));
    let mut response = match ticket {
        None => Response { status: 404, ..Response::default() },
        Some(_) => catch_unwind(AssertUnwindSafe(|| handler(&read_request(&request)))).unwrap_or_else(|panic| {
            log::error!("the page {} failed: {}", request.url(), panic_text(panic.as_ref()));
            let body = Body::Text(b"500 Internal Server Error\n".to_vec());
            Response { status: 500, content_type: "text/plain; charset=utf-8", body, ..Response::default() }
        }),
    };
    response.body = match response.body {
        Body::Page(page) if *request.http_version() < (1, 1) => {
            let length = page.length();
            Body::Measured(page, length)
        }
        body => body,
    };
    let head = head_of(&response);
    if let Some(ticket) = ticket {
        if let Body::Text(text) = &mut response.body {
            text.shrink_to_fit(); // one that grew step by step has up to as much room again
        }
        shelf.lay(ticket, (response.body, response.is_shared));
    }
    if let Err(error) = request.respond(head) {
        log::debug!("an answer was not wanted any more: {error}");
    }
}

fn read_request(request: &tiny_http::Request) -> Request {
    let (path, query) = request.url().split_once('?').unwrap_or((request.url(), ""));
    let seconds = field(request, SCRAPE_TIMEOUT).parse().ok();
    Request {
        path: path.to_owned(),
        query: query.to_owned(),
        accept: field(request, "Accept"),
        // Zero is no time to wait, but what some send for "none".
        scrape_timeout: seconds.and_then(|s| Duration::try_from_secs_f64(s).ok()).filter(|time| !time.is_zero()),
    }
}

/// All values of a field, joined as RFC 9110 section 5.3 joins them.
fn field(request: &tiny_http::Request, name: &str) -> String {
    let fields = request.headers().iter().filter(|header| header.field.as_str().as_str().eq_ignore_ascii_case(name));
    fields.map(|header| header.value.as_str()).collect::<Vec<_>>().join(", ")
}

/// The head for `tiny_http` to send: no data, and the length that the page really has, or that it comes in chunks.
fn head_of(response: &Response) -> tiny_http::Response<io::Empty> {
    let length = response.body.length();
    let mut head = tiny_http::Response::new(response.status.into(), Vec::new(), io::empty(), length, None)
        .with_chunked_threshold(usize::MAX);
    let headers = response.headers.iter().map(|(name, value)| (*name, value.as_str()));
    for (name, value) in headers.chain([("Content-Type", response.content_type)]).filter(|(_, value)| !value.is_empty())
    {
        match tiny_http::Header::from_bytes(name, value) {
            Ok(header) if !value.contains(|c: char| c.is_ascii_control()) => head.add_header(header),
            _ => log::error!("the field {name} was left out of a reply: its value is not printable ASCII"),
        }
    }
    head
}

/// Where questions in progress are known by their ticket, and their pages wait to be collected.
#[derive(Default)]
struct Shelf(Mutex<Places>);

#[derive(Default)]
struct Places {
    issued: u64,
    open: HashMap<u64, Option<(Body, bool)>>,
}

/// One of the places on the shelf, until dropped.
struct Ticket<'a> {
    shelf: &'a Shelf,
    number: u64,
}

impl Shelf {
    fn open(&self) -> Ticket<'_> {
        let mut places = self.places();
        places.issued += 1;
        let number = places.issued;
        places.open.insert(number, None);
        Ticket { shelf: self, number }
    }

    fn is_open(&self, number: u64) -> bool {
        self.places().open.contains_key(&number)
    }

    /// Lays a page down, if it is still waited for.
    fn lay(&self, number: u64, page: (Body, bool)) {
        if let Some(place) = self.places().open.get_mut(&number) {
            *place = Some(page);
        }
    }

    fn places(&self) -> MutexGuard<'_, Places> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ticket<'_> {
    fn collect(&self) -> Option<(Body, bool)> {
        self.shelf.places().open.get_mut(&self.number).and_then(Option::take)
    }
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        self.shelf.places().open.remove(&self.number);
    }
}

/// A generous bound: a reply's head is some 200 bytes.
const REPLY_HEAD_BYTES_MAX: u64 = 16 << 10;

/// Reads up to the empty line, behind which `tiny_http` sends nothing to a `HEAD`.
fn read_reply_head(stream: &mut dyn Duplex) -> io::Result<Vec<u8>> {
    let mut head = Vec::with_capacity(512);
    let mut piece = [0; 512];
    let mut stream = stream.take(REPLY_HEAD_BYTES_MAX);
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read(&mut piece) {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(count) => head.extend_from_slice(piece.get(..count).unwrap_or_default()),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(head)
}

fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("a panic without a message")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::site::metrics_page::Own;
    use std::fs;

    const TIME: Duration = Duration::from_secs(5);

    fn site(request: &Request) -> Response {
        match request.path.as_str() {
            "/panic" => panic!("on purpose"),
            "/slow" => thread::sleep(Duration::from_secs(1)),
            _ => {}
        }
        let seen = vec![("X-Bad", "a\r\nb".to_owned()), ("X-Good", "c".to_owned())];
        Response {
            status: 200,
            content_type: "text/x",
            headers: seen,
            body: Body::Text(format!("{request:?}").into_bytes()),
            is_shared: false,
        }
    }

    fn head(target: &str) -> impl Fn(u64) -> String {
        move |ticket| {
            format!(
                "HEAD {target} HTTP/1.1\r\nConnection: close\r\nAccept: a\r\nAccept: b\r\n{SCRAPE_TIMEOUT}: 2.5\r\n{TICKET}: {ticket}\r\n\r\n"
            )
        }
    }

    fn text(body: Body) -> String {
        let Body::Text(text) = body else { panic!("no text: {body:?}") };
        String::from_utf8(text).unwrap()
    }

    fn check(inner: &Inner) {
        let answer = inner.ask(head("/x?a?b"), TIME).map_err(|fault| format!("{fault:?}")).unwrap();
        let page = Request {
            path: "/x".into(),
            query: "a?b".into(),
            accept: "a, b".into(),
            scrape_timeout: Some(Duration::from_millis(2500)),
        };
        assert_eq!(text(answer.page), format!("{page:?}"));
        let head = String::from_utf8(answer.head).unwrap();
        assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
        assert!(head.contains(&format!("Content-Length: {}\r\n", format!("{page:?}").len())), "{head}");
        assert!(head.contains("X-Good: c\r\n") && head.contains("Content-Type: text/x\r\n"), "{head}");
        assert!(!head.contains("X-Bad") && !head.contains("Transfer-Encoding"), "{head}");
    }

    /// In whatever pieces: as it is to HTTP/1.0, in chunks to others.
    #[test]
    fn metrics_come_whole_and_framed() {
        let own = Own { connections: vec![("accepted", 1), ("refused", 2)], ..Own::default() };
        let view = metrics_page::View { miners: &[], now: Instant::now(), chips: false, price: None, own: Some(own) };
        let page = Box::new(metrics_page::page(&view));
        let text = page.to_text();
        let pieces = |body: &Body, bytes| {
            let (mut pieces, mut all, mut piece) = (body.pieces(), Vec::new(), Buffer::default());
            loop {
                piece.clear();
                pieces.write(&mut piece, bytes);
                if piece.is_empty() {
                    return String::from_utf8(all).unwrap();
                }
                all.extend_from_slice(piece.text());
            }
        };
        for bytes in [20, 100, 1 << 20] {
            let measured = Body::Measured(page.clone(), page.length());
            assert_eq!((measured.length(), pieces(&measured, bytes)), (Some(text.len()), text.clone()), "{bytes}");
            let (body, mut rest, mut joined) = (Body::Page(page.clone()), String::new(), String::new());
            rest += &pieces(&body, bytes);
            while let Some((length, after)) = rest.split_once("\r\n") {
                let (chunk, after) = after.split_at(usize::from_str_radix(length, 16).unwrap());
                joined += chunk;
                rest = after.strip_prefix("\r\n").unwrap().to_owned();
            }
            assert_eq!((joined, rest.as_str()), (text.clone(), ""), "{bytes}");
        }
    }

    #[test]
    fn a_lost_server_is_built_anew_in_a_new_place() {
        let parent = std::env::temp_dir().join(format!("inner-test-{}", std::process::id()));
        fs::create_dir(&parent).unwrap();
        let home = || fs::read_dir(&parent).unwrap().next().map(|entry| entry.unwrap().path());
        let inner = Inner::start(std::slice::from_ref(&parent), 1, Arc::new(site)).unwrap();
        check(&inner);
        let first = home().unwrap();
        fs::remove_dir_all(&first).unwrap();
        check(&inner);
        check(&inner);
        assert_eq!(inner.rebuilt(), 1);
        assert_ne!(home(), Some(first));
        inner.close();
        assert!(matches!(inner.ask(head("/"), TIME), Err(Fault::Dead(_))));
        assert_eq!(home(), None);
        fs::remove_dir(&parent).unwrap();
    }

    #[test]
    fn panics_and_lateness_have_their_answers() {
        let inner = Inner::start(&[std::env::temp_dir()], 1, Arc::new(site)).unwrap();
        let answer = inner.ask(head("/panic"), TIME).map_err(|fault| format!("{fault:?}")).unwrap();
        assert!(answer.head.starts_with(b"HTTP/1.1 500 "));
        assert!(matches!(inner.ask(head("/slow"), Duration::from_millis(100)), Err(Fault::Late)));
        check(&inner);
        assert!(inner.shelf.places().open.is_empty());
        inner.close();
    }

    #[test]
    fn a_stranger_without_a_ticket_gets_nothing() {
        let inner = Inner::start(&[], 1, Arc::new(site)).unwrap();
        let address = inner.state().current.as_ref().unwrap().address.clone();
        let mut stream = address.dial(Instant::now() + TIME).unwrap();
        stream.write_all(head("/")(99).as_bytes()).unwrap();
        assert!(read_reply_head(stream.as_mut()).unwrap().starts_with(b"HTTP/1.1 404 "));
    }
}
