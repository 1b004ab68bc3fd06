//! One exchange with a miner: resolve, connect, send, receive, under one deadline and one size limit.
//!
//! This is the only module that opens a socket to a miner, and what it may send is a [`Request`], so the exporter can
//! only read. A connection is used once and never held open: the firmware serves one client at a time, and one that
//! says nothing blocks it for everybody for 10 s.
//!
//! Blocking on purpose: a thread a miner, with the time that is left of the deadline before every call that can block.
//! The one call of std without a time-out is the resolver's. It runs in a thread of its own, at most one a miner; when
//! the deadline passes first, the poll fails while the look-up goes on, and the next poll waits for the same look-up.

use std::ffi::CStr;
use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream, ToSocketAddrs};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, TryRecvError};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::cgminer::error::{Phase, PollError};
use crate::cgminer::mdns;
use crate::cgminer::reply::{ReplyError, Request};
use crate::config::Target;

/// Largest reply. Real ones have 6 to 13 kB, old machines with several modules 46 kB, and after `estats|all` ten times
/// that.
pub const REPLY_BYTES_MAX: usize = 1 << 20;

/// Room for one to begin with.
const REPLY_BYTES: usize = 16 << 10;

/// Stack of a resolver thread: musl's resolver keeps its packets there.
const RESOLVER_STACK_BYTES: usize = 256 << 10;

/// Time for a multicast look-up at the least, where the poll's own is used up: two questions, a second apart, and an answer.
const MULTICAST_TIME: Duration = Duration::from_millis(1500);

/// How long before the poll's deadline it ends: several times what a time-out of the kernel comes late on a busy machine.
const MULTICAST_MARGIN: Duration = Duration::from_millis(300);

/// How long an address that came by multicast is kept: a lease may have gone to another device meanwhile.
const KEPT_TIME: Duration = Duration::from_secs(600);

/// A reply as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawReply {
    /// What stood before the NUL, or before the end.
    pub bytes: Vec<u8>,
    /// Whether the NUL was seen.
    pub is_whole: bool,
}

/// The time that is left of an exchange.
#[derive(Clone, Copy, Debug)]
struct Budget {
    limit: Duration,
    deadline: Instant,
}

impl Budget {
    fn new(limit: Duration) -> Self {
        Budget { limit, deadline: Instant::now() + limit }
    }

    /// What is left, never zero, which std's time-outs refuse; an error once it is used up.
    fn left(self, phase: Phase) -> Result<Duration, PollError> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() { Err(PollError::Timeout(phase, self.limit)) } else { Ok(left) }
    }

    /// An I/O error, or the time-out that it stands for.
    fn error(self, phase: Phase, error: io::Error) -> PollError {
        match error.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => PollError::Timeout(phase, self.limit),
            _ => PollError::Io(phase, error),
        }
    }
}

/// The way to one miner.
#[derive(Debug)]
pub struct Client {
    host: String,
    port: u16,
    /// A look-up that had not ended when the last poll did.
    lookup: Mutex<Option<Receiver<io::Result<Found>>>>,
    /// The address that answered last and since when it is kept, where asking for it is slow.
    kept: Mutex<Option<(SocketAddr, Instant)>>,
}

/// What a look-up found.
#[derive(Debug)]
struct Found {
    addresses: Vec<SocketAddr>,
    by_multicast: bool,
}

impl Client {
    /// A client for a target; nothing is resolved or opened yet.
    pub fn new(target: &Target) -> Self {
        Client { host: target.host.clone(), port: target.port, lookup: Mutex::default(), kept: Mutex::default() }
    }

    /// The host as the settings name it.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Asks the miner and returns its reply up to the first NUL, or up to the end if none came.
    pub fn exchange(&self, request: Request, timeout: Duration) -> Result<RawReply, PollError> {
        let mut memory = Vec::new();
        let (bytes, is_whole) = self.exchange_in(&mut memory, request, timeout)?;
        Ok(RawReply { bytes: bytes.to_vec(), is_whole })
    }

    /// The same, with the reply in memory that served another before. Its bytes, and whether the NUL was seen.
    pub fn exchange_in<'m>(
        &self,
        memory: &'m mut Vec<u8>,
        request: Request,
        timeout: Duration,
    ) -> Result<(&'m [u8], bool), PollError> {
        let budget = Budget::new(timeout);
        let mut stream = self.open(budget)?;
        // So few bytes always fit into the buffer of a new connection, so this does not wait.
        stream.write_all(request.text().as_bytes()).map_err(|error| budget.error(Phase::Send, error))?;
        receive(&mut stream, memory, budget)
    }

    /// Resolves the host without connecting. A look-up may go on when the time is over; `held` is dropped when it ends.
    pub fn addresses(&self, timeout: Duration, held: impl Send + 'static) -> Result<Vec<IpAddr>, PollError> {
        let found = self.resolve(Budget::new(timeout), held)?;
        Ok(found.addresses.iter().map(SocketAddr::ip).collect())
    }

    /// Connects to the kept address, else to those that the name has now.
    ///
    /// An address that came by multicast is kept while polls succeed there, since asking for it costs the network a
    /// question to everybody. The system's resolver has a cache of its own or none for a reason, so it is asked each time.
    fn open(&self, budget: Budget) -> Result<TcpStream, PollError> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((address, since)) = kept.take().filter(|(_, since)| since.elapsed() < KEPT_TIME) {
            // The other half of the time is for asking anew.
            if let Ok(stream) = connect(&[address], budget, 2) {
                *kept = Some((address, since));
                return Ok(stream);
            }
        }
        let found = self.resolve(budget, ())?;
        let stream = connect(&found.addresses, budget, 1)?;
        let address = found.by_multicast.then(|| stream.peer_addr().ok()).flatten();
        *kept = address.map(|address| (address, Instant::now()));
        Ok(stream)
    }

    /// Asks for the address anew at the next exchange: what answered there was no miner.
    pub fn forget_address(&self) {
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn resolve(&self, budget: Budget, held: impl Send + 'static) -> Result<Found, PollError> {
        if let Ok(address) = self.host.parse::<IpAddr>() {
            return Ok(Found { addresses: vec![(address, self.port).into()], by_multicast: false });
        }
        let mut pending = self.lookup.lock().unwrap_or_else(PoisonError::into_inner);
        let start = || self.start_lookup(budget.deadline, held).map_err(PollError::Spawn);
        let lookup = match pending.take().map(|lookup| (lookup.try_recv(), lookup)) {
            Some((Ok(Ok(found)), _)) => return Ok(found),
            Some((Err(TryRecvError::Empty), lookup)) => lookup,
            // One that has failed since the last poll says nothing about now.
            Some(_) | None => start()?,
        };
        match lookup.recv_timeout(budget.left(Phase::Resolve)?) {
            Ok(Ok(found)) if found.addresses.is_empty() => Err(PollError::NoAddress),
            Ok(found) => found.map_err(|error| PollError::Io(Phase::Resolve, error)),
            Err(RecvTimeoutError::Timeout) => {
                *pending = Some(lookup);
                Err(PollError::Timeout(Phase::Resolve, budget.limit))
            }
            Err(RecvTimeoutError::Disconnected) => Err(PollError::Panic),
        }
    }

    fn start_lookup(&self, deadline: Instant, held: impl Send + 'static) -> io::Result<Receiver<io::Result<Found>>> {
        let (sender, receiver) = mpsc::channel();
        let (host, port) = (self.host.clone(), self.port);
        thread::Builder::new().name(format!("resolve {host}")).stack_size(RESOLVER_STACK_BYTES).spawn(move || {
            // The receiver is gone only when the whole client is.
            let _ = sender.send(look_up(&host, port, deadline));
            drop(held);
        })?;
        Ok(receiver)
    }
}

/// Asks the system's resolver and, for a name in `.local` that it does not know, the network.
fn look_up(host: &str, port: u16, deadline: Instant) -> io::Result<Found> {
    match (host, port).to_socket_addrs() {
        Ok(addresses) => Ok(Found { addresses: addresses.collect(), by_multicast: false }),
        Err(_) if mdns::is_local(host) => {
            // It ends before the poll does, so that the poll can tell why. A dead name server may have used up the poll's
            // time; what is found then serves the next poll.
            let before = deadline.checked_sub(MULTICAST_MARGIN).unwrap_or(deadline);
            let addresses = mdns::resolve(host, before.max(Instant::now() + MULTICAST_TIME))?;
            let addresses = addresses.into_iter().map(|address| (address, port).into()).collect();
            Ok(Found { addresses, by_multicast: true })
        }
        Err(error) => Err(error),
    }
}

/// Tries the addresses in the resolver's order, each with its share of what is left of the time; `shares` says into how
/// many parts that is cut first.
fn connect(addresses: &[SocketAddr], budget: Budget, shares: u32) -> Result<TcpStream, PollError> {
    let mut last = PollError::NoAddress;
    for (tried, address) in addresses.iter().enumerate() {
        let others = u32::try_from(addresses.len() - tried).unwrap_or(u32::MAX);
        match TcpStream::connect_timeout(address, budget.left(Phase::Connect)? / others.saturating_mul(shares)) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = budget.error(Phase::Connect, error),
        }
    }
    Err(last)
}

fn receive<'m>(stream: &mut TcpStream, memory: &'m mut Vec<u8>, budget: Budget) -> Result<(&'m [u8], bool), PollError> {
    let mut length = 0;
    let (length, is_whole) = loop {
        if length == memory.len() {
            memory.resize(REPLY_BYTES.max(2 * length), 0);
        }
        let left = budget.left(Phase::Receive)?;
        stream.set_read_timeout(Some(left)).map_err(|error| budget.error(Phase::Receive, error))?;
        let count = match stream.read(memory.get_mut(length..).unwrap_or_default()) {
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(budget.error(Phase::Receive, error)),
        };
        let received = memory.get(length..length + count).unwrap_or_default();
        let end = CStr::from_bytes_until_nul(received).ok().map(CStr::count_bytes);
        length += end.unwrap_or(count);
        if length > REPLY_BYTES_MAX {
            return Err(ReplyError::Oversized(REPLY_BYTES_MAX).into());
        }
        if count == 0 || end.is_some() {
            break (length, end.is_some());
        }
    };
    Ok((memory.get(..length).unwrap_or_default(), is_whole))
}
