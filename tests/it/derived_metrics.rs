//! The decoded families from end to end: what settings add to the request and to the page, energy and its cost over a
//! life with failures, names, and what the exporter says of itself.

use crate::exporter::Settings;
use crate::fake_miner::{Behaviour, FakeMiner};
use crate::page::Page;
use crate::reply::{REQUEST, capture, nano3s};

/// A Nano 3S in high mode, as `captures` has it.
const WATTS: f64 = 132.0;

fn extended() -> Vec<u8> {
    capture("nano3s__25021401_56abae7__high__extended")
}

#[test]
fn extended_metrics_ask_for_two_parts_more_in_the_same_request() {
    let miner = FakeMiner::start(Behaviour::Answer(extended()));
    let exporter = Settings::for_miners([&miner]).set("EXPORT_EXTENDED_METRICS", true).start();
    let page = exporter.wait_for_up(&miner.ip(), 1.0);
    let of = [("ip", miner.ip())];
    let value = |name: &str| page.value(name, &of.each_ref().map(|(key, value)| (*key, value.as_str())));
    assert_eq!(value("avalon_wifi_rssi_dbm"), Some(-55.0));
    assert_eq!(value("avalon_filter_runtime_seconds"), Some(33_862.0 * 60.0));
    assert_eq!(value("avalon_network_difficulty"), Some(138_966_872_071_213.2));
    for exchange in miner.exchanges() {
        assert_eq!(exchange.request, [REQUEST, b"+litestats+coin"].concat());
    }
}

#[test]
fn a_miner_that_denies_the_extended_parts_is_up() {
    let mut reply = nano3s();
    reply.pop();
    reply.extend_from_slice(b"CMD=litestats|STATUS=E,When=1,Code=45,Msg=Access denied|CMD=coin|STATUS=E,Code=14|\0");
    let miner = FakeMiner::start(Behaviour::Answer(reply));
    let exporter = Settings::for_miners([&miner]).set("EXPORT_EXTENDED_METRICS", true).start();
    let page = exporter.wait_for_up(&miner.ip(), 1.0);
    assert!(page.family("avalon_wifi_rssi_dbm").is_none() && page.family("avalon_power_watts").is_some());
}

#[test]
fn energy_and_cost_only_grow_and_stay_while_the_miner_is_down() {
    let mut miner = FakeMiner::start(Behaviour::Answer(nano3s()));
    let label = miner.ip();
    let settings = Settings::for_miners([&miner]).set("ELECTRICITY_PRICE", "0.25").set("ELECTRICITY_CURRENCY", "eur");
    let exporter = settings.start();
    let energy = |page: &Page| page.value("avalon_energy_joules_total", &[("ip", &label)]);
    let cost = |page: &Page| page.value("avalon_energy_cost_total", &[("ip", &label), ("currency", "EUR")]);

    let page = exporter.wait_for("some energy", |page| energy(page) > Some(WATTS / 2.0));
    assert_eq!(page.value("avalon_electricity_price", &[("currency", "EUR")]), Some(0.25));
    let (joules, price) = (energy(&page).unwrap(), cost(&page).unwrap());
    assert!((price - joules / 3.6e6 * 0.25).abs() < 1e-12, "{joules} J cost {price}");

    miner.refuse();
    let down = exporter.wait_for_up(&label, 0.0);
    let kept = energy(&down);
    assert!(kept >= Some(joules) && down.family("avalon_power_watts").is_none());
    let later = exporter
        .wait_for("more failed polls", |page| page.value("avalon_scrape_errors_total", &[("ip", &label)]) > Some(3.0));
    assert_eq!((energy(&later), cost(&later)), (kept, cost(&down)), "nothing is added while it is down");

    miner.accept_again();
    exporter.wait_for("more energy", |page| energy(page) > kept);
}

#[test]
fn without_a_price_nothing_costs() {
    let miner = FakeMiner::start(Behaviour::Answer(nano3s()));
    let page = Settings::for_miners([&miner]).start().wait_for_up(&miner.ip(), 1.0);
    assert!(page.family("avalon_energy_cost_total").is_none() && page.family("avalon_electricity_price").is_none());
}

#[test]
fn a_name_joins_the_page_and_stays_while_the_miner_is_down() {
    let mut named = FakeMiner::start(Behaviour::Answer(nano3s()));
    let other = FakeMiner::start(Behaviour::Answer(nano3s()));
    let list = format!("the garage={},{}", named.target(), other.target());
    let exporter = Settings::for_miners([&named]).unset("AVALON_IP").set("AVALON_IPS", list).start();
    let name = [("ip", named.ip()), ("name", "the garage".to_owned())];
    let name = name.each_ref().map(|(key, value)| (*key, value.as_str()));
    let up = exporter.wait_for_up(&named.ip(), 1.0);
    assert_eq!(up.value("avalon_miner_name", &name), Some(1.0));
    assert_eq!(up.family("avalon_miner_name").unwrap().samples.len(), 1, "only named miners have one");
    named.refuse();
    let down = exporter.wait_for_up(&named.ip(), 0.0);
    assert_eq!(down.value("avalon_miner_name", &name), Some(1.0));
    assert!(exporter.log().contains("the garage is down"), "{}", exporter.log());
    assert!(exporter.get("/debug").text().contains("\"name\": \"the garage\""));
}

#[test]
fn what_the_exporter_says_of_itself() {
    let miner = FakeMiner::start(Behaviour::Answer(nano3s()));
    let exporter = Settings::for_miners([&miner]).start();
    exporter.wait_for_up(&miner.ip(), 1.0);
    exporter.get("/nowhere");
    let page = exporter.page();
    for (name, labels, least) in [
        ("avalon_http_requests_total", &[("path", "/metrics"), ("code", "200")][..], 1.0),
        ("avalon_http_requests_total", &[("path", "other"), ("code", "404")], 1.0),
        ("avalon_http_connections_total", &[("result", "accepted")], 2.0),
        ("avalon_http_connections_total", &[("result", "evicted")], 0.0),
        ("avalon_poll_cycle_duration_seconds", &[], 0.0),
        ("process_resident_memory_bytes", &[], 1e5),
        ("process_open_fds", &[], 3.0),
        ("process_max_fds", &[], 3.0),
        ("process_threads", &[], 2.0),
        ("process_start_time_seconds", &[], 1.7e9),
        ("process_cpu_seconds_total", &[], 0.0),
    ] {
        let value = page.value(name, labels).unwrap_or_else(|| panic!("no {name}{labels:?}"));
        assert!(value >= least, "{name}{labels:?} is {value}");
    }
}
