//! A simulated miner: the miner's end of an exchange, on a loopback address of this machine.
//!
//! It stands for the API of a miner towards the real client, so that `demo` and `replay` show the exporter as it is and
//! no part of it knows the difference. Like the firmware it is one thread that serves one connection at a time with a
//! single read of the request, answers, and closes; unlike the firmware it does not let a silent client block it for
//! 10 s. It understands nothing of what is asked: that is the business of the function that it is given. It stays
//! until the process ends.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use crate::config::Target;

/// The size of the firmware's only `recv`.
const REQUEST_BYTES_MAX: usize = 4095;
/// How long a client may take to ask, and to leave after the answer. The exporter asks at once; whoever does not is
/// cut off well within its time-out, so that the next one is served.
const PATIENCE: Duration = Duration::from_millis(500);
/// How long a reply may take. Loopback takes a whole one at once, so only a client that stops reading needs it.
const SEND_TIME_MAX: Duration = Duration::from_secs(2);
/// Pause after a failed `accept`, which is a lack of descriptors: it passes, and trying at once only burns time.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// The first miner's last byte of 127.0.0.x.
const FIRST_HOST: u8 = 11;
/// The thread makes a reply on its heap and needs little more.
const STACK_BYTES: usize = 256 << 10;

/// What a miner says to a request, byte for byte: a whole reply ends with its NUL. None closes the connection without a
/// word, as a miner does that is about to go down. A box, so that there is one server and not one for each function.
pub type Answer = Box<dyn FnMut(&str) -> Option<Vec<u8>> + Send>;

/// Starts a miner and returns the target to poll.
///
/// The `number`-th miner gets an address of its own, 127.0.0.11 and so on, so that its label `ip` is the same in each
/// run. Systems that have 127.0.0.1 alone put all miners there, and the label tells the port too.
pub fn start(name: &str, number: u8, answer: Answer) -> io::Result<Target> {
    let own = FIRST_HOST.checked_add(number).map(|host| Ipv4Addr::new(127, 0, 0, host));
    let listener = match own.map(|ip| TcpListener::bind((ip, 0))) {
        Some(Ok(listener)) => listener,
        _ => TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?,
    };
    let address = listener.local_addr()?;
    let serve = move || serve(&listener, answer);
    thread::Builder::new().name(format!("miner {name}")).stack_size(STACK_BYTES).spawn(serve)?;
    Ok(target(name, address))
}

fn target(name: &str, address: SocketAddr) -> Target {
    let host = address.ip().to_string();
    let label = if address.ip() == Ipv4Addr::LOCALHOST { address.to_string() } else { host.clone() };
    Target { name: Some(name.to_owned()), host, port: address.port(), label }
}

fn serve(listener: &TcpListener, mut answer: Answer) {
    for stream in listener.incoming() {
        match stream {
            // A client that fails harms itself alone.
            Ok(stream) => drop(exchange(stream, &mut answer)),
            Err(_) => thread::sleep(ACCEPT_PAUSE),
        }
    }
}

fn exchange(mut stream: TcpStream, answer: &mut Answer) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(SEND_TIME_MAX))?;
    let mut request = [0; REQUEST_BYTES_MAX];
    let count = stream.read(&mut request)?;
    let request = request.get(..count).unwrap_or_default();
    if request.is_empty() {
        return Ok(());
    }
    let Some(reply) = answer(&String::from_utf8_lossy(request)) else { return Ok(()) };
    stream.write_all(&reply)?;
    // Closing with unread bytes in the receive buffer would reset the connection and could take the reply with it: the
    // client closes first, or loses its patience.
    stream.shutdown(Shutdown::Write)?;
    let _ = stream.read(&mut [0; REQUEST_BYTES_MAX])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Instant;

    use super::*;
    use crate::cgminer::client::{Client, RawReply};
    use crate::cgminer::reply::Request;

    #[test]
    fn answers_whoever_asks_whatever_others_do() {
        let asked = Arc::new(AtomicUsize::new(0));
        let counter = asked.clone();
        let answer = Box::new(move |request: &str| {
            assert_eq!(request, Request::Standard.text());
            let number = counter.fetch_add(1, Ordering::Relaxed);
            (number % 3 != 2).then(|| [&b"x".repeat(40_000)[..], b"\0behind the NUL"].concat())
        });
        let target = start("garage", 9, answer).unwrap();
        assert_eq!((target.title(), target.host.as_str()), ("garage", target.label.as_str()));
        let silent = TcpStream::connect((target.host.as_str(), target.port)).unwrap();
        let begin = Instant::now();
        let polls: Vec<_> = (0..30)
            .map(|_| {
                thread::spawn({
                    let target = target.clone();
                    move || Client::new(&target).exchange(Request::Standard, Duration::from_secs(20)).unwrap()
                })
            })
            .collect();
        let replies: Vec<RawReply> = polls.into_iter().map(|poll| poll.join().unwrap()).collect();
        let whole = replies.iter().filter(|reply| reply.is_whole && reply.bytes == b"x".repeat(40_000)).count();
        let down = replies.iter().filter(|reply| !reply.is_whole && reply.bytes.is_empty()).count();
        assert_eq!((whole, down, asked.load(Ordering::Relaxed)), (20, 10, 30));
        assert!(begin.elapsed() < PATIENCE * 8, "a silent client blocked the others");
        drop(silent);
    }

    #[test]
    fn the_label_tells_the_port_only_where_the_address_does_not_tell() {
        assert_eq!(target("a", ([127, 0, 0, 12], 5).into()).label, "127.0.0.12");
        assert_eq!(target("a", ([127, 0, 0, 1], 5).into()).label, "127.0.0.1:5");
    }
}
