//! Probes and service discovery: what may be asked, what an answer holds, and that dead miners delay nobody.

use std::collections::BTreeMap;
use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::daemon::{errors, transitions};
use crate::exporter::{Exporter, Response, Settings};
use crate::fake_miner::{Behaviour, FakeMiner};
use crate::page::{Page, Series};
use crate::reply::nano3s;
use crate::{AtEnd, own_loopback, wait_until};

/// An exporter without miners of its own that may probe all of loopback.
fn prober() -> Exporter {
    prober_with("5")
}

/// The same with a time for a poll.
fn prober_with(timeout: &str) -> Exporter {
    Settings::new().set("PROBE_ALLOW", "127.0.0.0/8").set("MINER_TIMEOUT", timeout).start()
}

/// A probe; Prometheus would wait for it as many seconds.
fn probe(exporter: &Exporter, target: &str, seconds: &str) -> Response {
    let header = format!("X-Prometheus-Scrape-Timeout-Seconds: {seconds}");
    exporter.ask("GET", &format!("/probe?target={target}"), &[&header])
}

fn page(response: &Response) -> Page {
    assert_eq!(response.status, 200, "{}", response.text());
    assert_eq!(response.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    Page::parse(&response.text()).unwrap_or_else(|error| panic!("/probe, {error}"))
}

/// Asserts a refusal that says all these words.
fn assert_refused(response: &Response, status: u16, words: &[&str]) {
    let text = response.text();
    assert_eq!(response.status, status, "{text}");
    for word in words {
        assert!(text.contains(word), "{word} is not in {text}");
    }
}

#[test]
fn a_probe_has_the_families_of_its_miner_and_no_others() {
    let configured = FakeMiner::start(Behaviour::Answer(nano3s()));
    let probed = FakeMiner::start(Behaviour::Answer(nano3s()));
    let settings = Settings::for_miners([&configured]).set("PROBE_ALLOW", probed.ip()).set("ELECTRICITY_PRICE", "0.2");
    let exporter = settings.start();
    exporter.wait_for_up(&configured.ip(), 1.0);
    let page = page(&probe(&exporter, &probed.target(), "10"));
    assert_eq!(page.value("avalon_up", &[("ip", &probed.ip())]), Some(1.0));
    assert_eq!(page.value("avalon_hashrate_ghs", &[("ip", &probed.ip())]), Some(6423.03));
    for family in page.families() {
        for sample in &family.samples {
            assert_eq!(sample.series.labels.get("ip"), Some(&probed.ip()), "{} is of the miner", family.name);
        }
    }
    assert!(exporter.page().value("avalon_up", &[("ip", &probed.ip())]).is_none(), "/metrics is about the configured");
}

#[test]
fn records_go_on_from_probe_to_probe() {
    let mut miner = FakeMiner::start(Behaviour::Answer(nano3s()));
    let exporter = prober();
    let (target, ip) = (miner.target(), miner.ip());
    let value = |name: &str| page(&probe(&exporter, &target, "10")).value(name, &[("ip", &ip)]);
    assert_eq!(value("avalon_energy_joules_total"), Some(0.0));
    wait_until("energy between probes", || value("avalon_energy_joules_total").filter(|joules| *joules > 0.0));
    miner.refuse();
    assert_eq!(value("avalon_up"), Some(0.0));
    assert_eq!(value("avalon_scrape_errors_connection_refused_total"), Some(2.0));
    assert_eq!(value("avalon_status_downs_total"), Some(1.0));
    miner.accept_again();
    assert_eq!(value("avalon_up"), Some(1.0));
}

#[test]
fn configured_miners_can_be_probed_by_address_and_name_without_a_permission() {
    let miner = FakeMiner::start(Behaviour::Answer(nano3s()));
    let list = format!("the garage={}", miner.target());
    let exporter = Settings::new().set("AVALON_IPS", list).set("UPDATE_INTERVAL", "86400").start();
    exporter.wait_for_up(&miner.ip(), 1.0);
    let polls = miner.connections();
    let names = [miner.ip(), "the%20garage".to_owned(), miner.target().replace(':', "%3A")];
    for (count, target) in names.iter().enumerate() {
        let page = page(&probe(&exporter, target, "10"));
        assert_eq!(page.value("avalon_up", &[("ip", &miner.ip())]), Some(1.0), "{target}");
        assert_eq!(miner.connections(), polls + count + 1, "{target} is polled now");
    }
    let refused = probe(&exporter, &format!("{}:1", miner.ip()), "10");
    assert_refused(&refused, 403, &[&miner.ip(), "PROBE_ALLOW"]);
}

#[test]
fn only_what_is_permitted_is_asked() {
    let miner = FakeMiner::start(Behaviour::Answer(nano3s()));
    let (port, ip) = (miner.port(), miner.ip());
    let here = format!("{ip}/32");
    for (allow, target, status) in [
        ("192.0.2.0/24", miner.target(), 403),
        ("192.0.2.0/24", format!("localhost:{port}"), 403),
        ("name.invalid", miner.target(), 403),
        ("name.invalid", format!("localhost:{port}"), 403),
        (here.as_str(), format!("127.0.0.1:{port}"), 403),
        (here.as_str(), format!("0.0.0.0:{port}"), 403),
        (here.as_str(), format!("localhost:{port}"), 403),
        (here.as_str(), format!("[::1]:{port}"), 403),
        (here.as_str(), format!("0x7f000001:{port}"), 403),
        (here.as_str(), miner.target(), 200),
        (here.as_str(), format!("[::ffff:{ip}]:{port}"), 200),
        ("localhost", format!("LOCALHOST:{port}"), 200),
        ("localhost", format!("127.0.0.1:{port}"), 403),
        ("127.0.0.1", format!("localhost:{port}"), 200),
    ] {
        let exporter = Settings::new().set("PROBE_ALLOW", allow).set("MINER_TIMEOUT", "2").start();
        let before = miner.connections();
        let response = probe(&exporter, &target, "10");
        assert_eq!(response.status, status, "{target} with {allow}: {}", response.text());
        assert!(status == 200 || response.text().starts_with("403: "), "{}", response.text());
        assert!(status == 200 || response.text().contains("PROBE_ALLOW"), "{}", response.text());
        assert!(status == 200 || miner.connections() == before, "{target} with {allow} was connected to");
    }
}

#[test]
fn queries_that_are_none() {
    let exporter = prober();
    for query in ["", "?", "?target=", "?target=a&target=b", "?target=%zz", "?target=http://a", "?target=a=127.0.0.1"] {
        assert_refused(&exporter.get(&format!("/probe{query}")), 400, &["400: ", "target"]);
    }
    assert_refused(&exporter.get("/probe?target=127.0.0.1%0d%0aX-Evil:%201"), 400, &["control characters"]);
    assert_refused(&exporter.get("/probe?target=203.0.113.7"), 403, &["203.0.113.7", "PROBE_ALLOW"]);
}

#[test]
fn a_name_that_nobody_knows_is_a_miner_that_is_down() {
    let exporter = prober();
    let page = page(&probe(&exporter, "no-such-miner.invalid", "5"));
    let label = [("ip", "no-such-miner.invalid")];
    assert_eq!(page.value("avalon_up", &label), Some(0.0));
    assert_eq!(page.value("avalon_scrape_errors_total", &label), Some(1.0));
}

#[test]
fn a_silent_miner_is_down_in_time_and_asked_once() {
    let miner = FakeMiner::start(Behaviour::Hold(Vec::new()));
    let exporter = prober_with("60");
    let start = Instant::now();
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                let page = page(&probe(&exporter, &miner.target(), "2"));
                assert_eq!(page.value("avalon_up", &[("ip", &miner.ip())]), Some(0.0));
            });
        }
    });
    // Less half a second (`time_is_left_for_the_way`); without that time it would be 11 s, or the miner's 60 s.
    let took = start.elapsed().as_secs_f64();
    assert!((1.5..10.0).contains(&took), "an answer after {took} s, within 2 s");
    assert_eq!(miner.connections(), 1, "a poll on its way is shared");
}

/// What `/metrics` says of a miner.
fn shown(exporter: &Exporter, ip: &str) -> BTreeMap<Series, f64> {
    let is_of = |series: &Series| series.labels.get("ip").is_some_and(|label| label == ip);
    exporter.page().series().into_iter().filter(|(series, _)| is_of(series)).collect()
}

#[test]
fn an_impatient_client_leaves_no_trace() {
    static IS_TOLD: AtomicBool = AtomicBool::new(false);
    let answer_when_told = |_| {
        // It ends by itself if the test has failed.
        (0..2000)
            .take_while(|_| !IS_TOLD.load(Ordering::Relaxed))
            .for_each(|_| thread::sleep(Duration::from_millis(10)));
        nano3s()
    };
    let miner = FakeMiner::start(Behaviour::Answer(nano3s()));
    let exporter = Settings::for_miners([&miner]).set("UPDATE_INTERVAL", "86400").set("MINER_TIMEOUT", "60").start();
    let (ip, target) = (miner.ip(), miner.target());
    exporter.wait_for_up(&ip, 1.0);
    let (before, polls) = (shown(&exporter, &ip), miner.connections());
    miner.behave(Behaviour::Vary(answer_when_told));
    for seconds in ["0.000001", "0.01", "0.5"] {
        let page = page(&probe(&exporter, &target, seconds));
        assert_eq!(page.value("avalon_up", &[("ip", &ip)]), Some(0.0), "its own answer, {seconds} s");
        assert_eq!(page.value("avalon_hashrate_ghs", &[("ip", &ip)]), None);
        assert_eq!(page.value("avalon_scrape_errors_total", &[("ip", &ip)]), Some(0.0), "no poll has failed");
        assert_eq!(shown(&exporter, &ip), before, "the page of all others, after {seconds} s");
    }
    miner.wait_for_connections(polls + 1);
    let patient = thread::scope(|scope| {
        let patient = scope.spawn(|| page(&probe(&exporter, &target, "10")));
        assert_eq!(miner.connections(), polls + 1, "all ask for the poll that is on its way");
        IS_TOLD.store(true, Ordering::Relaxed);
        patient.join().unwrap()
    });
    assert_eq!(patient.value("avalon_up", &[("ip", &ip)]), Some(1.0));
    let after = exporter.wait_for_up(&ip, 1.0);
    let energy = |page: &Page| page.value("avalon_energy_joules_total", &[("ip", &ip)]).unwrap();
    assert!(energy(&after) > 0.0 && energy(&after) >= energy(&patient), "the poll counts as any other");
    assert_eq!(errors(&after, &ip).values().sum::<f64>(), 0.0);
    assert_eq!(transitions(&after, &ip), [Some(0.0); 3]);
    assert_eq!(after.value("avalon_polls_skipped_total", &[("ip", &ip)]), Some(0.0));
}

#[test]
fn patient_clients_beside_impatient_ones_find_the_miner_up() {
    /// W, from the supply's own account of the captured miner.
    const WATTS: f64 = 132.0;
    let slow = |_| {
        thread::sleep(Duration::from_millis(20));
        nano3s()
    };
    let miner = FakeMiner::start(Behaviour::Vary(slow));
    // So slow a rhythm that energy is counted over any gap that a busy machine leaves.
    let exporter = Settings::for_miners([&miner]).set("UPDATE_INTERVAL", "20").start();
    let (ip, target) = (miner.ip(), miner.target());
    exporter.wait_for_up(&ip, 1.0);
    let value = |page: &Page, name: &str| page.value(name, &[("ip", &ip)]);
    let patient = || {
        let page = page(&probe(&exporter, &target, "10"));
        assert_eq!(value(&page, "avalon_up"), Some(1.0), "a patient client");
        assert_eq!(value(&page, "avalon_hashrate_ghs"), Some(6423.03));
        assert_eq!(value(&exporter.page(), "avalon_up"), Some(1.0), "/metrics");
        value(&page, "avalon_energy_joules_total").unwrap()
    };
    let is_over = AtomicBool::new(false);
    let impatient = |seconds| {
        let mut down = 0;
        while !is_over.load(Ordering::Relaxed) {
            down += u32::from(value(&page(&probe(&exporter, &target, seconds)), "avalon_up") == Some(0.0));
        }
        down
    };
    let down = thread::scope(|scope| {
        let impatient = ["0.000001", "0.01"].map(|seconds| scope.spawn(move || impatient(seconds)));
        let at_end = AtEnd(&is_over);
        let start = Instant::now();
        let first = patient();
        let begin = Instant::now();
        for _ in 0..30 {
            patient();
        }
        let end = Instant::now();
        let last = patient();
        let (low, high) = ((end - begin).as_secs_f64() * WATTS, start.elapsed().as_secs_f64() * WATTS);
        assert!((low..high).contains(&(last - first)), "{} J, not from {low} to {high}", last - first);
        drop(at_end);
        impatient.map(|client| client.join().unwrap())
    });
    assert!(down.iter().all(|count| *count > 0), "impatient clients have gone without an answer: {down:?}");
    let page = exporter.page();
    assert_eq!(errors(&page, &ip).values().sum::<f64>(), 0.0);
    assert_eq!(transitions(&page, &ip), [Some(0.0); 3]);
    assert_eq!(value(&page, "avalon_polls_skipped_total"), Some(0.0));
}

/// The most polls of miners that are not configured, and look-ups of their names, as `src/limits.rs` has it.
pub const POLLS_MAX: usize = 8;

/// Asks, with no time to wait, for so many silent miners. How many of them are polled now; the others were refused.
fn ask_for_silent_miners(exporter: &Exporter, silent: &FakeMiner, count: usize) -> usize {
    let answers = (1..=count).map(|host| probe(exporter, &format!("127.200.0.{host}:{}", silent.port()), "0.001"));
    let (polled, refused): (Vec<_>, Vec<_>) = answers.partition(|answer| answer.status == 200);
    for answer in &polled {
        assert!(page(answer).samples().all(|sample| sample.series.name != "avalon_up" || sample.value == 0.0));
    }
    for answer in &refused {
        assert_refused(answer, 503, &["probes"]);
    }
    polled.len()
}

#[test]
fn impatient_clients_leave_few_polls_behind() {
    let silent = FakeMiner::start_on(IpAddr::V4(Ipv4Addr::UNSPECIFIED), Behaviour::Hold(Vec::new())).unwrap();
    let sound = FakeMiner::start(Behaviour::Answer(nano3s()));
    let settings = Settings::for_miners([&sound]).set("PROBE_ALLOW", "127.0.0.0/8").set("UPDATE_INTERVAL", "86400");
    let exporter = settings.set("MINER_TIMEOUT", "60").start();
    exporter.wait_for_up(&sound.ip(), 1.0);
    let polled = ask_for_silent_miners(&exporter, &silent, 40);
    assert!((1..=POLLS_MAX).contains(&polled), "{polled} polls");
    let polls = || exporter.threads().iter().filter(|name| name.starts_with("poll ")).count();
    // A thread takes its name when it has begun.
    wait_until("a thread for each poll", || (polls() >= polled).then_some(()));
    assert_eq!(polls(), polled, "{:?}", exporter.threads());
    let joined = probe(&exporter, &format!("127.200.0.1:{}", silent.port()), "0.001");
    assert_eq!(page(&joined).value("avalon_up", &[("ip", "127.200.0.1")]), Some(0.0), "to join a poll takes none");
    let configured = page(&probe(&exporter, &sound.target(), "10"));
    assert_eq!(configured.value("avalon_up", &[("ip", &sound.ip())]), Some(1.0), "and nor does a configured miner");
}

#[test]
fn a_patient_client_waits_for_the_polls_that_impatient_ones_leave_behind() {
    let silent = FakeMiner::start_on(IpAddr::V4(Ipv4Addr::UNSPECIFIED), Behaviour::Hold(Vec::new())).unwrap();
    let sound = FakeMiner::start(Behaviour::Answer(nano3s()));
    let exporter = prober_with("1");
    assert!(ask_for_silent_miners(&exporter, &silent, POLLS_MAX) > 0);
    let page = page(&probe(&exporter, &sound.target(), "10"));
    assert_eq!(page.value("avalon_up", &[("ip", &sound.ip())]), Some(1.0));
}

#[test]
fn dead_targets_never_delay_the_pages() {
    let miner = FakeMiner::start(Behaviour::Answer(nano3s()));
    let dead = FakeMiner::start(Behaviour::Hold(Vec::new()));
    let settings = Settings::for_miners([&miner]).set("PROBE_ALLOW", "127.0.0.0/8").set("MINER_TIMEOUT", "60");
    let exporter = settings.start();
    exporter.wait_for_up(&miner.ip(), 1.0);
    let head = format!("GET /probe?target={} HTTP/1.1\r\n\r\n", dead.target());
    let probe = || {
        let mut stream = TcpStream::connect(exporter.address()).unwrap();
        stream.write_all(head.as_bytes()).unwrap();
        stream
    };
    let start = Instant::now();
    let probes: Vec<_> = (0..24).map(|_| probe()).collect();
    dead.wait_for_connections(1);
    for _ in 0..5 {
        // One that finds no thread for 5 s is a 503.
        assert_eq!(exporter.get("/metrics").status, 200);
    }
    assert!(start.elapsed() < Duration::from_secs(10), "the first probes are given up after 11 s");
    drop(probes);
}

#[test]
fn probes_need_no_miner_of_their_own() {
    let exporter = prober();
    assert_eq!(exporter.get("/health").status, 200);
    assert!(exporter.page().family("avalon_up").is_none());
    assert_eq!(exporter.page().value("avalon_http_requests_total", &[("path", "/health"), ("code", "200")]), Some(2.0));
    let ended = Settings::new().set("PROBE_ALLOW", "127.0.0.0/33,http://a,ok").run(&["check-config"]);
    assert_eq!(ended.code(), Some(2));
    assert_eq!(ended.stderr.lines().filter(|line| line.contains("PROBE_ALLOW")).count(), 2, "{}", ended.stderr);
    let ended = Settings::nothing().set("PROBE_ALLOW", "127.1.2.3/8, miner.lan").run(&["check-config"]);
    assert!(ended.stdout.contains("PROBE_ALLOW=127.0.0.0/8,miner.lan\n"), "{}", ended.stdout);
}

#[test]
fn service_discovery_lists_the_configured_miners() {
    let miner = FakeMiner::start(Behaviour::Answer(nano3s()));
    let down = own_loopback();
    let list = format!("the garage={},{down}", miner.target());
    let exporter = Settings::new().set("AVALON_IPS", list).start();
    exporter.wait_for_up(&miner.ip(), 1.0);
    let response = exporter.get("/sd");
    assert_eq!((response.status, response.header("content-type")), (200, Some("application/json")));
    let expected = json!([
        {
            "targets": [miner.target()],
            "labels": {
                "__meta_avalon_ip": miner.ip(), "__meta_avalon_name": "the garage",
                "__meta_avalon_model": "Nano3s", "__meta_avalon_firmware": "25021401_56abae7",
            },
        },
        { "targets": [format!("{down}:4028")], "labels": { "__meta_avalon_ip": down.to_string() } },
    ]);
    assert_eq!(serde_json::from_slice::<Value>(&response.body).unwrap(), expected);
    assert_eq!(serde_json::from_slice::<Value>(&prober().get("/sd").body).unwrap(), json!([]));
}
