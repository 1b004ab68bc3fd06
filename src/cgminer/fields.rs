//! The values of a reply, by record and key.
//!
//! Of some 300 pairs of a reply a poll asks for 230, and which those are is known while this is compiled. So each key that
//! anybody asks for has a number, a record is a row with a place for each, and what is under another key passes by. A map,
//! which takes whatever comes and finds each key a second time when it is asked for, cost more than all else that a poll
//! computes.

use std::ops::Range;

/// A number for each key, and 0 for none.
const NUMBERS: usize = 1 << u8::BITS;
/// Places of the hash table, most of which stay free.
const SLOTS: usize = 1024;

/// A set of keys.
#[derive(Debug)]
pub struct Keys {
    ends: [Ends; NUMBERS],
    texts: [&'static str; NUMBERS],
    count: usize,
    /// The number of a key, or 0. It is at its hash, or as soon behind it as there was a place.
    slots: [u8; SLOTS],
}

/// A key of a set, by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key(u8);

/// All of a key but the middle of a long one.
#[derive(Clone, Copy, Debug)]
struct Ends {
    first: u64,
    last: u64,
    length: usize,
}

/// The last bytes of a key, as many as these first ones.
#[inline(always)]
const fn last_chunk<'a, const N: usize>(key: &'a [u8], first: &'a [u8; N]) -> &'a [u8; N] {
    match key.last_chunk() {
        Some(last) => last,
        None => first,
    }
}

/// Longest key of which the ends are all.
const ENDS_BYTES: usize = 16;

impl Ends {
    #[inline(always)]
    const fn of(key: &[u8]) -> Self {
        let (first, last) = match key.first_chunk() {
            Some(first) => (u64::from_le_bytes(*first), u64::from_le_bytes(*last_chunk(key, first))),
            None => Self::of_short(key),
        };
        Ends { first, last, length: key.len() }
    }

    /// The ends of a key of less than eight bytes.
    #[inline(always)]
    const fn of_short(key: &[u8]) -> (u64, u64) {
        match (key.first_chunk(), key) {
            (Some(first), _) => (u32::from_le_bytes(*first) as u64, u32::from_le_bytes(*last_chunk(key, first)) as u64),
            (_, [first, second, last]) => ((*first as u64) << 8 | *second as u64, *last as u64),
            (_, [first, second]) => ((*first as u64) << 8 | *second as u64, 0),
            (_, [first]) => (*first as u64, 0),
            _ => (0, 0),
        }
    }

    #[inline(always)]
    const fn are(&self, other: &Self) -> bool {
        self.first == other.first && self.last == other.last && self.length == other.length
    }

    #[inline(always)]
    #[expect(clippy::cast_possible_truncation, reason = "ten bits are left")]
    const fn slot(&self) -> usize {
        // An odd number of many bits, of which the product's upper ones depend on all of the ends.
        const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
        let mixed = self.first ^ self.last.rotate_left(23);
        (mixed.wrapping_mul(FACTOR) >> (u64::BITS - SLOTS.ilog2())) as usize
    }
}

#[expect(clippy::indexing_slicing, reason = "no number of eight bits and no slot is out of range")]
impl Keys {
    /// The set of these. A text that comes twice is one key.
    ///
    /// # Panics
    /// If there are more than 255, which is meant to be seen while it is compiled.
    pub const fn new(lists: &[&[&'static str]]) -> Self {
        let none = Ends { first: 0, last: 0, length: 0 };
        let keys = Keys { ends: [none; NUMBERS], texts: [""; NUMBERS], count: 0, slots: [0; SLOTS] };
        keys.with(lists)
    }

    /// The set with these too.
    ///
    /// # Panics
    /// As [`Keys::new`].
    #[must_use]
    pub const fn with(mut self, lists: &[&[&'static str]]) -> Self {
        let mut lists = lists;
        while let [list, rest @ ..] = lists {
            let mut list = *list;
            while let [text, rest @ ..] = list {
                self.add(text);
                list = rest;
            }
            lists = rest;
        }
        self
    }

    #[expect(clippy::cast_possible_truncation, reason = "a larger number was no index")]
    const fn add(&mut self, text: &'static str) {
        if self.find(text.as_bytes()).is_some() {
            return;
        }
        let ends = Ends::of(text.as_bytes());
        let mut slot = ends.slot();
        while self.slots[slot] != 0 {
            slot = (slot + 1) % SLOTS;
        }
        self.count += 1;
        self.ends[self.count] = ends;
        self.texts[self.count] = text;
        self.slots[slot] = self.count as u8;
    }

    /// The key of this text, if it has one.
    #[inline(always)]
    pub const fn find(&self, text: &[u8]) -> Option<Key> {
        let ends = Ends::of(text);
        let mut slot = ends.slot();
        loop {
            let number = self.slots[slot];
            if number == 0 {
                return None;
            }
            if self.is(number, &ends, text) {
                return Some(Key(number));
            }
            slot = (slot + 1) % SLOTS;
        }
    }

    /// The key of a text that has one.
    ///
    /// # Panics
    /// If it has none, which is meant to be seen while it is compiled.
    #[expect(clippy::panic, reason = "a mistake of this program, seen while it is compiled")]
    pub const fn known(&self, text: &str) -> Key {
        match self.find(text.as_bytes()) {
            Some(key) => key,
            None => panic!("this key is not in the set"),
        }
    }

    #[inline(always)]
    const fn is(&self, number: u8, ends: &Ends, text: &[u8]) -> bool {
        self.ends[number as usize].are(ends) && (ends.length <= ENDS_BYTES || self.is_whole(number, text))
    }

    /// Whether a long text is the key of this number, of which it has the ends.
    const fn is_whole(&self, number: u8, text: &[u8]) -> bool {
        let (mut known, mut text) = (self.texts[number as usize].as_bytes(), text);
        while let (Some((eight, known_rest)), Some((other, rest))) =
            (known.split_first_chunk(), text.split_first_chunk())
        {
            if u64::from_le_bytes(*eight) != u64::from_le_bytes(*other) {
                return false;
            }
            (known, text) = (known_rest, rest);
        }
        true
    }
}

/// Where a value stands in the text: behind something, so that 0 is nowhere.
#[derive(Clone, Copy, Debug, Default)]
struct Place {
    begin: u32,
    end: u32,
}

static NO_PLACES: [Place; NUMBERS] = [Place { begin: 0, end: 0 }; NUMBERS];

/// Where the values of some records stand in a text: memory that serves one text after the other.
#[derive(Clone, Debug, Default)]
pub struct Table {
    width: usize,
    rows: usize,
    places: Vec<Place>,
}

impl Table {
    /// Removes all rows, and makes those to come as long as these keys need.
    pub fn clear(&mut self, keys: &Keys) {
        self.places.clear();
        (self.width, self.rows) = (keys.count + 1, 0);
    }

    /// How many rows there are.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Adds a row without values, to be filled.
    pub fn add(&mut self) -> NewRow<'_> {
        let begin = self.places.len();
        self.rows += 1;
        self.places.extend_from_slice(NO_PLACES.get(..self.width).unwrap_or_default());
        NewRow(self.places.get_mut(begin..).unwrap_or_default())
    }

    /// The row of this number.
    pub fn row(&self, number: usize) -> Row<'_> {
        let begin = number * self.width;
        Row(self.places.get(begin..begin + self.width).unwrap_or_default())
    }

    /// Bytes of memory that it holds.
    pub fn capacity(&self) -> usize {
        self.places.capacity() * size_of::<Place>()
    }
}

/// Where the values of a record stand, by key.
#[derive(Clone, Copy, Debug, Default)]
pub struct Row<'a>(&'a [Place]);

impl Row<'_> {
    /// The place of the value of a key.
    #[inline(always)]
    pub fn get(self, key: Key) -> Option<Range<usize>> {
        let Place { begin, end } = *self.0.get(usize::from(key.0)).filter(|place| place.begin > 0)?;
        Some(begin as usize..end as usize)
    }
}

/// A row that is being filled.
#[derive(Debug)]
pub struct NewRow<'a>(&'a mut [Place]);

impl NewRow<'_> {
    /// Notes where the value of a key stands, if the key is one of the set. Of one that came twice the first counts.
    #[inline(always)]
    pub fn put(&mut self, keys: &Keys, key: &[u8], value: Range<usize>) {
        let Some(key) = keys.find(key) else { return };
        let (Ok(begin), Ok(end)) = (u32::try_from(value.start), u32::try_from(value.end)) else { return };
        if let Some(place @ Place { begin: 0, .. }) = self.0.get_mut(usize::from(key.0)) {
            *place = Place { begin, end };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(texts: impl Iterator<Item = String>) -> (Keys, Vec<&'static str>) {
        let texts: Vec<&'static str> = texts.map(|text| &*text.leak()).collect();
        (Keys::new(&[&texts, &[], &texts]), texts)
    }

    #[test]
    fn every_key_is_found_and_no_other() {
        let (keys, texts) = keys((1..NUMBERS).map(|number| format!("K{number}")));
        for (number, text) in texts.iter().enumerate() {
            assert_eq!(keys.find(text.as_bytes()), Some(Key(u8::try_from(number + 1).unwrap())), "{text}");
        }
        assert_eq!([&b""[..], b"K", b"K00", b"K256", b"k1"].map(|text| keys.find(text)), [None; 5]);
    }

    #[test]
    #[should_panic(expected = "out of bounds")]
    fn too_many_keys_are_refused() {
        keys((0..NUMBERS).map(|number| format!("K{number}")));
    }

    /// Of the two ends, of the middle of a longer key, and of the whole of one yet longer.
    #[test]
    fn every_byte_of_a_key_counts() {
        for length in 1..50 {
            let (keys, texts) = keys([(0..length).map(|at| char::from(b'A' + at % 26)).collect()].into_iter());
            let text = texts[0];
            assert_eq!(keys.find(text.as_bytes()), Some(Key(1)));
            for at in 0..text.len() {
                let other = [&text[..at], &text[at..=at].to_lowercase(), &text[at + 1..]].concat();
                assert_eq!([&other, &text[..at]].map(|text| keys.find(text.as_bytes())), [None; 2], "{length} {at}");
            }
        }
        // The same ends, but not as far from each other.
        for length in 4..50 {
            let (keys, _) = keys([length, length + 2].into_iter().map(|length| "a".repeat(length)));
            let found = [length - 1, length, length + 1, length + 2, length + 3]
                .map(|length| keys.find("a".repeat(length).as_bytes()).map(|Key(number)| number));
            assert_eq!(found, [None, Some(1), None, Some(2), None], "{length}");
        }
    }

    #[test]
    fn the_first_value_of_a_key_counts() {
        let (keys, texts) = keys(["one", "other", "none"].map(str::to_owned).into_iter());
        let [one, other, none] = [0, 1, 2].map(|number| keys.known(texts[number]));
        let mut table = Table::default();
        assert_eq!((table.rows(), table.row(0).get(one)), (0, None));
        table.clear(&keys);
        let mut row = table.add();
        row.put(&keys, b"one", 2..4);
        row.put(&keys, b"one", 1..2);
        row.put(&keys, b"none", 5..5);
        row.put(&keys, b"on", 6..7);
        table.add().put(&keys, b"other", 7..9);
        assert_eq!([one, other, none].map(|key| table.row(0).get(key)), [Some(2..4), None, Some(5..5)]);
        assert_eq!([one, other, none].map(|key| table.row(1).get(key)), [None, Some(7..9), None]);
        assert_eq!((table.rows(), table.row(2).get(one)), (2, None));
        table.clear(&keys);
        table.add();
        assert_eq!(table.row(0).get(one), None);
    }
}
