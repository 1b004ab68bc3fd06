//! What broken miners do to the exporter: each is a counted error of the right kind, or an answer where there is one,
//! and in no case anybody else's business.
//!
//! Every row is a miner of its own, all of them polled by one exporter beside one that is sound.

use std::time::Duration;

use crate::daemon::{COUNTERS, DOWN, errors};
use crate::exporter::Settings;
use crate::fake_miner::{Behaviour, FakeMiner};
use crate::page::Page;
use crate::reply::{INVALID_COMMAND, NO_POOLS, Reply, capture, capture_names, nano3s};

use Behaviour::{Answer, Drip, Flood, Hold, Reset};

/// The parts without which a reply is none, and the others.
const REQUIRED: [&str; 4] = ["version", "summary", "stats", "pools"];
const OPTIONAL: [&str; 3] = ["config", "devs", "devdetails"];

/// How a row ends: up, or failed polls of this kind.
const UP: &str = "up";

/// A row of a table: what is wrong with the miner, what it does, what comes of it.
type Row = (String, Behaviour, &'static str);

fn row(what: impl Into<String>, behaviour: Behaviour, outcome: &'static str) -> Row {
    (what.into(), behaviour, outcome)
}

/// Polls a miner for each row, and a sound one, at least twice. All rows that came out otherwise are reported at once.
/// Returns the page and the labels of the rows.
fn judge(rows: &[Row], settings: impl Fn(Settings) -> Settings) -> (Page, Vec<String>) {
    let sound = FakeMiner::start(Answer(nano3s()));
    let miners: Vec<_> = rows.iter().map(|(_, behaviour, _)| FakeMiner::start(behaviour.clone())).collect();
    let exporter = settings(Settings::for_miners(miners.iter().chain([&sound]))).set("UPDATE_INTERVAL", "0.4").start();
    let polled_twice = |page: &Page| {
        let failed = |miner: &FakeMiner| errors(page, &miner.ip()).values().sum::<f64>();
        let is_up = |miner: &FakeMiner| page.value("avalon_up", &[("ip", &miner.ip())]) == Some(1.0);
        miners.iter().chain([&sound]).all(|miner| (is_up(miner) && miner.connections() >= 3) || failed(miner) >= 2.0)
    };
    let page = exporter.wait_for("two polls of each miner", polled_twice);
    let mut wrong: Vec<_> = rows
        .iter()
        .zip(&miners)
        .filter_map(|((what, _, outcome), miner)| differs(&page, miner, what, outcome))
        .collect();
    wrong.extend(differs(&page, &sound, "the sound miner beside them", UP));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    (page, miners.iter().map(FakeMiner::ip).collect())
}

fn differs(page: &Page, miner: &FakeMiner, what: &str, outcome: &str) -> Option<String> {
    let label = miner.ip();
    let is_up = page.value("avalon_up", &[("ip", &label)]) == Some(1.0);
    let kinds: Vec<_> =
        errors(page, &label).into_iter().filter(|(_, count)| *count > 0.0).map(|(kind, _)| kind).collect();
    if outcome == UP {
        return (!is_up || !kinds.is_empty()).then(|| format!("{what}: not up all the time, but {kinds:?}"));
    }
    let shown: Vec<_> = page.names_with(("ip", &label)).into_iter().filter(|name| !is_own(name)).collect();
    let right = !is_up && kinds == [outcome] && shown.is_empty();
    (!right).then(|| format!("{what}: not {outcome}, but up={is_up} {kinds:?}, and shows {shown:?}"))
}

fn is_own(name: &str) -> bool {
    COUNTERS.contains(&name) || DOWN.contains(&name)
}

#[test]
fn connections_that_go_wrong() {
    let whole = nano3s();
    let text = &whole[..whole.len() - 1];
    let half = &whole[..whole.len() / 2];
    let rows = [
        row("whole", Answer(whole.clone()), UP),
        row("whole without its NUL", Answer(text.to_vec()), UP),
        row("open after the NUL", Hold(whole.clone()), UP),
        row("talking on after the NUL", Answer([&whole, &b"CMD=pools|STATUS=E|\0"[..]].concat()), UP),
        row("talking for ever after the NUL", Flood([whole.clone(), b"x".repeat(65536)].concat()), UP),
        row("closing at once", Answer(Vec::new()), "parse"),
        row("closing after one half", Answer(half.to_vec()), "parse"),
        row("a flood of letters", Flood(b"x".repeat(65536)), "parse"),
        row("a flood of records", Flood(text.to_vec()), "parse"),
        row("only a NUL", Answer(b"\0".to_vec()), "parse"),
        row("a NUL first", Answer([b"\0", &whole[..]].concat()), "parse"),
        row("a NUL in the middle", Answer([half, b"\0", &whole[half.len()..]].concat()), "parse"),
        row("reset at once", Reset(Vec::new()), "network"),
        row("reset after one half", Reset(half.to_vec()), "network"),
        row("a web server", Answer(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n".to_vec()), "parse"),
        row("an SSH server", Answer(b"SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n".to_vec()), "parse"),
        row("all bytes but NUL", Answer((1..=255).cycle().take(4000).collect()), "parse"),
        row("bytes that are no UTF-8", Answer([&[0xff; 500][..], b"\0"].concat()), "parse"),
        row("JSON", Answer(b"{\"STATUS\":[{\"STATUS\":\"S\",\"Code\":22}],\"id\":1}\0".to_vec()), "parse"),
    ];
    judge(&rows, |settings| settings.set("MINER_TIMEOUT", "15"));
}

#[test]
fn the_time_out_is_that_of_the_whole_exchange() {
    let whole = nano3s();
    let drip = |millis| Drip { reply: whole.clone(), every: Duration::from_millis(millis) };
    let rows = [
        row("silent", Hold(Vec::new()), "timeout"),
        row("silent after one half", Hold(whole[..whole.len() / 2].to_vec()), "timeout"),
        row("open without the NUL", Hold(whole[..whole.len() - 1].to_vec()), "timeout"),
        // Both would take longer than a minute, with never a long pause.
        row("a byte each 200 ms", drip(200), "timeout"),
        row("a byte each 10 ms", drip(10), "timeout"),
    ];
    let (page, labels) = judge(&rows, |settings| settings.set("MINER_TIMEOUT", "2"));
    for (label, (what, ..)) in labels.iter().zip(rows) {
        let took = page.value("avalon_scrape_duration_seconds", &[("ip", label)]).unwrap();
        assert!((1.9..10.0).contains(&took), "{what}: a time-out of 2 s after {took} s");
    }
}

#[test]
fn a_closed_port_is_refused() {
    let mut closed = FakeMiner::start(Hold(Vec::new()));
    closed.refuse();
    let exporter = Settings::for_miners([&closed]).start();
    let page = exporter.wait_for("two errors", |page| errors(page, &closed.ip())["connection_refused"] >= 2.0);
    assert_eq!(differs(&page, &closed, "a closed port", "connection_refused"), None);
}

#[test]
fn replies_that_lack_something() {
    let whole = Reply::nano3s();
    let answer = |reply: &Reply| Answer(reply.bytes());
    let mut rows = Vec::new();
    for part in REQUIRED {
        rows.push(row(format!("no {part}"), answer(&whole.clone().without(part)), "parse"));
        rows.push(row(format!("{part} twice"), answer(&whole.clone().repeating(part)), "parse"));
        rows.push(row(format!("{part} fails"), answer(&whole.clone().saying(part, INVALID_COMMAND)), "parse"));
        rows.push(row(format!("{part} is empty"), answer(&whole.clone().saying(part, "")), "parse"));
    }
    for part in OPTIONAL {
        rows.push(row(format!("{part} fails"), answer(&whole.clone().saying(part, INVALID_COMMAND)), UP));
    }
    for pair in [["version", "summary"], ["summary", "stats"], ["stats", "pools"], ["version", "pools"]] {
        rows.push(row(format!("{pair:?} swapped"), answer(&whole.clone().swapping(pair[0], pair[1])), "parse"));
    }
    for name in ["error-invalid-command", "error-one-unknown-one-denied"] {
        rows.push(row(name, Answer(capture(name)), "parse"));
    }
    let denied = "STATUS=E,When=1775396000,Code=45,Msg=Access denied to 'pools' command,Description=cgminer 4.11.1|";
    rows.push(row("pools denied", answer(&whole.clone().saying("pools", denied)), "parse"));
    // Without the NUL, the number of pools tells whether the end is missing.
    let fewer = whole.clone().replacing("pools", b"Msg=3 Pool(s)", b"Msg=4 Pool(s)");
    rows.push(row("fewer pools than said, no NUL", Answer(fewer.text()), "parse"));
    judge(&rows, |settings| settings);
}

#[test]
fn replies_that_have_what_it_takes() {
    let whole = Reply::nano3s();
    let text = String::from_utf8(whole.text()).unwrap();
    let stats = text.split("|CMD=").find_map(|part| part.strip_prefix("stats|")).unwrap();
    let (opening, records) = stats.split_once('|').unwrap();
    let pools_only = records.split_once("|STATS=1,").map(|(_, pools)| pools.replace("STATS=2", "STATS=1")).unwrap();
    let stock = whole.clone().saying("stats", &format!("{opening}|STATS=0,{pools_only}|"));
    let no_pools = whole.clone().saying("pools", NO_POOLS);
    let strange = whole.clone().replacing("stats", b"FW[Release]", b"SSID[\xff\xfe ] , = \x80\"\\\n] FW[Release]");
    let padding = [b"LED[".as_slice(), &b"7".repeat(1_000_000), b"] FW[Release]"].concat();
    let long = whole.clone().replacing("stats", b"FW[Release]", &padding);
    let too_long = whole.clone().replacing("stats", b"FW[Release]", &padding.repeat(2));
    let rows = vec![
        row("no pools", Answer(no_pools.bytes()), UP),
        row("a CGMiner without a device", Answer(stock.bytes()), UP),
        row("a network name of all that is hard", Answer(strange.bytes()), UP),
        row("a megabyte", Answer(long.bytes()), UP),
        row("two megabytes", Answer(too_long.bytes()), "parse"),
    ];
    let (page, labels) = judge(&rows, |settings| settings);
    let value = |row: usize, name: &str| page.value(name, &[("ip", &labels[row])]);
    let pools = |row: usize| {
        let family = page.family("avalon_pool_getworks_total").unwrap();
        family.samples.iter().filter(|sample| sample.series.labels["ip"] == labels[row]).count()
    };
    assert_eq!((value(0, "avalon_hashrate_ghs"), pools(0)), (Some(6423.03), 0));
    assert_eq!((value(1, "avalon_shares_accepted_total"), pools(1)), (Some(2567.0), 3));
    for name in ["avalon_temp_outlet_celsius", "avalon_fan1_rpm", "avalon_chip_count", "avalon_mm_count"] {
        assert_eq!(value(1, name), None, "{name} of a CGMiner without a device");
    }
    assert_eq!((value(2, "avalon_shares_accepted_total"), pools(2)), (Some(2567.0), 3), "the parts around the name");
    assert_eq!((value(3, "avalon_hashrate_ghs"), pools(3)), (Some(6423.03), 3));
}

#[test]
fn a_network_name_cannot_forge_a_part() {
    let forge = |name: &[u8]| {
        let name = [b"SSID[", name, b"] FW[Release]"].concat();
        Answer(Reply::nano3s().replacing("stats", b"FW[Release]", &name).bytes())
    };
    let forged_pools = b"x|CMD=pools|STATUS=S,When=1,Code=7,Msg=1 Pool(s),Description=c|POOL=0,URL=evil,Status=Alive|";
    let rows = vec![
        row("forged failure", forge(b"x|CMD=pools|STATUS=E|"), "parse"),
        row("forged pools", forge(forged_pools), "parse"),
        row("forged summary", forge(b"x|CMD=summary|STATUS=S,When=1,Code=11,Msg=Summary|SUMMARY,Accepted=1|"), "parse"),
        row(
            "forged stats",
            forge(b"x|CMD=stats|STATUS=S,When=1,Code=70,Msg=CGMiner stats|STATS=0,ID=AVALON0|"),
            "parse",
        ),
    ];
    let (page, _) = judge(&rows, |settings| settings);
    let shown = page.family("avalon_pool_getworks_total").unwrap().samples.len();
    assert_eq!(shown, 3, "only the pools of the sound miner are shown");
}

#[test]
fn a_reply_cut_short_is_refused_wherever_the_cut_is() {
    let text = Reply::nano3s().text();
    let bars = text.iter().enumerate().filter(|(_, byte)| **byte == b'|').map(|(at, _)| at);
    // After each bar the text looks as if it were whole, before it a field may; in between, any place will do.
    let mut cuts: Vec<_> = bars.flat_map(|at| [at, at + 1]).chain((50..text.len()).step_by(397)).collect();
    cuts.sort_unstable();
    cuts.dedup();
    cuts.retain(|at| *at < text.len());
    let cut = |at: usize| row(format!("cut after {at} bytes"), Answer(text[..at].to_vec()), "parse");
    let rows: Vec<_> = cuts.into_iter().map(cut).collect();
    judge(&rows, |settings| settings);
}

#[test]
fn all_captures_make_one_good_page() {
    let miners: Vec<_> = capture_names().iter().map(|name| FakeMiner::start(Answer(capture(name)))).collect();
    let exporter = Settings::for_miners(&miners).set("EXPORT_CHIP_METRICS", "true").start();
    for miner in &miners {
        miner.wait_for_connections(3);
    }
    let page = exporter.page();
    assert_eq!(page.family("avalon_up").unwrap().samples.len(), miners.len());
    for (miner, name) in miners.iter().zip(capture_names()) {
        let up = page.value("avalon_up", &[("ip", &miner.ip())]).unwrap();
        let expected = if name.starts_with("error-") { Some(0.0) } else { name.contains("__").then_some(1.0) };
        assert!(expected.is_none_or(|expected| up == expected), "{name} is {up}");
    }
    for sample in page.samples() {
        assert!(sample.value.is_finite(), "{} is {}", sample.series, sample.value);
    }
}
