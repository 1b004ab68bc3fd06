//! The log: one line for each message to standard error, with time and level.
//!
//! A thread of its own writes the lines, so that logging never blocks. Otherwise a pipe without a reader, or a stuck journal,
//! would block every poll, page and signal that logs, all on one lock. A line that finds the queue full is lost and counted,
//! and the count is logged once there is room. If standard error is closed or full, lines are lost and nothing else.

use std::io::{self, Write};
use std::panic;
use std::sync::mpsc::{self, Receiver, SyncSender, TrySendError};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use log::LevelFilter;

use crate::timestamp::rfc3339;

/// Lines that may wait for stderr. A start with a hundred miners makes two hundred; a line has about 100 bytes.
const LINES_MAX: usize = 512;

/// How long the end of the process waits for stderr to take the last lines.
const FLUSH_TIME: Duration = Duration::from_millis(500);

/// Stack of the thread that writes, which does nothing else.
const LOG_STACK_BYTES: usize = 64 << 10;

/// The log while it lasts. Dropping it waits, not for long, until all that was logged is written.
#[derive(Debug)]
#[must_use = "the last lines are lost unless it is kept until the end"]
pub struct Log(Option<SyncSender<Order>>);

impl Drop for Log {
    fn drop(&mut self) {
        let Some(orders) = &self.0 else { return };
        let by = Instant::now() + FLUSH_TIME;
        let (done, is_done) = mpsc::sync_channel(1);
        let mut order = Order::Report(done);
        while let Err(TrySendError::Full(refused)) = orders.try_send(order) {
            if Instant::now() >= by {
                return;
            }
            order = refused;
            thread::sleep(FLUSH_TIME / 100);
        }
        // Either way there is nothing more to do.
        let _ = is_done.recv_timeout(by.saturating_duration_since(Instant::now()));
    }
}

/// What the writing thread is asked to do.
#[derive(Debug)]
enum Order {
    Write(Vec<u8>),
    /// To answer, which it does when all lines before are written.
    Report(SyncSender<()>),
}

/// The way of a line to the thread.
struct Queue {
    orders: SyncSender<Order>,
    lost: u64,
}

impl Write for Queue {
    /// Takes one line; never waits, never fails.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.lost > 0 {
            let text = format!("{} WARN  log lines lost because standard error was blocked: {}\n", now(), self.lost);
            if self.orders.try_send(Order::Write(text.into_bytes())).is_ok() {
                self.lost = 0;
            }
        }
        if self.orders.try_send(Order::Write(line.to_vec())).is_err() {
            self.lost += 1;
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Starts logging, panics included; called once. `RUST_LOG` has no say, `LOG_LEVEL` has.
pub fn init(level: LevelFilter) -> Log {
    let line = |out: &mut env_logger::fmt::Formatter, record: &log::Record<'_>| {
        writeln!(out, "{} {:<5} {}", now(), record.level(), record.args())
    };
    let (orders, received) = mpsc::sync_channel(LINES_MAX);
    let written = thread::Builder::new()
        .name("log".into())
        .stack_size(LOG_STACK_BYTES)
        .spawn(move || write_all(&received, &mut io::stderr()));
    // Better to wait for stderr now and then than to say nothing.
    let orders = written.is_ok().then_some(orders);
    let target = orders.clone().map(|orders| env_logger::Target::Pipe(Box::new(Queue { orders, lost: 0 })));
    // The inner HTTP server logs every connection at debug level; the gate logs what matters.
    let logger = env_logger::Builder::new()
        .filter_level(level)
        .filter_module("tiny_http", LevelFilter::Off)
        .target(target.unwrap_or(env_logger::Target::Stderr))
        .format(line)
        .try_init();
    debug_assert!(logger.is_ok(), "the log was started twice");
    panic::set_hook(Box::new(|panic| log::error!("{}", panic.to_string().replace('\n', " "))));
    Log(orders)
}

fn write_all(orders: &Receiver<Order>, out: &mut impl Write) {
    for order in orders {
        match order {
            // There is nowhere to report that reporting failed.
            Order::Write(line) => drop(out.write_all(&line)),
            Order::Report(done) => drop(done.try_send(())),
        }
    }
}

fn now() -> String {
    rfc3339(SystemTime::now())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_finds_the_queue_full_is_lost_and_counted() {
        let (orders, received) = mpsc::sync_channel(2);
        let mut queue = Queue { orders, lost: 0 };
        for line in ["a\n", "b\n", "c\n", "d\n"] {
            assert_eq!(queue.write(line.as_bytes()).unwrap(), 2);
        }
        let take = || {
            received.try_iter().map(|order| match order {
                Order::Write(line) => String::from_utf8(line).unwrap(),
                Order::Report(_) => String::new(),
            })
        };
        assert_eq!(take().collect::<Vec<_>>(), ["a\n", "b\n"]);
        queue.write_all(b"e\n").unwrap();
        let lines: Vec<_> = take().collect();
        assert!(lines[0].ends_with(" WARN  log lines lost because standard error was blocked: 2\n"), "{lines:?}");
        assert_eq!((lines[1].as_str(), queue.lost), ("e\n", 0));
        drop(received);
        assert_eq!(queue.write(b"f\n").unwrap(), 2, "a log without an end is none");
    }

    #[test]
    fn the_end_waits_for_lines_but_not_for_ever() {
        let (orders, received) = mpsc::sync_channel(1);
        orders.try_send(Order::Write(b"last\n".to_vec())).unwrap();
        let log = Log(Some(orders));
        let writer = thread::spawn(move || {
            let mut out = Vec::new();
            write_all(&received, &mut out);
            out
        });
        drop(log);
        assert_eq!(writer.join().unwrap(), b"last\n");
        let (orders, stuck) = mpsc::sync_channel(1);
        orders.try_send(Order::Write(Vec::new())).unwrap();
        let start = Instant::now();
        drop(Log(Some(orders)));
        assert!((FLUSH_TIME..FLUSH_TIME * 10).contains(&start.elapsed()));
        drop(stuck);
    }
}
