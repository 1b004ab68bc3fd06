//! The endpoints as clients see them, and clients that nobody wishes for.

use std::fs;
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, TcpStream};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::exporter::{Exporter, PROGRAM, Response, Settings, exchange};
use crate::fake_miner::{Behaviour, FakeMiner};
use crate::reply::{capture, nano3s};
use crate::{PATIENCE, wait_until};

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// An exporter whose miner is up.
fn exporter() -> (Exporter, FakeMiner) {
    exporter_with(|settings| settings)
}

fn exporter_with(change: impl Fn(Settings) -> Settings) -> (Exporter, FakeMiner) {
    let miner = FakeMiner::start(Behaviour::Answer(nano3s()));
    let exporter = change(Settings::for_miners([&miner])).start();
    exporter.wait_for_up(&miner.ip(), 1.0);
    (exporter, miner)
}

fn json(response: &Response) -> Value {
    assert_eq!(response.status, 200);
    let kind = response.header("content-type").unwrap();
    assert!(kind.starts_with("application/json"), "{kind}");
    serde_json::from_slice(&response.body).expect("JSON")
}

#[test]
fn metrics_have_their_type_and_come_in_chunks() {
    let (exporter, _miner) = exporter();
    let response = exporter.get("/metrics");
    assert_eq!(response.status, 200);
    assert_eq!(response.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    assert_eq!((response.header("content-length"), response.header("transfer-encoding")), (None, Some("chunked")));
    assert_eq!(exporter.page().value("avalon_exporter_info", &[("version", VERSION)]), Some(1.0));
}

/// Which knows no chunks: nginx asks this way unless told otherwise.
#[test]
fn http_1_0_gets_the_same_page_with_its_length() {
    let (exporter, _miner) = exporter();
    let old = exchange(exporter.address(), b"GET /metrics HTTP/1.0\r\n\r\n").unwrap();
    assert_eq!(old.header("transfer-encoding"), None);
    assert_eq!(old.header("content-length"), Some(old.body.len().to_string().as_str()));
    let names = |response: &Response| {
        let text = response.text();
        let lines = text.lines().filter(|line| !line.starts_with("avalon_http_requests_total"));
        lines.map(|line| line.rsplit_once(' ').unwrap().0.to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names(&old), names(&exporter.get("/metrics")));
}

#[test]
fn health_is_that_of_the_exporter() {
    let (exporter, mut miner) = exporter();
    let expected = ["OK".to_owned(), format!("version={VERSION}")];
    let health = exporter.get("/health");
    assert_eq!((health.status, health.text().lines().map(str::to_owned).collect()), (200, expected.to_vec()));
    assert!(health.header("content-type").unwrap().starts_with("text/plain"));
    miner.refuse();
    exporter.wait_for_up(&miner.ip(), 0.0);
    let health = exporter.get("/health");
    assert_eq!((health.status, health.text().lines().map(str::to_owned).collect()), (200, expected.to_vec()));
}

#[test]
fn the_root_is_a_page_for_browsers_and_health_for_others() {
    let (exporter, _miner) = exporter();
    let health = exporter.get("/health").text();
    for accept in ["Accept: */*", "Accept: text/plain", "X-Nothing: 1"] {
        let response = exporter.ask("GET", "/", &[accept]);
        assert_eq!((response.status, response.text()), (200, health.clone()), "{accept}");
    }
    for accept in ["Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "accept: text/html"] {
        let response = exporter.ask("GET", "/", &[accept]);
        assert_eq!(response.status, 200);
        assert!(response.header("content-type").unwrap().starts_with("text/html"), "{accept}");
        let text = response.text();
        for link in ["/metrics", "/health", "/version", "/debug"] {
            assert!(text.contains(&format!("href=\"{link}\"")), "no link to {link} in {text}");
        }
    }
}

#[test]
fn version_is_json() {
    let (exporter, _miner) = exporter();
    let version = json(&exporter.get("/version"));
    assert_eq!(version["version"], VERSION);
    assert_eq!(version["exporter"], "avalonhome-prometheus-exporter");
}

#[test]
fn debug_is_json_about_every_miner_or_closed() {
    let (exporter, mut miner) = exporter();
    let up = json(&exporter.get("/debug"));
    assert_eq!(up["version"], VERSION);
    assert_eq!(up["settings"]["EXPORTER_PORT"], exporter.address().port().to_string());
    assert_eq!(up["poller"]["alive"], true);
    assert_eq!(up["miners"].as_array().map(Vec::len), Some(1));
    let about = &up["miners"][0];
    assert_eq!((&about["ip"], &about["up"]), (&miner.ip().into(), &true.into()));
    assert_eq!((&about["errors"]["connection_refused"], &about["last_error"]), (&0.into(), &Value::Null));
    miner.refuse();
    exporter.wait_for_up(&miner.ip(), 0.0);
    // The first failed poll may be one that was on its way when the port was closed.
    let is_refused = |down: &Value| down["miners"][0]["last_error"]["kind"] == "connection_refused";
    let down = wait_until("a refused poll", || Some(json(&exporter.get("/debug"))).filter(is_refused));
    let about = &down["miners"][0];
    assert_eq!((&about["up"], &about["downs"]), (&false.into(), &1.into()));
    assert!(about["errors"]["connection_refused"].as_u64() >= Some(1), "{about}");

    let (closed, _miner) = exporter_with(|settings| settings.set("ENABLE_DEBUG_ENDPOINT", "false"));
    let response = closed.get("/debug");
    assert_eq!(response.status, 403);
    assert!(!response.body.is_empty());
    assert_eq!(closed.get("/metrics").status, 200);
}

#[test]
fn other_paths_and_methods_are_refused_with_a_reason() {
    let (exporter, _miner) = exporter();
    for path in
        ["/nothing", "/metrics/", "/Metrics", "//metrics", "/debug/vars", "/metrics%00", "/../health", "/favicon.ico"]
    {
        let response = exporter.get(path);
        assert_eq!(response.status, 404, "{path}");
        assert!(!response.body.is_empty(), "{path}");
        assert_eq!(response.header("content-length"), Some(response.body.len().to_string().as_str()));
    }
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"] {
        let response = exporter.ask(method, "/metrics", &["Content-Length: 0"]);
        assert_eq!(response.status, 405, "{method}");
        assert!(!response.body.is_empty(), "{method}");
        let allowed =
            response.header("allow").unwrap_or_else(|| panic!("405 to {method} does not say what is allowed"));
        assert!(allowed.contains("GET") && allowed.contains("HEAD"), "{allowed}");
    }
}

#[test]
fn head_is_get_without_the_body() {
    let (exporter, _miner) = exporter();
    for path in ["/metrics", "/health", "/version", "/debug", "/", "/nothing"] {
        let (head, get) = (exporter.ask("HEAD", path, &[]), exporter.get(path));
        assert_eq!(head.status, get.status, "{path}");
        assert_eq!(head.header("content-type"), get.header("content-type"), "{path}");
        assert_eq!(head.body, b"", "{path}");
        assert_eq!(head.header("transfer-encoding"), get.header("transfer-encoding"), "{path}");
        if path == "/metrics" {
            continue;
        }
        let length: usize = head.header("content-length").unwrap_or_else(|| panic!("{path}")).parse().unwrap();
        // Time-dependent numbers may have changed their width between the two requests.
        assert!(length.abs_diff(get.body.len()) < 64, "{path}: {length} announced, {} sent", get.body.len());
    }
}

#[test]
fn query_strings_are_ignored() {
    let (exporter, _miner) = exporter();
    for path in ["/metrics?", "/metrics?name[]=avalon_up", "/metrics?a=1&b=/nothing"] {
        let response = exporter.get(path);
        assert_eq!(response.status, 200, "{path}");
        assert!(response.text().contains("\navalon_up{"), "{path}");
    }
    assert_eq!(exporter.get("/health?verbose").text(), exporter.get("/health").text());
    assert_eq!(exporter.get("/nothing?/metrics").status, 404);
}

#[test]
fn prometheus_asks_like_this() {
    let (exporter, _miner) = exporter();
    let accept = "Accept: application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.2";
    let headers =
        [accept, "Accept-Encoding: gzip", "User-Agent: Prometheus/2.42.0", "X-Prometheus-Scrape-Timeout-Seconds: 10"];
    let response = exporter.ask("GET", "/metrics", &headers);
    assert_eq!(response.status, 200);
    assert_eq!(response.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    assert_eq!(response.header("content-encoding"), None);
}

/// Asserts that an honest client is served, and without having to wait until others have used up their time: to send a head
/// takes 5 s at most, to read a page 10 s. An answer takes some milliseconds, the rest is for a busy machine.
fn assert_serves(exporter: &Exporter, during: &str) {
    let start = Instant::now();
    for path in ["/health", "/metrics"] {
        let answer = exchange(exporter.address(), format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes());
        assert_eq!(answer.unwrap_or_else(|error| panic!("{path} during {during}: {error}")).status, 200);
    }
    assert!(start.elapsed() < Duration::from_secs(5), "two answers took {:?} during {during}", start.elapsed());
}

/// Connects and says this; the connection stays open as long as the caller keeps it.
fn open(exporter: &Exporter, text: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect_timeout(&exporter.address(), PATIENCE).expect("a connection");
    // The exporter may have closed it already; that is its right.
    let _ = stream.write_all(text);
    stream
}

/// How many threads and descriptors the exporter has.
fn usage(exporter: &Exporter) -> (usize, usize) {
    let count = |what: &str| fs::read_dir(format!("/proc/{}/{what}", exporter.id())).map_or(0, Iterator::count);
    (count("task"), count("fd"))
}

#[test]
fn one_packet_does_not_kill_it() {
    let (exporter, miner) = exporter();
    let quality = "x;q=nan,y;q=0.3,".repeat(20);
    let packets = [
        "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 30000000000\r\n\r\n".to_owned(),
        "POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 9223372036854775807\r\n\r\n".to_owned(),
        "GET / HTTP/1.1\r\nContent-Length: 18446744073709551615\r\n\r\n".to_owned(),
        "GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n".to_owned(),
        "GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n".to_owned(),
        "GET / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2000\r\n\r\n".to_owned(),
        format!("GET / HTTP/1.1\r\nTE: {quality}\r\n\r\n"),
        format!("GET /{} HTTP/1.1\r\n\r\n", "a".repeat(1 << 20)),
        format!("GET / HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(100_000)),
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(),
        "GET / HTTP/3.0\r\n\r\n".to_owned(),
        "GET /\r\n".to_owned(),
        "\0\0\0\0\r\n\r\n".to_owned(),
        "\u{16}\u{3}\u{1}\u{2}\0\u{1}\0\u{1}\r\n\r\n".to_owned(),
        "GET / HTTP/1.1\r\n\r\n".repeat(1000),
    ];
    let connections: Vec<_> = packets.iter().map(|packet| open(&exporter, packet.as_bytes())).collect();
    assert_serves(&exporter, "killing packets");
    drop(connections);
    assert_serves(&exporter, "the time after them");
    miner.wait_for_connections(miner.connections() + 3);
    assert!(!exporter.log().contains("panicked"), "{}", exporter.log());
}

#[test]
fn http2_prefaces_leave_nothing_behind() {
    let (exporter, _miner) = exporter();
    assert_serves(&exporter, "warming up");
    let (threads, descriptors) = usage(&exporter);
    for _ in 0..60 {
        drop(open(&exporter, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"));
    }
    assert_serves(&exporter, "HTTP/2 prefaces");
    wait_until("threads and descriptors as before", || {
        let now = usage(&exporter);
        (now.0 <= threads + 4 && now.1 <= descriptors + 8).then_some(())
    });
}

#[test]
fn idle_and_half_open_clients_delay_nobody() {
    let (exporter, miner) = exporter();
    let heads: [&[u8]; 4] = [b"", b"G", b"GET /metrics HTTP/1.1\r\nHost:", b"GET /metrics HTTP/1.1\r\nHost: x\r\n"];
    let stuck: Vec<_> = heads.iter().cycle().take(200).map(|head| open(&exporter, head)).collect();
    for _ in 0..10 {
        assert_serves(&exporter, "200 stuck clients");
    }
    miner.wait_for_connections(miner.connections() + 3);
    drop(stuck);
    assert_serves(&exporter, "the time after them");
}

#[test]
fn slow_readers_of_a_large_page_delay_nobody() {
    // A page of megabytes, so that no socket buffer swallows it: thirty miners of three boards with every chip.
    let reply = capture("a15-194__24102401_25462b2__mining");
    let miners = FakeMiner::start_on(IpAddr::V4(Ipv4Addr::UNSPECIFIED), Behaviour::Answer(reply)).unwrap();
    let targets: Vec<_> = (1..=30).map(|host| format!("127.1.2.{host}:{}", miners.port())).collect();
    let settings = Settings::new().set("AVALON_IPS", targets.join(",")).set("EXPORT_CHIP_METRICS", "true");
    let exporter = settings.set("UPDATE_INTERVAL", "5").start();
    let whole = wait_until("a page of all miners", || {
        let response = exporter.get("/metrics");
        let up = response.text().lines().filter(|line| line.starts_with("avalon_up{") && line.ends_with(" 1")).count();
        (up == targets.len()).then_some(response)
    });
    assert!(whole.body.len() > 1 << 21, "{} bytes are no large page", whole.body.len());
    let mut slow: Vec<_> = (0..12).map(|_| open(&exporter, b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")).collect();
    for stream in &mut slow {
        // The first bytes are there; from now on nobody reads.
        stream.read_exact(&mut [0; 16]).expect("the beginning of a page");
    }
    let before = miners.connections();
    for _ in 0..3 {
        let start = Instant::now();
        let health = exporter.get("/health");
        assert_eq!(health.status, 200);
        assert!(
            start.elapsed() < Duration::from_secs(5),
            "/health took {:?}, as if readers had to end",
            start.elapsed()
        );
        assert_eq!(exporter.get("/metrics").status, 200);
    }
    miners.wait_for_connections(before + targets.len());
}

#[test]
fn few_descriptors_are_enough() {
    let miner = FakeMiner::start(Behaviour::Answer(nano3s()));
    let mut command = Command::new("/bin/sh");
    command.args(["-c", "ulimit -n 64; exec \"$0\"", PROGRAM]);
    let exporter = Settings::for_miners([&miner]).start_as(command);
    exporter.wait_for_up(&miner.ip(), 1.0);
    let crowd: Vec<_> = (0..100).map(|_| open(&exporter, b"GET /metr")).collect();
    for _ in 0..3 {
        assert_serves(&exporter, "100 clients on 64 descriptors");
    }
    miner.wait_for_connections(miner.connections() + 3);
    drop(crowd);
    assert_serves(&exporter, "the time after them");
    exporter.wait_for_up(&miner.ip(), 1.0);
}
