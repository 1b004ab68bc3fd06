//! What a fake miner does with a connection, and the words that name it on the command line.

use std::fs;
use std::str::FromStr;
use std::time::Duration;

/// What the fake does with a connection once the request has arrived.
#[derive(Clone, Debug)]
pub enum Behaviour {
    /// Sends these bytes and closes, as the firmware does after its NUL.
    Answer(Vec<u8>),
    /// Sends these bytes, then neither speaks nor closes until the client leaves. Without bytes: a silent miner.
    Hold(Vec<u8>),
    /// Sends one byte of these each time `every` has passed, then closes.
    Drip { reply: Vec<u8>, every: Duration },
    /// The same with a thousand bytes at a time: slow, and yet in time.
    Dawdle { reply: Vec<u8>, every: Duration },
    /// Sends these bytes again and again until the client leaves.
    Flood(Vec<u8>),
    /// Sends so many MiB of one byte, then neither speaks nor closes: a flood that a client may have to keep in memory.
    Fill { mebibytes: usize, byte: u8 },
    /// Sends these bytes, then resets the connection.
    Reset(Vec<u8>),
    /// Resets the connection and refuses others for so long, as a miner does that restarts.
    Leave(Duration),
    /// Sends what this makes of the connection's number, then closes.
    #[cfg_attr(not(test), expect(dead_code, reason = "a function has no name on the command line"))]
    Vary(fn(usize) -> Vec<u8>),
}

impl Behaviour {
    /// A behaviour by its name and arguments, as `main.rs` documents them.
    pub fn named(words: &[&str]) -> Result<Self, String> {
        Ok(match *words {
            ["answers", file] => Self::Answer(read(file)?),
            ["silent"] => Self::Hold(Vec::new()),
            ["holds", file, bytes] => Self::Hold(start_of(file, bytes)?),
            ["drips", file, milliseconds] => Self::Drip { reply: read(file)?, every: duration(milliseconds)? },
            ["dawdles", file, milliseconds] => Self::Dawdle { reply: read(file)?, every: duration(milliseconds)? },
            ["floods", file] => Self::Flood(read(file)?),
            ["fills", mebibytes, byte] => Self::Fill { mebibytes: number(mebibytes)?, byte: only_byte(byte)? },
            ["resets", file, bytes] => Self::Reset(start_of(file, bytes)?),
            ["leaves", milliseconds] => Self::Leave(duration(milliseconds)?),
            _ => return Err(format!("no behaviour is called '{}', or not with these arguments", words.join(" "))),
        })
    }
}

/// A number out of the command line.
pub fn number<T: FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("'{text}' is not a number, or too large"))
}

fn duration(milliseconds: &str) -> Result<Duration, String> {
    number(milliseconds).map(Duration::from_millis)
}

fn only_byte(text: &str) -> Result<u8, String> {
    if let [byte] = *text.as_bytes() { Ok(byte) } else { Err(format!("'{text}' is not one byte")) }
}

fn read(file: &str) -> Result<Vec<u8>, String> {
    let bytes = fs::read(file).map_err(|error| format!("{file}: {error}"))?;
    if bytes.is_empty() { Err(format!("{file} is empty")) } else { Ok(bytes) }
}

fn start_of(file: &str, bytes: &str) -> Result<Vec<u8>, String> {
    let mut reply = read(file)?;
    reply.truncate(number(bytes)?);
    Ok(reply)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CAPTURE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/captures/error-invalid-command.reply");

    #[test]
    fn behaviours_have_names() {
        let reply = fs::read(CAPTURE).unwrap();
        let every = Duration::from_millis(70);
        for (words, behaviour) in [
            (vec!["answers", CAPTURE], Behaviour::Answer(reply.clone())),
            (vec!["silent"], Behaviour::Hold(Vec::new())),
            (vec!["holds", CAPTURE, "10"], Behaviour::Hold(reply[..10].to_vec())),
            (vec!["holds", CAPTURE, "999999"], Behaviour::Hold(reply.clone())),
            (vec!["drips", CAPTURE, "70"], Behaviour::Drip { reply: reply.clone(), every }),
            (vec!["dawdles", CAPTURE, "70"], Behaviour::Dawdle { reply: reply.clone(), every }),
            (vec!["floods", CAPTURE], Behaviour::Flood(reply.clone())),
            (vec!["fills", "3", "x"], Behaviour::Fill { mebibytes: 3, byte: b'x' }),
            (vec!["resets", CAPTURE, "0"], Behaviour::Reset(Vec::new())),
            (vec!["leaves", "70"], Behaviour::Leave(every)),
        ] {
            assert_eq!(format!("{:?}", Behaviour::named(&words).unwrap()), format!("{behaviour:?}"), "{words:?}");
        }
    }

    #[test]
    fn what_is_no_behaviour_is_said() {
        for (words, error) in [
            (&["answers"][..], "'answers'"),
            (&["answers", "nowhere"], "nowhere: "),
            (&["fills", "many", "x"], "'many'"),
            (&["fills", "3", "xy"], "'xy'"),
            (&["leaves", "-1"], "'-1'"),
            (&[], "''"),
        ] {
            let found = Behaviour::named(words).unwrap_err();
            assert!(found.contains(error), "{words:?}: {found}");
        }
    }
}
