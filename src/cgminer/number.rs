//! Numbers as miners write them: in decimal, alone or in a list.

/// A decimal number, a trailing `%` aside. `nan`, `inf`, what overflows and what has junk about it is none.
pub fn number(text: impl AsRef<[u8]>) -> Option<f64> {
    let text = text.as_ref();
    match short_number(text) {
        Some((number, [] | [b'%'])) => Some(number),
        _ => long_number(text),
    }
}

/// A number as few are.
#[inline(never)]
fn long_number(text: &[u8]) -> Option<f64> {
    let text = str::from_utf8(text).ok()?.trim_matches(' ');
    any_number(text.strip_suffix('%').unwrap_or(text))
}

/// The numbers of a list; what is none keeps its place.
#[derive(Clone, Debug)]
pub struct Numbers<'a>(&'a [u8]);

impl<'a> Numbers<'a> {
    /// Those of this list.
    pub fn of(list: &'a str) -> Self {
        Numbers(list.as_bytes())
    }
}

/// The first word of a list, empty if there is none, and what comes after it.
#[inline(never)]
fn word(list: &[u8]) -> (&[u8], &[u8]) {
    let rest = list.trim_ascii_start();
    rest.split_at(rest.iter().position(u8::is_ascii_whitespace).unwrap_or(rest.len()))
}

impl Iterator for Numbers<'_> {
    type Item = Option<f64>;

    #[inline(always)]
    fn next(&mut self) -> Option<Self::Item> {
        while let [b' ', after @ ..] = self.0 {
            self.0 = after;
        }
        if let Some((number, after @ ([] | [b' ', ..]))) = short_number(self.0) {
            self.0 = after;
            return Some(Some(number));
        }
        let (word, after) = word(self.0);
        self.0 = after;
        (!word.is_empty()).then(|| number(word))
    }
}

/// What std takes for a number, but for "nan", "inf" and "infinity".
fn any_number(text: &str) -> Option<f64> {
    let decimal = |byte: u8| matches!(byte, b'0'..=b'9' | b'.' | b'-' | b'+' | b'e' | b'E');
    text.bytes().all(decimal).then(|| text.parse().ok()).flatten().filter(|value: &f64| value.is_finite())
}

/// A number as most are, and what comes after it: digits, the first character one of them, with or without a point among
/// them. Where they and the power of ten are exact in an `f64`, their quotient is the number nearest to the text.
#[inline(always)]
fn short_number(text: &[u8]) -> Option<(f64, &[u8])> {
    const POWERS: [f64; 10] = [1.0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9];
    const EXACT_MAX: i64 = 1 << f64::MANTISSA_DIGITS;
    const EXACT_DIGITS: usize = 15;
    const DIGITS_MAX: usize = 18;
    let (whole, rest) = digits(0, text);
    let length = text.len() - rest.len();
    let (number, rest, decimals) = match rest {
        [b'.', after @ ..] => {
            let (number, rest) = digits(whole, after);
            (number, rest, after.len() - rest.len())
        }
        _ => (whole, rest, 0),
    };
    let digits = length + decimals;
    if length == 0 || digits > EXACT_DIGITS && (digits > DIGITS_MAX || number > EXACT_MAX) {
        return None;
    }
    let number = number as f64;
    if decimals == 0 { Some((number, rest)) } else { Some((number / POWERS.get(decimals)?, rest)) }
}

/// A number, with the digits at the beginning of a text put behind it; and what comes after them.
#[inline(always)]
fn digits(number: i64, text: &[u8]) -> (i64, &[u8]) {
    let (mut number, mut rest) = (number, text);
    while let [byte, after @ ..] = rest {
        let digit = u32::from(*byte).wrapping_sub(u32::from(b'0'));
        if digit > 9 {
            break;
        }
        number = number.wrapping_mul(10).wrapping_add(digit.into());
        rest = after;
    }
    (number, rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alone() {
        for (text, value) in [
            ("7", Some(7.0)),
            (" -273 ", Some(-273.0)),
            ("1.768%", Some(1.768)),
            ("1e3", Some(1000.0)),
            ("nan", None),
            ("-nan", None),
            ("inf", None),
            ("1e999", None),
            ("1392832.1381104", Some(1_392_832.138_110_4)),
            ("2601024 B", None),
            ("", None),
            ("%", None),
            ("--1", None),
            ("5.", Some(5.0)),
            (".5", Some(0.5)),
            (".", None),
            ("1.2.3", None),
            ("18912256.00000000", Some(18_912_256.0)),
            ("0.123456789", Some(0.123_456_789)),
            ("0.1234567891", Some(0.123_456_789_1)),
            ("9007199254740993", Some(9_007_199_254_740_992.0)),
            ("91399620.84340797", Some(91_399_620.843_407_97)),
            ("747784910.27943236", Some(747_784_910.279_432_4)),
            ("999999999999999999", Some(1e18)),
            ("9999999999999999999", Some(1e19)),
        ] {
            assert_eq!(number(text), value, "{text:?}");
        }
        for number in (1..200_000_u64).step_by(7) {
            let text = format!("{}.{}", number.wrapping_mul(number) % 1_000_000_007, number % 10_007);
            assert_eq!(short_number(text.as_bytes()), text.parse().ok().map(|number| (number, &[][..])), "{text}");
        }
    }

    #[test]
    fn in_a_list() {
        let list = |text| Numbers::of(text).collect::<Vec<_>>();
        assert_eq!(
            list(" 86  nan\t1.5 -3 2x 9007199254740993 7%"),
            [Some(86.0), None, Some(1.5), Some(-3.0), None, Some(9_007_199_254_740_992.0), Some(7.0)]
        );
        assert_eq!((list("").len(), list("  ").len(), list("5 ").len()), (0, 0, 1));
    }
}
