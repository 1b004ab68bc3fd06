//! The keys and values of a whole reply, found by record and key.
//!
//! One poll asks for some 230 keys among 300. Going through the pairs of a record every time was a third of what a poll
//! computes, so they are hashed as they come; a map of std would hash each key several times slower and take a keyed
//! hash's safety, which a few thousand pairs do not need: if all collide, finding one is as slow as it was. All pairs of a
//! reply are in one list, since a list for each record is an allocation for each.

use std::ops::Range;

/// Chains of pairs with the same hash. A reply has some 300 pairs.
const CHAINS: usize = 512;

/// Pairs in the order in which they came, each in a group. Of a key that came twice in a group, the first counts.
///
/// A pair is kept as its places in the text, so that the memory can serve one reply after the other.
#[derive(Clone, Debug)]
pub struct Pairs {
    pairs: Vec<Pair>,
    /// The oldest and the newest pair of each chain: its place and one, or 0. In a box, since `Pairs` go from hand to hand on
    /// the stack of a poll's thread, which is new: each page of it that is touched costs a page fault.
    chains: Box<[(u16, u16); CHAINS]>,
}

#[derive(Clone, Copy, Debug)]
struct Pair {
    name: Name,
    key: u32,
    value: u32,
    value_length: u32,
    /// The next newer pair of the chain, as in `chains`.
    newer: u16,
}

impl Pair {
    fn key(self, text: &str) -> Option<&str> {
        let begin = self.key as usize;
        text.get(begin..begin + usize::from(self.name.length))
    }

    /// Whether its key is this one, which has the same name.
    fn is_in_whole(self, text: &str, key: &str) -> bool {
        // The eight bytes behind the first eight are all that a name of this length does not tell.
        let middle = |key: &str| Some(*key.as_bytes().get(8..)?.first_chunk::<8>()?);
        match self.name.length {
            ..=16 => true,
            17..=24 => self.key(text).and_then(middle) == middle(key),
            _ => self.key(text) == Some(key),
        }
    }

    /// Where its value stands.
    fn value(self) -> Range<usize> {
        let begin = self.value as usize;
        begin..begin + self.value_length as usize
    }
}

/// What a pair is found by: its group and its key, of which the ends tell all but the middle of a long one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Name {
    first: u64,
    last: u64,
    length: u16,
    group: u16,
}

impl Name {
    /// None if the key is too long.
    #[inline]
    fn new(group: u16, key: &[u8]) -> Option<Self> {
        let eight = |bytes: Option<&[u8; 8]>| bytes.map_or(0, |bytes| u64::from_le_bytes(*bytes));
        let four = |bytes: Option<&[u8; 4]>| bytes.map_or(0, |bytes| u64::from(u32::from_le_bytes(*bytes)));
        let (first, last) = match key {
            [_, _, _, _, _, _, _, _, ..] => (eight(key.first_chunk()), eight(key.last_chunk())),
            [_, _, _, _, ..] => (four(key.first_chunk()), four(key.last_chunk())),
            [first, second, rest @ ..] => {
                (u64::from(*first) << 8 | u64::from(*second), u64::from(rest.first().copied().unwrap_or(0)))
            }
            [only] => (u64::from(*only), 0),
            [] => (0, 0),
        };
        Some(Name { first, last, length: u16::try_from(key.len()).ok()?, group })
    }

    /// The chain of all pairs of this name, and of others.
    #[expect(clippy::cast_possible_truncation, reason = "nine bits are left")]
    fn chain(self) -> usize {
        // An odd number of many bits, of which the product's upper ones depend on all of the name.
        const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
        let ends = self.first ^ self.last.rotate_left(23);
        let mixed = ends ^ u64::from(self.length) ^ u64::from(self.group) << 6;
        (mixed.wrapping_mul(FACTOR) >> (u64::BITS - CHAINS.ilog2())) as usize
    }
}

impl Default for Pairs {
    fn default() -> Self {
        Pairs { pairs: Vec::new(), chains: Box::new([(0, 0); CHAINS]) }
    }
}

impl Pairs {
    /// Forgets them, but not the memory.
    pub fn clear(&mut self) {
        self.pairs.clear();
        self.chains.fill((0, 0));
    }

    /// How many there is room for.
    pub fn capacity(&self) -> usize {
        self.pairs.capacity()
    }

    /// Adds a pair, key and value by their places in the text; false if its key is too long, or if there are 65,535: a reply
    /// of a mebibyte shall not take a hundred times that in memory.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "key and value begin before the value's end, which fits")]
    pub fn push(&mut self, text: &str, group: u16, key: Range<usize>, value: Range<usize>) -> bool {
        let Some(name) = text.as_bytes().get(key.clone()).and_then(|key| Name::new(group, key)) else { return false };
        let Some((oldest, newest)) = self.chains.get_mut(name.chain()) else { return false };
        let next = self.pairs.len() + 1;
        if key.start.max(value.end) > u32::MAX as usize || next > usize::from(u16::MAX) {
            return false;
        }
        match self.pairs.get_mut(place(*newest)) {
            Some(pair) => pair.newer = next as u16,
            None => *oldest = next as u16,
        }
        *newest = next as u16;
        self.pairs.push(Pair {
            name,
            key: key.start as u32,
            value: value.start as u32,
            value_length: value.len() as u32,
            newer: 0,
        });
        true
    }

    /// The value of a key in a group, of the same text.
    pub fn get<'t>(&self, text: &'t str, group: u16, key: &str) -> Option<&'t str> {
        text.get(self.find(text, group, key)?.value())
    }

    /// The same as bytes, which takes no look at where its characters begin.
    pub fn bytes<'t>(&self, text: &'t str, group: u16, key: &str) -> Option<&'t [u8]> {
        text.as_bytes().get(self.find(text, group, key)?.value())
    }

    #[inline(always)]
    fn find(&self, text: &str, group: u16, key: &str) -> Option<&Pair> {
        let name = Name::new(group, key.as_bytes())?;
        let (oldest, _) = self.chains.get(name.chain())?;
        let mut pair = self.pairs.get(place(*oldest))?;
        while pair.name != name || !pair.is_in_whole(text, key) {
            pair = self.pairs.get(place(pair.newer))?;
        }
        Some(pair)
    }

    /// The pairs of a group in their order.
    pub fn of<'t>(&self, text: &'t str, group: u16) -> impl Iterator<Item = (&'t str, &'t str)> {
        let pairs = self.pairs.iter().filter(move |pair| pair.name.group == group);
        pairs.filter_map(|pair| Some((pair.key(text)?, text.get(pair.value())?)))
    }
}

/// Where a pair is that `chains` or another pair names; nowhere for 0.
fn place(name: u16) -> usize {
    usize::from(name).wrapping_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_found_and_the_first_counts() {
        let keys: Vec<String> = (0..500).map(|number| format!("K{number}")).chain(["ü".into()]).collect();
        let text = keys.join("");
        let mut begin = 0;
        let mut place = |key: &String| {
            begin += key.len();
            begin - key.len()..begin
        };
        let places: Vec<_> = keys.iter().map(&mut place).collect();
        let mut pairs = Pairs::default();
        for round in 0..2 {
            for (key, value) in places.iter().zip(places.iter().rev()) {
                assert!(pairs.push(&text, 1, key.clone(), if round == 0 { key } else { value }.clone()));
                assert!(pairs.push(&text, 2, key.clone(), 0..1));
            }
        }
        assert!(pairs.push(&text, 1, 0..0, 0..2));
        for key in &keys {
            assert_eq!((pairs.get(&text, 1, key), pairs.get(&text, 2, key)), (Some(key.as_str()), Some("K")));
        }
        let get = |group, key| pairs.get(&text, group, key);
        assert_eq!((get(1, ""), get(1, "K"), get(1, "K500"), get(3, "K1")), (Some("K0"), None, None, None));
        let of = |group| pairs.of(&text, group);
        assert_eq!((of(1).count(), of(1).nth(501), of(3).count()), (1003, Some(("K0", "ü")), 0));
        pairs.clear();
        assert_eq!((pairs.get(&text, 1, "K1"), pairs.of(&text, 1).count()), (None, 0));
    }

    /// Of the two ends that a name has, of the middle of a longer key, and of the whole of one yet longer.
    #[test]
    fn every_byte_of_a_key_counts() {
        for length in 1..40 {
            let key: String = (0..length).map(|at| char::from(b'A' + at % 26)).collect();
            for at in 0..key.len() {
                let other = [&key[..at], &key[at..=at].to_lowercase(), &key[at + 1..]].concat();
                let text = [key.as_str(), &other].concat();
                let mut pairs = Pairs::default();
                assert!(pairs.push(&text, 0, 0..key.len(), 0..1));
                assert_eq!(pairs.get(&text, 0, &key), Some("A"));
                assert_eq!([&other, &key[..at]].map(|key| pairs.get(&text, 0, key)), [None; 2], "{length} {at}");
            }
        }
    }

    #[test]
    fn there_is_an_end() {
        let mut pairs = Pairs::default();
        let pushed = (0..100_000_u32).filter(|_| pairs.push("ab", 0, 0..1, 1..2)).count();
        assert_eq!(pushed, 65_535);
        let long = "k".repeat(70_000);
        let mut pairs = Pairs::default();
        assert!(!pairs.push(&long, 0, 0..70_000, 0..0) && !pairs.push(&long, 0, 0..70_001, 0..0));
        assert!(pairs.push(&long, 0, 0..60_000, 0..70_000));
        assert_eq!(pairs.get(&long, 0, &long[..60_000]), Some(&long[..]));
    }

    /// Else the chains would be no better than one.
    #[test]
    fn real_keys_are_spread() {
        let reply = include_str!("../tests/captures/nano3s__25021401_56abae7__high.reply");
        let mut chains = [0; CHAINS];
        let mut count = 0;
        for (group, record) in reply.split('|').enumerate() {
            for key in record.split([',', ' ']).filter_map(|field| field.split_once(['=', '['])).map(|(key, _)| key) {
                chains[Name::new(u16::try_from(group).unwrap(), key.as_bytes()).unwrap().chain()] += 1;
                count += 1;
            }
        }
        let steps: usize = chains.iter().map(|length| length * length).sum();
        assert!(count > 350 && steps < count * 5 / 2, "{steps} steps to find {count}");
    }
}
