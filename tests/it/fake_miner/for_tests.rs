//! What tests ask of a fake beyond what the program needs, and the tests of the fake itself.
//!
//! A fake of a test has an address of its own out of 127.0.0.0/8, all of which Linux serves: two fakes have two `ip`
//! labels, and nothing else can take the port of a fake that refuses for a while.

use std::io;
use std::net::IpAddr;

use super::{Behaviour, Exchange, FakeMiner};
use crate::{own_loopback, wait_until};

impl FakeMiner {
    /// A fake on a loopback address of its own, on a free port.
    pub fn start(behaviour: Behaviour) -> Self {
        Self::start_on(IpAddr::V4(own_loopback()), behaviour).expect("a loopback address to listen on")
    }

    /// A fake on a free port of this address; an error if the machine lacks the address. `0.0.0.0` makes many miners of
    /// it that all do the same: every address of 127.0.0.0/8 reaches it.
    pub fn start_on(ip: IpAddr, behaviour: Behaviour) -> io::Result<Self> {
        let fake = Self::listen((ip, 0).into(), true)?;
        fake.behave(behaviour);
        Ok(fake)
    }

    /// Changes what happens to the connections from now on.
    pub fn behave(&self, behaviour: Behaviour) {
        self.choose(move |_| behaviour.clone());
    }

    /// The address without the port: the `ip` label where the host is given once.
    pub fn ip(&self) -> String {
        self.address.ip().to_string()
    }

    /// The port, 4028 on a real miner.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Address and port as `AVALON_IPS` takes them, an IPv6 address in brackets.
    pub fn target(&self) -> String {
        self.address.to_string()
    }

    /// All connections so far, oldest first. The newest may still be in progress.
    pub fn exchanges(&self) -> Vec<Exchange> {
        self.shared.lock().exchanges.clone().expect("fakes of tests record")
    }

    /// Waits until so many connections have been accepted since the start.
    pub fn wait_for_connections(&self, count: usize) {
        wait_until(&format!("{count} connections to the fake miner"), || (self.connections() >= count).then_some(()));
    }
}

mod tests {
    use std::io::{ErrorKind, Read, Write};
    use std::net::TcpStream;
    use std::time::{Duration, Instant};

    use super::*;

    /// Connects, asks, and reads until the end, an error or one second of silence.
    fn ask(fake: &FakeMiner) -> (Vec<u8>, Option<ErrorKind>) {
        let mut stream = TcpStream::connect(fake.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
        stream.write_all(b"question").unwrap();
        let mut reply = Vec::new();
        let mut buffer = [0; 4096];
        loop {
            match stream.read(&mut buffer) {
                Ok(0) => return (reply, None),
                Ok(length) => reply.extend_from_slice(&buffer[..length]),
                Err(error) => return (reply, Some(error.kind())),
            }
            if reply.len() > 2 << 20 {
                return (reply, None);
            }
        }
    }

    #[test]
    fn the_fake_behaves_as_told_and_records_what_it_is_sent() {
        let mut fake = FakeMiner::start(Behaviour::Answer(b"one\0".to_vec()));
        assert_eq!(ask(&fake), (b"one\0".to_vec(), None));
        fake.behave(Behaviour::Reset(b"two".to_vec()));
        assert_eq!(ask(&fake), (b"two".to_vec(), Some(ErrorKind::ConnectionReset)));
        fake.behave(Behaviour::Hold(b"three\0".to_vec()));
        assert_eq!(ask(&fake), (b"three\0".to_vec(), Some(ErrorKind::WouldBlock)));
        fake.behave(Behaviour::Drip { reply: b"four".to_vec(), every: Duration::from_millis(30) });
        let start = Instant::now();
        assert_eq!(ask(&fake), (b"four".to_vec(), None));
        assert!(start.elapsed() >= Duration::from_millis(120));
        fake.behave(Behaviour::Dawdle { reply: b"wait".repeat(1000), every: Duration::from_millis(30) });
        let start = Instant::now();
        assert_eq!(ask(&fake), (b"wait".repeat(1000), None));
        assert!(start.elapsed() >= Duration::from_millis(120));
        fake.behave(Behaviour::Fill { mebibytes: 1, byte: b'f' });
        assert_eq!(ask(&fake), (vec![b'f'; 1 << 20], Some(ErrorKind::WouldBlock)));
        fake.behave(Behaviour::Flood(b"five".to_vec()));
        assert!(ask(&fake).0.starts_with(b"fivefivefive"));
        assert_eq!(fake.connections(), 7);
        assert!(fake.exchanges().iter().all(|exchange| exchange.request == b"question" && exchange.late.is_empty()));

        fake.refuse();
        assert_eq!(TcpStream::connect(fake.address).unwrap_err().kind(), ErrorKind::ConnectionRefused);
        fake.behave(Behaviour::Answer(b"six".to_vec()));
        fake.accept_again();
        assert_eq!(ask(&fake), (b"six".to_vec(), None));
        assert_eq!(fake.connections(), 8);
    }

    #[test]
    fn a_dark_fake_does_not_even_refuse() {
        let mut fake = FakeMiner::start(Behaviour::Answer(b"light".to_vec()));
        fake.darken();
        let error = TcpStream::connect_timeout(&fake.address, Duration::from_millis(300)).unwrap_err();
        assert_eq!((error.kind(), fake.connections()), (ErrorKind::TimedOut, 0));
        fake.refuse();
        assert_eq!(TcpStream::connect(fake.address).unwrap_err().kind(), ErrorKind::ConnectionRefused);
        fake.accept_again();
        assert_eq!(ask(&fake), (b"light".to_vec(), None));
    }

    #[test]
    fn a_fake_that_left_comes_back_by_itself() {
        let fake = FakeMiner::start(Behaviour::Hold(Vec::new()));
        let away = Duration::from_millis(300);
        fake.choose(
            move |index| if index == 0 { Behaviour::Leave(away) } else { Behaviour::Answer(vec![b'x'; index]) },
        );
        let start = Instant::now();
        assert_eq!(ask(&fake), (Vec::new(), Some(ErrorKind::ConnectionReset)));
        wait_until("the fake's return", || TcpStream::connect(fake.address).ok());
        assert!(start.elapsed() >= away);
        assert_eq!(ask(&fake), (b"xx".to_vec(), None));
    }

    #[test]
    fn a_fake_ends_while_it_is_away() {
        let fake = FakeMiner::start(Behaviour::Leave(Duration::from_secs(3600)));
        let address = fake.address;
        assert_eq!(ask(&fake), (Vec::new(), Some(ErrorKind::ConnectionReset)));
        drop(fake);
        assert_eq!(TcpStream::connect(address).unwrap_err().kind(), ErrorKind::ConnectionRefused);
    }

    #[test]
    fn bytes_after_the_request_are_noted() {
        let fake = FakeMiner::start(Behaviour::Hold(b"reply\0".to_vec()));
        let mut stream = TcpStream::connect(fake.address).unwrap();
        stream.write_all(b"question").unwrap();
        stream.read_exact(&mut [0; 6]).unwrap();
        stream.write_all(b"\n").unwrap();
        wait_until("the late byte", || (fake.exchanges()[0].late == b"\n").then_some(()));
        assert_eq!(fake.exchanges()[0].request, b"question");
    }

    #[test]
    fn a_fake_ends_while_a_client_hangs_on() {
        let fake = FakeMiner::start(Behaviour::Hold(Vec::new()));
        let mut stream = TcpStream::connect(fake.address).unwrap();
        stream.write_all(b"question").unwrap();
        fake.wait_for_connections(1);
        drop(fake);
        assert_eq!(stream.read(&mut [0; 1]).unwrap_or(0), 0);
    }
}
