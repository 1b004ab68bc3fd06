//! What `benches/run` holds the exporter against: the least that a program can do which polls a fleet, serves a page or
//! reads one. It uses std alone, and none of the exporter's code.
//!
//! ```text
//! bare poll COUNT PORT INTERVAL     each INTERVAL seconds a thread a miner: connect, ask, read to the NUL, throw away
//! bare serve PORT FILE              answers every request with FILE, in one write
//! bare fetch PORT PATH TIMES PAUSE  gets a page TIMES times, PAUSE seconds apart; prints microseconds and bytes of each
//! ```

use std::env;
use std::error::Error;
use std::fs;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::str::FromStr;
use std::thread;
use std::time::{Duration, Instant};

const REQUEST: &[u8] = b"version+summary+stats+config+devs+devdetails+pools";

/// As large as those of the exporter.
const POLL_STACK_BYTES: usize = 256 << 10;

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcome<()> {
    let words: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        ["poll", count, port, interval] => poll(number(count)?, number(port)?, seconds(interval)?),
        ["serve", port, file] => serve(number(port)?, file),
        ["fetch", port, path, times, pause] => fetch(number(port)?, path, number(times)?, seconds(pause)?),
        _ => Err("this is for benches/run; the head of its source says how it is called".into()),
    }
}

fn number<T: FromStr<Err: Error + 'static>>(text: &str) -> Outcome<T> {
    Ok(text.parse()?)
}

fn seconds(text: &str) -> Outcome<Duration> {
    Ok(Duration::try_from_secs_f64(text.parse()?)?)
}

/// The address of a miner; `benches/run` counts in the same way.
fn address(number: u32) -> Ipv4Addr {
    Ipv4Addr::from(u32::from(Ipv4Addr::new(127, 1, 0, 0)) + number)
}

fn poll(count: u32, port: u16, interval: Duration) -> Outcome<()> {
    let mut next = Instant::now();
    loop {
        for number in 1..=count {
            let name = format!("poll {}", address(number));
            thread::Builder::new()
                .name(name)
                .stack_size(POLL_STACK_BYTES)
                .spawn(move || ask((address(number), port)))?;
        }
        next += interval;
        thread::sleep(next.saturating_duration_since(Instant::now()));
    }
}

fn ask(address: (Ipv4Addr, u16)) -> io::Result<()> {
    let mut stream = TcpStream::connect(address)?;
    stream.write_all(REQUEST)?;
    let mut chunk = [0; 8 << 10];
    loop {
        let count = stream.read(&mut chunk)?;
        if count == 0 || chunk.get(..count).is_some_and(|chunk| chunk.contains(&0)) {
            return Ok(());
        }
    }
}

fn serve(port: u16, file: &str) -> Outcome<()> {
    let page = fs::read(file)?;
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", page.len());
    let reply = [head.as_bytes(), &page].concat();
    for stream in TcpListener::bind((Ipv4Addr::LOCALHOST, port))?.incoming() {
        // Who connects and leaves only looked whether somebody is there.
        let _ = give(stream?, &reply);
    }
    Ok(())
}

fn give(mut stream: TcpStream, reply: &[u8]) -> io::Result<()> {
    let _ = stream.read(&mut [0; 1024])?;
    stream.write_all(reply)?;
    stream.shutdown(Shutdown::Write)
}

fn fetch(port: u16, path: &str, times: u32, pause: Duration) -> Outcome<()> {
    let mut chunk = vec![0; 256 << 10];
    for _ in 0..times {
        thread::sleep(pause);
        let begin = Instant::now();
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").as_bytes())?;
        let mut bytes = 0;
        let mut is_fine = false;
        loop {
            let count = stream.read(&mut chunk)?;
            is_fine |= bytes == 0 && chunk.get(9..12) == Some(b"200");
            bytes += count;
            if count == 0 {
                break;
            }
        }
        if !is_fine {
            return Err(format!("{path} was refused").into());
        }
        println!("{} {bytes}", begin.elapsed().as_micros());
    }
    Ok(())
}
