//! What the kernel says of this process: `/proc/self` (see proc(5)). Where there is no `/proc` there are no values.

use std::fs::{self, File};
use std::io::Read;

/// `/proc` counts time in ticks of 1/100 s for programs (`USER_HZ`), on every architecture that this is built for.
const TICKS_PER_SECOND: f64 = 100.0;

/// `/proc` counts memory in KiB.
const KIB: f64 = 1024.0;

/// What this process uses, and may use.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Usage {
    /// User and system CPU time since the start.
    pub cpu_seconds: Option<f64>,
    /// Resident memory.
    pub resident_bytes: Option<f64>,
    /// Virtual memory.
    pub virtual_bytes: Option<f64>,
    /// Open file descriptors.
    pub open_files: Option<usize>,
    /// The soft limit of open file descriptors (`RLIMIT_NOFILE`).
    pub open_files_max: Option<usize>,
    /// Unix time of the start.
    pub start_unix_seconds: Option<f64>,
    /// Threads.
    pub threads: Option<f64>,
}

/// What this process uses now.
pub fn usage() -> Usage {
    let files = Files {
        status: read("/proc/self/status"),
        stat: read("/proc/self/stat"),
        limits: read("/proc/self/limits"),
        system: read("/proc/stat"),
    };
    // The directory that is being read is open itself.
    let open_files = fs::read_dir("/proc/self/fd").ok().map(|files| files.count().saturating_sub(1));
    Usage { open_files, ..files.usage() }
}

/// The soft limit of open files (`RLIMIT_NOFILE`), if the kernel says.
pub fn open_files_max() -> Option<usize> {
    open_files_limit(&read("/proc/self/limits"))
}

/// Room for what these files mostly hold, so that each is read at once; their size is not known in advance.
const FILE_BYTES: usize = 2 << 10;

fn read(path: &str) -> String {
    let mut text = String::with_capacity(FILE_BYTES);
    let read = File::open(path).and_then(|mut file| file.read_to_string(&mut text));
    read.map(|_| text).unwrap_or_default()
}

/// The texts of files in `/proc`.
#[derive(Default)]
struct Files {
    status: String,
    stat: String,
    limits: String,
    system: String,
}

impl Files {
    /// All but the number of open files.
    fn usage(&self) -> Usage {
        let cpu = self.ticks(14).zip(self.ticks(15));
        let start = self.boot().zip(self.ticks(22));
        Usage {
            cpu_seconds: cpu.map(|(user, system)| (user + system) / TICKS_PER_SECOND),
            resident_bytes: self.status("VmRSS:").map(|kib| kib * KIB),
            virtual_bytes: self.status("VmSize:").map(|kib| kib * KIB),
            open_files: None,
            open_files_max: open_files_limit(&self.limits),
            start_unix_seconds: start.map(|(boot, ticks)| boot + ticks / TICKS_PER_SECOND),
            threads: self.status("Threads:"),
        }
    }

    /// A field of `stat`, by its number in proc(5). The name in field 2 may hold anything, so counting starts after it.
    fn ticks(&self, field: usize) -> Option<f64> {
        let (_, rest) = self.stat.rsplit_once(')')?;
        rest.split_ascii_whitespace().nth(field.checked_sub(3)?)?.parse().ok()
    }

    fn status(&self, key: &str) -> Option<f64> {
        self.status.lines().find_map(|line| line.strip_prefix(key))?.split_ascii_whitespace().next()?.parse().ok()
    }

    /// Unix time of the machine's boot.
    fn boot(&self) -> Option<f64> {
        self.system.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse().ok()
    }
}

fn open_files_limit(limits: &str) -> Option<usize> {
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    match line.split_ascii_whitespace().next()? {
        "unlimited" => Some(usize::MAX),
        number => number.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields() {
        let files = Files {
            status: "Name:\tx\nVmSize:\t  2048 kB\nVmRSS:\t     780 kB\nThreads:\t7\n".into(),
            stat: "42 (odd) name) S 1 42 42 0 -1 4194560 1 0 0 0 150 50 0 0 20 0 7 0 12345 999 1".into(),
            limits:
                "Limit  Soft Hard Units\nMax open files            1024                 524288               files\n"
                    .into(),
            system: "cpu 1 2\nbtime 1700000000\nprocesses 3\n".into(),
        };
        let expected = Usage {
            cpu_seconds: Some(2.0),
            resident_bytes: Some(798_720.0),
            virtual_bytes: Some(2_097_152.0),
            open_files: None,
            open_files_max: Some(1024),
            start_unix_seconds: Some(1_700_000_123.45),
            threads: Some(7.0),
        };
        assert_eq!(files.usage(), expected);
    }

    #[test]
    fn limits_of_open_files() {
        assert_eq!(
            open_files_limit("Max open files            unlimited            unlimited            files"),
            Some(usize::MAX)
        );
        assert_eq!((open_files_limit("Max open files            many"), open_files_limit("")), (None, None));
    }

    #[test]
    fn nothing_without_proc() {
        assert_eq!(Files::default().usage(), Usage::default());
    }
}
