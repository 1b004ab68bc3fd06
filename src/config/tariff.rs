//! The price of electricity, from the settings `ELECTRICITY_PRICE` and `TZ`: one number, or a base price and rules by
//! local time.
//!
//! ```text
//! tariff = price *( ";" rule )
//! rule   = [ days ] HH:MM "-" HH:MM "=" price
//! days   = day [ "-" day ] *( "," day [ "-" day ] )        day = mon | tue | wed | thu | fri | sat | sun
//! ```
//!
//! Spaces may surround every part, and days are read in any case. Of the rules that cover a moment, the last wins; where
//! none does, the base price holds.
//!
//! - A range of days may wrap around the week (`fri-mon`), a range of hours around midnight (`22:00-06:00`): what follows
//!   midnight then belongs to the day on which the range began, so `fri 22:00-06:00` ends on Saturday morning.
//! - A range includes its start and not its end. `24:00` is an end, never a start. Equal times are refused, since they
//!   could mean the whole day or nothing.
//! - Rules go by the wall clock. The hour that summer time skips never happens; the hour that its end repeats is charged
//!   alike both times.
//! - `TZ` is read only if there is a rule, since nothing else here needs the local time: a flat price works with any `TZ`.
//!
//! The currency is a setting of its own, and what has been spent is counted in the store. There are no rules for holidays and
//! seasons.

use std::fmt;

use crate::config::time_zone::Zone;

/// A different price in each hour of a week takes 168 rules; more than that is a mistake, and each poll goes through all.
const RULES_MAX: usize = 7 * 24;

const DAY_MINUTES: i64 = 24 * 60;

/// In the order of the bits of [`Rule::days`].
const DAY_NAMES: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// What a kilowatt-hour costs at each moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Tariff {
    base_price: f64,
    by_time: Option<ByTime>,
}

/// The part of a tariff that needs to know the local time.
#[derive(Debug, Clone, PartialEq)]
struct ByTime {
    /// The rules as they were set, for the log.
    text: String,
    rules: Vec<Rule>,
    zone: Zone,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Rule {
    /// Bit 0 is Monday.
    days: u8,
    /// The first minute of the day that is covered, below `DAY_MINUTES`.
    start: i64,
    /// The first minute that no longer is, up to `DAY_MINUTES`; below `start` it is one of the next day.
    end: i64,
    price: f64,
}

impl Tariff {
    /// Reads the text of `ELECTRICITY_PRICE`, and that of `TZ` if a rule needs it.
    ///
    /// # Errors
    ///
    /// The text names the setting, shows the part that is wrong and says what would be right.
    pub fn parse(price: &str, zone: Option<&str>) -> Result<Tariff, String> {
        let (base, rules) = price.split_once(';').map_or((price, None), |(base, rules)| (base, Some(rules)));
        let base_price = parse_price(base).ok_or_else(|| {
            let base = base.trim();
            format!(
                "ELECTRICITY_PRICE: '{base}' is not a base price; start with a number that is not negative, such as 0.18"
            )
        })?;
        let Some(rules) = rules else { return Ok(Tariff { base_price, by_time: None }) };
        // Any white space is a space, and the log's line stays one.
        let text = rules.split_whitespace().collect::<Vec<_>>().join(" ");
        let rules = rules.split(';').map(Rule::parse).collect::<Result<Vec<_>, _>>()?;
        if rules.len() > RULES_MAX {
            return Err(format!("ELECTRICITY_PRICE: {} rules are too many; give at most {RULES_MAX}", rules.len()));
        }
        Ok(Tariff { base_price, by_time: Some(ByTime { text, rules, zone: Zone::parse(zone)? }) })
    }

    /// The price at that moment, in units of the currency per kWh.
    pub fn price_at(&self, unix_seconds: i64) -> f64 {
        let Some(ByTime { rules, zone, .. }) = &self.by_time else { return self.base_price };
        let minutes = zone.local_seconds(unix_seconds).div_euclid(60);
        let (day, minute) = (minutes.div_euclid(DAY_MINUTES), minutes.rem_euclid(DAY_MINUTES));
        rules.iter().rev().find(|rule| rule.covers(day, minute)).map_or(self.base_price, |rule| rule.price)
    }
}

/// For the log line at start-up.
impl fmt::Display for Tariff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.base_price)?;
        let Some(ByTime { text, zone, .. }) = &self.by_time else { return Ok(()) };
        write!(f, ";{text} by local time ({zone})")
    }
}

impl Rule {
    fn parse(text: &str) -> Result<Rule, String> {
        Rule::parse_parts(text).map_err(|why| {
            let text = text.trim();
            format!(
                "ELECTRICITY_PRICE: rule '{text}': {why}; write a rule like 16:00-21:00=0.42 or \
                 sat-sun 00:00-24:00=0.12"
            )
        })
    }

    fn parse_parts(text: &str) -> Result<Rule, String> {
        let (when, price) = text.split_once('=').ok_or("there is no '='")?;
        let price = parse_price(price)
            .ok_or_else(|| format!("price '{}' is not a number, or is negative or not finite", price.trim()))?;
        let (days, times) = when.split_at(when.find(|c: char| c.is_ascii_digit()).unwrap_or(when.len()));
        let (start, end) = times.split_once('-').ok_or("there is no time range")?;
        let (start, end) = (parse_time(start)?, parse_time(end)?);
        if start == DAY_MINUTES {
            return Err("'24:00' can only be the end of a range".to_owned());
        }
        if start == end {
            return Err("it starts and ends at the same time; the whole day is 00:00-24:00".to_owned());
        }
        Ok(Rule { days: parse_days(days)?, start, end, price })
    }

    /// Days count from 1970-01-01, minutes from local midnight.
    fn covers(&self, day: i64, minute: i64) -> bool {
        if self.start < self.end {
            self.begins_on(day) && (self.start..self.end).contains(&minute)
        } else {
            self.begins_on(day) && minute >= self.start || self.begins_on(day - 1) && minute < self.end
        }
    }

    fn begins_on(&self, day: i64) -> bool {
        // 1970-01-01 was a Thursday, the fourth bit.
        let weekday = (day + 3).rem_euclid(7);
        self.days >> weekday & 1 == 1
    }
}

fn parse_price(text: &str) -> Option<f64> {
    text.trim().parse().ok().filter(|price: &f64| price.is_finite() && price.is_sign_positive())
}

/// Minutes since midnight, up to and including 24:00.
fn parse_time(text: &str) -> Result<i64, String> {
    let text = text.trim();
    text.split_once(':')
        .and_then(|(hours, minutes)| Some(two_digits(hours)? * 60 + two_digits(minutes).filter(|&count| count < 60)?))
        .filter(|&time| time <= DAY_MINUTES)
        .ok_or_else(|| format!("'{text}' is not a time from 00:00 to 24:00"))
}

fn two_digits(text: &str) -> Option<i64> {
    if text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit()) { text.parse().ok() } else { None }
}

/// The bits of the days; without any day, every day.
fn parse_days(text: &str) -> Result<u8, String> {
    if text.trim().is_empty() {
        return Ok(0b111_1111);
    }
    let mut bits = 0;
    for range in text.split(',') {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        let (first, last) = (parse_day(first)?, parse_day(last)?);
        let length = (last + 7 - first) % 7 + 1;
        for day in first..first + length {
            bits |= 1 << (day % 7);
        }
    }
    Ok(bits)
}

fn parse_day(text: &str) -> Result<usize, String> {
    let text = text.trim();
    DAY_NAMES
        .iter()
        .position(|name| text.eq_ignore_ascii_case(name))
        .ok_or_else(|| format!("'{text}' is not a day; the days are {}", DAY_NAMES.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-01-05, a Monday, at 00:00 UTC.
    const MONDAY: i64 = 1_767_571_200;

    fn price_at(text: &str, days: i64, hours: i64, minutes: i64) -> f64 {
        let tariff = Tariff::parse(text, None).unwrap();
        tariff.price_at(MONDAY + days * 86_400 + hours * 3_600 + minutes * 60)
    }

    #[test]
    #[expect(clippy::float_cmp, reason = "a price is read, never computed")]
    fn the_last_rule_that_covers_the_moment_wins() {
        let example = "0.18;16:00-21:00=0.42;sat-sun 00:00-24:00=0.12";
        let night = " 1 ; FRI , Mon - tue 22:00 - 06:00 = 2 ; 05:00-05:30=3";
        for (text, moment, expected) in [
            ("0.18", (0, 18, 0), 0.18),
            (example, (0, 15, 59), 0.18),
            (example, (0, 16, 0), 0.42),
            (example, (4, 20, 59), 0.42),
            (example, (4, 21, 0), 0.18),
            (example, (5, 0, 0), 0.12),
            (example, (6, 16, 0), 0.12),
            (example, (6, 23, 59), 0.12),
            (example, (7, 0, 0), 0.18),
            (night, (0, 5, 59), 1.0),
            (night, (0, 21, 59), 1.0),
            (night, (0, 22, 0), 2.0),
            (night, (2, 5, 59), 2.0),
            (night, (2, 6, 0), 1.0),
            (night, (2, 22, 0), 1.0),
            (night, (4, 23, 59), 2.0),
            (night, (5, 0, 0), 2.0),
            (night, (5, 5, 0), 3.0),
            (night, (5, 5, 30), 2.0),
            (night, (5, 6, 0), 1.0),
            ("1;fri-mon 00:00-24:00=2", (3, 23, 59), 1.0),
            ("1;fri-mon 00:00-24:00=2", (4, 0, 0), 2.0),
            ("1;fri-mon 00:00-24:00=2", (7, 23, 59), 2.0),
            ("1;fri-mon 00:00-24:00=2", (8, 0, 0), 1.0),
            ("1;sun 20:00-00:00=2", (6, 23, 59), 2.0),
            ("1;sun 20:00-00:00=2", (7, 0, 0), 1.0),
            ("1;thu 00:00-24:00=2", (-20_458, 12, 0), 2.0), // in 1970, and before
            ("1;thu 00:00-24:00=2", (-20_458 - 7, 12, 0), 2.0),
            ("1;thu 00:00-24:00=2", (-20_458 - 8, 12, 0), 1.0),
            ("0;00:00-12:00=0", (0, 1, 0), 0.0),
        ] {
            assert_eq!(price_at(text, moment.0, moment.1, moment.2), expected, "{text} at {moment:?}");
        }
    }

    #[test]
    #[expect(clippy::float_cmp, reason = "a price is read, never computed")]
    fn rules_go_by_the_local_clock() {
        // In Toronto the clock skipped from 02:00 to 03:00 at 1_772_953_200, and repeats 01:00 to 02:00 at 1_793_512_800.
        let tariff = Tariff::parse("1;sun 02:00-03:00=2;sun 01:00-02:00=3", Some("EST5EDT,M3.2.0,M11.1.0")).unwrap();
        for (unix_seconds, expected) in [
            (1_772_953_199, 3.0),
            (1_772_953_200, 1.0),
            (1_793_512_799, 3.0),
            (1_793_512_800, 3.0),
            (1_793_516_399, 3.0),
            (1_793_516_400, 2.0),
        ] {
            assert_eq!(tariff.price_at(unix_seconds), expected, "{unix_seconds}");
        }
        let wednesday = Tariff::parse("1;wed 00:00-24:00=2", None).unwrap();
        assert_eq!((wednesday.price_at(-1), wednesday.price_at(0)), (2.0, 1.0));
        let ahead = Tariff::parse("1;tue 00:00-00:30=2", Some("<+0530>-5:30")).unwrap();
        assert_eq!((ahead.price_at(MONDAY + 66_600), ahead.price_at(MONDAY + 66_599)), (2.0, 1.0));
    }

    #[test]
    fn the_zone_matters_only_to_rules_and_both_are_shown() {
        for (price, zone, expected) in [
            ("0.18", Some("nonsense!"), "0.18"),
            ("0.18;16:00-21:00=0.42", None, "0.18;16:00-21:00=0.42 by local time (UTC)"),
            ("0.18;sat\n16:00\t-21:00=1", None, "0.18;sat 16:00 -21:00=1 by local time (UTC)"),
            (
                "0.180;16:00-21:00=0.42;sat-sun 00:00-24:00=0.12",
                Some("EST5EDT,M3.2.0,M11.1.0"),
                "0.18;16:00-21:00=0.42;sat-sun 00:00-24:00=0.12 by local time (EST5EDT,M3.2.0,M11.1.0)",
            ),
        ] {
            assert_eq!(Tariff::parse(price, zone).unwrap().to_string(), expected);
        }
        let fault = Tariff::parse("0.18;16:00-21:00=0.42", Some("nonsense!")).unwrap_err();
        assert!(fault.starts_with("TZ='nonsense!' is neither"), "{fault}");
    }

    #[test]
    fn a_fault_shows_the_rule_and_what_would_be_right() {
        let form = "; write a rule like 16:00-21:00=0.42 or sat-sun 00:00-24:00=0.12";
        for (rule, why) in [
            ("", "there is no '='"),
            ("16:00-21:00", "there is no '='"),
            ("sat=1", "there is no time range"),
            ("16:00=1", "there is no time range"),
            ("16:00-21:00=", "price '' is not a number, or is negative or not finite"),
            ("16:00-21:00=0,42", "price '0,42' is not a number, or is negative or not finite"),
            ("16:00-21:00=-1", "price '-1' is not a number, or is negative or not finite"),
            ("16:00-21:00=1=2", "price '1=2' is not a number, or is negative or not finite"),
            ("16-21=1", "'16' is not a time from 00:00 to 24:00"),
            ("9:00-21:00=1", "'9:00' is not a time from 00:00 to 24:00"),
            ("16:00-21:+5=1", "'21:+5' is not a time from 00:00 to 24:00"),
            ("16:00-21:60=1", "'21:60' is not a time from 00:00 to 24:00"),
            ("16:00-24:01=1", "'24:01' is not a time from 00:00 to 24:00"),
            ("16:00-18:00-21:00=1", "'18:00-21:00' is not a time from 00:00 to 24:00"),
            ("24:00-06:00=1", "'24:00' can only be the end of a range"),
            ("06:00-06:00=1", "it starts and ends at the same time; the whole day is 00:00-24:00"),
            ("sat+sun 00:00-24:00=1", "'sat+sun' is not a day; the days are mon, tue, wed, thu, fri, sat, sun"),
            ("sat, 00:00-24:00=1", "'' is not a day; the days are mon, tue, wed, thu, fri, sat, sun"),
            ("mon-wed-fri 00:00-24:00=1", "'wed-fri' is not a day; the days are mon, tue, wed, thu, fri, sat, sun"),
        ] {
            let fault = Tariff::parse(&format!("1;00:00-01:00=1; {rule} "), None).unwrap_err();
            assert_eq!(fault, format!("ELECTRICITY_PRICE: rule '{rule}': {why}{form}"));
        }
        for base in ["", "x", "-0.1", "inf", "nan", "1e999", "0.18 EUR", "16:00-21:00=0.42"] {
            let fault = Tariff::parse(&format!("{base};00:00-01:00=1"), None).unwrap_err();
            assert!(
                fault.starts_with(&format!("ELECTRICITY_PRICE: '{base}' is not a base price; start with")),
                "{fault}"
            );
        }
        let week = ";00:00-01:00=1".repeat(RULES_MAX);
        assert!(Tariff::parse(&format!("1{week}"), None).is_ok());
        let fault = Tariff::parse(&format!("1{week};00:00-01:00=1"), None).unwrap_err();
        assert_eq!(fault, "ELECTRICITY_PRICE: 169 rules are too many; give at most 168");
    }
}
