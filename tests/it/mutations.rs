//! Whatever bytes a miner sends, the page stays readable, and another miner's part of it stays as it was.
//!
//! Replies are captures with random damage: bytes changed, cut, repeated, parts of other captures and of the grammar put
//! in. The judge is the strict parser of `page`, which refuses torn families and equal series too. Uses the library.

use std::fs;
use std::path::Path;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use avalonhome_prometheus_exporter::cgminer::{Reply, Request, decode};
use avalonhome_prometheus_exporter::collect::collect;
use avalonhome_prometheus_exporter::render::{View, page};
use avalonhome_prometheus_exporter::store::Store;
use avalonhome_prometheus_exporter::target::parse_list;
use proptest::prelude::*;

use crate::page::Page;

static CAPTURES: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/captures");
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let captures: Vec<_> = paths.filter(|path| path.extension().is_some_and(|end| end == "reply")).collect();
    assert!(captures.len() > 5, "the captures are gone");
    captures.into_iter().map(|path| fs::read(path).unwrap()).collect()
});

/// What the grammar is made of, and what numbers and labels could stumble over.
const TOKENS: &[&str] = &[
    "|",
    ",",
    "=",
    "\\",
    "[",
    "]",
    "{",
    "}",
    "'",
    " ",
    "\"",
    "\n",
    "\r",
    "\t",
    "%",
    "\u{2028}",
    "\0",
    "CMD=",
    "CMD=pools|",
    "CMD=stats|STATUS=S|",
    "STATUS=E,",
    "POOL=0,",
    "POOL=4294967296,",
    "ID=POOL0",
    "STATS=0,",
    "MM ID0=",
    ",MM ID1=",
    "PVT_T7[",
    "SSID[",
    "] RSSI[",
    "nan",
    "-nan",
    "inf",
    "1e308",
    "1e999",
    "-273",
    "99999999999999999999999999",
    "0x10",
    "HBinfo='HB0':{",
    "Fan17[1]",
    "PS[",
    "URL=",
    "\u{1f525}",
    "Msg=3 Pool(s)",
];

#[derive(Clone, Debug)]
enum Damage {
    Overwrite(usize, u8),
    Cut(usize, usize),
    Repeat(usize, usize),
    Insert(usize, usize),
    Graft(usize, usize, usize),
}

fn damage() -> impl Strategy<Value = Damage> {
    let at = 0..14_000_usize;
    let length = 0..600_usize;
    prop_oneof![
        (at.clone(), any::<u8>()).prop_map(|(at, byte)| Damage::Overwrite(at, byte)),
        (at.clone(), length.clone()).prop_map(|(at, length)| Damage::Cut(at, length)),
        (at.clone(), length.clone()).prop_map(|(at, length)| Damage::Repeat(at, length)),
        (at.clone(), 0..TOKENS.len()).prop_map(|(at, token)| Damage::Insert(at, token)),
        (at.clone(), at, length).prop_map(|(at, from, length)| Damage::Graft(at, from, length)),
    ]
}

fn damaged(reply: &[u8], damages: &[Damage]) -> Vec<u8> {
    let mut bytes = reply.to_vec();
    for damage in damages {
        let size = bytes.len().max(1);
        let range = |at: usize, length: usize| (at % size).min(bytes.len())..(at % size + length).min(bytes.len());
        match *damage {
            Damage::Overwrite(at, byte) => bytes.splice(range(at, 1), [byte]).for_each(drop),
            Damage::Cut(at, length) => bytes.drain(range(at, length)).for_each(drop),
            Damage::Repeat(at, length) => {
                let copy = bytes[range(at, length)].to_vec();
                bytes.splice(range(at, 0), copy).for_each(drop);
            }
            Damage::Insert(at, token) => bytes.splice(range(at, 0), TOKENS[token].bytes()).for_each(drop),
            Damage::Graft(at, from, length) => {
                let donor = &CAPTURES[from % CAPTURES.len()];
                let start = from % donor.len();
                let piece = donor[start..(start + length).min(donor.len())].to_vec();
                bytes.splice(range(at, 0), piece).for_each(drop);
            }
        }
    }
    bytes
}

/// A page of two miners: the first sends these bytes, the second a healthy reply.
fn page_with(bytes: &[u8]) -> String {
    let targets = parse_list("10.0.0.1,10.0.0.2", 4028).unwrap();
    let store = Store::new(&targets, Duration::from_secs(10), None);
    for (index, reply) in [bytes, &CAPTURES[0]].into_iter().enumerate() {
        let end = reply.iter().position(|byte| *byte == 0);
        let text = decode(&reply[..end.unwrap_or(reply.len())]);
        let outcome = Reply::parse(&text, Request::Extended, end.is_some()).map(|reply| collect(&reply));
        store.record(index, Instant::now(), outcome.map_err(Into::into));
    }
    page(&View { miners: &store.miners(), now: Instant::now(), chips: true, price: None, own: None })
}

/// The second miner's series, but for those that measure time.
fn neighbour(page: &Page) -> Vec<(String, f64)> {
    let timeless = |name: &str| !name.contains("duration") && !name.contains("timestamp");
    let series =
        page.series().into_iter().filter(|(series, _)| series.labels.get("ip").is_some_and(|ip| ip == "10.0.0.2"));
    series.filter(|(series, _)| timeless(&series.name)).map(|(series, value)| (series.to_string(), value)).collect()
}

/// Cases at each run; `PROPTEST_CASES` sets another number.
const CASES: u32 = 400;

proptest! {
    #![proptest_config(ProptestConfig { cases: std::env::var("PROPTEST_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(CASES), ..ProptestConfig::default() })]

    #[test]
    fn the_page_stays_readable(which in any::<prop::sample::Index>(), damages in prop::collection::vec(damage(), 1..6)) {
        static HEALTHY: LazyLock<Vec<(String, f64)>> = LazyLock::new(|| neighbour(&Page::parse(&page_with(b"")).unwrap()));
        let bytes = damaged(which.get::<Vec<u8>>(CAPTURES.as_slice()), &damages);
        let page = Page::parse(&page_with(&bytes)).map_err(TestCaseError::fail)?;
        prop_assert!(HEALTHY.len() > 100);
        prop_assert_eq!(&neighbour(&page), &*HEALTHY);
    }

    #[test]
    fn any_bytes_at_all(bytes in prop::collection::vec(any::<u8>(), 0..2_000)) {
        Page::parse(&page_with(&bytes)).map_err(TestCaseError::fail)?;
    }
}

/// Wherever a reply is cut, by the end of the connection or by a NUL, what is read of it is what the whole one says.
#[test]
fn no_cut_makes_another_number() {
    for reply in CAPTURES.iter().filter(|reply| reply.starts_with(b"CMD=version|STATUS=S")).take(3) {
        let text = decode(&reply[..reply.len() - 1]);
        let read =
            |text: &str, is_whole| Reply::parse(text, Request::Extended, is_whole).map(|reply| collect(&reply).1);
        let whole = read(&text, true).unwrap();
        for (end, is_whole) in
            (0..text.len()).filter(|end| text.is_char_boundary(*end)).flat_map(|end| [(end, true), (end, false)])
        {
            let Ok(cut) = read(&text[..end], is_whole) else { continue };
            let same = |(cut, whole): (&Option<f64>, &Option<f64>)| cut.is_none() || cut == whole;
            assert!(cut.miner.iter().zip(&whole.miner).all(same), "cut at {end}");
            assert_eq!(
                (&cut.boards, &cut.fans, &cut.chips),
                (&whole.boards, &whole.fans, &whole.chips),
                "cut at {end}"
            );
            for pool in &cut.pools {
                let of = whole.pools.iter().find(|of| of.index == pool.index).unwrap();
                assert!(pool.values.iter().zip(&of.values).all(same), "cut at {end}");
                assert!(pool.state.iter().zip(&of.state).all(same), "cut at {end}");
            }
            let has_all_pools = cut.pools == whole.pools;
            assert!(has_all_pools || is_whole, "without its NUL a reply cut at {end} lacks pools");
        }
    }
}

/// The same bytes for the parser that Prometheus brings, where it is installed; `.ci/run` installs it.
#[test]
fn promtool_reads_damaged_pages() {
    use std::io::Write;
    use std::process::{Command, Stdio};

    if Command::new("promtool").arg("--version").output().is_err() {
        return;
    }
    for (number, capture) in CAPTURES.iter().enumerate() {
        let at = number * 997;
        let damages = [Damage::Insert(at, number), Damage::Repeat(at * 3, 500), Damage::Graft(at * 2, number, 300)];
        let page = page_with(&damaged(capture, &damages));
        let mut promtool = Command::new("promtool");
        let promtool =
            promtool.args(["check", "metrics"]).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = promtool.spawn().unwrap();
        child.stdin.take().unwrap().write_all(page.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        // 3: it can read the page and objects to names, which `.ci/prometheus` judges.
        assert!(matches!(output.status.code(), Some(0 | 3)), "{}", String::from_utf8_lossy(&output.stderr));
    }
}
