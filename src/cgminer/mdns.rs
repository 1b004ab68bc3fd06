//! The addresses of a `.local` name, asked of the machines on the same network segment.
//!
//! A static musl binary has no name service switch, so its resolver sends `nano3s-01.local` to the unicast DNS server,
//! which cannot know it. This module asks the way RFC 6762 section 5.1 gives to programs that only want an address: an
//! ordinary DNS query from a port of its own to 224.0.0.251:5353, which the owner of the name answers straight to that
//! port (section 6.7). Message format: RFC 1035 section 4; link-local IPv6: RFC 4291 section 2.5.6.
//!
//! What it deliberately does not do: listen on port 5353, cache, browse for services, follow CNAME, answer others.
//!
//! Decisions:
//! - The questions leave the unicast-response bit clear. The port already says that the answer must be unicast, and
//!   section 6.7 has the responder treat such a query as plain DNS, where that bit would make the class unknown.
//! - A response counts when it comes from port 5353 (section 6 demands it of every response, the unicast ones
//!   included), repeats the query's id (section 6.7), and is well formed to its last record. The id and our random port
//!   are what keeps out a sender that did not see the query; nothing keeps out a liar on the same segment.
//! - Addresses that name no other machine are left out, and so is link-local IPv6: it needs the number of the interface
//!   it came in on, which std does not tell.
//! - The query leaves by one interface, the one the routing table has for 224.0.0.251: usually the default route's. On
//!   Linux a socket bound to an interface's own address would leave by that interface whatever the routes say, but std
//!   cannot list those addresses. The remedy is a route: `ip route add 224.0.0.251/32 dev eth1`.
//! - Not a crate. `mdns-sd` 0.21 joins the group on port 5353 with a thread of its own and brings nine crates that the
//!   exporter has no other use for, seven of them with `unsafe`; a small program grows by 630 kB with it and by 34 kB
//!   with this file. `simple-dns` 0.13 needs no others, but would replace only the grammar, at 9,000 lines for 80.
//!
//! Where no answer can arrive: in a container behind a Docker bridge, which multicast does not cross (`network_mode:
//! host` or macvlan is needed), and on a host whose firewall drops what is not a reply it knows. To the firewall an
//! answer to a multicast query is none, so it must let in UDP from source port 5353.

use std::hash::{BuildHasher, RandomState};
use std::io::{Error, ErrorKind, Result};
use std::net::{IpAddr, Ipv4Addr, SocketAddrV4, UdpSocket};
use std::time::{Duration, Instant};

/// Where every multicast DNS responder listens (RFC 6762 section 3).
const GROUP: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(224, 0, 0, 251), 5353);

/// The pause before the first repetition, doubled for each one after it; RFC 6762 section 5.2 allows no shorter one.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// How long to wait for more after the first usable address. The owner of a name answers at once and mostly with all it
/// has in one message; this covers one that sends IPv4 and IPv6 apart, over a slow Wi-Fi.
const MORE_ANSWERS_WAIT: Duration = Duration::from_millis(100);

/// The longest message that RFC 6762 section 17 allows, headers included.
const MESSAGE_BYTES_MAX: usize = 9_000;

/// The longest name on the wire, length bytes and final zero included (RFC 1035 section 2.3.4).
const NAME_BYTES_MAX: usize = 255;

/// The longest label of a name (RFC 1035 section 2.3.4); greater first bytes are pointers or reserved.
const LABEL_BYTES_MAX: u8 = 63;

/// How many addresses of each kind are kept, eight in all: the caller tries them one after the other within one
/// deadline, and a miner has one or two.
const ADDRESSES_PER_KIND_MAX: usize = 4;

const TYPE_A: u16 = 1;
const TYPE_AAAA: u16 = 28;
const CLASS_IN: u16 = 1;

/// The top bit of a record's class tells caches to forget older records (RFC 6762 section 10.2). A response to a plain
/// DNS query must not set it; one that does is understood all the same.
const CACHE_FLUSH_BIT: u16 = 0x8000;

const RESPONSE_BIT: u16 = 0x8000;

/// Operation and response code, zero in every message to be heeded (RFC 6762 sections 18.3 and 18.11).
const OPCODE_AND_RCODE_BITS: u16 = 0x780f;

/// Whether `name` belongs to multicast DNS: it ends in `.local`, in any case and with or without the final dot.
#[must_use]
pub fn is_local(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    name.rsplit_once('.').is_some_and(|(host, top)| !host.is_empty() && top.eq_ignore_ascii_case("local"))
}

/// The addresses of `name`, IPv4 first, at least one and at most eight. Blocks until soon after the first answer,
/// or until `deadline` and as much longer as the system's timer is late (an eighth of the last wait at most on Linux).
///
/// # Errors
/// `InvalidInput` for a name that is not a `.local` host name; `TimedOut` when nobody answered (multicast DNS has no
/// answer that says "no such name"); `NotFound` when all addresses in the answers are of a kind that cannot be used;
/// else the system's error, of which the likeliest is that there is no route for the query.
pub fn resolve(name: &str, deadline: Instant) -> Result<Vec<IpAddr>> {
    ask(GROUP, name, deadline)
}

/// `resolve` with the responders' address as a parameter, for the tests.
fn ask(group: SocketAddrV4, name: &str, deadline: Instant) -> Result<Vec<IpAddr>> {
    let asked = encode_name(name)?;
    if Instant::now() >= deadline {
        let text =
            format!("no time was left to ask the network for {name}; raise the time-out or check the dns server");
        return Err(Error::new(ErrorKind::TimedOut, text));
    }
    let [high, low, ..] = RandomState::new().hash_one(()).to_ne_bytes();
    let id = u16::from_be_bytes([high, low]);
    let query = encode_query(id, &asked);
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
    let mut buffer = vec![0; MESSAGE_BYTES_MAX];
    let mut found = Found::default();
    let mut until = deadline;
    let mut pause = FIRST_PAUSE;
    let mut send_at = Instant::now();
    while !found.is_complete() {
        let now = Instant::now();
        if now >= until {
            break;
        }
        if now >= send_at {
            send(&socket, &query, group, name)?;
            send_at = now + pause;
            pause *= 2;
        }
        // Both lie ahead: std refuses a time-out of zero.
        socket.set_read_timeout(Some(until.min(send_at) - now))?;
        let (length, from) = match socket.recv_from(&mut buffer) {
            Ok(received) => received,
            Err(error) if is_passing(error.kind()) => continue,
            Err(error) => return Err(error),
        };
        if from.port() != group.port() {
            continue;
        }
        let message = buffer.get(..length).unwrap_or_default();
        let had_some = found.is_some();
        decode_response(message, id, &asked).into_iter().flatten().for_each(|address| found.add(address));
        if found.is_some() && !had_some {
            until = deadline.min(Instant::now() + MORE_ANSWERS_WAIT);
        }
    }
    found.into_result(name)
}

fn send(socket: &UdpSocket, query: &[u8], group: SocketAddrV4, name: &str) -> Result<()> {
    match socket.send_to(query, group) {
        Ok(_) => Ok(()),
        Err(error) => Err(Error::new(
            error.kind(),
            format!(
                "cannot ask the network for {name}: {error}; add a route for {} or use the miner's address",
                group.ip()
            ),
        )),
    }
}

/// Errors of a read that only mean "nothing yet".
fn is_passing(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted)
}

/// What the responses so far have yielded.
#[derive(Default)]
struct Found {
    v4: Vec<IpAddr>,
    v6: Vec<IpAddr>,
    /// There was an address that cannot be used.
    unusable: bool,
}

impl Found {
    fn add(&mut self, address: IpAddr) {
        let address = address.to_canonical();
        let kind = if address.is_ipv4() { &mut self.v4 } else { &mut self.v6 };
        if !is_usable(address) {
            self.unusable = true;
        } else if kind.len() < ADDRESSES_PER_KIND_MAX && !kind.contains(&address) {
            kind.push(address);
        }
    }

    fn is_some(&self) -> bool {
        !self.v4.is_empty() || !self.v6.is_empty()
    }

    /// Nothing more is worth waiting for: both kinds came, be it that the IPv6 one is the usual link-local address.
    fn is_complete(&self) -> bool {
        !self.v4.is_empty() && (!self.v6.is_empty() || self.unusable)
    }

    fn into_result(self, name: &str) -> Result<Vec<IpAddr>> {
        if self.is_some() {
            Ok([self.v4, self.v6].concat())
        } else if self.unusable {
            let text = format!("{name} has no address but link-local or loopback ones; give the miner an IPv4 address");
            Err(Error::new(ErrorKind::NotFound, text))
        } else {
            let text = format!("nobody on this network answered for {name}; check the miner or use its address");
            Err(Error::new(ErrorKind::TimedOut, text))
        }
    }
}

/// Whether another machine can be reached at `address` without knowing the interface.
fn is_usable(address: IpAddr) -> bool {
    let elsewhere = !address.is_unspecified() && !address.is_loopback() && !address.is_multicast();
    elsewhere
        && match address {
            IpAddr::V4(v4) => !v4.is_broadcast(),
            IpAddr::V6(v6) => !v6.is_unicast_link_local(),
        }
}

/// `name` as it stands on the wire: each label after its length, then a zero.
///
/// # Errors
/// `InvalidInput` for what is no `.local` host name.
pub fn encode_name(name: &str) -> Result<Vec<u8>> {
    let mut wire = Vec::new();
    let labels = name.strip_suffix('.').unwrap_or(name).split('.');
    let fits = labels.map(str::as_bytes).all(|label| {
        let length = u8::try_from(label.len()).unwrap_or(u8::MAX);
        wire.push(length);
        wire.extend_from_slice(label);
        (1..=LABEL_BYTES_MAX).contains(&length)
    });
    wire.push(0);
    if fits && wire.len() <= NAME_BYTES_MAX && is_local(name) {
        Ok(wire)
    } else {
        let text = format!("{name:?} is no .local host name; use parts of 1 to 63 bytes, 253 bytes in all");
        Err(Error::new(ErrorKind::InvalidInput, text))
    }
}

/// One message that asks for both kinds of address.
fn encode_query(id: u16, asked: &[u8]) -> Vec<u8> {
    // Flags all clear (a standard query), two questions, none of the three kinds of record.
    let header = [id, 0, 2, 0, 0, 0].map(u16::to_be_bytes);
    let mut query = header.concat();
    for kind in [TYPE_A, TYPE_AAAA] {
        query.extend_from_slice(asked);
        query.extend([kind, CLASS_IN].map(u16::to_be_bytes).concat());
    }
    query
}

/// The addresses that a response to query `id` has for the name `asked`, or `None` for any other or malformed message.
/// In which section a record stands does not matter: responders put the second kind among the additional records.
#[must_use]
pub fn decode_response(message: &[u8], id: u16, asked: &[u8]) -> Option<Vec<IpAddr>> {
    let mut cursor = Cursor { message, at: 0 };
    let answers_us = cursor.u16()? == id && cursor.u16()? & (RESPONSE_BIT | OPCODE_AND_RCODE_BITS) == RESPONSE_BIT;
    if !answers_us {
        return None;
    }
    let questions = cursor.u16()?;
    let records = u32::from(cursor.u16()?) + u32::from(cursor.u16()?) + u32::from(cursor.u16()?);
    for _ in 0..questions {
        cursor.name()?;
        cursor.array::<4>()?;
    }
    let mut addresses = Vec::new();
    for _ in 0..records {
        // Length bytes are below the letters, so folding case leaves them alone.
        let is_asked = cursor.name()?.eq_ignore_ascii_case(asked);
        let kind = cursor.u16()?;
        let is_internet = cursor.u16()? & !CACHE_FLUSH_BIT == CLASS_IN;
        // A time to live of zero takes the record back (RFC 6762 section 10.1).
        let is_alive = cursor.array::<4>()? != [0; 4];
        let length = cursor.u16()?;
        let data = cursor.bytes(length.into())?;
        if is_asked && is_internet {
            let address = match kind {
                TYPE_A => IpAddr::from(<[u8; 4]>::try_from(data).ok()?),
                TYPE_AAAA => IpAddr::from(<[u8; 16]>::try_from(data).ok()?),
                _ => continue,
            };
            addresses.extend(is_alive.then_some(address));
        }
    }
    Some(addresses)
}

/// A position in a message; every step returns `None` where the message ends too early.
struct Cursor<'a> {
    message: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    fn bytes(&mut self, count: usize) -> Option<&'a [u8]> {
        let end = self.at.checked_add(count)?;
        let bytes = self.message.get(self.at..end)?;
        self.at = end;
        Some(bytes)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.bytes(N)?.try_into().ok()
    }

    fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_be_bytes)
    }

    /// A name, in the form `encode_name` gives it. A length byte with both top bits set is a pointer to where the name
    /// goes on (RFC 1035 section 4.1.4). Each must lead to before the piece it ends, so they cannot go in circles.
    fn name(&mut self) -> Option<Vec<u8>> {
        let mut name = Vec::new();
        let mut piece_start = self.at;
        let mut after_name = None;
        loop {
            let [length] = self.array()?;
            match length {
                0 => break,
                1..=LABEL_BYTES_MAX => {
                    name.push(length);
                    name.extend_from_slice(self.bytes(length.into())?);
                }
                0xc0.. => {
                    let [low] = self.array()?;
                    let target = usize::from(u16::from_be_bytes([length & 0x3f, low]));
                    if target >= piece_start {
                        return None;
                    }
                    after_name.get_or_insert(self.at);
                    piece_start = target;
                    self.at = target;
                }
                _ => return None,
            }
            // The final zero needs its byte as well.
            if name.len() >= NAME_BYTES_MAX {
                return None;
            }
        }
        name.push(0);
        self.at = after_name.unwrap_or(self.at);
        Some(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{Ipv6Addr, SocketAddr};
    use std::thread;

    const NAME: &str = "nano3s-01.local";
    const V4: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 1, 0, 1));
    const V6: IpAddr = IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, 1));
    const ID: u16 = 0x1234;

    /// What Avahi 0.8 sent: header, two questions, then from 39 the IPv6 record and from 67 the IPv4 record.
    const ANSWER: &[u8; 83] =
        b"\x12\x34\x84\0\0\x02\0\x02\0\0\0\0\x09nano3s-01\x05local\0\0\x01\0\x01\xc0\x0c\0\x1c\0\x01\
        \xc0\x0c\0\x1c\0\x01\0\0\0\x0a\0\x10\x20\x01\x0d\xb8\0\x01\0\0\0\0\0\0\0\0\0\x01\
        \xc0\x0c\0\x01\0\x01\0\0\0\x0a\0\x04\x0a\x01\0\x01";

    fn decode(message: &[u8]) -> Option<Vec<IpAddr>> {
        decode_response(message, ID, &encode_name(NAME).unwrap())
    }

    #[test]
    fn which_names_are_local() {
        for name in ["a.local", "A.LOCAL", "a.local.", "b.a.Local"] {
            assert!(is_local(name), "{name}");
        }
        for name in ["", ".", "local", ".local", "local.", "a.local..", "a.locals", "alocal", "a.local.lan", "10.0.0.1"]
        {
            assert!(!is_local(name), "{name}");
        }
    }

    #[test]
    fn names_have_limits() {
        let (label, rest) = ("x".repeat(63), "y".repeat(55));
        let longest = format!("{label}.{label}.{label}.{rest}.local");
        assert_eq!(longest.len(), 253);
        for name in [NAME, "a.local.", &longest, &format!("{longest}.")] {
            let wire = encode_name(name).unwrap();
            let mut cursor = Cursor { message: &wire, at: 0 };
            assert_eq!(cursor.name().as_ref(), Some(&wire), "{name}");
            assert_eq!(cursor.at, wire.len());
        }
        for name in ["a", "a.lan", "a..local", "a.local..", &format!("x{label}.local"), &longest.replacen('y', "yy", 1)]
        {
            assert_eq!(encode_name(name).unwrap_err().kind(), ErrorKind::InvalidInput, "{name}");
        }
    }

    #[test]
    fn compressed_names() {
        let mut long_way = vec![0; 0x2100];
        long_way.extend(b"\x01a\0\xe1\0");
        let mut too_long = [[63; 64]; 4].concat();
        too_long.push(0);
        let table: [(&str, &[u8], usize, Option<usize>); 9] = [
            ("two pointers", b"\x01a\0\xc0\0\xc0\x03...", 5, Some(7)),
            ("a pointer of 14 bits", &long_way, 0x2103, Some(0x2105)),
            ("a label at a time", b"\0\x01a\xc0\0", 1, Some(5)),
            ("two pointers in a circle", b"\xc0\x02\xc0\0\xc0\x02", 4, None),
            ("a label in a circle", b"\x01a\xc0\0", 0, None),
            ("reserved 01", b"\x01a\0\x40\0", 3, None),
            ("reserved 10", b"\x01a\0\x80\0", 3, None),
            ("half a pointer", b"\x01a\0\xc0", 3, None),
            ("more than 255 bytes", &too_long, 0, None),
        ];
        for (what, message, at, after) in table {
            let mut cursor = Cursor { message, at };
            let name = cursor.name();
            assert_eq!(name.as_deref(), after.map(|_| &b"\x01a\0"[..]), "{what}");
            assert!(after.is_none_or(|after| cursor.at == after), "{what}: went on at {}", cursor.at);
        }
    }

    #[test]
    fn query_bytes() {
        let query = b"\x12\x34\0\0\0\x02\0\0\0\0\0\0\x01a\x05local\0\0\x01\0\x01\x01a\x05local\0\0\x1c\0\x01";
        assert_eq!(encode_query(ID, &encode_name("a.local").unwrap()), query);
    }

    #[test]
    #[rustfmt::skip]
    fn response_grammar() {
        type Case = (&'static str, usize, &'static [u8], Option<&'static [IpAddr]>);
        let (both, v6, none) = (Some(&[V6, V4][..]), Some(&[V6][..]), Some(&[][..]));
        let table: &[Case] = &[
            ("as it came",                    0, &[],              both),
            ("other case",                   13, b"NANO",          both),
            ("cache-flush bit",              71, &[0x80],          both),
            ("second record as additional",   7, &[1, 0, 0, 0, 1], both),
            ("other name",                   13, b"m",             none),
            ("longer name by a pointer",     67, &[0xc0, 22],      v6),
            ("other type",                   70, &[16],            v6),
            ("other class",                  72, &[3],             v6),
            ("taken back",                   76, &[0],             v6),
            ("other id",                      0, &[0x13],          None),
            ("a query",                       2, &[0x04],          None),
            ("other operation",               2, &[0x8c],          None),
            ("an error",                      3, &[3],             None),
            ("a record missing",              7, &[3],             None),
            ("a question missing",            5, &[3],             None),
            ("a record missing at the end",  11, &[1],             None),
            ("data past the end",            78, &[5],             None),
            ("an address of 3 bytes",        78, &[3],             None),
            ("an IPv6 address of 4 bytes",   70, &[28],            None),
            ("pointer to itself",            67, &[0xc0, 67],      None),
            ("pointer ahead",                67, &[0xc0, 79],      None),
            ("pointer past the end",         67, &[0xff, 0xff],    None),
            ("pointer into its own piece",   22, &[0xc0, 12],      None),
        ];
        for &(what, at, bytes, expected) in table {
            let mut message = ANSWER.to_vec();
            message[at..at + bytes.len()].copy_from_slice(bytes);
            assert_eq!(decode(&message).as_deref(), expected, "{what}");
        }
    }

    #[test]
    fn damaged_responses_yield_nothing_new() {
        for length in 0..ANSWER.len() {
            assert_eq!(decode(&ANSWER[..length]), None, "cut to {length} bytes");
        }
        let mut state = 88_172_645_463_325_252_u64;
        let mut random = |below: usize| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            usize::try_from(state >> 33).unwrap() % below
        };
        let mut decoded = 0;
        for _ in 0..100_000 {
            let mut message = ANSWER.to_vec();
            for _ in 0..=random(4) {
                message[random(ANSWER.len())] = u8::try_from(random(256)).unwrap();
            }
            message.truncate(ANSWER.len() - random(3));
            for address in decode(&message).into_iter().flatten() {
                decoded += 1;
                let stands = match address {
                    IpAddr::V4(v4) => message.windows(4).any(|window| window == v4.octets()),
                    IpAddr::V6(v6) => message.windows(16).any(|window| window == v6.octets()),
                };
                assert!(stands, "{address} from {message:?}");
            }
        }
        assert!(decoded > 1_000, "only {decoded} addresses: the mutations test nothing");
    }

    #[test]
    fn which_addresses_are_kept() {
        for text in ["192.168.1.5", "169.254.7.7", "fd00::1", "2001:db8::1"] {
            assert!(is_usable(text.parse().unwrap()), "{text}");
        }
        for text in ["0.0.0.0", "127.0.0.1", "224.0.0.251", "255.255.255.255", "::", "::1", "fe80::1", "ff02::fb"] {
            assert!(!is_usable(text.parse().unwrap()), "{text}");
        }
        let mut found = Found::default();
        found.add("::ffff:127.0.0.1".parse().unwrap());
        assert!(!found.is_some() && found.unusable);
        for last in (0..100).flat_map(|last| [last, last]) {
            found.add(Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, last).into());
            found.add(Ipv4Addr::from(0x0a00_0000 + u32::from(last)).into());
        }
        let expected = "10.0.0.0 10.0.0.1 10.0.0.2 10.0.0.3 fd00:: fd00::1 fd00::2 fd00::3";
        let expected: Vec<IpAddr> = expected.split(' ').map(|text| text.parse().unwrap()).collect();
        assert_eq!(found.into_result(NAME).unwrap(), expected);
    }

    /// Starts a responder on loopback. `reply` is given its socket, the query, who asked, and how many asked before.
    fn responder(reply: impl Fn(&UdpSocket, &[u8], SocketAddr, usize) + Send + 'static) -> SocketAddrV4 {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let SocketAddr::V4(address) = socket.local_addr().unwrap() else { panic!("bound to IPv4") };
        let serve = move || {
            let mut buffer = [0; 512];
            for count in 0.. {
                let Ok((length, from)) = socket.recv_from(&mut buffer) else { return };
                reply(&socket, &buffer[..length], from, count);
            }
        };
        thread::Builder::new().name("responder".into()).spawn(serve).unwrap();
        address
    }

    /// The answer to `query`, without the questions.
    fn answer(query: &[u8], address: IpAddr) -> Vec<u8> {
        let (kind, data) = match address {
            IpAddr::V4(v4) => (1, v4.octets().to_vec()),
            IpAddr::V6(v6) => (28, v6.octets().to_vec()),
        };
        let fixed = [0, kind, 0, 1, 0, 0, 0, 10, 0, u8::try_from(data.len()).unwrap()];
        [&query[..2], b"\x84\0\0\0\0\x01\0\0\0\0", &encode_name(NAME).unwrap(), &fixed, &data].concat()
    }

    /// How much time there is to ask, and what of it would be used up if the end of that time were waited for.
    const TIME: u64 = 60_000;
    const LONG: u128 = 50_000;

    /// Whether it is so once in many times. That it is not each time says nothing: the machine may have much else to do.
    fn sometimes(mut is_so: impl FnMut() -> bool) -> bool {
        (0..30).any(|_| is_so())
    }

    fn ask_for(group: SocketAddrV4, millis: u64) -> (Result<Vec<IpAddr>>, u128) {
        let start = Instant::now();
        let result = ask(group, NAME, start + Duration::from_millis(millis));
        (result, start.elapsed().as_millis())
    }

    #[test]
    fn asks_again_and_ignores_what_is_no_answer() {
        let group = responder(|socket, query, from, count| {
            if count == 0 {
                return;
            }
            let liar = "10.6.6.6".parse().unwrap();
            let other_id = answer(&[!query[0], query[1]], liar);
            let elsewhere = UdpSocket::bind("127.0.0.1:0").unwrap();
            elsewhere.send_to(&answer(query, liar), from).unwrap();
            for message in [&b""[..], b"garbage", query, &other_id, &answer(query, V4), &answer(query, V4)] {
                socket.send_to(message, from).unwrap();
            }
            thread::sleep(Duration::from_millis(20));
            socket.send_to(&answer(query, V6), from).unwrap();
        });
        let (result, millis) = ask_for(group, TIME);
        assert_eq!(result.unwrap()[0], V4);
        assert!((1_000..LONG).contains(&millis), "{millis} ms");
        assert!(
            sometimes(|| ask_for(group, TIME).0.unwrap() == [V4, V6]),
            "the later one of the two is not waited for"
        );
    }

    #[test]
    fn waits_a_little_for_the_other_kind() {
        for address in [V4, V6] {
            let group = responder(move |socket, query, from, _| {
                socket.send_to(&answer(query, address), from).unwrap();
            });
            let (result, millis) = ask_for(group, TIME);
            assert_eq!(result.unwrap(), [address]);
            assert!((MORE_ANSWERS_WAIT.as_millis()..LONG).contains(&millis), "{millis} ms");
        }
    }

    #[test]
    fn does_not_wait_when_both_kinds_came() {
        for second in [V6, "fe80::1".parse().unwrap()] {
            let group = responder(move |socket, query, from, _| {
                for address in [second, V4] {
                    socket.send_to(&answer(query, address), from).unwrap();
                }
            });
            assert!(sometimes(|| ask_for(group, TIME).1 < MORE_ANSWERS_WAIT.as_millis()), "it waits after {second}");
        }
    }

    #[test]
    fn errors_say_what_to_do() {
        let silent = responder(|_, _, _, _| ());
        let link_local = responder(|socket, query, from, _| {
            socket.send_to(&answer(query, "fe80::1".parse().unwrap()), from).unwrap();
        });
        let broadcast = SocketAddrV4::new(Ipv4Addr::BROADCAST, 5353);
        for (group, time, kind, text) in [
            (silent, 60, Some(ErrorKind::TimedOut), "nobody on this network answered for nano3s-01.local; "),
            (silent, 0, Some(ErrorKind::TimedOut), "no time was left to ask the network for nano3s-01.local; "),
            (link_local, 60, Some(ErrorKind::NotFound), "nano3s-01.local has no address but link-local "),
            (broadcast, 60, None, "cannot ask the network for nano3s-01.local: "),
        ] {
            let mut last = None;
            let is_expected = || {
                let (result, millis) = ask_for(group, time);
                let error = result.unwrap_err();
                assert!(kind.is_none() || u128::from(time) <= millis, "{error} after {millis} ms");
                let is_right = error.to_string().starts_with(text) && kind.is_none_or(|kind| error.kind() == kind);
                last = Some((error, millis));
                // Before the second is over after which the question would be put again.
                is_right && millis < 900
            };
            assert!(sometimes(is_expected), "{last:?}");
        }
        assert_eq!(resolve("miner.lan", Instant::now()).unwrap_err().kind(), ErrorKind::InvalidInput);
    }
}
