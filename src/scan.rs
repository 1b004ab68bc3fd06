//! Cuts the text of a reply into records, fields and items, in one pass.
//!
//! ```text
//! STATS=0,ID=AVALON0,Elapsed=15940,MM ID0=Ver[Q-1] SYS[a, b] PS[0 1],MM Count=1|STATS=1,..
//! ^ field ^ field    ^ field       ^ field ^ item  ^ item    ^ item  ^ field    ^ record
//! ```
//!
//! The rules look at the bytes alone at which something may end ([`Marks`]).

use std::ops::Range;

use crate::marks::Marks;

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
    text: &'a str,
    /// Where the next record begins, or the next field of one that is being taken.
    begin: usize,
    marks: Marks<'a>,
    met_network_name: bool,
}

impl<'a> Scanner<'a> {
    /// A scanner at the beginning of a text.
    pub fn new(text: &'a str) -> Self {
        Scanner { text, begin: 0, marks: Marks::new(text, 0), met_network_name: false }
    }

    /// Whether the name of a network began in what was taken. Such a name may hold any byte, so all that was found since means
    /// nothing.
    pub fn met_network_name(&self) -> bool {
        self.met_network_name
    }

    /// What is left, from the beginning of the next record that is not empty.
    pub fn rest(&mut self) -> &'a str {
        let begin = self.begin;
        while self.text.as_bytes().get(self.begin) == Some(&b'|') {
            self.begin += 1;
        }
        if self.begin > begin {
            self.go_to(self.begin);
        }
        self.text.get(self.begin..).unwrap_or_default()
    }

    /// Takes a record as it is, without a look for names of networks: the name of a part, which is known or ends all.
    pub fn skip(&mut self) -> &'a str {
        let rest = self.text.get(self.begin..).unwrap_or_default();
        let mut bars = rest.match_indices('|').map(|(at, _)| at);
        let end = bars.find(|at| !is_escaped(rest.as_bytes(), *at)).unwrap_or(rest.len());
        self.go_to(self.begin + end + 1);
        rest.get(..end).unwrap_or_default()
    }

    /// Takes a record as it is.
    pub fn pass(&mut self) -> &'a str {
        let record = self.skip();
        self.met_network_name |= record.contains(NETWORK_NAME);
        record
    }

    fn go_to(&mut self, begin: usize) {
        (self.begin, self.marks) = (begin, Marks::new(self.text, begin));
    }

    /// Takes a record and tells each of its fields and items, with the places of key and value. Whether it has an `MM` field.
    ///
    /// A bare word, as `SUMMARY` at the front of its record, is no field. Old machines put several modules into one record;
    /// the first stands for the miner.
    pub fn take(&mut self, mut found: impl FnMut(Found, Range<usize>, Range<usize>)) -> bool {
        !self.take_fields(|key, value| found(Found::Field, key, value)) && self.take_module(found)
    }

    /// Takes a record up to its `MM` field and tells each of its fields. Whether that was all of it; if not, the rest is to be
    /// taken by [`Scanner::take_module`].
    #[inline(always)]
    pub fn take_fields(&mut self, mut found: impl FnMut(Range<usize>, Range<usize>)) -> bool {
        let (text, mut begin, mut marks) = (self.text.as_bytes(), self.begin, self.marks.clone());
        let mut is_all = false;
        while !is_all && !is_module(text, begin) {
            let mut equals = None;
            let end = loop {
                match marks.next() {
                    Some((at, b'=')) => equals = equals.or(Some(at)),
                    Some((at, mark @ (b',' | b'|'))) if !is_escaped(text, at) => {
                        is_all = mark == b'|';
                        break at;
                    }
                    Some((at, _)) => self.met_network_name |= begins_network_name(text, at),
                    None => {
                        is_all = true;
                        break text.len();
                    }
                }
            };
            if let Some(equals) = equals {
                found(begin..equals, equals + 1..end);
            }
            begin = end + 1;
        }
        (self.begin, self.marks) = (begin, marks);
        is_all
    }

    /// Takes an `MM` field and what comes behind it. Whether the field is one.
    pub fn take_module(&mut self, mut found: impl FnMut(Found, Range<usize>, Range<usize>)) -> bool {
        let (text, mut marks, found) = (self.text.as_bytes(), self.marks.clone(), &mut found);
        let mut field = Field::begin(text, self.begin);
        let mut items = Some(Items::begin(self.begin));
        let mut has_module = false;
        let end = loop {
            let Some((at, mark)) = marks.next() else { break text.len() };
            match mark {
                b'|' if !is_escaped(text, at) => break at,
                b'=' => field.equals = field.equals.or(Some(at)),
                b',' if field.ends(text, at) => {
                    has_module |= field.tell(at, found);
                    field = Field::begin(text, at + 1);
                    if let Some(items) = items.take_if(|_| field.is_module) {
                        items.end(text, at, found);
                    }
                }
                b'[' | b']' | b'{' | b'}' => {
                    self.met_network_name |= begins_network_name(text, at);
                    field.nest(mark);
                    if let Some(items) = &mut items {
                        items.note(text, at, mark, found);
                    }
                }
                _ => {}
            }
        };
        has_module |= field.tell(end, found);
        if let Some(items) = items {
            items.end(text, end, found);
        }
        (self.begin, self.marks) = (end + 1, marks);
        has_module
    }
}

/// Whether an `MM` field begins here.
#[inline(always)]
fn is_module(text: &[u8], begin: usize) -> bool {
    text.get(begin) == MODULE.first() && text.get(begin..).is_some_and(|rest| rest.starts_with(MODULE))
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
    equals: Option<usize>,
    /// An `MM` field goes up to the next comma outside brackets and braces, and holds no escapes.
    is_module: bool,
    in_brackets: bool,
    braces: usize,
}

impl Field {
    fn begin(text: &[u8], begin: usize) -> Self {
        Field { begin, equals: None, is_module: is_module(text, begin), in_brackets: false, braces: 0 }
    }

    /// Whether the comma at a place ends it.
    fn ends(&self, text: &[u8], at: usize) -> bool {
        if self.is_module { !self.in_brackets && self.braces == 0 } else { !is_escaped(text, at) }
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
        Items { begin, value: None }
    }

    fn note(&mut self, text: &[u8], at: usize, mark: u8, found: &mut impl FnMut(Found, Range<usize>, Range<usize>)) {
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
    fn end(&self, text: &[u8], end: usize, found: &mut impl FnMut(Found, Range<usize>, Range<usize>)) {
        if self.value.is_some() {
            self.tell(text, end, found);
        }
    }

    fn tell(&self, text: &[u8], end: usize, found: &mut impl FnMut(Found, Range<usize>, Range<usize>)) {
        let key_end = self.value.map_or(end, |value| value - 1);
        let before = text.get(self.begin..key_end).unwrap_or_default();
        let is_key = |byte: &u8| KEY_BYTES.get(usize::from(*byte)) == Some(&true);
        let from = before.iter().rposition(|byte| !is_key(byte)).map_or(0, |at| at + 1);
        let key = before.get(from..).unwrap_or_default().trim_ascii_start();
        let begin = key_end - key.len();
        let length = key.trim_ascii_end().len();
        if length > 0 {
            found(Found::Item, begin..begin + length, self.value.unwrap_or(end)..end);
        }
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
            Found::Field => fields.push((&text[key], &text[value])),
            Found::Item => items.push((&text[key], &text[value])),
        });
        assert_eq!(scanner.rest(), "");
        [fields, items]
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
