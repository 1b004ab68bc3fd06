//! A miner made of a thread: it speaks the API's side of a TCP connection as well or as badly as a test asks.
//!
//! Like the firmware it serves one connection at a time, each with a single read of the request; others wait in the
//! backlog. It records what it is sent and when, so that tests can judge requests and rhythm. It understands nothing
//! of the request: what it says is the [`Behaviour`], which can be changed while it runs and holds from the next
//! connection on; a connection in progress ends as it began.
//!
//! Each fake has an address of its own out of 127.0.0.0/8, all of which Linux serves: two fakes have two `ip` labels,
//! and nothing else can take the port of a fake that refuses for a while.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{IpAddr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::{own_loopback, wait_until};

/// What the fake does with a connection once the request has arrived.
#[derive(Clone, Debug)]
pub enum Behaviour {
    /// Sends these bytes and closes, as the firmware does after its NUL.
    Answer(Vec<u8>),
    /// Sends these bytes, then neither speaks nor closes until the client leaves. Without bytes: a silent miner.
    Hold(Vec<u8>),
    /// Sends one byte of these each time `every` has passed, then closes.
    Drip { reply: Vec<u8>, every: Duration },
    /// Sends these bytes again and again until the client leaves.
    Flood(Vec<u8>),
    /// Sends these bytes, then resets the connection.
    Reset(Vec<u8>),
    /// Sends what this makes of the connection's number, then closes.
    Vary(fn(usize) -> Vec<u8>),
}

/// One connection as the fake saw it.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// When the connection was accepted.
    pub at: Instant,
    /// The bytes of the first read: all that the firmware would see.
    pub request: Vec<u8>,
    /// Bytes that came after the first read. The firmware never reads them.
    pub late: Vec<u8>,
}

/// A running fake. Dropping it closes its connections and ends its thread.
pub struct FakeMiner {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    thread: Option<JoinHandle<()>>,
}

struct State {
    behaviour: Behaviour,
    exchanges: Vec<Exchange>,
    leaving: bool,
}

/// How long the fake may take to notice that it shall end.
const TICK: Duration = Duration::from_millis(20);

/// The size of the firmware's only `recv`.
const REQUEST_BYTES_MAX: usize = 4095;

/// How long an answered client may take to close before the fake does.
const GOODBYE: Duration = Duration::from_secs(1);

impl FakeMiner {
    /// A fake on a loopback address of its own, on a free port.
    pub fn start(behaviour: Behaviour) -> Self {
        Self::start_on(IpAddr::V4(own_loopback()), behaviour).expect("a loopback address to listen on")
    }

    /// A fake on a free port of this address; an error if the machine lacks the address. `0.0.0.0` stands for many
    /// miners that all do the same: every address of 127.0.0.0/8 reaches it.
    pub fn start_on(ip: IpAddr, behaviour: Behaviour) -> io::Result<Self> {
        let listener = TcpListener::bind((ip, 0))?;
        let address = listener.local_addr()?;
        let state = Arc::new(Mutex::new(State { behaviour, exchanges: Vec::new(), leaving: false }));
        let mut fake = Self { address, state, thread: None };
        fake.serve(listener);
        Ok(fake)
    }

    /// The address without the port: the `ip` label where the host is given once.
    pub fn ip(&self) -> String {
        self.address.ip().to_string()
    }

    /// The port, 4028 on a real miner.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Address and port as `AVALON_IPS` takes them, an IPv6 address in brackets.
    pub fn target(&self) -> String {
        self.address.to_string()
    }

    /// Changes what happens to the connections from now on.
    pub fn behave(&self, behaviour: Behaviour) {
        self.state().behaviour = behaviour;
    }

    /// Closes the port and whatever connection is open: from the return on, connections are refused.
    pub fn refuse(&mut self) {
        let Some(thread) = self.thread.take() else { return };
        self.state().leaving = true;
        // The thread sleeps in accept; a connection of our own wakes it. If that fails, something else did.
        let awake = TcpStream::connect_timeout(&self.reachable(), Duration::from_secs(1));
        thread.join().expect("the fake miner's thread never panics");
        drop(awake);
    }

    /// Opens the same port again after [`Self::refuse`].
    pub fn accept_again(&mut self) {
        assert!(self.thread.is_none(), "the fake miner listens already");
        self.state().leaving = false;
        self.serve(TcpListener::bind(self.address).expect("the port that this fake had before"));
    }

    /// How many connections were accepted so far.
    pub fn connections(&self) -> usize {
        self.state().exchanges.len()
    }

    /// All connections so far, oldest first. The newest may still be in progress.
    pub fn exchanges(&self) -> Vec<Exchange> {
        self.state().exchanges.clone()
    }

    /// Waits until so many connections have been accepted since the start.
    pub fn wait_for_connections(&self, count: usize) {
        wait_until(&format!("{count} connections to the fake miner"), || (self.connections() >= count).then_some(()));
    }

    fn serve(&mut self, listener: TcpListener) {
        let state = Arc::clone(&self.state);
        let serve = move || accept_until_told(&listener, &state);
        let name = format!("fake {}", self.address);
        self.thread = Some(thread::Builder::new().name(name).spawn(serve).expect("a thread for the fake miner"));
    }

    /// The address to connect to: the own one, or loopback for a fake that listens on all addresses.
    fn reachable(&self) -> SocketAddr {
        let mut address = self.address;
        if address.ip().is_unspecified() {
            address.set_ip(IpAddr::from([127, 0, 0, 1]));
        }
        address
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

impl Drop for FakeMiner {
    fn drop(&mut self) {
        self.refuse();
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().expect("nobody panics while holding the fake miner's state")
}

fn accept_until_told(listener: &TcpListener, state: &Mutex<State>) {
    while let Ok((stream, _)) = listener.accept() {
        let mut now = lock(state);
        if now.leaving {
            return;
        }
        now.exchanges.push(Exchange { at: Instant::now(), request: Vec::new(), late: Vec::new() });
        let mut connection = Connection { stream, state, index: now.exchanges.len() - 1 };
        let behaviour = now.behaviour.clone();
        drop(now);
        // An error is the client's leaving early, which is its right.
        let _ = connection.act(&behaviour);
    }
}

struct Connection<'a> {
    stream: TcpStream,
    state: &'a Mutex<State>,
    index: usize,
}

impl Connection<'_> {
    fn act(&mut self, behaviour: &Behaviour) -> io::Result<()> {
        self.stream.set_read_timeout(Some(TICK))?;
        self.stream.set_write_timeout(Some(TICK))?;
        let mut buffer = [0; REQUEST_BYTES_MAX];
        // A socket that is closed while it holds unread data resets the connection, so the request is only looked at.
        let reset = matches!(behaviour, Behaviour::Reset(_));
        let length = self.retry(|stream| if reset { stream.peek(&mut buffer) } else { stream.read(&mut buffer) })?;
        lock(self.state).exchanges[self.index].request = buffer[..length].to_vec();
        match behaviour {
            Behaviour::Answer(reply) => {
                self.send(reply)?;
                self.say_goodbye()
            }
            Behaviour::Hold(reply) => {
                self.send(reply)?;
                self.hear(None)
            }
            Behaviour::Drip { reply, every } => {
                for byte in reply {
                    self.hear(Some(*every))?;
                    self.send(&[*byte])?;
                }
                self.say_goodbye()
            }
            Behaviour::Flood(pattern) => loop {
                self.send(pattern)?;
            },
            Behaviour::Reset(reply) => self.send(reply),
            Behaviour::Vary(reply) => {
                self.send(&reply(self.index))?;
                self.say_goodbye()
            }
        }
    }

    /// Half-closes, so that the client sees the end, and notes what it still has to say.
    fn say_goodbye(&mut self) -> io::Result<()> {
        self.stream.shutdown(Shutdown::Write)?;
        self.hear(Some(GOODBYE))
    }

    fn send(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let sent = self.retry(|stream| stream.write(bytes))?;
            bytes = &bytes[sent..];
        }
        Ok(())
    }

    /// Records what arrives for so long, or until the fake shall end. The client's leaving is an error.
    fn hear(&mut self, time: Option<Duration>) -> io::Result<()> {
        let start = Instant::now();
        let mut buffer = [0; REQUEST_BYTES_MAX];
        while time.is_none_or(|time| start.elapsed() < time) {
            let left = time.map_or(TICK, |time| time.saturating_sub(start.elapsed()));
            self.stream.set_read_timeout(Some(left.clamp(Duration::from_millis(1), TICK)))?;
            match self.stream.read(&mut buffer) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(length) => lock(self.state).exchanges[self.index].late.extend_from_slice(&buffer[..length]),
                Err(error) if ran_out_of_time(&error) => self.check_leaving()?,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Repeats an operation that runs out of time until it does not, or until the fake shall end.
    fn retry(&mut self, mut operation: impl FnMut(&mut TcpStream) -> io::Result<usize>) -> io::Result<usize> {
        loop {
            match operation(&mut self.stream) {
                Err(error) if ran_out_of_time(&error) => self.check_leaving()?,
                result => return result,
            }
        }
    }

    fn check_leaving(&self) -> io::Result<()> {
        if lock(self.state).leaving { Err(ErrorKind::Interrupted.into()) } else { Ok(()) }
    }
}

fn ran_out_of_time(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Connects, asks, and reads until the end, an error or one second of silence.
    fn ask(fake: &FakeMiner) -> (Vec<u8>, Option<ErrorKind>) {
        let mut stream = TcpStream::connect(fake.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
        stream.write_all(b"question").unwrap();
        let mut reply = Vec::new();
        let mut buffer = [0; 4096];
        loop {
            match stream.read(&mut buffer) {
                Ok(0) => return (reply, None),
                Ok(length) => reply.extend_from_slice(&buffer[..length]),
                Err(error) => return (reply, Some(error.kind())),
            }
            if reply.len() > 1 << 20 {
                return (reply, None);
            }
        }
    }

    #[test]
    fn the_fake_behaves_as_told_and_records_what_it_is_sent() {
        let mut fake = FakeMiner::start(Behaviour::Answer(b"one\0".to_vec()));
        assert_eq!(ask(&fake), (b"one\0".to_vec(), None));
        fake.behave(Behaviour::Reset(b"two".to_vec()));
        assert_eq!(ask(&fake), (b"two".to_vec(), Some(ErrorKind::ConnectionReset)));
        fake.behave(Behaviour::Hold(b"three\0".to_vec()));
        assert_eq!(ask(&fake), (b"three\0".to_vec(), Some(ErrorKind::WouldBlock)));
        fake.behave(Behaviour::Drip { reply: b"four".to_vec(), every: Duration::from_millis(30) });
        let start = Instant::now();
        assert_eq!(ask(&fake), (b"four".to_vec(), None));
        assert!(start.elapsed() >= Duration::from_millis(120));
        fake.behave(Behaviour::Flood(b"five".to_vec()));
        assert!(ask(&fake).0.starts_with(b"fivefivefive"));
        assert_eq!(fake.connections(), 5);
        assert!(fake.exchanges().iter().all(|exchange| exchange.request == b"question" && exchange.late.is_empty()));

        fake.refuse();
        assert_eq!(TcpStream::connect(fake.address).unwrap_err().kind(), ErrorKind::ConnectionRefused);
        fake.behave(Behaviour::Answer(b"six".to_vec()));
        fake.accept_again();
        assert_eq!(ask(&fake), (b"six".to_vec(), None));
        assert_eq!(fake.connections(), 6);
    }

    #[test]
    fn bytes_after_the_request_are_noted() {
        let fake = FakeMiner::start(Behaviour::Hold(b"reply\0".to_vec()));
        let mut stream = TcpStream::connect(fake.address).unwrap();
        stream.write_all(b"question").unwrap();
        stream.read_exact(&mut [0; 6]).unwrap();
        stream.write_all(b"\n").unwrap();
        wait_until("the late byte", || (fake.exchanges()[0].late == b"\n").then_some(()));
        assert_eq!(fake.exchanges()[0].request, b"question");
    }

    #[test]
    fn a_fake_ends_while_a_client_hangs_on() {
        let fake = FakeMiner::start(Behaviour::Hold(Vec::new()));
        let mut stream = TcpStream::connect(fake.address).unwrap();
        stream.write_all(b"question").unwrap();
        fake.wait_for_connections(1);
        drop(fake);
        assert_eq!(stream.read(&mut [0; 1]).unwrap_or(0), 0);
    }
}
