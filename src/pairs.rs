//! The keys and values of a whole reply, found by record and key.
//!
//! One poll asks for some 250 keys among 400. Going through the pairs of a record every time was a third of what a poll
//! computes, so they are hashed as they come; a map of std would hash each key several times slower and take a keyed
//! hash's safety, which a few thousand pairs do not need: if all collide, finding one is as slow as it was. All pairs of a
//! reply are in one list, since a list for each record is an allocation for each.

use std::ops::Range;

/// Chains of pairs with the same hash. A reply has some 400 pairs.
const CHAINS: usize = 512;

/// Pairs in the order in which they came, each in a group. Of a key that came twice in a group, the first counts.
///
/// A pair is kept as its places in the text, so that the memory can serve one reply after the other.
#[derive(Clone, Debug)]
pub struct Pairs {
    pairs: Vec<Pair>,
    /// The oldest and the newest pair of each chain: its place and one, or 0.
    chains: [(u16, u16); CHAINS],
}

#[derive(Clone, Copy, Debug)]
struct Pair {
    key: u32,
    value: u32,
    value_length: u32,
    key_length: u16,
    group: u16,
    /// The next newer pair of the chain, as in `chains`.
    newer: u16,
}

impl Pair {
    fn key(self, text: &str) -> Option<&[u8]> {
        let begin = self.key as usize;
        text.as_bytes().get(begin..begin + usize::from(self.key_length))
    }

    fn value(self, text: &str) -> Option<&str> {
        let begin = self.value as usize;
        text.get(begin..begin + self.value_length as usize)
    }
}

impl Default for Pairs {
    fn default() -> Self {
        Pairs { pairs: Vec::new(), chains: [(0, 0); CHAINS] }
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
        let Some(name) = text.as_bytes().get(key.clone()) else { return false };
        let Some((oldest, newest)) = self.chains.get_mut(chain(group, name)) else { return false };
        let next = self.pairs.len() + 1;
        if key.start.max(value.end) > u32::MAX as usize || name.len().max(next) > usize::from(u16::MAX) {
            return false;
        }
        match self.pairs.get_mut(place(*newest)) {
            Some(pair) => pair.newer = next as u16,
            None => *oldest = next as u16,
        }
        *newest = next as u16;
        self.pairs.push(Pair {
            key: key.start as u32,
            value: value.start as u32,
            value_length: value.len() as u32,
            key_length: name.len() as u16,
            group,
            newer: 0,
        });
        true
    }

    /// The value of a key in a group, of the same text.
    pub fn get<'t>(&self, text: &'t str, group: u16, key: &str) -> Option<&'t str> {
        let (oldest, _) = self.chains.get(chain(group, key.as_bytes()))?;
        let mut pair = self.pairs.get(place(*oldest))?;
        while pair.group != group || !pair.key(text).is_some_and(|of| is_same(of, key.as_bytes())) {
            pair = self.pairs.get(place(pair.newer))?;
        }
        pair.value(text)
    }

    /// The pairs of a group in their order.
    pub fn of<'t>(&self, text: &'t str, group: u16) -> impl Iterator<Item = (&'t str, &'t str)> {
        let pairs = self.pairs.iter().filter(move |pair| pair.group == group);
        pairs.filter_map(|pair| Some((str::from_utf8(pair.key(text)?).ok()?, pair.value(text)?)))
    }
}

/// Whether two keys are the same. Most are short, and the static program's library compares byte by byte.
fn is_same(one: &[u8], other: &[u8]) -> bool {
    fn ends<const N: usize>(key: &[u8]) -> Option<([u8; N], [u8; N])> {
        Some((*key.first_chunk()?, *key.last_chunk()?))
    }
    one.len() == other.len()
        && match one.len() {
            4..=8 => ends::<4>(one) == ends(other),
            9..=16 => ends::<8>(one) == ends(other),
            _ => one == other,
        }
}

/// Where a pair is that `chains` or another pair names; nowhere for 0.
fn place(name: u16) -> usize {
    usize::from(name).wrapping_sub(1)
}

/// Keys differ in their length, their first and their last characters: `MHS 5m`, `MHS 15m`, `PVT_T0`, `PVT_V0`.
fn chain(group: u16, key: &[u8]) -> usize {
    let (first, before, last) = match key {
        [first, .., before, last] => (*first, *before, *last),
        [first, rest @ ..] => (*first, 0, rest.first().copied().unwrap_or(0)),
        [] => (0, 0, 0),
    };
    let length = key.len() + usize::from(group) * 67;
    (length * 125 + usize::from(first) * 25 + usize::from(before) * 5 + usize::from(last)) % CHAINS
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

    #[test]
    fn keys_are_the_same_in_every_byte() {
        for length in 0..20 {
            let key: Vec<u8> = (0..length).collect();
            assert!(is_same(&key, &key.clone()));
            for at in 0..key.len() {
                let mut other = key.clone();
                other[at] ^= 0x20;
                assert!(!is_same(&key, &other) && !is_same(&key, &key[..at]), "{length} {at}");
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
                chains[chain(u16::try_from(group).unwrap(), key.as_bytes())] += 1;
                count += 1;
            }
        }
        let steps: usize = chains.iter().map(|length| length * length).sum();
        assert!(count > 350 && steps < count * 5 / 2, "{steps} steps to find {count}");
    }
}
