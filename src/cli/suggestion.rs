//! The subcommand that a mistyped word probably meant.

/// The most characters that may be wrong, and of how many one may be.
const DISTANCE_MAX: usize = 2;

/// The name that is closest to a word, if it is close enough to be meant.
pub fn closest(word: &str, names: impl Iterator<Item = &'static str>) -> Option<&'static str> {
    let near = names.map(|name| (distance(word, name), name));
    near.filter(|(distance, name)| *distance <= DISTANCE_MAX && distance * 2 <= name.len()).min().map(|(_, name)| name)
}

/// How many characters have to be inserted, removed or replaced to turn one word into the other (Levenshtein's distance).
/// `row` has the distances of what was read of `one` so far to each beginning of `other`.
fn distance(one: &str, other: &str) -> usize {
    let mut row: Vec<usize> = (0..=other.chars().count()).collect();
    for (read, char) in (1..).zip(one.chars()) {
        let mut next = vec![read];
        for ((above, char_of_other), left_above) in row.iter().skip(1).zip(other.chars()).zip(&row) {
            let left = next.last().copied().unwrap_or(read);
            let replaced = left_above + usize::from(char != char_of_other);
            next.push(replaced.min(above + 1).min(left + 1));
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        for (one, other, expected) in [
            ("kitten", "sitting", 3),
            ("", "abc", 3),
            ("abc", "", 3),
            ("abc", "abc", 0),
            ("ab", "ba", 2),
            ("flaw", "lawn", 2),
            ("m\u{fc}ller", "mueller", 2),
        ] {
            assert_eq!((distance(one, other), distance(other, one)), (expected, expected), "{one} {other}");
        }
    }

    #[test]
    fn only_what_is_close_is_meant() {
        let names = ["once", "demo", "check-config", "--version"];
        for (word, meant) in [
            ("onec", Some("once")),
            ("onc", Some("once")),
            ("chek-confg", Some("check-config")),
            ("--verison", Some("--version")),
            ("domo", Some("demo")),
            ("oo", None),
            ("x", None),
            ("", None),
        ] {
            assert_eq!(closest(word, names.into_iter()), meant, "{word}");
        }
    }
}
