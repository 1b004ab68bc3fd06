//! `capture`: a miner's raw reply, masked, for bug reports and for tests.

use std::fmt::Write;
use std::time::Duration;

use crate::cgminer::client::Client;
use crate::cgminer::error::PollError;
use crate::cgminer::reply::{Reply, ReplyError, Request};
use crate::cli::error::Error;
use crate::cli::masking::{Masked, mask};
use crate::cli::terminal::{notify, print};
use crate::config::{MINER_PORT, Target};
use crate::metrics::KEYS;
use crate::miner::{Collected, MinerState, collect};

/// How long it waits for a miner: longer than a poll by default, since a person waits for it.
const TIME_MAX: Duration = Duration::from_secs(10);

/// Asks a miner and prints its reply, masked but for the values of the keys to keep; on standard error what was masked, and
/// the name that the capture has among the tests.
pub fn capture(address: &str, keep: &[String]) -> Result<(), Error> {
    let target = Target::parse(address, MINER_PORT).map_err(|fault| Error::Failed(format!("'{address}' {fault}")))?;
    let masked = ask(&target, keep).map_err(|error| Error::Failed(format!("{}: {error}", target.label)))?;
    print(&masked.reply)?;
    notify(&report(&masked, keep));
    Ok(())
}

/// Asks a miner for all that the exporter can ask, and masks its reply. The NUL is at its end if the miner sent one.
fn ask(target: &Target, keep: &[String]) -> Result<Masked, PollError> {
    let raw = Client::new(target).exchange(Request::Extended, TIME_MAX)?;
    if raw.bytes.is_empty() {
        return Err(ReplyError::Empty.into());
    }
    if !(raw.bytes.starts_with(b"CMD=") || raw.bytes.starts_with(b"STATUS=")) {
        return Err(ReplyError::Foreign.into());
    }
    let mut masked = mask(&raw.bytes, keep);
    if raw.is_whole {
        masked.reply.push(0);
    }
    Ok(masked)
}

/// What was masked, for the miner's owner, and what to do next.
fn report(masked: &Masked, keep: &[String]) -> String {
    let mut text = String::new();
    let list = |keys: &mut dyn Iterator<Item = &String>| keys.map(String::as_str).collect::<Vec<_>>().join(", ");
    if !masked.keys.is_empty() {
        let _ = writeln!(text, "masked values of: {}", list(&mut masked.keys.iter()));
    }
    if masked.texts > 0 {
        let _ = writeln!(text, "masked texts without a plain key: {}", masked.texts);
    }
    if !masked.keys.is_empty() {
        text.push_str("to release keys whose values are harmless: --keep KEY,...\n");
    }
    if !masked.kept.is_empty() {
        let _ = writeln!(text, "NOT masked, look at them before you publish this: {}", list(&mut masked.kept.iter()));
    }
    let missing: Vec<&String> = keep.iter().filter(|key| !masked.kept.contains(*key)).collect();
    if !missing.is_empty() {
        let missing = list(&mut missing.into_iter());
        let _ = writeln!(text, "not in this reply: {}", missing.escape_debug());
    }
    let _ = writeln!(text, "name of this capture among the tests: {}", file_name(&masked.reply));
    text
}

/// The name that a capture has among the tests: `<model>__<firmware>__<state>.reply`.
pub fn file_name(reply: &[u8]) -> String {
    let text = reply.split(|byte| *byte == 0).next().unwrap_or_default();
    let Ok(reply) = Reply::parse(&KEYS, text, Request::Extended, true) else {
        return "unknown__unknown__error.reply".into();
    };
    let Collected { identity, reading } = collect(&reply);
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '-' || c == '_' { c.to_ascii_lowercase() } else { '-' };
    let short = |text: &String| text.chars().take(64).map(plain).collect();
    let word = |text: &Option<String>| text.as_ref().map_or_else(|| "unknown".to_owned(), short);
    let state = match reading.state {
        Some(MinerState::Work) => "mining",
        Some(MinerState::Idle) => "standby",
        Some(state) => state.name(),
        None => "unknown",
    };
    format!("{}__{}__{state}.reply", word(&identity.model), word(&identity.firmware))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_names() {
        const EXTENDED: &str = include_str!("../../tests/captures/nano3s__25021401_56abae7__high__extended.reply");
        let strange = EXTENDED.replacen("MODEL=Nano3s", "MODEL=../Na no", 1);
        for (capture, name) in [
            (
                include_str!("../../tests/captures/a15-194__24102401_25462b2__mining.reply"),
                "15-194__24102401_25462b2_9ddf522__mining.reply",
            ),
            (include_str!("../../tests/captures/error-invalid-command.reply"), "unknown__unknown__error.reply"),
            (
                include_str!("../../tests/captures/nano3__24071801_42c628d__mid.reply"),
                "nano3__24071801_42c628d__unknown.reply",
            ),
            (EXTENDED, "nano3s__25021401_56abae7__mining.reply"),
            (
                include_str!("../../tests/captures/q__25052801_14a19a2__standby.reply"),
                "q__25052801_14a19a2__standby.reply",
            ),
            (&strange, "---na-no__25021401_56abae7__mining.reply"),
        ] {
            assert_eq!(file_name(capture.as_bytes()), name);
        }
    }
}
