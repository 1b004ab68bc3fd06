//! A miner's raw reply with everything masked that says whose miner it is, for bug reports and for tests.
//!
//! A reply that needs a report is often a garbled one, so its structure is not trusted. The bytes are read as words
//! between separators, and the rule is that what is not known to be harmless is masked:
//!
//! - The value of a key that holds a secret is replaced, wherever such a key stands: worker, password, MAC, DNA, network
//!   name, and the user part of a pool's URL. A URL is only believed in a record that is whole around it.
//! - Of all else, numbers, keys, versions and the words of `WORDS` stay, and every other word keeps its shape alone:
//!   letters become `x`, digits `0`. So a worker name whose key was cut off does not get through, and a model that
//!   nobody has seen shows its keys and numbers.
//!
//! A mask has the form of what it stands for, so a whole reply parses to the same page but for MAC and DNA. What cannot
//! be told from a reading stays, and only if its key was cut out of the middle of a reply: a secret of less than twelve
//! digits and nothing else, one in front of a `[` that looks like an item's key, and a user part of a URL that lost its
//! `@` and is not the worker's name. Bytes that are no UTF-8 become `0xff`, so that a reply that is no text stays none.

use crate::cgminer::reply::network_name_end;

/// What stands for a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mask {
    /// This text.
    Text(&'static str),
    /// The URL without its user part.
    Url,
    /// A network name, whose end only its length tells.
    Network,
}

/// Ends of keys, in lower case, and what stands for their values. Firmware has only some of them, and some of it has
/// others in front: `HDNA`, `Stratum URL`.
const SECRETS: &[(&str, Mask)] = &[
    ("user", Mask::Text("worker.1")),
    ("username", Mask::Text("worker.1")),
    ("worker", Mask::Text("worker.1")),
    ("pass", Mask::Text("x")),
    ("passwd", Mask::Text("x")),
    ("password", Mask::Text("x")),
    ("psk", Mask::Text("x")),
    ("token", Mask::Text("x")),
    ("email", Mask::Text("x")),
    ("serial", Mask::Text("0")),
    ("mac", Mask::Text("e0e1a9000001")),
    ("dna", Mask::Text("0201000000000001")),
    ("ssid", Mask::Network),
    ("url", Mask::Url),
    ("proxy", Mask::Url),
];

/// Ends like a secret's key, but holds colours.
const NO_SECRET: &[u8] = b"LEDUser";

/// How a Nano 3 says that it has no DNA but that of its hash board.
const NO_DNA: &[u8] = b"0000000000000000";

/// Fields of `version` that name the model, as text that nobody can list; each with what must follow it, so that
/// nothing was cut out of the middle.
const NAMES: &[(&[u8], &[u8])] = &[(b"PROD", b",MODEL="), (b"MODEL", b",HWTYPE="), (b"HWTYPE", b",SWTYPE=")];

/// What follows a URL in a whole record: in `URL`, `Stratum URL`, `Proxy`.
const BEHIND_URL: [&[u8]; 3] = [b",Status=", b",Stratum Difficulty=", b",Difficulty Accepted="];

/// How the worker's field begins in the record of a pool.
const USER: &[u8] = b",User=";
/// Shorter names stand in many a URL, and tell nobody's.
const ACCOUNT_BYTES_MIN: usize = 3;

/// How far round a URL its record is looked at. A pool's record has about 1,000 bytes, and a reply made of nothing but
/// URLs must not take for ever.
const RECORD_BYTES_MAX: usize = 2048;

/// What the scheme of a pool's URL is made of, as `stratum+tcp`. Any other word before `://` may be somebody's name.
const SCHEMES: &[&str] = &["stratum", "stratum1", "stratum2", "tcp", "ssl", "tls", "http", "https"];
/// Stands for a URL that is not believed.
const SOME_URL: &str = "stratum+tcp://pool.example.com:3333";
/// Stands for the user part of one that is.
const SOME_USER: &str = "worker.1:x@";

/// The words of firmware: of its keys with `=` and of its values. Digits at a word's end do not count.
const WORDS: &str = "\
    --avalon10-freq --avalon10-voltage-level --hash-asic --power-level --vth-add 1m 15m 30s 5m 5s A API ASC ASC(s) AVA \
    AVALON AVANANO Accepted Access Active Alive Asc Attempts Av Avalon AvalonMiner Avalonnano B BVERSION Bad Balance \
    Best Block Blocks Board Bytes C CGMiner CGVERSION CMD COIN CONFIG Calls Can Clean Code Coin Count Current D DEVDETAILS \
    Dead Debug Description Details Device Diff Difficulty Disabled Discarded Driver E Elapsed Enabled Errors Expire F FW \
    FANMCUVERSION Failover Failures Fault Found GBT Get Getworks HB HBMCUVERSION HBinfo HVERSION HWTYPE Had Hardware \
    Hardware% Has Hash Height Hotplug I ID Idle In Init Initialising Interval Invalid K230 Kernel LOADER LP LVERSION Last \
    Level Linux Load Local Log Long MAC DNA MCUVERSION MH MHS MM MM318_X2 MM319 MM4v2_X3 MODEL M_MM1v1_X1 Mask Max Method \
    Min Mini3 Mini3_hb_v Model Msg N N_MM1v1_X1 Name Nano Nano3s Net Network NoStart Nonce None OS Offset PGA PMMv1_X1 \
    POOL PROD Path Poll Pool Pool(s) Priority Proxy Q Q_MM1v1_X1 Q_fb_v1.2 Q_hb_v1.1 Mini3_hb_v1.0 Quota R Recv Rejected \
    Rejected% Rejecting Release Remote Robin Roll Rotate Round S STATS STATUS STM8 SUMMARY SWTYPE Sent Share Shares Sick \
    Smart Speed Stale Stale% Status Strategy Stratum Summary Temperature Time Times Total Type UPAPI URL User Utility \
    VERSION Valid Version Vmask Voltage W Wait When Work Works Y a ascset av avalon cgminer coin command config denied \
    devdetails devs estats false getwork inf is lcd litestats missing nan nano no pools sha256 stats summary to true \
    version versions";

/// The most characters that a key has.
const KEY_BYTES_MAX: usize = 24;
/// A MAC has twelve hexadecimal digits without its colons, a DNA sixteen.
const IDENTITY_DIGITS: usize = 12;

/// A reply with its secrets masked; any bytes will do.
pub fn masked(reply: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(reply.len());
    let mut rest = reply;
    while let Some((first, after)) = rest.split_first() {
        if is_separator(*first) {
            out.push(*first);
            rest = after;
            continue;
        }
        let (word, after) = take_word(rest);
        // What runs into a secret's key from the left is no part of the key.
        push_word(&mut out, word, after);
        rest = match (secret(word), after.split_first()) {
            (Some(mask), Some((opening @ (b'=' | b'['), value))) => {
                out.push(*opening);
                let before = reply.get(..reply.len() - value.len()).unwrap_or_default();
                replace(&mut out, mask, *opening == b'[', before, value)
            }
            (_, Some((b'=', value))) => push_name(&mut out, word, value).unwrap_or(after),
            _ => after,
        };
    }
    out
}

/// What separates words; an escaped separator belongs to its word.
fn is_separator(byte: u8) -> bool {
    b",|=[]{}' :".contains(&byte) || byte.is_ascii_control()
}

fn take_word(text: &[u8]) -> (&[u8], &[u8]) {
    let mut is_escaped = false;
    let end = text.iter().position(|byte| {
        let ends = is_separator(*byte) && !is_escaped;
        is_escaped = *byte == b'\\' && !is_escaped;
        ends
    });
    text.split_at(end.unwrap_or(text.len()))
}

fn secret(word: &[u8]) -> Option<Mask> {
    if word == NO_SECRET {
        return None;
    }
    let is_key = |key: &str| {
        let end = word.len().checked_sub(key.len()).and_then(|at| word.get(at..));
        end.is_some_and(|end| end.eq_ignore_ascii_case(key.as_bytes()))
    };
    SECRETS.iter().find(|(key, _)| is_key(key)).map(|(_, mask)| *mask)
}

/// Writes what stands for the value at the front of a text, and returns the text behind the value.
fn replace<'a>(out: &mut Vec<u8>, mask: Mask, is_item: bool, before: &[u8], text: &'a [u8]) -> &'a [u8] {
    let name = if mask == Mask::Network { network_name_end(text) } else { None };
    let (value, rest) = text.split_at(name.unwrap_or_else(|| value_end(text, is_item)));
    match mask {
        _ if value.is_empty() || value == NO_DNA => out.extend_from_slice(value),
        Mask::Text(text) => out.extend_from_slice(text.as_bytes()),
        Mask::Network => out.extend_from_slice(b"home-wifi"),
        Mask::Url => {
            let url = masked_url(value).filter(|url| is_whole(url, before, rest));
            out.extend_from_slice(url.as_deref().unwrap_or(SOME_URL.as_bytes()));
        }
    }
    rest
}

/// Whether nothing was cut out of a URL, as far as can be told: what belongs behind it is there, and the worker of its
/// record is not a part of it, which would be a user part whose `@` is gone.
fn is_whole(url: &[u8], before: &[u8], behind: &[u8]) -> bool {
    let near = before.get(before.len().saturating_sub(RECORD_BYTES_MAX)..).unwrap_or_default();
    let front = near.rsplit(|byte| *byte == b'|').next().unwrap_or_default();
    let near = behind.get(..RECORD_BYTES_MAX).unwrap_or(behind);
    let back = near.split(|byte| *byte == b'|').next().unwrap_or_default();
    let user = [front, back].into_iter().find_map(|part| {
        let at = part.windows(USER.len()).position(|window| window == USER)?;
        let text = part.get(at + USER.len()..)?;
        text.get(..value_end(text, false))
    });
    let Some(user) = user else { return false };
    let account = user.split(|byte| *byte == b'.').next().unwrap_or_default();
    let is_inside = account.len() >= ACCOUNT_BYTES_MIN && url.windows(account.len()).any(|window| window == account);
    !is_inside && BEHIND_URL.iter().any(|next| behind.starts_with(next))
}

/// Where a value ends: at the next comma or bar that is not escaped; an item also at its bracket.
fn value_end(text: &[u8], is_item: bool) -> usize {
    let mut is_escaped = false;
    let end = text.iter().position(|byte| {
        let ends = matches!(byte, b',' | b'|' | 0) && !is_escaped || is_item && *byte == b']';
        is_escaped = *byte == b'\\' && !is_escaped && !is_item;
        ends
    });
    end.unwrap_or(text.len())
}

/// A URL with another user part; none if it is none. The path is masked like any words, what follows `#` stays.
fn masked_url(url: &[u8]) -> Option<Vec<u8>> {
    let url = std::str::from_utf8(url).ok()?;
    let (scheme, rest) = match url.split_once("://") {
        Some((scheme, rest)) if scheme.split('+').all(|word| SCHEMES.contains(&word)) => (Some(scheme), rest),
        Some(_) => return None,
        None => (None, url),
    };
    // A password may hold anything, so whatever stands before the last of these is taken for one.
    let (has_user, place) = rest.rsplit_once('@').map_or((false, rest), |(_, place)| (true, place));
    let (place, fragment) = place.split_at(place.find('#').unwrap_or(place.len()));
    let (authority, path) = place.split_at(place.find('/').unwrap_or(place.len()));
    let (host, port) = authority.split_once(':').unwrap_or((authority, "0"));
    let is_host = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'-';
    let is_fragment = |byte: u8| byte.is_ascii_alphanumeric() || b"#\\=._-/&".contains(&byte);
    if host.is_empty()
        || !host.bytes().all(is_host)
        || port.parse::<u16>().is_err()
        || !fragment.bytes().all(is_fragment)
    {
        return None;
    }
    let mut out = Vec::new();
    if let Some(scheme) = scheme {
        out.extend_from_slice(scheme.as_bytes());
        out.extend_from_slice(b"://");
    }
    out.extend_from_slice(if has_user { SOME_USER.as_bytes() } else { b"" });
    out.extend_from_slice(authority.as_bytes());
    push_shape(&mut out, path.as_bytes());
    out.extend_from_slice(fragment.as_bytes());
    Some(out)
}

/// Writes the value of a field that names the model, if it is whole, and returns the text behind it.
fn push_name<'a>(out: &mut Vec<u8>, word: &[u8], text: &'a [u8]) -> Option<&'a [u8]> {
    let (_, behind) = NAMES.iter().find(|(key, _)| *key == word)?;
    let (value, rest) = text.split_at(value_end(text, false));
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b" _-.".contains(byte);
    if !rest.starts_with(behind) || !value.iter().all(is_plain) || has_identity(value) {
        return None;
    }
    out.push(b'=');
    out.extend_from_slice(value);
    Some(rest)
}

fn push_word(out: &mut Vec<u8>, word: &[u8], after: &[u8]) {
    let is_harmless = std::str::from_utf8(word).is_ok_and(|word| {
        is_number(word) || is_known(word) || is_version(word) || is_chip(word) || is_hash(word) || is_key(word, after)
    });
    if is_harmless { out.extend_from_slice(word) } else { push_shape(out, word) }
}

/// Writes a word's shape.
fn push_shape(out: &mut Vec<u8>, word: &[u8]) {
    for chunk in word.utf8_chunks() {
        let shape = |c: char| match c {
            '0'..='9' => '0',
            _ if c.is_ascii_alphabetic() || !c.is_ascii() => 'x',
            _ => c,
        };
        out.extend(chunk.valid().chars().map(|c| shape(c) as u8));
        out.extend(chunk.invalid().iter().map(|_| 0xff));
    }
}

/// Whether there is a run of digits as long as those of a MAC or a DNA.
fn has_identity(word: &[u8]) -> bool {
    word.split(|byte| !byte.is_ascii_hexdigit()).any(|run| run.len() >= IDENTITY_DIGITS)
}

/// A number, a range or list of them, or a code such as `0x01.00000000`. Counters as long as an identity have decimals.
fn is_number(word: &str) -> bool {
    let is_decimal = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let is_long = word
        .split_once('.')
        .is_some_and(|(whole, part)| part.len() < IDENTITY_DIGITS && is_decimal(whole) && is_decimal(part));
    let is_code =
        |code: &str| code.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'.') && code.len() < IDENTITY_DIGITS;
    let is_list = word.bytes().all(|byte| byte.is_ascii_digit() || b".-+%".contains(&byte));
    is_long || is_list && !has_identity(word.as_bytes()) || word.strip_prefix("0x").is_some_and(is_code)
}

fn is_known(word: &str) -> bool {
    let stem = word.trim_end_matches(|c: char| c.is_ascii_digit());
    let is_stem = !stem.is_empty() && word.len() - stem.len() <= 3;
    WORDS.split(' ').any(|known| known == word || is_stem && known == stem)
}

/// `15-194-24102401_25462b2_9ddf522`: perhaps a model, then eight digits and one or two hashes of seven.
fn is_version(word: &str) -> bool {
    let is_hash = |text: &str| text.len() == 7 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let (model, version) = word.rsplit_once('-').unwrap_or(("", word));
    let mut parts = version.split('_');
    let is_date = parts.next().is_some_and(|date| date.len() == 8 && date.bytes().all(|byte| byte.is_ascii_digit()));
    let count = parts.clone().count();
    let is_model = model.len() <= 12 && model.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    is_date && (1..=2).contains(&count) && parts.all(is_hash) && is_model && !has_identity(model.as_bytes())
}

/// `A3197S`.
fn is_chip(word: &str) -> bool {
    let number = word.strip_prefix('A').unwrap_or_default();
    let number = number.strip_suffix('S').unwrap_or(number);
    number.len() == 4 && number.bytes().all(|byte| byte.is_ascii_digit())
}

/// The hash of a block, which the whole world knows. No DNA is so long.
fn is_hash(word: &str) -> bool {
    word.len() > 40 && word.starts_with("00000000") && word.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// A key that no list has: of an item in any case, of a field only in capitals.
fn is_key(word: &str, after: &[u8]) -> bool {
    let is_capital = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let is_key = match after.first() {
        Some(b'[') => word.bytes().all(is_letter),
        Some(b'=') => word.bytes().all(is_capital),
        _ => false,
    };
    is_key
        && word.starts_with(|c: char| c.is_ascii_uppercase())
        && word.len() <= KEY_BYTES_MAX
        && !has_identity(word.as_bytes())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use std::sync::Arc;

    use crate::cgminer::reply::{Reply, ReplyError, Request};
    use crate::cli::capture::file_name;
    use crate::metrics::KEYS;
    use crate::miner::{Collected, Identity, collect};

    const CAPTURES: [&[u8]; 8] = [
        include_bytes!("../../tests/captures/a15-194__24102401_25462b2__mining.reply"),
        include_bytes!("../../tests/captures/error-invalid-command.reply"),
        include_bytes!("../../tests/captures/hostile-ssid-extended.reply"),
        include_bytes!("../../tests/captures/mini3__25011701_3f53b19__mining.reply"),
        include_bytes!("../../tests/captures/nano3__24071801_42c628d__mid.reply"),
        include_bytes!("../../tests/captures/nano3s__25021401_56abae7__high.reply"),
        include_bytes!("../../tests/captures/nano3s__25021401_56abae7__high__extended.reply"),
        include_bytes!("../../tests/captures/q__25052801_14a19a2__standby.reply"),
    ];
    const EXTENDED: &[u8] = CAPTURES[6];

    fn read(reply: &[u8]) -> Result<Collected, ReplyError> {
        Reply::parse(&KEYS, reply.strip_suffix(b"\0").unwrap(), Request::Extended, true).map(|reply| collect(&reply))
    }

    fn holds(text: &[u8], part: &[u8]) -> bool {
        text.windows(part.len()).any(|window| window == part)
    }

    fn edited(reply: &[u8], from: &str, to: &[u8]) -> Vec<u8> {
        let at = reply.windows(from.len()).position(|window| window == from.as_bytes()).unwrap();
        [&reply[..at], to, &reply[at + from.len()..]].concat()
    }

    /// The secrets of the captures have been replaced already, with what this module replaces them with.
    #[test]
    fn captures_stay_as_they_are() {
        for (number, capture) in CAPTURES.iter().enumerate() {
            let masked = masked(capture);
            assert_eq!(read(&masked), read(capture), "{number}");
            if number != 2 {
                // The version of the loader might be a word that no list has.
                let expected = String::from_utf8_lossy(capture).replace("d0d779de.00", "x0x000xx.00");
                assert_eq!(String::from_utf8_lossy(&masked), expected, "{number}");
            }
        }
        assert!(holds(&masked(CAPTURES[2]), b" SSID[home-wifi] RSSI["));
    }

    #[test]
    fn secrets_have_their_masks() {
        for (field, expected) in [
            ("User=al.ice,Last Share Time=3", "User=worker.1,Last Share Time=3"),
            ("User=al\\,i\\|c\\=e\\\\,Last", "User=worker.1,Last"),
            ("User=al,ice,Last Share Time=3", "User=worker.1,xxx,Last Share Time=3"),
            ("User=,Last", "User=,Last"),
            ("User=alice", "User=worker.1"),
            ("0User=alice|", "0xxxx=worker.1|"),
            ("Username=alice,Passwd=7,PASS=b|", "xxxxxxxx=worker.1,xxxxxx=x,PASS=x|"),
            ("DNA=02010000aff1c3d2,MAC=e0:e1:a9:12:34:56,", "DNA=0201000000000001,MAC=e0e1a9000001,"),
            ("  HDNA[02010000aff1c3d2]  DNA[0000000000000000]", "  HDNA[0201000000000001]  DNA[0000000000000000]"),
            ("SSID[a] RSSI[b|,=] RSSI[-5] Filter[1]", "SSID[home-wifi] RSSI[-5] Filter[1]"),
            ("SSID[] RSSI[0]", "SSID[] RSSI[0]"),
            ("SSID[my home] NetDevType[1]", "SSID[home-wifi] NetDevType[1]"),
            ("SSID[my ho,MM Count=1|", "SSID[home-wifi,MM Count=1|"),
            ("LEDUser[0-100-50] Foo[bar 12 -3.5]", "LEDUser[0-100-50] Foo[xxx 12 -3.5]"),
            ("URL=stratum+tcp://h.org:3333/#xnsub\\=1,Status=", "URL=stratum+tcp://h.org:3333/#xnsub\\=1,Status="),
            ("URL=stratum+tcp://me:p#w@d@h.org:3333,Status=", "URL=stratum+tcp://worker.1:x@h.org:3333,Status="),
            ("Stratum URL=me@h.org,Stratum Difficulty=", "Stratum URL=worker.1:x@h.org,Stratum Difficulty="),
            ("Stratum URL=,Stratum", "Stratum URL=,Stratum"),
            ("URL=stratum+tcp://me:pwh.org:3333,Status=", "URL=stratum+tcp://pool.example.com:3333,Status="),
            ("URL=http://h.org/me/7,Status=", "URL=http://h.org/xx/0,Status="),
            ("URL=alice://x:@tcp://h.org:3333,Status=", "URL=stratum+tcp://pool.example.com:3333,Status="),
            ("URL=stratum+tcp://bobh.org:3333,Status=", "URL=stratum+tcp://pool.example.com:3333,Status="),
            ("URL=stratum+tcp://alice", "URL=stratum+tcp://pool.example.com:3333"),
            ("URL=tcp://me:p,w@h.org,Status=", "URL=stratum+tcp://pool.example.com:3333,x@x.xxx,Status="),
            (
                "PROD=Avalon Zephyr,MODEL=Zephyr9,HWTYPE=Z_1,SWTYPE=",
                "PROD=Avalon Zephyr,MODEL=Zephyr9,HWTYPE=Z_1,SWTYPE=",
            ),
            ("PROD=Avalice,Last Share Time=1", "PROD=xxxxxxx,Last Share Time=1"),
            ("MODEL=Za0201000000000001,HWTYPE=", "MODEL=xx0000000000000000,HWTYPE="),
            ("Ver[Zephyr-25021401_56abae7] Ver[Zep-250214alice]", "Ver[Zephyr-25021401_56abae7] Ver[xxx-000000xxxxx]"),
            ("DN[0201000000000001],Total MH=82265459736123.0000", "DN[0000000000000000],Total MH=82265459736123.0000"),
            ("NewItem[5] NEWFIELD=5,newfield=5,alice", "NewItem[5] NEWFIELD=5,xxxxxxxx=5,xxxxx"),
        ] {
            // A URL is believed in a pool's record alone.
            let (behind, expected_behind) =
                if field.contains("URL") { (",User=bob.1|", ",User=worker.1|") } else { ("", "") };
            let (field, expected) = (format!("{field}{behind}"), format!("{expected}{expected_behind}"));
            assert_eq!(String::from_utf8_lossy(&masked(field.as_bytes())), expected);
        }
        let cut = masked(b"URL=stratum+tcp://alice.org:3333,Status=Alive|POOL=1,User=alice|");
        assert!(!holds(&cut, b"alice"));
        assert_eq!(masked(b"Foo[\xfe\xff 1 \xc3\xa4]\xff"), b"Foo[\xff\xff 1 x]\xff");
    }

    /// The extended capture with secrets in all the places where firmware has them.
    fn planted(user: &str, password: &str, network: &[u8], dna: &str, mac: &str) -> Vec<u8> {
        let escaped: String =
            user.chars().flat_map(|c| if ",|=\\".contains(c) { vec!['\\', c] } else { vec![c] }).collect();
        let mut reply = EXTENDED.to_vec();
        for (from, to) in [
            ("DNA=0201000000000001", format!("DNA={dna}")),
            ("MAC=e0e1a9000001", format!("MAC={mac}")),
            ("DNA[0201000000000001]", format!("DNA[{dna}]")),
            ("User=worker.1,", format!("User={escaped},")),
            ("POOL=0,URL=stratum+tcp://", format!("POOL=0,URL=stratum+tcp://{escaped}:{password}@")),
            ("Stratum URL=stratum", format!("Stratum URL={escaped}:{password}@stratum")),
        ] {
            reply = edited(&reply, from, to.as_bytes());
        }
        edited(&reply, "SSID[home-wifi]", &[b"SSID[", network, b"]"].concat())
    }

    proptest! {
        #[test]
        fn any_secret_goes_and_the_page_stays(
            user in "[ -~]{1,20}", password in "[a-zA-Z0-9#/@:!$]{0,12}", network in prop::collection::vec(any::<u8>(), 0..=32),
            dna in "0[12][0-9a-f]{13}[1-9]", mac in "[0-9a-f]{11}[1-9]",
        ) {
            let user = format!("qz{user}ZQ");
            let reply = planted(&user, &password, &network, &dna, &mac);
            let masked = masked(&reply);
            prop_assert!(!holds(&masked, user.as_bytes()) && !holds(&masked, b"qz") && !holds(&masked, b"ZQ"));
            prop_assert!(!holds(&masked, dna.as_bytes()) && !holds(&masked, mac.as_bytes()));
            prop_assert!(network.len() < 4 || !holds(&masked, &[b"SSID[", &network[..]].concat()) );
            let (mut plain, mut masked) = (read(&reply).unwrap(), read(&masked).unwrap());
            for collected in [&mut plain, &mut masked] {
                let identity = Arc::make_mut(&mut collected.identity);
                *identity = Identity { dna: None, mac: None, ..identity.clone() };
                Arc::make_mut(&mut collected.reading).pools.iter_mut().for_each(|pool| pool.url = None);
            }
            prop_assert_eq!(plain, masked);
        }

        /// Parts are missing on either side of a secret, right at it or near, and then the reply may end anywhere.
        #[test]
        fn no_secret_outlives_what_was_cut_off(
            which in 0..9_usize, before in (0..120_usize, 0..8_usize), behind in (0..8_usize, 0..120_usize), end in 0..9000_usize,
        ) {
            let (user, password, network, dna, mac) = ("qzalice.rig7", "qzhunter2", "qz ho,me|x", "02010000aff1c3d2", "e0e1a9f23456");
            let reply = planted(user, password, network.as_bytes(), dna, mac);
            let all = [user, password, network, dna, mac];
            let places: Vec<(usize, &str)> = all.iter().flat_map(|secret| {
                let is_there = |at: &usize| reply[*at..].starts_with(secret.as_bytes());
                (0..reply.len()).filter(is_there).map(|at| (at, *secret)).collect::<Vec<_>>()
            }).collect();
            let (at, secret) = places[which % places.len()];
            let (from, to) = (at.saturating_sub(before.0 + before.1), at - before.1.min(at));
            let (from2, to2) = (at + secret.len() + behind.0, at + secret.len() + behind.0 + behind.1);
            let kept = [&reply[..from], &reply[to..from2], &reply[to2.min(reply.len())..]].concat();
            let masked = masked(&kept[..kept.len().min(from + before.1 + secret.len() + end)]);
            for secret in all {
                prop_assert!(!holds(&masked, secret.as_bytes()), "{secret}: {}", String::from_utf8_lossy(&masked));
            }
        }

        #[test]
        fn any_bytes_will_do(bytes in prop::collection::vec(any::<u8>(), 0..200), at in 0..7000_usize) {
            let _ = masked(&bytes);
            let reply = [&EXTENDED[..at.min(EXTENDED.len())], &bytes, &EXTENDED[at.min(EXTENDED.len())..]].concat();
            let once = masked(&reply);
            prop_assert!(file_name(&once).contains("__"));
        }
    }
}
