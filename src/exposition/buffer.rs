//! Text that is put together of short parts, a large amount of it and in the same memory again and again.
//!
//! Short parts are put into room of a fixed length, of which the text takes what it needs: that is an instruction or two
//! each. A copy of so many bytes as it takes is a call, and a slow one in the static program.

use std::fmt;

/// A text, and room behind it.
#[derive(Clone, Debug, Default)]
pub struct Buffer {
    room: Vec<u8>,
    length: usize,
}

impl Buffer {
    /// Makes sure that there is room for so many bytes more.
    pub fn reserve(&mut self, bytes: usize) {
        let length = self.length + bytes;
        if length > self.room.len() {
            self.room.resize(length, 0);
        }
    }

    /// The text.
    pub fn text(&self) -> &[u8] {
        self.room.get(..self.length).unwrap_or_default()
    }

    /// Its length in bytes.
    pub fn len(&self) -> usize {
        self.length
    }

    /// Whether there is no text.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Forgets the text, but not the memory.
    pub fn clear(&mut self) {
        self.length = 0;
    }

    /// Gives the text away.
    pub fn into_text(mut self) -> Vec<u8> {
        self.room.truncate(self.length);
        self.room
    }

    /// Appends bytes.
    pub fn push(&mut self, bytes: &[u8]) {
        self.replace(self.length, bytes);
        self.length += bytes.len();
    }

    /// Puts bytes in the place of others.
    pub fn replace(&mut self, begin: usize, bytes: &[u8]) {
        let end = begin + bytes.len();
        if end > self.room.len() {
            self.grow(end);
        }
        if let Some(place) = self.room.get_mut(begin..end) {
            place.copy_from_slice(bytes);
        }
    }

    /// Appends what is written at the front of so much room, so many bytes as `write` returns. Returns their number.
    #[inline]
    pub fn fill<const N: usize>(&mut self, write: impl FnOnce(&mut [u8; N]) -> usize) -> usize {
        if self.length + N > self.room.len() {
            self.grow(self.length + N);
        }
        let Some(place) = self.room.get_mut(self.length..).and_then(<[u8]>::first_chunk_mut) else { return 0 };
        let length = write(place);
        self.length += length;
        length
    }

    #[cold]
    fn grow(&mut self, bytes: usize) {
        self.room.resize(bytes.max(2 * self.room.len()), 0);
    }
}

impl fmt::Write for Buffer {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.push(text.as_bytes());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_pushed_is_there() {
        let mut buffer = Buffer::default();
        buffer.reserve(3);
        let mut expected = Vec::new();
        for round in 0..3 {
            for length in 0..=64 {
                let written = buffer.fill(|room| {
                    *room = [u8::try_from(length).unwrap(); 64];
                    length
                });
                assert_eq!(written, length);
                buffer.push(&[round; 5][..length % 5]);
                expected.extend(vec![u8::try_from(length).unwrap(); length]);
                expected.extend(vec![round; length % 5]);
                assert_eq!((buffer.text(), buffer.len()), (&expected[..], expected.len()));
            }
        }
        buffer.replace(1, b"abc");
        expected[1..4].copy_from_slice(b"abc");
        assert_eq!(buffer.clone().into_text(), expected);
        buffer.clear();
        buffer.push(b"x");
        assert_eq!((buffer.text(), buffer.is_empty()), (&b"x"[..], false));
    }
}
