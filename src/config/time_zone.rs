//! The local time that the setting `TZ` asks for: a POSIX rule such as `EST5EDT,M3.2.0,M11.1.0`, or the name of a zone,
//! where the system has zone files. A `scratch` image has none, so the rule is the form to recommend.
//!
//! - Sources: POSIX.1-2024, chapter 8.3 (`TZ`); RFC 9636 (and 8536 before it) for zone files, whose footer is such a rule,
//!   and for its times beyond a day.
//! - The sign of a POSIX offset counts westwards: `UTC-2` is two hours ahead of UTC.
//! - The order is: `UTC`, then a rule, then a zone file. A leading `:` makes no difference. Summer time without its
//!   dates (`EST5EDT`) is not a rule, as POSIX leaves the dates open; a zone file of that name is taken.
//! - Without `TZ`, or if it is empty, the time is UTC. `/etc/localtime` and `TZDIR` are deliberately not read: the setting
//!   alone decides.
//! - A zone file is read whole and not just its footer, because some zones are only described by their list of
//!   transitions: Morocco's clocks go back for each Ramadan until 2087.
//!
//! # Why the crate tz-rs
//!
//! Calendars are not what this project exists for, and tz-rs does just this part: it has no dependency and no `unsafe`,
//! reads rules and whole zone files, refuses rules that contradict themselves, and adds 36 kB to the binary. Its
//! `std` feature stays off, as that would let it search the file system by rules of its own. What else was
//! measured: jiff is the better-known library, but adds two crates and 312 kB; jiff-core, 103 kB, promises no stable
//! interface; code of our own adds 5 kB, but is 120 lines for the rules alone, and Morocco would be wrong.
//!
//! Known limits: the abbreviations in a rule have 3 to 7 characters, and zone files of version 4, which only those with
//! leap seconds need, are refused.

use std::fmt;
use std::fs::File;
use std::io::Read;

use tz::{TimeZone, TzError};

/// Where systems keep their zone files, the most usual place first.
const ZONE_DIRECTORIES: [&str; 4] =
    ["/usr/share/zoneinfo", "/usr/lib/zoneinfo", "/usr/share/lib/zoneinfo", "/etc/zoneinfo"];

/// Zone files have at most 4 KiB; one cut short here fails to parse.
const ZONE_FILE_BYTES_MAX: u64 = 64 * 1024;

/// Names that need no file; neither is a POSIX rule, for want of an offset.
const UTC_NAMES: [&str; 2] = ["UTC", "Etc/UTC"];

const ADVICE: &str = "write a POSIX rule: with summer time such as EST5EDT,M3.2.0,M11.1.0 or \
    CET-1CEST,M3.5.0,M10.5.0/3, without it such as UTC or UTC-2 (mind the sign: UTC-2 is two hours ahead of UTC)";

/// The difference between local time and UTC, at each moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Zone {
    /// As it was set, for the log.
    text: String,
    offsets: TimeZone,
}

impl Zone {
    /// Reads the text of `TZ`; a zone file is read once, here.
    ///
    /// # Errors
    ///
    /// The text shows what was set and the form to write instead.
    pub fn parse(text: Option<&str>) -> Result<Zone, String> {
        Zone::parse_with_files_in(&ZONE_DIRECTORIES, text)
    }

    /// What a clock on the wall shows, as if it were seconds since 1970-01-01 in UTC.
    ///
    /// Times outside the calendar, more than two thousand million years from now, are taken as UTC.
    pub fn local_seconds(&self, unix_seconds: i64) -> i64 {
        let offset = self.offsets.find_local_time_type(unix_seconds).map_or(0, tz::LocalTimeType::ut_offset);
        unix_seconds.saturating_add(i64::from(offset))
    }

    fn parse_with_files_in(directories: &[&str], text: Option<&str>) -> Result<Zone, String> {
        let text = text.unwrap_or_default().trim();
        let text = text.strip_prefix(':').unwrap_or(text);
        if text.is_empty() || UTC_NAMES.contains(&text) {
            return Ok(Zone { text: "UTC".to_owned(), offsets: TimeZone::utc() });
        }
        let offsets = match parse_rule(text) {
            Ok(offsets) => offsets,
            Err(fault) => read_zone_file(directories, text, &fault)?,
        };
        Ok(Zone { text: text.to_owned(), offsets })
    }
}

/// The setting's text.
impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Reads a rule as the footer of a zone file that lists no transitions. By itself the crate would take no times beyond a
/// day or before it, which it takes from files and which some zones need (Greenland: `<-02>2<-01>,M3.5.0/-1,M10.5.0/0`).
fn parse_rule(rule: &str) -> Result<TimeZone, TzError> {
    // A header of version 3: 15 unused bytes; no count but one type and one character of its name; the type; the name.
    let block = [b"TZif3".as_slice(), &[0; 15 + 4 * 4], &[0, 0, 0, 1, 0, 0, 0, 1], &[0; 6 + 1]].concat();
    // The format has one block with times of 32 bits and one of 64, which are alike without any times.
    TimeZone::from_tz_data(&[&block, &block, b"\n".as_slice(), rule.as_bytes(), b"\n"].concat())
}

/// Reads the file of the zone of that name, which may also be the file's path if that is in one of the directories.
/// The fault is why the text is not a rule.
fn read_zone_file(directories: &[&str], text: &str, fault: &TzError) -> Result<TimeZone, String> {
    let name = directories.iter().find_map(|directory| text.strip_prefix(directory)?.strip_prefix('/')).unwrap_or(text);
    if !is_zone_name(name) {
        return Err(format!("TZ='{text}' is neither a POSIX rule ({fault}) nor the name of a zone; {ADVICE}"));
    }
    let Some((path, bytes)) = directories.iter().find_map(|directory| {
        let path = format!("{directory}/{name}");
        let mut bytes = Vec::new();
        File::open(&path).ok()?.take(ZONE_FILE_BYTES_MAX).read_to_end(&mut bytes).ok()?;
        Some((path, bytes))
    }) else {
        return Err(format!(
            "TZ='{text}' is not a POSIX rule, and there is no zone file of that name here; {ADVICE}; \
             on a system with zone files, 'tail -n 1 /usr/share/zoneinfo/{name}' prints the rule"
        ));
    };
    let offsets =
        TimeZone::from_tz_data(&bytes).map_err(|fault| format!("TZ='{text}': file {path}: {fault}; {ADVICE}"))?;
    if offsets.as_ref().extra_rule().is_none() {
        return Err(format!("TZ='{text}': file {path} has no rule for the future; {ADVICE}"));
    }
    Ok(offsets)
}

/// No zone's name has a dot, so that nothing here can lead out of the directories.
fn is_zone_name(text: &str) -> bool {
    let is_part = |part: &str| {
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_+-".contains(&byte))
    };
    text.split('/').all(is_part)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offset(zone: &Zone, unix_seconds: i64) -> i64 {
        zone.local_seconds(unix_seconds) - unix_seconds
    }

    /// A rule, the second of a switch, the offsets before and from it, as Python's zoneinfo gives them. Where a rule counts
    /// days they are glibc's: Python 3.11 is a day early there (and at J59 in leap years late).
    #[test]
    #[rustfmt::skip]
    fn rules_switch_at_the_second() {
        for (rule, switch, before, after) in [
            ("EST5EDT,M3.2.0,M11.1.0", 1_772_953_200, -18_000, -14_400),
            ("EST5EDT,M3.2.0,M11.1.0", 1_793_512_800, -14_400, -18_000),
            (" :EST5EDT,M3.2.0,M11.1.0 ", 1_793_512_800, -14_400, -18_000),
            ("CET-1CEST,M3.5.0,M10.5.0/3", 2_153_350_800, 3_600, 7_200), // after 2038-01-19
            ("AEST-10AEDT,M10.1.0,M4.1.0/3", 1_806_768_000, 39_600, 36_000), // summer over New Year
            ("AEST-10AEDT,M10.1.0,M4.1.0/3", 1_822_492_800, 36_000, 39_600),
            ("<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", 4_094_724_600, 37_800, 39_600), // half an hour, in 2099
            ("<-02>2<-01>,M3.5.0/-1,M10.5.0/0", 1_837_645_200, -7_200, -3_600), // an hour before the day
            ("EET-2EEST,M3.4.4/50,M10.4.4/50", 1_901_059_200, 7_200, 10_800), // two days after it
            ("<-04>4<-03>,M9.1.6/24,M4.1.6/24", 2_122_513_200, -10_800, -14_400),
            ("IST-1GMT0,M10.5.0,M3.5.0/1", 1_774_746_000, 0, 3_600), // standard time in summer
            ("AAA3BBB,J60/0,J300/0", 1_835_492_400, -10_800, -7_200), // 1 March of a leap year
            ("AAA3BBB,59/0,300/0", 1_835_406_000, -10_800, -7_200), // 29 February
            ("AAA3BBB,59/0,300/0", 1_803_870_000, -10_800, -7_200), // 1 March
            ("XXX3EDT4,0/0,J365/23", 1_767_225_600, -14_400, -14_400), // summer all year
            ("<+0330>-3:30", 1_767_225_600, 12_600, 12_600),
            ("UTC-2", 4_102_444_800, 7_200, 7_200),
            ("HST10", -31_536_000, -36_000, -36_000),
            ("UTC0", 0, 0, 0),
            ("UTC", 0, 0, 0),
            (":Etc/UTC", 0, 0, 0),
            ("", 0, 0, 0),
        ] {
            let zone = Zone::parse_with_files_in(&[], Some(rule)).unwrap();
            assert_eq!((offset(&zone, switch - 1), offset(&zone, switch)), (before, after), "{rule} at {switch}");
        }
    }

    #[test]
    fn no_setting_is_utc_and_the_ends_of_time_do_no_harm() {
        let zone = Zone::parse_with_files_in(&[], None).unwrap();
        assert_eq!((zone.to_string().as_str(), zone.local_seconds(7)), ("UTC", 7));
        for (rule, last) in [("UTC-2", i64::MAX), ("CET-1CEST,M3.5.0,M10.5.0/3", i64::MAX), ("UTC2", i64::MIN)] {
            let zone = Zone::parse_with_files_in(&[], Some(rule)).unwrap();
            assert_eq!(zone.local_seconds(last), last, "{rule}");
        }
    }

    #[test]
    fn a_name_is_looked_up_in_the_directories_and_nowhere_else() {
        let root = std::env::temp_dir().join(format!("zone-files-{}", std::process::id()));
        let file = |name: &str, bytes: &[u8]| {
            let path = root.join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        };
        // One transition to UTC+1 at second 1000, which no rule could express, as in Morocco. Then the rule in the footer.
        let block = [b"TZif2".as_slice(), &[0; 15 + 3 * 4], &[0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 4]].concat();
        let types = *b"\0\0\0\0\0\x03\0\0\x0e\x10\0\0+01\0";
        let of_width = |width: usize| [&block, &1000_i64.to_be_bytes()[8 - width..], &[1], &types].concat();
        let with_footer = |footer: &str| [&of_width(4), &of_width(8), footer.as_bytes()].concat();
        file("zones/Here/Some-where_1", &with_footer("\n<+01>-1\n"));
        file("zones/Endless", &with_footer("\n\n"));
        file("zones/Junk", b"no zone");
        file("secret", &with_footer("\n<+01>-1\n"));
        let zones = root.join("zones").to_str().unwrap().to_owned();
        let parse = |text: &str| Zone::parse_with_files_in(&["/nonexistent", &zones], Some(text));

        for text in ["Here/Some-where_1", ":Here/Some-where_1", &format!("{zones}/Here/Some-where_1")] {
            let zone = parse(text).unwrap();
            assert_eq!((offset(&zone, 999), offset(&zone, 1000), offset(&zone, 2_000_000_000)), (0, 3_600, 3_600));
            assert_eq!(zone.to_string(), text.trim_start_matches(':'));
        }
        let secret = root.join("secret").to_str().unwrap().to_owned();
        let dotted = format!("{zones}/../secret");
        for (text, expected) in [
            ("../secret", "neither a POSIX rule"),
            ("Here/../../secret", "neither a POSIX rule"),
            (&dotted, "neither a POSIX rule"),
            (&secret, "neither a POSIX rule"),
            ("Here//Some-where_1", "neither a POSIX rule"),
            ("Here", "no zone file of that name"),
            ("Here/Nowhere", "no zone file of that name"),
            ("Junk", "/zones/Junk: invalid TZ file: invalid magic number"),
            ("Endless", "/zones/Endless has no rule for the future"),
        ] {
            let fault = parse(text).unwrap_err();
            assert!(fault.contains(expected) && fault.contains("UTC-2 is two hours ahead"), "{text}: {fault}");
        }
        std::fs::remove_dir_all(root).unwrap();
    }

    #[test]
    fn a_fault_shows_the_setting_and_the_form_to_write() {
        let fault = Zone::parse_with_files_in(&[], Some("America/Toronto")).unwrap_err();
        assert_eq!(
            fault,
            "TZ='America/Toronto' is not a POSIX rule, and there is no zone file of that name here; write a POSIX rule: \
             with summer time such as EST5EDT,M3.2.0,M11.1.0 or CET-1CEST,M3.5.0,M10.5.0/3, without it such as UTC or \
             UTC-2 (mind the sign: UTC-2 is two hours ahead of UTC); on a system with zone files, 'tail -n 1 \
             /usr/share/zoneinfo/America/Toronto' prints the rule"
        );
        for (text, expected) in [
            ("EST5EDT", "no zone file"),
            ("UTC-25", "no zone file"),
            ("CET-1CEST,M13.5.0,M10.5.0/3", "invalid rule day month"),
            ("CET-1CEST,M3.5.0", "unexpected end of data"),
            ("CET-1CEST,M3.5.0,M10.5.0/168", "invalid day time hour"),
            ("UTC-2:60", "invalid offset minute"),
            ("UTC0\nUTC1", "neither a POSIX rule"),
        ] {
            let fault = Zone::parse_with_files_in(&[], Some(text)).unwrap_err();
            assert!(fault.starts_with(&format!("TZ='{text}'")) && fault.contains(expected), "{fault}");
        }
    }
}
