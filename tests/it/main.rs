//! The integration tests: the real program against fake miners over real sockets, judged by a parser of its own.
//!
//! One binary, so that it links once and its tests run in parallel. Nothing here uses the project's library but where a
//! file says so: what is tested is what a user sees.
//!
//! * `fake_miner` is the other end of a poll, `page` judges the exposition, `reply` makes replies out of the captures,
//!   `exporter` starts the program and talks to it;
//! * `settings` covers environment variables and subcommands, `daemon` the life of a running exporter, `faults` what broken
//!   miners do to it, `environment` what the machine does to it, `http` the endpoints and hostile clients, `crowd` what many
//!   of these do to it;
//! * `derived_metrics` covers what settings and time add to the page, `probe` polls on demand and service discovery,
//!   `html_pages` the pages for browsers, `discover` the search for miners, `demo_and_replay` what is there without a miner;
//! * with the library: `golden` holds whole pages against captures and the Python exporter, `mutations` feeds garbage,
//!   `tidy` checks the rules of the house.
//!
//! No test sleeps for a state: it waits for the state, with a deadline that only a broken program meets. Nor does one judge
//! how fast the machine is, which may have much else to do: it judges counts and order, that nothing comes too early, and
//! where there has to be a bound, one between what a busy machine needs and what a wrong program would take.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on panics, and its message is the report; the strict lints are for the program"
)]
#![allow(
    clippy::float_cmp,
    clippy::cast_precision_loss,
    reason = "a page states its numbers exactly, and those that tests compare are small"
)]

use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

mod crowd;
mod daemon;
mod demo_and_replay;
mod derived_metrics;
mod discover;
mod environment;
mod exporter;
mod fake_miner;
mod faults;
mod gate;
mod golden;
mod html_pages;
mod http;
mod invariants;
mod markup;
mod mutations;
mod page;
mod probe;
mod reply;
mod settings;
mod tidy;
mod untrusted;

/// How long a test waits for what must happen soon. Only a broken program or a stopped machine takes so long. What takes
/// longest takes some seconds, and all of these tests took seven times as long on a machine with ten times as much to do as it
/// has processors for.
const PATIENCE: Duration = Duration::from_secs(60);

/// Asks every few milliseconds until there is an answer, and panics with the name of what never came.
fn wait_until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(start.elapsed() < PATIENCE, "waited {PATIENCE:?} in vain for {what}");
        thread::sleep(Duration::from_millis(15));
    }
}

/// A loopback address that none of the last 253 is in this test process, and hardly one in another: a port that is free on
/// it stays free. Linux serves the whole of 127.0.0.0/8.
fn own_loopback() -> Ipv4Addr {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let [.., high, low] = std::process::id().to_be_bytes();
    let [.., last] = (1 + NEXT.fetch_add(1, Ordering::Relaxed) % 254).to_be_bytes();
    Ipv4Addr::new(127, 64 | high & 63, low, last)
}

/// Says at its end, be it that of a failed test, that others may end.
struct AtEnd<'a>(&'a AtomicBool);

impl Drop for AtEnd<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
