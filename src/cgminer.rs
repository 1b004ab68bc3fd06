//! The grammar of a `CGMiner` API reply in text mode, as Avalon firmware speaks it: parts, records, fields, and the
//! `KEY[value]` items inside the `MM` field. It knows no Prometheus and no metric.
//!
//! ```text
//! CMD=version|STATUS=S,When=1,Code=22,Msg=..|VERSION,PROD=Avalon Q,..|CMD=summary|STATUS=S,..|SUMMARY,..|  NUL
//! ^ part      ^ record                       ^ record                 ^ part
//! ```
//!
//! The format is that of `CGMiner`'s API-README and of Canaan's published `api.c` and `driver-avalon.c`. What these
//! leave open, and what is decided here:
//!
//! - A backslash escapes `|` `,` `=` and itself in the values that a user typed (pool address, worker name); everything
//!   else is raw. A comma inside `[...]` or `{...}` of an `MM` field therefore separates nothing, and one in a worker
//!   name that holds a lone bracket still does.
//! - The one raw value that a stranger can choose is a network name, which may hold any byte, `|CMD=pools|` among them.
//!   Names are not used for anything, so [`decode`] takes them out before anything is split. Should one slip through,
//!   [`Reply::parse`] refuses a reply whose parts are not those asked for, once each and in order.
//! - Nothing is interpreted: values stay text until somebody asks for a [`number`].

use std::borrow::Cow;
use std::fmt;

use crate::pairs::Pairs;

/// All that may ever be said to a miner. None of these commands changes anything there; those that do (`ascset`,
/// `setpool`, `reboot` and their kind) need no password on home models.
pub const READ_COMMANDS: &[&str] =
    &["version", "summary", "stats", "config", "devs", "devdetails", "pools", "litestats", "coin"];

/// What the exporter asks a miner. Nothing else can be said to one, for `client` takes a `Request` and no text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// The seven parts that every page is made of.
    Standard,
    /// The same and the two parts with Wi-Fi, dust filter and network difficulty.
    Extended,
    /// Only who the miner is. The reply to a single command is that of [`version_alone`].
    Version,
}

impl Request {
    /// The text of the request. No newline: the firmware takes it for a part of the last command's name.
    pub fn text(self) -> String {
        self.commands().join("+")
    }

    fn commands(self) -> &'static [&'static str] {
        let standard = match self {
            Request::Standard => READ_COMMANDS.get(..7),
            Request::Extended => None,
            Request::Version => READ_COMMANDS.get(..1),
        };
        standard.unwrap_or(READ_COMMANDS)
    }
}

/// Without these, or with one of them failed, a reply is no reading.
const REQUIRED: [&str; 4] = ["version", "summary", "stats", "pools"];

/// Limits of what is taken apart, several times over what real replies have: 9 parts, 8 pools and a device, 45 fields a
/// record, 80 items. They keep a reply of a mebibyte from taking a hundred times that in memory.
const PARTS_MAX: usize = 32;
const RECORDS_MAX: usize = 64;
const FIELDS_MAX: usize = 512;
const ITEMS_MAX: usize = 2048;

/// Room to begin with: fields are a little longer than this, and known models have this many items.
const FIELD_BYTES: usize = 16;
const ITEMS: usize = 80;

/// Longest message of a miner that is passed on.
const MESSAGE_CHARS_MAX: usize = 100;

/// Status code of `pools` on a miner that has none: an answer, not a failure.
const CODE_NO_POOLS: &str = "8";

/// A reply in which every required part is there and succeeded.
#[derive(Debug)]
pub struct Reply<'a> {
    /// Model, firmware and addresses.
    pub version: Record<'a>,
    /// Totals of the whole miner.
    pub summary: Record<'a>,
    /// The device (the record with an `MM` field) and, for each pool, a record with `ID=POOLn`.
    pub stats: Vec<Record<'a>>,
    /// A record for each pool.
    pub pools: Vec<Record<'a>>,
    /// Wi-Fi and filter, when asked for and answered.
    pub litestats: Option<Record<'a>>,
    /// The network difficulty, when asked for and answered.
    pub coin: Option<Record<'a>>,
    /// Records of `stats` and `pools` beyond the limit.
    pub more_records: usize,
    /// Fields of those records that are here beyond the limit.
    pub more_fields: usize,
}

/// Why a reply is no reading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReplyError {
    /// Nothing came before the NUL or the end.
    Empty,
    /// The reply does not begin as a joined answer does: no `CGMiner` listens there.
    Foreign,
    /// The miner refused the request as a whole; its own words.
    Refused(String),
    /// The stream ended without a NUL, and the text is not whole either.
    Truncated,
    /// More than the size limit came without a NUL.
    Oversized(usize),
    /// A required part is not there.
    Missing(&'static str),
    /// A required part came with an error status; the part and the miner's words.
    Failed(&'static str, String),
    /// A part has no status or lacks its record.
    Malformed(&'static str),
    /// A part that was not asked for, came twice or came too early.
    OutOfOrder(String),
}

impl fmt::Display for ReplyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => write!(f, "the reply is empty"),
            Self::Foreign => write!(f, "the reply is not that of a CGMiner API; is this the right address and port?"),
            Self::Refused(message) => write!(f, "the miner refused the request: {message}"),
            Self::Truncated => write!(f, "the reply ends before its end"),
            Self::Oversized(limit) => write!(f, "the reply is larger than {limit} bytes"),
            Self::Missing(part) => write!(f, "the reply has no part '{part}'"),
            Self::Failed(part, message) => write!(f, "the part '{part}' failed: {message}"),
            Self::Malformed(part) => write!(f, "the part '{part}' has no status or no record"),
            Self::OutOfOrder(part) => write!(f, "the part '{part}' stands where none was asked for"),
        }
    }
}

/// How the status record of a part begins.
const STATUS: &str = "STATUS=";

/// A part as it came: `CMD=name`, its status record, its other records.
struct Part<'a> {
    name: &'a str,
    status: Option<&'a str>,
    records: Vec<&'a str>,
    more: usize,
}

impl<'a> Part<'a> {
    /// The miner's own words about the part, fit for a log.
    fn message(&self) -> String {
        self.status.map(|status| message(&Record::parse(status))).unwrap_or_default()
    }

    /// The records if the miner says that the part succeeded (`S`, or with a warning or a remark).
    fn succeeded(&self) -> Option<&[&'a str]> {
        let status = self.status?.strip_prefix(STATUS)?;
        let letter = status.split_once(',').map_or(status, |(letter, _)| letter);
        matches!(letter, "S" | "W" | "I").then_some(&self.records)
    }

    fn has_code(&self, code: &str) -> bool {
        self.status.is_some_and(|status| Record::parse(status).raw("Code") == Some(code))
    }
}

impl<'a> Reply<'a> {
    /// Reads the text of a reply, without its NUL. Only what ends with `|` counts: a number that lost its end is another.
    ///
    /// `whole` says that the NUL was seen. Without it `pools` must have as many records as its message says, for some
    /// firmware cuts a slow send short.
    pub fn parse(text: &'a str, request: Request, whole: bool) -> Result<Self, ReplyError> {
        if text.is_empty() {
            return Err(ReplyError::Empty);
        }
        let parts = in_order(split_parts(without_open_part(text)?)?, request)?;
        let find = |name: &str| parts.iter().find(|part| part.name == name);
        let required = |name: &'static str| {
            let part = find(name).ok_or(ReplyError::Missing(name))?;
            if part.status.is_none() {
                return Err(ReplyError::Malformed(name));
            }
            match part.succeeded() {
                Some(records) => Ok(records),
                None if name == "pools" && part.has_code(CODE_NO_POOLS) => Ok(&[]),
                None => Err(ReplyError::Failed(name, part.message())),
            }
        };
        let only = |name: &'static str| {
            required(name)?.first().map(|text| Record::parse(text)).ok_or(ReplyError::Malformed(name))
        };
        let all = |name: &'static str| -> Result<Vec<Record<'a>>, ReplyError> {
            Ok(required(name)?.iter().map(|text| Record::parse(text)).collect())
        };
        let optional = |name: &str| find(name)?.succeeded()?.first().map(|text| Record::parse(text));
        let mut reply = Reply {
            version: only("version")?,
            summary: only("summary")?,
            stats: all("stats")?,
            pools: all("pools")?,
            litestats: optional("litestats"),
            coin: optional("coin"),
            more_records: parts.iter().map(|part| part.more).sum(),
            more_fields: 0,
        };
        let records = [&reply.version, &reply.summary].into_iter().chain(&reply.stats).chain(&reply.pools);
        reply.more_fields = records.chain(&reply.litestats).chain(&reply.coin).map(|record| record.more).sum();
        // A miner without pools promises none.
        let promise = find("pools").filter(|part| !whole && part.succeeded().is_some()).map(Part::message);
        let pools = reply.pools.len() + find("pools").map_or(0, |part| part.more);
        if promise.is_some_and(|text| text.split(' ').next() != Some(&pools.to_string())) {
            return Err(ReplyError::Truncated);
        }
        Ok(reply)
    }

    /// The record of the device: the first with an `MM` field, wherever it stands among the pools' records.
    pub fn device(&self) -> Option<&Record<'a>> {
        self.stats.iter().find(|record| record.fields.iter().any(|(key, _)| key.starts_with(MODULE)))
    }
}

/// Reads the reply to [`Request::Version`]. The answer to a command that stands alone has no `CMD=` before it.
pub fn version_alone(text: &str) -> Result<Record<'_>, ReplyError> {
    if text.is_empty() {
        return Err(ReplyError::Empty);
    }
    let mut records = records(text);
    let status = records.next().filter(|record| record.starts_with(STATUS)).ok_or(ReplyError::Foreign)?;
    let records = records.take(RECORDS_MAX).collect();
    let part = Part { name: "version", status: Some(status), records, more: 0 };
    match part.succeeded() {
        _ if !ends_record(text) => Err(ReplyError::Truncated),
        Some([version, ..]) if version.starts_with("VERSION") => Ok(Record::parse(version)),
        Some(_) => Err(ReplyError::Malformed("version")),
        None => Err(ReplyError::Failed("version", part.message())),
    }
}

fn split_parts(text: &str) -> Result<Vec<Part<'_>>, ReplyError> {
    let mut parts: Vec<Part<'_>> = Vec::with_capacity(9);
    for record in records(text) {
        if let Some(name) = record.strip_prefix("CMD=") {
            if parts.len() == PARTS_MAX {
                return Err(out_of_order(name));
            }
            parts.push(Part { name, status: None, records: Vec::new(), more: 0 });
            continue;
        }
        let Some(part) = parts.last_mut() else {
            let status = Record::parse(record);
            return Err(match status.raw("STATUS") {
                Some("E" | "F") => ReplyError::Refused(message(&status)),
                _ => ReplyError::Foreign,
            });
        };
        if part.status.is_none() && part.records.is_empty() && record.starts_with(STATUS) {
            part.status = Some(record);
        } else if part.records.len() == RECORDS_MAX {
            part.more += 1;
        } else {
            part.records.push(record);
        }
    }
    Ok(parts)
}

/// The message of a status, short and without control characters: it goes into logs.
fn message(status: &Record<'_>) -> String {
    status.text("Msg").unwrap_or_default().chars().take(MESSAGE_CHARS_MAX).flat_map(char::escape_debug).collect()
}

/// The parts up to the first that is not where it belongs.
///
/// A required part out of place, or anything out of place before the last required one, is an error: what stands
/// before it may have been cut by a forged `CMD=`. After that only the optional tail is lost.
fn in_order(mut parts: Vec<Part<'_>>, request: Request) -> Result<Vec<Part<'_>>, ReplyError> {
    let mut asked = request.commands().iter();
    let Some(bad) = parts.iter().position(|part| !asked.any(|name| *name == part.name)) else { return Ok(parts) };
    let (good, rest) = parts.split_at(bad);
    let whole = REQUIRED.iter().all(|name| good.iter().any(|part| part.name == *name));
    let culprit = rest.iter().find(|part| !whole || REQUIRED.contains(&part.name));
    if let Some(part) = culprit {
        return Err(out_of_order(part.name));
    }
    parts.truncate(bad);
    Ok(parts)
}

fn out_of_order(name: &str) -> ReplyError {
    ReplyError::OutOfOrder(name.chars().take(32).flat_map(char::escape_debug).collect())
}

/// The records of a text: what stands between bars that are not escaped.
fn records(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        while !rest.is_empty() {
            let record = take_until(&mut rest, b'|');
            if !record.is_empty() {
                return Some(record);
            }
        }
        None
    })
}

/// The text of a reply up to its last whole record.
///
/// A part that was cut short is left out whole, which costs the reply only if it was a required one.
fn without_open_part(text: &str) -> Result<&str, ReplyError> {
    let before = |at: usize| text.get(..=at).filter(|_| !ends_record(text));
    let whole = text.rfind("|CMD=").and_then(before).unwrap_or(text);
    if ends_record(whole) {
        return Ok(whole);
    }
    Err(if text.starts_with("CMD=") { ReplyError::Truncated } else { ReplyError::Foreign })
}

/// Whether the text ends with a bar that no backslash escapes.
fn ends_record(text: &str) -> bool {
    text.strip_suffix('|').is_some_and(|rest| !escapes(rest.as_bytes()))
}

/// Whether what follows these bytes is escaped by them: a pair of backslashes is one that escapes nothing.
fn escapes(bytes: &[u8]) -> bool {
    bytes.iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 1
}

/// Takes the text before the next `stop` that is not escaped, and drops the stop.
fn take_until<'a>(rest: &mut &'a str, stop: u8) -> &'a str {
    let mut taken = 0;
    while let Some(at) = find(rest.as_bytes().get(taken..).unwrap_or_default(), stop) {
        let (end, next) = (taken + at, taken + at + 1);
        if !escapes(rest.as_bytes().get(..end).unwrap_or_default()) {
            let field = rest.get(..end).unwrap_or_default();
            *rest = rest.get(next..).unwrap_or_default();
            return field;
        }
        taken = next;
    }
    std::mem::take(rest)
}

/// Splits at the first `stop`, which is dropped.
fn split_at_byte(text: &str, stop: u8) -> Option<(&str, &str)> {
    let at = find(text.as_bytes(), stop)?;
    Some((text.get(..at)?, text.get(at + 1..)?))
}

/// The place of the first such byte, eight bytes at a time. A reply is cut at some thousand characters a few bytes
/// apart, for which the search of std is made less than for long texts: with it a reply took half as long again.
fn find(bytes: &[u8], wanted: u8) -> Option<usize> {
    const ONES: u64 = u64::from_le_bytes([0x01; 8]);
    const TOPS: u64 = u64::from_le_bytes([0x80; 8]);
    let all_wanted = u64::from_le_bytes([wanted; 8]);
    let (words, tail) = bytes.as_chunks::<8>();
    for (number, word) in words.iter().enumerate() {
        // What is wanted is now zero, and the first zero is the lowest byte whose top bit appears by the borrow.
        let word = u64::from_le_bytes(*word) ^ all_wanted;
        let zeros = word.wrapping_sub(ONES) & !word & TOPS;
        if zeros != 0 {
            return Some(number * 8 + zeros.trailing_zeros() as usize / 8);
        }
    }
    tail.iter().position(|byte| *byte == wanted).map(|at| words.len() * 8 + at)
}

/// How the key of an `MM` field begins: `MM ID0=...`, on the Q `MM ID0:Summary=...`.
const MODULE: &str = "MM ID";

/// A record's fields.
#[derive(Clone, Debug)]
pub struct Record<'a> {
    fields: Pairs<'a>,
    module: &'a str,
    more: usize,
}

impl<'a> Record<'a> {
    /// Splits a record at its commas. A bare word, as `SUMMARY` at the front of its record, is no field.
    pub fn parse(text: &'a str) -> Self {
        let mut fields = Pairs::with_capacity((text.len() / FIELD_BYTES).min(FIELDS_MAX));
        let mut more = 0;
        let mut module = "";
        let mut rest = text;
        while !rest.is_empty() {
            let field = if rest.starts_with(MODULE) {
                if module.is_empty() {
                    let end = rest.find(",MM ID").unwrap_or(rest.len());
                    module = rest.get(..end).unwrap_or(rest);
                }
                take_nested(&mut rest)
            } else {
                take_until(&mut rest, b',')
            };
            if fields.len() == FIELDS_MAX {
                more += 1;
            } else if let Some((key, value)) = split_at_byte(field, b'=') {
                fields.push(key, value);
            }
        }
        Record { fields, module, more }
    }

    /// The value as it was sent.
    pub fn raw(&self, key: &str) -> Option<&'a str> {
        self.fields.get(key)
    }

    /// The value without its escapes.
    pub fn text(&self, key: &str) -> Option<Cow<'a, str>> {
        self.raw(key).map(unescape)
    }

    /// The value as a number.
    pub fn number(&self, key: &str) -> Option<f64> {
        self.raw(key).and_then(number)
    }

    /// The items of the first `MM` field and, on the Q, of the fields after it (`HBinfo`).
    ///
    /// Old machines put several modules into one record; the first stands for the miner.
    pub fn items(&self) -> Items<'a> {
        Items::parse(self.module)
    }
}

/// Takes an `MM` field: up to the next comma outside brackets and braces. It holds no escapes.
fn take_nested<'a>(rest: &mut &'a str) -> &'a str {
    let (mut bracket, mut braces) = (false, 0_usize);
    let end = rest.bytes().position(|byte| {
        match byte {
            b'[' => bracket = true,
            b']' => bracket = false,
            b'{' if !bracket => braces += 1,
            b'}' if !bracket => braces = braces.saturating_sub(1),
            _ => {}
        }
        byte == b',' && !bracket && braces == 0
    });
    let (taken, after) = end.and_then(|end| Some((rest.get(..end)?, rest.get(end + 1..)?))).unwrap_or((rest, ""));
    *rest = after;
    taken
}

fn unescape(text: &str) -> Cow<'_, str> {
    if !text.contains('\\') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(char) = chars.next() {
        out.push(if char == '\\' { chars.next().unwrap_or('\\') } else { char });
    }
    Cow::Owned(out)
}

/// The items of an `MM` field: `Ver[Nano3s-..] PS[0 0 27697 4 0 3678 132] Nonce Mask[25]`.
#[derive(Clone, Debug, Default)]
pub struct Items<'a> {
    list: Pairs<'a>,
    /// Items beyond the limit.
    pub more: usize,
}

impl<'a> Items<'a> {
    /// Splits at brackets, since the space between items may be one, two or none.
    ///
    /// A key is whole: `Temp` does not find `ITemp`. A list that a miner without a hash board prints without its
    /// opening bracket (` MGHS]`) is an empty one.
    pub fn parse(mut text: &'a str) -> Self {
        let mut list = Pairs::with_capacity(ITEMS);
        while let Some(at) =
            text.bytes().position(|byte| matches!(byte, b'[' | b']')).filter(|_| list.len() < ITEMS_MAX)
        {
            let (before, rest) = text.split_at(at);
            let (value, after) = match rest.strip_prefix('[') {
                Some(inner) => split_at_byte(inner, b']').unwrap_or((inner, "")),
                None => ("", rest.strip_prefix(']').unwrap_or(rest)),
            };
            let is_key = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b' ';
            let start = before.bytes().rposition(|byte| !is_key(byte)).map_or(0, |at| at + 1);
            let key = before.get(start..).unwrap_or(before).trim_matches(' ');
            if !key.is_empty() {
                list.push(key, value);
            }
            text = after;
        }
        Items { list, more: text.matches('[').count() }
    }

    /// The text between the brackets.
    pub fn raw(&self, key: &str) -> Option<&'a str> {
        self.list.get(key)
    }

    /// The one number between the brackets.
    pub fn number(&self, key: &str) -> Option<f64> {
        self.raw(key).and_then(number)
    }

    /// The numbers between the brackets; what is none keeps its place. An item that is not there is an empty list.
    pub fn list(&self, key: &str) -> impl Iterator<Item = Option<f64>> + use<'a> {
        numbers(self.raw(key).unwrap_or_default())
    }

    /// The items whose key is a stem and a number of one or two digits, with that number: `Fan` finds `Fan1`, `Fan2`, ...
    pub fn family(&self, stem: &'static str) -> impl Iterator<Item = (usize, &'a str)> {
        let number = move |key: &str| key.strip_prefix(stem).filter(|tail| tail.len() < 3)?.parse().ok();
        self.list.iter().filter_map(move |(key, value)| Some((number(key)?, value)))
    }
}

/// The numbers of a list; what is none keeps its place.
pub fn numbers(text: &str) -> impl Iterator<Item = Option<f64>> + use<'_> {
    text.split_ascii_whitespace().map(number)
}

/// A decimal number, a trailing `%` aside. `nan`, `inf`, what overflows and what has junk about it is none.
pub fn number(text: &str) -> Option<f64> {
    let text = match text.as_bytes() {
        [b' ', ..] | [.., b' '] => text.trim_matches(' '),
        _ => text,
    };
    let text = text.strip_suffix('%').unwrap_or(text);
    // `f64::from_str` also takes "nan", "inf" and "infinity".
    let decimal = |byte: u8| matches!(byte, b'0'..=b'9' | b'.' | b'-' | b'+' | b'e' | b'E');
    let general =
        || text.bytes().all(decimal).then(|| text.parse().ok()).flatten().filter(|value: &f64| value.is_finite());
    short_number(text).or_else(general)
}

/// A number as most are: digits with or without a point among them. Where they and the power of ten are exact in an `f64`,
/// their quotient is the number nearest to the text.
fn short_number(text: &str) -> Option<f64> {
    const POWERS: [f64; 10] = [1.0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9];
    const EXACT_MAX: i64 = 1 << f64::MANTISSA_DIGITS;
    let (mut digits, mut point) = (0_i64, None);
    if !matches!(text.as_bytes(), [b'0'..=b'9', ..]) || text.len() > 18 {
        return None;
    }
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'0'..=b'9' => digits = digits * 10 + i64::from(byte - b'0'),
            b'.' if point.is_none() => point = Some(at + 1),
            _ => return None,
        }
    }
    let decimals = point.map_or(0, |point| text.len() - point);
    POWERS.get(decimals).filter(|_| digits <= EXACT_MAX).map(|power| digits as f64 / power)
}

/// Longest Wi-Fi network name, in bytes (IEEE 802.11, SSID element).
const SSID_BYTES_MAX: usize = 32;

/// The reply's bytes as text, without the names of wireless networks; bytes that are no UTF-8 become U+FFFD.
///
/// The firmware prints `SSID[name] RSSI[-55]` with the name as it is. Since a name has at most 32 bytes, the last
/// `] RSSI[` within reach ends it, whatever the name pretends.
pub fn decode(bytes: &[u8]) -> Cow<'_, str> {
    // What most replies are is told by std's vector code for text, twenty times as fast as the search in bytes below.
    if let Ok(text) = str::from_utf8(bytes)
        && !text.contains("SSID[")
    {
        return Cow::Borrowed(text);
    }
    let mut kept: Vec<u8> = Vec::new();
    let mut rest = bytes;
    while let Some(start) = network_name(rest) {
        let (before, name) = rest.split_at(start);
        let end = network_name_end(name).unwrap_or(0);
        kept.extend_from_slice(before);
        rest = name.get(end..).unwrap_or_default();
    }
    if kept.is_empty() {
        return String::from_utf8_lossy(bytes);
    }
    kept.extend_from_slice(rest);
    let text = String::from_utf8(kept);
    Cow::Owned(text.unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
}

/// Where the name of a network begins.
fn network_name(text: &[u8]) -> Option<usize> {
    let opens = |(at, byte): (usize, &u8)| *byte == b'[' && text.get(..at).is_some_and(|text| text.ends_with(b"SSID"));
    text.iter().enumerate().position(opens).map(|at| at + 1)
}

/// Where the name of a network ends, if it is whole; the text begins behind `SSID[`.
pub fn network_name_end(text: &[u8]) -> Option<usize> {
    const CLOSE: &[u8] = b"] RSSI[";
    let reach = text.get(..SSID_BYTES_MAX + CLOSE.len()).unwrap_or(text);
    reach.windows(CLOSE.len()).rposition(|window| window == CLOSE)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = "CMD=version|STATUS=S,Msg=v|VERSION,MODEL=Q,VERSION=7|CMD=summary|STATUS=S|SUMMARY,Elapsed=7|CMD=stats|STATUS=S|\
        STATS=0,ID=POOL0,Calls=1|STATS=1,ID=AVALON0,MM ID0=Ver[Q-1] PS[0 1],MM Count=1|CMD=config|STATUS=E,Code=14,Msg=no|\
        CMD=pools|STATUS=S,Msg=1 Pool(s)|POOL=0,URL=a\\,b\\=\\|c\\\\,User=x[y,Status=Alive|";

    fn parse(text: &str) -> Result<Reply<'_>, ReplyError> {
        Reply::parse(text, Request::Extended, true)
    }

    #[test]
    fn requests_are_made_of_reading_commands() {
        let standard = "version+summary+stats+config+devs+devdetails+pools";
        assert_eq!(Request::Standard.text(), standard);
        assert_eq!(Request::Extended.text(), format!("{standard}+litestats+coin"));
    }

    #[test]
    fn a_version_alone() {
        let text = "STATUS=S,When=1,Code=22,Msg=CGMiner versions|VERSION,PROD=Avalon Q,MODEL=Q|";
        assert_eq!(version_alone(text).unwrap().raw("MODEL"), Some("Q"));
        for (text, fault) in [
            ("", ReplyError::Empty),
            ("HTTP/1.1 400 Bad Request|", ReplyError::Foreign),
            ("STATUS=S,Msg=x|VERSION,MOD", ReplyError::Truncated),
            ("STATUS=S,Msg=x|", ReplyError::Malformed("version")),
            ("STATUS=S,Msg=x|SUMMARY,a=b|", ReplyError::Malformed("version")),
            ("STATUS=E,Msg=Access denied|", ReplyError::Failed("version", "Access denied".into())),
        ] {
            assert_eq!(version_alone(text).unwrap_err(), fault, "{text}");
        }
        assert_eq!(Request::Version.text(), "version");
    }

    #[test]
    fn a_whole_reply() {
        let reply = parse(WHOLE).unwrap();
        assert_eq!(reply.version.raw("MODEL"), Some("Q"));
        assert_eq!(reply.version.raw("VERSION"), Some("7"), "not the bare word in front");
        assert_eq!(reply.summary.number("Elapsed"), Some(7.0));
        assert_eq!(reply.stats.len(), 2);
        let device = reply.device().unwrap();
        assert_eq!(
            (device.raw("ID"), device.number("MM Count")),
            (Some("AVALON0"), Some(1.0)),
            "found by what it holds"
        );
        let pool = &reply.pools[0];
        assert_eq!(pool.text("URL").unwrap(), "a,b=|c\\");
        assert_eq!(
            (pool.raw("User"), pool.raw("Status")),
            (Some("x[y"), Some("Alive")),
            "a lone bracket is a character"
        );
        assert!(reply.litestats.is_none() && reply.coin.is_none());
    }

    #[test]
    fn without_its_nul_a_reply_must_be_complete() {
        let cut = |end: usize| Reply::parse(&WHOLE[..end], Request::Standard, false);
        assert!(cut(WHOLE.len()).is_ok());
        for end in 0..WHOLE.len() {
            assert!(cut(end).is_err(), "cut at {end}");
        }
        // A NUL in the middle makes nothing whole that was cut in a record of a required part.
        for end in (0..WHOLE.len()).filter(|end| !WHOLE[..*end].ends_with('|')) {
            assert!(parse(&WHOLE[..end]).is_err(), "a NUL at {end}");
        }
        let promised_two = WHOLE.replace("1 Pool(s)", "2 Pool(s)");
        assert_eq!(Reply::parse(&promised_two, Request::Standard, false).unwrap_err(), ReplyError::Truncated);
        assert!(Reply::parse(&promised_two, Request::Standard, true).is_ok());
    }

    #[test]
    fn parts_come_once_and_in_order() {
        let error = |text: &str| parse(text).unwrap_err();
        assert_eq!(error(""), ReplyError::Empty);
        assert_eq!(error("HTTP/1.1 400 Bad Request\r\n"), ReplyError::Foreign);
        assert_eq!(error("STATUS=E,Code=14,Msg=Invalid command|"), ReplyError::Refused("Invalid command".into()));
        assert_eq!(error("STATUS=S,Code=11,Msg=Summary|SUMMARY,Elapsed=7|"), ReplyError::Foreign, "another's answer");
        for part in ["version", "summary", "stats", "pools"] {
            let renamed = WHOLE.replace(&format!("CMD={part}|STATUS=S"), &format!("CMD={part}|STATUS=E,Msg=no\n"));
            assert_eq!(error(&renamed), ReplyError::Failed(part, "no\\n".into()));
            let start = WHOLE.find(&format!("CMD={part}|")).unwrap();
            let end = WHOLE[start + 1..].find("CMD=").map_or(WHOLE.len(), |at| start + 1 + at);
            let (before, this, after) = (&WHOLE[..start], &WHOLE[start..end], &WHOLE[end..]);
            let missing = format!("{before}{after}");
            assert!(matches!(error(&missing), ReplyError::Missing(name) if name == part), "{missing}");
            let twice = format!("{before}{this}{this}{after}");
            assert_eq!(error(&twice), ReplyError::OutOfOrder(part.into()));
            let late = format!("{WHOLE}{this}");
            assert_eq!(error(&late), ReplyError::OutOfOrder(part.into()));
        }
        let bare = WHOLE.replace("STATUS=S|SUMMARY,Elapsed=7|", "STATUS=S|");
        assert_eq!(error(&bare), ReplyError::Malformed("summary"));
        assert_eq!(error("CMD=version|VERSION|CMD=summary|CMD=stats|CMD=pools|"), ReplyError::Malformed("version"));
        let foreign = WHOLE.replace("CMD=config", "CMD=ascset");
        assert_eq!(error(&foreign), ReplyError::OutOfOrder("ascset".into()));
    }

    #[test]
    fn only_the_tail_may_be_garbled() {
        let tail = "CMD=litestats|STATUS=S|MM ID0=RSSI[-50]|CMD=coin|STATUS=S|COIN,Network Difficulty=2e9|";
        let whole = format!("{WHOLE}{tail}");
        let reply = parse(&whole).unwrap();
        assert_eq!(reply.coin.unwrap().number("Network Difficulty"), Some(2e9));
        assert_eq!(reply.litestats.unwrap().items().number("RSSI"), Some(-50.0));
        for garbled in
            ["CMD=litestats|STATUS=E|CMD=coin|STATUS=E|", "CMD=coin|CMD=coin|", "CMD=litestats", "CMD=x|CMD=y|"]
        {
            let text = format!("{WHOLE}{garbled}");
            assert!(parse(&text).is_ok_and(|reply| reply.coin.is_none() && reply.litestats.is_none()), "{garbled}");
        }
    }

    #[test]
    fn without_its_nul_only_the_tail_may_be_cut_short() {
        let tail = "CMD=litestats|STATUS=S|MM ID0=RSSI[-50]|CMD=coin|STATUS=S|COIN,Network Difficulty=2e9|";
        for end in 0..tail.len() {
            let text = format!("{WHOLE}{}", &tail[..end]);
            let is_read = Reply::parse(&text, Request::Extended, false).is_ok();
            // Up to there it could still be a record of `pools`.
            assert_eq!(is_read, end == 0 || end >= "CMD=".len(), "cut at {end}");
        }
    }

    #[test]
    fn what_is_taken_apart_is_bounded() {
        let many = "a=b|".repeat(100_000);
        let text = format!(
            "CMD=version|STATUS=S|V|CMD=summary|STATUS=S|S|CMD=stats|STATUS=S|{many}CMD=pools|STATUS=E,Code=8|"
        );
        let reply = parse(&text).unwrap();
        assert_eq!((reply.stats.len(), reply.more_records), (RECORDS_MAX, 100_000 - RECORDS_MAX));
        let fields = "a=b,".repeat(100_000);
        let fields = Record::parse(&fields);
        assert_eq!((fields.fields.len(), fields.more), (FIELDS_MAX, 100_000 - FIELDS_MAX));
        let items = "a[]".repeat(100_000);
        let items = Items::parse(&items);
        assert_eq!((items.list.len(), items.more), (ITEMS_MAX, 100_000 - ITEMS_MAX));
        let parts = format!("{WHOLE}{}", "CMD=x|".repeat(100_000));
        assert_eq!(parse(&parts).unwrap_err(), ReplyError::OutOfOrder("x".into()));
    }

    #[test]
    fn no_pools_is_an_answer() {
        let none = WHOLE.replace(
            "STATUS=S,Msg=1 Pool(s)|POOL=0,URL=a\\,b\\=\\|c\\\\,User=x[y,Status=Alive|",
            "STATUS=E,Code=8,Msg=No pools|",
        );
        assert_eq!(Reply::parse(&none, Request::Standard, false).map(|reply| reply.pools.len()), Ok(0));
    }

    #[test]
    fn items_and_their_traps() {
        let items = |text| Items::parse(text);
        let found = items(
            "MM ID0=Ver[a b]  LVer[c] ITemp[26]Temp[5] MH] DHW[4] MGHS] Nonce Mask[25] FanR[36%] PVT_T0[ 86  nan]",
        );
        assert_eq!((found.raw("Ver"), found.raw("LVer")), (Some("a b"), Some("c")));
        assert_eq!((found.number("Temp"), found.number("emp")), (Some(5.0), None));
        assert_eq!((found.raw("MH"), found.raw("MGHS"), found.number("DHW")), (Some(""), Some(""), Some(4.0)));
        assert_eq!((found.number("Nonce Mask"), found.number("FanR")), (Some(25.0), Some(36.0)));
        assert_eq!(found.list("PVT_T0").collect::<Vec<_>>(), [Some(86.0), None]);
        assert_eq!(found.list("PVT_T1").count(), 0);
        let q = Record::parse(
            "STATS=0,MM ID0:Summary='STATS':{Ver[Q] SYS[a, b] ADJ[1]},HBinfo='HB0':{PVT_T0[58 59] MW[7] MW0[1]}",
        );
        assert_eq!((q.items().raw("Ver"), q.items().raw("SYS")), (Some("Q"), Some("a, b")));
        assert_eq!(q.items().list("PVT_T0").count(), 2);
        assert_eq!(q.items().family("MW").collect::<Vec<_>>(), [(0, "1")], "MW is not MW0");
        let two = Record::parse("STATS=0,MM ID1=PS[1],MM ID2=PS[2] TA[3],MM Count=2");
        assert_eq!(
            (two.items().number("PS"), two.items().number("TA"), two.number("MM Count")),
            (Some(1.0), None, Some(2.0))
        );
    }

    #[test]
    fn bytes_are_found_wherever_they_stand() {
        for length in 0..40 {
            for at in 0..length {
                let mut bytes = vec![b'|' + 1; length];
                assert_eq!(find(&bytes, b'|'), None);
                bytes[at..].fill(b'|');
                bytes[..at].fill(0xff);
                assert_eq!(find(&bytes, b'|'), Some(at), "of {length}");
            }
        }
    }

    #[test]
    fn numbers() {
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
            ("9007199254740993", Some(9_007_199_254_740_992.0)),
            ("999999999999999999", Some(1e18)),
        ] {
            assert_eq!(number(text), value, "{text:?}");
        }
        for number in (1..200_000_u64).step_by(7) {
            let text = format!("{}.{}", number.wrapping_mul(number) % 1_000_000_007, number % 10_007);
            assert_eq!(short_number(&text), text.parse().ok(), "{text}");
        }
    }

    /// What a network may call itself, and what may not come of it.
    #[test]
    fn names_of_networks_do_no_harm() {
        for name in
            [&b"home"[..], b"", b"my]net, a=b|c [x]", b"|CMD=pools|STATUS=E|", b"x] RSSI[-10", b"[[{{", b"\xff\xfe\\"]
        {
            let reply = [b"LVer[1] SSID[", name, b"] RSSI[-55] NetDevType[1],MM Count=1"].concat();
            assert_eq!(decode(&reply), "LVer[1] SSID[] RSSI[-55] NetDevType[1],MM Count=1", "{name:?}");
        }
        assert_eq!(decode(b"a SSID[cut"), "a SSID[cut");
        assert_eq!(decode(b"bad \xff byte"), "bad \u{fffd} byte");
    }
}
