//! Probes and service discovery: what may be asked, what an answer holds, and that dead miners delay nobody.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::exporter::{Exporter, Response, Settings, ask};
use crate::fake_miner::{Behaviour, FakeMiner};
use crate::page::Page;
use crate::reply::nano3s;
use crate::{own_loopback, wait_until};

/// An exporter without miners of its own that may probe all of loopback.
fn prober() -> Exporter {
    Settings::new().set("PROBE_ALLOW", "127.0.0.0/8").start()
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
    let exporter = prober();
    let start = Instant::now();
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                let page = page(&probe(&exporter, &miner.target(), "2"));
                assert_eq!(page.value("avalon_up", &[("ip", &miner.ip())]), Some(0.0));
            });
        }
    });
    assert!(start.elapsed() < Duration::from_secs(2), "Prometheus would have given up: {:?}", start.elapsed());
    assert_eq!(miner.connections(), 1, "a poll on its way is shared");
}

#[test]
fn dead_targets_never_delay_the_pages() {
    let miner = FakeMiner::start(Behaviour::Answer(nano3s()));
    let dead = FakeMiner::start(Behaviour::Hold(Vec::new()));
    let settings = Settings::for_miners([&miner]).set("PROBE_ALLOW", "127.0.0.0/8").set("MINER_TIMEOUT", "4");
    let exporter = settings.start();
    exporter.wait_for_up(&miner.ip(), 1.0);
    let address = exporter.address();
    let path = format!("/probe?target={}", dead.target());
    thread::scope(|scope| {
        for _ in 0..24 {
            scope.spawn(|| ask(address, "GET", &path, &[]));
        }
        dead.wait_for_connections(1);
        for _ in 0..5 {
            let start = Instant::now();
            assert_eq!(exporter.get("/metrics").status, 200);
            assert!(start.elapsed() < Duration::from_secs(1), "/metrics took {:?}", start.elapsed());
        }
    });
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
