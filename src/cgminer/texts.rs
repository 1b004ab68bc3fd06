//! Some texts in one piece of memory.
//!
//! A poll keeps some twenty short texts of a miner. One allocation each, and as many when the next poll replaces them,
//! was a good part of what a poll cost, above all in the static program, whose allocator has one lock for all threads.

/// `N` texts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Texts<const N: usize> {
    joined: String,
    /// Where each ends.
    ends: [usize; N],
}

/// Room to begin with: what real miners say of themselves, or of one pool.
const BYTES: usize = 128;

impl<const N: usize> Texts<N> {
    /// The texts that `append` appends, called with the number of each.
    pub fn new(append: impl FnMut(usize, &mut String)) -> Self {
        let mut texts = Self::default();
        texts.replace(append);
        texts
    }

    /// Replaces them by those that `append` appends.
    pub fn replace(&mut self, mut append: impl FnMut(usize, &mut String)) {
        self.joined.clear();
        self.joined.reserve(BYTES);
        for (number, end) in self.ends.iter_mut().enumerate() {
            append(number, &mut self.joined);
            *end = self.joined.len();
        }
    }

    /// All of them.
    pub fn all(&self) -> [&str; N] {
        let mut begin = 0;
        self.ends.map(|end| self.joined.get(std::mem::replace(&mut begin, end)..end).unwrap_or_default())
    }
}

impl<const N: usize> Default for Texts<N> {
    fn default() -> Self {
        Texts { joined: String::new(), ends: [0; N] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_what_was_appended() {
        let mut texts = Texts::<4>::new(|number, text| text.push_str(["a", "", "ü=", "d"][number]));
        assert_eq!(texts.all(), ["a", "", "ü=", "d"]);
        texts.replace(|number, text| text.push_str(["", "b", "", "c"][number]));
        assert_eq!(texts.all(), ["", "b", "", "c"]);
        assert_eq!(Texts::<2>::default().all(), ["", ""]);
    }
}
