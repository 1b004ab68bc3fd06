//! What the gate allows, and how that follows from the machine. Limits that depend on nothing are constants of the module
//! that they concern.

use std::time::Duration;

use crate::process;

/// The limits of a gate. All times are totals, which sending a byte now and then does not prolong.
#[derive(Debug, Clone, PartialEq)]
pub struct Limits {
    /// Connections at any time, each with a thread and a descriptor.
    pub connections: usize,
    /// Connections of one client (an IPv4 address or an IPv6 /64). Beyond them it displaces only its own in a crowd.
    pub per_client: usize,
    /// Requests of the classes quick and large that are answered at a time.
    pub workers: usize,
    /// Requests of the class remote that are answered at a time. The site may let what they began go on without a client,
    /// but no more of it at a time than this.
    pub remote_workers: usize,
    /// For the request head to arrive.
    pub head_time: Duration,
    /// For a worker to become free, and then for memory if the response is large.
    pub wait_time: Duration,
    /// For the site to answer.
    pub answer_time: Duration,
    /// How far a reader may fall behind the slowest rate allowed (`response::PIECE_BYTES` each `admission::PIECE_TIME`)
    /// before it is cut off.
    pub response_time: Duration,
    /// How long a reader that makes progress is safe from being evicted. Shorter than `wait_time`, so that a client that is
    /// waiting for memory gets it.
    pub response_grace: Duration,
    /// Memory for bodies that are being sent. Two of them are always allowed, and small ones (`response::PIECE_BYTES`) do not
    /// count.
    pub bodies_bytes: usize,
}

/// Enough for any number of Prometheus servers and browsers; 64 threads cost about 1 MiB.
const CONNECTIONS_MAX: usize = 64;
/// With fewer, one idle client and two scrapes would already be a crowd.
const CONNECTIONS_MIN: usize = 4;
/// A scrape or two, a page for a browser, and one to spare.
const WORKERS: usize = 4;
/// Two dozen dead miners, each taking 5 s every 15 s, leave a worker for those that answer.
const REMOTE_WORKERS_MAX: usize = 8;
/// So that a small number of descriptors does not all go to remote requests, each of which opens another one.
const DESCRIPTORS_PER_REMOTE_WORKER: usize = 32;
/// Standard streams, two listeners, signals, mDNS, a file in /proc: some 10, and a margin for `tiny_http`'s pool.
const DESCRIPTORS_RESERVED: usize = 20;
/// A request that is being answered has both ends of its inner connection, and `tiny_http`'s clone of one.
const DESCRIPTORS_PER_WORKER: usize = 3;
/// Where the limit is unknown: the lowest usual soft limit (macOS).
const DESCRIPTORS_DEFAULT: usize = 256;
/// Twenty times what the pages of a small fleet need, and little enough for the smallest machine.
const BODIES_BYTES_MAX: usize = 8 << 20;

impl Limits {
    /// Limits that fit the descriptors of this process, of which each poll thread takes one.
    pub fn for_machine(poll_threads: usize) -> Self {
        Self::for_descriptors(process::open_files_max().unwrap_or(DESCRIPTORS_DEFAULT), poll_threads)
    }

    fn for_descriptors(descriptors: usize, poll_threads: usize) -> Self {
        let remote_workers = (descriptors / DESCRIPTORS_PER_REMOTE_WORKER).clamp(1, REMOTE_WORKERS_MAX);
        let of_workers = DESCRIPTORS_PER_WORKER * (WORKERS + remote_workers) + remote_workers;
        let connections = descriptors.saturating_sub(DESCRIPTORS_RESERVED + of_workers + poll_threads);
        let connections = connections.clamp(CONNECTIONS_MIN, CONNECTIONS_MAX);
        Self {
            connections,
            per_client: connections / 2,
            workers: WORKERS,
            remote_workers,
            head_time: Duration::from_secs(5),
            wait_time: Duration::from_secs(5), // Prometheus gives up after 10 s by default, and should see the 503
            answer_time: Duration::from_secs(12),
            response_time: Duration::from_secs(10),
            response_grace: Duration::from_secs(4),
            bodies_bytes: BODIES_BYTES_MAX,
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
            assert!(limits.per_client >= 2 && limits.per_client < limits.connections);
        }
    }
}
