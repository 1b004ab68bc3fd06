//! What may be published of a miner's reply: the keys that are known, and the forms that their values must have.
//!
//! A reply that is worth a report is often garbled, so a key alone is not trusted: a value passes only if it has the form
//! that its key has on real miners. What is not listed here does not pass.

use crate::metrics::List;
use crate::metrics::catalogue::{BOARD, MINER, POOL, POOL_STATE, POSITIONS};

/// What is known of a key. Its name is no secret; its value may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// Numbers, or a flag.
    Numbers,
    /// Words of firmware and short numbers.
    Words,
    /// A firmware's version, perhaps behind its model.
    Version,
    /// More items, each of them with a key of its own.
    Items,
    /// The owner's data, or text in which anything may be.
    Private,
}

/// THE LIST, beside the numbers of the catalogue ([`is_number_of_catalogue`]). `#` is a number of up to two digits.
#[rustfmt::skip]
const KEYS: &[(Known, &[&str])] = &[
    // Counters, measures and settings of the hardware that the catalogue has no row for. Who owns a miner has no influence on
    // them, and none identifies a machine: serial numbers, EEPROM contents and addresses are not among them.
    (Known::Numbers, &[
        "ASC", "ASC Count", "Calls", "Code", "Current Block Time", "DEVDETAILS", "Device Elapsed", 
        "Diff1 Work", "Elapsed", "Hardware Errors", "Last Share Pool", "Last Valid Work", "Last getwork",
        "Local Work", "Log Interval", "MHS 30s", "MHS 5s", "MHS av", "Max", "Min", "Network Blocks", "Network Difficulty",
        "PGA Count", "POOL", "Pool Attempts", "Pool Av", "Pool Calls", "Pool Count", "Pool Max", "Pool Min", "Pool Wait",
        "Quota", "STATS", "Smart Speed", "Temperature", "UPAPI", "Utility", "Voltage Level Offset", "Wait", "When",
        "ADJ", "ATABD#", "BIN", "CALIALL", "COMCRC", "COP", "DHW", "FanErr", "Fan#", "Filter", "GHSspd",
        "HASHS", "HashStatus", "LEVEL", "LcdBright", "Led", "Limitemp", "MODE", "MVL", "MVavg", "MVer",
        "NETFAIL", "NetDevType", "PCOMM_E", "PLL#", "POOLS", "POWS", "PS", "RSSI", "SF#", "STATE", 
        "SoftOffTime", "SoftOnTime", "SoloAllowed", "Vo", "WALLPOWER", 
    ]),
    // Texts that the firmware makes of its own words.
    (Known::Words, &[
        "API", "CGMiner", "CMD", "CPU", "Core", "Description", "Device Code", "Driver", "Enabled", "FANMCUVERSION", "FW",
        "FanMcuVer", "HBMCUVERSION", "HWTYPE", "Has GBT", "Has Stratum", "Has Vmask", "Hash Method", "HashMcu0Ver", "Hotplug", "ID",
        "LP", "Long Poll", "MCUVERSION", "MODEL", "Mcu0Ver", "Msg", "Name", "OS", "PROD", "STATUS", "STM8", "SWTYPE",
        "SYSTEMSTATU", "Status", "Strategy", "Stratum Active",
    ]),
    // Releases are the same on all machines of a model.
    (Known::Version, &["BVERSION", "BVer", "CGVERSION", "HVERSION", "HVer", "LVERSION", "LVer", "VERSION", "Ver"]),
    (Known::Items, &["HBinfo", "MM ID#", "MM ID#:Summary"]),
    // Names of keys whose values identify the owner, the machine or its network, or have forms that are not written down.
    // A pool's address is one: a wallet may be any part of it, the host included, and a pool of one's own is a private name.
    (Known::Private, &[
        "ATA#", "ATAOPTS#", "BOOTBY", "Current Block Hash", "DNA", "Device Path", "EEPROM", "FACOPTS#", "HDNA", "Kernel", "LED",
        "LEDUser", "LOADER", "MAC", "Model", "Proxy", "Proxy Type", "SSID", "Stratum URL", "URL", "User",
    ]),
];

/// Words without a key: how records begin.
const BARE_WORDS: &[&str] = &["COIN", "CONFIG", "SUMMARY", "VERSION"];

/// The letters of values of [`Known::Words`], run by run: `MM318_X2` is `MM` and `X`.
const WORDS: &str = "\
    A API ASC AVA AVALON AVANANO Access Alive Asc Avalon AvalonMiner Avalonnano Balance Board CGMiner Config Dead \
    Debug Denied Details Device Disabled E F Failover Fault Hash I Idle In Init Initialising Invalid K Linux Load M \
    MM MMv Mini Missing N Nano No NoStart None Normal PMMv POOL Pool Q Rejecting Release Robin Rotate Round S Sick \
    Summary Unknown W Work X Y access ascset avalon cgminer coin command config denied devdetails devs estats false \
    fb hb litestats nano pools s sha stats summary to true v version versions";

/// The most digits in a run of them in [`Known::Words`], and in all: `AvalonMiner 1246-83`.
const WORD_DIGITS_MAX: usize = 4;
const DIGITS_MAX: usize = 6;
/// The most dots there, since four numbers with three between them are an address.
const DOTS_MAX: usize = 2;

/// The most digits of a number before its point. The largest known is a total of megahashes, fifteen after years of the
/// largest machine; the text of a DNA has sixteen.
const WHOLE_DIGITS_MAX: usize = 15;
/// The most behind it. `CGMiner` prints eight.
const DECIMALS_MAX: usize = 8;

/// What is known of a key; none if it is not listed.
pub fn known(key: &str) -> Option<Known> {
    let is_listed = |name: &&str| match name.split_once('#') {
        None => *name == key,
        Some((before, behind)) => {
            let number = key.strip_prefix(before).and_then(|rest| rest.strip_suffix(behind));
            number.is_some_and(is_place)
        }
    };
    let listed = KEYS.iter().find(|(_, names)| names.iter().any(is_listed)).map(|(known, _)| *known);
    listed.or_else(|| is_number_of_catalogue(key).then_some(Known::Numbers))
}

/// Whether the catalogue reads the key's value as a number, a list of numbers or a flag.
fn is_number_of_catalogue(key: &str) -> bool {
    let is_list = |list: List| key.strip_prefix(list.stem()).is_some_and(|board| board.is_empty() || is_place(board));
    !key.is_empty()
        && (MINER.iter().any(|row| row.source.key() == Some(key))
            || BOARD.iter().any(|row| row.source.key() == key)
            || POOL.iter().any(|row| row.source.key() == Some(key))
            || POOL_STATE.iter().any(|row| row.source.key() == Some(key))
            || POSITIONS.iter().any(|position| position.key == key)
            || [List::Temp, List::Voltage, List::Work].into_iter().any(is_list))
}

/// The number of a board or module.
fn is_place(text: &str) -> bool {
    (1..=2).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether a word that has no key is one of the firmware's.
pub fn is_bare_word(word: &str) -> bool {
    BARE_WORDS.contains(&word)
}

impl Known {
    /// Whether a value has the form that it has on real miners, so that it may be published.
    pub fn passes(self, value: &str) -> bool {
        match self {
            Self::Numbers => value.split(' ').all(|word| word.is_empty() || is_number(word) || is_flag(word)),
            Self::Words => is_words(value),
            Self::Version => is_version(value),
            Self::Items | Self::Private => value.is_empty(),
        }
    }
}

fn is_flag(word: &str) -> bool {
    ["true", "false", "nan", "-nan", "inf", "-inf"].contains(&word)
}

/// A decimal number as `printf` prints it. What begins with a useless zero is a code: a DNA, a telephone number.
fn is_number(word: &str) -> bool {
    let word = word.strip_suffix('%').unwrap_or(word);
    let (whole, decimals) = word.split_once('.').unwrap_or((word, "0"));
    let whole = whole.strip_prefix('-').unwrap_or(whole);
    let are_digits =
        |text: &str, max: usize| (1..=max).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    are_digits(whole, WHOLE_DIGITS_MAX)
        && are_digits(decimals, DECIMALS_MAX)
        && (whole == "0" || !whole.starts_with('0'))
}

fn is_words(value: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b" _-.:,'()".contains(&byte);
    let runs = |is_other: fn(char) -> bool| value.split(is_other).filter(|run| !run.is_empty());
    let (has_letters, digits) =
        (runs(|c| !c.is_ascii_alphabetic()).next().is_some(), value.bytes().filter(u8::is_ascii_digit).count());
    value.bytes().all(is_allowed)
        && runs(|c| !c.is_ascii_alphabetic()).all(|run| WORDS.split(' ').any(|word| word == run))
        && runs(|c| !c.is_ascii_digit()).all(|run| run.len() <= WORD_DIGITS_MAX)
        && digits <= DIGITS_MAX
        && value.matches('.').count() <= DOTS_MAX
        // Digits alone might be a PIN; what is a version or a model has a point or a hyphen.
        && (has_letters || digits <= 1 || value.contains(['.', '-']))
}

/// `15-194-24102401_25462b2_9ddf522`: perhaps a model, then eight digits that begin with a year's and one or two hashes of
/// seven.
fn is_version(value: &str) -> bool {
    let is_hash = |text: &str| text.len() == 7 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let (model, release) = value.rsplit_once('-').unwrap_or(("", value));
    let mut parts = release.split('_');
    let is_date = parts
        .next()
        .is_some_and(|date| date.len() == 8 && date.starts_with('2') && date.bytes().all(|byte| byte.is_ascii_digit()));
    value.is_empty() || is_date && (1..=2).contains(&parts.clone().count()) && parts.all(is_hash) && is_words(model)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys() {
        for (key, expected) in [
            ("Elapsed", Some(Known::Numbers)),
            ("MHS 15m", Some(Known::Numbers)),
            ("PVT_T0", Some(Known::Numbers)),
            ("PVT_V12", Some(Known::Numbers)),
            ("MW", Some(Known::Numbers)),
            ("MW123", None),
            ("Fan4", Some(Known::Numbers)),
            ("Fan", None),
            ("HBITemp", Some(Known::Numbers)),
            ("Work Can Roll", Some(Known::Numbers)),
            ("Priority", Some(Known::Numbers)),
            ("MODEL", Some(Known::Words)),
            ("MM ID0", Some(Known::Items)),
            ("MM ID0:Summary", Some(Known::Items)),
            ("MM IDx", None),
            ("User", Some(Known::Private)),
            ("User ", None),
            ("user", None),
            ("SN", None),
            ("MAC0", None),
            ("", None),
        ] {
            assert_eq!(known(key), expected, "{key}");
        }
    }

    #[test]
    fn each_key_stands_once() {
        let all: Vec<&str> = KEYS.iter().flat_map(|(_, keys)| keys.iter().copied()).collect();
        let twice: Vec<_> = (1..all.len()).filter(|at| all[..*at].contains(&all[*at])).map(|at| all[at]).collect();
        let of_catalogue: Vec<_> = all.iter().filter(|key| is_number_of_catalogue(key)).collect();
        assert!(twice.is_empty() && of_catalogue.is_empty(), "twice: {twice:?}; in the catalogue: {of_catalogue:?}");
    }

    #[test]
    fn forms() {
        use Known::{Numbers, Private, Version, Words};
        for (known, values) in [
            (Numbers, "/0/-273/1.299%/0.00/ 66  65 /-nan/true/102265459736123.0000"),
            (Words, "/cgminer 4.11.1/AvalonMiner 15-194/1246-83/Mini3_hb_v1.0/3 Pool(s)/3.7/20.08.01/S/0"),
            (Words, "Work: In Work, Hash Board: 3 /Access denied to 'ascset' command/A3197S/PMMv1_X1/POOL0/K230"),
            (Version, "/25021401_56abae7/15-194-24102401_25462b2_9ddf522/Nano3s-25021401_56abae7"),
            (Private, ""),
        ] {
            assert_eq!(values.split('/').find(|value| !known.passes(value)), None, "{known:?}");
        }
        for (known, values) in [
            (Numbers, "0201000000000001/0151234567/192.168.1.5/1-2/1 x/1e5/0x04/1.123456789/1,2/12:34/1\t2"),
            (Numbers, "1234567890123456/-/./%/+1/00/\u{0661}"),
            (Words, "192.168.1.5/10.0.0.5/4711/47 11/Nano12345/AvalonMiner 1246-834/alice/alive/Nano3sx/02 01 00 00"),
            (Words, "Q@Q/Q=Q/\u{e4}/Q\\Q"),
            (
                Version,
                "25021401/25021401_56abae7_9ddf522_1234567/alice-25021401_56abae7/15021401_56abae7/25021401_56ABAE7",
            ),
            (Private, "x/0/-"),
        ] {
            assert_eq!(values.split('/').find(|value| known.passes(value)), None, "{known:?}");
        }
    }
}
