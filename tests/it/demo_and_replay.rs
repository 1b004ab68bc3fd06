//! What is there without a miner, or to look at one: `demo`, `replay` and `capture`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::exporter::Settings;
use crate::fake_miner::{Behaviour, FakeMiner};
use crate::golden::{TIMES, page_of};
use crate::reply::{Reply, capture, capture_names, nano3s};

fn up(page: &crate::page::Page) -> usize {
    let samples = page.family("avalon_up").map(|family| family.samples.as_slice()).unwrap_or_default();
    samples.iter().filter(|sample| sample.value == 1.0).count()
}

#[test]
fn demo_shows_everything_and_says_that_it_is_one() {
    let exporter = Settings::new().set("UPDATE_INTERVAL", 0.2).start_with(&["demo"]);
    let page = exporter.wait_for("four simulated miners", |page| up(page) == 4);
    assert!(exporter.log().contains("THIS IS A DEMO"), "{}", exporter.log());
    for family in [
        "avalon_power_watts",
        "avalon_efficiency_joules_per_terahash",
        "avalon_chip_core_volts",
        "avalon_network_difficulty",
        "avalon_wifi_rssi_dbm",
        "avalon_electricity_price",
        "avalon_miner_name",
        "avalon_board_temp_max_celsius",
    ] {
        assert!(page.family(family).is_some(), "the demo lacks {family}");
    }
    let models: Vec<_> =
        page.family("avalon_info").unwrap().samples.iter().map(|s| s.series.labels["model"].clone()).collect();
    assert_eq!(models.len(), 4, "{models:?}");
    exporter.wait_for("hashes to be counted", |later| {
        let total = |page: &crate::page::Page| page.family("avalon_hashes_total").unwrap().samples[0].value;
        total(later) > total(&page)
    });
}

#[test]
fn demo_takes_no_miners_from_the_settings() {
    let exporter =
        Settings::new().set("AVALON_IP", "192.0.2.1").set("EXPORT_CHIP_METRICS", false).start_with(&["demo"]);
    let page = exporter.wait_for("four simulated miners", |page| up(page) == 4);
    assert!(page.family("avalon_chip_temp_celsius").is_none(), "what is set counts");
}

#[test]
fn replay_serves_captures_as_miners() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/captures");
    let files =
        ["nano3s__25021401_56abae7__high.reply", "q__25052801_14a19a2__standby.reply"].map(|name| folder.join(name));
    let files = files.each_ref().map(|path| path.to_str().unwrap());
    let exporter = Settings::new().start_with(&["replay", files[0], files[1]]);
    let page = exporter.wait_for("two miners", |page| up(page) == 2);
    let name = page.family("avalon_miner_name").unwrap().samples[0].series.labels["name"].clone();
    assert_eq!(name, "nano3s__25021401_56abae7__high");
    for arguments in [&["replay"][..], &["replay", "/no/such/file"]] {
        let ended = Settings::new().run(arguments);
        assert!(ended.code() != Some(0) && ended.stderr.contains("replay"), "{ended:?}");
    }
}

/// A folder for the files of a test.
fn temporary(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("exporter-{name}-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    folder
}

#[test]
fn replay_takes_files_only() {
    let folder = temporary("fifo");
    let fifo = folder.join("fifo.reply");
    let made = Command::new("mkfifo").arg(&fifo).status().unwrap();
    assert!(made.success(), "{made}");
    // Nobody writes into the FIFO, so a program that opens it does not end.
    for path in [&fifo, &folder, Path::new("/dev/zero")] {
        let ended = Settings::new().run(&["replay", path.to_str().unwrap()]);
        assert_eq!((ended.code(), ended.stdout.as_str()), (Some(1), ""), "{ended:?}");
        assert!(ended.stderr.contains("it is not a regular file"), "{}", ended.stderr);
    }
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_files_name_forges_no_line_of_the_log() {
    let folder = temporary("names");
    let file = folder.join("a\u{1b}[2J\nforged line.reply");
    fs::write(&file, nano3s()).unwrap();
    let exporter = Settings::new().set("LOG_LEVEL", "DEBUG").start_with(&["replay", file.to_str().unwrap()]);
    exporter.wait_for("the miner", |page| up(page) == 1);
    exporter.signal("TERM");
    let log = exporter.wait().stderr;
    assert!(log.contains("a\\u{1b}[2J\\nforged line"), "{log}");
    assert!(!log.contains('\u{1b}') && !log.lines().any(|line| line.starts_with("forged")), "{log}");
    let twice = Settings::new().run(&["replay", file.to_str().unwrap(), file.to_str().unwrap()]);
    assert!(twice.code() == Some(1) && twice.stderr.contains("a\\u{1b}[2J\\nforged"), "{twice:?}");
    assert!(!twice.stderr.contains('\u{1b}') && twice.stderr.lines().count() == 1, "{twice:?}");
    fs::remove_dir_all(folder).unwrap();
}

/// The labels of a page that say whose miner it is, which a masked capture has not.
fn without_identity(page: &str) -> String {
    let mut text = page.to_owned();
    for label in [",url=\"", ",dna=\"", ",mac=\""] {
        let mut parts = text.split(label);
        let mut out = parts.next().unwrap().to_owned();
        for part in parts {
            out += &[label, part.split_once('"').unwrap().1].concat();
        }
        text = out;
    }
    text
}

#[test]
fn a_masked_capture_gives_the_page_of_the_whole_one() {
    for name in capture_names() {
        let miner = FakeMiner::start(Behaviour::Answer(capture(&name)));
        let ended = Settings::nothing().run(&["capture", &miner.target()]);
        assert_eq!(ended.code(), Some(0), "{name}: {ended:?}");
        for private in
            ["0201000000000001", "e0e1a9000001", "worker", "braiins", "pool.io", "example", "home-wifi", "my]net"]
        {
            assert!(!ended.stdout.contains(private), "{name}: {private}");
        }
        let [masked, whole] = [ended.stdout.as_bytes(), &capture(&name)].map(|reply| without_identity(&page_of(reply)));
        let differences: Vec<_> = masked
            .lines()
            .zip(whole.lines())
            .filter(|(a, b)| a != b && !TIMES.iter().any(|time| a.starts_with(time)))
            .collect();
        assert!(differences.is_empty() && masked.lines().count() == whole.lines().count(), "{name}: {differences:?}");
    }
}

#[test]
fn capture_masks_all_that_is_not_known_to_be_harmless() {
    let reply = Reply::nano3s()
        .replacing("version", b"UPAPI=2", b"UPAPI=2,SN=A1B2C3,WIFIPWD=hunter2")
        .replacing("stats", b"MEMFREE[", b"NewItem[57] \x1b[2J MEMFREE[")
        .replacing("pools", b":3333", b":3333/#bc1qsecret")
        .replacing("pools", b"User=worker.1", b"User =alice");
    let miner = FakeMiner::start(Behaviour::Answer(reply.bytes()));
    let ended = Settings::nothing().run(&["capture", &miner.target()]);
    assert_eq!(ended.code(), Some(0), "{ended:?}");
    for secret in ["A1B2C3", "hunter2", "bc1qsecret", "alice", "NewItem", "57]", "\u{1b}"] {
        assert!(!ended.stdout.contains(secret), "{secret}");
    }
    assert!(ended.stdout.contains(",UPAPI=2,xx=x1x1x1,xxxxxxx=xxxxxx1|CMD=summary|"), "{}", ended.stdout);
    assert!(ended.stdout.ends_with("=536870912|\0"), "the NUL is a part of a reply");
    let listed = "masked values of: DNA, LED, LEDUser, MAC, NewItem, SN, Stratum URL, URL, User, WIFIPWD\n";
    assert!(ended.stderr.replace("BOOTBY, ", "").replace("ATA2, ", "").contains(listed), "{}", ended.stderr);
    assert!(ended.stderr.contains("--keep KEY,...") && ended.stderr.contains("nano3s__25021401_56abae7__mining.reply"));

    let kept = Settings::nothing().run(&["capture", "--keep", "SN,NewItem,NoSuchKey", &miner.target()]);
    assert!(kept.stdout.contains(",SN=A1B2C3,xxxxxxx=xxxxxx1|") && kept.stdout.contains(" NewItem[57] "), "{kept:?}");
    assert!(!kept.stdout.contains("hunter2") && !kept.stdout.contains("alice"), "{kept:?}");
    for text in ["NOT masked, look at them before you publish this: NewItem, SN\n", "not in this reply: NoSuchKey\n"] {
        assert!(kept.stderr.contains(text), "{}", kept.stderr);
    }
}

#[test]
fn capture_says_why_there_is_none() {
    let mut closed = FakeMiner::start(Behaviour::Answer(nano3s()));
    closed.refuse();
    let failed = Settings::nothing().run(&["capture", &closed.target()]);
    assert!(failed.code() == Some(1) && failed.stderr.contains("refused") && failed.stdout.is_empty(), "{failed:?}");
    let wrong = Settings::nothing().run(&["capture", "http://x\u{1b}[2J"]);
    assert!(wrong.code() == Some(1) && !wrong.stderr.contains('\u{1b}'), "{wrong:?}");
    assert!(wrong.stderr.contains("'http://x") && wrong.stderr.contains("is a URL"), "{wrong:?}");
}
