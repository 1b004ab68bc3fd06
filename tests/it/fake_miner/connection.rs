//! One connection of a fake miner, from the request to the end.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use super::Shared;
use super::behaviour::Behaviour;

/// How long the fake may take to notice that it is to end.
pub const TICK: Duration = Duration::from_millis(20);

/// The size of the firmware's only `recv`.
const REQUEST_BYTES_MAX: usize = 4095;

/// How long an answered client may take to close before the fake does.
const GOODBYE: Duration = Duration::from_secs(1);

/// What [`Behaviour::Dawdle`] sends at a time.
const DAWDLE_BYTES: usize = 1000;

/// What [`Behaviour::Fill`] sends at a time; a divisor of a MiB.
const FILL_BYTES: usize = 16 << 10;

/// A connection that was accepted as the `index`-th one, counted from 0.
pub struct Connection<'a> {
    pub stream: TcpStream,
    pub shared: &'a Shared,
    pub index: usize,
}

impl Connection<'_> {
    /// Does it all, but for closing the port. An error means that the client left early, or that the fake is to end.
    pub fn act(&mut self, behaviour: &Behaviour) -> io::Result<()> {
        self.stream.set_read_timeout(Some(TICK))?;
        self.stream.set_write_timeout(Some(TICK))?;
        let mut buffer = [0; REQUEST_BYTES_MAX];
        // A socket that is closed while it holds unread data resets the connection, so the request is only looked at.
        let resets = matches!(behaviour, Behaviour::Reset(_) | Behaviour::Leave(_));
        let length = self.retry(|stream| if resets { stream.peek(&mut buffer) } else { stream.read(&mut buffer) })?;
        self.shared.record(self.index, |exchange| exchange.request = buffer[..length].to_vec());
        match behaviour {
            Behaviour::Answer(reply) => {
                self.send(reply)?;
                self.say_goodbye()
            }
            Behaviour::Hold(reply) => {
                self.send(reply)?;
                self.hear(None)
            }
            Behaviour::Drip { reply, every } => self.send_slowly(reply, 1, *every),
            Behaviour::Dawdle { reply, every } => self.send_slowly(reply, DAWDLE_BYTES, *every),
            Behaviour::Flood(pattern) => loop {
                self.send(pattern)?;
            },
            Behaviour::Fill { mebibytes, byte } => {
                for _ in 0..mebibytes * ((1 << 20) / FILL_BYTES) {
                    self.send(&[*byte; FILL_BYTES])?;
                }
                self.hear(None)
            }
            Behaviour::Reset(reply) => self.send(reply),
            Behaviour::Leave(_) => Ok(()),
            Behaviour::Vary(reply) => {
                self.send(&reply(self.index))?;
                self.say_goodbye()
            }
        }
    }

    fn send_slowly(&mut self, reply: &[u8], bytes: usize, every: Duration) -> io::Result<()> {
        for piece in reply.chunks(bytes) {
            self.hear(Some(every))?;
            self.send(piece)?;
        }
        self.say_goodbye()
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

    /// Records what arrives for so long, or until the fake is to end. The client's leaving is an error.
    fn hear(&mut self, time: Option<Duration>) -> io::Result<()> {
        let start = Instant::now();
        let mut buffer = [0; REQUEST_BYTES_MAX];
        while time.is_none_or(|time| start.elapsed() < time) {
            let left = time.map_or(TICK, |time| time.saturating_sub(start.elapsed()));
            self.stream.set_read_timeout(Some(left.clamp(Duration::from_millis(1), TICK)))?;
            match self.stream.read(&mut buffer) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(length) => {
                    self.shared.record(self.index, |exchange| exchange.late.extend_from_slice(&buffer[..length]));
                }
                Err(error) if ran_out_of_time(&error) => self.check_leaving()?,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Repeats an operation that runs out of time until it does not, or until the fake is to end.
    fn retry(&mut self, mut operation: impl FnMut(&mut TcpStream) -> io::Result<usize>) -> io::Result<usize> {
        loop {
            match operation(&mut self.stream) {
                Err(error) if ran_out_of_time(&error) => self.check_leaving()?,
                result => return result,
            }
        }
    }

    fn check_leaving(&self) -> io::Result<()> {
        if self.shared.is_leaving() { Err(ErrorKind::Interrupted.into()) } else { Ok(()) }
    }
}

fn ran_out_of_time(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}
