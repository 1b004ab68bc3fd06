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

/// Labels in the text format, without their braces: `ip="192.168.1.50",chip="007"`.
#[derive(Clone, Debug, Default)]
pub struct Labels(String);

impl Labels {
    /// These labels and one more. The name must be a label's name; the value is cut to 128 characters and escaped.
    #[must_use]
    pub fn with(&self, name: &str, value: &str) -> Self {
        let mut text = String::with_capacity(self.0.len() + name.len() + value.len().min(LABEL_CHARS_MAX) + 4);
        text.push_str(&self.0);
        if !text.is_empty() {
            text.push(',');
        }
        text.push_str(name);
        text.push_str("=\"");
        for char in value.chars().take(LABEL_CHARS_MAX) {
            match char {
                '\\' => text.push_str("\\\\"),
                '"' => text.push_str("\\\""),
                '\n' => text.push_str("\\n"),
                char => text.push(char),
            }
        }
        text.push('"');
        Labels(text)
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
        if !labels.0.is_empty() {
            self.text.push('{');
            self.text.push_str(&labels.0);
            self.text.push('}');
        }
        self.text.push(' ');
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
    let scaled = (value * 1e4).round();
    if scaled.abs() >= 1e15 || scaled / 1e4 != value || value == 0.0 && value.is_sign_negative() {
        return false;
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is whole, positive and below 1e15")]
    let units = scaled.abs() as u64;
    if value < 0.0 {
        text.push('-');
    }
    push_digits(text, units / 10_000, 1);
    let (mut fraction, mut places) = (units % 10_000, 4);
    if fraction > 0 {
        while fraction % 10 == 0 {
            (fraction, places) = (fraction / 10, places - 1);
        }
        text.push('.');
        push_digits(text, fraction, places);
    }
    true
}

/// Writes a whole number with so many digits at least.
fn push_digits(text: &mut String, mut number: u64, least: usize) {
    let mut digits = [b'0'; 20];
    let mut begin = digits.len();
    for digit in digits.iter_mut().rev() {
        if number == 0 && begin + least <= 20 {
            break;
        }
        *digit += u8::try_from(number % 10).unwrap_or(0);
        number /= 10;
        begin -= 1;
    }
    text.push_str(digits.get(begin..).and_then(|digits| str::from_utf8(digits).ok()).unwrap_or_default());
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
        assert_eq!(labels.0, format!("url=\"{}\"", "\\\"".repeat(128)));
        assert_eq!(Labels::default().with("url", &"\u{e9}".repeat(129)).0, format!("url=\"{}\"", "\u{e9}".repeat(128)));
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
