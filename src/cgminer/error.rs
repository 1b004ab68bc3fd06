//! Why a poll failed. The kind of a [`PollError`] is the counter that it adds to.

use std::fmt;
use std::io;
use std::time::Duration;

use crate::cgminer::reply::ReplyError;

/// The five kinds that the metric contract counts apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The deadline of the whole exchange passed.
    Timeout,
    /// The host answers, but nothing listens on the port.
    ConnectionRefused,
    /// Resolving, reaching or talking to the host failed otherwise.
    Network,
    /// The reply is empty, incomplete, too large or none of a miner.
    Parse,
    /// The poll itself failed: no thread, or a panic.
    Other,
}

impl ErrorKind {
    /// All kinds, in the order in which a miner's record counts them.
    pub const ALL: [Self; 5] = [Self::Timeout, Self::ConnectionRefused, Self::Network, Self::Parse, Self::Other];

    /// What people can do about it.
    pub fn advice(self) -> &'static str {
        match self {
            Self::Timeout => {
                "Look whether the miner is on and in the network, and whether another program keeps its API busy, which \
                 serves one at a time. On a weak Wi-Fi raise MINER_TIMEOUT."
            }
            Self::ConnectionRefused => {
                "Something has this address, but no miner's API listens there: the miner is starting, or the address \
                 belongs to another device now, or the port is wrong."
            }
            Self::Network => {
                "Check the address or name, the miner's network, and the way there. A fixed lease in the router keeps \
                 addresses from moving."
            }
            Self::Parse => {
                "What answered did not speak as a miner does, or not to its end. If it stays like that, check address \
                 and port, then restart the miner."
            }
            Self::Other => "This is a trouble of the exporter, not of the miner: look into its log.",
        }
    }

    /// The word for it in logs and in `/debug`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::ConnectionRefused => "connection_refused",
            Self::Network => "network",
            Self::Parse => "parse",
            Self::Other => "other",
        }
    }
}

/// What an exchange was doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Turning the host's name into addresses.
    Resolve,
    /// Opening the connection.
    Connect,
    /// Writing the request.
    Send,
    /// Reading the reply.
    Receive,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Resolve => "resolving the name",
            Self::Connect => "connecting",
            Self::Send => "sending the request",
            Self::Receive => "receiving the reply",
        })
    }
}

/// Why a poll yielded no reading.
#[derive(Debug)]
pub enum PollError {
    /// The whole exchange took longer than `MINER_TIMEOUT`; where it was then.
    Timeout(Phase, Duration),
    /// An I/O error of the operating system.
    Io(Phase, io::Error),
    /// The name resolves to no address.
    NoAddress,
    /// The reply came but is no reading.
    Reply(ReplyError),
    /// No thread could be started for the poll, or for resolving the name.
    Spawn(io::Error),
    /// The poll panicked: a defect of this program.
    Panic,
}

impl PollError {
    /// Which counter it adds to.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Timeout(..) => ErrorKind::Timeout,
            Self::Io(Phase::Connect, error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                ErrorKind::ConnectionRefused
            }
            Self::Io(..) | Self::NoAddress => ErrorKind::Network,
            Self::Reply(_) => ErrorKind::Parse,
            Self::Spawn(_) | Self::Panic => ErrorKind::Other,
        }
    }
}

impl fmt::Display for PollError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Timeout(phase, limit) => write!(f, "no answer within {} s ({phase})", limit.as_secs_f64()),
            Self::Io(phase, error) => write!(f, "{phase}: {error}"),
            Self::NoAddress => write!(f, "{}: the name has no address", Phase::Resolve),
            Self::Reply(error) => error.fmt(f),
            Self::Spawn(error) => {
                write!(f, "cannot start a thread: {error}; raise the limit of tasks or poll fewer miners")
            }
            Self::Panic => write!(f, "the poll panicked; please report this with the log"),
        }
    }
}

impl std::error::Error for PollError {}

impl From<ReplyError> for PollError {
    fn from(error: ReplyError) -> Self {
        Self::Reply(error)
    }
}
