//! What the kernel says of this process: `/proc/self` (see proc(5)). Where there is no `/proc` there are no values.

use std::fs::{self, File};
use std::io::Read;

use crate::metrics::catalogue::{PROCESS, Process};

/// `/proc` counts time in ticks of 1/100 s for programs (`USER_HZ`), on every architecture that this is built for.
const TICKS_PER_SECOND: f64 = 100.0;

/// The values of the table `PROCESS`, in its order.
pub fn values() -> [Option<f64>; PROCESS.len()] {
    let files = Files::read();
    let mut values = [None; PROCESS.len()];
    for (value, row) in values.iter_mut().zip(PROCESS) {
        *value = files.value(row.source);
    }
    values
}

/// The soft limit of open files (`RLIMIT_NOFILE`), if the kernel tells it.
pub fn open_files_max() -> Option<usize> {
    open_files(&read("/proc/self/limits"))
}

/// Room for what these files mostly hold, so that each is read at once; they tell no size.
const FILE_BYTES: usize = 2 << 10;

fn read(path: &str) -> String {
    let mut text = String::with_capacity(FILE_BYTES);
    let read = File::open(path).and_then(|mut file| file.read_to_string(&mut text));
    read.map(|_| text).unwrap_or_default()
}

struct Files {
    status: String,
    stat: String,
    limits: String,
    system: String,
}

impl Files {
    fn read() -> Self {
        Files {
            status: read("/proc/self/status"),
            stat: read("/proc/self/stat"),
            limits: read("/proc/self/limits"),
            system: read("/proc/stat"),
        }
    }

    fn value(&self, source: Process) -> Option<f64> {
        match source {
            Process::Cpu => Some((self.ticks(14)? + self.ticks(15)?) / TICKS_PER_SECOND),
            Process::Resident => Some(self.status("VmRSS:")? * 1024.0),
            Process::Virtual => Some(self.status("VmSize:")? * 1024.0),
            // The directory that is being read is open itself.
            Process::OpenFds => Some((fs::read_dir("/proc/self/fd").ok()?.count().saturating_sub(1)) as f64),
            Process::MaxFds => open_files(&self.limits).map(|limit| limit as f64),
            Process::StartTime => Some(self.boot()? + self.ticks(22)? / TICKS_PER_SECOND),
            Process::Threads => self.status("Threads:"),
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

fn open_files(limits: &str) -> Option<usize> {
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
        for (source, value) in [
            (Process::Cpu, 2.0),
            (Process::Resident, 798_720.0),
            (Process::Virtual, 2_097_152.0),
            (Process::MaxFds, 1024.0),
            (Process::StartTime, 1_700_000_123.45),
            (Process::Threads, 7.0),
        ] {
            assert_eq!(files.value(source), Some(value), "{source:?}");
        }
    }

    #[test]
    fn limits_of_open_files() {
        assert_eq!(
            open_files("Max open files            unlimited            unlimited            files"),
            Some(usize::MAX)
        );
        assert_eq!((open_files("Max open files            many"), open_files("")), (None, None));
    }

    #[test]
    fn nothing_without_proc() {
        let files = Files { status: String::new(), stat: String::new(), limits: String::new(), system: String::new() };
        for row in PROCESS.iter().filter(|row| row.source != Process::OpenFds) {
            assert_eq!(files.value(row.source), None);
        }
    }
}
