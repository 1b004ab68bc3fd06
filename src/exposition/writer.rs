//! The Prometheus text format, version 0.0.4: families, samples, labels, escaping. It knows no miners and no HTTP.
//!
//! Format: <https://prometheus.io/docs/instrumenting/exposition_formats/>. A family's HELP and TYPE are written with
//! its first sample, so a family without a sample leaves no trace. Keeping a family in one group is up to the caller,
//! who writes one after the other.

use std::borrow::Cow;
use std::fmt::Write;
use std::ops::Range;

use crate::exposition::buffer::Buffer;

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

/// A text in a stock.
#[derive(Clone, Copy, Debug)]
struct Text {
    begin: u32,
    length: u32,
}

/// A label, in a stock.
#[derive(Clone, Copy, Debug)]
pub struct Part(Text);

/// All labels of a sample, in a stock.
#[derive(Clone, Copy, Debug)]
pub struct Labels(Text);

impl Text {
    fn range(self) -> Range<usize> {
        let begin = self.begin as usize;
        begin..begin + self.length as usize
    }
}

impl Stock {
    /// An empty stock.
    pub const fn new() -> Self {
        Stock(Vec::new())
    }

    /// Puts a label in stock that many samples have. A name must be a label's name; a value is cut to 128 characters and
    /// escaped.
    #[must_use]
    pub fn part(&mut self, name: &str, value: &str) -> Part {
        Part(self.add(|texts| push_label(texts, name, value)))
    }

    /// Puts all labels of a sample in stock: those of these parts, and more that no other sample has.
    #[must_use]
    pub fn labels<'n, 'v>(&mut self, parts: &[Part], more: impl IntoIterator<Item = (&'n str, &'v str)>) -> Labels {
        Labels(self.add(|texts| {
            let mut before = b'{';
            for part in parts {
                texts.push(std::mem::replace(&mut before, b','));
                texts.extend_from_within(part.0.range());
            }
            for (name, value) in more {
                texts.push(std::mem::replace(&mut before, b','));
                push_label(texts, name, value);
            }
            texts.extend_from_slice(if before == b'{' { b" " } else { b"} " });
        }))
    }

    /// Forgets its texts, but not the memory.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// Makes room for so many bytes more.
    pub fn reserve(&mut self, bytes: usize) {
        self.0.reserve(bytes);
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

    /// Copies a text to a place in a line, and some bytes from behind it. Returns where the text ends; none if it does not
    /// fit, or if there are not so many bytes behind it.
    #[inline(always)]
    fn copy(&self, text: Text, line: &mut Line, mut at: usize) -> Option<usize> {
        let Range { start: mut from, end } = text.range();
        while from < end {
            put::<BLOCK_BYTES>(line, at, *self.0.get(from..)?.first_chunk()?)?;
            (from, at) = (from + BLOCK_BYTES, at + BLOCK_BYTES);
        }
        Some(at + end - from)
    }
}

/// Texts are copied in blocks of so many bytes.
const BLOCK_BYTES: usize = 64;

/// Room for all but the longest lines.
type Line = [u8; 512];

/// Puts bytes into a line; none if they do not fit.
fn put<const N: usize>(line: &mut Line, at: usize, bytes: [u8; N]) -> Option<()> {
    *line.get_mut(at..)?.first_chunk_mut()? = bytes;
    Some(())
}

fn push_label(out: &mut Vec<u8>, name: &str, value: &str) {
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"=\"");
    push_escaped(out, value);
    out.push(b'"');
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
    family: &'a Family,
    has_samples: bool,
}

impl<'a> Writer<'a> {
    /// A writer that writes behind what `out` holds. `has_samples` says whether HELP and TYPE are written already.
    pub fn new(out: &'a mut Buffer, stock: &'a Stock, family: &'a Family, has_samples: bool) -> Self {
        Writer { out, stock, family, has_samples }
    }

    /// Whether the family has a sample by now.
    pub fn has_samples(&self) -> bool {
        self.has_samples
    }

    /// Writes samples until the text has so many bytes; it may have more by a line. Where the value is no number there is no
    /// sample. Returns how many were taken.
    pub fn samples(&mut self, labels: &[Labels], values: &[f64], bytes: usize) -> usize {
        let mut taken = 0;
        for (labels, value) in labels.iter().zip(values) {
            if self.out.len() >= bytes {
                break;
            }
            taken += 1;
            if !value.is_nan() {
                self.sample(labels.0, *value);
            }
        }
        taken
    }

    fn sample(&mut self, labels: Text, value: f64) {
        if !self.has_samples {
            self.begin();
        }
        let (stock, name) = (self.stock, self.family.text);
        let is_short = Short::new(value).is_some_and(|short| {
            let write = |line: &mut Line| {
                let end = stock.copy(name, line, 0)?;
                let end = stock.copy(labels, line, end)?;
                short.write(line, end)
            };
            self.out.fill(|line| write(line).unwrap_or(0)) > 0
        });
        if !is_short {
            for text in [name, labels] {
                self.out.push(stock.0.get(text.range()).unwrap_or_default());
            }
            push_value(self.out, value);
        }
    }

    #[cold]
    fn begin(&mut self) {
        self.has_samples = true;
        let Family { name, kind, help, .. } = *self.family;
        let is_plain = !help.bytes().any(|byte| matches!(byte, b'\\' | b'\n'));
        let escaped = || help.replace('\\', "\\\\").replace('\n', "\\n");
        let help = if is_plain { Cow::Borrowed(help) } else { Cow::Owned(escaped()) };
        for part in ["# HELP ", name, " ", &help, "\n# TYPE ", name, " ", kind.name(), "\n"] {
            self.out.push(part.as_bytes());
        }
    }
}

/// Writes any value and ends the line: the shortest text that reads back as the same number, with an exponent only where
/// digits would be mere zeros.
#[cold]
fn push_value(out: &mut Buffer, value: f64) {
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
    /// A whole number below 2^53 is further from each other one than from what reads back as itself. Below 2^33 an `f64` is
    /// nearer than a millionth to the next one, so two different numbers with six decimals are two different `f64`: if this
    /// one reads back as `value`, no shorter one does.
    #[expect(clippy::cast_possible_truncation, reason = "it is below 2^53")]
    fn new(value: f64) -> Option<Self> {
        const WHOLE_MAX: f64 = (1_u64 << f64::MANTISSA_DIGITS) as f64;
        const SIX_DECIMALS_MAX: f64 = (1_u64 << 33) as f64;
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
        if magnitude < SIX_DECIMALS_MAX && scaled as f64 / 1e6 == magnitude {
            let scaled = scaled.unsigned_abs();
            return Some(Short { is_negative, whole: scaled / 1_000_000, decimals: scaled % 1_000_000 });
        }
        None
    }

    /// Writes it to a place in a line, and the line's end. Returns where that is; none if they do not fit.
    fn write(&self, line: &mut Line, at: usize) -> Option<usize> {
        put(line, at, *b"-")?;
        let mut end = put_number(line, at + usize::from(self.is_negative), self.whole)?;
        if self.decimals > 0 {
            put(line, end, *b".")?;
            put(line, end + 1, two_digits(self.decimals / 10_000))?;
            put(line, end + 3, two_digits(self.decimals / 100))?;
            put(line, end + 5, two_digits(self.decimals))?;
            end += 7;
            while line.get(end - 1) == Some(&b'0') {
                end -= 1;
            }
        }
        put(line, end, *b"\n")?;
        Some(end + 1)
    }
}

/// Puts a number into a line. Returns where it ends.
fn put_number(line: &mut Line, at: usize, number: u64) -> Option<usize> {
    let length = if number < 10 { 1 } else { number.ilog10() as usize + 1 };
    let (mut end, mut left) = (at + length, number);
    while left >= 10 {
        end -= 2;
        put(line, end, two_digits(left))?;
        left /= 100;
    }
    if end > at {
        let [_, digit] = two_digits(left);
        put(line, at, [digit])?;
    }
    Some(at + length)
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
        let parts = [stock.part("ip", "a"), stock.part("chip", "7")];
        let one = stock.labels(&parts[..1], []);
        let many = stock.labels(&parts, [("url", "q\"b\\n\n"), ("c", "")]);
        let none = stock.labels(&[], []);
        let counter = Family::new(&mut stock, "x_total", Kind::Counter, "back\\slash\nline");
        let gauge = Family::new(&mut stock, "y", Kind::Gauge, "bare");
        let mut out = Buffer::default();
        let mut writer = Writer::new(&mut out, &stock, &counter, false);
        assert_eq!((writer.samples(&[one], &[f64::NAN], 1), writer.has_samples()), (1, false));
        assert_eq!((writer.samples(&[one; 2], &[1.0, 2.0], 1), writer.has_samples()), (1, true));
        let mut write = |family, has_samples, labels: &[_], values: &[_]| {
            let mut writer = Writer::new(&mut out, &stock, family, has_samples);
            assert_eq!(writer.samples(labels, values, usize::MAX), labels.len());
        };
        write(&counter, true, &[one, many], &[f64::NAN, 0.5]);
        write(&gauge, false, &[none], &[-3.25]);
        let expected = "# HELP x_total back\\\\slash\\nline\n# TYPE x_total counter\nx_total{ip=\"a\"} 1\n\
                        x_total{ip=\"a\",chip=\"7\",url=\"q\\\"b\\\\n\\n\",c=\"\"} 0.5\n\
                        # HELP y bare\n# TYPE y gauge\ny -3.25\n";
        assert_eq!(String::from_utf8(out.into_text()).unwrap(), expected);
    }

    /// Also those that end with the stock, or that no line has room for.
    #[test]
    fn names_and_labels_of_any_length() {
        let text = "abcdefghij".repeat(60);
        for (name, label) in (0..600).flat_map(|length| [(length, 3), (37, length), (length, 599 - length)]) {
            let mut stock = Stock::default();
            let family = Family::new(&mut stock, Box::leak(text[..name].to_owned().into_boxed_str()), Kind::Gauge, "");
            let labels = Labels(stock.add(|texts| texts.extend_from_slice(&text.as_bytes()[..label])));
            let mut out = Buffer::default();
            Writer::new(&mut out, &stock, &family, true).samples(&[labels; 2], &[7.25, 1.0 / 3.0], usize::MAX);
            let begin = text[..name].to_owned() + &text[..label];
            let expected = format!("{begin}7.25\n{begin}{}\n", 1.0 / 3.0);
            assert_eq!(String::from_utf8(out.into_text()).unwrap(), expected);
        }
    }

    #[test]
    fn labels_are_cut_before_they_are_escaped() {
        for (text, expected) in [("\"", "\\\""), ("\u{e9}", "\u{e9}")] {
            let mut stock = Stock::default();
            let _ = stock.labels(&[], [("url", &*text.repeat(200))]);
            assert_eq!(String::from_utf8(stock.0).unwrap(), format!("{{url=\"{}\"}} ", expected.repeat(128)));
        }
    }

    /// The quick way writes what std writes.
    #[test]
    fn short_numbers_are_those_of_std() {
        let mut quick = 0;
        for number in (0..400_000).map(f64::from) {
            for divisor in [1.0, 7.0, 10.0, 100.0, 1e3, 1e4, 1e5, 1e6, -1e-3, -16.0, 1e-9] {
                let (value, mut line) = (number / divisor, [0; 512]);
                if let Some(short) = Short::new(value) {
                    let end = short.write(&mut line, 1).unwrap();
                    assert_eq!(&line[1..end], format!("{value}\n").as_bytes());
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
            (1_795_366_322.673_333, "1795366322.673333"),
            (1_795_366_322.673_333_6, "1795366322.6733336"),
            (8_589_934_591.999_999, "8589934591.999999"),
            (8_589_934_592.000_001, "8589934592.000002"),
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
            let (mut stock, mut out) = (Stock::default(), Buffer::default());
            let (family, labels) = (Family::new(&mut stock, "x", Kind::Gauge, ""), stock.labels(&[], []));
            push_value(&mut out, value);
            Writer::new(&mut out, &stock, &family, true).samples(&[labels], &[value], 1000);
            assert_eq!((out.into_text(), text.parse()), (format!("{text}\nx {text}\n").into_bytes(), Ok(value)));
        }
    }
}
