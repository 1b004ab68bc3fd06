//! The grammar of a request head: bytes up to the empty line become either the canonical head that the inner server is
//! asked with, or the status that refuses them. No I/O, no clock.
//!
//! What is not understood is refused, and what is not needed is not passed on: of a client's own bytes only the target and
//! the fields of `PASSED` go further, rewritten. The inner server therefore never sees a body's length, a coding,
//! an expectation, a `TE` list or a byte outside printable ASCII, which are the ways to bring it down.
//!
//! The canonical head has the client's version and always asks `HEAD`: the inner server gives the head of the reply, and
//! the page takes a shorter way (see `server`). Whether the client wanted the page is in [`Head::wants_page`].
//!
//! Grammar: RFC 9112 sections 2 to 5 (request line, field lines, no obsolete folding), RFC 9110 section 5.6.2 (token).
//! Two liberties: `Host` is not looked at, as there is one site here and simple health checks leave it out, and `Expect` is
//! ignored, as a request without a body has nothing to wait for.

/// A status code with its reason, as it stands in a status line.
pub type Status = &'static str;

/// The head is not HTTP/1.
pub const BAD_REQUEST: Status = "400 Bad Request";
/// Neither GET nor HEAD.
pub const METHOD_NOT_ALLOWED: Status = "405 Method Not Allowed";
/// The head did not come in time.
pub const REQUEST_TIMEOUT: Status = "408 Request Timeout";
/// The request announces a body.
pub const CONTENT_TOO_LARGE: Status = "413 Content Too Large";
/// The target is longer than [`TARGET_BYTES_MAX`].
pub const URI_TOO_LONG: Status = "414 URI Too Long";
/// More than [`HEAD_BYTES_MAX`] or [`FIELDS_MAX`].
pub const FIELDS_TOO_LARGE: Status = "431 Request Header Fields Too Large";
/// Another major version, HTTP/2 without TLS for one.
pub const VERSION_NOT_SUPPORTED: Status = "505 HTTP Version Not Supported";

/// A browser's cookies for other services of the same host come along and can take several KiB; more is no scrape.
pub const HEAD_BYTES_MAX: usize = 16 << 10;
/// The longest honest target is a probe with its parameters, some 200 bytes.
pub const TARGET_BYTES_MAX: usize = 2 << 10;
/// Browsers send about 20 fields, proxies add a few.
pub const FIELDS_MAX: usize = 64;

/// The field in which Prometheus says how long it waits for a scrape.
pub const SCRAPE_TIMEOUT: &str = "X-Prometheus-Scrape-Timeout-Seconds";
/// The private field that joins a request to its place on the shelf of `server`. A client's own is never passed on.
pub const TICKET: &str = "X-Ticket";
/// The one path whose answer waits for a miner. Requests for it never compete with others for a thread.
pub const PROBE_PATH: &str = "/probe";
/// The client's fields that the handler may see.
const PASSED: [&str; 2] = ["Accept", SCRAPE_TIMEOUT];

/// A request that may go to the inner server.
#[derive(Debug, PartialEq)]
pub struct Head {
    /// False for `HEAD`: the client wants the same head, and no page.
    pub wants_page: bool,
    /// Request line and fields, each with its line end, without the empty line.
    lines: String,
}

impl Head {
    /// The target up to its query.
    #[must_use]
    pub fn path(&self) -> &str {
        let target = self.lines.split(' ').nth(1).unwrap_or_default();
        target.split_once('?').map_or(target, |(path, _)| path)
    }

    /// Whether the client speaks HTTP/1.0. It gets a reply of its own, since it knows no chunks.
    #[must_use]
    pub fn is_old(&self) -> bool {
        self.lines.split("\r\n").next().is_some_and(|line| line.ends_with("HTTP/1.0"))
    }

    /// The bytes for the inner server, joined to the place `ticket`.
    #[must_use]
    pub fn canonical(&self, ticket: u64) -> String {
        format!("{}{TICKET}: {ticket}\r\n\r\n", self.lines)
    }
}

/// Where the head ends, if it does: behind its first empty line. The search begins at `from`, the bytes before which were
/// searched already. A bare line feed ends a line here, so that [`parse`] can refuse it at once rather than by time-out.
#[must_use]
pub fn end(bytes: &[u8], from: usize) -> Option<usize> {
    let from = from.saturating_sub(2);
    let tail = bytes.get(from..)?;
    tail.iter().enumerate().filter(|(_, byte)| **byte == b'\n').find_map(|(at, _)| match tail.get(at + 1..)? {
        [b'\n', ..] => Some(from + at + 2),
        [b'\r', b'\n', ..] => Some(from + at + 3),
        _ => None,
    })
}

/// Whether these bytes can still become a head. TLS and most other protocols show a control character at once.
#[must_use]
pub fn plausible(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| !byte.is_ascii_control() || matches!(byte, b'\t' | b'\r' | b'\n'))
}

/// What to say of a head that is over [`HEAD_BYTES_MAX`] and has not ended.
#[must_use]
pub fn too_large(bytes: &[u8]) -> Status {
    if bytes.contains(&b'\n') { FIELDS_TOO_LARGE } else { URI_TOO_LONG }
}

/// Reads a whole head, its empty line included.
///
/// # Errors
/// The status to refuse it with.
pub fn parse(bytes: &[u8]) -> Result<Head, Status> {
    // Field values may hold bytes above ASCII (RFC 9110 section 5.5); they stay opaque, and are never passed on.
    let text = String::from_utf8_lossy(bytes);
    let text = text.strip_prefix("\r\n").unwrap_or(&text); // RFC 9112 section 2.2: one empty line before is forgiven
    let text = text.strip_suffix("\r\n\r\n").ok_or(BAD_REQUEST)?;
    if !plausible(text.as_bytes()) || text.replace("\r\n", "").contains(['\r', '\n']) {
        return Err(BAD_REQUEST);
    }
    let mut lines = text.split("\r\n");
    let (wants_page, mut canonical) = request_line(lines.next().unwrap_or_default())?;
    for (count, line) in lines.enumerate() {
        if count >= FIELDS_MAX {
            return Err(FIELDS_TOO_LARGE);
        }
        let (name, value) = line.split_once(':').ok_or(BAD_REQUEST)?;
        if !is_token(name) {
            return Err(BAD_REQUEST);
        }
        let value = value.trim_matches([' ', '\t']);
        refuse_body(name, value)?;
        if let Some(name) = PASSED.iter().find(|passed| passed.eq_ignore_ascii_case(name))
            && value.is_ascii()
        {
            canonical.extend([name, ": ", value, "\r\n"]);
        }
    }
    Ok(Head { wants_page, lines: canonical })
}

/// `method SP target SP version`, one space each.
fn request_line(line: &str) -> Result<(bool, String), Status> {
    let mut words = line.split(' ');
    let (Some(method), Some(target), Some(version), None) = (words.next(), words.next(), words.next(), words.next())
    else {
        // An HTTP/0.9 request or a long target with a space lands here too.
        return Err(BAD_REQUEST);
    };
    // The version first: nothing else in the line has a meaning under another one.
    match version {
        "HTTP/1.0" | "HTTP/1.1" => {}
        other if other.starts_with("HTTP/") => return Err(VERSION_NOT_SUPPORTED),
        _ => return Err(BAD_REQUEST),
    }
    let wants_page = match method {
        "GET" => true,
        "HEAD" => false,
        other if is_token(other) => return Err(METHOD_NOT_ALLOWED),
        _ => return Err(BAD_REQUEST),
    };
    if target.len() > TARGET_BYTES_MAX {
        return Err(URI_TOO_LONG);
    }
    let target = origin_form(target).filter(|target| target.bytes().all(|byte| byte.is_ascii_graphic()));
    let target = target.ok_or(BAD_REQUEST)?;
    Ok((wants_page, format!("HEAD {target} {version}\r\nConnection: close\r\n")))
}

/// The path and query of a target. The absolute form must be understood by every server (RFC 9112 section 3.2.2).
fn origin_form(target: &str) -> Option<String> {
    if target.starts_with('/') {
        return Some(target.to_owned());
    }
    let (scheme, rest) = target.split_once("://")?;
    if !["http", "https"].iter().any(|known| known.eq_ignore_ascii_case(scheme)) {
        return None;
    }
    let (authority, origin) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let slash = if origin.starts_with('/') { "" } else { "/" };
    (!authority.is_empty()).then(|| format!("{slash}{origin}"))
}

/// There is nothing to send here, and a body's length is the surest weapon against the inner server.
fn refuse_body(name: &str, value: &str) -> Result<(), Status> {
    if name.eq_ignore_ascii_case("Transfer-Encoding") {
        return Err(CONTENT_TOO_LARGE);
    }
    if name.eq_ignore_ascii_case("Content-Length") && value != "0" {
        let digits = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
        return Err(if digits { CONTENT_TOO_LARGE } else { BAD_REQUEST });
    }
    Ok(())
}

fn is_token(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canonical(head: &str) -> Result<String, Status> {
        parse(head.as_bytes()).map(|head| head.canonical(7))
    }

    #[test]
    fn only_known_fields_are_passed_on() {
        let head = "GET /metrics?a=b HTTP/1.1\r\nHost: x\r\nTE: x;q=nan\r\nX-Ticket: 1\r\naccept: \t a/b \r\nAccept: ü\r\n\
                    Content-Length: 0\r\nExpect: 100-continue\r\nX-Prometheus-Scrape-Timeout-Seconds: 9.5\r\n\r\n";
        let expected = "HEAD /metrics?a=b HTTP/1.1\r\nConnection: close\r\nAccept: a/b\r\n\
                        X-Prometheus-Scrape-Timeout-Seconds: 9.5\r\nX-Ticket: 7\r\n\r\n";
        assert_eq!(canonical(head).unwrap(), expected);
        assert!(parse(head.as_bytes()).unwrap().wants_page);
        assert_eq!(parse(head.as_bytes()).unwrap().path(), "/metrics");
        assert!(!parse(b"HEAD / HTTP/1.0\r\n\r\n").unwrap().wants_page);
    }

    #[test]
    fn request_lines() {
        let long = format!("/{}", "x".repeat(TARGET_BYTES_MAX));
        for (line, expected) in [
            ("GET / HTTP/1.1", Ok("/")),
            ("\r\nGET / HTTP/1.0", Ok("/")),
            ("GET http://h:1/x?y HTTP/1.1", Ok("/x?y")),
            ("GET HTTP://h HTTP/1.1", Ok("/")),
            ("GET https://h?q HTTP/1.1", Ok("/?q")),
            ("GET http:///x HTTP/1.1", Err(BAD_REQUEST)),
            ("GET ftp://h/x HTTP/1.1", Err(BAD_REQUEST)),
            ("GET x HTTP/1.1", Err(BAD_REQUEST)),
            ("GET /ü HTTP/1.1", Err(BAD_REQUEST)),
            ("GET /a\tb HTTP/1.1", Err(BAD_REQUEST)),
            ("GET /", Err(BAD_REQUEST)),
            ("GET  / HTTP/1.1", Err(BAD_REQUEST)),
            ("GET / HTTP/1.1 x", Err(BAD_REQUEST)),
            ("GET / http/1.1", Err(BAD_REQUEST)),
            ("G@T / HTTP/1.1", Err(BAD_REQUEST)),
            ("", Err(BAD_REQUEST)),
            ("\r\n\r\nGET / HTTP/1.1", Err(BAD_REQUEST)),
            ("PRI * HTTP/2.0", Err(VERSION_NOT_SUPPORTED)),
            ("GET / HTTP/1.2", Err(VERSION_NOT_SUPPORTED)),
            ("get / HTTP/1.1", Err(METHOD_NOT_ALLOWED)),
            ("OPTIONS * HTTP/1.1", Err(METHOD_NOT_ALLOWED)),
            ("CONNECT h:1 HTTP/1.1", Err(METHOD_NOT_ALLOWED)),
            (&format!("GET {long} HTTP/1.1"), Err(URI_TOO_LONG)),
        ] {
            let target = canonical(&format!("{line}\r\n\r\n")).map(|head| head.split(' ').nth(1).unwrap().to_owned());
            assert_eq!(target, expected.map(str::to_owned), "{line:?}");
        }
    }

    #[test]
    fn field_lines() {
        for (fields, expected) in [
            ("a:", None),
            ("a: \u{fc}", None),
            ("nocolon", Some(BAD_REQUEST)),
            (": x", Some(BAD_REQUEST)),
            ("a b: c", Some(BAD_REQUEST)),
            ("a : c", Some(BAD_REQUEST)),
            ("a: b\r\n folded", Some(BAD_REQUEST)),
            ("a: b\rc", Some(BAD_REQUEST)),
            ("a: b\nc: d", Some(BAD_REQUEST)),
            ("a: \0", Some(BAD_REQUEST)),
            ("a: \x7f", Some(BAD_REQUEST)),
            ("Content-Length: 0", None),
            ("content-length: 30000000000", Some(CONTENT_TOO_LARGE)),
            ("Content-Length: 0\r\nContent-Length: 5", Some(CONTENT_TOO_LARGE)),
            ("Content-Length: -1", Some(BAD_REQUEST)),
            ("Content-Length: 5x", Some(BAD_REQUEST)),
            ("Content-Length:", Some(BAD_REQUEST)),
            ("transfer-encoding: identity", Some(CONTENT_TOO_LARGE)),
            (&["a: b"; FIELDS_MAX].join("\r\n"), None),
            (&["a: b"; FIELDS_MAX + 1].join("\r\n"), Some(FIELDS_TOO_LARGE)),
        ] {
            assert_eq!(canonical(&format!("GET / HTTP/1.1\r\n{fields}\r\n\r\n")).err(), expected, "{fields:?}");
        }
        assert_eq!(parse(b"GET / HTTP/1.1\r\na: \xff\xfe\r\n\r\n").err(), None);
    }

    #[test]
    fn the_end_is_found_wherever_the_bytes_are_cut() {
        for (bytes, expected) in [
            (&b"GET / HTTP/1.1\r\na: b\r\n\r\nrest"[..], Some(24)),
            (b"GET / HTTP/1.1\n\nrest", Some(16)),
            (b"\r\n\r\n", Some(4)),
            (b"GET / HTTP/1.1\r\na: b\r\n\r", None),
        ] {
            assert_eq!(end(bytes, 0), expected);
            let dripped = (1..=bytes.len()).find_map(|length| end(&bytes[..length], length - 1));
            assert_eq!(dripped, expected);
        }
    }

    #[test]
    fn early_verdicts() {
        assert!(plausible(b"GET / HTTP/1.1\r\na:\t\xfc") && !plausible(b"\x16\x03\x01"));
        assert_eq!((too_large(b"GET /xxx"), too_large(b"GET / HTTP/1.1\r\na: xxx")), (URI_TOO_LONG, FIELDS_TOO_LARGE));
    }
}
