//! Hostile clients against the gate, over real sockets on loopback. Each attack is followed by an honest client.

use avalonhome_prometheus_exporter::http::{Class, Counters, Counts, Gate, Handler, Limits, RequestHead, Response};

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use std::{env, fs, process, thread};

use crate::{AtEnd, wait_until};

const MEGABYTE: usize = 1_000_000;
/// What an honest client waits at most. Prompt is some milliseconds; the rest is for a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);
/// The deadlines of others, unless a test is about them: to wait for one would exceed [`PATIENCE`].
const MINUTE: Duration = Duration::from_secs(60);

struct Site {
    address: SocketAddr,
    gate: Arc<Gate>,
    counters: Arc<Counters>,
    dir: PathBuf,
}

impl Site {
    fn new(change: impl FnOnce(&mut Limits)) -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").unwrap(), change)
    }

    fn on(listener: TcpListener, change: impl FnOnce(&mut Limits)) -> Self {
        static SITES: AtomicU64 = AtomicU64::new(0);
        let number = SITES.fetch_add(1, Ordering::Relaxed);
        let dir = env::temp_dir().join(format!("gate-test-{}-{number}", process::id()));
        fs::create_dir_all(&dir).unwrap();
        let mut limits = Limits { connections: 64, per_client: 32, ..Limits::for_machine(1) };
        (limits.head_time, limits.wait_time, limits.answer_time) = (MINUTE, MINUTE, MINUTE);
        change(&mut limits);
        let address = listener.local_addr().unwrap();
        let (counters, dirs) = (Arc::new(Counters::default()), std::slice::from_ref(&dir));
        let gate = Gate::start(listener, dirs, limits, Arc::new(Pages), counters.clone()).unwrap();
        Self { address, gate, counters, dir }
    }

    fn counts(&self) -> Counts {
        self.counters.read()
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// That many connections that say this, be it nothing. Some are thrown out for others before they have said it.
    /// The pauses keep the listener's backlog (128) from overflowing, which would only test how the kernel repeats a SYN
    /// after a second.
    fn crowd(&self, bytes: &[u8], count: usize) -> Vec<TcpStream> {
        let connect = |number: usize| {
            if number.is_multiple_of(50) {
                thread::sleep(Duration::from_millis(10));
            }
            let mut stream = self.connect();
            let _ = stream.write_all(bytes);
            stream
        };
        (0..count).map(connect).collect()
    }

    fn send(&self, bytes: &[u8]) -> TcpStream {
        let mut stream = self.connect();
        stream.write_all(bytes).unwrap();
        stream
    }

    /// Everything the server says to these bytes until it closes; a reset is an end too.
    fn ask(&self, bytes: &[u8]) -> String {
        let mut stream = self.connect();
        let _ = stream.write_all(bytes); // a refusal can come before the last byte
        String::from_utf8(read_all(&mut stream)).unwrap()
    }

    fn assert_served(&self) {
        let begin = Instant::now();
        let reply = self.ask(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
        assert!(reply.starts_with("HTTP/1.1 200 OK\r\n"), "{:?}, {:?}", first_line(&reply), self.counts());
        assert_eq!(body(&reply), "up 1\n");
        assert!(begin.elapsed() < PATIENCE);
    }

    fn assert_status(&self, head: &[u8], status: &str) {
        let reply = self.ask(head);
        let shown = String::from_utf8_lossy(&head[..head.len().min(80)]).into_owned();
        assert_eq!(first_line(&reply), format!("HTTP/1.1 {status}"), "{shown:?}");
        assert_eq!(body(&reply), format!("{status}\n"), "{shown:?}");
        assert_eq!(field(&reply, "Content-Length"), Some((status.len() + 1).to_string().as_str()), "{shown:?}");
        assert_eq!(field(&reply, "Connection"), Some("close"), "{shown:?}");
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.gate.close();
        fs::remove_dir(&self.dir).expect("the gate left something behind");
    }
}

/// How often the page `/shared` was made.
static MADE: AtomicU64 = AtomicU64::new(0);

/// How often `/held` was asked for, and whether it is to be answered.
static HELD: AtomicU64 = AtomicU64::new(0);
static IS_RELEASED: AtomicBool = AtomicBool::new(false);

/// The same of `/remote`.
static REMOTE: AtomicU64 = AtomicU64::new(0);
static IS_REMOTE_RELEASED: AtomicBool = AtomicBool::new(false);

struct Pages;

impl Handler for Pages {
    fn class(&self, request: &RequestHead) -> Class {
        match request.path.as_str() {
            "/big" | "/shared" => Class::Large,
            "/remote" => Class::Remote,
            _ => Class::Quick,
        }
    }

    fn answer(&self, request: &RequestHead) -> Response {
        let ok = |body: Vec<u8>| Response::new(200, "text/plain", body);
        match request.path.as_str() {
            "/metrics" => ok(b"up 1\n".to_vec()),
            "/big" => ok(vec![b'x'; request.query.parse().unwrap_or(MEGABYTE)]),
            "/echo" => {
                let fields = ["Accept", "X-Prometheus-Scrape-Timeout-Seconds"].map(|name| request.field(name));
                ok(format!("{} {} {fields:?}", request.path, request.query).into_bytes())
            }
            "/held" => ok(hold(&HELD, &IS_RELEASED)),
            "/remote" => ok(hold(&REMOTE, &IS_REMOTE_RELEASED)),
            "/panic" => panic!("on purpose"),
            "/shared" => {
                let made = MADE.fetch_add(1, Ordering::Relaxed) + 1;
                thread::sleep(Duration::from_millis(100));
                Response { is_shared: true, ..ok(vec![b'!' + u8::try_from(made).unwrap(); 8 * MEGABYTE]) }
            }
            _ => {
                let headers = vec![("X-Why", "unknown".to_owned())];
                Response { headers, ..Response::new(404, "text/plain", b"no such page\n".to_vec()) }
            }
        }
    }
}

/// Waits for a minute at most.
fn hold(count: &AtomicU64, is_released: &AtomicBool) -> Vec<u8> {
    count.fetch_add(1, Ordering::Relaxed);
    (0..6000)
        .take_while(|_| !is_released.load(Ordering::Relaxed))
        .for_each(|_| thread::sleep(Duration::from_millis(10)));
    Vec::new()
}

fn read_all(stream: &mut TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    match stream.read_to_end(&mut bytes) {
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
            panic!("never closed; so far {:?}", String::from_utf8_lossy(&bytes[..bytes.len().min(200)]))
        }
        _ => bytes,
    }
}

fn first_line(reply: &str) -> &str {
    reply.lines().next().unwrap_or("")
}

fn body(reply: &str) -> &str {
    reply.split_once("\r\n\r\n").map_or("", |(_, body)| body)
}

fn field<'a>(reply: &'a str, name: &str) -> Option<&'a str> {
    let head = reply.split("\r\n\r\n").next()?;
    head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

/// Goes on with an attack on a thread, in small steps, until `check` is done.
fn during(mut step: impl FnMut() + Send, check: impl FnOnce()) {
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                step();
                thread::sleep(Duration::from_millis(15));
            }
        });
        let _end = AtEnd(&is_over);
        check();
    });
}

/// Runs the calling test again in a process of its own, so that it can count threads, descriptors and memory. True in
/// that process.
fn alone(test: &str) -> bool {
    if env::var_os("GATE_TEST_ALONE").is_some() {
        return true;
    }
    // A test's name is its path without the crate.
    let name = module_path!().split_once("::").map_or(test.to_owned(), |(_, module)| format!("{module}::{test}"));
    let mut command = process::Command::new(env::current_exe().unwrap());
    let ended = command.args(["--exact", &name, "--nocapture"]).env("GATE_TEST_ALONE", "1").output().unwrap();
    let output = String::from_utf8_lossy(&ended.stdout) + String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success() && output.contains("1 passed"), "{output}");
    false
}

/// Resident memory of this process in kB.
fn resident() -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}

fn threads_and_descriptors() -> (usize, usize) {
    let count = |dir| fs::read_dir(dir).unwrap().count();
    (count("/proc/self/task"), count("/proc/self/fd"))
}

#[test]
fn pages_reach_the_client_whole() {
    let site = Site::new(|_| {});
    site.assert_served();
    for (head, path, query) in [
        ("GET /echo?a=b?c HTTP/1.1\r\n\r\n", "/echo", "a=b?c"),
        ("GET /echo HTTP/1.1\r\nHost: x\r\n\r\n", "/echo", ""),
        ("GET http://x:1/echo?q HTTP/1.1\r\nHost: x\r\n\r\n", "/echo", "q"),
    ] {
        assert_eq!(body(&site.ask(head.as_bytes())), format!("{path} {query} [None, None]"));
    }
    let echo = site.ask(b"GET /echo HTTP/1.1\r\nAccept: a/b\r\nX-Prometheus-Scrape-Timeout-Seconds: 9.5\r\n\r\n");
    assert_eq!(body(&echo), "/echo  [Some(\"a/b\"), Some(\"9.5\")]");

    let reply = site.ask(b"GET /big?20000000 HTTP/1.1\r\n\r\n");
    assert_eq!((field(&reply, "Content-Length"), body(&reply).len()), (Some("20000000"), 20 * MEGABYTE));
    assert_eq!(field(&reply, "Connection"), Some("close"));

    let reply = site.ask(b"GET /metrics HTTP/1.0\r\n\r\n");
    assert!(reply.starts_with("HTTP/1.0 200 OK\r\n") && body(&reply) == "up 1\n", "{reply}");

    let reply = site.ask(b"GET /other HTTP/1.1\r\n\r\n");
    assert!(reply.starts_with("HTTP/1.1 404 Not Found\r\n") && body(&reply) == "no such page\n", "{reply}");
    assert_eq!(field(&reply, "X-Why"), Some("unknown"));
    assert_eq!(site.counts().refused, 0);
}

#[test]
fn head_is_get_without_the_page() {
    let site = Site::new(|_| {});
    for version in ["1.0", "1.1"] {
        let reply = site.ask(format!("HEAD /big?70000 HTTP/{version}\r\nHost: x\r\n\r\n").as_bytes());
        assert_eq!(first_line(&reply), format!("HTTP/{version} 200 OK"));
        assert_eq!((field(&reply, "Content-Length"), body(&reply)), (Some("70000"), ""));
    }
    let reply = site.ask(b"HEAD / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n");
    assert_eq!((first_line(&reply), body(&reply)), ("HTTP/1.1 413 Content Too Large", ""));
}

#[test]
fn malformed_requests_are_told_why() {
    let site = Site::new(|limits| limits.head_time = Duration::from_secs(2));
    let long = format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(3000));
    let endless = format!("GET /{}", "x".repeat(30_000));
    let wide = format!("GET / HTTP/1.1\r\na: {}", "x".repeat(30_000));
    let many = format!("GET / HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(100));
    for (head, status) in [
        (&b"GET / HTTP/1.1\r\nContent-Length: 30000000000\r\n\r\n"[..], "413 Content Too Large"),
        (b"GET / HTTP/1.1\r\nContent-Length: 18446744073709551615\r\n\r\n", "413 Content Too Large"),
        (b"GET / HTTP/1.1\r\nContent-Length: 99999999999999999999999\r\n\r\n", "413 Content Too Large"),
        (b"GET / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2000\r\n\r\n", "413 Content Too Large"),
        (b"GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", "413 Content Too Large"),
        (b"GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", "400 Bad Request"),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0", "505 HTTP Version Not Supported"),
        (b"GET /\xff\xfe HTTP/1.1\r\n\r\n", "400 Bad Request"),
        (b"\xc3\x28\xa0\xa1\r\n\r\n", "400 Bad Request"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "400 Bad Request"),
        (b"GET / HTTP/1.0\n\n", "400 Bad Request"),
        (b"GET /\r\n\r\n", "400 Bad Request"),
        (b"GET / HTTP/1.1\r\nHo st: x\r\n\r\n", "400 Bad Request"),
        (b"GET / HTTP/1.1\r\na: b\rc\r\n\r\n", "400 Bad Request"),
        (long.as_bytes(), "414 URI Too Long"),
        (endless.as_bytes(), "414 URI Too Long"),
        (wide.as_bytes(), "431 Request Header Fields Too Large"),
        (many.as_bytes(), "431 Request Header Fields Too Large"),
        (b"GET / HTT", "408 Request Timeout"),
    ] {
        site.assert_status(head, status);
    }
    for method in ["POST", "OPTIONS", "PUT", "DELETE", "TRACE", "PATCH", "BREW"] {
        let head = format!("{method} / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello");
        site.assert_status(head.as_bytes(), "405 Method Not Allowed");
        assert_eq!(field(&site.ask(head.as_bytes()), "Allow"), Some("GET, HEAD"));
    }
    let list = format!("GET /metrics HTTP/1.1\r\nTE: {}\r\n\r\n", "x;q=nan,x;q=0.3,".repeat(40));
    assert_eq!(first_line(&site.ask(list.as_bytes())), "HTTP/1.1 200 OK");
    assert_eq!(site.ask(b""), "", "an idle client is closed without a word");
    site.assert_served();
    let counters = site.counts();
    assert_eq!((counters.refused, counters.timeout, counters.evicted, counters.rebuilt), (32, 2, 0, 0));
}

#[test]
fn a_panic_is_a_500_and_costs_no_worker() {
    let site = Site::new(|limits| limits.workers = 2);
    for _ in 0..5 {
        assert_eq!(first_line(&site.ask(b"GET /panic HTTP/1.1\r\n\r\n")), "HTTP/1.1 500 Internal Server Error");
    }
    site.assert_served();
    assert_eq!(site.counts().rebuilt, 0);
}

#[test]
fn remote_requests_have_workers_of_their_own() {
    let site = Site::new(|limits| (limits.workers, limits.remote_workers) = (1, 2));
    let remote: Vec<_> = (0..3).map(|_| site.send(b"GET /remote HTTP/1.1\r\n\r\n")).collect();
    wait_until("two remote requests", || (REMOTE.load(Ordering::Relaxed) == 2).then_some(()));
    site.assert_served();
    assert_eq!(REMOTE.load(Ordering::Relaxed), 2, "the third has to wait");
    IS_REMOTE_RELEASED.store(true, Ordering::Relaxed);
    for mut stream in remote {
        assert_eq!(first_line(&String::from_utf8(read_all(&mut stream)).unwrap()), "HTTP/1.1 200 OK");
    }
    assert_eq!(REMOTE.load(Ordering::Relaxed), 3);
}

#[test]
fn slow_handlers_have_their_limits() {
    // The second client is refused long before the first one is given up.
    let site = Site::new(|limits| {
        (limits.workers, limits.answer_time) = (1, Duration::from_secs(3));
        limits.wait_time = Duration::from_millis(100);
    });
    let mut first = site.send(b"GET /held HTTP/1.1\r\n\r\n");
    wait_until("the handler at work", || (HELD.load(Ordering::Relaxed) == 1).then_some(()));
    site.assert_status(b"GET /metrics HTTP/1.1\r\n\r\n", "503 Service Unavailable");
    let first = String::from_utf8(read_all(&mut first)).unwrap();
    assert_eq!(first_line(&first), "HTTP/1.1 504 Gateway Timeout");
    IS_RELEASED.store(true, Ordering::Relaxed);
    site.assert_served();
    assert_eq!(site.counts().rebuilt, 0);
}

#[test]
fn a_lost_inner_server_is_rebuilt() {
    let site = Site::new(|_| {});
    for rebuilt in 1..=3 {
        let home = fs::read_dir(&site.dir).unwrap().next().unwrap().unwrap().path();
        for entry in fs::read_dir(&home).unwrap() {
            fs::remove_file(entry.unwrap().path()).unwrap();
        }
        site.assert_served();
        assert_eq!(site.counts().rebuilt, rebuilt);
    }
}

#[test]
fn after_close_nothing_is_left() {
    let site = Site::new(|_| {});
    site.gate.close();
    assert_eq!(fs::read_dir(&site.dir).unwrap().count(), 0);
    site.assert_status(b"GET /metrics HTTP/1.1\r\n\r\n", "502 Bad Gateway");
}

#[test]
fn five_hundred_idle_clients_keep_nobody_waiting() {
    let site = Site::new(|_| {});
    let idle = site.crowd(b"", 500);
    for _ in 0..10 {
        site.assert_served();
    }
    assert!(site.counts().evicted >= 400, "{:?}", site.counts());
    drop(idle);
    site.assert_served();
}

#[test]
fn dripping_heads_keep_nobody_waiting_and_are_cut() {
    const HEAD_TIME: Duration = Duration::from_secs(2);
    let site = Site::new(|limits| limits.head_time = HEAD_TIME);
    let mut heads = site.crowd(b"GET /metrics HTTP/1.1\r\na: ", 100);
    let drip = move || heads.retain_mut(|stream| stream.write_all(b"x").is_ok());
    during(drip, || {
        for _ in 0..10 {
            thread::sleep(Duration::from_millis(50));
            site.assert_served();
        }
        let begin = Instant::now();
        let mut one = site.send(b"GET");
        one.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
        let mut byte = [0];
        while let Err(ErrorKind::WouldBlock) = one.read(&mut byte).map_err(|error| error.kind()) {
            let _ = one.write_all(b"x");
            assert!(begin.elapsed() < PATIENCE, "dripping stretched the deadline");
        }
        assert!(begin.elapsed() >= HEAD_TIME, "{:?}", begin.elapsed());
    });
}

/// Of pages that the kernel's buffers take whole, and of pages that stay in memory until their reader is thrown out.
#[test]
fn slow_readers_keep_nobody_waiting() {
    for (page_bytes, rounds) in [(MEGABYTE, 10), (6 * MEGABYTE, 2)] {
        let site = Site::new(|_| {});
        let head = format!("GET /big?{page_bytes} HTTP/1.1\r\nHost: x\r\n\r\n");
        let mut readers = site.crowd(head.as_bytes(), 50);
        for stream in &readers {
            stream.set_nonblocking(true).unwrap();
        }
        let crawl = move || {
            for stream in &mut readers {
                let _ = stream.read(&mut [0]);
            }
        };
        during(crawl, || {
            thread::sleep(Duration::from_millis(100)); // when all readers ask at once, none can be told from an honest one
            for _ in 0..rounds {
                thread::sleep(Duration::from_millis(20));
                site.assert_served();
                assert_eq!(body(&site.ask(head.as_bytes())).len(), page_bytes);
            }
        });
    }
}

/// Who asks for it gets it anew, while there is memory: two pages of this size fit. A crowd shares them, each whole.
#[test]
fn a_page_for_all_is_shared_by_a_crowd() {
    let site = Site::new(|_| {});
    let head = |number: usize| format!("GET /shared?{number} HTTP/1.1\r\nAccept: {number}\r\n\r\n");
    let made = || MADE.load(Ordering::Relaxed);
    for times in 1..=3 {
        assert_eq!((number(&site.ask(head(0).as_bytes())), made()), (times, times));
    }
    let mut first = site.send(head(0).as_bytes());
    first.read_exact(&mut [0]).unwrap();
    let reply = site.ask(head(1).as_bytes());
    assert_eq!(number(&reply), 5, "one that is on its way is not shared without need");
    let stalled = site.crowd(head(0).as_bytes(), 20);
    thread::scope(|scope| {
        for _ in 0..10 {
            scope.spawn(|| {
                let number = number(&site.ask(head(7).as_bytes()));
                assert!((4..=made()).contains(&number), "{number} of {}", made());
            });
        }
    });
    // One for all others on a quiet machine; one more each time that it takes half a second to hand them out.
    let times = made();
    assert!((6..=15).contains(&times), "made {times} times for 35 clients");
    assert_eq!(body(&site.ask(b"HEAD /shared HTTP/1.1\r\n\r\n")), "");
    let times = made();
    thread::sleep(Duration::from_millis(600));
    assert!(number(&site.ask(head(7).as_bytes())) > times, "a page was shared that is old");
    drop((first, stalled));
}

/// The number of this page `/shared` in the order in which they were made. It has to be whole.
fn number(reply: &str) -> u64 {
    let page = body(reply).as_bytes();
    assert!(page.len() == 8 * MEGABYTE && page.iter().all(|byte| *byte == page[0]), "{}", first_line(reply));
    u64::from(page[0] - b'!')
}

/// One page alone is more than the memory for pages here, and readers that move would be safe for a minute.
#[test]
fn stalled_readers_of_huge_pages_make_room() {
    let site = Site::new(|limits| limits.response_grace = MINUTE);
    let head = b"GET /big?30000000 HTTP/1.1\r\nHost: x\r\n\r\n";
    let stalled = site.crowd(head, 12);
    let is_sent = |stream: &&TcpStream| {
        stream.set_nonblocking(true).unwrap();
        stream.peek(&mut [0]).is_ok_and(|count| count > 0)
    };
    wait_until("as many pages on their way as fit", || (stalled.iter().filter(is_sent).count() >= 2).then_some(()));
    site.assert_served();
    let reply = site.ask(head);
    assert_eq!(body(&reply).len(), 30 * MEGABYTE, "{:?}, {:?}", first_line(&reply), site.counts());
    assert!(site.counts().evicted > 0);
    drop(stalled);
}

#[test]
fn a_slow_download_that_moves_is_not_cut() {
    let site = Site::new(|limits| limits.response_time = Duration::from_millis(300));
    let mut stream = site.send(b"GET /big?20000000 HTTP/1.1\r\n\r\n");
    let (mut read, mut piece, begin) = (0, vec![0; 2 * MEGABYTE], Instant::now());
    loop {
        thread::sleep(Duration::from_millis(100));
        let mut got = 0;
        while got < piece.len() {
            match stream.read(&mut piece[got..]).unwrap() {
                0 => break,
                count => got += count,
            }
        }
        read += got;
        if got < piece.len() {
            break;
        }
    }
    assert!(read > 20 * MEGABYTE && begin.elapsed() > Duration::from_secs(1));
    assert_eq!(site.counts().timeout, 0);
}

#[test]
fn endless_input_is_cut() {
    let site = Site::new(|_| {});
    let line = "x".repeat(64 << 10);
    let lines = "a: b\r\n".repeat(10_000);
    for (begin, piece) in
        [(&b"GET /"[..], line.as_str()), (b"GET / HTTP/1.1\r\na: ", &line), (b"GET / HTTP/1.1\r\n", &lines)]
    {
        let mut stream = site.send(begin);
        let mut sent = 0;
        while sent < 100 * MEGABYTE && stream.write_all(piece.as_bytes()).is_ok() {
            sent += piece.len();
        }
        assert!(sent < 20 * MEGABYTE, "{sent} bytes of garbage went in");
    }
    site.assert_served();
}

#[test]
fn a_refusal_reaches_a_client_that_is_still_sending() {
    let site = Site::new(|_| {});
    let mut stream = site.send(b"POST / HTTP/1.1\r\nContent-Length: 50000\r\n\r\n");
    for _ in 0..5 {
        thread::sleep(Duration::from_millis(10));
        stream.write_all(&[b'x'; 10_000]).unwrap();
    }
    let reply = String::from_utf8(read_all(&mut stream)).unwrap();
    assert_eq!(first_line(&reply), "HTTP/1.1 405 Method Not Allowed");
}

#[test]
fn pipelined_requests_get_one_reply() {
    let site = Site::new(|_| {});
    let reply = site.ask("GET /metrics HTTP/1.1\r\n\r\n".repeat(10_000).as_bytes());
    assert_eq!(reply.matches("HTTP/1.1").count(), 1);
    assert_eq!(body(&reply), "up 1\n");
    site.assert_served();
}

#[test]
fn clients_may_leave_at_any_moment() {
    let site = Site::new(|_| {});
    let head = b"GET /big?3000000 HTTP/1.1\r\nHost: x\r\n\r\n";
    for round in 0..200 {
        let stream = site.send(&head[..round % (head.len() + 1)]);
        if round % 2 == 0 {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
    for _ in 0..20 {
        let mut stream = site.send(head);
        stream.read_exact(&mut [0; 10]).unwrap(); // the rest stays unread, which makes closing a reset
    }
    site.assert_served();
    let mut stream = site.send(b"GET /metrics HTTP/1.1\r\n\r\n");
    stream.shutdown(Shutdown::Write).unwrap();
    assert!(read_all(&mut stream).ends_with(b"up 1\n"), "a half-closed client is served");
}

/// Another address's flood displaces its own connections only.
#[test]
fn an_address_that_has_its_share_displaces_its_own() {
    let Ok(listener) = TcpListener::bind("[::]:0") else { return };
    let port = listener.local_addr().unwrap().port();
    let mut site = Site::on(listener, |_| {});
    site.address = SocketAddr::from(([127, 0, 0, 1], port));
    let Ok(mut slow) = TcpStream::connect((std::net::Ipv6Addr::LOCALHOST, port)) else { return };
    slow.set_read_timeout(Some(PATIENCE)).unwrap();
    slow.write_all(b"GET /metrics HTTP/1.1\r\n").unwrap();
    let flood = site.crowd(b"", 300);
    site.assert_served();
    slow.write_all(b"Host: x\r\n\r\n").unwrap();
    assert!(read_all(&mut slow).ends_with(b"up 1\n"));
    drop(flood);
}

/// Waits until there are no more threads and descriptors than before; `tiny_http` keeps idle threads for 5 s.
fn assert_all_released(before: (usize, usize)) {
    let begin = Instant::now();
    let mut after = threads_and_descriptors();
    while (after.0 > before.0 || after.1 > before.1) && begin.elapsed() < PATIENCE {
        thread::sleep(Duration::from_millis(50));
        after = threads_and_descriptors();
    }
    assert!(after.0 <= before.0 && after.1 <= before.1, "{before:?} became {after:?}");
}

#[test]
fn nothing_leaks() {
    if !alone("nothing_leaks") {
        return;
    }
    let site = Site::new(|_| {});
    site.assert_served();
    let before = threads_and_descriptors();
    for _ in 0..100 {
        site.assert_status(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "505 HTTP Version Not Supported");
    }
    drop(site.crowd(b"", 300));
    drop(site.crowd(b"GET /big?9000000 HTTP/1.1\r\n\r\n", 50));
    drop(site.crowd(b"GET / HTTP/1.1\r\nContent-Length: 2000\r\n\r\n", 50));
    site.assert_served();
    assert_all_released(before);
}

/// Whether only the socket is gone or its directory too.
#[test]
fn replaced_servers_leave_nothing_behind() {
    if !alone("replaced_servers_leave_nothing_behind") {
        return;
    }
    let site = Site::new(|_| {});
    site.assert_served();
    let before = threads_and_descriptors();
    for rebuilt in 1..=30 {
        let home = fs::read_dir(&site.dir).unwrap().next().unwrap().unwrap().path();
        fs::remove_file(home.join("inner")).unwrap();
        if rebuilt % 2 == 0 {
            fs::remove_dir(&home).unwrap();
        }
        site.assert_served();
        assert_eq!(site.counts().rebuilt, rebuilt);
        assert_eq!(fs::read_dir(&site.dir).unwrap().count(), 1, "the old directory is still there");
    }
    assert_all_released(before);
}

#[test]
fn crowds_take_little_memory() {
    if !alone("crowds_take_little_memory") {
        return;
    }
    let site = Site::new(|_| {});
    site.assert_served();
    let before = resident();
    let idle = site.crowd(b"", 500);
    let readers = site.crowd(b"GET /big HTTP/1.1\r\nHost: x\r\n\r\n", 50);
    let mut most = 0;
    for _ in 0..40 {
        most = most.max(resident());
        thread::sleep(Duration::from_millis(50));
    }
    site.assert_served();
    drop((idle, readers));
    let grown = most.saturating_sub(before);
    println!("memory grew by {grown} kB");
    assert!(grown < 16 * 1024, "{grown} kB");
}
