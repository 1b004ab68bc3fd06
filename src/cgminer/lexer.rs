//! Cuts the text of a reply into records, fields and items, in one pass.
//!
//! ```text
//! STATS=0,ID=AVALON0,Elapsed=15940,MM ID0=Ver[Q-1] SYS[a, b] PS[0 1],MM Count=1|STATS=1,..
//! ^ field ^ field    ^ field       ^ field ^ item  ^ item    ^ item  ^ field    ^ record
//! ```
//!
//! The rules look at the bytes alone at which something may end ([`Marks`]).

use std::ops::Range;

use crate::cgminer::delimiters::Marks;

/// How the key of an `MM` field begins: `MM ID0=...`, on the Q `MM ID0:Summary=...`.
const MODULE: &[u8] = b"MM ID";

/// How the name of a network begins: `SSID[my network] RSSI[-55]`.
pub const NETWORK_NAME: &str = "SSID[";

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
    /// Where the next record begins, or the next field of one that is being taken.
    begin: usize,
    marks: Marks<'a>,
    met_network_name: bool,
}

impl<'a> Scanner<'a> {
    /// A scanner at the beginning of a text.
    pub fn new(text: &'a str) -> Self {
        Scanner { begin: 0, marks: Marks::new(text), met_network_name: false }
    }

    /// Whether the name of a network began in what was taken. Such a name may hold any byte, so all that was found since means
    /// nothing.
    pub fn met_network_name(&self) -> bool {
        self.met_network_name
    }

    /// What is left, from the beginning of the next record that is not empty.
    pub fn rest(&mut self) -> &'a str {
        let text = self.marks.text();
        while text.as_bytes().get(self.begin) == Some(&b'|') {
            self.marks.next();
            self.begin += 1;
        }
        text.get(self.begin..).unwrap_or_default()
    }

    /// Takes a record as it is.
    pub fn pass(&mut self) -> &'a str {
        let (begin, mut marks) = (self.begin, self.marks.clone());
        let text = marks.text();
        let end = loop {
            match marks.next() {
                Some((at, b'|')) => break at,
                Some((at, b'\\')) => marks = marks.behind_escaped(at),
                Some((at, b'[')) => self.met_network_name |= begins_network_name(text.as_bytes(), at),
                Some(_) => {}
                None => break text.len(),
            }
        };
        (self.begin, self.marks) = (end + 1, marks);
        text.get(begin..end).unwrap_or_default()
    }

    /// Takes a record and tells each of its fields and items, the key and the place of the value. Whether it has an `MM` field.
    ///
    /// A bare word, as `SUMMARY` at the front of its record, is no field. Old machines put several modules into one record;
    /// the first stands for the miner.
    pub fn take(&mut self, mut found: impl FnMut(Found, &'a [u8], Range<usize>)) -> bool {
        !self.take_fields(|key, value| found(Found::Field, key, value)) && self.take_module(found)
    }

    /// Takes a record up to its `MM` field and tells each of its fields. Whether that was all of it; if not, the rest is to be
    /// taken by [`Scanner::take_module`].
    #[inline(always)]
    pub fn take_fields(&mut self, mut found: impl FnMut(&'a [u8], Range<usize>)) -> bool {
        let (mut begin, mut marks, mut met_network_name) = (self.begin, self.marks.clone(), self.met_network_name);
        let text = marks.text().as_bytes();
        let is_all = loop {
            let rest = text.get(begin..).unwrap_or_default();
            if is_module(rest) {
                break false;
            }
            let mut equals = usize::MAX;
            let (end, mark) = loop {
                match marks.next() {
                    Some((at, b'=')) => equals = equals.min(at),
                    Some((at, mark @ (b',' | b'|'))) => break (at, mark),
                    Some((at, b'\\')) => marks = marks.behind_escaped(at),
                    Some((at, b'[')) => met_network_name |= begins_network_name(text, at),
                    Some(_) => {}
                    None => break (text.len(), b'|'),
                }
            };
            if let Some(key) = rest.get(..equals - begin) {
                found(key, equals + 1..end);
            }
            begin = end + 1;
            if mark == b'|' {
                break true;
            }
        };
        (self.begin, self.marks, self.met_network_name) = (begin, marks, met_network_name);
        is_all
    }

    /// Takes an `MM` field and what comes behind it. Whether the field is one.
    pub fn take_module(&mut self, mut found: impl FnMut(Found, &'a [u8], Range<usize>)) -> bool {
        let (mut marks, found) = (self.marks.clone(), &mut found);
        let text = marks.text().as_bytes();
        let mut field = Field::begin(text, self.begin);
        let mut items = Items::begin(self.begin);
        let mut has_module = false;
        let end = loop {
            let Some((at, mark)) = marks.next() else { break text.len() };
            match mark {
                b'[' => {
                    self.met_network_name |= begins_network_name(text, at);
                    items.open(at);
                }
                b']' => items.close(text, at, found),
                b'=' => field.equals = field.equals.min(at),
                b'{' if !items.is_open() => field.braces += 1,
                b'}' if !items.is_open() => field.braces = field.braces.saturating_sub(1),
                b',' if field.ends(text, at, items.is_open()) => {
                    has_module |= field.tell(text, at, found);
                    field = Field::begin(text, at + 1);
                    if field.is_module {
                        items.end(text, at, found);
                    }
                }
                b'|' if !is_escaped(text, at) => break at,
                _ => {}
            }
        };
        has_module |= field.tell(text, end, found);
        items.end(text, end, found);
        (self.begin, self.marks) = (end + 1, marks);
        has_module
    }
}

/// Whether an `MM` field begins here.
#[inline(always)]
fn is_module(rest: &[u8]) -> bool {
    rest.first() == MODULE.first() && rest.starts_with(MODULE)
}

/// Whether the name of a network begins behind the byte at a place.
fn begins_network_name(text: &[u8], at: usize) -> bool {
    text.get(..=at).is_some_and(|text| text.ends_with(NETWORK_NAME.as_bytes()))
}

/// Whether the byte at a place is escaped: a pair of backslashes is one that escapes nothing.
#[inline(always)]
pub fn is_escaped(text: &[u8], at: usize) -> bool {
    let before = text.get(..at).unwrap_or_default();
    before.ends_with(b"\\") && before.iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 1
}

/// The field that the scanner is in.
struct Field {
    begin: usize,
    /// Where its first equals sign is, or behind all.
    equals: usize,
    /// An `MM` field goes up to the next comma outside brackets and braces, and holds no escapes.
    is_module: bool,
    braces: usize,
}

impl Field {
    fn begin(text: &[u8], begin: usize) -> Self {
        let is_module = is_module(text.get(begin..).unwrap_or_default());
        Field { begin, equals: usize::MAX, is_module, braces: 0 }
    }

    /// Whether the comma at a place, in brackets or outside, ends it.
    fn ends(&self, text: &[u8], at: usize, in_brackets: bool) -> bool {
        if self.is_module { !in_brackets && self.braces == 0 } else { !is_escaped(text, at) }
    }

    /// Tells it, if it is one. Whether it is one with a module.
    fn tell<'a>(&self, text: &'a [u8], end: usize, found: &mut impl FnMut(Found, &'a [u8], Range<usize>)) -> bool {
        let key = text.get(self.begin..self.equals);
        if let Some(key) = key {
            found(Found::Field, key, self.equals + 1..end);
        }
        self.is_module && key.is_some()
    }
}

/// The items of an `MM` field and of the fields after it, up to the next `MM` field.
///
/// Between two items there are one space, two or none. A key is whole: `Temp` is not in `ITemp`. A list that a miner without
/// a hash board prints without its opening bracket (` MGHS]`) is an empty one.
struct Items {
    /// Where the last item ended.
    begin: usize,
    /// Where the value of an open item begins: behind a bracket, so that 0 is nowhere.
    value: usize,
    /// Whether those were all, so that what looks like one is none.
    are_all: bool,
}

/// Whether a byte may be in an item's key.
#[expect(clippy::indexing_slicing, reason = "computed while it is compiled")]
const KEY_BYTES: [bool; 256] = {
    let mut is_key = [false; 256];
    let keys = b"0123456789_ ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut at = 0;
    while at < keys.len() {
        is_key[keys[at] as usize] = true;
        at += 1;
    }
    is_key
};

impl Items {
    fn begin(begin: usize) -> Self {
        Items { begin, value: 0, are_all: false }
    }

    /// Whether the scanner is in the brackets of an item.
    fn is_open(&self) -> bool {
        self.value > 0
    }

    /// A value begins behind a bracket, if none is open.
    fn open(&mut self, bracket: usize) {
        if !self.is_open() {
            self.value = bracket + 1;
        }
    }

    /// An item ends at a bracket.
    fn close<'a>(&mut self, text: &'a [u8], bracket: usize, found: &mut impl FnMut(Found, &'a [u8], Range<usize>)) {
        let (key_end, value) = if self.is_open() { (self.value - 1, self.value) } else { (bracket, bracket) };
        let before = text.get(self.begin..key_end).unwrap_or_default();
        let is_key = |byte: &u8| KEY_BYTES.get(usize::from(*byte)) == Some(&true);
        let from = before.iter().rposition(|byte| !is_key(byte)).map_or(0, |at| at + 1);
        let key = before.get(from..).unwrap_or_default().trim_ascii();
        if !key.is_empty() && !self.are_all {
            found(Found::Item, key, value..bracket);
        }
        (self.begin, self.value) = (bracket + 1, 0);
    }

    /// There are no more; the last is one even if nothing closed it.
    fn end<'a>(&mut self, text: &'a [u8], end: usize, found: &mut impl FnMut(Found, &'a [u8], Range<usize>)) {
        if self.is_open() {
            self.close(text, end, found);
        }
        self.are_all = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fields and items of a text that is one record.
    fn take(text: &str) -> [Vec<(&str, &str)>; 2] {
        let (mut fields, mut items) = (Vec::new(), Vec::new());
        let mut scanner = Scanner::new(text);
        scanner.take(|found, key, value| match found {
            Found::Field => fields.push((str::from_utf8(key).unwrap(), &text[value])),
            Found::Item => items.push((str::from_utf8(key).unwrap(), &text[value])),
        });
        assert_eq!(scanner.rest(), "");
        [fields, items]
    }

    #[test]
    fn records() {
        let text = "||a=1|b\\|c,d=2\\\\||e|f";
        let mut scanner = Scanner::new(text);
        let rest = scanner.rest();
        assert_eq!((rest, scanner.pass()), ("a=1|b\\|c,d=2\\\\||e|f", "a=1"));
        let rest = scanner.rest();
        let mut fields = Vec::new();
        assert!(!scanner.take(|_, key, value| fields.push((key, &text[value]))));
        assert_eq!((rest.len(), fields), (15, vec![(&b"d"[..], "2\\\\")]));
        assert_eq!((scanner.rest(), scanner.pass(), scanner.pass(), scanner.rest()), ("e|f", "e", "f", ""));
        assert_eq!(
            (scanner.pass(), Scanner::new("\\\\|a").pass(), Scanner::new("\\\\\\|a").pass()),
            ("", "\\\\", "\\\\\\|a")
        );
    }

    #[test]
    fn fields_and_their_escapes() {
        let [fields, items] = take("SUMMARY,a=1,b,c\\,d=2\\,3=4,=5,e=,x[y=z,g=\\h,f=[1");
        let expected =
            [("a", "1"), ("c\\,d", "2\\,3=4"), ("", "5"), ("e", ""), ("x[y", "z"), ("g", "\\h"), ("f", "[1")];
        assert_eq!(fields, expected);
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
        let [fields, _] = take("STATS=0,MM ID0={A[1] B[2 }], C[3 {]},MM Count=1");
        assert_eq!(
            fields[1..],
            [("MM ID0", "{A[1] B[2 }], C[3 {]}"), ("MM Count", "1")],
            "braces in brackets are none"
        );
        let [fields, items] = take("STATS=0,MM ID1=PS[1] A[2,MM ID2=PS[2] TA[3],MM Count=2");
        assert_eq!((items, fields.len()), (vec![("PS", "1"), ("A", "2,MM ID2=PS[2"), ("TA", "3")], 3));
        let [fields, items] = take("STATS=0,MM ID1=PS[1] A[2],MM ID2=PS[2] TA[3],MM Count=2");
        assert_eq!((items, fields.len()), (vec![("PS", "1"), ("A", "2")], 4));
    }
}
