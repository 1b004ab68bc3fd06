//! The Prometheus text format, version 0.0.4: families, samples, labels, escaping. It knows no miners and no HTTP.
//!
//! Format: <https://prometheus.io/docs/instrumenting/exposition_formats/>. A family's HELP and TYPE are written with
//! its first sample, so a family without a sample leaves no trace. Keeping a family in one group is up to the caller,
//! who writes one [`Family`] after the other.

use std::fmt::Write;

/// The media type of a page.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Longest label value, in characters, before escaping. Real ones (pool addresses) stay well below.
pub const LABEL_CHARS_MAX: usize = 128;

/// Room for one more label; those of chips and boards fit.
const LABEL_BYTES: usize = 32;

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

/// What a sample has between its name and its value: `{ip="192.168.1.50",chip="007"} `. A sample is then three copies.
#[derive(Clone, Debug, Default)]
pub struct Labels(String);

impl Labels {
    /// These labels and one more. The name must be a label's name; the value is cut to 128 characters and escaped.
    #[must_use]
    pub fn with(&self, name: &str, value: &str) -> Self {
        self.with_all([(name, value)])
    }

    /// These labels and some more.
    #[must_use]
    pub fn with_all<'a>(&self, labels: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut text = String::with_capacity(self.0.len() + LABEL_BYTES);
        text.push_str(self.0.strip_suffix("} ").unwrap_or_default());
        for (name, value) in labels {
            text.push(if text.is_empty() { '{' } else { ',' });
            text.push_str(name);
            text.push_str("=\"");
            push_escaped(&mut text, value);
            text.push('"');
        }
        if !text.is_empty() {
            text.push_str("} ");
        }
        Labels(text)
    }
}

fn push_escaped(text: &mut String, value: &str) {
    if value.len() <= LABEL_CHARS_MAX && !value.bytes().any(|byte| matches!(byte, b'\\' | b'"' | b'\n')) {
        text.push_str(value);
        return;
    }
    for char in value.chars().take(LABEL_CHARS_MAX) {
        match char {
            '\\' => text.push_str("\\\\"),
            '"' => text.push_str("\\\""),
            '\n' => text.push_str("\\n"),
            char => text.push(char),
        }
    }
}

/// A page under construction.
#[derive(Debug, Default)]
pub struct Page(String);

impl Page {
    /// An empty page with room for `bytes`.
    pub fn with_capacity(bytes: usize) -> Self {
        Page(String::with_capacity(bytes))
    }

    /// Begins a family; nothing is written before its first sample.
    pub fn family<'a>(&'a mut self, name: &'a str, kind: Kind, help: &'a str) -> Family<'a> {
        Family { text: &mut self.0, name, head: Some((kind, help)) }
    }

    /// The finished text.
    pub fn into_text(self) -> String {
        self.0
    }
}

/// A family whose samples are being written.
#[derive(Debug)]
pub struct Family<'a> {
    text: &'a mut String,
    name: &'a str,
    head: Option<(Kind, &'a str)>,
}

impl Family<'_> {
    /// Writes a sample.
    pub fn sample(&mut self, labels: &Labels, value: f64) {
        if let Some((kind, help)) = self.head.take() {
            let help = help.replace('\\', "\\\\").replace('\n', "\\n");
            let _ = write!(self.text, "# HELP {0} {help}\n# TYPE {0} {1}\n", self.name, kind.name());
        }
        self.text.push_str(self.name);
        self.text.push_str(if labels.0.is_empty() { " " } else { &labels.0 });
        push_number(self.text, value);
        self.text.push('\n');
    }
}

/// Writes the shortest text that reads back as the same number; an exponent only where digits would be mere zeros.
fn push_number(text: &mut String, value: f64) {
    let magnitude = value.abs();
    let _ = if push_short(text, value) {
        Ok(())
    } else if magnitude >= 1e21 || (magnitude < 1e-6 && magnitude > 0.0) {
        write!(text, "{value:e}")
    } else {
        write!(text, "{value}")
    };
}

/// The same for the numbers that miners send: few digits, four of them behind the point at most. False for all others.
///
/// Two different numbers of 15 digits are two different `f64`, so if this one reads back as `value`, no shorter one does.
/// The general way finds its digits by search, which took half of a page's time.
fn push_short(text: &mut String, value: f64) -> bool {
    let magnitude = value.abs();
    if magnitude >= 1e11 {
        return false;
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is positive and below 2^53")]
    let scaled = (magnitude * 1e4 + 0.5) as u64;
    if scaled as f64 / 1e4 != magnitude || value == 0.0 && value.is_sign_negative() {
        return false;
    }
    let (mut units, mut places) = if scaled.is_multiple_of(10_000) { (scaled / 10_000, 0) } else { (scaled, 4) };
    while places > 0 && units % 10 == 0 {
        (units, places) = (units / 10, places - 1);
    }
    // From the last byte to the first; sign, point and 15 digits fit.
    let mut bytes = [0; 20];
    let mut left = bytes.iter_mut().rev();
    let mut put = |byte| left.next().map_or((), |slot| *slot = byte);
    for _ in 0..places {
        put(last_digit(units));
        units /= 10;
    }
    if places > 0 {
        put(b'.');
    }
    loop {
        put(last_digit(units));
        units /= 10;
        if units == 0 {
            break;
        }
    }
    if value < 0.0 {
        put(b'-');
    }
    let begin = left.len();
    text.push_str(bytes.get(begin..).and_then(|bytes| str::from_utf8(bytes).ok()).unwrap_or_default());
    true
}

fn last_digit(number: u64) -> u8 {
    b'0' + u8::try_from(number % 10).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_page() {
        let mut page = Page::with_capacity(0);
        let ip = Labels::default().with("ip", "a");
        let mut family = page.family("x_total", Kind::Counter, "back\\slash\nline");
        family.sample(&ip, 1.0);
        family.sample(&ip.with("url", "q\"b\\n\n"), 0.5);
        page.family("none", Kind::Gauge, "leaves no trace");
        page.family("y", Kind::Gauge, "bare").sample(&Labels::default(), -3.25);
        let expected = "# HELP x_total back\\\\slash\\nline\n# TYPE x_total counter\nx_total{ip=\"a\"} 1\n\
                        x_total{ip=\"a\",url=\"q\\\"b\\\\n\\n\"} 0.5\n\
                        # HELP y bare\n# TYPE y gauge\ny -3.25\n";
        assert_eq!(page.into_text(), expected);
    }

    #[test]
    fn labels_are_cut_before_they_are_escaped() {
        let labels = Labels::default().with("url", &"\"".repeat(200));
        assert_eq!(labels.0, format!("{{url=\"{}\"}} ", "\\\"".repeat(128)));
        let labels = Labels::default().with("url", &"\u{e9}".repeat(129));
        assert_eq!(labels.0, format!("{{url=\"{}\"}} ", "\u{e9}".repeat(128)));
    }

    /// The quick way writes what std writes.
    #[test]
    fn short_numbers_are_those_of_std() {
        let mut quick = 0;
        for number in (0..400_000).map(f64::from) {
            for divisor in [1.0, 7.0, 10.0, 100.0, 1e3, 1e4, 1e5, -1e-3, -16.0] {
                let (value, mut out) = (number / divisor, String::new());
                if push_short(&mut out, value) {
                    assert_eq!(out, value.to_string());
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
            let mut out = String::new();
            push_number(&mut out, value);
            assert_eq!((out.as_str(), out.parse()), (text, Ok(value)));
        }
    }
}
