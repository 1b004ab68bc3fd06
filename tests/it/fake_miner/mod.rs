//! The fake miner: a miner's end of a connection, for the tests, the scripts of `.ci` and `benches/run`. It plays its part
//! as well or as badly as it is told to.
//!
//! Like the firmware it serves one connection at a time, each with a single read of the request; others wait in the
//! backlog. It understands nothing of the request: what it says is the [`Behaviour`], which can be changed while it runs
//! and holds from the next connection on; a connection in progress ends as it began. It records what it is sent and
//! when, so that tests can judge requests and rhythm.
//!
//! It is a module of the integration tests and, with `main.rs` around it, a program. The tests need the module: they
//! change a behaviour between two polls and look at what arrived, for which a process would need a protocol. The scripts
//! need the program. Since it uses std alone, `.ci/fake_miner` compiles it with `rustc` in a few seconds. It is also a
//! cargo example, so that clippy and `cargo test` see all of it; `cargo run` would compile the dependencies of the tests
//! first.
//!
//! `src/demo/server.rs` is another thing: the server behind `demo` and `replay`, part of the product. It hands requests to
//! a function that understands them, and cannot misbehave. A fake miner built on it would test the product's code
//! against itself, and would bring floods and resets into the release.
//!
//! * `behaviour`: what a miner can do with a connection, by name;
//! * `connection`: how it does that;
//! * `whims`: a miner whose counters go up, and one that misbehaves at random.

use std::io;
use std::mem;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use connection::{Connection, TICK};

pub mod behaviour;
mod connection;
#[cfg(test)]
mod for_tests;
pub mod whims;

pub use behaviour::Behaviour;

/// One connection as the fake saw it.
#[derive(Clone, Debug)]
#[cfg_attr(not(test), expect(dead_code, reason = "the program records nothing"))]
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
    shared: Arc<Shared>,
    port: Port,
}

enum Port {
    /// The thread has the listener.
    Open(JoinHandle<()>),
    Closed,
    /// A listener, and the connections that fill its backlog.
    Dark(#[expect(dead_code, reason = "they are only kept")] (TcpListener, Vec<TcpStream>)),
}

/// Makes a behaviour out of the connection's number, counted from 0.
type Choose = Box<dyn FnMut(usize) -> Behaviour + Send>;

/// What the fake and its thread both know.
struct Shared(Mutex<State>);

struct State {
    choose: Choose,
    connections: usize,
    /// None: they are only counted, so that a fake may run for hours.
    exchanges: Option<Vec<Exchange>>,
    leaving: bool,
}

/// The thread makes replies on its heap; there may be 5,000 of them.
const STACK_BYTES: usize = 256 << 10;

/// A connection over loopback is there at once, even on a busy machine, or is not answered at all.
const DARK_AFTER: Duration = Duration::from_secs(1);

impl FakeMiner {
    /// A silent fake at this address; port 0 for a free one. Without `records` it only counts its connections.
    pub fn listen(address: SocketAddr, records: bool) -> io::Result<Self> {
        let listener = TcpListener::bind(address)?;
        let state = State {
            choose: Box::new(|_| Behaviour::Hold(Vec::new())),
            connections: 0,
            exchanges: records.then(Vec::new),
            leaving: false,
        };
        let mut fake =
            Self { address: listener.local_addr()?, shared: Arc::new(Shared(Mutex::new(state))), port: Port::Closed };
        fake.serve(listener)?;
        Ok(fake)
    }

    /// Changes what happens to the connections from now on.
    pub fn choose(&self, choose: impl FnMut(usize) -> Behaviour + Send + 'static) {
        self.shared.lock().choose = Box::new(choose);
    }

    /// Closes the port and any connection that is open. When this returns, connections are refused.
    pub fn refuse(&mut self) {
        self.stop();
    }

    /// Keeps the port, and fills its backlog. When this returns, attempts to connect are not even refused, as if the
    /// miner had been unplugged. It takes 130 descriptors.
    pub fn darken(&mut self) {
        self.stop();
        let listener = self.bind();
        let mut crowd = Vec::new();
        // Linux ignores connections beyond the backlog, however long that is.
        while let Ok(stream) = TcpStream::connect_timeout(&self.reachable(), DARK_AFTER) {
            crowd.push(stream);
        }
        self.port = Port::Dark((listener, crowd));
    }

    /// Opens the same port again, if it is not open.
    pub fn accept_again(&mut self) {
        if matches!(self.port, Port::Open(_)) {
            return;
        }
        self.port = Port::Closed;
        self.shared.lock().leaving = false;
        self.serve(self.bind()).expect("a thread for the fake miner");
    }

    /// How many connections were accepted so far.
    pub fn connections(&self) -> usize {
        self.shared.lock().connections
    }

    fn serve(&mut self, listener: TcpListener) -> io::Result<()> {
        let shared = Arc::clone(&self.shared);
        let serve = move || accept_until_told(listener, &shared);
        let thread = thread::Builder::new().name(format!("fake {}", self.address)).stack_size(STACK_BYTES);
        self.port = Port::Open(thread.spawn(serve)?);
        Ok(())
    }

    fn bind(&self) -> TcpListener {
        TcpListener::bind(self.address).expect("the port that this fake had before")
    }

    /// Closes the port, in whichever way it is open.
    fn stop(&mut self) {
        let Port::Open(thread) = mem::replace(&mut self.port, Port::Closed) else { return };
        self.shared.lock().leaving = true;
        // The thread sleeps in accept; a connection of our own wakes it. If that fails, something else did.
        let awake = TcpStream::connect_timeout(&self.reachable(), Duration::from_secs(1));
        thread.join().expect("the fake miner's thread never panics");
        drop(awake);
    }

    /// The address to connect to: the own one, or loopback for a fake that listens on all addresses.
    fn reachable(&self) -> SocketAddr {
        let mut address = self.address;
        if address.ip().is_unspecified() {
            address.set_ip([127, 0, 0, 1].into());
        }
        address
    }
}

impl Drop for FakeMiner {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("nothing panics while it holds the fake miner's state")
    }

    /// The number of a connection that was accepted, and what to do with it. None if the fake is to end.
    fn begin(&self) -> Option<(usize, Behaviour)> {
        let mut state = self.lock();
        if state.leaving {
            return None;
        }
        let index = state.connections;
        state.connections += 1;
        if let Some(exchanges) = &mut state.exchanges {
            exchanges.push(Exchange { at: Instant::now(), request: Vec::new(), late: Vec::new() });
        }
        Some((index, (state.choose)(index)))
    }

    fn record(&self, index: usize, note: impl FnOnce(&mut Exchange)) {
        if let Some(exchanges) = &mut self.lock().exchanges {
            note(&mut exchanges[index]);
        }
    }

    fn is_leaving(&self) -> bool {
        self.lock().leaving
    }
}

fn accept_until_told(mut listener: TcpListener, shared: &Shared) {
    // Asked after each connection, since the one that is to wake this thread may have met a closed port.
    while !shared.is_leaving() {
        let Ok((stream, _)) = listener.accept() else {
            // A client that left too early, or a lack of descriptors, which passes.
            thread::sleep(TICK);
            continue;
        };
        let Some((index, behaviour)) = shared.begin() else { return };
        let mut connection = Connection { stream, shared, index };
        // An error is the client's leaving early, which is its right.
        let _ = connection.act(&behaviour);
        if let Behaviour::Leave(time) = behaviour {
            let Ok(address) = listener.local_addr() else { return };
            // In this order a client that has seen the reset finds the port closed.
            drop((listener, connection));
            let Some(reopened) = reopen(address, time, shared) else { return };
            listener = reopened;
        }
    }
}

/// Opens the port again after so long. None if the fake is to end.
fn reopen(address: SocketAddr, time: Duration, shared: &Shared) -> Option<TcpListener> {
    let start = Instant::now();
    while !shared.is_leaving() {
        // It may fail for a moment, while another program's connection has the port.
        if start.elapsed() >= time
            && let Ok(listener) = TcpListener::bind(address)
        {
            return Some(listener);
        }
        thread::sleep(TICK);
    }
    None
}
