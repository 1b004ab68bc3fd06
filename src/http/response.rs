//! A response: what the site answers, and the bytes of it that go to the client. No I/O.
//!
//! A body whose length is known follows its head as it is. Any other goes in chunks (RFC 9112 section 7.1). HTTP/1.0 has no
//! chunks: for such a client the body is written twice, the first time to learn its length.

use std::fmt;
use std::io::IoSlice;
use std::mem::take;

/// A status code with its reason, as in a status line.
pub type Status = &'static str;

/// The request is not HTTP/1.
pub const BAD_REQUEST: Status = "400 Bad Request";
/// Neither GET nor HEAD.
pub const METHOD_NOT_ALLOWED: Status = "405 Method Not Allowed";
/// The request head did not arrive in time.
pub const REQUEST_TIMEOUT: Status = "408 Request Timeout";
/// The request announces a body.
pub const CONTENT_TOO_LARGE: Status = "413 Content Too Large";
/// The target is longer than [`TARGET_BYTES_MAX`](super::request::TARGET_BYTES_MAX).
pub const URI_TOO_LONG: Status = "414 URI Too Long";
/// More than [`HEAD_BYTES_MAX`](super::request::HEAD_BYTES_MAX) or [`FIELDS_MAX`](super::request::FIELDS_MAX).
pub const FIELDS_TOO_LARGE: Status = "431 Request Header Fields Too Large";
/// The inner server is gone and could not be replaced.
pub const BAD_GATEWAY: Status = "502 Bad Gateway";
/// No worker became free, or no memory for a large response.
pub const UNAVAILABLE: Status = "503 Service Unavailable";
/// The site took too long.
pub const GATEWAY_TIMEOUT: Status = "504 Gateway Timeout";
/// Another major version, such as HTTP/2 without TLS.
pub const VERSION_NOT_SUPPORTED: Status = "505 HTTP Version Not Supported";

/// What the site answers.
#[derive(Debug)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// The media type of the body.
    pub content_type: &'static str,
    /// More fields. Values must be printable ASCII; others are left out, since they could split the response.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Box<dyn Body>,
    /// Whether every client that asks for this path now would get the same, whatever else its request says.
    pub is_shared: bool,
}

impl Response {
    /// A response that is made for one request.
    pub fn new(status: u16, content_type: &'static str, body: impl Body + 'static) -> Self {
        Self { status, content_type, headers: Vec::new(), body: Box::new(body), is_shared: false }
    }
}

/// The body of a response. Several clients may be reading the same one, each at its own speed.
pub trait Body: fmt::Debug + Send + Sync {
    /// Its length in bytes, if that is known before it is written.
    fn length(&self) -> Option<usize>;

    /// How many bytes of memory it takes while clients read it.
    fn memory(&self) -> usize;

    /// Its bytes, from the first.
    fn pieces(&self) -> Box<dyn Pieces + '_>;
}

/// What is left of a body.
pub trait Pieces {
    /// The next bytes, at least so many unless they are the last, and whether there are more.
    fn next_piece(&mut self, bytes: usize) -> (&[u8], bool);
}

impl Body for Vec<u8> {
    fn length(&self) -> Option<usize> {
        Some(self.len())
    }

    fn memory(&self) -> usize {
        self.capacity()
    }

    fn pieces(&self) -> Box<dyn Pieces + '_> {
        Box::new(self.as_slice())
    }
}

impl Pieces for &[u8] {
    fn next_piece(&mut self, bytes: usize) -> (&[u8], bool) {
        let (piece, rest) = self.split_at_checked(bytes).unwrap_or((*self, &[]));
        *self = rest;
        (piece, !rest.is_empty())
    }
}

/// The length of a body, for which it is written and thrown away if need be.
pub fn measure(body: &dyn Body) -> usize {
    body.length().unwrap_or_else(|| {
        let (mut pieces, mut length) = (body.pieces(), 0);
        loop {
            let (piece, has_more) = pieces.next_piece(PIECE_BYTES);
            length += piece.len();
            if !has_more {
                return length;
            }
        }
    })
}

/// A body is sent in pieces of about this size.
pub const PIECE_BYTES: usize = 64 << 10;

/// A response with its head written, ready to be sent.
#[derive(Debug)]
pub struct Prepared {
    /// The head, including its empty line. It fits the body.
    pub head: Vec<u8>,
    /// The body; none for a client that asked for the head alone.
    pub body: Option<Box<dyn Body>>,
    /// Whether the body goes in chunks.
    pub is_chunked: bool,
    /// See [`Response::is_shared`].
    pub is_shared: bool,
}

impl Prepared {
    /// How many bytes of memory its body takes.
    pub fn memory(&self) -> usize {
        self.body.as_ref().map_or(0, |body| body.memory())
    }

    /// Its bytes as they go to a client, from the first. One that asked for the head alone may share a response that has
    /// a body.
    pub fn parts(&self, with_body: bool) -> Outgoing<'_> {
        let (pieces, is_chunked): (Box<dyn Pieces + '_>, _) = match &self.body {
            Some(body) if with_body => (body.pieces(), self.is_chunked),
            _ => (Box::new(&b""[..]), false),
        };
        Outgoing { head: &self.head, pieces, is_chunked, chunk_begin: String::new(), has_more: true }
    }
}

/// What is left to send of a response.
pub struct Outgoing<'a> {
    head: &'a [u8],
    pieces: Box<dyn Pieces + 'a>,
    is_chunked: bool,
    /// What goes before the data of the chunk that is being sent.
    chunk_begin: String,
    has_more: bool,
}

impl Outgoing<'_> {
    /// What to send next, one slice after the other; none at the end. The head goes with the first piece and the end of the
    /// chunks with the last one, so that a small response is one packet.
    pub fn next_part(&mut self) -> Option<[IoSlice<'_>; 4]> {
        if !self.has_more {
            return None;
        }
        let (piece, has_more) = self.pieces.next_piece(PIECE_BYTES);
        self.has_more = has_more;
        let (begin, end) = if self.is_chunked { frame(piece.len(), has_more) } else { (String::new(), "") };
        self.chunk_begin = begin;
        Some([take(&mut self.head), self.chunk_begin.as_bytes(), piece, end.as_bytes()].map(IoSlice::new))
    }
}

/// What goes before and after the data of a chunk of this length. An empty chunk is the end of all chunks.
fn frame(length: usize, has_more: bool) -> (String, &'static str) {
    match (length, has_more) {
        (0, true) => (String::new(), ""),
        (0, false) => (String::new(), "0\r\n\r\n"),
        (_, true) => (format!("{length:x}\r\n"), "\r\n"),
        (_, false) => (format!("{length:x}\r\n"), "\r\n0\r\n\r\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A body of unknown length, in pieces of this size.
    #[derive(Debug)]
    struct Stream(&'static [u8], usize);

    impl Body for Stream {
        fn length(&self) -> Option<usize> {
            None
        }

        fn memory(&self) -> usize {
            self.0.len()
        }

        fn pieces(&self) -> Box<dyn Pieces + '_> {
            Box::new(Stream(self.0, self.1))
        }
    }

    impl Pieces for Stream {
        fn next_piece(&mut self, _: usize) -> (&[u8], bool) {
            let (piece, rest) = self.0.split_at(self.1.min(self.0.len()));
            self.0 = rest;
            // Like a page that has more lines but none with a value, it may find out late that this was all.
            (piece, !piece.is_empty())
        }
    }

    fn sent(prepared: &Prepared, with_body: bool) -> String {
        let (mut parts, mut all) = (prepared.parts(with_body), Vec::new());
        while let Some(part) = parts.next_part() {
            for slice in part {
                all.extend_from_slice(&slice);
            }
        }
        String::from_utf8(all).unwrap()
    }

    #[test]
    fn bodies_are_framed() {
        for (body, is_chunked, expected) in [
            (None, true, "head "),
            (Some(Box::new(b"abc".to_vec()) as Box<dyn Body>), false, "head abc"),
            (Some(Box::new(Vec::new())), false, "head "),
            (Some(Box::new(Stream(b"abcde", 2))), false, "head abcde"),
            (Some(Box::new(Stream(b"abcde", 2))), true, "head 2\r\nab\r\n2\r\ncd\r\n1\r\ne\r\n0\r\n\r\n"),
            (Some(Box::new(Stream(b"", 2))), true, "head 0\r\n\r\n"),
            (Some(Box::new(b"abc".to_vec())), true, "head 3\r\nabc\r\n0\r\n\r\n"),
        ] {
            let prepared = Prepared { head: b"head ".to_vec(), body, is_chunked, is_shared: true };
            assert_eq!((sent(&prepared, true), sent(&prepared, false)), (expected.into(), "head ".into()));
        }
    }

    #[test]
    fn a_large_body_goes_in_pieces() {
        let body = vec![b'x'; 2 * PIECE_BYTES + 1];
        let (mut pieces, mut lengths) = (body.pieces(), Vec::new());
        loop {
            let (piece, has_more) = pieces.next_piece(PIECE_BYTES);
            lengths.push(piece.len());
            if !has_more {
                break;
            }
        }
        assert_eq!(lengths, [PIECE_BYTES, PIECE_BYTES, 1]);
    }

    #[test]
    fn a_body_is_measured_by_writing_it() {
        assert_eq!((measure(&Stream(b"abcde", 2)), measure(&vec![0; 7])), (5, 7));
    }
}
