//! `capture`: a miner's raw reply, masked, for bug reports and for tests.

use std::time::Duration;

use crate::cgminer::client::Client;
use crate::cgminer::error::PollError;
use crate::cgminer::reply::{Reply, ReplyError, Request};
use crate::cli::error::Error;
use crate::cli::masking::masked;
use crate::cli::terminal::{notify, print};
use crate::config::{MINER_PORT, Target};
use crate::metrics::KEYS;
use crate::miner::{Collected, MinerState, collect};

/// How long it waits for a miner: longer than a poll by default, since a person waits for it.
const TIME_MAX: Duration = Duration::from_secs(10);

/// Asks a miner and prints its reply, and on standard error the name that the capture has among the tests.
pub fn capture(address: &str) -> Result<(), Error> {
    let target = Target::parse(address, MINER_PORT).map_err(|fault| Error::Failed(format!("'{address}' {fault}")))?;
    let reply = ask(&target).map_err(|error| Error::Failed(format!("{}: {error}", target.label)))?;
    print(&reply)?;
    notify(&format!("name of this capture among the tests: {}\n", file_name(&reply)));
    Ok(())
}

/// Asks a miner for all that the exporter can ask, and masks its reply. The NUL is at its end if the miner sent one.
fn ask(target: &Target) -> Result<Vec<u8>, PollError> {
    let raw = Client::new(target).exchange(Request::Extended, TIME_MAX)?;
    if raw.bytes.is_empty() {
        return Err(ReplyError::Empty.into());
    }
    if !(raw.bytes.starts_with(b"CMD=") || raw.bytes.starts_with(b"STATUS=")) {
        return Err(ReplyError::Foreign.into());
    }
    let mut reply = masked(&raw.bytes);
    if raw.is_whole {
        reply.push(0);
    }
    Ok(reply)
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
