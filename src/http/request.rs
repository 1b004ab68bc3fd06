//! The parser of a request head: bytes up to the empty line become a [`RequestHead`], or the status that refuses them. No I/O,
//! no clock.
//!
//! What is not understood is refused. Nothing of a client's own bytes goes to the inner server: a body's length, a transfer
//! coding, an expectation, a `TE` list and a byte outside printable ASCII are ways to bring it down.
//!
//! Grammar: RFC 9112 sections 2 to 5 (request line, field lines, no obsolete folding), RFC 9110 section 5.6.2 (token).
//! Two liberties: `Host` is ignored, as there is one site here and simple health checks leave it out, and so is `Expect`, as
//! a request without a body has nothing to wait for.

use super::response::{
    BAD_REQUEST, CONTENT_TOO_LARGE, FIELDS_TOO_LARGE, METHOD_NOT_ALLOWED, Status, URI_TOO_LONG, VERSION_NOT_SUPPORTED,
};

/// A browser sends its cookies for other services on the same host too, which can be several KiB. No scrape needs more.
pub const HEAD_BYTES_MAX: usize = 16 << 10;
/// The longest honest target is a probe with its parameters, some 200 bytes.
pub const TARGET_BYTES_MAX: usize = 2 << 10;
/// Browsers send about 20 fields, proxies add a few.
pub const FIELDS_MAX: usize = 64;

/// A request. It has no body.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RequestHead {
    /// The target up to the first `?`, as sent: not decoded, beginning with `/`.
    pub path: String,
    /// The target after the first `?`, not decoded; empty without one.
    pub query: String,
    /// Whether the method is HEAD: the client wants the response without its body.
    pub is_head: bool,
    /// Whether the client speaks HTTP/1.0, which has no chunks.
    pub is_http_1_0: bool,
    /// A line `name: value` for each field, without those whose value is not ASCII.
    fields: String,
}

impl RequestHead {
    /// The value of a field, without the blanks around it. Those of several fields of this name are joined by `, `, as in
    /// RFC 9110 section 5.3, but for empty ones. None if there is no such field, or none in ASCII.
    pub fn field(&self, name: &str) -> Option<String> {
        let fields = self.fields.lines().filter_map(|line| line.split_once(": "));
        let values = fields.filter(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value);
        values.map(str::to_owned).reduce(|joined, value| match (joined.as_str(), value.as_str()) {
            (_, "") => joined,
            ("", _) => value,
            _ => joined + ", " + &value,
        })
    }
}

/// Where the head ends, if it does: after its first empty line. The search begins at `from`, the bytes before which were
/// searched already. A bare line feed ends a line here, so that [`parse`] can refuse it at once rather than after a time-out.
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
pub fn is_plausible(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| !byte.is_ascii_control() || matches!(byte, b'\t' | b'\r' | b'\n'))
}

/// The status for a head that is longer than [`HEAD_BYTES_MAX`] and has not ended.
pub fn too_large(bytes: &[u8]) -> Status {
    if bytes.contains(&b'\n') { FIELDS_TOO_LARGE } else { URI_TOO_LONG }
}

/// Parses a whole head, including its empty line.
///
/// # Errors
/// The status to refuse it with.
pub fn parse(bytes: &[u8]) -> Result<RequestHead, Status> {
    // Field values may hold bytes above ASCII (RFC 9110 section 5.5). They are opaque, and not offered.
    let text = String::from_utf8_lossy(bytes);
    let text = text.strip_prefix("\r\n").unwrap_or(&text); // RFC 9112 section 2.2 forgives one empty line before
    let text = text.strip_suffix("\r\n\r\n").ok_or(BAD_REQUEST)?;
    if !is_plausible(text.as_bytes()) || text.replace("\r\n", "").contains(['\r', '\n']) {
        return Err(BAD_REQUEST);
    }
    let mut lines = text.split("\r\n");
    let mut request = request_line(lines.next().unwrap_or_default())?;
    for (count, line) in lines.enumerate() {
        if count >= FIELDS_MAX {
            return Err(FIELDS_TOO_LARGE);
        }
        let (name, value) = line.split_once(':').filter(|(name, _)| is_token(name)).ok_or(BAD_REQUEST)?;
        let value = value.trim_matches([' ', '\t']);
        refuse_body(name, value)?;
        if value.is_ascii() {
            request.fields.extend([name, ": ", value, "\n"]);
        }
    }
    Ok(request)
}

/// `method SP target SP version`, one space each.
fn request_line(line: &str) -> Result<RequestHead, Status> {
    let mut words = line.split(' ');
    let (Some(method), Some(target), Some(version), None) = (words.next(), words.next(), words.next(), words.next())
    else {
        // This is also an HTTP/0.9 request, or a target with a space.
        return Err(BAD_REQUEST);
    };
    // The version first, since it decides what the rest of the line means.
    let is_http_1_0 = match version {
        "HTTP/1.0" => true,
        "HTTP/1.1" => false,
        other if other.starts_with("HTTP/") => return Err(VERSION_NOT_SUPPORTED),
        _ => return Err(BAD_REQUEST),
    };
    let is_head = match method {
        "GET" => false,
        "HEAD" => true,
        other if is_token(other) => return Err(METHOD_NOT_ALLOWED),
        _ => return Err(BAD_REQUEST),
    };
    if target.len() > TARGET_BYTES_MAX {
        return Err(URI_TOO_LONG);
    }
    let target = origin_form(target).filter(|target| target.bytes().all(|byte| byte.is_ascii_graphic()));
    let target = target.ok_or(BAD_REQUEST)?;
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    Ok(RequestHead { path: path.to_owned(), query: query.to_owned(), is_head, is_http_1_0, fields: String::new() })
}

/// The path and query of a target. Every server must understand the absolute form (RFC 9112 section 3.2.2).
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

/// No request here has a body to send.
fn refuse_body(name: &str, value: &str) -> Result<(), Status> {
    if name.eq_ignore_ascii_case("Transfer-Encoding") {
        return Err(CONTENT_TOO_LARGE);
    }
    if name.eq_ignore_ascii_case("Content-Length") && value != "0" {
        let is_number = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
        return Err(if is_number { CONTENT_TOO_LARGE } else { BAD_REQUEST });
    }
    Ok(())
}

fn is_token(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_request_says() {
        let head = "GET /metrics?a=b?c HTTP/1.1\r\nHost: x\r\naccept: \t a/b \r\nAccept: \u{fc}\r\nEmpty:\r\nAccept: c\r\n\r\n";
        let request = parse(head.as_bytes()).unwrap();
        assert_eq!((request.path.as_str(), request.query.as_str()), ("/metrics", "a=b?c"));
        assert!(!request.is_head && !request.is_http_1_0);
        for (name, value) in [("Accept", Some("a/b, c")), ("HOST", Some("x")), ("Empty", Some("")), ("ccept", None)] {
            assert_eq!(request.field(name).as_deref(), value, "{name}");
        }
        let request = parse(b"HEAD / HTTP/1.0\r\n\r\n").unwrap();
        assert!(request.is_head && request.is_http_1_0 && request.query.is_empty());
    }

    #[test]
    fn fields_of_one_name_are_joined() {
        for (fields, expected) in
            [("a: b\r\nA: c\r\n", "b, c"), ("a: b\r\na:\r\n", "b"), ("a:\r\na: b\r\n", "b"), ("a: \r\n", "")]
        {
            let head = parse(format!("GET / HTTP/1.1\r\n{fields}\r\n").as_bytes()).unwrap();
            assert_eq!(head.field("a").as_deref(), Some(expected), "{fields:?}");
        }
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
            let request = parse(format!("{line}\r\n\r\n").as_bytes());
            let target = request.map(|request| [request.path, request.query].join("?"));
            let expected =
                expected.map(|target| if target.contains('?') { target.into() } else { target.to_owned() + "?" });
            assert_eq!(target, expected, "{line:?}");
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
            assert_eq!(parse(format!("GET / HTTP/1.1\r\n{fields}\r\n\r\n").as_bytes()).err(), expected, "{fields:?}");
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
        assert!(is_plausible(b"GET / HTTP/1.1\r\na:\t\xfc") && !is_plausible(b"\x16\x03\x01"));
        assert_eq!((too_large(b"GET /xxx"), too_large(b"GET / HTTP/1.1\r\na: xxx")), (URI_TOO_LONG, FIELDS_TOO_LARGE));
    }
}
