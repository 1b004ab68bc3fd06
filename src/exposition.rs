//! The Prometheus text format, version 0.0.4: families, samples, labels, escaping. It knows no miners and no HTTP.
//!
//! Format: <https://prometheus.io/docs/instrumenting/exposition_formats/>. A family's HELP and TYPE are written with
//! its first sample, so a family without a sample leaves no trace. Keeping a family in one group is up to the caller,
//! who writes one after the other.

use std::fmt::Write;

use crate::buffer::{BLOCK_BYTES, Buffer};

/// The media type of a page.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Longest label value, in characters, before escaping. Real ones (pool addresses) stay well below.
pub const LABEL_CHARS_MAX: usize = 128;

/// Type of a metric family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// May go up and down.
    Gauge,
    /// Only goes up, or starts anew.
    Counter,
}

impl Kind {
    /// The word of the TYPE line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Gauge => "gauge",
            Self::Counter => "counter",
        }
    }
}

/// Names and labels, which a page writes again and again: each is made once.
#[derive(Clone, Debug, Default)]
pub struct Stock(Vec<u8>);

/// A text in a stock; by default the empty one.
#[derive(Clone, Copy, Debug, Default)]
pub struct Text {
    begin: u32,
    length: u32,
}

impl Stock {
    /// An empty stock with room for so many bytes.
    pub fn with_room(bytes: usize) -> Self {
        Stock(Vec::with_capacity(bytes))
    }

    /// The labels that come first in a sample. A name must be a label's name; a value is cut to 128 characters and escaped.
    #[must_use]
    pub fn first<'n, 'v>(&mut self, labels: impl IntoIterator<Item = (&'n str, &'v str)>) -> Text {
        self.add(|texts| push_labels(texts, b'{', labels))
    }

    /// Labels that come after others.
    #[must_use]
    pub fn more<'n, 'v>(&mut self, labels: impl IntoIterator<Item = (&'n str, &'v str)>) -> Text {
        self.add(|texts| push_labels(texts, b',', labels))
    }

    /// How many bytes of memory it takes.
    pub fn memory(&self) -> usize {
        self.0.capacity()
    }

    fn add(&mut self, push: impl FnOnce(&mut Vec<u8>)) -> Text {
        let begin = self.0.len();
        push(&mut self.0);
        let short = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        Text { begin: short(begin), length: short(self.0.len() - begin) }
    }

    #[inline(always)]
    fn copy(&self, text: Text, out: &mut Buffer) {
        let (mut from, mut left) = (text.begin as usize, text.length as usize);
        while left > 0 {
            let Some(block) = self.0.get(from..).and_then(<[u8]>::first_chunk) else {
                out.push(self.0.get(from..from + left).unwrap_or_default());
                return;
            };
            let length = left.min(BLOCK_BYTES);
            out.push_block(block, length);
            (from, left) = (from + length, left - length);
        }
    }
}

fn push_labels<'n, 'v>(out: &mut Vec<u8>, opening: u8, labels: impl IntoIterator<Item = (&'n str, &'v str)>) {
    let mut opening = opening;
    for (name, value) in labels {
        out.push(opening);
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b"=\"");
        push_escaped(out, value);
        out.push(b'"');
        opening = b',';
    }
}

fn push_escaped(out: &mut Vec<u8>, value: &str) {
    if value.len() <= LABEL_CHARS_MAX && !value.bytes().any(|byte| matches!(byte, b'\\' | b'"' | b'\n')) {
        out.extend_from_slice(value.as_bytes());
        return;
    }
    for char in value.chars().take(LABEL_CHARS_MAX) {
        match char {
            '\\' => out.extend_from_slice(b"\\\\"),
            '"' => out.extend_from_slice(b"\\\""),
            '\n' => out.extend_from_slice(b"\\n"),
            char => out.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
}

/// A family: its name and what its HELP and TYPE lines say.
#[derive(Clone, Copy, Debug)]
pub struct Family {
    name: &'static str,
    /// The name in the stock.
    text: Text,
    kind: Kind,
    help: &'static str,
}

impl Family {
    /// A family, its name put in the stock.
    pub fn new(stock: &mut Stock, name: &'static str, kind: Kind, help: &'static str) -> Self {
        Family { name, text: stock.add(|texts| texts.extend_from_slice(name.as_bytes())), kind, help }
    }
}

/// Writes the samples of a family.
#[derive(Debug)]
pub struct Writer<'a> {
    out: &'a mut Buffer,
    stock: &'a Stock,
    family: Family,
    has_samples: bool,
}

impl<'a> Writer<'a> {
    /// A writer that writes behind what `out` holds. `has_samples` says whether HELP and TYPE are written already.
    pub fn new(out: &'a mut Buffer, stock: &'a Stock, family: Family, has_samples: bool) -> Self {
        Writer { out, stock, family, has_samples }
    }

    /// Whether the family has a sample by now.
    pub fn has_samples(&self) -> bool {
        self.has_samples
    }

    /// How long the text is by now.
    pub fn length(&self) -> usize {
        self.out.len()
    }

    /// Writes a sample, with the labels that come first and others.
    pub fn sample(&mut self, first: Text, more: Text, value: f64) {
        self.begin();
        for text in [self.family.text, first, more] {
            self.stock.copy(text, self.out);
        }
        push_value(self.out, first.length + more.length > 0, value);
    }

    fn begin(&mut self) {
        if !std::mem::replace(&mut self.has_samples, true) {
            let Family { name, kind, help, .. } = self.family;
            let help = help.replace('\\', "\\\\").replace('\n', "\\n");
            for part in ["# HELP ", name, " ", &help, "\n# TYPE ", name, " ", kind.name(), "\n"] {
                self.out.push(part.as_bytes());
            }
        }
    }
}

/// Ends the labels, if there are any, and the line with the value: the shortest text that reads back as the same number, with
/// an exponent only where digits would be mere zeros.
fn push_value(out: &mut Buffer, has_labels: bool, value: f64) {
    if let Some(short) = Short::new(value) {
        out.fill_block(|block| short.write(block, has_labels));
        return;
    }
    out.push(if has_labels { b"} " } else { b" " });
    let magnitude = value.abs();
    let _ = if magnitude >= 1e21 || (magnitude < 1e-6 && magnitude > 0.0) {
        writeln!(out, "{value:e}")
    } else {
        writeln!(out, "{value}")
    };
}

/// A number as miners send them: few digits, six of them behind the point at most.
///
/// The general way finds its digits by search, which took half of a page's time.
struct Short {
    is_negative: bool,
    whole: u64,
    /// Six places behind the point.
    decimals: u64,
}

impl Short {
    /// None for all other numbers.
    ///
    /// A whole number below 2^53 is further from each other one than from what reads back as itself. Two different numbers of
    /// 15 digits are two different `f64`, so if this one reads back as `value`, no shorter one does.
    #[expect(clippy::cast_possible_truncation, reason = "it is below 2^53")]
    fn new(value: f64) -> Option<Self> {
        const WHOLE_MAX: f64 = (1_u64 << f64::MANTISSA_DIGITS) as f64;
        let (magnitude, is_negative) = (value.abs(), value.is_sign_negative());
        let whole = magnitude as i64;
        // Not even compared is what is no number.
        if magnitude < WHOLE_MAX && whole as f64 == magnitude {
            return (whole > 0 || !is_negative).then_some(Short {
                is_negative,
                whole: whole.unsigned_abs(),
                decimals: 0,
            });
        }
        let scaled = (magnitude * 1e6 + 0.5) as i64;
        if magnitude < 1e9 && scaled as f64 / 1e6 == magnitude {
            let scaled = scaled.unsigned_abs();
            return Some(Short { is_negative, whole: scaled / 1_000_000, decimals: scaled % 1_000_000 });
        }
        None
    }

    /// Writes a line's end into a block: that of the labels, and the number, 20 bytes at most. Returns their length.
    fn write(&self, block: &mut [u8; BLOCK_BYTES], has_labels: bool) -> usize {
        let (end_of_labels, begin) = if has_labels { (*b"} ", 2) } else { (*b"  ", 1) };
        put(block, 0, end_of_labels);
        put(block, begin, *b"-");
        let mut end = put_number(block, begin + usize::from(self.is_negative), self.whole);
        if self.decimals > 0 {
            put(block, end, *b".");
            put(block, end + 1, two_digits(self.decimals / 10_000));
            put(block, end + 3, two_digits(self.decimals / 100));
            put(block, end + 5, two_digits(self.decimals));
            let zeros = [10, 100, 1000, 10_000, 100_000]
                .into_iter()
                .take_while(|power| self.decimals.is_multiple_of(*power))
                .count();
            end += 7 - zeros;
        }
        put(block, end, *b"\n");
        end + 1
    }
}

/// Puts bytes into a block.
fn put<const N: usize>(block: &mut [u8; BLOCK_BYTES], at: usize, bytes: [u8; N]) {
    if let Some(place) = block.get_mut(at..).and_then(<[u8]>::first_chunk_mut) {
        *place = bytes;
    }
}

/// Puts a number into a block. Returns where it ends.
fn put_number(block: &mut [u8; BLOCK_BYTES], at: usize, number: u64) -> usize {
    if number < 10 {
        let [_, digit] = two_digits(number);
        put(block, at, [digit]);
        return at + 1;
    }
    let at = if number < 100 { at } else { put_number(block, at, number / 100) };
    put(block, at, two_digits(number));
    at + 2
}

/// The last two digits of a number.
fn two_digits(number: u64) -> [u8; 2] {
    #[expect(clippy::indexing_slicing, reason = "computed while it is compiled")]
    const ALL: [[u8; 2]; 100] = {
        let mut all = [[0; 2]; 100];
        let mut number = 0_u8;
        while number < 100 {
            all[number as usize] = [b'0' + number / 10, b'0' + number % 10];
            number += 1;
        }
        all
    };
    ALL.get((number % 100) as usize).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_samples_and_escapes() {
        let mut stock = Stock::default();
        let ip = stock.first([("ip", "a")]);
        let chip = stock.more([("chip", "7"), ("url", "q\"b\\n\n"), ("c", "")]);
        let none = Text::default();
        let counter = Family::new(&mut stock, "x_total", Kind::Counter, "back\\slash\nline");
        let gauge = Family::new(&mut stock, "y", Kind::Gauge, "bare");
        let mut out = Buffer::default();
        assert!(!Writer::new(&mut out, &stock, counter, false).has_samples());
        let mut writer = Writer::new(&mut out, &stock, counter, false);
        writer.sample(ip, none, 1.0);
        assert!(writer.has_samples());
        Writer::new(&mut out, &stock, counter, true).sample(ip, chip, 0.5);
        Writer::new(&mut out, &stock, gauge, false).sample(none, none, -3.25);
        let expected = "# HELP x_total back\\\\slash\\nline\n# TYPE x_total counter\nx_total{ip=\"a\"} 1\n\
                        x_total{ip=\"a\",chip=\"7\",url=\"q\\\"b\\\\n\\n\",c=\"\"} 0.5\n\
                        # HELP y bare\n# TYPE y gauge\ny -3.25\n";
        assert_eq!(String::from_utf8(out.into_text()).unwrap(), expected);
    }

    #[test]
    fn texts_of_any_length_are_copied() {
        let mut stock = Stock::default();
        let names: Vec<String> = (0..100).map(|length| "abcdefghij".repeat(10)[..length].to_owned()).collect();
        let texts: Vec<Text> =
            names.iter().map(|name| stock.add(|texts| texts.extend_from_slice(name.as_bytes()))).collect();
        let mut out = Buffer::default();
        texts.into_iter().rev().for_each(|text| stock.copy(text, &mut out));
        assert_eq!(
            String::from_utf8(out.into_text()).unwrap(),
            names.iter().rev().map(String::as_str).collect::<String>()
        );
    }

    #[test]
    fn labels_are_cut_before_they_are_escaped() {
        for (text, expected) in [("\"", "\\\""), ("\u{e9}", "\u{e9}")] {
            let mut stock = Stock::default();
            let labels = stock.first([("url", &*text.repeat(200))]);
            let mut out = Buffer::default();
            stock.copy(labels, &mut out);
            assert_eq!(String::from_utf8(out.into_text()).unwrap(), format!("{{url=\"{}\"", expected.repeat(128)));
        }
    }

    /// The quick way writes what std writes.
    #[test]
    fn short_numbers_are_those_of_std() {
        let mut quick = 0;
        for number in (0..400_000).map(f64::from) {
            for divisor in [1.0, 7.0, 10.0, 100.0, 1e3, 1e4, 1e5, 1e6, -1e-3, -16.0, 1e-9] {
                let (value, mut out) = (number / divisor, Buffer::default());
                if let Some(short) = Short::new(value) {
                    out.fill_block(|block| short.write(block, true));
                    assert_eq!(out.text(), format!("}} {value}\n").as_bytes());
                    quick += 1;
                }
            }
        }
        assert!(quick > 3_300_000, "{quick}");
    }

    #[test]
    fn numbers() {
        for (value, text) in [
            (0.0, "0"),
            (-273.0, "-273"),
            (3.03, "3.03"),
            (-9_007_199_254_740_991.0, "-9007199254740991"),
            (9_007_199_254_740_992.0, "9007199254740992"),
            (82_265_459_736_000_000.0, "82265459736000000"),
            (-999_999_999.999_999, "-999999999.999999"),
            (1_000_000_000.000_001, "1000000000.000001"),
            (1_679_772_288_024.0, "1679772288024"),
            (1e21, "1e21"),
            (1e308, "1e308"),
            (1e-6, "0.000001"),
            (5e-324, "5e-324"),
            (-0.0, "-0"),
            (0.0001, "0.0001"),
            (-12.0506, "-12.0506"),
            (0.000_11, "0.00011"),
            (6423.03, "6423.03"),
            (3.030_000_000_000_000_2, "3.0300000000000002"),
            (99_999_999_999.999_9, "99999999999.9999"),
            (100_000_000_000.5, "100000000000.5"),
            (1e15, "1000000000000000"),
            (f64::MAX, "1.7976931348623157e308"),
        ] {
            let mut out = Buffer::default();
            push_value(&mut out, true, value);
            push_value(&mut out, false, value);
            assert_eq!((out.into_text(), text.parse()), (format!("}} {text}\n {text}\n").into_bytes(), Ok(value)));
        }
    }
}
