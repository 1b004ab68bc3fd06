//! A miner's raw reply as it may be published, for bug reports and for tests.
//!
//! Nothing passes but the values of known keys that have the form of harmless ones (`harmless`), the names of known keys,
//! and what the owner of the miner releases. Of everything else the shape stays: digits become `1`, letters `x`, and what
//! is neither is kept. So the parser finds the same structure, and a secret has no place where it could hide: not under a
//! key that nobody has seen, not as a key, not in a reply that is garbled.
//!
//! What cannot be distinguished from a reading stays: a secret of nothing but digits that has lost its key and stands
//! where a number of a known key belongs.

use std::collections::BTreeSet;

use crate::cgminer::reply::network_name_end;
use crate::cli::harmless::{Known, is_bare_word, known};

/// The longest key. The longest known one has 21 bytes; in front of a value that follows a longer one stands no key.
const KEY_BYTES_MAX: usize = 32;

/// A masked reply and what was masked in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Masked {
    /// The reply.
    pub reply: Vec<u8>,
    /// Keys whose values were masked. They are what the miner sent, so they may be published no more than the values.
    pub keys: BTreeSet<String>,
    /// How many other texts were masked: those without a key, or with something that does not look like one.
    pub texts: usize,
    /// Keys that were released and met.
    pub kept: BTreeSet<String>,
}

/// Masks a reply but for the values of the keys to keep; any bytes will do.
pub fn mask(reply: &[u8], keep: &[String]) -> Masked {
    let mut masker = Masker { keep, masked: Masked::default() };
    masker.masked.reply.reserve(reply.len());
    let mut at = 0;
    while let Some(rest) = reply.get(at..).filter(|rest| !rest.is_empty()) {
        let is_field = matches!(reply.get(..at), Some([] | [.., b',' | b'|']));
        at = reply.len() - masker.take(rest, is_field).len();
    }
    masker.masked
}

/// What separates words.
fn is_separator(byte: u8) -> bool {
    is_delimiter(byte) || is_space(byte)
}

/// What separates keys and values, too.
fn is_delimiter(byte: u8) -> bool {
    b",|=[]{}'".contains(&byte)
}

fn is_space(byte: u8) -> bool {
    byte == b' ' || byte.is_ascii_control()
}

struct Masker<'k> {
    keep: &'k [String],
    masked: Masked,
}

impl Masker<'_> {
    /// Takes a separator, a key with its value, or a word, and returns what follows it. `is_field` says whether a field may
    /// begin here.
    fn take<'a>(&mut self, text: &'a [u8], is_field: bool) -> &'a [u8] {
        let end = text.iter().position(|byte| is_separator(*byte)).unwrap_or(text.len());
        if end == 0 {
            let (separator, rest) = text.split_at(1);
            self.push_shape(separator);
            return rest;
        }
        if let Some(rest) = self.take_entry(text, is_field) {
            return rest;
        }
        let (word, rest) = text.split_at(end);
        let is_record = is_field && matches!(rest, [] | [b',' | b'|', ..]);
        // A miner without a hash board prints some lists without their opening bracket: ` MGHS]`.
        let is_known = |word: &str| is_record && is_bare_word(word) || rest.starts_with(b"]") && known(word).is_some();
        if std::str::from_utf8(word).is_ok_and(is_known) {
            self.masked.reply.extend_from_slice(word);
        } else {
            self.masked.texts += usize::from(self.push_shape(word));
        }
        rest
    }

    /// Takes a field or an item, if one begins here, and returns what follows it.
    fn take_entry<'a>(&mut self, text: &'a [u8], is_field: bool) -> Option<&'a [u8]> {
        let end = text.iter().take(KEY_BYTES_MAX + 1).position(|byte| is_delimiter(*byte))?;
        let (key, [opening @ (b'=' | b'['), value @ ..]) = text.split_at_checked(end)? else { return None };
        let (name, key) = (key, std::str::from_utf8(key).ok());
        let known = key.filter(|_| *opening == b'[' || is_field).and_then(known);
        let keeps = key.is_some_and(|key| self.keep.iter().any(|keep| keep == key.trim()));
        // Two items have a space between them, so what comes before the last space may not belong to the key.
        if *opening == b'[' && known.is_none() && !keeps && name.iter().any(|byte| is_space(*byte)) {
            return None;
        }
        if known.is_some() || keeps {
            self.masked.reply.extend_from_slice(name);
        } else {
            self.push_shape(name);
        }
        self.masked.reply.push(*opening);
        if known == Some(Known::Items) {
            return Some(value);
        }
        let (value, rest) = value.split_at(value_end(value, *opening, key));
        let passes = std::str::from_utf8(value).is_ok_and(|value| known.is_some_and(|known| known.passes(value)));
        if keeps {
            self.masked.kept.extend(key.map(|key| key.trim().to_owned()));
            self.masked.reply.extend_from_slice(value);
        } else if passes {
            self.masked.reply.extend_from_slice(value);
        } else if self.push_shape(value) || known.is_none() {
            self.note(key);
        }
        Some(rest)
    }

    /// Notes that the value of a key was masked.
    fn note(&mut self, key: Option<&str>) {
        match key.map(str::trim).filter(|key| looks_like_a_key(key)) {
            Some(key) => drop(self.masked.keys.insert(key.to_owned())),
            None => self.masked.texts += 1,
        }
    }

    /// Writes a text's shape. Whether it had anything to hide.
    ///
    /// Control characters become spaces, since a terminal obeys some, and bytes that are no UTF-8 `0xff`, so that a reply that
    /// is no text stays none.
    fn push_shape(&mut self, text: &[u8]) -> bool {
        let out = &mut self.masked.reply;
        let begin = out.len();
        for chunk in text.utf8_chunks() {
            out.extend(chunk.valid().bytes().map(|byte| match byte {
                b'0'..=b'9' => b'1',
                _ if byte.is_ascii_alphabetic() || !byte.is_ascii() => b'x',
                _ if byte.is_ascii_control() => b' ',
                _ => byte,
            }));
            out.extend(chunk.invalid().iter().map(|_| 0xff));
        }
        out.get(begin..).is_some_and(|shape| shape.iter().any(|byte| matches!(byte, b'x' | b'1' | 0xff)))
    }
}

/// Where a value ends: a field's at the next comma or bar that is not escaped, an item's at its bracket or the end of the
/// record. A network name may hold any byte, so only what follows it ends it.
fn value_end(text: &[u8], opening: u8, key: Option<&str>) -> usize {
    if let Some(end) = key.filter(|key| *key == "SSID").and_then(|_| network_name_end(text)) {
        return end;
    }
    let mut is_escaped = false;
    let end = text.iter().position(|byte| {
        let ends = if opening == b'[' { b"]|".contains(byte) } else { b",|".contains(byte) && !is_escaped };
        is_escaped = *byte == b'\\' && !is_escaped;
        ends
    });
    end.unwrap_or(text.len())
}

/// Whether a text looks like a key, so that its owner may be told of it by name: a letter, then letters, few digits and what
/// keys have beside them.
fn looks_like_a_key(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b" _%-".contains(&byte))
        && text.split(|c: char| !c.is_ascii_digit()).all(|digits| digits.len() < 4)
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use proptest::prelude::*;
    use proptest::sample::{Index, select};

    use super::*;

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

    fn masked(reply: &[u8]) -> String {
        String::from_utf8_lossy(&mask(reply, &[]).reply).into_owned()
    }

    #[test]
    fn what_passes_and_what_does_not() {
        for (text, expected) in [
            ("SUMMARY,Elapsed=7,MHS av=1.50|", "SUMMARY,Elapsed=7,MHS av=1.50|"),
            ("CMD=pools|STATUS=S,Msg=3 Pool(s)|", "CMD=pools|STATUS=S,Msg=3 Pool(s)|"),
            ("MM ID0=Ver[Q-25052801_14a19a2] Temp[5] MGHS]", "MM ID0=Ver[Q-25052801_14a19a2] Temp[5] MGHS]"),
            ("{PVT_T0[ 58  59]},HBinfo='HB0':{MW0[1]}", "{PVT_T0[ 58  59]},HBinfo='xx1':{MW0[1]}"),
            // Known keys with values of another form.
            ("Elapsed=7x,Temp=bob|", "Elapsed=1x,Temp=xxx|"),
            ("MODEL=Zephyr9,PROD=Avalon Q,Msg=Alice", "MODEL=xxxxxx1,PROD=Avalon Q,Msg=xxxxx"),
            ("Elapsed=0201000000000001,API=10.0.0.5", "Elapsed=1111111111111111,API=11.1.1.1"),
            // Values of the owner's.
            ("User=al.ice7,Last Share Time=3", "User=xx.xxx1,Last Share Time=3"),
            ("User=al\\,i\\|c\\=e\\\\,Stale=1", "User=xx\\,x\\|x\\=x\\\\,Stale=1"),
            (
                "DNA[0201abcd] SSID[a] RSSI[b|,=] RSSI[-5] Filter[1]",
                "DNA[1111xxxx] SSID[x] xxxx[x|,=] RSSI[-5] Filter[1]",
            ),
            ("SSID[] RSSI[0]", "SSID[] RSSI[0]"),
            ("URL=stratum+tcp://h.org:3333/#bc1q,Status=Alive", "URL=xxxxxxx+xxx://x.xxx:1111/#xx1x,Status=Alive"),
            // What no list has, keys included, and known keys that are spaced, of another case or part of another.
            ("SN=A1,WIFIPWD[a1] PIN[4711] Temp[5]", "xx=x1,xxxxxxx[x1] xxx[1111] Temp[5]"),
            (
                "User =bob,DNA: 0201,Elapsed =7,elapsed=7,XElapsed=7",
                "xxxx =xxx,xxx: 1111,xxxxxxx =1,xxxxxxx=1,xxxxxxxx=1",
            ),
            ("alice,SUMMARY=1,a SUMMARY|SUMMARY", "xxxxx,xxxxxxx=1,x xxxxxxx|SUMMARY"),
            ("MM ID0=bob Elapsed=7 Temp[5]", "MM ID0=xxx xxxxxxx=1 xxxx[1]"),
            ("Foo[1 Temp[5] HW[1]", "xxx[1 xxxx[1] HW[1]"),
            ("a\u{e4}\u{1b}[31mB\n9", "xxx [11xx 1"),
        ] {
            assert_eq!(masked(text.as_bytes()), expected, "{text}");
        }
        assert_eq!(mask(b"Foo[\xfe\xff 1 \xc3\xa4]\xff", &[]).reply, b"xxx[\xff\xff 1 xx]\xff");
    }

    #[test]
    fn what_was_masked_is_listed() {
        let text = b"SN=A1,PIN=4711,User=,DNA=1,Msg=what?,Elapsed=7,bob|0151234=5,x@y=1|Serial Number[7] OK[]";
        let masked = mask(text, &[]);
        let keys: Vec<&str> = masked.keys.iter().map(String::as_str).collect();
        assert_eq!(keys, ["DNA", "Msg", "Number", "OK", "PIN", "SN"]);
        assert_eq!(masked.texts, 4, "bob, two keys that look like none, and Serial");
    }

    #[test]
    fn keys_are_released() {
        let keep = ["SN", "URL", "Serial No", "Elapsed", "PIN", "MM ID0"].map(str::to_owned);
        let masked = mask(b"SN=A1,URL=a\\,b,SN2=7,MM ID0=Serial No[Z9] DNA[7],Elapsed=bob|Temp[x]", &keep);
        let expected = "SN=A1,URL=a\\,b,xx1=1,MM ID0=Serial No[Z9] DNA[1],Elapsed=bob|Temp[x]";
        assert_eq!(String::from_utf8_lossy(&masked.reply), expected);
        assert_eq!(masked.kept.iter().map(String::as_str).collect::<Vec<_>>(), ["Elapsed", "SN", "Serial No", "URL"]);
        assert!(masked.keys.contains("DNA") && masked.keys.contains("SN2") && !masked.keys.contains("SN"));
    }

    static PUBLIC: LazyLock<String> = LazyLock::new(|| masked(CAPTURES[6]));

    /// Texts that say whose miner it is. None of them is its own mask.
    fn secret() -> impl Strategy<Value = String> {
        prop_oneof![
            "bc1q[02-9ac-hj-np-z]{38}",
            "[13][2-9A-HJ-NP-Za-km-z]{32}",
            "0x[0-9a-f]{38}[2-9]f",
            "[a-z]{3,9}[2-9]\\.[a-z]{2,5}@[a-z]{3,8}\\.(org|io)",
            "[0-9a-f]{2}(:[0-9a-f]{2}){4}:e[2-9]",
            "0[12]0[12][0-9a-f]{11}[2-9]",
            "(192\\.168|172\\.16|10\\.0)\\.[0-9]{1,3}\\.[2-9]{2}",
            "[A-Z]{2}[0-9]{7}[2-9]",
            "0[1-9][0-9]{8}[2-9]",
            "[a-zA-Z]{4,8}[!#$&/:@ ]{1,2}[2-9]{1,3}",
            "[b-w]{6,12}",
        ]
        .prop_filter("a part of every reply", |secret| !PUBLIC.contains(secret.as_str()))
    }

    /// Where secrets are planted: texts in whose place the second one comes, `@` of which is the secret.
    const PLACES: &[(&str, &str)] = &[
        (",Status=Alive", ",SN=@,Status=Alive"),
        (",Status=Alive", ",IPADDR=@,Status=Alive"),
        (",Status=Alive", ",Pass1=@|Status=Alive"),
        (",Status=Alive", ",User =@,Status=Alive"),
        (",Status=Alive", ",DNA: @,Status=Alive"),
        (",Status=Alive", ",a key that is longer than any that there is=@,Status=Alive"),
        (",Status=Alive", ",@,Status=Alive"),
        (",Status=Alive", ",@=5,Status=Alive"),
        (",Status=Alive", ",Status=@"),
        (" Temp[", " WIFIPWD[@] Temp["),
        (" TMax[", " MAC0[@] TMax["),
        (" TMax[", " PIN[@] TMax["),
        (" TMax[", " DNA: @ TMax["),
        (" TMax[", " DNA [@] TMax["),
        (" TMax[", " @[5] TMax["),
        (" TMax[", " WIFI PWD[@ TMax["),
        ("VERSION,", "VERSION,MAC0=@,"),
        ("VERSION,", "VERSION,SERIAL=\\,@\\|,"),
        ("DNA=0201000000000001", "DNA=@"),
        ("MAC=e0e1a9000001", "MAC=@"),
        ("DNA[0201000000000001]", "DNA[@]"),
        ("SSID[home-wifi]", "SSID[@]"),
        ("SSID[home-wifi]", "SSID[a] Temp[@ RSSI[]"),
        ("User=worker.1", "User=@.rig"),
        ("User=worker.1", "User=a\\,MODEL\\=@"),
        ("MODEL=", "MODEL=@"),
        ("PROD=", "PROD=@ "),
        ("Description=cgminer", "Description=@"),
        ("Strategy=", "Strategy=@"),
        ("stratum+tcp://", "stratum+tcp://@:x@"),
        ("stratum+tcp://", "@://"),
        ("stratum.braiins.com", "@"),
        ("stratum.braiins.com", "@.com"),
        (":3333", ":3333/#@"),
        (":3333", ":3333/@?worker=@#@"),
        (":3333", ":@"),
        ("Stratum URL=", "Stratum URL=@"),
        ("Proxy=", "Proxy=@"),
    ];

    fn places() -> impl Strategy<Value = Vec<((&'static str, &'static str), Index, String)>> {
        prop::collection::vec((select(PLACES), any::<Index>(), secret()), 1..4)
    }

    /// A text with something else in one of the places of a part; as it is if it has none.
    fn edited(text: &[u8], from: &str, which: Index, to: &str) -> Vec<u8> {
        let places: Vec<usize> = (0..text.len()).filter(|at| text[*at..].starts_with(from.as_bytes())).collect();
        if places.is_empty() {
            return text.to_vec();
        }
        let at = *which.get(&places);
        [&text[..at], to.as_bytes(), &text[at + from.len()..]].concat()
    }

    fn is_digits(text: &str) -> bool {
        text.bytes().all(|byte| byte.is_ascii_digit())
    }

    /// Nor may its parts be there, such as the name in front of an address's `@`.
    fn assert_hidden(reply: &[u8], secret: &str) -> Result<(), TestCaseError> {
        let masked = masked(reply);
        let parts = secret.split(|c: char| !c.is_ascii_alphanumeric());
        let parts = parts.filter(|part| part.len() > 5 && !part.bytes().all(|byte| b"x1".contains(&byte)));
        for part in parts.chain([secret]) {
            prop_assert!(!masked.contains(part), "{part} is in {masked}");
        }
        Ok(())
    }

    proptest! {
        #[test]
        fn no_secret_passes(capture in 0..CAPTURES.len(), places in places()) {
            let mut reply = CAPTURES[capture].to_vec();
            for ((from, to), which, secret) in &places {
                reply = edited(&reply, from, *which, &to.replace('@', secret));
            }
            for (.., secret) in &places {
                assert_hidden(&reply, secret)?;
            }
        }

        /// A secret anywhere: inside a key, a number, a name.
        #[test]
        fn no_secret_passes_wherever_it_is(capture in 0..CAPTURES.len(), at in any::<Index>(), secret in secret()) {
            // Digits inside a number are a number.
            prop_assume!(!is_digits(&secret));
            let capture = CAPTURES[capture];
            let at = at.index(capture.len());
            assert_hidden(&[&capture[..at], secret.as_bytes(), &capture[at..]].concat(), &secret)?;
        }

        /// The reply lost parts, on either side of a secret or right at it, and its end.
        #[test]
        fn no_secret_passes_where_something_was_cut_out(
            capture in 0..CAPTURES.len(), place in (select(PLACES), any::<Index>(), secret()),
            before in (0..120_usize, 0..8_usize), behind in (0..8_usize, 0..120_usize), end in 0..9000_usize,
        ) {
            let ((from, to), which, secret) = place;
            let reply = edited(CAPTURES[capture], from, which, &to.replace('@', &secret));
            let Some(at) = (0..reply.len()).find(|at| reply[*at..].starts_with(secret.as_bytes())) else { return Ok(()) };
            let till = at.saturating_sub(before.1);
            let (cut, rest) = (&reply[..till.saturating_sub(before.0)], &reply[till..]);
            let (kept, lost) = (at - till + secret.len() + behind.0, behind.1);
            let behind = rest.get(kept + lost..).unwrap_or_default();
            let whole = [cut, &rest[..kept.min(rest.len())], &behind[..end.min(behind.len())]].concat();
            // Digits alone behind a number's key are a number.
            prop_assume!(!is_digits(&secret) || before.0 == 0);
            assert_hidden(&whole, &secret)?;
        }

        #[test]
        fn any_bytes_will_do(bytes in prop::collection::vec(any::<u8>(), 0..200), at in any::<Index>()) {
            let capture = CAPTURES[6].strip_suffix(b"\0").unwrap();
            let at = at.index(capture.len());
            let reply = [&capture[..at], &bytes, &capture[at..]].concat();
            let once = mask(&reply, &[]);
            prop_assert!(once.reply.len() == reply.len());
            prop_assert!(!once.reply.iter().any(u8::is_ascii_control));
            let twice = mask(&once.reply, &[]);
            prop_assert_eq!(String::from_utf8_lossy(&twice.reply), String::from_utf8_lossy(&once.reply));
        }
    }
}
