//! What broken miners do to the exporter: each is a counted error of the right kind, or an answer where there is one,
//! and in no case anybody else's business.
//!
//! Every row is a miner of its own, all of them polled by one exporter beside one that is sound and whose rhythm is
//! watched. What takes a network or a resolver that is broken is in `environment`.

use std::time::{Duration, Instant};

use crate::daemon::{COUNTERS, DOWN, errors, off_rhythm};
use crate::exporter::Settings;
use crate::fake_miner::{Behaviour, FakeMiner};
use crate::page::Page;
use crate::reply::{INVALID_COMMAND, NO_POOLS, Reply, capture, capture_names, nano3s};

use Behaviour::{Answer, Drip, Flood, Hold, Reset, Vary};

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

/// The rhythm of [`judge`].
const INTERVAL: Duration = Duration::from_secs(1);

/// Polls a miner for each row, and a sound one, at least twice. All rows that came out otherwise are reported at once.
/// Returns the page and the labels of the rows.
fn judge(rows: &[Row], settings: impl Fn(Settings) -> Settings) -> (Page, Vec<String>) {
    let (sound, start) = (FakeMiner::start(Answer(nano3s())), Instant::now());
    let miners: Vec<_> = rows.iter().map(|(_, behaviour, _)| FakeMiner::start(behaviour.clone())).collect();
    let exporter = settings(Settings::for_miners(miners.iter().chain([&sound])))
        .set("UPDATE_INTERVAL", INTERVAL.as_secs())
        .start();
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
    wrong.extend(out_of_rhythm(&page, &sound, start));
    wrong.extend(page.samples().find(|sample| !sample.value.is_finite()).map(|sample| sample.series.to_string()));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    (page, miners.iter().map(FakeMiner::ip).collect())
}

/// What the others did to the sound miner's rhythm: nothing.
fn out_of_rhythm(page: &Page, sound: &FakeMiner, start: Instant) -> Option<String> {
    let skipped = page.value("avalon_polls_skipped_total", &[("ip", &sound.ip())]).unwrap();
    let polls = sound.exchanges();
    // Its own poll takes some milliseconds; if that is the whole interval time after time, others hold it up.
    let is_held_up = skipped * 2.0 > polls.len() as f64;
    let held_up = is_held_up.then(|| format!("{skipped} skipped beside {} polls", polls.len()));
    held_up.or_else(|| off_rhythm(&polls, start, INTERVAL, 1)).map(|wrong| format!("the sound miner: {wrong}"))
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
        row("another command's answer", Answer(b"STATUS=S,Code=11,Msg=Summary|SUMMARY,Elapsed=7|\0".to_vec()), "parse"),
        row(
            "other commands' answers",
            Answer(b"CMD=devs|STATUS=S|ASC=0|CMD=coin|STATUS=S|COIN,LP=true|\0".to_vec()),
            "parse",
        ),
        row("twice the reply", Answer(whole.repeat(2)), UP),
        row("twice the text", Answer([text, &whole].concat()), "parse"),
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
        row("a byte a second", drip(1000), "timeout"),
        row("a byte each 10 ms", drip(10), "timeout"),
    ];
    let (page, labels) = judge(&rows, |settings| settings.set("MINER_TIMEOUT", "2"));
    for (label, (what, ..)) in labels.iter().zip(rows) {
        let took = page.value("avalon_scrape_duration_seconds", &[("ip", label)]).unwrap();
        // Without a time-out for the whole exchange those that drip take a minute and more, the others have no end.
        assert!((2.0..20.0).contains(&took), "{what}: a time-out of 2 s after {took} s");
    }
}

#[test]
fn hosts_that_are_not_there() {
    let mut closed = FakeMiner::start(Hold(Vec::new()));
    closed.refuse();
    let (sound, start) = (FakeMiner::start(Answer(nano3s())), Instant::now());
    // No connection leads to a multicast address; the name is one that no resolver may know.
    let targets = [sound.target(), closed.target(), "224.0.0.1".to_owned(), "no-such-miner.invalid".to_owned()];
    let rows = [(closed.ip(), "connection_refused"), (targets[2].clone(), "network"), (targets[3].clone(), "network")];
    // The variable keeps a machine without a resolver from trying for long.
    let settings = Settings::new().set("AVALON_IPS", targets.join(",")).set("RES_OPTIONS", "attempts:1 timeout:1");
    let exporter = settings.set("UPDATE_INTERVAL", INTERVAL.as_secs()).set("MINER_TIMEOUT", "15").start();
    let page = exporter
        .wait_for("two errors of each", |page| rows.iter().all(|(label, kind)| errors(page, label)[kind] >= 2.0));
    for (label, kind) in &rows {
        assert_eq!(page.value("avalon_up", &[("ip", label)]), Some(0.0), "{label}");
        assert_eq!(errors(&page, label)[kind], errors(&page, label).values().sum::<f64>(), "{label}");
    }
    assert_eq!(out_of_rhythm(&page, &sound, start), None);
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

/// What the parser takes apart within its limits, and what each shape leaves on the page.
#[test]
fn replies_of_absurd_size_and_numbers() {
    let with = |part: &str, from: &str, to: &str| {
        Answer(Reply::nano3s().replacing(part, from.as_bytes(), to.as_bytes()).bytes())
    };
    let stats = |text: &str| with("stats", "FW[Release]", &format!("{text} FW[Release]"));
    let pools: String = (0..100_000).map(|pool| format!("|POOL={}", pool % 1000)).collect();
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let braces = format!("{}{}", "{[(".repeat(60_000), "}])".repeat(60_000));
    let rows = vec![
        row("a number of 400 digits", with("summary", "Accepted=2567", &format!("Accepted={}", "9".repeat(400))), UP),
        row(
            "400 digits after the point",
            with("summary", "Accepted=2567", &format!("Accepted=2567.{}", "0".repeat(400))),
            UP,
        ),
        row("1e308 MH/s", with("summary", "Accepted=2567", "Accepted=1e308,Total MH=1e308"), UP),
        row("1e308 everywhere in the supply", with("stats", " 0 3678 132]", " 1e308 1e308 1e308]"), UP),
        row("100,000 pools", with("pools", "|POOL=0,", &format!("{pools}|POOL=0,")), UP),
        row("100,000 chips", stats(&format!("PVT_T1[{}]", "70 ".repeat(100_000))), UP),
        row("nested brackets", stats(&deep), UP),
        row("brackets that never close", stats(&"[".repeat(200_000)), UP),
        row("all kinds of brackets", stats(&braces), UP),
        row(
            "100,000 parts",
            Answer([&nano3s()[..nano3s().len() - 1], "CMD=x|".repeat(100_000).as_bytes(), b"\0"].concat()),
            UP,
        ),
    ];
    let (page, labels) = judge(&rows, |settings| settings.set("EXPORT_CHIP_METRICS", "true"));
    let value = |row: usize, name: &str| page.value(name, &[("ip", &labels[row])]);
    assert_eq!(
        (value(0, "avalon_shares_accepted_total"), value(1, "avalon_shares_accepted_total")),
        (None, Some(2567.0))
    );
    assert_eq!(value(2, "avalon_shares_accepted_total"), Some(1e308));
    assert_eq!(value(3, "avalon_energy_joules_total"), None, "a meter that took that would be infinite for ever");
    let samples = |row: usize, name: &str| {
        page.family(name).unwrap().samples.iter().filter(|sample| sample.series.labels["ip"] == labels[row]).count()
    };
    assert_eq!(samples(4, "avalon_pool_up"), 16);
    assert_eq!((samples(5, "avalon_chip_temp_celsius"), value(5, "avalon_chip_count")), (1024, Some(100_012.0)));
    for row in [4, 5] {
        assert!(value(row, "avalon_series_dropped_total") > Some(90_000.0), "{}", rows[row].0);
    }
    for (at, (what, ..)) in rows.iter().enumerate().take(4) {
        assert_eq!(value(at, "avalon_series_dropped_total"), Some(0.0), "{what}");
    }
}

/// Memory that one reply may take, whatever it holds: a dozen times the largest reply.
const REPLY_MEMORY_KB: u64 = 12 << 10;

#[test]
fn one_reply_takes_little_memory() {
    const BYTES: usize = (1 << 20) - 1;
    let whole = Reply::nano3s();
    let fill = |unit: &[u8], room: usize| unit.iter().copied().cycle().take(room).collect::<Vec<u8>>();
    let room = BYTES - whole.text().len();
    let in_stats = |open: &str, unit: &str| {
        let text = [open.as_bytes(), &fill(unit.as_bytes(), room - 64), b"] FW[Release]"].concat();
        whole.clone().replacing("stats", b"FW[Release]", &text).bytes()
    };
    let records = format!("{}|", "=,".repeat(600));
    let half = fill(records.as_bytes(), room / 2 - 8);
    let both = whole.clone().replacing("stats", b"|STATS=1,", &[b"|", &half[..], b"|STATS=1,"].concat());
    let both = both.replacing("pools", b"|POOL=1,", &[b"|", &half[..], b"|POOL=1,"].concat());
    let mut most = (0, "");
    for (what, reply) in [
        ("bytes that are no UTF-8", fill(b"\xff", BYTES)),
        ("parts", fill(b"CMD=|", BYTES)),
        ("parts with a status", fill(b"CMD=|STATUS=|", BYTES)),
        ("records of many fields", both.bytes()),
        (
            "records of one field",
            fill(b"CMD=version|STATUS=S|V|CMD=summary|STATUS=S|S|CMD=stats|STATUS=S|", 66)
                .into_iter()
                .chain(fill(b"=|", BYTES - 66))
                .collect(),
        ),
        ("items", in_stats("A[", "]B[")),
        ("a list of boards", in_stats("MH[", "7 ")),
        ("a list of chips", in_stats("PVT_T0[", "7 ")),
        ("a supply", in_stats("PS[", "7 ")),
        ("names of networks", in_stats("SSID[", "x] RSSI[SSID[")),
        ("more than the limit", fill(b"x", 4 * BYTES)),
    ] {
        assert!(reply.len() >= BYTES - 100, "{what} has {} bytes", reply.len());
        // An exporter for each, since memory that was given back to the allocator stays with the process.
        let miner = FakeMiner::start(Answer(nano3s()));
        let exporter = Settings::for_miners([&miner]).set("EXPORT_CHIP_METRICS", "true").start();
        exporter.wait_for_up(&miner.ip(), 1.0);
        miner.wait_for_connections(3);
        let before = exporter.status("VmHWM");
        miner.behave(Answer(reply));
        // The one on its way, two of these, and the next one, so that they have ended.
        miner.wait_for_connections(miner.connections() + 4);
        let taken = exporter.status("VmHWM") - before;
        eprintln!("{taken} kB for {what}");
        most = most.max((taken, what));
        miner.behave(Answer(nano3s()));
        exporter.wait_for_up(&miner.ip(), 1.0);
    }
    assert!(most.0 <= REPLY_MEMORY_KB, "{} kB for {}", most.0, most.1);
}

/// A reply in which everything has another name than in the one before.
fn inventive(number: usize) -> Vec<u8> {
    let long = |what: &str| format!("{what}{number} {}", "\u{1f525}\"".repeat(200));
    let labels: String = ["PROD", "MODEL", "LVERSION", "CGMiner", "API", "HWTYPE", "SWTYPE", "DNA", "MAC"]
        .map(|key| format!(",{key}={}", long(key)))
        .concat();
    let pool = |pool: usize| {
        let index = number * 40 + pool;
        format!(
            "POOL={index},URL={},Status={},Priority={},User={},Accepted={number}|",
            long("tcp://"),
            long("S"),
            long("P"),
            long("worker")
        )
    };
    let fans: String = (1..90).map(|fan| format!("Fan{fan}[{number}] ")).collect();
    let boards: String = (0..12)
        .map(|board| {
            ["PVT_T", "PVT_V", "MW"].map(|list| format!("{list}{board}[{}] ", "7 ".repeat(300 + number))).concat()
        })
        .collect();
    let items: String = (0..3000).map(|item| format!("I{number}x{item}[{item}] ")).collect();
    let module =
        format!("Ver[{}] {boards}{fans}MH[{}] PS[{}] {items}", long("Q-"), "7 ".repeat(20 + number), "7 ".repeat(20));
    let ok = "STATUS=S,When=1,Code=1,Msg=m,Description=d|";
    Reply::nano3s()
        .saying("version", &format!("{ok}VERSION{labels}|"))
        .saying("stats", &format!("{ok}STATS=0,ID=AVALON{number},MM ID0={module},MM Count=1|"))
        .saying("pools", &format!("{ok}{}", (0..40).map(pool).collect::<String>()))
        .bytes()
}

/// What one miner may take of the page, single chips included: the tables of the catalogue times the limits of `collect`.
const SERIES_MAX: usize = 4950;
const PAGE_BYTES_MAX: usize = 1 << 20;

#[test]
fn a_miner_that_invents_cannot_grow_the_page() {
    let miner = FakeMiner::start(Vary(inventive));
    let exporter = Settings::for_miners([&miner]).set("EXPORT_CHIP_METRICS", "true").start();
    let look = |polls: usize| {
        while miner.connections() < polls {
            miner.wait_for_connections(polls.min(miner.connections() + 40));
        }
        let page = exporter.page();
        assert_eq!(page.value("avalon_up", &[("ip", &miner.ip())]), Some(1.0));
        let dropped = page.value("avalon_series_dropped_total", &[("ip", &miner.ip())]).unwrap();
        // Those of the exporter itself come with what it is asked.
        let samples = page.samples().filter(|sample| sample.series.labels.contains_key("ip")).count();
        (exporter.get("/metrics").body.len(), samples, exporter.status("VmHWM"), dropped)
    };
    let (bytes, samples, kilobytes, dropped) = look(30);
    let (bytes_later, samples_later, kilobytes_later, dropped_later) = look(200);
    let report = format!(
        "{bytes}, then {bytes_later} bytes of {samples}, then {samples_later} samples; \
        {kilobytes}, then {kilobytes_later} kB; {dropped}, then {dropped_later} dropped"
    );
    assert!(samples == samples_later && samples <= SERIES_MAX, "{report}");
    // Numbers get a digit more now and then.
    assert!(bytes_later < bytes + bytes / 20 && bytes_later < PAGE_BYTES_MAX, "{report}");
    assert!(kilobytes_later < kilobytes + 4096, "{report}");
    assert!(dropped_later > dropped + 170.0 * 100.0, "{report}");
    eprintln!("{report}");
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
