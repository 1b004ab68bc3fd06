//! A writer of HTML in which forgetting to escape is impossible: markup is `&'static str`, so it stands in this program's
//! source, and all else goes through [`Html::text`].
//!
//! Escaped text is safe between tags and inside quoted attribute values, the only places where the pages put any; in
//! addresses it is percent-encoded first. It may come from a miner, hence two more rules: what controls a terminal or
//! the direction of writing becomes U+FFFD, so that text cannot dress up its neighbours, and it is cut at a length.

use std::fmt::{self, Display, Write};

/// Longest piece of text; the pool addresses of real miners have some 60 characters.
const TEXT_CHARS_MAX: usize = 256;

/// A page under construction.
#[derive(Debug, Default)]
pub struct Html(String);

impl Html {
    /// Writes markup as it is.
    pub fn raw(&mut self, markup: &'static str) -> &mut Self {
        self.0.push_str(markup);
        self
    }

    /// Writes text, escaped.
    pub fn text(&mut self, text: impl Display) -> &mut Self {
        // Nothing here fails but a `Display` that gives up, and then half a text is all there is.
        let _ = write!(Escape { out: &mut self.0, left: TEXT_CHARS_MAX }, "{text}");
        self
    }

    /// Writes a part of a path for an address on this site: all but the unreserved characters of RFC 3986 encoded.
    pub fn path(&mut self, part: &str) -> &mut Self {
        for byte in part.bytes() {
            if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                self.0.push(char::from(byte));
            } else {
                let _ = write!(self.0, "%{byte:02X}");
            }
        }
        self
    }

    /// The finished page.
    pub fn into_text(self) -> String {
        self.0
    }
}

struct Escape<'a> {
    out: &'a mut String,
    left: usize,
}

impl Write for Escape<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for char in text.chars() {
            match self.left {
                0 => return Ok(()),
                1 => self.out.push('\u{2026}'),
                _ => match char {
                    '&' => self.out.push_str("&amp;"),
                    '<' => self.out.push_str("&lt;"),
                    '>' => self.out.push_str("&gt;"),
                    '"' => self.out.push_str("&quot;"),
                    '\'' => self.out.push_str("&#39;"),
                    char if char.is_control() || is_directional(char) => self.out.push(char::REPLACEMENT_CHARACTER),
                    char => self.out.push(char),
                },
            }
            self.left -= 1;
        }
        Ok(())
    }
}

/// The explicit directional characters of Unicode (UAX #9, section 2).
fn is_directional(char: char) -> bool {
    matches!(char, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> String {
        let mut html = Html::default();
        html.text(text);
        html.into_text()
    }

    #[test]
    fn escapes() {
        let mut html = Html::default();
        html.raw("<b title=\"").text("\"'<>&").raw("\">").text(1.5).raw("</b>").path("[::1]:1/\u{fc}\"");
        let expected = "<b title=\"&quot;&#39;&lt;&gt;&amp;\">1.5</b>%5B%3A%3A1%5D%3A1%2F%C3%BC%22";
        assert_eq!(html.into_text(), expected);
        assert_eq!(text("a\0b\x1b[31m\u{202e}c\u{2067}"), "a\u{fffd}b\u{fffd}[31m\u{fffd}c\u{fffd}");
        assert_eq!(text(&"x".repeat(1000)), "x".repeat(255) + "\u{2026}");
        assert_eq!(text(&"<".repeat(1000)), "&lt;".repeat(255) + "\u{2026}");
    }
}
