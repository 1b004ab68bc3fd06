//! The program under test: its settings, a running exporter, what it answers over HTTP, what it logs, how it ends.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::fake_miner::FakeMiner;
use crate::page::Page;
use crate::{PATIENCE, own_loopback, wait_until};

/// The program that Cargo built for these tests.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_avalonhome-prometheus-exporter");

/// The environment that the program gets: these variables and no others.
#[derive(Clone)]
pub struct Settings(BTreeMap<String, String>);

impl Settings {
    /// For these miners, at a rhythm for tests, on a loopback address and port that are free.
    pub fn for_miners<'a>(miners: impl IntoIterator<Item = &'a FakeMiner>) -> Self {
        let targets: Vec<_> = miners.into_iter().map(FakeMiner::target).collect();
        Self::new().set("AVALON_IPS", targets.join(","))
    }

    /// No variable at all.
    pub fn nothing() -> Self {
        Self(BTreeMap::new())
    }

    /// Without a miner.
    pub fn new() -> Self {
        let free = TcpListener::bind((own_loopback(), 0)).and_then(|listener| listener.local_addr()).expect("a port");
        Self::nothing()
            .set("EXPORTER_ADDRESS", free.ip())
            .set("EXPORTER_PORT", free.port())
            .set("UPDATE_INTERVAL", "0.1")
            .set("MINER_TIMEOUT", "5")
    }

    /// Sets one variable.
    #[expect(clippy::needless_pass_by_value, reason = "a caller writes 7 or \"0.1\" or a name it has made, without &")]
    pub fn set(mut self, name: &str, value: impl ToString) -> Self {
        self.0.insert(name.to_owned(), value.to_string());
        self
    }

    /// Unsets one variable.
    pub fn unset(mut self, name: &str) -> Self {
        self.0.remove(name);
        self
    }

    /// Where the program will answer: the address that it listens on, or loopback if it listens on all.
    pub fn address(&self) -> SocketAddr {
        let written = self.0["EXPORTER_ADDRESS"].trim_matches(['[', ']']);
        let ip = match written.parse().expect("an address") {
            IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
            IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
            ip => ip,
        };
        SocketAddr::new(ip, self.port())
    }

    /// The port where the program will listen.
    pub fn port(&self) -> u16 {
        self.0["EXPORTER_PORT"].parse().expect("a port")
    }

    /// Starts the exporter and waits until it answers.
    pub fn start(&self) -> Exporter {
        self.start_as(Command::new(PROGRAM))
    }

    /// The same with arguments.
    pub fn start_with(&self, arguments: &[&str]) -> Exporter {
        let mut command = Command::new(PROGRAM);
        command.args(arguments);
        self.start_as(command)
    }

    /// The same with a command that becomes the program sooner or later.
    pub fn start_as(&self, command: Command) -> Exporter {
        let mut exporter = self.spawn(command);
        wait_until("an answer of the exporter", || {
            if let Some(status) = exporter.process.child.try_wait().expect("to look after a child") {
                panic!("the exporter ended at once, {status}");
            }
            ask(exporter.address, "GET", "/health", &[]).ok()
        });
        exporter
    }

    /// The same without waiting for anything.
    pub fn spawn(&self, command: Command) -> Exporter {
        Exporter { address: self.address(), process: Process::spawn(command, &self.0) }
    }

    /// Runs the program with these arguments until it ends by itself.
    pub fn run(&self, arguments: &[&str]) -> Ended {
        let mut command = Command::new(PROGRAM);
        command.args(arguments);
        self.run_as(command)
    }

    /// Runs a command that becomes the program until it ends by itself.
    pub fn run_as(&self, command: Command) -> Ended {
        Process::spawn(command, &self.0).wait()
    }
}

/// A running exporter. Dropping it kills it.
pub struct Exporter {
    address: SocketAddr,
    process: Process,
}

impl Exporter {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.process.child.id()
    }

    /// A number that the kernel's status file of the process has under this key: `VmHWM`, `Threads`.
    pub fn status(&self, key: &str) -> u64 {
        let path = format!("/proc/{}/status", self.id());
        let status = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
        let value = status.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'));
        let number = value.and_then(|value| value.split_ascii_whitespace().next()?.parse().ok());
        number.unwrap_or_else(|| panic!("no {key} in {path}"))
    }

    /// The names of its threads, each cut to 15 bytes by the kernel.
    pub fn threads(&self) -> Vec<String> {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.id())).expect("the tasks of a process");
        // A thread may end while they are read.
        tasks.filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("comm")).ok()).collect()
    }

    /// Asks for a path.
    pub fn get(&self, path: &str) -> Response {
        self.ask("GET", path, &[])
    }

    /// Asks with a method and header lines.
    pub fn ask(&self, method: &str, path: &str, headers: &[&str]) -> Response {
        ask(self.address, method, path, headers).unwrap_or_else(|error| panic!("{method} {path}: {error}"))
    }

    /// The metrics page, which has to obey every rule of the format.
    pub fn page(&self) -> Page {
        let response = self.get("/metrics");
        assert_eq!(response.status, 200);
        Page::parse(&response.text()).unwrap_or_else(|error| panic!("/metrics, {error}"))
    }

    /// Waits for a page of which this is true, and returns it.
    pub fn wait_for(&self, what: &str, fits: impl Fn(&Page) -> bool) -> Page {
        wait_until(&format!("a page with {what}"), || Some(self.page()).filter(&fits))
    }

    /// Waits until these miners are up (1) or down (0).
    pub fn wait_for_up(&self, label: &str, up: f64) -> Page {
        self.wait_for(&format!("avalon_up {up} of {label}"), |page| {
            page.value("avalon_up", &[("ip", label)]) == Some(up)
        })
    }

    /// What it wrote to standard error so far.
    pub fn log(&self) -> String {
        self.process.stderr.text()
    }

    /// Sends a signal by its short name.
    pub fn signal(&self, name: &str) {
        // The standard library sends no signal but KILL; every Unix has the command.
        let status =
            Command::new("kill").args(["-s", name, &self.id().to_string()]).status().expect("the command kill");
        assert!(status.success(), "kill -s {name}");
    }

    /// Waits until it ends by itself.
    pub fn wait(self) -> Ended {
        self.process.wait()
    }
}

/// How the program ended.
#[derive(Debug)]
pub struct Ended {
    pub status: ExitStatus,
    pub stdout: String,
    pub stderr: String,
    /// Since the wait began, or since the start for [`Settings::run`].
    pub took: Duration,
}

impl Ended {
    /// The exit code; a signal has none.
    pub fn code(&self) -> Option<i32> {
        self.status.code()
    }
}

/// A child whose output is read all the time, so that no full pipe can hold it up.
struct Process {
    child: Child,
    stdout: Output,
    stderr: Output,
}

impl Process {
    fn spawn(mut command: Command, environment: &BTreeMap<String, String>) -> Self {
        // So that its coverage is counted, where somebody measures it.
        let coverage = std::env::var_os("LLVM_PROFILE_FILE").map(|file| ("LLVM_PROFILE_FILE", file));
        command
            .env_clear()
            .envs(coverage)
            .envs(environment)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program to start");
        let stdout = Output::collect(child.stdout.take().expect("a pipe"));
        let stderr = Output::collect(child.stderr.take().expect("a pipe"));
        Self { child, stdout, stderr }
    }

    fn wait(mut self) -> Ended {
        let start = Instant::now();
        let status = wait_until("the end of the program", || self.child.try_wait().expect("to look after a child"));
        let took = start.elapsed();
        self.stdout.finish();
        self.stderr.finish();
        Ended { status, stdout: self.stdout.text(), stderr: self.stderr.text(), took }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            eprintln!("standard output and error of the program:\n{}\n{}", self.stdout.text(), self.stderr.text());
        }
    }
}

/// All that came out of a pipe so far.
struct Output {
    bytes: Arc<Mutex<Vec<u8>>>,
    thread: Option<JoinHandle<()>>,
}

impl Output {
    fn collect(mut pipe: impl Read + Send + 'static) -> Self {
        let bytes = Arc::new(Mutex::new(Vec::new()));
        let collected = Arc::clone(&bytes);
        let thread = thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(length @ 1..) = pipe.read(&mut buffer) {
                collected.lock().expect("no panic in between").extend_from_slice(&buffer[..length]);
            }
        });
        Self { bytes, thread: Some(thread) }
    }

    fn finish(&mut self) {
        if let Some(thread) = self.thread.take() {
            thread.join().expect("the reading thread never panics");
        }
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes.lock().expect("no panic in between")).into_owned()
    }
}

/// An answer over HTTP/1.1.
#[derive(Debug)]
pub struct Response {
    pub status: u16,
    headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Response {
    /// The value of a header, whose name is given in lower case. A header that comes twice fails the test.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str());
        let first = values.next();
        assert_eq!(values.next(), None, "{name} comes twice");
        first
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8(self.body.clone()).expect("a body in UTF-8")
    }
}

/// Sends one request without a body on a connection of its own and reads the answer.
pub fn ask(address: SocketAddr, method: &str, path: &str, headers: &[&str]) -> io::Result<Response> {
    let mut head = format!("{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n");
    for line in headers {
        head += line;
        head += "\r\n";
    }
    exchange(address, (head + "\r\n").as_bytes())
}

/// Sends these bytes and reads an answer up to the end of the connection.
pub fn exchange(address: SocketAddr, request: &[u8]) -> io::Result<Response> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(request)?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes)?;
    read_response(&bytes, request.starts_with(b"HEAD "))
        .ok_or_else(|| io::Error::other(format!("no HTTP answer: {:?}", String::from_utf8_lossy(&bytes))))
}

fn read_response(bytes: &[u8], is_head: bool) -> Option<Response> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    let (head, body) = (std::str::from_utf8(&bytes[..end]).ok()?, &bytes[end + 4..]);
    let mut lines = head.split("\r\n");
    let (version, status) = lines.next()?.split_once(' ')?;
    let status = status.split(' ').next()?.parse().ok()?;
    let header = |line: &str| line.split_once(": ").map(|(key, value)| (key.to_ascii_lowercase(), value.to_owned()));
    let mut response = Response { status, headers: lines.map(header).collect::<Option<_>>()?, body: body.to_vec() };
    let length: Option<usize> = response.header("content-length").and_then(|length| length.parse().ok());
    let is_framed = match (response.header("transfer-encoding"), version) {
        _ if is_head => body.is_empty(),
        (Some("chunked"), "HTTP/1.1") => {
            response.body = of_chunks(body)?;
            length.is_none()
        }
        (None, "HTTP/1.0" | "HTTP/1.1") => length == Some(body.len()),
        _ => false,
    };
    is_framed.then_some(response)
}

/// What the chunks hold (RFC 9112 section 7.1), if they are whole and nothing comes after them.
fn of_chunks(mut bytes: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let end = bytes.windows(2).position(|window| window == b"\r\n")?;
        let length = usize::from_str_radix(std::str::from_utf8(&bytes[..end]).ok()?, 16).ok()?;
        let (chunk, rest) = bytes[end + 2..].split_at_checked(length)?;
        bytes = rest.strip_prefix(b"\r\n")?;
        if length == 0 {
            return bytes.is_empty().then_some(body);
        }
        body.extend_from_slice(chunk);
    }
}
