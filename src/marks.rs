//! Where something may end in a reply: its commas, equals signs, bars, brackets and braces.
//!
//! A reply of 6 kB has a thousand of them, a few bytes apart. So they are found 64 bytes at a time and without a branch for
//! each byte.

/// The places of the bytes that may end something, in their order, and of a few others.
///
/// It is small: a loop has a clone of it in registers, and gives that back behind the loop.
#[derive(Clone, Debug)]
pub struct Marks<'a> {
    bytes: &'a [u8],
    /// Where the block begins that is looked at next.
    next: usize,
    /// A bit for each mark of the block before that is still to come.
    left: u64,
}

impl<'a> Marks<'a> {
    /// Those of a text from a place on.
    pub fn new(text: &'a str, from: usize) -> Self {
        Marks { bytes: text.as_bytes(), next: from, left: 0 }
    }
}

impl Iterator for Marks<'_> {
    type Item = (usize, u8);

    /// The place of the next one, and the byte there.
    #[inline(always)]
    fn next(&mut self) -> Option<(usize, u8)> {
        while self.left == 0 {
            self.left = block_at(self.bytes, self.next)?;
            self.next += BLOCK_BYTES;
        }
        let at = self.next - BLOCK_BYTES + self.left.trailing_zeros() as usize;
        self.left &= self.left - 1;
        Some((at, *self.bytes.get(at)?))
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

/// A bit for each mark among eight bytes, looked at all at once, and for a few other bytes: those that differ from a mark
/// in their upper bits, and `-` behind a comma.
fn marks_of_word(word: u64) -> u64 {
    const fn all(byte: u8) -> u64 {
        u64::from_le_bytes([byte; 8])
    }
    // Without their upper three bits `[\]`, `{|}` and `=` are 27 to 29, as is no letter and no digit. No sum leaves its byte.
    let low = word & all(0x1f);
    let is_bracket = (low + all(0x80 - 27)) & !(low + all(0x80 - 30));
    let from_comma = word ^ all(b',');
    let is_comma = from_comma.wrapping_sub(all(1)) & !from_comma;
    // A bit a byte is gathered in the highest byte: the factor moves bit `8 n + 7` to `56 + n`.
    ((is_bracket | is_comma) & all(0x80)).wrapping_mul(0x0002_0408_1020_4081) >> 56
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mark_is_found_wherever_it_stands() {
        for length in 0..=u8::MAX {
            let bytes: Vec<u8> = (0..length).map(|at| at.wrapping_mul(7).wrapping_add(length)).collect();
            let marks = Marks { bytes: &bytes, next: 0, left: 0 };
            let is_mark = |(_, byte): &(usize, u8)| b",=|[]{}".contains(byte);
            let found: Vec<_> = marks.filter(is_mark).collect();
            let expected: Vec<_> = bytes.iter().copied().enumerate().filter(is_mark).collect();
            assert_eq!(found, expected, "{length}");
        }
    }
}
