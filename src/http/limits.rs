//! What the gate allows, and how that follows from the machine. The values that depend on nothing are constants of `seats`,
//! `gate` and `head`.

use std::time::Duration;

use crate::process;

/// The limits of one gate. All times are totals, which no amount of dripping prolongs.
#[derive(Debug, Clone, PartialEq)]
pub struct Limits {
    /// Connections at any time, each with a thread and a descriptor.
    pub connections: usize,
    /// Connections of one address (an IPv6 /64 counts as one), beyond which it displaces only its own in a crowd.
    pub per_address: usize,
    /// Threads that ask the handler, and so requests that may be at it.
    pub workers: usize,
    /// Probes at a time, which wait for a miner each. They have threads of their own, so others never wait for them. Also
    /// the polls of miners that are not configured, which go on when their clients have left.
    pub probes: usize,
    /// For the head to arrive.
    pub head_time: Duration,
    /// For a worker to be free, and then for memory if the page is large.
    pub wait_time: Duration,
    /// For the handler's answer.
    pub answer_time: Duration,
    /// How far a reader may fall behind the least rate (`admission::PIECE_BYTES` each `admission::PIECE_TIME`) before it is cut.
    pub reply_time: Duration,
    /// How long a reader that moves is safe from being thrown out for another. Shorter than `wait_time`, so that who waits
    /// for memory gets it.
    pub reply_grace: Duration,
    /// Of pages being sent. Two pages may always be, and small ones (`admission::PIECE_BYTES`) are not counted.
    pub pages_bytes: usize,
}

/// Enough for any number of Prometheus servers and browsers; 64 threads cost about 1 MiB.
const CONNECTIONS_MAX: usize = 64;
/// With fewer, one idle client and two scrapes would already be a crowd.
const CONNECTIONS_MIN: usize = 4;
/// A scrape or two, a page for a browser, and one to spare.
const WORKERS: usize = 4;
/// Two dozen dead miners, each 5 s every 15 s, leave a place for the living.
const PROBES_MAX: usize = 8;
/// So that a few descriptors do not all go to probes: each takes one more, for its miner.
const DESCRIPTORS_PER_PROBE: usize = 32;
/// Standard streams, two listeners, signals, mDNS, a file in /proc: 10 or so, and a margin for `tiny_http`'s pool.
const DESCRIPTORS_RESERVED: usize = 20;
/// A request at a worker takes both ends of its inner connection, and `tiny_http`'s clone of one.
const DESCRIPTORS_PER_WORKER: usize = 3;
/// Where the system does not tell: the lowest usual soft limit (macOS).
const DESCRIPTORS_DEFAULT: usize = 256;
/// What small fleets need for pages, twenty times over, and small enough for the smallest machine.
const PAGES_BYTES_MAX: usize = 8 << 20;

impl Limits {
    /// Limits that fit the descriptors of this process, of which each poll thread takes one.
    #[must_use]
    pub fn for_machine(poll_threads: usize) -> Self {
        Self::for_descriptors(process::open_files_max().unwrap_or(DESCRIPTORS_DEFAULT), poll_threads)
    }

    fn for_descriptors(descriptors: usize, poll_threads: usize) -> Self {
        let probes = (descriptors / DESCRIPTORS_PER_PROBE).clamp(1, PROBES_MAX);
        let taken = DESCRIPTORS_RESERVED + DESCRIPTORS_PER_WORKER * (WORKERS + probes) + probes + poll_threads;
        let connections = descriptors.saturating_sub(taken).clamp(CONNECTIONS_MIN, CONNECTIONS_MAX);
        Self {
            connections,
            per_address: connections / 2,
            workers: WORKERS,
            probes,
            head_time: Duration::from_secs(5),
            wait_time: Duration::from_secs(5), // Prometheus gives up after 10 s unless told otherwise: it shall see the 503
            answer_time: Duration::from_secs(12),
            reply_time: Duration::from_secs(10),
            reply_grace: Duration::from_secs(4),
            pages_bytes: PAGES_BYTES_MAX,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_follow_from_descriptors_and_fleet() {
        for (descriptors, poll_threads, connections) in
            [(usize::MAX, 1, 64), (1024, 10, 64), (64, 1, 23), (64, 100, 4), (1024, 1000, 4)]
        {
            let limits = Limits::for_descriptors(descriptors, poll_threads);
            assert_eq!(limits.connections, connections, "{descriptors}");
            assert!(limits.per_address >= 2 && limits.per_address < limits.connections);
        }
    }
}
