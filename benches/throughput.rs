//! How fast the pure functions are, in bytes of a reply and of a page: `cargo bench --bench throughput`. What whole
//! processes cost is measured by `benches/run`.
//!
//! It is compiled with the release's profile, since it is the release whose speed counts.

use std::collections::BTreeMap;
use std::mem::take;
use std::time::{Duration, Instant};

use avalonhome_prometheus_exporter::cgminer::reply::{Memory, Reply, Request};
use avalonhome_prometheus_exporter::config::Target;
use avalonhome_prometheus_exporter::http::Body;
use avalonhome_prometheus_exporter::metrics::KEYS;
use avalonhome_prometheus_exporter::miner::{Collected, Miner, Store, collect};
use avalonhome_prometheus_exporter::site::metrics_page::{View, page};
use divan::counter::BytesCount;
use divan::{Bencher, black_box};
use serde_json::{Value, json};

const NANO_3S: &[u8] = include_bytes!("../tests/captures/nano3s__25021401_56abae7__high.reply");
const A15: &[u8] = include_bytes!("../tests/captures/a15-194__24102401_25462b2__mining.reply");

/// Runs what the command line names.
pub fn main() {
    divan::main();
}

/// From the bytes that a miner sent to its reading, in the memory of the last reply, as polls do it.
fn read(memory: &mut Memory, bytes: &[u8]) -> Option<Collected> {
    let reply = Reply::parse_in(take(memory), &KEYS, bytes, Request::Standard, true).ok()?;
    let collected = collect(&reply);
    *memory = reply.into_memory();
    Some(collected)
}

/// A reply as `client` gives it: without its NUL.
fn without_nul(capture: &[u8]) -> &[u8] {
    capture.strip_suffix(b"\0").unwrap_or(capture)
}

/// The records of a fleet of miners that have answered with this capture.
fn fleet(size: u32, capture: &[u8]) -> Vec<Miner> {
    let address = |number: u32| std::net::Ipv4Addr::from(0x7f01_0000 + number).to_string();
    let targets: Vec<Target> = (1..=size).filter_map(|number| Target::parse(&address(number), 4028).ok()).collect();
    let store = Store::new(&targets, Duration::from_secs(10), None);
    let mut memory = Memory::default();
    for (index, reading) in targets.iter().filter_map(|_| read(&mut memory, without_nul(capture))).enumerate() {
        store.record(index, Instant::now(), Ok(reading));
    }
    store.miners()
}

fn view(miners: &[Miner]) -> View<'_> {
    View { miners, now: Instant::now(), chips: true, price: None, own: None }
}

/// Parse and collect; MB/s of reply text. As in the store, a reading replaces the last one.
#[divan::bench(args = [("nano3s", NANO_3S), ("a15", A15)].map(Named))]
fn poll(bencher: Bencher<'_, '_>, capture: Named) {
    let bytes = without_nul(capture.0.1);
    let mut memory = Memory::default();
    let mut last = read(&mut memory, bytes);
    assert!(last.is_some(), "the capture is a reading");
    bencher.counter(BytesCount::of_slice(bytes)).bench_local(|| {
        *black_box(&mut last) = read(&mut memory, black_box(bytes));
    });
}

/// Parse alone.
#[divan::bench(args = [("nano3s", NANO_3S)].map(Named))]
fn parse(bencher: Bencher<'_, '_>, capture: Named) {
    let bytes = without_nul(capture.0.1);
    let mut memory = Some(Memory::default());
    bencher.counter(BytesCount::of_slice(bytes)).bench_local(|| {
        let memory_now = memory.take().unwrap_or_default();
        let reply = Reply::parse_in(memory_now, &KEYS, black_box(bytes), Request::Standard, true);
        memory = reply.map(Reply::into_memory).ok();
    });
}

/// What a parser of the same facts takes that everybody knows, for machines differ from minute to minute: the fields of the
/// reply as JSON, read into a value by `serde_json`. MB/s of the reply's text, not of the longer JSON.
#[divan::bench(args = [("nano3s", NANO_3S)].map(Named))]
fn json(bencher: Bencher<'_, '_>, capture: Named) {
    let bytes = without_nul(capture.0.1);
    let text = String::from_utf8_lossy(bytes);
    let fields = text.split('|').map(|record| record.split(',').filter_map(|field| field.split_once('=')));
    let records: Vec<_> = fields.map(|fields| json!(fields.collect::<BTreeMap<_, _>>())).collect();
    let json = Value::from(records).to_string();
    bencher.counter(BytesCount::of_slice(bytes)).bench_local(|| serde_json::from_str::<Value>(black_box(&json)));
}

/// Rendering with chips on, and putting the text together in pieces; MB/s of page text.
#[divan::bench(args = [1, 10, 100, 1000])]
fn render(bencher: Bencher<'_, '_>, size: u32) {
    let miners = fleet(size, NANO_3S);
    let bytes = page(&view(&miners)).to_text().len();
    assert!(bytes > 20_000, "the page has its chips");
    bencher.counter(BytesCount::new(bytes)).bench_local(|| {
        let page = page(black_box(&view(&miners)));
        let mut pieces = page.pieces();
        while let (piece, true) = pieces.next_piece(64 << 10) {
            black_box(piece);
        }
    });
}

/// A capture with the name to show for it.
#[derive(Clone, Copy)]
struct Named((&'static str, &'static [u8]));

impl std::fmt::Display for Named {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0.0)
    }
}
