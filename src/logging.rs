//! The log: one line a message to stderr, with time and level. A closed stderr loses messages and nothing else.

use std::io::Write;
use std::time::{Duration, SystemTime};

use log::LevelFilter;

/// Starts logging; called once. `RUST_LOG` has no say, `LOG_LEVEL` has.
pub fn init(level: LevelFilter) {
    let line = |out: &mut env_logger::fmt::Formatter, record: &log::Record<'_>| {
        writeln!(out, "{} {:<5} {}", timestamp(SystemTime::now()), record.level(), record.args())
    };
    // The inner HTTP server tells of every connection at debug level; the gate tells what matters.
    let logger = env_logger::Builder::new()
        .filter_level(level)
        .filter_module("tiny_http", LevelFilter::Off)
        .format(line)
        .try_init();
    debug_assert!(logger.is_ok(), "the log was started twice");
}

/// A moment as RFC 3339 has it, in UTC to the second: `2026-11-22T01:02:03Z`.
pub fn timestamp(at: SystemTime) -> String {
    let seconds = at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs();
    let (year, month, day) = civil_date(seconds / 86_400);
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// The Gregorian date of a day since 1970-01-01.
///
/// Years are counted from March, so that the leap day is a year's last and the months' lengths repeat every five; 400
/// years have 146,097 days.
fn civil_date(days: u64) -> (u64, u64, u64) {
    const DAYS_FROM_0000_03_01: u64 = 719_468;
    let days = days + DAYS_FROM_0000_03_01;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (951_868_800, "2000-03-01T00:00:00Z"),
            (1_704_067_199, "2023-12-31T23:59:59Z"),
            (1_709_210_096, "2024-02-29T12:34:56Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
        ] {
            assert_eq!(timestamp(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)), text);
        }
    }
}
