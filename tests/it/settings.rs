//! Environment and command line: what is accepted, what is refused and how, and the subcommands.

use std::fs::File;
use std::net::{SocketAddr, TcpListener};
use std::process::{Command, Stdio};
use std::time::Duration;

use avalonhome_prometheus_exporter::config::{Apply, SETTINGS, Setting};

use crate::daemon::only;
use crate::exporter::{Ended, PROGRAM, Settings, ask};
use crate::fake_miner::{Behaviour, FakeMiner};
use crate::page::Page;
use crate::reply::nano3s;

/// Settings in which nothing is wrong; no test that uses them polls.
fn sound() -> Settings {
    Settings::new().set("AVALON_IP", "192.0.2.1")
}

/// Asserts exit code 2 and one line for each of these, which has all the words given.
fn assert_refused(ended: &Ended, faults: &[&[&str]]) {
    assert_eq!(ended.code(), Some(2), "{ended:?}");
    let lines: Vec<_> = ended.stderr.lines().collect();
    for words in faults {
        let count = lines.iter().filter(|line| words.iter().all(|word| line.contains(word))).count();
        assert_eq!(count, 1, "lines with {words:?} in: {}", ended.stderr);
    }
    assert_eq!(lines.len(), faults.len(), "a line for each of {faults:?} and no other: {}", ended.stderr);
}

/// Values that a setting of this kind refuses, and what the refusal names; none where a grammar has tests of its own.
fn refused(apply: &Apply) -> Option<(Vec<String>, Vec<String>)> {
    let (values, right): (&[&str], _) = match apply {
        Apply::Port { .. } => (
            &["http", "0", "-1", "65536", "4028.0", "99999999999999999999", "80 80"],
            vec!["1 to".to_owned(), "65535".to_owned()],
        ),
        Apply::Seconds { min, max, .. } => (
            &["ten", "NaN", "nan", "inf", "-inf", "infinity", "0", "-0", "-10", "1e999", "10s", "5 s", "1,5"],
            vec![min.to_string(), max.to_string()],
        ),
        Apply::Switch { .. } => (&["maybe", "2", "tru"], vec!["true".to_owned(), "false".to_owned()]),
        Apply::Address { .. } => (
            &["localhost", "10.0.0", "0.0.0.0:9100", "256.0.0.1", "*", "http://0.0.0.0"],
            vec!["0.0.0.0".to_owned(), "127.0.0.1".to_owned()],
        ),
        Apply::Choice { words, .. } => {
            (&["loud", "INFORMATION", "10", "INFO,DEBUG"], words.iter().map(|word| (*word).to_owned()).collect())
        }
        Apply::Text { .. } | Apply::Joint { .. } => return None,
    };
    let mut values: Vec<String> = values.iter().map(|value| (*value).to_owned()).collect();
    if let Apply::Seconds { min, max, .. } = apply {
        values.extend([min * 0.99, max * 1.001].map(|value| value.to_string()));
    }
    Some((values, right))
}

#[test]
fn each_bad_value_is_refused_with_what_would_be_right() {
    for Setting { name, apply, .. } in SETTINGS {
        let Some((values, right)) = refused(apply) else { continue };
        for value in values {
            let ended = sound().set(name, &value).run(&["check-config"]);
            let words: Vec<&str> = [*name, &value].into_iter().chain(right.iter().map(String::as_str)).collect();
            assert_refused(&ended, &[&words]);
        }
    }
}

#[test]
fn each_malformed_host_is_refused_by_name() {
    let long_label = "a".repeat(64);
    let long_name = ["a".repeat(63).as_str(); 4].join(".") + ".local";
    for value in [
        "http://192.168.1.50",
        "tcp://miner",
        "miner/path",
        "-miner",
        "rack.-miner.lan",
        "miner-.lan",
        "999.1.1.1",
        "1.2.3",
        "1.2.3.4.5",
        "192.168.1.256",
        "miner.123",
        "12345",
        "two miners",
        "miner..lan",
        ".miner",
        "mi\"ner",
        "mi|ner",
        "miné",
        "user@miner",
        "miner:",
        "miner:0",
        "miner:65536",
        "miner:port",
        "miner:-1",
        ":4028",
        "[::1",
        "[::1]x",
        "[::1]:",
        "[::1]:0",
        "[miner]:4028",
        "[]",
        "1::2::3",
        "fe80::g",
        &long_label,
        &long_name,
    ] {
        assert_refused(&sound().set("AVALON_IP", value).run(&["check-config"]), &[&["AVALON_IP", value]]);
        let list = format!("192.0.2.2,{value}");
        let ended = sound().unset("AVALON_IP").set("AVALON_IPS", list).run(&["check-config"]);
        assert_refused(&ended, &[&["AVALON_IPS", value]]);
    }
}

#[test]
fn all_faults_are_reported_at_once() {
    let settings = Settings::new()
        .set("AVALON_IPS", "http://one,192.0.2.1,999.1.1.1,192.0.2.1:4028,-three")
        .set("AVALON_PORT", "many")
        .set("UPDATE_INTERVAL", "NaN")
        .set("MINER_TIMEOUT", "-5")
        .set("EXPORTER_ADDRESS", "here")
        .set("EXPORTER_PORT", "0")
        .set("EXPORT_CHIP_METRICS", "perhaps")
        .set("ENABLE_DEBUG_ENDPOINT", "never")
        .set("LOG_LEVEL", "loud");
    let faults: [&[&str]; 12] = [
        &["AVALON_IPS", "http://one"],
        &["AVALON_IPS", "999.1.1.1"],
        &["AVALON_IPS", "192.0.2.1"],
        &["AVALON_IPS", "-three"],
        &["AVALON_PORT", "many"],
        &["UPDATE_INTERVAL", "NaN"],
        &["MINER_TIMEOUT", "-5"],
        &["EXPORTER_ADDRESS", "here"],
        &["EXPORTER_PORT", "'0'"],
        &["EXPORT_CHIP_METRICS", "perhaps"],
        &["ENABLE_DEBUG_ENDPOINT", "never"],
        &["LOG_LEVEL", "loud"],
    ];
    for arguments in [&[][..], &["once"], &["check-config"]] {
        assert_refused(&settings.run(arguments), &faults);
    }
}

#[test]
fn exactly_one_of_the_two_lists_is_set() {
    let both: &[&str] = &["AVALON_IP", "AVALON_IPS"];
    for settings in [
        Settings::new(),
        Settings::new().set("AVALON_IP", "").set("AVALON_IPS", ""),
        Settings::new().set("AVALON_IP", "\"\""),
        Settings::new().set("AVALON_IPS", "  "),
        sound().set("AVALON_IPS", "192.0.2.2"),
    ] {
        assert_refused(&settings.run(&[]), &[both]);
    }
    assert_eq!(sound().set("AVALON_IPS", "").run(&["check-config"]).code(), Some(0), "an empty value counts as unset");
    assert_eq!(sound().set("AVALON_IPS", "''").run(&["check-config"]).code(), Some(0));
}

#[test]
fn the_same_miner_twice_is_refused() {
    for list in [
        "192.0.2.1,192.0.2.1",
        "192.0.2.1,192.0.2.1:4028",
        "miner.lan,MINER.lan",
        "miner:1,Miner:1",
        "::1,[::1]",
        "[::1]:4028,::1",
        "2001:db8::A,2001:db8::a",
    ] {
        let ended = Settings::new().set("AVALON_IPS", list).run(&["check-config"]);
        let again = list.split(',').next_back().unwrap();
        assert_refused(&ended, &[&["AVALON_IPS", again]]);
    }
    for list in ["192.0.2.1,192.0.2.1:4029", "a,b", "::1,[::1]:4029"] {
        assert_eq!(Settings::new().set("AVALON_IPS", list).run(&["check-config"]).code(), Some(0), "{list}");
    }
}

/// Values that a setting accepts, in every guise.
fn accepted(setting: &Setting) -> Vec<String> {
    let mut values: Vec<String> = match &setting.apply {
        Apply::Port { .. } => ["1", "65535"].map(str::to_owned).into(),
        Apply::Seconds { min, max, .. } => [*min, *max, min + 0.5].map(|value| value.to_string()).into(),
        Apply::Switch { .. } => {
            ["true", "false", "TRUE", "False", "1", "0", "yes", "no", "on", "off"].map(str::to_owned).into()
        }
        Apply::Address { .. } => ["0.0.0.0", "::", "127.0.0.1", "::1", "[::1]"].map(str::to_owned).into(),
        Apply::Choice { words, .. } => {
            words.iter().flat_map(|word| [(*word).to_owned(), word.to_lowercase()]).collect()
        }
        Apply::Text { .. } | Apply::Joint { .. } => Vec::new(),
    };
    values.extend(setting.apply.default());
    values.extend(setting.example.values.iter().map(|value| value.trim_matches('"').to_owned()));
    values
        .iter()
        .flat_map(|value| [value.clone(), format!("\"{value}\""), format!("'{value}'"), format!(" {value} ")])
        .collect()
}

#[test]
fn good_values_are_accepted_in_every_guise() {
    for setting in SETTINGS.iter().filter(|setting| !setting.name.starts_with("AVALON_IP")) {
        let empty = ["", "\"\"", " "].map(str::to_owned);
        for value in accepted(setting).into_iter().chain(empty) {
            let ended = sound().set(setting.name, &value).run(&["check-config"]);
            assert_eq!(ended.code(), Some(0), "{}={value}: {ended:?}", setting.name);
        }
    }
    for (name, values) in [
        ("UPDATE_INTERVAL", &["10.5", "1e2"][..]),
        ("LOG_LEVEL", &["Warning", "warn", "trace"]),
        (
            "AVALON_IP",
            &[
                "miner",
                "miner.lan",
                "\"192.168.1.50\"",
                "'miner'",
                "192.168.1.50:4029",
                "::1",
                "[::1]",
                "[::1]:4029",
                "a-b.c",
                "3com.lan",
                "xn--mnchen-3ya.de",
            ],
        ),
    ] {
        for value in values {
            let ended = sound().set(name, value).run(&["check-config"]);
            assert_eq!(ended.code(), Some(0), "{name}={value}: {ended:?}");
        }
    }
}

#[test]
fn quotes_and_spaces_are_no_part_of_a_target() {
    let [one, other] = [(); 2].map(|()| FakeMiner::start(Behaviour::Answer(nano3s())));
    let list = format!("\"{} , {}\"", one.target(), other.target());
    let exporter = Settings::new().set("AVALON_IPS", list).set("UPDATE_INTERVAL", "\"0.1\"").start();
    for miner in [one, other] {
        exporter.wait_for_up(&miner.ip(), 1.0);
    }
}

#[test]
fn it_listens_where_it_is_told() {
    for address in ["127.0.0.1", "0.0.0.0", "::", "::1"] {
        // A machine may have no IPv6; then there is nothing to try.
        let Ok(free) = TcpListener::bind((address, 0)).and_then(|listener| listener.local_addr()) else { continue };
        let settings = sound().set("EXPORTER_ADDRESS", address).set("EXPORTER_PORT", free.port());
        let exporter = settings.start();
        assert_eq!(exporter.get("/health").status, 200, "{address}");
        let health = settings.run(&["healthcheck"]);
        assert_eq!(health.code(), Some(0), "healthcheck of {address}: {health:?}");
        if address == "::" {
            let fourth = SocketAddr::from(([127, 0, 0, 1], free.port()));
            assert_eq!(ask(fourth, "GET", "/health", &[]).expect(":: is IPv4 too").status, 200);
        }
    }
}

#[test]
fn help_and_version_need_no_settings() {
    for arguments in [["--help"], ["-h"]] {
        let ended = Settings::nothing().run(&arguments);
        assert_eq!((ended.code(), ended.stderr.as_str()), (Some(0), ""), "{arguments:?}: {ended:?}");
        for word in ["healthcheck", "once", "check-config", "--version", "AVALON_IP", "UPDATE_INTERVAL"] {
            assert!(ended.stdout.contains(word), "{word} is not in the help: {}", ended.stdout);
        }
    }
    let ended = Settings::nothing().run(&["--version"]);
    assert_eq!((ended.code(), ended.stderr.as_str()), (Some(0), ""));
    assert!(ended.stdout.contains(env!("CARGO_PKG_VERSION")), "{}", ended.stdout);
}

/// `script` gives the program a terminal. Where there is none, this is not tested.
#[test]
fn a_terminal_gets_colours_unless_it_wants_none() {
    let help = |environment: &[(&str, &str)]| {
        let mut terminal = Command::new("script");
        terminal.args(["-qec", &format!("{PROGRAM} --help"), "/dev/null"]).env_remove("NO_COLOR").env("TERM", "xterm");
        terminal.envs(environment.iter().copied()).stdin(Stdio::null());
        terminal.output().map(|ended| String::from_utf8(ended.stdout).unwrap())
    };
    let Ok(coloured) = help(&[]) else { return };
    assert!(coloured.contains("\x1b[1mSubcommands:\x1b[0m"), "{coloured:?}");
    for environment in [("NO_COLOR", "1"), ("TERM", "dumb")] {
        let plain = help(&[environment]).unwrap();
        assert!(plain.contains("Subcommands:") && !plain.contains('\x1b'), "{environment:?}: {plain:?}");
    }
    assert!(!Settings::nothing().run(&["--help"]).stdout.contains('\x1b'), "into a pipe");
}

#[test]
fn unknown_words_are_refused() {
    for arguments in
        [&["frobnicate"][..], &["--frobnicate"], &["Once"], &[""], &["once", "more"], &["--version", "once"]]
    {
        let ended = sound().run(arguments);
        assert_eq!(ended.code(), Some(2), "{arguments:?}: {ended:?}");
        assert!(ended.stderr.contains("--help"), "{arguments:?}: {}", ended.stderr);
        assert_eq!(ended.stdout, "", "{arguments:?}");
    }
}

#[test]
fn check_config_prints_what_would_run_and_runs_nothing() {
    let miner = FakeMiner::start(Behaviour::Answer(nano3s()));
    let settings = Settings::for_miners([&miner]).set("UPDATE_INTERVAL", "7.5");
    // It binds nothing: the port may be in use.
    let taken = TcpListener::bind(settings.address()).unwrap();
    let ended = settings.run(&["check-config"]);
    assert_eq!((ended.code(), ended.stderr.as_str()), (Some(0), ""), "{ended:?}");
    for word in [&miner.ip(), &miner.port().to_string(), "7.5", &settings.port().to_string()] {
        assert!(ended.stdout.contains(word), "{word} is not in {}", ended.stdout);
    }
    assert_eq!(miner.connections(), 0);
    drop(taken);
}

#[test]
fn once_prints_one_page() {
    let sound = FakeMiner::start(Behaviour::Answer(nano3s()));
    let mut closed = FakeMiner::start(Behaviour::Hold(Vec::new()));
    closed.refuse();
    let settings = Settings::for_miners([&sound, &closed]);
    // It binds nothing either: an exporter may be running beside it.
    let taken = TcpListener::bind(settings.address()).unwrap();
    let ended = settings.run(&["once"]);
    assert_eq!(ended.code(), Some(0), "one of two miners answered: {ended:?}");
    let page = Page::parse(&ended.stdout).unwrap_or_else(|error| panic!("{error}: {}", ended.stdout));
    assert_eq!(page.value("avalon_up", &[("ip", &sound.ip())]), Some(1.0));
    assert_eq!(page.value("avalon_hashrate_ghs", &[("ip", &sound.ip())]), Some(6423.03));
    assert_eq!(page.value("avalon_up", &[("ip", &closed.ip())]), Some(0.0));
    assert_eq!(only("connection_refused", &page, &closed.ip()), 1.0);
    let own: Vec<_> = page.families().iter().filter(|family| family.name.starts_with("process_")).collect();
    assert!(own.is_empty(), "{own:?}");
    assert_eq!(sound.connections(), 1);
    drop(taken);
}

#[test]
fn a_full_disk_is_a_failure_and_a_closed_pipe_is_none() {
    let miner = FakeMiner::start(Behaviour::Answer(nano3s()));
    let target = miner.target();
    for arguments in [&["once"][..], &["capture", &target], &["check-config"], &["--help"], &["--version"]] {
        let run = |stdout: Stdio| {
            let mut command = Command::new(PROGRAM);
            let ended = command.args(arguments).env_clear().env("AVALON_IPS", &target).stdout(stdout).output().unwrap();
            (ended.status.code(), String::from_utf8(ended.stderr).unwrap())
        };
        let (code, text) = run(File::options().write(true).open("/dev/full").unwrap().into());
        let reason = "cannot write to standard output: No space left on device";
        assert!(code == Some(1) && text.contains(reason), "{arguments:?}: {code:?} {text}");
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let (code, text) = run(writer.into());
        assert!(code == Some(0) && !text.contains("output"), "{arguments:?}: {code:?} {text}");
    }
}

#[test]
fn once_fails_if_no_miner_answers() {
    let mut closed = FakeMiner::start(Behaviour::Hold(Vec::new()));
    closed.refuse();
    let silent = FakeMiner::start(Behaviour::Hold(Vec::new()));
    let ended = Settings::for_miners([&closed, &silent]).set("MINER_TIMEOUT", "2").run(&["once"]);
    assert_eq!(ended.code(), Some(1), "{ended:?}");
    let page = Page::parse(&ended.stdout).unwrap();
    assert_eq!(only("connection_refused", &page, &closed.ip()), 1.0);
    assert_eq!(only("timeout", &page, &silent.ip()), 1.0);
}

#[test]
fn healthcheck_asks_the_running_exporter() {
    let mut miner = FakeMiner::start(Behaviour::Answer(nano3s()));
    miner.refuse();
    let settings = Settings::for_miners([&miner]);
    assert_eq!(settings.run(&["healthcheck"]).code(), Some(1), "nothing runs there");
    let exporter = settings.start();
    exporter.wait_for_up(&miner.ip(), 0.0);
    assert_eq!(
        settings.run(&["healthcheck"]).code(),
        Some(0),
        "a miner that is down does not make the exporter unhealthy"
    );
    drop(exporter);
    assert_eq!(settings.run(&["healthcheck"]).code(), Some(1), "it was killed");
}

#[test]
fn healthcheck_believes_nothing_but_a_good_answer_in_time() {
    let refusal = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    let other = b"HTTP/1.1 404 Not Found\r\nContent-Length: 3\r\nConnection: close\r\n\r\nOK\n";
    for behaviour in [
        Behaviour::Answer(refusal.to_vec()),
        Behaviour::Answer(other.to_vec()),
        Behaviour::Answer(b"GOPHER 200 OK\r\n".to_vec()),
        Behaviour::Answer(b"SSH-2.0-OpenSSH_9.2\r\n".to_vec()),
        Behaviour::Answer(Vec::new()),
        Behaviour::Answer(b"200 OK".to_vec()),
        Behaviour::Reset(Vec::new()),
        Behaviour::Flood(b"200 OK ".repeat(1000)),
        Behaviour::Drip { reply: b"HTTP/1.1 200 OK\r\n".repeat(9), every: Duration::from_millis(800) },
        Behaviour::Hold(Vec::new()),
    ] {
        // Any server will do for one that is not the exporter.
        let server = FakeMiner::start(behaviour.clone());
        let settings = sound().set("EXPORTER_ADDRESS", server.ip()).set("EXPORTER_PORT", server.port());
        let ended = settings.run(&["healthcheck"]);
        assert_eq!(ended.code(), Some(1), "{behaviour:?}: {ended:?}");
        // It gives 3 s; to hear all that drips would take two minutes.
        assert!(ended.took < Duration::from_secs(12), "{behaviour:?} took {:?}", ended.took);
        assert_eq!(server.connections(), 1);
    }
}
