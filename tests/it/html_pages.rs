//! The pages for people: what a browser gets, that nothing which a miner says becomes markup, and that the browser is told
//! to load and run nothing.

use crate::exporter::{Exporter, Response, Settings};
use crate::fake_miner::{Behaviour, FakeMiner};
use crate::markup::assert_well_formed;
use crate::own_loopback;
use crate::reply::{Reply, capture, capture_names, nano3s};

fn browse(exporter: &Exporter, path: &str) -> Response {
    let response = exporter.ask("GET", path, &["Accept: text/html,application/xhtml+xml,*/*;q=0.8"]);
    assert_eq!(response.status, 200, "{path}");
    assert_eq!(response.header("content-type"), Some("text/html; charset=utf-8"));
    response
}

/// The text of a page between its tags, with `¦` for each run of tags.
fn words(html: &str) -> String {
    let body = html.split_once("<body>").expect("a body").1;
    let mut text = String::new();
    let mut is_tag = false;
    for char in body.chars() {
        match char {
            '<' => is_tag = true,
            '>' => {
                is_tag = false;
                if !text.ends_with('¦') {
                    text.push('¦');
                }
            }
            _ if is_tag => {}
            '\u{a0}' => text.push(' '),
            '\n' => {}
            char => text.push(char),
        }
    }
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&#39;", "'").replace("&amp;", "&")
}

#[test]
fn the_page_shows_the_fleet() {
    let miner = FakeMiner::start(Behaviour::Answer(nano3s()));
    let down = own_loopback();
    let list = format!("the garage={},{down}", miner.target());
    let settings = Settings::new().set("AVALON_IPS", list).set("ELECTRICITY_PRICE", "0.3").set("UPDATE_INTERVAL", "3");
    let exporter = settings.start();
    exporter.wait_for_up(&miner.ip(), 1.0);
    exporter.wait_for("a failed poll", |page| {
        page.value("avalon_scrape_errors_total", &[("ip", &down.to_string())]) >= Some(1.0)
    });
    let html = browse(&exporter, "/").text();
    assert_well_formed(&html);
    let text = words(&html);
    for expected in [
        "¦1 of 2¦",
        "¦the garage¦",
        "¦Nano3s · 25021401_56abae7¦",
        "¦hashing¦",
        "¦6.42 TH/s¦",
        "¦mean 6.37 TH/s¦",
        "¦96 °C¦",
        "¦mean 90, target 90¦",
        "¦1,720 rpm¦",
        "¦132 W¦",
        "¦20.6 J/TH¦",
        "¦0.95 USD¦",
        "¦stratum.braiins.com:3333¦",
        "¦alive, in use¦",
        "¦2,567¦",
        "¦down¦",
        "connecting: Connection refused",
        "another device now",
    ] {
        assert!(text.contains(expected), "no {expected} in {text}");
    }
    assert!(html.contains("<meta http-equiv=\"refresh\" content=\"3\">"));
    assert!(html.contains("aria-label=\"last hour: hash rate 6.42\u{a0}TH/s to 6.42\u{a0}TH/s"));
    assert!(!browse(&exporter, "/?still").text().contains("http-equiv"));
}

#[test]
fn a_page_for_each_miner() {
    let miner = FakeMiner::start(Behaviour::Answer(nano3s()));
    let mut refusing = FakeMiner::start(Behaviour::Answer(nano3s()));
    let list = format!("the garage={},{}", miner.target(), refusing.target());
    let exporter = Settings::new().set("AVALON_IPS", list).start();
    exporter.wait_for_up(&refusing.ip(), 1.0);
    refusing.refuse();
    exporter.wait_for_up(&refusing.ip(), 0.0);
    exporter.wait_for_up(&miner.ip(), 1.0);
    let html = browse(&exporter, &format!("/miner/{}", miner.ip())).text();
    assert_well_formed(&html);
    let text = words(&html);
    for expected in [
        "¦the garage¦",
        "12 chips, °C · target 90",
        "¦2, high¦",
        "¦27.7 V¦",
        "in use",
        "standby",
        "avalon_ping_seconds",
    ] {
        assert!(text.contains(expected), "no {expected} in {text}");
    }
    assert_eq!(html.matches("title=\"chip ").count(), 12);
    let html = browse(&exporter, &format!("/miner/{}", refusing.ip().replace('.', "%2E"))).text();
    assert_well_formed(&html);
    let text = words(&html);
    for expected in
        ["¦down¦", "connecting: Connection refused", "no miner's API listens", "¦25021401_56abae7¦", "¦connecting:"]
    {
        assert!(text.contains(expected), "no {expected} in {text}");
    }
    for path in ["/miner/", "/miner", "/miner/127.0.0.1", "/miner/%zz", "/miner/../metrics"] {
        assert_eq!(exporter.get(path).status, 404, "{path}");
    }
    let pages = exporter.page().value("avalon_http_requests_total", &[("path", "/miner/"), ("code", "200")]);
    assert_eq!(pages, Some(2.0), "one series for all miners");
}

#[test]
fn what_a_miner_says_stays_text() {
    const EVIL: &str = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>&lt;";
    let reply = Reply::nano3s()
        .replacing("pools", b"stratum+tcp://stratum.braiins.com:3333", EVIL.as_bytes())
        .replacing("pools", b"Status=Alive", b"Status=</table><h1>dead</h1>")
        .replacing("version", b"MODEL=Nano3s", "MODEL=<b onmouseover='x'>\u{202e}evil\x1b[31m".as_bytes())
        .replacing("version", b"25021401_56abae7", EVIL.as_bytes());
    let miner = FakeMiner::start(Behaviour::Answer(reply.bytes()));
    let liar = FakeMiner::start(Behaviour::Answer(format!("STATUS=E,Msg={EVIL}|\0").into_bytes()));
    let list = format!("<i>\"name'&={},{}", miner.target(), liar.target());
    let exporter = Settings::new().set("AVALON_IPS", list).start();
    exporter.wait_for_up(&miner.ip(), 1.0);
    exporter.wait_for_up(&liar.ip(), 0.0);
    for path in ["/".to_owned(), format!("/miner/{}", miner.ip()), format!("/miner/{}", liar.ip())] {
        let html = browse(&exporter, &path).text();
        assert_well_formed(&html);
        for evil in ["<script", "<img", "<i>", "<b on", "<h1>dead", "\u{202e}", "\x1b"] {
            assert!(!html.contains(evil), "{evil:?} in {path}: {html}");
        }
        assert!(words(&html).contains("alert(1)"), "it is shown as text");
    }
    let names = words(&browse(&exporter, "/").text());
    assert!(names.contains("¦<i>\"name'&¦") && names.contains("\u{fffd}evil"), "{names}");
}

#[test]
fn every_capture_makes_well_formed_pages() {
    let miner = FakeMiner::start(Behaviour::Answer(nano3s()));
    let exporter = Settings::for_miners([&miner]).start();
    for name in capture_names() {
        miner.behave(Behaviour::Answer(capture(&name)));
        miner.wait_for_connections(miner.connections() + 3);
        for path in ["/".to_owned(), format!("/miner/{}", miner.ip())] {
            let html = browse(&exporter, &path).text();
            assert_well_formed(&html);
            assert!(!html.contains("NaN") && !html.contains("inf<"), "{name}: {html}");
        }
    }
}

#[test]
fn the_browser_is_told_to_load_and_run_nothing() {
    let miner = FakeMiner::start(Behaviour::Answer(nano3s()));
    let exporter = Settings::for_miners([&miner]).start();
    for path in ["/".to_owned(), format!("/miner/{}", miner.ip())] {
        let response = browse(&exporter, &path);
        let policy = response.header("content-security-policy").unwrap();
        for part in ["default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'none'"] {
            assert!(policy.contains(part), "{policy}");
        }
        assert_eq!(response.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(response.header("x-frame-options"), Some("DENY"));
        assert_eq!(response.header("referrer-policy"), Some("no-referrer"));
        let html = response.text();
        let style = html.split("<style>").nth(1).unwrap().split("</style>").next().unwrap();
        let hash = format!("'sha256-{}'", base64(&sha256(style.as_bytes())));
        assert!(policy.contains(&format!("style-src {hash};")), "the policy lacks {hash}, the hash of the style sheet");
        assert!(!html.contains("<script") && !html.contains("http://") && !html.contains("https://"));
    }
}

/// FIPS 180-4, as short as it can be said.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the fraction of a root times 2^32 fits")]
fn sha256(message: &[u8]) -> [u8; 32] {
    let primes = (2_u32..).filter(|n| (2..*n).all(|d| n % d != 0)).take(64);
    let fraction = |root: f64| (root.fract() * 4_294_967_296.0) as u32;
    let k: Vec<u32> = primes.clone().map(|prime| fraction(f64::from(prime).cbrt())).collect();
    let mut hash: Vec<u32> = primes.take(8).map(|prime| fraction(f64::from(prime).sqrt())).collect();
    let mut bytes = message.to_vec();
    bytes.push(0x80);
    bytes.resize(bytes.len().next_multiple_of(64) + if bytes.len() % 64 > 56 { 64 } else { 0 } - 8, 0);
    bytes.extend_from_slice(&(message.len() as u64 * 8).to_be_bytes());
    for block in bytes.chunks(64) {
        let mut w: Vec<u32> = block.chunks(4).map(|word| u32::from_be_bytes(word.try_into().unwrap())).collect();
        for i in 16..64 {
            let s0 = w[i - 15].rotate_right(7) ^ w[i - 15].rotate_right(18) ^ (w[i - 15] >> 3);
            let s1 = w[i - 2].rotate_right(17) ^ w[i - 2].rotate_right(19) ^ (w[i - 2] >> 10);
            w.push(w[i - 16].wrapping_add(s0).wrapping_add(w[i - 7]).wrapping_add(s1));
        }
        let mut v = hash.clone();
        for i in 0..64 {
            let s1 = v[4].rotate_right(6) ^ v[4].rotate_right(11) ^ v[4].rotate_right(25);
            let choice = (v[4] & v[5]) ^ (!v[4] & v[6]);
            let one = v[7].wrapping_add(s1).wrapping_add(choice).wrapping_add(k[i]).wrapping_add(w[i]);
            let s0 = v[0].rotate_right(2) ^ v[0].rotate_right(13) ^ v[0].rotate_right(22);
            let majority = (v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]);
            v.rotate_right(1);
            v[4] = v[4].wrapping_add(one);
            v[0] = one.wrapping_add(s0).wrapping_add(majority);
        }
        hash.iter_mut().zip(v).for_each(|(sum, value)| *sum = sum.wrapping_add(value));
    }
    hash.iter().flat_map(|word| word.to_be_bytes()).collect::<Vec<_>>().try_into().unwrap()
}

fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let number = chunk.iter().fold(0, |number, byte| number << 8 | usize::from(*byte)) << (8 * (3 - chunk.len()));
        for place in 0..=chunk.len() {
            text.push(char::from(ALPHABET[number >> (18 - 6 * place) & 63]));
        }
        text.extend(std::iter::repeat_n('=', 3 - chunk.len()));
    }
    text
}

#[test]
fn sums_of_known_texts() {
    assert_eq!(base64(&sha256(b"abc")), "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=");
    assert_eq!(base64(&sha256(&[b'a'; 120])), "Lz0zVDLHC1gK8Ojhs2dKfAINaDql9zqq7f3FWvkEwhw=");
}
