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
//!   Names are not used for anything, so a reply in which one was met is read again without them, and what was found the
//!   first time is forgotten. Should one slip through, [`Reply::parse`] refuses a reply whose parts are not those asked for, once each and in order.
//! - Nothing is interpreted: values stay text until somebody asks for a [`number`].

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use crate::cgminer::fields::{Key, Keys, Row, Table};
use crate::cgminer::lexer::{Found, NETWORK_NAME, Scanner, is_escaped};
use crate::cgminer::number::{Numbers, number};

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
    /// Only who the miner is. The reply to a single command is that of [`Version`].
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

/// How many records of each of the `READ_COMMANDS` are taken apart, several times over what real replies have: 8 pools and a
/// device. Nobody asks for `config`, `devs` and `devdetails` yet.
const RECORDS_MAX: [u16; READ_COMMANDS.len()] = [1, 1, 64, 0, 0, 0, 64, 1, 1];
/// Longest message of a miner that is passed on.
const MESSAGE_CHARS_MAX: usize = 100;

/// Status code of `pools` on a miner that has none: an answer, not a failure.
const CODE_NO_POOLS: &str = "8";

/// Where the values of a reply stand, by record, and those of its `MM` fields: memory that serves one reply after the other.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    fields: Table,
    items: Table,
}

impl Memory {
    /// Bytes that it holds.
    pub fn capacity(&self) -> usize {
        self.fields.capacity() + self.items.capacity()
    }
}

/// A reply in which every required part is there and succeeded.
#[derive(Debug)]
pub struct Reply<'a> {
    text: Cow<'a, str>,
    memory: Memory,
    shape: Shape,
}

/// Where in the memory the records of a reply are.
#[derive(Debug)]
struct Shape {
    version: u16,
    summary: u16,
    stats: Range<u16>,
    device: Option<Module>,
    pools: Range<u16>,
    litestats: Option<Module>,
    coin: Option<u16>,
    more_records: usize,
}

/// A record with an `MM` field: the numbers of its fields' row and its items'.
#[derive(Clone, Copy, Debug)]
struct Module {
    fields: u16,
    items: u16,
}

/// The fields of a record, or the items of its `MM` field: `Ver[Nano3s-..] PS[0 0 27697 4 0 3678 132] Nonce Mask[25]`. Those
/// of which the set of keys has the key; none of a record that is not there.
#[derive(Clone, Copy, Debug, Default)]
pub struct Fields<'a> {
    text: &'a str,
    row: Row<'a>,
}

impl<'a> Fields<'a> {
    /// The value as it was sent.
    pub fn raw(self, key: Key) -> Option<&'a str> {
        self.text.get(self.row.get(key)?)
    }

    /// The value without its escapes.
    pub fn text(self, key: Key) -> Option<Cow<'a, str>> {
        self.raw(key).map(unescape)
    }

    /// The value as a number.
    pub fn number(self, key: Key) -> Option<f64> {
        number(self.text.as_bytes().get(self.row.get(key)?)?)
    }

    /// The value as a list of numbers; what is none keeps its place. An item that is not there is an empty list.
    pub fn list(self, key: Key) -> Numbers<'a> {
        Numbers::of(self.raw(key).unwrap_or_default())
    }
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

/// How a part begins, and how its status does.
const COMMAND: &str = "CMD=";
const STATUS: &str = "STATUS=";

/// A part as it came: its status record, and the numbers of the others.
#[derive(Clone, Debug)]
struct Part<'a> {
    status: Option<&'a str>,
    records: Range<u16>,
}

impl<'a> Part<'a> {
    /// A field of the status.
    fn says(&self, key: &str) -> Option<&'a str> {
        let status = self.status?;
        let mut value = None;
        Scanner::new(status).take(|_, name, text| {
            if value.is_none() && name == key.as_bytes() {
                value = status.get(text);
            }
        });
        value
    }

    /// The miner's own words about the part, short and without control characters: they go into logs.
    fn message(&self) -> String {
        let text = self.says("Msg").map(unescape).unwrap_or_default();
        text.chars().take(MESSAGE_CHARS_MAX).flat_map(char::escape_debug).collect()
    }

    /// How the miner says that the part went, which is what a status begins with: a letter.
    fn code(&self) -> Option<&'a str> {
        self.status?.strip_prefix(STATUS)?.split(',').next()
    }

    /// The records if the miner says that the part succeeded (`S`, or with a warning or a remark).
    fn succeeded(&self) -> Option<Range<u16>> {
        matches!(self.code(), Some("S" | "W" | "I")).then(|| self.records.clone())
    }
}

impl Shape {
    /// Reads a text. Whether the name of a network was met, so that what was read means nothing.
    fn of(
        text: &str,
        memory: &mut Memory,
        keys: &'static Keys,
        request: Request,
        whole: bool,
    ) -> (Result<Self, ReplyError>, bool) {
        let text = match without_open_part(text) {
            Ok(text) => text,
            Err(error) => return (Err(error), false),
        };
        let (mut parts, mut scanner) = (Parts::new(keys, memory), Scanner::new(text));
        let shape = parts.read(&mut scanner, request).and_then(|()| parts.shape(whole));
        (shape, scanner.met_network_name())
    }
}

/// A reply that is being taken apart.
struct Parts<'a, 'm> {
    /// In the order of `READ_COMMANDS`.
    by_command: [Option<Part<'a>>; READ_COMMANDS.len()],
    keys: &'static Keys,
    memory: &'m mut Memory,
    /// The first record of `stats` with an `MM` field, and that of `litestats`.
    device: Option<Module>,
    litestats: Option<Module>,
    more_records: usize,
}

impl<'a, 'm> Parts<'a, 'm> {
    /// Takes a text apart up to the first part that is not where it belongs.
    ///
    /// A required part out of place, or anything out of place before the last required one, is an error: what stands
    /// before it may have been cut by a forged `CMD=`. After that only the optional tail is lost.
    fn read(&mut self, scanner: &mut Scanner<'a>, request: Request) -> Result<(), ReplyError> {
        let mut asked = request.commands().iter().enumerate();
        let mut current = None;
        loop {
            let rest = scanner.rest();
            if rest.is_empty() {
                return Ok(());
            }
            let Some(name) = rest.strip_prefix(COMMAND).and_then(|_| scanner.pass().strip_prefix(COMMAND)) else {
                self.take(scanner, current)?;
                continue;
            };
            let next = self.next_record();
            current = asked.find(|(_, command)| **command == name).map(|(number, _)| number);
            let Some(part) = current.and_then(|number| self.by_command.get_mut(number)) else {
                return self.may_end(name, scanner);
            };
            *part = Some(Part { status: None, records: next..next });
        }
    }

    fn new(keys: &'static Keys, memory: &'m mut Memory) -> Self {
        memory.fields.clear(keys);
        memory.items.clear(keys);
        Parts { by_command: Default::default(), keys, memory, device: None, litestats: None, more_records: 0 }
    }

    /// The number of the record that comes next; there are no more than `RECORDS_MAX` allows.
    fn next_record(&self) -> u16 {
        u16::try_from(self.memory.fields.rows()).unwrap_or(u16::MAX)
    }

    /// Takes a record, which belongs to the part of this number.
    fn take(&mut self, scanner: &mut Scanner<'a>, number: Option<usize>) -> Result<(), ReplyError> {
        let part = number.and_then(|number| self.by_command.get_mut(number)?.as_mut().zip(RECORDS_MAX.get(number)));
        let Some((part, most)) = part else {
            let status = Part { status: Some(scanner.pass()), records: 0..0 };
            return Err(match status.code() {
                Some("E" | "F") => ReplyError::Refused(status.message()),
                _ => ReplyError::Foreign,
            });
        };
        let is_first = part.status.is_none() && part.records.is_empty();
        if is_first && scanner.rest().starts_with(STATUS) {
            part.status = Some(scanner.pass());
        } else if part.records.len() < usize::from(*most) {
            part.records.end += 1;
            let module = self.take_record(scanner);
            match number.and_then(|number| READ_COMMANDS.get(number)) {
                Some(&"stats") => self.device = self.device.or(module),
                Some(&"litestats") => self.litestats = module,
                _ => {}
            }
        } else {
            scanner.pass();
            self.more_records += usize::from(*most > 1);
        }
        Ok(())
    }

    /// Takes the fields and items of a record; which they are if it has an `MM` field.
    fn take_record(&mut self, scanner: &mut Scanner<'a>) -> Option<Module> {
        let module = Module { fields: self.next_record(), items: u16::try_from(self.memory.items.rows()).ok()? };
        let keys = self.keys;
        let mut fields = self.memory.fields.add();
        if scanner.take_fields(|key, value| fields.put(keys, key, value)) {
            return None;
        }
        let mut items = self.memory.items.add();
        let has_module = scanner.take_module(|found, key, value| {
            let row = if found == Found::Field { &mut fields } else { &mut items };
            row.put(keys, key, value);
        });
        has_module.then_some(module)
    }

    /// An error unless the parts may end before one of this name and what comes after it.
    fn may_end(&self, name: &str, scanner: &mut Scanner<'_>) -> Result<(), ReplyError> {
        let is_whole = REQUIRED.into_iter().all(|command| self.part(command).is_some());
        let mut later = Some(name);
        loop {
            if let Some(name) = later.filter(|name| !is_whole || REQUIRED.contains(name)) {
                return Err(out_of_order(name));
            }
            if scanner.rest().is_empty() {
                return Ok(());
            }
            later = scanner.pass().strip_prefix(COMMAND);
        }
    }

    fn part(&self, name: &str) -> Option<&Part<'a>> {
        let number = READ_COMMANDS.iter().position(|command| *command == name)?;
        self.by_command.get(number)?.as_ref()
    }

    /// The records of a part that has to be there.
    fn required(&self, name: &'static str) -> Result<Range<u16>, ReplyError> {
        let part = self.part(name).ok_or(ReplyError::Missing(name))?;
        match part.succeeded() {
            _ if part.status.is_none() => Err(ReplyError::Malformed(name)),
            Some(records) => Ok(records),
            None if name == "pools" && part.says("Code") == Some(CODE_NO_POOLS) => Ok(0..0),
            None => Err(ReplyError::Failed(name, part.message())),
        }
    }

    fn required_record(&self, name: &'static str) -> Result<u16, ReplyError> {
        self.required(name)?.next().ok_or(ReplyError::Malformed(name))
    }

    fn optional_record(&self, name: &str) -> Option<u16> {
        self.part(name)?.succeeded()?.next()
    }

    /// Where the records are, if every required part is there and succeeded.
    fn shape(&self, whole: bool) -> Result<Shape, ReplyError> {
        let (version, summary) = (self.required_record("version")?, self.required_record("summary")?);
        let (stats, pools) = (self.required("stats")?, self.required("pools")?);
        let litestats = self.optional_record("litestats").and(self.litestats);
        let coin = self.optional_record("coin");
        // A miner without pools promises none.
        let promise = self.part("pools").filter(|part| !whole && part.succeeded().is_some()).map(Part::message);
        if promise.is_some_and(|text| text.split(' ').next() != Some(&pools.len().to_string())) {
            return Err(ReplyError::Truncated);
        }
        let (device, more_records) = (self.device, self.more_records);
        Ok(Shape { version, summary, stats, device, pools, litestats, coin, more_records })
    }
}

impl<'a> Reply<'a> {
    /// Reads a reply, without its NUL. Only what ends with `|` counts: a number that lost its end is another. Bytes that are no
    /// UTF-8 become U+FFFD.
    ///
    /// `whole` says that the NUL was seen. Without it `pools` must have as many records as its message says, for some
    /// firmware cuts a slow send short.
    pub fn parse(keys: &'static Keys, bytes: &'a [u8], request: Request, whole: bool) -> Result<Self, ReplyError> {
        Self::parse_in(Memory::default(), keys, bytes, request, whole)
    }

    /// The same, with memory that [`Reply::into_memory`] gave back.
    pub fn parse_in(
        mut memory: Memory,
        keys: &'static Keys,
        bytes: &'a [u8],
        request: Request,
        whole: bool,
    ) -> Result<Self, ReplyError> {
        let mut text = text_of(bytes);
        let (mut shape, met_network_name) = Shape::of(&text, &mut memory, keys, request, whole);
        // What is no reply may have become none by a name that was not met yet.
        if met_network_name || shape.is_err() && text.contains(NETWORK_NAME) {
            text = without_network_names(bytes);
            (shape, _) = Shape::of(&text, &mut memory, keys, request, whole);
        }
        Ok(Reply { shape: shape?, text, memory })
    }

    /// Its memory, for the next reply.
    pub fn into_memory(self) -> Memory {
        self.memory
    }

    fn fields(&self, record: u16) -> Fields<'_> {
        Fields { text: &self.text, row: self.memory.fields.row(record.into()) }
    }

    fn items(&self, module: Option<Module>) -> Fields<'_> {
        let row = |module: Module| self.memory.items.row(module.items.into());
        Fields { text: &self.text, row: module.map(row).unwrap_or_default() }
    }

    /// Model, firmware and addresses.
    pub fn version(&self) -> Fields<'_> {
        self.fields(self.shape.version)
    }

    /// Totals of the whole miner.
    pub fn summary(&self) -> Fields<'_> {
        self.fields(self.shape.summary)
    }

    /// The records of `stats`: the device's, and one for each pool with `ID=POOLn`.
    pub fn stats(&self) -> impl Iterator<Item = Fields<'_>> {
        self.shape.stats.clone().map(|record| self.fields(record))
    }

    /// The device's record: the first with an `MM` field, wherever it stands among the pools' records.
    pub fn device(&self) -> Option<Fields<'_>> {
        self.shape.device.map(|module| self.fields(module.fields))
    }

    /// The items of the device.
    pub fn device_items(&self) -> Fields<'_> {
        self.items(self.shape.device)
    }

    /// A record for each pool.
    pub fn pools(&self) -> impl Iterator<Item = Fields<'_>> {
        self.shape.pools.clone().map(|record| self.fields(record))
    }

    /// The items of `litestats`, Wi-Fi and filter; none if they were not asked for or not answered.
    pub fn litestats(&self) -> Fields<'_> {
        self.items(self.shape.litestats)
    }

    /// The network difficulty, when asked for and answered.
    pub fn coin(&self) -> Option<Fields<'_>> {
        self.shape.coin.map(|record| self.fields(record))
    }

    /// How many records of `stats` and `pools` there are beyond the limit.
    pub fn more_records(&self) -> usize {
        self.shape.more_records
    }
}

/// The reply to [`Request::Version`]: who the miner is, and nothing else.
#[derive(Debug)]
pub struct Version<'a> {
    text: Cow<'a, str>,
    memory: Memory,
}

impl<'a> Version<'a> {
    /// Reads a reply, without its NUL. The answer to a command that stands alone has no `CMD=` before it.
    pub fn parse(keys: &'static Keys, bytes: &'a [u8]) -> Result<Self, ReplyError> {
        let (text, mut memory) = (text_of(bytes), Memory::default());
        if text.is_empty() {
            return Err(ReplyError::Empty);
        }
        let mut scanner = Scanner::new(&text);
        let status = scanner.rest().starts_with(STATUS).then(|| scanner.pass()).ok_or(ReplyError::Foreign)?;
        if !ends_record(&text) {
            return Err(ReplyError::Truncated);
        }
        let is_version = scanner.rest().starts_with("VERSION");
        Parts::new(keys, &mut memory).take_record(&mut scanner);
        let part = Part { status: Some(status), records: 0..1 };
        match part.succeeded() {
            Some(_) if is_version => Ok(Version { text, memory }),
            Some(_) => Err(ReplyError::Malformed("version")),
            None => Err(ReplyError::Failed("version", part.message())),
        }
    }

    /// Its fields.
    pub fn fields(&self) -> Fields<'_> {
        Fields { text: &self.text, row: self.memory.fields.row(0) }
    }
}

/// Mostly they are UTF-8, which `from_utf8_lossy` takes fourteen times as long to find.
fn text_of(bytes: &[u8]) -> Cow<'_, str> {
    str::from_utf8(bytes).map_or_else(|_| String::from_utf8_lossy(bytes), Cow::Borrowed)
}

fn out_of_order(name: &str) -> ReplyError {
    ReplyError::OutOfOrder(name.chars().take(32).flat_map(char::escape_debug).collect())
}

/// The text of a reply up to its last whole record.
///
/// A part that was cut short is left out whole, which costs the reply only if it was a required one.
fn without_open_part(text: &str) -> Result<&str, ReplyError> {
    if text.is_empty() {
        return Err(ReplyError::Empty);
    }
    if ends_record(text) {
        return Ok(text);
    }
    let whole = text.rfind("|CMD=").and_then(|at| text.get(..=at)).filter(|whole| ends_record(whole));
    whole.ok_or(if text.starts_with(COMMAND) { ReplyError::Truncated } else { ReplyError::Foreign })
}

/// Whether the text ends with a bar that no backslash escapes.
fn ends_record(text: &str) -> bool {
    text.ends_with('|') && !is_escaped(text.as_bytes(), text.len() - 1)
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

/// Longest Wi-Fi network name, in bytes (IEEE 802.11, SSID element).
const SSID_BYTES_MAX: usize = 32;

/// The reply's bytes as text, without the names of wireless networks.
///
/// The firmware prints `SSID[name] RSSI[-55]` with the name as it is. Since a name has at most 32 bytes, the last
/// `] RSSI[` within reach ends it, whatever the name pretends.
fn without_network_names(bytes: &[u8]) -> Cow<'static, str> {
    let mut kept: Vec<u8> = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some(start) = network_name(rest) {
        let (before, name) = rest.split_at(start);
        let end = network_name_end(name).unwrap_or(0);
        kept.extend_from_slice(before);
        rest = name.get(end..).unwrap_or_default();
    }
    kept.extend_from_slice(rest);
    let text = String::from_utf8(kept);
    Cow::Owned(text.unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
}

/// Where the name of a network begins.
fn network_name(text: &[u8]) -> Option<usize> {
    let begin = NETWORK_NAME.as_bytes();
    text.windows(begin.len()).position(|window| window == begin).map(|at| at + begin.len())
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

    #[rustfmt::skip]
    static KEYS: Keys = Keys::new(&[&[
        "MODEL", "VERSION", "Elapsed", "ID", "MM Count", "URL", "User", "Status", "RSSI", "Network Difficulty", "PS", "Ver",
        "Fan2", "MW0", "W0", "PVT_T0", "PVT_T1",
    ]]);

    fn key(text: &str) -> Key {
        KEYS.known(text)
    }

    fn parse(text: &str) -> Result<Reply<'_>, ReplyError> {
        Reply::parse(&KEYS, text.as_bytes(), Request::Extended, true)
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
        assert_eq!(Version::parse(&KEYS, text.as_bytes()).unwrap().fields().raw(key("MODEL")), Some("Q"));
        for (text, fault) in [
            ("", ReplyError::Empty),
            ("HTTP/1.1 400 Bad Request|", ReplyError::Foreign),
            ("STATUS=S,Msg=x|VERSION,MOD", ReplyError::Truncated),
            ("STATUS=S,Msg=x|", ReplyError::Malformed("version")),
            ("STATUS=S,Msg=x|SUMMARY,a=b|", ReplyError::Malformed("version")),
            ("STATUS=E,Msg=Access denied|", ReplyError::Failed("version", "Access denied".into())),
        ] {
            assert_eq!(Version::parse(&KEYS, text.as_bytes()).unwrap_err(), fault, "{text}");
        }
        assert_eq!(Request::Version.text(), "version");
    }

    #[test]
    fn a_whole_reply() {
        let reply = parse(WHOLE).unwrap();
        assert_eq!(reply.version().raw(key("MODEL")), Some("Q"));
        assert_eq!(reply.version().raw(key("VERSION")), Some("7"), "not the bare word in front");
        assert_eq!(reply.summary().number(key("Elapsed")), Some(7.0));
        assert_eq!(reply.stats().count(), 2);
        let device = reply.device().unwrap();
        assert_eq!(
            (device.raw(key("ID")), device.number(key("MM Count"))),
            (Some("AVALON0"), Some(1.0)),
            "found by what it holds"
        );
        let pool = reply.pools().next().unwrap();
        assert_eq!(pool.text(key("URL")).unwrap(), "a,b=|c\\");
        assert_eq!(
            (pool.raw(key("User")), pool.raw(key("Status"))),
            (Some("x[y"), Some("Alive")),
            "a lone bracket is a character"
        );
        assert!(reply.litestats().raw(key("RSSI")).is_none() && reply.coin().is_none());
    }

    #[test]
    fn without_its_nul_a_reply_must_be_complete() {
        let cut = |end: usize| Reply::parse(&KEYS, &WHOLE.as_bytes()[..end], Request::Standard, false);
        assert!(cut(WHOLE.len()).is_ok());
        for end in 0..WHOLE.len() {
            assert!(cut(end).is_err(), "cut at {end}");
        }
        // A NUL in the middle makes nothing whole that was cut in a record of a required part.
        for end in (0..WHOLE.len()).filter(|end| !WHOLE[..*end].ends_with('|')) {
            assert!(parse(&WHOLE[..end]).is_err(), "a NUL at {end}");
        }
        let promised_two = WHOLE.replace("1 Pool(s)", "2 Pool(s)");
        assert_eq!(
            Reply::parse(&KEYS, promised_two.as_bytes(), Request::Standard, false).unwrap_err(),
            ReplyError::Truncated
        );
        assert!(Reply::parse(&KEYS, promised_two.as_bytes(), Request::Standard, true).is_ok());
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
        // A status is the first record, and there is one.
        let late = WHOLE.replace("STATUS=S,Msg=v|VERSION,MODEL=Q,VERSION=7|", "VERSION,MODEL=Q|STATUS=S|");
        assert_eq!(error(&late), ReplyError::Malformed("version"));
        let second = WHOLE.replace("STATUS=S,Msg=v|", "STATUS=E,Msg=v|STATUS=S|");
        assert_eq!(error(&second), ReplyError::Failed("version", "v".into()));
        let foreign = WHOLE.replace("CMD=config", "CMD=ascset");
        assert_eq!(error(&foreign), ReplyError::OutOfOrder("ascset".into()));
    }

    #[test]
    fn only_the_tail_may_be_garbled() {
        let tail = "CMD=litestats|STATUS=S|MM ID0=RSSI[-50]|CMD=coin|STATUS=S|COIN,Network Difficulty=2e9|";
        let whole = format!("{WHOLE}{tail}");
        let reply = parse(&whole).unwrap();
        assert_eq!(reply.coin().unwrap().number(key("Network Difficulty")), Some(2e9));
        assert_eq!(reply.litestats().number(key("RSSI")), Some(-50.0));
        for garbled in
            ["CMD=litestats|STATUS=E|CMD=coin|STATUS=E|", "CMD=coin|CMD=coin|", "CMD=litestats", "CMD=x|CMD=y|"]
        {
            let text = format!("{WHOLE}{garbled}");
            assert!(
                parse(&text).is_ok_and(|reply| reply.coin().is_none() && reply.litestats().raw(key("RSSI")).is_none()),
                "{garbled}"
            );
        }
    }

    #[test]
    fn without_its_nul_only_the_tail_may_be_cut_short() {
        let tail = "CMD=litestats|STATUS=S|MM ID0=RSSI[-50]|CMD=coin|STATUS=S|COIN,Network Difficulty=2e9|";
        for end in 0..tail.len() {
            let text = format!("{WHOLE}{}", &tail[..end]);
            let is_read = Reply::parse(&KEYS, text.as_bytes(), Request::Extended, false).is_ok();
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
        assert_eq!((reply.stats().count(), reply.more_records()), (64, 100_000 - 64));
        let parts = format!("{WHOLE}{}", "CMD=x|".repeat(100_000));
        assert!(parse(&parts).is_ok());
    }

    #[test]
    fn no_pools_is_an_answer() {
        let none = WHOLE.replace(
            "STATUS=S,Msg=1 Pool(s)|POOL=0,URL=a\\,b\\=\\|c\\\\,User=x[y,Status=Alive|",
            "STATUS=E,Code=8,Msg=No pools|",
        );
        assert_eq!(
            Reply::parse(&KEYS, none.as_bytes(), Request::Standard, false).map(|reply| reply.pools().count()),
            Ok(0)
        );
    }

    #[test]
    fn the_memory_of_one_reply_leaves_no_trace_in_the_next() {
        let memory = parse(WHOLE).unwrap().into_memory();
        let text = WHOLE.replace("Elapsed=7", "Elapsed=78").replace("PS[0 1]", "Fan1[5]");
        let reply = Reply::parse_in(memory, &KEYS, text.as_bytes(), Request::Extended, true).unwrap();
        assert_eq!((reply.summary().raw(key("Elapsed")), reply.device_items().raw(key("PS"))), (Some("78"), None));
    }

    #[test]
    fn keys_are_found_whole() {
        let text =
            WHOLE.replace("PS[0 1]", "Fan2[5] MW[7] MW0[1] MW10[2] MW100[3] 7[8] PVT_T0[ 86  nan]ü1[0] Temp[1 %]");
        let reply = parse(&text).unwrap();
        let items = reply.device_items();
        assert_eq!(
            (items.raw(key("Ver")), items.number(key("MW0")), items.number(key("W0"))),
            (Some("Q-1"), Some(1.0), None)
        );
        assert_eq!(items.list(key("PVT_T0")).collect::<Vec<_>>(), [Some(86.0), None]);
        assert_eq!(items.list(key("PVT_T1")).count(), 0);
        assert_eq!(reply.litestats().raw(key("Ver")), None);
    }

    /// What a network may call itself, and what may not come of it.
    #[test]
    fn names_of_networks_do_no_harm() {
        for name in
            [&b"home"[..], b"", b"my]net, a=b|c [x]", b"|CMD=pools|STATUS=E|", b"x] RSSI[-10", b"[[{{", b"\xff\xfe\\"]
        {
            let reply = [b"LVer[1] SSID[", name, b"] RSSI[-55] NetDevType[1],MM Count=1"].concat();
            assert_eq!(without_network_names(&reply), "LVer[1] SSID[] RSSI[-55] NetDevType[1],MM Count=1", "{name:?}");
        }
        assert_eq!(without_network_names(b"a SSID[cut"), "a SSID[cut");
        // A cut reply ends before its last part, and not before one that a name pretends.
        let cut = format!("{WHOLE}CMD=litestats|STATUS=S|MM ID0=A[1]|CMD=pools|x SSID[|CMD=coin|] RSSI[-5");
        assert!(parse(&cut).is_ok());
        // Wherever it stands, the reply is read as if it had no name.
        let places = [
            "STATUS=S,Msg=v",
            "VERSION,MODEL=Q",
            "STATS=0,ID=POOL0",
            "Ver[Q-1]",
            "MM Count=1",
            "STATUS=E,Code=14,Msg=no",
            "STATUS=S,Msg=1 Pool(s)",
            "User=x[y",
        ];
        let config = WHOLE.replace("Msg=no|", "Msg=no|CONFIG=0,Hotplug=5|");
        for place in places.into_iter().chain(["CONFIG=0"]) {
            for name in ["|CMD=pools|STATUS=E|", "|,MODEL=R,PS[7]|", "|CMD=version|", ",MM ID0=PS[7"] {
                let text = config.replacen(place, &format!("{place} SSID[{name}] RSSI[-55]"), 1);
                assert!(text.len() > config.len(), "{place} is not there");
                let reply = parse(&text).unwrap_or_else(|error| panic!("{place} {name}: {error}"));
                let (version, items) = (reply.version(), reply.device_items());
                let pool = reply.pools().next().unwrap();
                assert_eq!(
                    (version.raw(key("VERSION")), items.raw(key("PS")), pool.raw(key("Status"))),
                    (Some("7"), Some("0 1"), Some("Alive")),
                    "{place} {name}"
                );
            }
        }
        assert_eq!(without_network_names(b"bad \xff byte"), "bad \u{fffd} byte");
    }
}
