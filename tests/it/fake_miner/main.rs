//! Fake miners as a program: `.ci/fake_miner FIRST[xCOUNT] BEHAVIOUR [ARGUMENT...]`.
//!
//! ```text
//! .ci/fake_miner 127.0.0.2:4028 answers tests/captures/nano3s__25021401_56abae7__high.reply
//! .ci/fake_miner 127.1.0.1:4028x5000 answers FILE    5,000 miners, at this address and those that follow it
//! .ci/fake_miner 127.0.0.2:4028 lives SEED FOLDER    a miner out of this folder of captures; its counters go up
//! .ci/fake_miner 127.0.0.2:4028 misbehaves SEED FOLDER   and one time in five it does something bad
//! ```
//!
//! | behaviour | what the miner does |
//! | --- | --- |
//! | `answers FILE` | sends the file and closes |
//! | `silent` | says nothing until the client leaves |
//! | `holds FILE BYTES` | sends the first so many bytes, then keeps the connection |
//! | `drips FILE MILLISECONDS` | sends a byte each time so much has passed |
//! | `dawdles FILE MILLISECONDS` | sends a thousand bytes each time so much has passed |
//! | `floods FILE` | sends the file again and again |
//! | `fills MEBIBYTES BYTE` | sends so many MiB of this byte, then keeps the connection |
//! | `resets FILE BYTES` | sends the first so many bytes, then resets the connection |
//! | `leaves MILLISECONDS` | resets the connection, and refuses others for so long |
//! | `refuses` | refuses connections |
//! | `dark` | does not even refuse them, as if it had been unplugged |
//!
//! A line on standard output says that all of them listen. After that each line on standard input is an order, and has a
//! line for an answer: `total` and `each` say how many connections there have been, `behave BEHAVIOUR [ARGUMENT...]`
//! changes what happens to the next ones. The end of standard input ends a program that was given orders; one that was
//! not serves until it is killed.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a fake that cannot go on panics, and its message is the report; the strict lints are for the program"
)]

use std::env;
use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use fake_miner::behaviour::number;
use fake_miner::whims::{Captures, Whims};
use fake_miner::{Behaviour, FakeMiner};

#[path = "mod.rs"]
mod fake_miner;

fn main() -> ExitCode {
    let words: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match run(&words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("fake_miner: {error} (the head of tests/it/fake_miner/main.rs says how it is called)");
            ExitCode::FAILURE
        }
    }
}

fn run(words: &[&str]) -> Result<(), String> {
    let [addresses, behaviour @ ..] = words else { return Err("it takes an address and a behaviour".to_owned()) };
    let role = Role::named(behaviour)?;
    let mut fakes = listen(addresses)?;
    play(&mut fakes, &role);
    println!("{addresses} listens");
    let mut has_orders = false;
    for line in io::stdin().lines() {
        let line = line.map_err(|error| format!("standard input: {error}"))?;
        println!("{}", obey(&mut fakes, &line.split_whitespace().collect::<Vec<_>>())?);
        has_orders = true;
    }
    if has_orders {
        return Ok(());
    }
    loop {
        thread::park();
    }
}

/// Silent fakes at `ADDRESS:PORT` or, for `ADDRESS:PORTxCOUNT`, at so many addresses from there on.
fn listen(addresses: &str) -> Result<Vec<FakeMiner>, String> {
    let (first, count) = addresses.split_once('x').unwrap_or((addresses, "1"));
    let first: SocketAddrV4 = first.parse().map_err(|_| format!("'{first}' is not ADDRESS:PORT"))?;
    let fake = |offset| {
        let address = SocketAddrV4::new(Ipv4Addr::from_bits(first.ip().to_bits() + offset), first.port());
        FakeMiner::listen(address.into(), false).map_err(|error| format!("{address}: {error}"))
    };
    (0..number(count)?).map(fake).collect()
}

/// What all fakes of a program do.
enum Role {
    Behave(Arc<Behaviour>),
    Live { seed: u64, captures: Arc<Captures>, misbehaves: bool },
    Refuse,
    Dark,
}

impl Role {
    fn named(words: &[&str]) -> Result<Self, String> {
        Ok(match *words {
            [name @ ("lives" | "misbehaves"), seed, folder] => {
                let captures = Arc::new(Captures::read(folder)?);
                Self::Live { seed: number(seed)?, captures, misbehaves: name == "misbehaves" }
            }
            ["refuses"] => Self::Refuse,
            ["dark"] => Self::Dark,
            _ => Self::Behave(Arc::new(Behaviour::named(words)?)),
        })
    }
}

fn play(fakes: &mut [FakeMiner], role: &Role) {
    let began = Instant::now();
    for (number, fake) in (0..).zip(fakes) {
        match role {
            Role::Behave(behaviour) => {
                let behaviour = behaviour.clone();
                fake.choose(move |_| Behaviour::clone(&behaviour));
                fake.accept_again();
            }
            Role::Live { seed, captures, misbehaves } => {
                let mut whims = Whims::new(captures.clone(), *seed, number, *misbehaves);
                fake.choose(move |_| whims.next(began.elapsed()));
                fake.accept_again();
            }
            Role::Refuse => fake.refuse(),
            Role::Dark => fake.darken(),
        }
    }
}

/// Does what an order says. The answer is a line.
fn obey(fakes: &mut [FakeMiner], words: &[&str]) -> Result<String, String> {
    let connections = fakes.iter().map(FakeMiner::connections);
    match *words {
        ["total"] => Ok(connections.sum::<usize>().to_string()),
        ["each"] => Ok(connections.map(|count| count.to_string()).collect::<Vec<_>>().join(" ")),
        ["behave", ref behaviour @ ..] => {
            play(fakes, &Role::named(behaviour)?);
            Ok(behaviour.join(" "))
        }
        _ => Err(format!("'{}' is no order", words.join(" "))),
    }
}
