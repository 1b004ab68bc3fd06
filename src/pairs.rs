//! The pairs of key and value that a record or an `MM` field is made of, found by their key.
//!
//! One poll asks for some 250 keys, among up to 80 pairs each. Going through the pairs every time was a third of what a
//! poll computes, so they are hashed as they come; a map of std would hash each key several times slower and take a
//! keyed hash's safety, which 2,048 pairs at most do not need: if all collide, finding one is as slow as it was.

/// Lists of pairs with the same hash. A record has 40 pairs, an `MM` field 80.
const LISTS: usize = 64;

/// Pairs in the order in which they came. Of a key that came twice, the first counts.
#[derive(Clone, Debug)]
pub struct Pairs<'a> {
    pairs: Vec<Pair<'a>>,
    /// The newest pair of each list: its place and one, or 0.
    newest: [u16; LISTS],
}

#[derive(Clone, Copy, Debug)]
struct Pair<'a> {
    key: &'a str,
    value: &'a str,
    /// The next older pair of the list, in the same way.
    older: u16,
}

impl Default for Pairs<'_> {
    fn default() -> Self {
        Pairs::with_capacity(0)
    }
}

impl<'a> Pairs<'a> {
    /// None yet, with room for so many.
    pub fn with_capacity(pairs: usize) -> Self {
        Pairs { pairs: Vec::with_capacity(pairs), newest: [0; LISTS] }
    }

    /// Adds a pair. After 65,535 there is no room; the limits of a reply are far below.
    pub fn push(&mut self, key: &'a str, value: &'a str) {
        let Ok(place) = u16::try_from(self.pairs.len() + 1) else { return };
        if let Some(newest) = self.newest.get_mut(list_of(key)) {
            self.pairs.push(Pair { key, value, older: std::mem::replace(newest, place) });
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.pairs.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&'a str> {
        let mut found = None;
        let mut place = self.newest.get(list_of(key)).copied().unwrap_or(0);
        while let Some(pair) = self.pairs.get(usize::from(place).wrapping_sub(1)) {
            if pair.key == key {
                found = Some(pair.value);
            }
            place = pair.older;
        }
        found
    }

    /// All pairs in their order.
    pub fn iter(&self) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.pairs.iter().map(|pair| (pair.key, pair.value))
    }
}

/// Keys differ in their length, their first and their last characters: `MHS 5m`, `MHS 15m`, `PVT_T0`, `PVT_V0`.
fn list_of(key: &str) -> usize {
    let sum = match key.as_bytes() {
        [first, .., before, last] => {
            [*first, *before, *last].iter().fold(key.len(), |sum, byte| sum * 5 + usize::from(*byte))
        }
        [first, ..] => usize::from(*first) + key.len(),
        [] => 0,
    };
    sum % LISTS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_found_and_the_first_counts() {
        let keys: Vec<String> = (0..500).map(|number| format!("K{number}")).collect();
        let mut pairs = Pairs::default();
        for (key, value) in keys.iter().zip(&keys).chain(keys.iter().zip(keys.iter().rev())) {
            pairs.push(key, value);
        }
        pairs.push("", "empty");
        pairs.push("ü", "short");
        for key in &keys {
            assert_eq!(pairs.get(key), Some(key.as_str()));
        }
        assert_eq!(
            (pairs.get(""), pairs.get("ü"), pairs.get("K"), pairs.get("K500")),
            (Some("empty"), Some("short"), None, None)
        );
        assert_eq!((pairs.len(), pairs.iter().nth(500)), (1002, Some(("K0", "K499"))));
    }

    /// Else the lists would be no better than one.
    #[test]
    fn real_keys_are_spread() {
        let reply = include_str!("../tests/captures/nano3s__25021401_56abae7__high.reply");
        let keys = reply.split([',', ' ', '|']).filter_map(|field| field.split(['=', '[']).next());
        let mut lists = [0; LISTS];
        keys.clone().for_each(|key| lists[list_of(key)] += 1);
        let longest = lists.iter().max().copied().unwrap_or(0);
        assert!(longest * 8 < keys.count(), "{longest}");
    }
}
