//! Cuts the text of a reply into records, fields and items, in one pass.
//!
//! ```text
//! STATS=0,ID=AVALON0,Elapsed=15940,MM ID0=Ver[Q-1] SYS[a, b] PS[0 1],MM Count=1|STATS=1,..
//! ^ field ^ field    ^ field       ^ field ^ item  ^ item    ^ item  ^ field    ^ record
//! ```
//!
//! A reply of 6 kB has a thousand places at which something ends, a few bytes apart. So the places are found first, 64
//! bytes at a time and without a branch for each byte, and the rules look at these bytes alone.

use std::ops::Range;

/// How the key of an `MM` field begins: `MM ID0=...`, on the Q `MM ID0:Summary=...`.
const MODULE: &str = "MM ID";

/// What was found in a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// `KEY=value` between commas.
    Field,
    /// `KEY[value]` in the first `MM` field or, on the Q, in a field after it (`HBinfo`).
    Item,
}

/// Takes one record after the other from a text.
#[derive(Clone, Debug)]
pub struct Scanner<'a> {
    text: &'a str,
    marks: Marks<'a>,
    /// Where the next record begins.
    begin: usize,
}

impl<'a> Scanner<'a> {
    /// A scanner at the beginning of a text.
    pub fn new(text: &'a str) -> Self {
        Scanner { text, marks: Marks { bytes: text.as_bytes(), block: 0, next: 0, left: 0 }, begin: 0 }
    }

    /// What is left, from the beginning of the next record that is not empty.
    pub fn rest(&mut self) -> &'a str {
        let rest = self.text.get(self.begin..).unwrap_or_default();
        let record = rest.trim_start_matches('|');
        if record.len() < rest.len() {
            self.go_to(self.begin + rest.len() - record.len());
        }
        record
    }

    /// Takes a record as it is.
    pub fn skip(&mut self) -> &'a str {
        let rest = self.text.get(self.begin..).unwrap_or_default();
        let mut bars = rest.match_indices('|').map(|(at, _)| at);
        let end = bars.find(|at| !escapes(rest.as_bytes().get(..*at).unwrap_or_default())).unwrap_or(rest.len());
        self.go_to(self.begin + end + 1);
        rest.get(..end).unwrap_or_default()
    }

    fn go_to(&mut self, begin: usize) {
        (self.begin, self.marks.next, self.marks.left) = (begin, begin, 0);
    }

    /// Takes a record and tells each of its fields and items, with the places of key and value. Whether it has an `MM` field.
    ///
    /// A bare word, as `SUMMARY` at the front of its record, is no field. Old machines put several modules into one record;
    /// the first stands for the miner.
    pub fn take(&mut self, mut found: impl FnMut(Found, Range<usize>, Range<usize>)) -> bool {
        let text = self.text;
        let mut field = Field::begin(text, self.begin);
        let mut items = field.is_module.then(|| Items::begin(self.begin));
        let (mut modules, mut has_module) = (usize::from(field.is_module), false);
        let mut escaped = None;
        let end = loop {
            let Some((at, mark)) = self.marks.next() else { break text.len() };
            match mark {
                b'|' if escaped != Some(at) => break at,
                b'\\' if escaped != Some(at) => escaped = Some(at + 1),
                b'=' => field.equals = field.equals.or(Some(at)),
                b',' if field.ends(escaped == Some(at)) => {
                    has_module |= field.tell(at, &mut found);
                    field = Field::begin(text, at + 1);
                    if field.is_module {
                        if let Some(items) = items.take() {
                            items.end(text, at, &mut found);
                        }
                        items = (modules == 0).then(|| Items::begin(at + 1));
                        modules += 1;
                    }
                }
                b'[' | b']' | b'{' | b'}' => {
                    field.nest(mark);
                    if let Some(items) = &mut items {
                        items.note(text, at, mark, &mut found);
                    }
                }
                _ => {}
            }
        };
        has_module |= field.tell(end, &mut found);
        if let Some(items) = items {
            items.end(text, end, &mut found);
        }
        self.begin = end + 1;
        has_module
    }
}

/// Whether what follows these bytes is escaped by them: a pair of backslashes is one that escapes nothing.
pub fn escapes(bytes: &[u8]) -> bool {
    bytes.iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 1
}

/// The field that the scanner is in.
struct Field {
    begin: usize,
    equals: Option<usize>,
    /// An `MM` field goes up to the next comma outside brackets and braces, and holds no escapes.
    is_module: bool,
    in_brackets: bool,
    braces: usize,
}

impl Field {
    fn begin(text: &str, begin: usize) -> Self {
        let is_module = text.get(begin..).is_some_and(|rest| rest.starts_with(MODULE));
        Field { begin, equals: None, is_module, in_brackets: false, braces: 0 }
    }

    /// Whether a comma ends it.
    fn ends(&self, is_escaped: bool) -> bool {
        if self.is_module { !self.in_brackets && self.braces == 0 } else { !is_escaped }
    }

    fn nest(&mut self, mark: u8) {
        match mark {
            b'[' => self.in_brackets = true,
            b']' => self.in_brackets = false,
            b'{' if !self.in_brackets => self.braces += 1,
            b'}' if !self.in_brackets => self.braces = self.braces.saturating_sub(1),
            _ => {}
        }
    }

    /// Tells it, if it is one. Whether it is one with a module.
    fn tell(&self, end: usize, found: &mut impl FnMut(Found, Range<usize>, Range<usize>)) -> bool {
        if let Some(equals) = self.equals {
            found(Found::Field, self.begin..equals, equals + 1..end);
        }
        self.is_module && self.equals.is_some()
    }
}

/// The items of an `MM` field and of the fields after it.
///
/// Between two items there are one space, two or none. A key is whole: `Temp` is not in `ITemp`. A list that a miner without
/// a hash board prints without its opening bracket (` MGHS]`) is an empty one.
struct Items {
    /// Where the last item ended.
    begin: usize,
    /// Where the value of an open item begins.
    value: Option<usize>,
}

impl Items {
    fn begin(begin: usize) -> Self {
        Items { begin, value: None }
    }

    fn note(&mut self, text: &str, at: usize, mark: u8, found: &mut impl FnMut(Found, Range<usize>, Range<usize>)) {
        match mark {
            b'[' => self.value = self.value.or(Some(at + 1)),
            b']' => {
                self.tell(text, at, found);
                *self = Items::begin(at + 1);
            }
            _ => {}
        }
    }

    /// Tells an item that nothing closes, if there is one.
    fn end(&self, text: &str, end: usize, found: &mut impl FnMut(Found, Range<usize>, Range<usize>)) {
        if self.value.is_some() {
            self.tell(text, end, found);
        }
    }

    fn tell(&self, text: &str, end: usize, found: &mut impl FnMut(Found, Range<usize>, Range<usize>)) {
        let key_end = self.value.map_or(end, |value| value - 1);
        let before = text.as_bytes().get(self.begin..key_end).unwrap_or_default();
        let is_key = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_' || *byte == b' ';
        let from = before.iter().rposition(|byte| !is_key(byte)).map_or(0, |at| at + 1);
        let key = before.get(from..).unwrap_or_default();
        let spaces = key.iter().take_while(|byte| **byte == b' ').count();
        let length = key.trim_ascii().len();
        if length > 0 {
            let begin = self.begin + from + spaces;
            found(Found::Item, begin..begin + length, self.value.unwrap_or(end)..end);
        }
    }
}

/// The places of the bytes that may end something, in their order.
#[derive(Clone, Debug)]
struct Marks<'a> {
    bytes: &'a [u8],
    /// Where the block begins that was looked at last, and where the next.
    block: usize,
    next: usize,
    /// A bit for each mark of the block that is still to come.
    left: u64,
}

impl Marks<'_> {
    #[expect(
        clippy::inline_always,
        reason = "a thousand calls a reply, which the compiler, told to be brief, leaves calls"
    )]
    #[inline(always)]
    fn next(&mut self) -> Option<(usize, u8)> {
        if self.left == 0 && !self.find() {
            return None;
        }
        let at = self.block + self.left.trailing_zeros() as usize;
        self.left &= self.left - 1;
        Some((at, *self.bytes.get(at)?))
    }

    /// Goes on to the next block with a mark; false if there is none.
    #[inline(never)]
    fn find(&mut self) -> bool {
        while let Some(rest @ [_, ..]) = self.bytes.get(self.next..) {
            self.left = rest.first_chunk().map_or_else(|| marks_of(&padded(rest)), marks_of);
            (self.block, self.next) = (self.next, self.next + BLOCK_BYTES);
            if self.left != 0 {
                return true;
            }
        }
        false
    }
}

/// As many as a number has bits.
const BLOCK_BYTES: usize = 64;

fn padded(bytes: &[u8]) -> [u8; BLOCK_BYTES] {
    let mut block = [0; BLOCK_BYTES];
    block.iter_mut().zip(bytes).for_each(|(place, byte)| *place = *byte);
    block
}

/// A bit for each mark of a block.
fn marks_of(block: &[u8; BLOCK_BYTES]) -> u64 {
    let (words, _) = block.as_chunks();
    let mut marks = 0;
    for word in words {
        marks = marks >> 8 | marks_of_word(u64::from_le_bytes(*word));
    }
    marks
}

/// A bit for each mark among eight bytes, in the highest byte: all looked at at once: no sum of two numbers below 128 leaves its byte.
fn marks_of_word(word: u64) -> u64 {
    const fn all(byte: u8) -> u64 {
        u64::from_le_bytes([byte; 8])
    }
    let low = word & all(0x7f);
    let is_not = |byte: u8| (low ^ all(byte)) + all(0x7f);
    // Without the bit of lower case `{|}` are `[\]`, the only ones from there to there.
    let upper = low & !all(0x20);
    let is_bracket = (upper + all(0x80 - b'[')) & !(upper + all(0x7f - b']'));
    let marks = (!is_not(b',') | !is_not(b'=') | is_bracket) & !word & all(0x80);
    // The factor moves bit `8 n` to `56 + n`.
    (marks >> 7).wrapping_mul(0x0102_0408_1020_4080) & 0xff << 56
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fields and items of a text that is one record.
    fn take(text: &str) -> [Vec<(&str, &str)>; 2] {
        let (mut fields, mut items) = (Vec::new(), Vec::new());
        let mut scanner = Scanner::new(text);
        scanner.take(|found, key, value| match found {
            Found::Field => fields.push((&text[key], &text[value])),
            Found::Item => items.push((&text[key], &text[value])),
        });
        assert_eq!(scanner.rest(), "");
        [fields, items]
    }

    #[test]
    fn every_mark_is_found_wherever_it_stands() {
        for length in 0..=u8::MAX {
            let text: Vec<u8> = (0..length).map(|at| at.wrapping_mul(7).wrapping_add(length)).collect();
            let mut marks = Marks { bytes: &text, block: 0, next: 0, left: 0 };
            let found: Vec<_> = std::iter::from_fn(|| marks.next()).collect();
            let expected: Vec<_> =
                text.iter().copied().enumerate().filter(|(_, byte)| b",=|\\[]{}".contains(byte)).collect();
            assert_eq!(found, expected, "{length}");
        }
    }

    #[test]
    fn records() {
        let text = "||a=1|b\\|c,d=2\\\\||e|f";
        let mut scanner = Scanner::new(text);
        let rest = scanner.rest();
        assert_eq!((rest, scanner.skip()), ("a=1|b\\|c,d=2\\\\||e|f", "a=1"));
        let rest = scanner.rest();
        let mut fields = Vec::new();
        assert!(!scanner.take(|_, key, value| fields.push((&text[key], &text[value]))));
        assert_eq!((rest.len(), fields), (15, vec![("d", "2\\\\")]));
        assert_eq!((scanner.rest(), scanner.skip(), scanner.skip(), scanner.rest()), ("e|f", "e", "f", ""));
        assert_eq!(
            (scanner.skip(), Scanner::new("\\\\|a").skip(), Scanner::new("\\\\\\|a").skip()),
            ("", "\\\\", "\\\\\\|a")
        );
    }

    #[test]
    fn fields_and_their_escapes() {
        let [fields, items] = take("SUMMARY,a=1,b,c\\,d=2\\,3=4,=5,e=,x[y=z,f=[1");
        assert_eq!(fields, [("a", "1"), ("c\\,d", "2\\,3=4"), ("", "5"), ("e", ""), ("x[y", "z"), ("f", "[1")]);
        assert_eq!(items, []);
    }

    #[test]
    fn items_and_their_traps() {
        let [fields, items] = take(
            "STATS=0,MM ID0=Ver[a b]  LVer[c, d] ITemp[26]Temp[5] MH] DHW[4] MGHS] Nonce Mask[25] X{Y[1}, 2]} ] [3] Z[a\\|b\\],MM Count=1",
        );
        assert_eq!((fields[0], fields[2], fields.len()), (("STATS", "0"), ("MM Count", "1"), 3));
        let expected = [
            ("Ver", "a b"),
            ("LVer", "c, d"),
            ("ITemp", "26"),
            ("Temp", "5"),
            ("MH", ""),
            ("DHW", "4"),
            ("MGHS", ""),
            ("Nonce Mask", "25"),
            ("Y", "1}, 2"),
            ("Z", "a\\|b\\"),
        ];
        assert_eq!(items, expected);
        let [_, items] = take("MM ID0:Summary='STATS':{Ver[Q] SYS[a, b] ADJ[1]},HBinfo='HB0':{PVT_T0[58 59] MW[7]}");
        assert_eq!(items, [("Ver", "Q"), ("SYS", "a, b"), ("ADJ", "1"), ("PVT_T0", "58 59"), ("MW", "7")]);
        let [fields, items] = take("STATS=0,MM ID1=PS[1] A[2,MM ID2=PS[2] TA[3],MM Count=2");
        assert_eq!((items, fields.len()), (vec![("PS", "1"), ("A", "2,MM ID2=PS[2"), ("TA", "3")], 3));
        let [fields, items] = take("STATS=0,MM ID1=PS[1] A[2],MM ID2=PS[2] TA[3],MM Count=2");
        assert_eq!((items, fields.len()), (vec![("PS", "1"), ("A", "2")], 4));
    }
}
