//! What strangers send, and what holds whatever they send. `mutations` feeds these targets damaged seeds at every run of the
//! tests, and the crate in `fuzz/` lets a fuzzer that sees coverage look for worse.
//!
//! A target takes any bytes and panics if a promise is broken over them. Uses the library.

use std::cell::Cell;
use std::collections::HashSet;
use std::ffi::OsString;
use std::fs;
use std::net::IpAddr;
use std::os::unix::ffi::OsStringExt;
use std::path::Path;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant, SystemTime};

use avalonhome_prometheus_exporter::cgminer::mdns;
use avalonhome_prometheus_exporter::cgminer::reply::{Memory, Reply, Request, Version};
use avalonhome_prometheus_exporter::config;
use avalonhome_prometheus_exporter::config::{Allow, Config, parse_list};
use avalonhome_prometheus_exporter::exposition::LABEL_CHARS_MAX;
use avalonhome_prometheus_exporter::http::{RequestHead, request, response};
use avalonhome_prometheus_exporter::metrics::KEYS;
use avalonhome_prometheus_exporter::miner::{Collected, Identity, Poller, Store, collect, identify};
use avalonhome_prometheus_exporter::site::fleet_page;
use avalonhome_prometheus_exporter::site::metrics_page;
use avalonhome_prometheus_exporter::site::miner_page;
use avalonhome_prometheus_exporter::site::probe::Probes;

use crate::markup::assert_well_formed;
use crate::page::Page;

/// A place where bytes come in.
pub struct Target {
    /// Its name, by which the fuzzer knows it.
    pub name: &'static str,
    /// What honest strangers send.
    pub seeds: fn() -> &'static [&'static [u8]],
    /// What its grammar is made of, and what its values could stumble over.
    pub tokens: &'static [&'static str],
    /// Panics if these bytes break a promise.
    pub check: fn(&[u8]),
}

/// From a miner's bytes to a reading.
pub const REPLY: Target = Target { name: "reply", seeds: captures, tokens: REPLY_TOKENS, check: reply };
/// From a miner's bytes to all pages, with another miner on them.
pub const PAGE: Target = Target { name: "page", seeds: captures, tokens: REPLY_TOKENS, check: page };
/// The name of a wireless network, which stands in a reply as it is.
pub const NETWORK_NAME: Target =
    Target { name: "network_name", seeds: || &[b"home-wifi", b""], tokens: REPLY_TOKENS, check: network_name };
/// An environment: lines `NAME=value`, where NUL stands for a line feed, which a value may hold.
pub const SETTINGS: Target =
    Target { name: "settings", seeds: || SETTINGS_SEEDS, tokens: SETTINGS_TOKENS, check: settings };
/// The head of an HTTP request.
pub const HEAD: Target = Target { name: "head", seeds: || HEAD_SEEDS, tokens: HEAD_TOKENS, check: head };
/// A multicast answer to who [`ASKED`] is.
pub const ANSWER: Target = Target { name: "answer", seeds: || ANSWER_SEEDS, tokens: ANSWER_TOKENS, check: answer };

/// All replies in `tests/captures`, so that a new one needs no line here. The fuzzer's crate lies one directory deeper.
pub fn captures() -> &'static [&'static [u8]] {
    static CAPTURES: LazyLock<Vec<&'static [u8]>> = LazyLock::new(|| {
        let places = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().map(|place| place.join("tests/captures"));
        let folder = places.into_iter().find(|place| place.is_dir()).expect("tests/captures");
        let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        paths.retain(|path| path.extension().is_some_and(|end| end == "reply"));
        paths.sort();
        assert!(paths.len() >= 9, "captures are missing: {paths:?}");
        paths.iter().map(|path| &*fs::read(path).unwrap().leak()).collect()
    });
    &CAPTURES
}

const NANO_3S: &[u8] = include_bytes!("../captures/nano3s__25021401_56abae7__high.reply");
const EXTENDED: &[u8] = include_bytes!("../captures/nano3s__25021401_56abae7__high__extended.reply");

const REPLY_TOKENS: &[&str] = &[
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
    "\u{202e}",
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
    "PS[0 0 1e308 1e308 1e308 1e308 1e308]",
    "URL=",
    "<b onclick=x>",
    "&lt",
    "\u{1f525}",
    "Msg=3 Pool(s)",
];

const SETTINGS_SEEDS: &[&[u8]] = &[
    b"AVALON_IP=garage=192.168.1.50\nELECTRICITY_PRICE=0.18;16:00-21:00=0.42;sat-sun 00:00-24:00=0.12\nTZ=EST5EDT,M3.2.0,M11.1.0",
    b"AVALON_IPS='a, b:1 ,[::1]'\nAVALON_PORT=\"4029\"\nUPDATE_INTERVAL= 0.5 \nMINER_TIMEOUT=600\nEXPORTER_ADDRESS=::\n\
      EXPORTER_PORT=65535\nEXPORT_CHIP_METRICS=Yes\nEXPORT_EXTENDED_METRICS=on\nELECTRICITY_PRICE=1;fri-mon 22:00-06:00=0\n\
      ELECTRICITY_CURRENCY=eur\nTZ=<-02>2<-01>,M3.5.0/-1,M10.5.0/0\nENABLE_DEBUG_ENDPOINT=0\nLOG_LEVEL=critical",
    b"PROBE_ALLOW=192.168.1.0/24,fd00::/8,nano3s-01.local\nELECTRICITY_PRICE=0.2;12:00-13:00=1\nTZ=America/Toronto\nLOG_LEVEL=WARN",
    b"AVALON_IPS=::1,[0:0::1]:2,miner:1,MINER.:2,a=10.0.0.1,b=::ffff:10.0.0.1\nPROBE_ALLOW=0.0.0.0/0,::/0\nTZ=UTC-2",
];

const SETTINGS_TOKENS: &[&str] = &[
    "\n",
    "\0",
    "=",
    ",",
    ";",
    ":",
    "/",
    "[",
    "]",
    "\"",
    "'",
    "-",
    ".",
    "\x1b[31m",
    "\u{85}",
    "\u{2028}",
    "\nAVALON_IP=",
    "\nAVALON_IPS=",
    "\nPROBE_ALLOW=",
    "\nTZ=",
    "\nTZ=:UTC",
    "\nELECTRICITY_PRICE=",
    "\nUPDATE_INTERVAL=",
    "nan",
    "inf",
    "1e308",
    "-0",
    "::ffff:",
    "/0",
    "/33",
    "0.0.0.0",
    "J366/167",
    "M13.5.7",
    "<+99>-167:59:59",
    "24:00",
    "mon-sun",
    ".local",
    "..",
    "xn--",
    "\u{fc}",
    "99999999999999999999",
];

const HEAD_SEEDS: &[&[u8]] = &[
    b"GET /metrics HTTP/1.1\r\nHost: a:9100\r\nUser-Agent: Prometheus/3.0.0\r\nAccept: text/plain;version=0.0.4;q=0.5,*/*;q=0.1\r\n\
      Accept-Encoding: gzip\r\nX-Prometheus-Scrape-Timeout-Seconds: 9.5\r\n\r\n",
    b"\r\nHEAD http://h:1/probe?target=%5B%3a%3a1%5d:4028&module=x HTTP/1.0\r\nContent-Length: 0\r\nTE: x;q=nan\r\nX-Ticket: 1\r\n\r\n",
    b"GET / HTTP/1.1\r\nAccept: text/html\r\nCookie: a=\xfc\r\nExpect: 100-continue\r\n\r\nrest",
    b"POST /metrics HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 30000000000\r\n\r\n",
];

const HEAD_TOKENS: &[&str] = &[
    "\r\n",
    "\n",
    "\r",
    "\r\n\r\n",
    " ",
    "\t",
    ":",
    "/",
    "?",
    "#",
    "%",
    "%00",
    "%2f",
    "&target=",
    "GET ",
    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    " HTTP/1.1\r\n",
    "HTTPS://",
    "Accept: ",
    "X-Ticket: 9\r\n",
    "TE: x;q=nan\r\n",
    "Content-Length: 30000000000\r\n",
    "Transfer-Encoding: chunked\r\n",
    "Connection: upgrade\r\n",
    "\0",
    "\u{fc}",
    "\x7f",
];

/// The question that answers are judged by: the id and the name.
const ASKED: (u16, &str) = (0x1234, "nano3s-01.local");

const ANSWER_SEEDS: &[&[u8]] = &[
    b"\x12\x34\x84\0\0\x02\0\x02\0\0\0\0\x09nano3s-01\x05local\0\0\x01\0\x01\xc0\x0c\0\x1c\0\x01\xc0\x0c\0\x1c\0\x01\0\0\0\x0a\
      \0\x10\x20\x01\x0d\xb8\0\x01\0\0\0\0\0\0\0\0\0\x01\xc0\x0c\0\x01\0\x01\0\0\0\x0a\0\x04\x0a\x01\0\x01",
    b"\x12\x34\x84\0\0\0\0\x01\0\0\0\0\x09nano3s-01\x05local\0\0\x01\x80\x01\0\0\0\x78\0\x04\x0a\x01\0\x02",
];

const ANSWER_TOKENS: &[&str] =
    &["\0", "\0\x01", "\0\x1c", "\u{c}", "\x09nano3s-01", "\x05local\0", "\0\x04\x0a\0\0\x01", "\x12\x34"];

/// What came up to the NUL, as `client` hands it on, and whether there was one.
fn up_to_nul(bytes: &[u8]) -> (&[u8], bool) {
    let end = bytes.iter().position(|byte| *byte == 0);
    (&bytes[..end.unwrap_or(bytes.len())], end.is_some())
}

type Outcome = Result<Collected, avalonhome_prometheus_exporter::cgminer::reply::ReplyError>;

fn read(bytes: &[u8]) -> Outcome {
    let (bytes, is_whole) = up_to_nul(bytes);
    Reply::parse(&KEYS, bytes, Request::Extended, is_whole).map(|reply| collect(&reply))
}

thread_local! {
    static MEMORY: Cell<Memory> = Cell::default();
}

fn reply(bytes: &[u8]) {
    let (bytes, is_whole) = up_to_nul(bytes);
    for request in [Request::Standard, Request::Extended] {
        let outcome = Reply::parse(&KEYS, bytes, request, is_whole).map(|reply| collect(&reply));
        match &outcome {
            Ok(collected) => assert_bounded(collected),
            Err(error) => assert_fit_for_a_log(&error.to_string()),
        }
        // In the memory of the last reply, as polls do it.
        let again = Reply::parse_in(MEMORY.take(), &KEYS, bytes, request, is_whole).map(|reply| {
            let collected = collect(&reply);
            MEMORY.set(reply.into_memory());
            collected
        });
        assert_eq!(again, outcome, "the last reply left a trace");
    }
    match Version::parse(&KEYS, bytes) {
        Ok(version) => assert_short(&identify(&version).into_array()),
        Err(error) => assert_fit_for_a_log(&error.to_string()),
    }
}

/// However much a miner says, little is kept of it, and nothing that is no number.
fn assert_bounded(Collected { identity, reading }: &Collected) {
    let counts = [reading.chips.len(), reading.boards.len(), reading.fans.len(), reading.pools.len()];
    assert!(counts.iter().zip([1024, 8, 16, 16]).all(|(count, most)| *count <= most), "{counts:?}");
    assert_short(&Identity::clone(identity).into_array());
    for pool in &reading.pools {
        assert_short(&[pool.url.clone(), pool.priority.clone(), pool.status.clone()]);
    }
    let mut values = reading.miner.into_array().to_vec();
    values.extend(&reading.fans);
    values.extend(reading.air.into_array());
    reading.boards.iter().for_each(|board| values.extend(board.into_array()));
    reading.chips.iter().for_each(|chip| values.extend(chip.into_array()));
    for pool in &reading.pools {
        values.extend(pool.values.into_array());
        values.extend(pool.state.into_array());
    }
    values.into_iter().flatten().for_each(|value| assert!(value.is_finite(), "{value}"));
}

fn assert_short(labels: &[Option<String>]) {
    let is_short = |label: &String| label.chars().count() <= LABEL_CHARS_MAX;
    assert!(labels.iter().flatten().all(is_short), "{labels:?}");
}

fn assert_fit_for_a_log(line: &str) {
    assert!(line.len() < 2_000 && !line.contains(char::is_control), "{line:?}");
}

/// A page of two miners: the first sends these bytes twice, the second a healthy reply.
pub fn page_with(bytes: &[u8]) -> String {
    page_of(&store_with(bytes))
}

fn store_with(bytes: &[u8]) -> Store {
    let targets = parse_list("10.0.0.1,10.0.0.2", 4028).unwrap();
    let store = Store::new(&targets, Duration::from_secs(10), None);
    let outcome = read(bytes);
    store.record(0, Instant::now(), outcome.clone().map_err(Into::into));
    store.record(0, Instant::now(), outcome.map_err(Into::into));
    store.record(1, Instant::now(), read(NANO_3S).map_err(Into::into));
    store
}

fn page_of(store: &Store) -> String {
    let price = Some(("USD", 0.3));
    metrics_page::page(&metrics_page::View {
        miners: &store.miners(),
        now: Instant::now(),
        chips: true,
        price,
        own: None,
    })
    .to_text()
}

fn page(bytes: &[u8]) {
    static HEALTHY: LazyLock<String> = LazyLock::new(|| page_with(b""));
    let store = store_with(bytes);
    let text = page_of(&store);
    let page = Page::parse(&text).unwrap();
    page.samples().for_each(|sample| assert!(sample.value.is_finite(), "{}", sample.series));
    assert!(neighbour(&HEALTHY).count() > 100 && neighbour(&text).eq(neighbour(&HEALTHY)));

    let (miners, now, at) = (store.miners(), Instant::now(), SystemTime::now());
    let (interval, price) = (Duration::from_secs(10), Some(("USD", 0.3)));
    let view = fleet_page::View { miners: &miners, now, at, interval, price, is_still: true };
    for html in [fleet_page::fleet(&view, &[]), miner_page::page(&view, &miners[0])] {
        assert_well_formed(&html);
        assert!(!html.contains(|char: char| char.is_control() && char != '\n'));
    }
}

/// The second miner's lines, but for those that measure time.
fn neighbour(page: &str) -> impl Iterator<Item = &str> {
    let is_timeless = |line: &&str| !line.contains("duration") && !line.contains("timestamp");
    page.lines().filter(|line| line.contains("{ip=\"10.0.0.2\"")).filter(is_timeless)
}

fn network_name(bytes: &[u8]) {
    const PLACE: &[u8] = b"SSID[home-wifi]";
    static NAMELESS: LazyLock<Outcome> = LazyLock::new(|| read(EXTENDED));
    let at = EXTENDED.windows(PLACE.len()).position(|window| window == PLACE).unwrap();
    // The firmware prints a C string, and the standard allows 32 bytes.
    let name = up_to_nul(&bytes[..bytes.len().min(32)]).0;
    let reply = [&EXTENDED[..at], b"SSID[", name, b"]", &EXTENDED[at + PLACE.len()..]].concat();
    assert_eq!(read(&reply), *NAMELESS);
}

fn settings(bytes: &[u8]) {
    let get = |name: &str| {
        let lines = bytes.split(|byte| *byte == b'\n');
        let value = lines.filter_map(|line| line.strip_prefix(name.as_bytes())?.strip_prefix(b"=")).next_back()?;
        Some(OsString::from_vec(value.iter().map(|byte| if *byte == 0 { b'\n' } else { *byte }).collect()))
    };
    match Config::read(get, None) {
        Ok(config) => assert_sound(&config),
        Err(faults) => {
            for line in faults.to_string().split('\n') {
                assert!(
                    config::SETTINGS.iter().any(|setting| line.contains(setting.name)),
                    "{line:?} names no setting"
                );
                assert!(!line.contains(char::is_control), "{line:?}");
            }
        }
    }
}

fn assert_sound(config: &Config) {
    assert!((0.1..=86_400.0).contains(&config.interval.as_secs_f64()));
    assert!((0.1..=600.0).contains(&config.timeout.as_secs_f64()));
    assert!(config.miner_port != 0 && config.listen_port != 0);
    assert!(!config.targets.is_empty() || !config.probe_allow.is_empty(), "nothing to do, and nobody is told");
    let labels: HashSet<&str> = config.targets.iter().map(|target| target.label.as_str()).collect();
    assert_eq!(labels.len(), config.targets.len(), "{:?}", config.targets);
    for target in &config.targets {
        assert!(target.port != 0 && !target.host.is_empty() && target.label.chars().count() <= LABEL_CHARS_MAX);
        assert!(!target.title().contains(char::is_control));
    }
    if !config.probe_allow.is_empty() {
        assert_eq!(Allow::parse(&config.probe_allow.to_string()), Ok(config.probe_allow.clone()));
    }
    if let Some(price) = &config.price {
        for moment in [i64::MIN, -1, 0, 1_771_000_000, 1_790_000_000, i64::MAX] {
            let now = price.tariff.price_at(moment);
            assert!(now.is_finite() && now >= 0.0, "{now}");
        }
        assert!(price.currency.len() == 3 && price.currency.bytes().all(|byte| byte.is_ascii_uppercase()));
    }
    config.lines().iter().for_each(|(name, value)| assert!(!value.contains(char::is_control), "{name}={value:?}"));
}

fn head(bytes: &[u8]) {
    let end = request::end(bytes, 0);
    let dripped = (1..=bytes.len()).find_map(|length| request::end(&bytes[..length], length - 1));
    assert_eq!(end, dripped, "the end is where it is, however the bytes arrive");
    let whole = &bytes[..end.unwrap_or(bytes.len())];
    let _ = request::too_large(whole);
    match request::parse(whole) {
        Ok(request) => assert_narrow(&request),
        Err(status) => assert!(status.starts_with('4') || status == response::VERSION_NOT_SUPPORTED, "{status}"),
    }
    assert!(
        end.is_none() || request::parse(whole).is_err() || request::is_plausible(whole),
        "refused early and taken late"
    );
}

/// What the site sees of a request is of one narrow shape, and the same once more.
fn assert_narrow(request: &RequestHead) {
    let RequestHead { path, query, is_head, is_http_1_0, .. } = request;
    assert!(path.starts_with('/') && !path.contains('?'), "{path:?}");
    assert!(path.bytes().chain(query.bytes()).all(|byte| byte.is_ascii_graphic()), "{path:?} {query:?}");
    let passed = ["Accept", "X-Ticket"].map(|name| (name, request.field(name)));
    for value in passed.iter().filter_map(|(_, value)| value.as_ref()) {
        assert!(value.bytes().all(|byte| matches!(byte, b'\t' | b' '..=b'~')), "{value:?}");
    }
    let method = if *is_head { "HEAD" } else { "GET" };
    let mut lines = vec![format!("{method} {path}?{query} HTTP/1.{}", u8::from(!is_http_1_0))];
    lines.extend(passed.iter().filter_map(|(name, value)| Some(format!("{name}: {}", value.as_ref()?))));
    let again = request::parse((lines.join("\r\n") + "\r\n\r\n").as_bytes()).unwrap();
    assert_eq!((&again.path, &again.query, again.is_head, again.is_http_1_0), (path, query, *is_head, *is_http_1_0));
    assert_eq!(passed, ["Accept", "X-Ticket"].map(|name| (name, again.field(name))));
    assert!(PROBES.probe(query, None).is_err(), "nothing may be probed here");
}

/// Without miners and with nothing allowed, so that no query leads to a connection.
static PROBES: LazyLock<Probes> = LazyLock::new(|| {
    let config = Config::read(|_| None, Some(Vec::new())).unwrap();
    let store = Arc::new(Store::new(&[], config.interval, None));
    Probes::new(&config, Arc::new(Poller::new(store, config.request(), config.timeout)), 8)
});

fn answer(bytes: &[u8]) {
    let name = mdns::encode_name(ASKED.1).unwrap();
    for address in mdns::decode_response(bytes, ASKED.0, &name).into_iter().flatten() {
        let stands = match address {
            IpAddr::V4(v4) => bytes.windows(4).any(|window| window == v4.octets()),
            IpAddr::V6(v6) => bytes.windows(16).any(|window| window == v6.octets()),
        };
        assert!(stands, "{address} is made up");
    }
}
