//! Where something may end in a reply: its commas, equals signs, bars, brackets and braces; and its backslashes.
//!
//! A reply of 6 kB has a thousand of them, a few bytes apart. So they are found 64 bytes at a time and without a branch for
//! each byte.

/// The places of the bytes that may end something, in their order, those of backslashes, and of a few bytes more.
///
/// It is small: a loop has a clone of it in registers, and gives that back behind the loop.
#[derive(Clone, Debug)]
pub struct Marks<'a> {
    text: &'a str,
    /// Where the block begins that is looked at.
    block: usize,
    /// A bit for each of its marks that is still to come.
    left: u64,
}

impl<'a> Marks<'a> {
    /// Those of a text.
    pub fn new(text: &'a str) -> Self {
        Marks { text, block: 0, left: block_at(text.as_bytes(), 0).unwrap_or(0) }
    }

    /// The text.
    pub fn text(&self) -> &'a str {
        self.text
    }

    /// Those behind a backslash, without the byte that it escapes, which ends nothing.
    #[cold]
    #[must_use]
    pub fn behind_escaped(self, backslash: usize) -> Self {
        let mut behind = self.clone();
        if behind.next().is_some_and(|(at, _)| at == backslash + 1) { behind } else { self }
    }
}

impl Iterator for Marks<'_> {
    type Item = (usize, u8);

    /// The place of the next one, and the byte there.
    #[inline(always)]
    fn next(&mut self) -> Option<(usize, u8)> {
        while self.left == 0 {
            self.left = block_at(self.text.as_bytes(), self.block + BLOCK_BYTES)?;
            self.block += BLOCK_BYTES;
        }
        let at = self.block + self.left.trailing_zeros() as usize;
        self.left &= self.left - 1;
        Some((at, *self.text.as_bytes().get(at)?))
    }
}

/// As many as a number has bits.
const BLOCK_BYTES: usize = 64;

/// The marks of a block; none behind the end.
#[inline(never)]
fn block_at(bytes: &[u8], at: usize) -> Option<u64> {
    let rest = bytes.get(at..).filter(|rest| !rest.is_empty())?;
    Some(rest.first_chunk().map_or_else(|| marks_of(&padded(rest)), marks_of))
}

fn padded(bytes: &[u8]) -> [u8; BLOCK_BYTES] {
    let mut block = [0; BLOCK_BYTES];
    block.iter_mut().zip(bytes).for_each(|(place, byte)| *place = *byte);
    block
}

/// A bit for each mark of a block, and for some bytes that are none.
fn marks_of(block: &[u8; BLOCK_BYTES]) -> u64 {
    block.as_chunks().0.iter().rev().fold(0, |marks, word| marks << 8 | marks_of_word(u64::from_le_bytes(*word)))
}

/// A bit for each mark among eight bytes, looked at all at once, and for a few other bytes: those that differ from `^` and
/// `_` or from a mark in their upper bits, those that are not ASCII, and `-` behind a comma.
fn marks_of_word(word: u64) -> u64 {
    const fn all(byte: u8) -> u64 {
        u64::from_le_bytes([byte; 8])
    }
    // Without their upper three bits `[\]`, `{|}` and `=` are 27 to 29, as is no letter and no digit. No sum leaves its byte.
    let from_bracket = (word & all(0x1f)) + all(0x80 - 27);
    let from_comma = (word ^ all(b',')).wrapping_sub(all(1));
    // A bit a byte is gathered in the highest byte: the factor moves bit `8 n + 7` to `56 + n`.
    ((from_bracket | from_comma) & all(0x80)).wrapping_mul(0x0002_0408_1020_4081) >> 56
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mark_is_found_wherever_it_stands() {
        for length in 0..=u8::MAX {
            let text: String = (0..length).map(|at| char::from(at.wrapping_mul(7).wrapping_add(length))).collect();
            let is_mark = |(_, byte): &(usize, u8)| b",=|[]{}\\".contains(byte);
            let found: Vec<_> = Marks::new(&text).filter(is_mark).collect();
            let expected: Vec<_> = text.bytes().enumerate().filter(is_mark).collect();
            assert_eq!(found, expected, "{length}");
        }
    }
}
