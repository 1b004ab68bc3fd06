//! A strict reader of the Prometheus text format 0.0.4, written apart from the exporter so that it can judge it.
//!
//! It takes what the exporter promises, which is less than the format allows: every family is one group that opens
//! with HELP and TYPE (once each, in either order) and has at least one sample; types are counter, gauge and untyped;
//! no time stamps, no blank lines, no other comments, no white space but the one space that separates. What the format
//! forbids is forbidden here too: bad names, unknown escapes, repeated labels, equal series, a last line without its
//! line feed. A page is either read whole or refused with the number of the line and what is wrong with it.
//!
//! The grammar is that of "Exposition formats" in the Prometheus documentation, section "Text-based format".

use std::collections::{BTreeMap, HashSet};
use std::fmt;

/// A page that obeys every rule above.
#[derive(Debug)]
pub struct Page {
    families: Vec<Family>,
}

/// One metric family: its two comment lines and its samples, in the order of the page.
#[derive(Debug)]
pub struct Family {
    pub name: String,
    pub help: String,
    pub kind: String,
    pub samples: Vec<Sample>,
}

/// One line with a value.
#[derive(Clone, Debug)]
pub struct Sample {
    pub series: Series,
    pub value: f64,
}

/// A metric name with its labels, unescaped. The order of the labels has no meaning, so it is not kept.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Series {
    pub name: String,
    pub labels: BTreeMap<String, String>,
}

impl Page {
    /// Reads a whole page. The error names the line, counted from 1, and the fault.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut reader = Reader::default();
        let body = text.strip_suffix('\n').ok_or("the page does not end with a line feed")?;
        for (number, line) in body.split('\n').enumerate() {
            reader.line(line).map_err(|fault| format!("line {}: {fault}: {line:?}", number + 1))?;
        }
        reader.close_family().map_err(|fault| format!("at the end: {fault}"))?;
        Ok(Self { families: reader.families })
    }

    /// The value of the one series of this name that has at least these labels; `None` if there is no such series.
    ///
    /// Panics if the labels fit more than one series: the test meant another one than it thinks.
    pub fn value(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let fits = |series: &Series| {
            labels.iter().all(|(key, value)| series.labels.get(*key).is_some_and(|found| found == value))
        };
        let mut found = self.family(name)?.samples.iter().filter(|sample| fits(&sample.series));
        let first = found.next()?;
        assert!(found.next().is_none(), "{name} with {labels:?} is more than one series");
        Some(first.value)
    }

    /// The family of this name.
    pub fn family(&self, name: &str) -> Option<&Family> {
        self.families.iter().find(|family| family.name == name)
    }

    /// All families in the order of the page.
    pub fn families(&self) -> &[Family] {
        &self.families
    }

    /// All samples in the order of the page.
    pub fn samples(&self) -> impl Iterator<Item = &Sample> {
        self.families.iter().flat_map(|family| &family.samples)
    }

    /// All series with their values, for comparing pages.
    pub fn series(&self) -> BTreeMap<Series, f64> {
        self.samples().map(|sample| (sample.series.clone(), sample.value)).collect()
    }

    /// The names of the families that have a series with this label, in the order of the page.
    pub fn names_with(&self, label: (&str, &str)) -> Vec<&str> {
        let has = |sample: &Sample| sample.series.labels.get(label.0).is_some_and(|found| found == label.1);
        self.families
            .iter()
            .filter(|family| family.samples.iter().any(has))
            .map(|family| family.name.as_str())
            .collect()
    }
}

impl Sample {
    /// Reads one sample line without its line feed.
    pub fn parse(line: &str) -> Result<Self, String> {
        let (name, mut rest) = take_name(line, true)?;
        let mut labels = BTreeMap::new();
        if let Some(inside) = rest.strip_prefix('{') {
            rest = inside;
            loop {
                let (key, value, after) = take_label(rest)?;
                if labels.insert(key.to_owned(), value).is_some() {
                    return Err(format!("label {key} twice"));
                }
                match after.split_at_checked(1) {
                    Some((",", more)) => rest = more,
                    Some(("}", more)) => break rest = more,
                    _ => return Err("neither a comma nor a brace after a label".to_owned()),
                }
            }
        }
        let number = rest.strip_prefix(' ').ok_or("no space before the value")?;
        Ok(Self { series: Series { name: name.to_owned(), labels }, value: value(number)? })
    }
}

impl fmt::Display for Series {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.name)?;
        for (index, (key, value)) in self.labels.iter().enumerate() {
            let value = value.replace('\\', r"\\").replace('"', "\\\"").replace('\n', r"\n");
            write!(out, "{}{key}=\"{value}\"", if index == 0 { '{' } else { ',' })?;
        }
        if self.labels.is_empty() { Ok(()) } else { write!(out, "}}") }
    }
}

/// What has been read so far; the last family is the one that is still open.
#[derive(Default)]
struct Reader {
    families: Vec<Family>,
    help_seen: bool,
    seen: HashSet<Series>,
}

impl Reader {
    fn line(&mut self, line: &str) -> Result<(), String> {
        if line.is_empty() {
            Err("a blank line".to_owned())
        } else if let Some(comment) = line.strip_prefix('#') {
            self.comment(comment)
        } else {
            self.sample(Sample::parse(line)?)
        }
    }

    fn comment(&mut self, comment: &str) -> Result<(), String> {
        let (is_help, rest) = if let Some(rest) = comment.strip_prefix(" HELP ") {
            (true, rest)
        } else if let Some(rest) = comment.strip_prefix(" TYPE ") {
            (false, rest)
        } else {
            return Err("a comment that is neither HELP nor TYPE".to_owned());
        };
        let (name, text) = take_name(rest, true)?;
        let text = text.strip_prefix(' ').ok_or("nothing after the name")?;
        let family = self.open_family(name)?;
        if !family.samples.is_empty() {
            return Err("HELP or TYPE after a sample of the family".to_owned());
        }
        if is_help {
            family.help = unescape(text, "\\n")?;
            if std::mem::replace(&mut self.help_seen, true) {
                return Err("HELP twice".to_owned());
            }
        } else {
            if !["counter", "gauge", "untyped"].contains(&text) {
                return Err("a type that is not used here".to_owned());
            }
            if !family.kind.is_empty() {
                return Err("TYPE twice".to_owned());
            }
            text.clone_into(&mut family.kind);
        }
        Ok(())
    }

    fn sample(&mut self, sample: Sample) -> Result<(), String> {
        let name = &sample.series.name;
        let Some(family) = self.families.last_mut().filter(|family| family.name == *name) else {
            let is_torn = self.families.iter().any(|family| family.name == *name);
            return Err(if is_torn {
                format!("family {name} is torn")
            } else {
                "a sample without HELP and TYPE".to_owned()
            });
        };
        if !self.help_seen {
            return Err("a sample without HELP".to_owned());
        }
        if family.kind.is_empty() {
            return Err("a sample without TYPE".to_owned());
        }
        if !self.seen.insert(sample.series.clone()) {
            return Err("the same series twice".to_owned());
        }
        family.samples.push(sample);
        Ok(())
    }

    /// The family of this name if it is the open one, else a new one.
    fn open_family(&mut self, name: &str) -> Result<&mut Family, String> {
        if self.families.last().is_none_or(|family| family.name != name) {
            self.close_family()?;
            if self.families.iter().any(|family| family.name == name) {
                return Err(format!("family {name} is torn"));
            }
            let (help, kind) = (String::new(), String::new());
            self.families.push(Family { name: name.to_owned(), help, kind, samples: Vec::new() });
            self.help_seen = false;
        }
        self.families.last_mut().ok_or_else(|| "no family".to_owned())
    }

    fn close_family(&self) -> Result<(), String> {
        match self.families.last() {
            Some(family) if family.samples.is_empty() => Err(format!("family {} has no sample", family.name)),
            _ => Ok(()),
        }
    }
}

/// A metric name (`colons`) or a label name at the start of the text, and what follows it.
fn take_name(text: &str, colons: bool) -> Result<(&str, &str), String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || (colons && c == ':');
    let (name, rest) = text.split_at(text.find(|c| !fits(c)).unwrap_or(text.len()));
    if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) || (!colons && name.starts_with("__")) {
        return Err("a bad name".to_owned());
    }
    Ok((name, rest))
}

/// One `key="value"` at the start of the text: key, unescaped value, what follows.
fn take_label(text: &str) -> Result<(&str, String, &str), String> {
    let (key, rest) = take_name(text, false)?;
    let rest = rest.strip_prefix("=\"").ok_or("a label without =\"")?;
    let mut escaped = false;
    let end = rest.find(|c| {
        let closes = c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        closes
    });
    let (quoted, after) = rest.split_at(end.ok_or("a label value without an end")?);
    Ok((key, unescape(quoted, "\\n\"")?, &after[1..]))
}

/// Resolves the escapes that this place allows and refuses every other.
fn unescape(text: &str, allowed: &str) -> Result<String, String> {
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        plain.push(match c {
            '\\' => match chars.next().filter(|escaped| allowed.contains(*escaped)) {
                Some('n') => '\n',
                Some(escaped) => escaped,
                None => return Err("a bad escape".to_owned()),
            },
            _ => c,
        });
    }
    Ok(plain)
}

/// A decimal number, or one of the three words of the format.
fn value(text: &str) -> Result<f64, String> {
    match text {
        "NaN" => return Ok(f64::NAN),
        "+Inf" => return Ok(f64::INFINITY),
        "-Inf" => return Ok(f64::NEG_INFINITY),
        _ => {}
    }
    // Rust reads the same numbers as Go does, and words for those that are not finite, which end here.
    let number = text.parse::<f64>().ok().filter(|number| number.is_finite());
    number.ok_or_else(|| format!("a bad value {text:?}"))
}

#[test]
fn a_good_page_is_read_whole() {
    let text = "# HELP up Whether it is up.\\nOr \\\\ not.\n# TYPE up gauge\nup{ip=\"a\"} 1\nup{ip=\"b\",x=\"\"} 0\n\
                # TYPE c_total counter\n# HELP c_total Things.\nc_total 1.5e3\n\
                # HELP odd Odd.\n# TYPE odd untyped\nodd{a=\"q\\\"b\\\\n\\n,}=é\"} -0.25\nodd{a=\"\\\\\"} NaN\n";
    let page = Page::parse(text).unwrap();
    let names: Vec<_> = page.families().iter().map(|family| (family.name.as_str(), family.kind.as_str())).collect();
    assert_eq!(names, [("up", "gauge"), ("c_total", "counter"), ("odd", "untyped")]);
    assert_eq!(page.family("up").unwrap().help, "Whether it is up.\nOr \\ not.");
    assert_eq!(page.value("up", &[("ip", "a")]), Some(1.0));
    assert_eq!(page.value("up", &[("ip", "b"), ("x", "")]), Some(0.0));
    assert_eq!(page.value("up", &[("ip", "c")]), None);
    assert_eq!(page.value("down", &[]), None);
    assert_eq!(page.value("c_total", &[]), Some(1500.0));
    assert_eq!(page.value("odd", &[("a", "q\"b\\n\n,}=é")]), Some(-0.25));
    assert!(page.value("odd", &[("a", "\\")]).unwrap().is_nan());
    assert_eq!(page.series().len(), 5);
    assert_eq!(page.names_with(("ip", "b")), ["up"]);
    let odd = &page.family("odd").unwrap().samples[0];
    assert_eq!(odd.series.to_string(), "odd{a=\"q\\\"b\\\\n\\n,}=é\"}");
}

#[test]
fn each_fault_is_found() {
    let head = "# HELP a A.\n# TYPE a gauge\n";
    let other = "# HELP b B.\n# TYPE b gauge\nb 1\n";
    for (text, fault) in [
        (String::new(), "does not end with a line feed"),
        ("\n".to_owned(), "a blank line"),
        (format!("{head}a 1"), "does not end with a line feed"),
        (format!("{head}a 1\n\n{other}"), "a blank line"),
        (format!("{head}a 1\n# EOF\n"), "neither HELP nor TYPE"),
        ("a 1\n".to_owned(), "without HELP and TYPE"),
        ("# TYPE a gauge\na 1\n".to_owned(), "without HELP"),
        ("# HELP a A.\na 1\n".to_owned(), "without TYPE"),
        (format!("{head}{other}"), "has no sample"),
        (format!("{other}{head}"), "at the end: family a has no sample"),
        (format!("{head}# HELP a A.\na 1\n"), "HELP twice"),
        (format!("{head}# TYPE a gauge\na 1\n"), "TYPE twice"),
        (format!("{head}a 1\n# HELP a A.\n"), "after a sample"),
        (format!("{head}a 1\n{other}# HELP a A.\n"), "family a is torn"),
        (format!("{head}a 1\n{other}a{{x=\"y\"}} 1\n"), "family a is torn"),
        ("# HELP a A.\n# TYPE a histogram\na 1\n".to_owned(), "a type that is not used"),
        ("# HELP a A\\t.\n# TYPE a gauge\na 1\n".to_owned(), "a bad escape"),
        ("# HELP a\n# TYPE a gauge\na 1\n".to_owned(), "nothing after the name"),
        (format!("{head}a 1\na 2\n"), "the same series twice"),
        (format!("{head}a{{x=\"1\",y=\"2\"}} 1\na{{y=\"2\",x=\"1\"}} 2\n"), "the same series twice"),
        (format!("{head}a{{x=\"1\",x=\"2\"}} 1\n"), "label x twice"),
        (format!("{head}a{{x=\"\\t\"}} 1\n"), "a bad escape"),
        (format!("{head}a{{x=\"y\\\"}} 1\n"), "without an end"),
        (format!("{head}a{{x=\"y\nz\"}} 1\n"), "without an end"),
        (format!("{head}a{{x=y}} 1\n"), "without =\""),
        (format!("{head}a{{x=\"y\"z=\"w\"}} 1\n"), "neither a comma nor a brace"),
        (format!("{head}a{{x=\"y\",}} 1\n"), "a bad name"),
        (format!("{head}a{{}} 1\n"), "a bad name"),
        (format!("{head}a{{__x=\"y\"}} 1\n"), "a bad name"),
        (format!("{head}a{{x:y=\"z\"}} 1\n"), "without =\""),
        (format!("{head}1a 1\n"), "a bad name"),
        (format!("{head}a\n"), "no space before the value"),
        (format!("{head}a  1\n"), "a bad value"),
        (format!("{head}a \n"), "a bad value"),
        (format!("{head}a 1 1700000000000\n"), "a bad value"),
        (format!("{head}a 1\r\n"), "a bad value"),
        (format!("{head}a inf\n"), "a bad value"),
        (format!("{head}a 0x1p3\n"), "a bad value"),
        (format!("{head}a 1e999\n"), "a bad value"),
        (format!("{head}a one\n"), "a bad value"),
    ] {
        let found = Page::parse(&text).expect_err(&text);
        assert!(found.contains(fault), "{text:?}\n  gave {found:?}\n  not  {fault:?}");
    }
}
