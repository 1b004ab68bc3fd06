//! The life of a running exporter: polls and their rhythm, up and down and up again, signals, logs.

use std::collections::BTreeMap;
use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::exporter::{Ended, Exporter, Settings};
use crate::fake_miner::{Behaviour, Exchange, FakeMiner};
use crate::page::Page;
use crate::reply::{REQUEST, nano3s};
use crate::{AtEnd, wait_until};

/// The counters that a miner has from the start; each is 0 until it counts.
pub const COUNTERS: [&str; 11] = [
    "avalon_scrape_errors_total",
    "avalon_scrape_errors_timeout_total",
    "avalon_scrape_errors_connection_refused_total",
    "avalon_scrape_errors_network_total",
    "avalon_scrape_errors_parse_total",
    "avalon_scrape_errors_other_total",
    "avalon_status_changes_total",
    "avalon_status_ups_total",
    "avalon_status_downs_total",
    "avalon_series_dropped_total",
    "avalon_polls_skipped_total",
];

/// What else the page says of a miner that is down.
pub const DOWN: [&str; 4] = [
    "avalon_up",
    "avalon_last_scrape_timestamp_seconds",
    "avalon_down_duration_seconds",
    "avalon_scrape_duration_seconds",
];

/// What stays on the page of a miner that was up: what it is, and what has been counted of it.
const KNOWN: [&str; 2] = ["avalon_info", "avalon_energy_joules_total"];

/// What kinds of failed polls there are: the middle of the names of their counters.
const KINDS: [&str; 5] = ["timeout", "connection_refused", "network", "parse", "other"];

/// Failed polls of a miner by kind, after checking that the kinds add up to the total.
pub fn errors(page: &Page, label: &str) -> BTreeMap<&'static str, f64> {
    let counter = |name: &str| page.value(name, &[("ip", label)]).unwrap_or_else(|| panic!("no {name} of {label}"));
    let count = |kind| (kind, counter(&format!("avalon_scrape_errors_{kind}_total")));
    let errors = BTreeMap::from_iter(KINDS.map(count));
    assert_eq!(errors.values().sum::<f64>(), counter("avalon_scrape_errors_total"), "the kinds and the total, {label}");
    errors
}

/// Asserts that all failed polls of a miner are of one kind, and returns how many there are.
pub fn only(kind: &str, page: &Page, label: &str) -> f64 {
    let errors = errors(page, label);
    let others: Vec<_> = errors.iter().filter(|(found, count)| **found != kind && **count != 0.0).collect();
    assert!(others.is_empty(), "{label} has other errors than {kind}: {others:?}");
    errors[kind]
}

/// The refused polls of a miner that closed its port. No more than the one poll that was on its way then failed otherwise.
fn refused(page: &Page, label: &str) -> f64 {
    let errors = errors(page, label);
    let refused = errors["connection_refused"];
    assert!(errors.values().sum::<f64>() <= refused + 1.0, "{label}: {errors:?}");
    refused
}

fn none_failed(page: &Page, label: &str) -> bool {
    errors(page, label).values().all(|count| *count == 0.0)
}

/// Changes, ups and downs.
pub fn transitions(page: &Page, label: &str) -> [Option<f64>; 3] {
    ["changes", "ups", "downs"].map(|what| page.value(&format!("avalon_status_{what}_total"), &[("ip", label)]))
}

fn unix_now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970").as_secs_f64()
}

#[test]
fn up_down_and_up_again() {
    let mut miner = FakeMiner::start(Behaviour::Answer(nano3s()));
    let label = miner.ip();
    let of = [("ip", label.as_str())];
    let exporter = Settings::for_miners([&miner]).start();

    let page = exporter.wait_for_up(&label, 1.0);
    assert_eq!(page.value("avalon_hashrate_ghs", &of), Some(6423.03));
    assert_eq!(page.value("avalon_pool_up", &[of[0], ("pool_index", "0")]), Some(1.0));
    assert_eq!(page.value("avalon_down_duration_seconds", &of), Some(0.0));
    assert!(page.value("avalon_scrape_duration_seconds", &of).is_some_and(|seconds| seconds > 0.0 && seconds < 5.0));
    let info = [of[0], ("model", "Nano3s"), ("firmware", "25021401_56abae7"), ("mac", "e0e1a9000001")];
    assert_eq!(page.value("avalon_info", &info), Some(1.0));
    for name in &COUNTERS[..10] {
        assert_eq!(page.value(name, &of), Some(0.0), "{name}");
    }
    let at = page.value("avalon_last_scrape_timestamp_seconds", &of).unwrap();
    assert!((unix_now() - at).abs() < 10.0, "{at} is not about now");

    // Long enough to tell the time since the last success from that since the start.
    miner.wait_for_connections(15);
    miner.refuse();
    let exchanges = miner.exchanges();
    // The last connection may have been cut off, the one before was a success.
    let success = exchanges[exchanges.len() - 2].at;
    exporter.wait_for_up(&label, 0.0);
    let page = exporter.wait_for("two refused polls", |page| refused(page, &label) >= 2.0);
    assert_eq!(transitions(&page, &label), [Some(1.0), Some(0.0), Some(1.0)]);
    let mut expected = [&COUNTERS[..], &DOWN, &KNOWN].concat();
    let mut shown = page.names_with(of[0]);
    expected.sort_unstable();
    shown.sort_unstable();
    assert_eq!(shown, expected, "what a miner that is down leaves on the page");
    assert_eq!(page.value("avalon_info", &info), Some(1.0));
    let last = page.value("avalon_last_scrape_timestamp_seconds", &of).unwrap();
    assert!(last >= at, "the last success went from {at} back to {last}");
    let down = page.value("avalon_down_duration_seconds", &of).unwrap();
    assert!(down > 0.0 && down < success.elapsed().as_secs_f64(), "down for {down} s, counted from the last success");
    exporter.wait_for("a longer time down", |page| page.value("avalon_down_duration_seconds", &of) > Some(down));

    miner.accept_again();
    let page = exporter.wait_for_up(&label, 1.0);
    assert_eq!(transitions(&page, &label), [Some(2.0), Some(1.0), Some(1.0)]);
    assert!(refused(&page, &label) >= 2.0, "the counters stay");
    assert_eq!(page.value("avalon_hashrate_ghs", &of), Some(6423.03));
    assert_eq!(page.value("avalon_down_duration_seconds", &of), Some(0.0));
    assert!(page.value("avalon_last_scrape_timestamp_seconds", &of) > Some(last));
}

#[test]
fn a_miner_that_comes_up_late_goes_up_once() {
    let mut miner = FakeMiner::start(Behaviour::Answer(nano3s()));
    let label = miner.ip();
    let of = [("ip", label.as_str())];
    miner.refuse();
    let exporter = Settings::for_miners([&miner]).start();
    let page = exporter.wait_for("two refused polls", |page| only("connection_refused", page, &label) >= 2.0);
    assert_eq!(transitions(&page, &label), [Some(0.0); 3], "the first poll is no transition");
    assert_eq!(page.value("avalon_last_scrape_timestamp_seconds", &of), Some(0.0));
    assert!(page.value("avalon_down_duration_seconds", &of) > Some(0.0), "down since the exporter started");
    assert!(page.family("avalon_info").is_none(), "nothing is known of it yet");
    miner.accept_again();
    let page = exporter.wait_for_up(&label, 1.0);
    assert_eq!(transitions(&page, &label), [Some(1.0), Some(1.0), Some(0.0)]);
}

#[test]
fn before_the_first_poll_ends_a_miner_has_zeros_only() {
    let miner = FakeMiner::start(Behaviour::Hold(Vec::new()));
    let exporter = Settings::for_miners([&miner]).set("UPDATE_INTERVAL", "60").set("MINER_TIMEOUT", "60").start();
    miner.wait_for_connections(1);
    let page = exporter.page();
    for name in page.names_with(("ip", &miner.ip())) {
        assert!(COUNTERS.contains(&name) || DOWN[..3].contains(&name), "{name} before the first poll");
    }
    for name in COUNTERS.iter().chain(&DOWN[..1]) {
        assert_eq!(page.value(name, &[("ip", &miner.ip())]), Some(0.0), "{name}");
    }
}

#[test]
fn each_poll_is_one_connection_with_the_one_request_at_the_set_rhythm() {
    const POLLS: usize = 16;
    let (miner, start) = (FakeMiner::start(Behaviour::Answer(nano3s())), Instant::now());
    let exporter = Settings::for_miners([&miner]).set("UPDATE_INTERVAL", "0.2").start();
    miner.wait_for_connections(POLLS);
    let exchanges = miner.exchanges();
    drop(exporter);
    for exchange in &exchanges[..POLLS - 1] {
        // A request in two writes would sooner or later be two reads, and the firmware reads once.
        assert_eq!(exchange.request, REQUEST);
        assert_eq!(exchange.late, b"", "after the request there is nothing, least of all a line feed");
    }
    assert_eq!(off_rhythm(&exchanges, start, Duration::from_millis(200), 1), None);
}

/// What is wrong with the rhythm of polls that came after `start`. `at_once` of them may come at once: one that is due at the
/// start, and those that were on their way or overdue.
///
/// No poll may come before it is due, however late others were. That polls are late by a part of an interval now and then says
/// nothing of the program; that all of them together take four times as long as they should does.
pub fn off_rhythm(exchanges: &[Exchange], start: Instant, interval: Duration, at_once: u32) -> Option<String> {
    let early = (1..).zip(exchanges).find(|(count, exchange)| {
        let due: u32 = *count;
        exchange.at < start + interval * due.saturating_sub(at_once)
    });
    if let Some((count, exchange)) = early {
        return Some(format!("{count} polls within {:?}, one each {interval:?}", exchange.at - start));
    }
    let (Some(first), Some(last)) = (exchanges.first(), exchanges.last()) else { return Some("no poll".to_owned()) };
    let (gaps, took) = (u32::try_from(exchanges.len()).unwrap() - 1, last.at - first.at);
    (took > interval * gaps * 4).then(|| format!("{gaps} polls in {took:?} after the first, one each {interval:?}"))
}

#[test]
fn a_hung_miner_is_skipped_and_disturbs_no_other() {
    let hung = FakeMiner::start(Behaviour::Hold(Vec::new()));
    let sound = FakeMiner::start(Behaviour::Answer(nano3s()));
    let start = Instant::now();
    let exporter =
        Settings::for_miners([&hung, &sound]).set("UPDATE_INTERVAL", "0.2").set("MINER_TIMEOUT", "2").start();
    let page = exporter.wait_for("two time-outs", |page| only("timeout", page, &hung.ip()) >= 2.0);
    let hung_count = hung.connections();
    let sound_exchanges = sound.exchanges();
    let timeouts = only("timeout", &exporter.page(), &hung.ip());

    assert_eq!(page.value("avalon_up", &[("ip", &hung.ip())]), Some(0.0));
    assert_eq!(page.value("avalon_up", &[("ip", &sound.ip())]), Some(1.0));
    assert!(none_failed(&page, &sound.ip()));
    let skipped = page.value("avalon_polls_skipped_total", &[("ip", &hung.ip())]);
    assert!(skipped >= Some(4.0), "{skipped:?} polls skipped in two time-outs of ten intervals each");
    // A poll is counted before the next one of the same miner begins.
    assert!(hung_count as f64 <= timeouts + 1.0, "{hung_count} connections and {timeouts} time-outs: two at a time");
    // It is due twenty times, of which a busy machine may make some late.
    assert!(sound_exchanges.len() >= 5, "{} polls of the sound miner in two time-outs", sound_exchanges.len());
    assert_eq!(off_rhythm(&sound_exchanges, start, Duration::from_millis(200), 1), None);
}

#[test]
fn a_skipped_poll_changes_nothing_else() {
    static IS_OVER: AtomicBool = AtomicBool::new(false);
    // Not told to hold later: a poll that was on its way then could still change the page.
    let answer_once = |number| {
        let holds = || number > 0 && !IS_OVER.load(Ordering::Relaxed);
        (0..6000).take_while(|_| holds()).for_each(|_| thread::sleep(Duration::from_millis(10)));
        nano3s()
    };
    let miner = FakeMiner::start(Behaviour::Vary(answer_once));
    let _end = AtEnd(&IS_OVER);
    let label = miner.ip();
    let exporter = Settings::for_miners([&miner]).set("MINER_TIMEOUT", "600").start();
    exporter.wait_for_up(&label, 1.0);
    let skipped = |page: &Page| page.value("avalon_polls_skipped_total", &[("ip", &label)]).unwrap();
    let without_skips = |page: &Page| {
        let mut series = page.series();
        series.retain(|series, _| series.labels.get("ip") == Some(&label));
        series.retain(|series, _| series.name != "avalon_polls_skipped_total");
        series
    };
    let one = exporter.wait_for("a skipped poll", |page| skipped(page) >= 1.0);
    let later = exporter.wait_for("more skipped polls", |page| skipped(page) >= skipped(&one) + 3.0);
    assert_eq!(without_skips(&later), without_skips(&one));
    assert_eq!(later.value("avalon_up", &[("ip", &label)]), Some(1.0));
    assert_eq!(later.value("avalon_hashrate_ghs", &[("ip", &label)]), Some(6423.03));
}

#[test]
fn a_target_is_named_as_it_is_written() {
    let loopback = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let [one, other] = [(); 2].map(|()| FakeMiner::start_on(loopback, Behaviour::Answer(nano3s())).unwrap());
    let single = FakeMiner::start(Behaviour::Answer(nano3s()));
    let mut targets = vec![
        (one.target(), one.target()),
        (other.target(), other.target()),
        (format!("localhost:{}", one.port()), "localhost".to_owned()),
        (single.target(), single.ip()),
    ];
    // A machine may have no IPv6; then there is nothing to try.
    let sixth = FakeMiner::start_on(IpAddr::V6(Ipv6Addr::LOCALHOST), Behaviour::Answer(nano3s())).ok();
    if let Some(miner) = &sixth {
        targets.push((miner.target(), "::1".to_owned()));
    }
    let written: Vec<_> = targets.iter().map(|(target, _)| target.as_str()).collect();
    let exporter = Settings::new().set("AVALON_IPS", written.join(" , ")).start();
    for (_, label) in &targets {
        let page = exporter.wait_for_up(label, 1.0);
        assert_eq!(page.value("avalon_hashrate_ghs", &[("ip", label)]), Some(6423.03));
    }
    assert_eq!(exporter.page().family("avalon_up").unwrap().samples.len(), targets.len());
}

#[test]
fn a_target_without_a_port_has_the_common_one() {
    let miner = FakeMiner::start(Behaviour::Answer(nano3s()));
    let exporter = Settings::new().set("AVALON_IP", miner.ip()).set("AVALON_PORT", miner.port()).start();
    exporter.wait_for_up(&miner.ip(), 1.0);
}

#[test]
fn chip_metrics_are_shown_on_request_only() {
    let miner = FakeMiner::start(Behaviour::Answer(nano3s()));
    for (value, shown) in [("true", true), ("false", false)] {
        let exporter = Settings::for_miners([&miner]).set("EXPORT_CHIP_METRICS", value).start();
        let page = exporter.wait_for_up(&miner.ip(), 1.0);
        let last = page.value("avalon_chip_voltage_volts", &[("ip", &miner.ip()), ("chip", "011")]);
        assert_eq!(last, shown.then_some(2.95));
        assert_eq!(page.value("avalon_chip_count", &[("ip", &miner.ip())]), Some(12.0));
    }
}

/// Sends a signal to an exporter that has a hung miner and clients in every state of being stuck.
fn end_while_everything_hangs(signal: &str) -> Ended {
    let hung = FakeMiner::start(Behaviour::Hold(Vec::new()));
    let exporter = Settings::for_miners([&hung]).set("MINER_TIMEOUT", "60").start();
    hung.wait_for_connections(1);
    let heads: [&[u8]; 4] =
        [b"", b"GET /metr", b"GET /metrics HTTP/1.1\r\n\r\n", b"GET / HTTP/1.1\r\nContent-Length: 9\r\n\r\n"];
    let stuck: Vec<_> = heads.iter().cycle().take(24).map(|head| stick(&exporter, head)).collect();
    exporter.page();
    exporter.signal(signal);
    let ended = exporter.wait();
    drop(stuck);
    ended
}

/// A client that says this and then nothing, and reads nothing.
fn stick(exporter: &Exporter, head: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(exporter.address()).expect("a connection");
    stream.write_all(head).expect("to send");
    stream
}

#[test]
fn sigterm_and_sigint_end_it_at_once_and_in_peace() {
    for signal in ["TERM", "INT"] {
        let ended = end_while_everything_hangs(signal);
        assert_eq!(ended.code(), Some(0), "after {signal}: {ended:?}");
        // To wait for a client would take the 5 s that its head may take, for the miner 60 s.
        assert!(ended.took < Duration::from_secs(4), "{signal} took {:?}", ended.took);
        assert!(!ended.stderr.contains("panicked"), "{}", ended.stderr);
    }
}

#[test]
fn a_port_in_use_ends_it_before_the_first_poll() {
    let miner = FakeMiner::start(Behaviour::Answer(nano3s()));
    let settings = Settings::for_miners([&miner]);
    for (port, words) in [(settings.port(), ["EXPORTER_PORT", "in use"]), (9100, ["node_exporter", "in use"])] {
        let settings = settings.clone().set("EXPORTER_PORT", port);
        // If this fails then because someone else has the port, which is as good.
        let other = TcpListener::bind(settings.address());
        let ended = settings.run(&[]);
        assert_eq!(ended.code(), Some(1), "{ended:?}");
        let says = |line: &str| line.contains(&port.to_string()) && words.iter().all(|word| line.contains(word));
        assert!(ended.stderr.lines().any(says), "{}", ended.stderr);
        assert_eq!(miner.connections(), 0);
        drop(other);
    }
}

#[test]
fn changes_of_state_are_logged_once() {
    let mut miner = FakeMiner::start(Behaviour::Answer(nano3s()));
    let label = miner.ip();
    let settings = Settings::for_miners([&miner]);
    let exporter = settings.start();
    let about_miner = || exporter.log().lines().filter(|line| line.contains(&label)).count();
    let failures = |page: &Page| errors(page, &label)["connection_refused"];

    // The miner's line at the start, and its first answer.
    exporter.wait_for_up(&label, 1.0);
    let wait_for_lines = |count| wait_until("a line in the log", || (about_miner() >= count).then_some(()));
    let mut lines = 2;
    wait_for_lines(lines);
    miner.wait_for_connections(miner.connections() + 5);
    assert_eq!(about_miner(), lines, "a line at each poll: {}", exporter.log());
    for round in 1..=2 {
        miner.refuse();
        let page = exporter.wait_for_up(&label, 0.0);
        let start = failures(&page);
        exporter.wait_for("five more failures", |page| failures(page) >= start + 5.0);
        lines += 1;
        wait_for_lines(lines);
        assert_eq!(about_miner(), lines, "going down in round {round}: {}", exporter.log());
        miner.accept_again();
        exporter.wait_for_up(&label, 1.0);
        miner.wait_for_connections(miner.connections() + 5);
        lines += 1;
        wait_for_lines(lines);
        assert_eq!(about_miner(), lines, "going up in round {round}: {}", exporter.log());
    }

    exporter.signal("TERM");
    let ended = exporter.wait();
    assert_eq!(ended.stdout, "", "logs go to standard error");
    let stamped = |line: &str| {
        line.split(':').count() >= 3 && [" INFO ", " WARN ", " ERROR "].iter().any(|level| line.contains(level))
    };
    for line in ended.stderr.lines() {
        assert!(stamped(line), "no time and level: {line}");
    }
    for setting in [settings.port().to_string().as_str(), "UPDATE_INTERVAL", "MINER_TIMEOUT", &miner.port().to_string()]
    {
        assert!(ended.stderr.contains(setting), "{setting} is not in the log: {}", ended.stderr);
    }
}

#[test]
fn the_log_level_decides() {
    let mut miner = FakeMiner::start(Behaviour::Answer(nano3s()));
    miner.refuse();
    for (level, info, down, debug) in [
        ("CRITICAL", false, false, false),
        ("error", false, false, false),
        ("Info", true, true, false),
        ("DEBUG", true, true, true),
    ] {
        let exporter = Settings::for_miners([&miner]).set("LOG_LEVEL", level).start();
        exporter.wait_for("failures", |page| only("connection_refused", page, &miner.ip()) >= 3.0);
        let levels = [(" INFO ", info), (" DEBUG ", debug), (" WARN ", down)];
        // What is written takes a moment to be read here.
        let has_all = |log: &str| levels.iter().all(|(name, shown)| !shown || log.contains(name));
        let log = wait_until("a line of each level", || Some(exporter.log()).filter(|log| has_all(log)));
        for (name, shown) in levels {
            assert_eq!(log.contains(name), shown, "at {level}: {log}");
        }
    }
}

#[test]
fn what_a_miner_says_of_its_owner_is_in_no_log() {
    let miner = FakeMiner::start(Behaviour::Answer(nano3s()));
    let exporter = Settings::for_miners([&miner]).set("LOG_LEVEL", "TRACE").start();
    exporter.wait_for_up(&miner.ip(), 1.0);
    let debug = exporter.get("/debug").text();
    let page = exporter.get("/metrics").text();
    for (place, text) in [("the log", exporter.log()), ("/debug", debug), ("/metrics", page)] {
        assert!(!text.contains("worker.1"), "the pool's user name is in {place}");
    }
}

#[test]
fn it_answers_while_it_polls_a_hundred_miners() {
    // One fake on every loopback address stands for all of them.
    let miners = FakeMiner::start_on(IpAddr::V4(Ipv4Addr::UNSPECIFIED), Behaviour::Answer(nano3s())).unwrap();
    let targets: Vec<_> = (1..=100).map(|host| format!("127.1.1.{host}:{}", miners.port())).collect();
    let exporter = Settings::new().set("AVALON_IPS", targets.join(",")).set("UPDATE_INTERVAL", "1").start();
    let all_up =
        |page: &Page| page.family("avalon_up").unwrap().samples.iter().filter(|sample| sample.value == 1.0).count();
    let page = exporter.wait_for("a hundred miners up", |page| all_up(page) == 100);
    assert_eq!(page.family("avalon_hashrate_ghs").unwrap().samples.len(), 100);
    let polls = miners.connections();
    let mut asked = 0;
    while miners.connections() < polls + 100 {
        assert_eq!(exporter.get("/health").status, 200);
        asked += 1;
    }
    assert!(asked >= 3, "{asked} answers in the time of a cycle: the polls keep /health waiting");
}
