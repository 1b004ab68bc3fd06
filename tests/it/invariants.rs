//! What stays true of the miners' records over any polls in any order, by one thread or many. Uses the library.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use avalonhome_prometheus_exporter::cgminer::error::{ErrorKind, Phase, PollError};
use avalonhome_prometheus_exporter::cgminer::reply::{Reply, ReplyError, Request};
use avalonhome_prometheus_exporter::config::Target;
use avalonhome_prometheus_exporter::exposition::Kind;
use avalonhome_prometheus_exporter::metrics::KEYS;
use avalonhome_prometheus_exporter::metrics::catalogue::{ENERGY_COST, POLL, PollValues};
use avalonhome_prometheus_exporter::miner::{Collected, Poller, Store, collect};
use avalonhome_prometheus_exporter::site::metrics_page::{View, page};

use crate::exporter::Settings;
use crate::fake_miner::{Behaviour, FakeMiner};
use crate::mutations::{Random, case};
use crate::page::{Page, Series};
use crate::reply::nano3s;
use crate::untrusted::PAGE;

fn page_of(store: &Store) -> Page {
    let price = Some(("USD", 0.3));
    let view = View { miners: &store.miners(), now: Instant::now(), chips: true, price, own: None };
    Page::parse(&page(&view).to_text()).unwrap()
}

fn store_of(host: &str, port: u16) -> Store {
    Store::new(&[Target::parse(host, port).unwrap()], Duration::from_secs(10), None)
}

/// A poll as a miner or the network might let it end; damaged replies are among them.
fn outcome(random: &mut Random) -> Result<Collected, PollError> {
    let limit = Duration::from_secs(5);
    match random.below(10) {
        0 => Err(PollError::Timeout(Phase::Receive, limit)),
        1 => Err(PollError::Io(Phase::Connect, io::ErrorKind::ConnectionRefused.into())),
        2 => Err(PollError::NoAddress),
        3 => Err(ReplyError::Empty.into()),
        4 => Err(PollError::Panic),
        _ => {
            let bytes = case(&PAGE, random.next() % 100_000);
            Ok(collect(&Reply::parse(&KEYS, &bytes, Request::Extended, true)?))
        }
    }
}

#[test]
fn counters_only_go_up_and_are_what_their_parts_are() {
    let counters: Vec<&str> = POLL.iter().filter(|row| row.kind == Kind::Counter).map(|row| row.name).collect();
    let names = PollValues::of(|row| row.name);
    assert!(counters.len() > 9);
    for seed in 0..8 {
        let (mut random, store) = (Random(seed), store_of("a", 1));
        let (mut errors, mut skips) = ([0_u32; ErrorKind::ALL.len()], 0_u32);
        let mut before: BTreeMap<String, f64> = BTreeMap::new();
        for _ in 0..60 {
            if random.below(8) == 0 {
                store.skip(0);
                skips += 1;
            } else {
                let outcome = outcome(&mut random);
                if let Err(error) = &outcome {
                    errors[ErrorKind::ALL.iter().position(|kind| *kind == error.kind()).unwrap()] += 1;
                }
                store.record(0, Instant::now(), outcome);
            }
            let page = page_of(&store);
            let value = |name: &str| page.value(name, &[]);
            let of = |name: &str| value(name).unwrap();
            for name in counters.iter().copied().chain([ENERGY_COST.name]) {
                let now = value(name);
                let then = before.get(name).copied();
                assert!(now >= then && now.is_none_or(f64::is_finite), "{name} went from {then:?} to {now:?}");
                before.extend(now.map(|now| (name.to_owned(), now)));
            }
            for (kind, count) in ErrorKind::ALL.into_iter().zip(errors) {
                let name = match kind {
                    ErrorKind::Timeout => names.scrape_errors_timeout_total,
                    ErrorKind::ConnectionRefused => names.scrape_errors_connection_refused_total,
                    ErrorKind::Network => names.scrape_errors_network_total,
                    ErrorKind::Parse => names.scrape_errors_parse_total,
                    ErrorKind::Other => names.scrape_errors_other_total,
                };
                assert_eq!(of(name), f64::from(count), "{kind:?}");
            }
            assert_eq!(of(names.scrape_errors_total), f64::from(errors.iter().sum::<u32>()));
            assert_eq!(of(names.status_changes_total), of(names.status_ups_total) + of(names.status_downs_total));
            assert!((of(names.status_ups_total) - of(names.status_downs_total)).abs() <= 1.0, "they take turns");
            assert_eq!(of(names.polls_skipped_total), f64::from(skips));
        }
    }
}

/// A reply in which every number that a page shows is this one.
fn numbered(number: u32) -> Vec<u8> {
    let list = format!("{number} ").repeat(20);
    let boards: String =
        (0..4).map(|board| format!("PVT_T{board}[{list}] PVT_V{board}[{list}] MW{board}[{list}] ")).collect();
    let fans: String = (1..5).map(|fan| format!("Fan{fan}[{number}] ")).collect();
    let pools: String = (0..3)
        .map(|pool| format!("POOL={pool},URL=u{number},Status=Alive,Accepted={number},Rejected={number}|"))
        .collect();
    format!(
        "CMD=version|STATUS=S|VERSION,MODEL=Q,MAC=m{number}|CMD=summary|STATUS=S|SUMMARY,Elapsed={number},Accepted={number}|\
         CMD=stats|STATUS=S|STATS=0,ID=AVA100,MM ID0=Ver[Q-25052801_14a19a2] TMax[{number}] TAvg[{number}] GHSspd[{number}] \
         MH[{list}] PS[0 {number} {number} {number} {number} {number} {number}] {fans}{boards},MM Count=1|\
         CMD=pools|STATUS=S|{pools}\0"
    )
    .into_bytes()
}

fn record_numbered(store: &Store, number: u32) {
    let bytes = numbered(number);
    let reply = &bytes[..bytes.len() - 1];
    store.record(0, Instant::now(), Ok(collect(&Reply::parse(&KEYS, reply, Request::Standard, true).unwrap())));
}

/// Asserts that a page is, but for what the exporter itself counts and times, the page of one poll; which one.
fn only_number_on(page: &Page, expected: impl Fn(u32) -> BTreeMap<Series, f64>) -> Option<u32> {
    let number = page.family("avalon_hashrate_ghs")?.samples[0].value;
    let number = number.to_string().parse().unwrap();
    assert_eq!(of_the_miner(page), expected(number));
    Some(number)
}

fn of_the_miner(page: &Page) -> BTreeMap<Series, f64> {
    let own = |name: &str| {
        let exporters = ["avalon_exporter", "avalon_energy", "avalon_poll_cycle", "avalon_http", "process_"];
        POLL.iter().any(|row| row.name == name) || exporters.iter().any(|prefix| name.starts_with(prefix))
    };
    page.series().into_iter().filter(|(series, _)| !own(&series.name)).collect()
}

#[test]
fn a_page_is_of_one_poll_while_others_end() {
    /// As often the store changes, and each reader reads, whichever of them the machine lets run.
    const TIMES: usize = 40;
    let store = Arc::new(store_of("a", 1));
    record_numbered(&store, 0);
    let is_over = Arc::new(AtomicBool::new(false));
    let recorder = thread::spawn({
        let (store, is_over) = (store.clone(), is_over.clone());
        move || {
            (1_u32..)
                .take_while(|_| !is_over.load(Ordering::Relaxed))
                .inspect(|number| record_numbered(&store, *number))
                .count()
        }
    });
    let read = |store: &Store| {
        let expected = |number| {
            let store = store_of("a", 1);
            record_numbered(&store, number);
            of_the_miner(&page_of(&store))
        };
        let (mut numbers, start) = (Vec::new(), Instant::now());
        while numbers.len() < TIMES || (numbers[numbers.len() - 1] as usize) < TIMES {
            assert!(start.elapsed() < crate::PATIENCE, "nothing changes: {numbers:?}");
            numbers.push(only_number_on(&page_of(store), expected).unwrap());
        }
        numbers
    };
    let seen: Vec<Vec<u32>> = thread::scope(|scope| {
        let readers = [0, 1].map(|_| scope.spawn(|| read(&store)));
        readers.into_iter().map(|reader| reader.join().unwrap()).collect()
    });
    is_over.store(true, Ordering::Relaxed);
    let polls = recorder.join().unwrap();
    for numbers in seen {
        assert!(numbers.is_sorted(), "a reader goes back: {numbers:?}");
        assert!(numbers.first() < numbers.last() && polls > TIMES, "nothing changed meanwhile");
    }
}

#[test]
fn a_scrape_is_of_one_poll_while_others_end() {
    let miner = FakeMiner::start(Behaviour::Answer(numbered(1)));
    let exporter =
        Settings::for_miners([&miner]).set("UPDATE_INTERVAL", "0.1").set("EXPORT_CHIP_METRICS", "true").start();
    exporter.wait_for_up(&miner.ip(), 1.0);
    let expected = |number| {
        let store = store_of(&miner.ip(), 1);
        record_numbered(&store, number);
        let mut series = of_the_miner(&page_of(&store));
        series.retain(|series, _| series.name != "avalon_electricity_price");
        series
    };
    let mut polls = std::collections::BTreeSet::new();
    let mut number = 1;
    let start = Instant::now();
    while polls.len() < 10 {
        assert!(start.elapsed() < crate::PATIENCE, "{polls:?}");
        number += 1;
        miner.behave(Behaviour::Answer(numbered(number)));
        polls.extend(only_number_on(&exporter.page(), expected));
    }
}

/// A lost wake-up would show as an asker that waits to its deadline, a lost turn as a miner that nobody polls again.
#[test]
fn whoever_asks_for_a_poll_gets_its_end() {
    const ASKERS: usize = 6;
    let miner = FakeMiner::start_on(IpAddr::V4(Ipv4Addr::LOCALHOST), Behaviour::Answer(nano3s())).unwrap();
    let store = Arc::new(store_of(&miner.ip(), miner.port()));
    let poller = Poller::new(store.clone(), Request::Standard, crate::PATIENCE);
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        let cycles = scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                poller.run_once();
            }
        });
        let askers: [_; ASKERS] = std::array::from_fn(|_| {
            scope.spawn(|| {
                for _ in 0..40 {
                    let start = Instant::now();
                    let record = poller.poll_now(0, start + 2 * crate::PATIENCE).unwrap();
                    assert!(record.is_up() && start.elapsed() < crate::PATIENCE, "after {:?}", start.elapsed());
                }
            })
        });
        for asker in askers {
            asker.join().unwrap();
        }
        is_over.store(true, Ordering::Relaxed);
        cycles.join().unwrap();
    });
    assert!(poller.poll_now(0, Instant::now() + crate::PATIENCE).unwrap().is_up());
    assert_eq!(store.miners()[0].errors_of(ErrorKind::Timeout), 0);
}
