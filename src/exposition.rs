//! The Prometheus text format, version 0.0.4: families, samples, labels, escaping. It knows no miners and no HTTP.
//!
//! Format: <https://prometheus.io/docs/instrumenting/exposition_formats/>. A family's HELP and TYPE are written with
//! its first sample, so a family without a sample leaves no trace. Keeping a family in one group is up to the caller,
//! who writes one [`Family`] after the other.

use std::borrow::Cow;
use std::io::Write;
use std::ops::Range;

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

/// What a sample has between its name and its value, `{ip="192.168.1.50",chip="007"} `, by its place in the page's texts.
#[derive(Clone, Copy, Debug, Default)]
pub struct Labels(Place);

/// A place in the page's texts. Of longer ones, which the limits of labels forbid, the end would be lost.
#[derive(Clone, Copy, Debug, Default)]
struct Place {
    begin: u32,
    length: u16,
}

/// A page, not yet put together: what differs from sample to sample, and once each what does not.
///
/// That is a fifth of its text, which has tens of megabytes with a large fleet; memory for it would cost more time than
/// writing it. So the text comes into being in [`Pieces`], as somebody takes it.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// Heads and names of families, labels.
    texts: Vec<u8>,
    /// The values, each with the end of its line.
    values: Vec<u8>,
    families: Vec<FamilyOf>,
    samples: Vec<Sample>,
    length: usize,
}

/// A page under construction.
#[derive(Debug)]
pub struct Writer(Page);

/// Room to begin with, in bytes of texts and in samples: what one miner needs.
const TEXTS: usize = 48 << 10;
const SAMPLES: usize = 512;

impl Default for Writer {
    fn default() -> Self {
        let (texts, values) = (Vec::with_capacity(TEXTS), Vec::with_capacity(SAMPLES * 8));
        Writer(Page { texts, values, samples: Vec::with_capacity(SAMPLES), ..Page::default() })
    }
}

#[derive(Clone, Copy, Debug)]
struct FamilyOf {
    head: Place,
    name: Place,
    first: usize,
}

#[derive(Clone, Copy, Debug)]
struct Sample {
    labels: Place,
    value_length: u16,
}

impl Writer {
    /// Some labels and some more. A name must be a label's name; a value is cut to 128 characters and escaped.
    #[must_use]
    pub fn labels<'n, 'v>(&mut self, base: Labels, more: impl IntoIterator<Item = (&'n str, &'v str)>) -> Labels {
        let texts = &mut self.0.texts;
        let begin = texts.len();
        // Without the end, `} `; where there are no labels, it is one space.
        let base = base.0.range();
        texts.extend_from_within(base.start..base.end.saturating_sub(2).max(base.start));
        for (name, value) in more {
            texts.push(if texts.len() == begin { b'{' } else { b',' });
            texts.extend_from_slice(name.as_bytes());
            texts.extend_from_slice(b"=\"");
            push_escaped(texts, value);
            texts.push(b'"');
        }
        texts.extend_from_slice(if texts.len() == begin { b" " } else { b"} " });
        Labels(self.0.place(begin))
    }

    /// Begins a family; nothing is written before its first sample.
    pub fn family<'a>(&'a mut self, name: &'a str, kind: Kind, help: &'a str) -> Family<'a> {
        Family { page: &mut self.0, name, head: Some((kind, help)) }
    }

    /// The finished page.
    pub fn finish(self) -> Page {
        let mut page = self.0;
        page.texts.extend_from_slice(&[0; BLOCK_BYTES]);
        page.values.extend_from_slice(&[0; BLOCK_BYTES]);
        page.texts.shrink_to_fit();
        page.values.shrink_to_fit();
        page.samples.shrink_to_fit();
        page
    }
}

impl Page {
    /// What was written since then.
    fn place(&self, begin: usize) -> Place {
        let length = u16::try_from(self.texts.len() - begin).unwrap_or(u16::MAX);
        Place { begin: u32::try_from(begin).unwrap_or(u32::MAX), length }
    }

    /// Length of its text, in bytes.
    pub fn len(&self) -> usize {
        self.length
    }

    /// Whether it has no sample.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// How many bytes of memory it takes.
    pub fn memory(&self) -> usize {
        self.texts.capacity() + self.values.capacity() + self.samples.capacity() * size_of::<Sample>()
    }

    /// Its text, from the beginning.
    pub fn pieces(&self) -> Pieces<'_> {
        Pieces { page: self, name: Place::default(), family: 0, sample: 0, value: 0 }
    }

    /// Its whole text.
    pub fn to_text(&self) -> String {
        let mut text = vec![0; self.length + BLOCK_BYTES];
        let length = self.pieces().fill(&mut text);
        text.truncate(length);
        String::from_utf8(text).unwrap_or_default()
    }
}

impl Place {
    fn range(self) -> Range<usize> {
        let begin = self.begin as usize;
        begin..begin + usize::from(self.length)
    }
}

fn push_escaped(texts: &mut Vec<u8>, value: &str) {
    if value.len() <= LABEL_CHARS_MAX && !value.bytes().any(|byte| matches!(byte, b'\\' | b'"' | b'\n')) {
        texts.extend_from_slice(value.as_bytes());
        return;
    }
    for char in value.chars().take(LABEL_CHARS_MAX) {
        match char {
            '\\' => texts.extend_from_slice(b"\\\\"),
            '"' => texts.extend_from_slice(b"\\\""),
            '\n' => texts.extend_from_slice(b"\\n"),
            char => texts.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
}

/// A family whose samples are being written.
#[derive(Debug)]
pub struct Family<'a> {
    page: &'a mut Page,
    name: &'a str,
    head: Option<(Kind, &'a str)>,
}

impl Family<'_> {
    /// Writes a sample.
    pub fn sample(&mut self, labels: Labels, value: f64) {
        let page = &mut *self.page;
        if let Some((kind, help)) = self.head.take() {
            let begin = page.texts.len();
            let is_plain = !help.contains(['\\', '\n']);
            let escaped = || help.replace('\\', "\\\\").replace('\n', "\\n");
            let help = if is_plain { Cow::Borrowed(help) } else { Cow::Owned(escaped()) };
            for part in ["# HELP ", self.name, " ", &help, "\n# TYPE ", self.name, " ", kind.name(), "\n"] {
                page.texts.extend_from_slice(part.as_bytes());
            }
            let head = page.place(begin);
            let begin = page.texts.len();
            page.texts.extend_from_slice(self.name.as_bytes());
            page.families.push(FamilyOf { head, name: page.place(begin), first: page.samples.len() });
            page.length += usize::from(head.length);
        }
        let begin = page.values.len();
        push_number(&mut page.values, value);
        page.values.push(b'\n');
        let value_length = u16::try_from(page.values.len() - begin).unwrap_or(u16::MAX);
        page.samples.push(Sample { labels: labels.0, value_length });
        page.length += self.name.len() + usize::from(labels.0.length) + usize::from(value_length);
    }
}

/// Text is copied in blocks of this size, the last of which has more than was meant and is written over: that is one
/// instruction each, where a copy of so many bytes as it takes is a call, and a slow one in the static program. Hence the
/// room that [`Writer::finish`] leaves behind the texts.
const BLOCK_BYTES: usize = 32;

/// What is left of a page's text.
#[derive(Clone, Debug)]
pub struct Pieces<'a> {
    page: &'a Page,
    name: Place,
    family: usize,
    sample: usize,
    value: usize,
}

impl Pieces<'_> {
    /// Writes the next whole lines of the text, as many as there is room for, and some room to work. Returns their length, 0
    /// at the end. With 16 KiB of room there is always room for a line.
    pub fn fill(&mut self, room: &mut [u8]) -> usize {
        let (texts, values) = (&self.page.texts, &self.page.values);
        let mut length = 0;
        while let Some(sample) = self.page.samples.get(self.sample) {
            let family = self.page.families.get(self.family).filter(|family| family.first == self.sample);
            let (head, name) = family.map_or((Place::default(), self.name), |family| (family.head, family.name));
            let value_end = self.value + usize::from(sample.value_length);
            let line = [head.length, name.length, sample.labels.length, sample.value_length].map(usize::from);
            if room.len() < length + line.into_iter().sum::<usize>() + BLOCK_BYTES {
                break;
            }
            if family.is_some() {
                length = copy(room, length, texts, head.range());
                (self.name, self.family) = (name, self.family + 1);
            }
            length = copy(room, length, texts, name.range());
            length = copy(room, length, texts, sample.labels.range());
            length = copy(room, length, values, self.value..value_end);
            (self.value, self.sample) = (value_end, self.sample + 1);
        }
        length
    }
}

/// Copies a part of a text behind what is in the room, and returns what is there then.
fn copy(room: &mut [u8], length: usize, text: &[u8], part: Range<usize>) -> usize {
    let end = length + part.len();
    let (mut to, mut from) = (length, part.start);
    while to < end {
        let place = room.get_mut(to..).and_then(|room| room.first_chunk_mut::<BLOCK_BYTES>());
        let block = text.get(from..).and_then(|text| text.first_chunk::<BLOCK_BYTES>());
        let (Some(place), Some(block)) = (place, block) else { break };
        *place = *block;
        (to, from) = (to + BLOCK_BYTES, from + BLOCK_BYTES);
    }
    end
}

/// Writes the shortest text that reads back as the same number; an exponent only where digits would be mere zeros.
fn push_number(out: &mut Vec<u8>, value: f64) {
    let magnitude = value.abs();
    let _ = if push_short(out, value) {
        Ok(())
    } else if magnitude >= 1e21 || (magnitude < 1e-6 && magnitude > 0.0) {
        write!(out, "{value:e}")
    } else {
        write!(out, "{value}")
    };
}

/// The same for the numbers that miners send: few digits, four of them behind the point at most. False for all others.
///
/// Two different numbers of 15 digits are two different `f64`, so if this one reads back as `value`, no shorter one does.
/// The general way finds its digits by search, which took half of a page's time.
fn push_short(out: &mut Vec<u8>, value: f64) -> bool {
    let magnitude = value.abs();
    if magnitude >= 1e11 {
        return false;
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is positive and below 2^53")]
    let scaled = (magnitude * 1e4 + 0.5) as u64;
    if scaled as f64 / 1e4 != magnitude || value == 0.0 && value.is_sign_negative() {
        return false;
    }
    let (units, mut fraction) = (scaled / 10_000, scaled % 10_000);
    let mut places = 4;
    while places > 0 && fraction % 10 == 0 {
        (fraction, places) = (fraction / 10, places - 1);
    }
    // From the last byte to the first; sign, point and 15 digits fit.
    let mut bytes = [0; 2 * BLOCK_BYTES];
    let (number, _) = bytes.split_at_mut(BLOCK_BYTES);
    let mut left = number.iter_mut().rev();
    let mut put = |byte| left.next().map_or((), |slot| *slot = byte);
    for _ in 0..places {
        put(last_digit(fraction));
        fraction /= 10;
    }
    if places > 0 {
        put(b'.');
    }
    let mut digits = units;
    while digits >= 10 {
        put(last_digit(digits));
        digits /= 10;
    }
    put(last_digit(digits));
    if value < 0.0 {
        put(b'-');
    }
    let begin = left.len();
    if let Some(block) = bytes.get(begin..).and_then(|bytes| bytes.first_chunk::<BLOCK_BYTES>()) {
        out.extend_from_slice(block);
        out.truncate(out.len() - begin);
    }
    true
}

fn last_digit(number: u64) -> u8 {
    b'0' + (number % 10) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_page() {
        let mut page = Writer::default();
        let none = page.labels(Labels::default(), []);
        let ip = page.labels(none, [("ip", "a")]);
        let with_url = page.labels(ip, [("url", "q\"b\\n\n")]);
        let mut family = page.family("x_total", Kind::Counter, "back\\slash\nline");
        family.sample(ip, 1.0);
        family.sample(with_url, 0.5);
        page.family("none", Kind::Gauge, "leaves no trace");
        page.family("y", Kind::Gauge, "bare").sample(none, -3.25);
        let expected = "# HELP x_total back\\\\slash\\nline\n# TYPE x_total counter\nx_total{ip=\"a\"} 1\n\
                        x_total{ip=\"a\",url=\"q\\\"b\\\\n\\n\"} 0.5\n\
                        # HELP y bare\n# TYPE y gauge\ny -3.25\n";
        let page = page.finish();
        assert_eq!((page.to_text().as_str(), page.len()), (expected, expected.len()));
        // Wherever it is cut.
        for room in 120..expected.len() + 40 {
            let (mut pieces, mut room, mut text) = (page.pieces(), vec![0; room], Vec::new());
            while let length @ 1.. = pieces.fill(&mut room) {
                text.extend_from_slice(&room[..length]);
            }
            assert_eq!(String::from_utf8(text).unwrap(), expected, "{}", room.len());
        }
    }

    #[test]
    fn labels_are_cut_before_they_are_escaped() {
        for (text, expected) in [("\"", "\\\""), ("\u{e9}", "\u{e9}")] {
            let mut page = Writer::default();
            let labels = page.labels(Labels::default(), [("url", &*text.repeat(200))]);
            page.family("x", Kind::Gauge, "").sample(labels, 1.0);
            let expected = format!("x{{url=\"{}\"}} 1\n", expected.repeat(128));
            assert!(page.finish().to_text().ends_with(&expected));
        }
    }

    /// The quick way writes what std writes.
    #[test]
    fn short_numbers_are_those_of_std() {
        let mut quick = 0;
        for number in (0..400_000).map(f64::from) {
            for divisor in [1.0, 7.0, 10.0, 100.0, 1e3, 1e4, 1e5, -1e-3, -16.0] {
                let (value, mut out) = (number / divisor, Vec::new());
                if push_short(&mut out, value) {
                    assert_eq!(out, value.to_string().into_bytes());
                    quick += 1;
                }
            }
        }
        assert!(quick > 2_800_000, "{quick}");
    }

    #[test]
    fn numbers() {
        for (value, text) in [
            (0.0, "0"),
            (-273.0, "-273"),
            (3.03, "3.03"),
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
            let mut out = Vec::new();
            push_number(&mut out, value);
            let out = String::from_utf8(out).unwrap();
            assert_eq!((out.as_str(), out.parse()), (text, Ok(value)));
        }
    }
}
