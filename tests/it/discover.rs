//! `discover` against a network of fake miners on loopback, and what it refuses to search.

use std::net::{IpAddr, Ipv4Addr};

use serde_json::{Value, json};

use crate::exporter::{Ended, Settings};
use crate::fake_miner::{Behaviour, FakeMiner};
use crate::own_loopback;

const VERSION: &[u8] =
    b"STATUS=S,When=1,Code=22,Msg=CGMiner versions,Description=cgminer 4.11.1|VERSION,CGMiner=4.11.1,\
    API=3.7,PROD=Avalon Nano3s,MODEL=Nano3s,HWTYPE=N_MM1v1_X1,LVERSION=25021401_56abae7,MAC=e0e1a9000001|\0";

fn discover(port: u16, arguments: &[&str]) -> Ended {
    Settings::nothing().set("AVALON_PORT", port).run(&[&["discover"], arguments].concat())
}

#[test]
fn it_finds_miners_and_says_version_and_nothing_else() {
    // One fake listens on all addresses: each of the two of this range reaches it.
    let miner = FakeMiner::start_on(IpAddr::V4(Ipv4Addr::UNSPECIFIED), Behaviour::Answer(VERSION.to_vec())).unwrap();
    let [a, b, c, _] = own_loopback().octets();
    let range = format!("{a}.{b}.{c}.8/30");
    let (first, second) = (format!("{a}.{b}.{c}.9"), format!("{a}.{b}.{c}.10"));
    let port = miner.port();
    let ended = discover(port, &[&range]);
    assert_eq!(ended.code(), Some(0), "{ended:?}");
    let lines: Vec<&str> = ended.stdout.lines().collect();
    assert!(
        lines[0].starts_with("ADDRESS") && lines[1].starts_with(&first) && lines[2].starts_with(&second),
        "{lines:?}"
    );
    assert!(lines[1].ends_with("Nano3s  25021401_56abae7  e0e1a9000001"), "{lines:?}");
    assert_eq!(lines[4..], [format!("AVALON_IPS={first}:{port},{second}:{port}")]);
    assert_eq!(ended.stderr, "", "a progress line is for a terminal");
    let asked: Vec<_> = miner.exchanges().into_iter().map(|exchange| (exchange.request, exchange.late)).collect();
    assert_eq!(asked, vec![(b"version".to_vec(), Vec::new()); 2]);

    let ended = discover(port, &["--sd", &first]);
    let expected = json!([{
        "targets": [format!("{first}:{port}")],
        "labels": {
            "__meta_avalon_ip": first, "__meta_avalon_model": "Nano3s", "__meta_avalon_firmware": "25021401_56abae7",
        },
    }]);
    assert_eq!(serde_json::from_str::<Value>(&ended.stdout).unwrap(), expected);
}

#[test]
fn what_is_no_miner_is_not_listed() {
    for behaviour in [
        Behaviour::Answer(b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec()),
        Behaviour::Answer(b"STATUS=E,Code=45,Msg=Access denied|\0".to_vec()),
        Behaviour::Hold(Vec::new()),
        Behaviour::Reset(Vec::new()),
    ] {
        let miner = FakeMiner::start(behaviour.clone());
        let ended = discover(miner.port(), &[&miner.ip()]);
        assert_eq!((ended.code(), ended.stdout.as_str()), (Some(1), ""), "{behaviour:?}");
        assert!(ended.stderr.contains(&format!("port {}", miner.port())), "{}", ended.stderr);
    }
}

#[test]
fn what_a_miner_says_does_not_reach_the_terminal_as_it_is() {
    let evil = String::from_utf8(VERSION.to_vec()).unwrap().replace("MODEL=Nano3s", "MODEL=\x1b]0;x\x07\n$(reboot)");
    let miner = FakeMiner::start(Behaviour::Answer(evil.into_bytes()));
    let ended = discover(miner.port(), &[&miner.ip()]);
    let shown = "\\u{1b}]0;x\\u{7}\\n$(reboot)";
    assert!(ended.stdout.contains(shown) && !ended.stdout.contains('\x1b'), "{}", ended.stdout);
}

#[test]
fn other_peoples_and_large_networks_are_refused() {
    for (arguments, words) in [
        (&["8.8.8.0/24"][..], "not private"),
        (&["10.0.0.0/8"], "too large"),
        (&["10.0.0.0/21"], "too large"),
        (&["fd00::/120"], "not private"),
        (&["here"], "is not an address or a range"),
        (&["10.0.0.1/33"], "from 0 to 32"),
        (&[], "needs the range"),
        (&["--sd"], "needs the range"),
        (&["127.0.0.1", "127.0.0.2"], "unexpected argument '127.0.0.2'"),
    ] {
        let ended = discover(4028, arguments);
        assert_eq!(ended.code(), Some(2), "{arguments:?}");
        assert!(ended.stderr.contains(words), "{arguments:?}: {}", ended.stderr);
    }
}
