//! Captures of real miners in, whole pages out.
//!
//! `UPDATE_GOLDEN=1 cargo test golden` writes the expected pages anew; look at the difference before you commit it.
//! The other half holds each page against what the Python exporter makes of the same reply (`*.reference.txt`).

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use avalonhome_prometheus_exporter::cgminer::reply::{Reply, Request};
use avalonhome_prometheus_exporter::config::Target;
use avalonhome_prometheus_exporter::metrics::KEYS;
use avalonhome_prometheus_exporter::miner::{Store, collect};
use avalonhome_prometheus_exporter::site::metrics_page::{View, page};

use crate::page::{Page, Sample};

/// Families that measure time; on an expected page their values are a dash.
pub const TIMES: [&str; 3] =
    ["avalon_scrape_duration_seconds", "avalon_last_scrape_timestamp_seconds", "avalon_down_duration_seconds"];

fn captures(ending: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/captures");
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.to_str().unwrap().ends_with(ending));
    paths.sort();
    assert!(paths.len() > 4, "the captures are gone");
    paths
}

/// The page after one poll that brought this capture; everything that the exporter does but the network.
pub fn page_of(capture: &[u8]) -> String {
    let store = Store::new(&[Target::parse("127.0.0.1", 4028).unwrap()], Duration::from_secs(10), None);
    let (reply, is_whole) = match capture.iter().position(|byte| *byte == 0) {
        Some(end) => (&capture[..end], true),
        None => (capture, false),
    };
    let outcome = Reply::parse(&KEYS, reply, Request::Extended, is_whole).map(|reply| collect(&reply));
    store.record(0, Instant::now(), outcome.map_err(Into::into));
    page(&View { miners: &store.miners(), now: Instant::now(), chips: true, price: None, own: None }).to_text()
}

fn without_times(text: &str) -> String {
    let line = |line: &str| match line.split_once(' ') {
        Some((series, _)) if TIMES.iter().any(|name| series.starts_with(name)) => format!("{series} -\n"),
        _ => format!("{line}\n"),
    };
    text.lines().map(line).collect()
}

#[test]
fn every_capture_gives_its_expected_page() {
    for path in captures(".reply") {
        let text = page_of(&fs::read(&path).unwrap());
        Page::parse(&text).unwrap_or_else(|fault| panic!("{}: {fault}", path.display()));
        let (actual, golden) = (without_times(&text), path.with_extension("metrics"));
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            fs::write(&golden, actual).unwrap();
            continue;
        }
        let expected = fs::read_to_string(&golden).unwrap_or_default();
        let first = actual.lines().zip(expected.lines()).find(|(actual, expected)| actual != expected);
        assert!(actual == expected, "{}: first difference {first:?}", golden.display());
    }
}

/// How a series of the reference differs on purpose; the reasons are in `docs/upgrading.md`.
enum Difference {
    /// The reply does not have it, so there is no sample where the Python exporter makes up a 0.
    Absent,
    /// The value is another, for this reply.
    Value(f64),
    /// The label `firmware` is not empty.
    Firmware,
}

/// Every difference that occurs in the captures.
#[rustfmt::skip]
const DIFFERENCES: &[(&str, &str, Difference)] = &[
    ("a15", "avalon_activation", Difference::Absent),
    ("a15", "avalon_lcd_on", Difference::Absent),
    ("a15", "avalon_lcd_switch", Difference::Absent),
    ("nano3_", "avalon_activation", Difference::Absent),
    ("nano3_", "avalon_lcd_on", Difference::Absent),
    ("nano3_", "avalon_lcd_switch", Difference::Absent),
    ("nano3s", "avalon_activation", Difference::Absent),
    ("mini3", "avalon_lcd_switch", Difference::Absent),
    ("q_", "avalon_lcd_switch", Difference::Absent),
    ("nano3s", "avalon_lcd_switch", Difference::Value(2.0)),
    ("q_", "avalon_soft_power_off", Difference::Value(1.0)),
    ("a15", "avalon_info", Difference::Firmware),
    ("nano3_", "avalon_info", Difference::Firmware),
    // The chips of all three boards instead of those of the first.
    ("a15", "avalon_chip_count", Difference::Value(480.0)),
    ("a15", "avalon_chip_temp_min_celsius", Difference::Value(60.0)),
    ("a15", "avalon_chip_temp_avg_celsius", Difference::Value(69.547_916_666_666_67)),
    ("a15", "avalon_chip_temp_max_celsius", Difference::Value(78.0)),
    ("a15", "avalon_chip_voltage_min_volts", Difference::Value(2.76)),
    ("a15", "avalon_chip_voltage_avg_volts", Difference::Value(2.859_333_333_333_329_3)),
    ("a15", "avalon_chip_voltage_max_volts", Difference::Value(2.95)),
    ("a15", "avalon_chip_matching_work_min", Difference::Value(6.0)),
    ("a15", "avalon_chip_matching_work_avg", Difference::Value(21.254_166_666_666_666)),
    ("a15", "avalon_chip_matching_work_max", Difference::Value(37.0)),
    ("a15", "avalon_chip_matching_work_sum", Difference::Value(10_202.0)),
];

#[test]
fn a_drop_in_for_the_python_exporter() {
    let (mut compared, mut met) = (0, BTreeSet::new());
    for path in captures(".reference.txt") {
        let name = path.file_name().unwrap().to_str().unwrap();
        let capture = path.with_file_name(name.replace(".reference.txt", ".reply"));
        let ours = Page::parse(&page_of(&fs::read(capture).unwrap())).unwrap().series();
        let reference = fs::read_to_string(&path).unwrap();
        for line in reference.lines() {
            let Sample { series, value } = Sample::parse(line).unwrap();
            let of =
                |difference: &&(&str, &str, Difference)| name.starts_with(difference.0) && series.name == difference.1;
            let actual = ours.get(&series).copied();
            match DIFFERENCES.iter().find(of) {
                None => assert_eq!(actual, Some(value), "{name}: {line}"),
                Some((.., Difference::Absent)) => assert_eq!((actual, value), (None, 0.0), "{name}: {line}"),
                Some((.., Difference::Value(other))) => assert_eq!(actual, Some(*other), "{name}: {line}"),
                Some((.., Difference::Firmware)) => {
                    assert!(line.contains("firmware=\"\"") && actual.is_none(), "{line}");
                }
            }
            met.extend(DIFFERENCES.iter().position(|difference| of(&difference)));
            compared += 1;
        }
    }
    assert!(compared > 2000, "only {compared} series were compared");
    assert_eq!(met.len(), DIFFERENCES.len(), "a difference no longer occurs");
}
