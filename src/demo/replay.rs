//! Captures, served as miners: each file answers every request with the same bytes, whatever was asked.
//!
//! For dashboards and rules: the page is that of the miner that the capture came from, and time stands still in it.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::cgminer::client::REPLY_BYTES_MAX;
use crate::config::Target;
use crate::demo::server;

/// Starts a miner for each file, named as the file without its ending, with what is not printable escaped. The error names the
/// file.
pub fn start(files: &[PathBuf]) -> io::Result<Vec<Target>> {
    let mut targets: Vec<Target> = Vec::new();
    for (index, path) in files.iter().enumerate() {
        let fault =
            |error: io::Error| io::Error::new(error.kind(), format!("cannot replay '{}': {error}", escaped(path)));
        let name = name(path).map_err(fault)?;
        if targets.iter().any(|target| target.title() == name) {
            let text = format!("another capture is called '{name}' too; give each file a name of its own");
            return Err(fault(io::Error::new(io::ErrorKind::InvalidInput, text)));
        }
        let reply = read(path).map_err(fault)?;
        let number = u8::try_from(index).unwrap_or(u8::MAX);
        targets.push(server::start(&name, number, Box::new(move |_| Some(reply.clone()))).map_err(fault)?);
    }
    Ok(targets)
}

fn name(path: &Path) -> io::Result<String> {
    let stem = path.file_stem().ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "this is no file's name"))?;
    Ok(escaped(stem.as_ref()))
}

/// A file's name as it may stand in a log: it can hold any byte but NUL, line feeds and sequences that a terminal obeys
/// included.
fn escaped(path: &Path) -> String {
    let is_plain = |c: char| matches!(c, '\'' | '"');
    let mut text = String::new();
    path.to_string_lossy().chars().for_each(|c| if is_plain(c) { text.push(c) } else { text.extend(c.escape_debug()) });
    text
}

/// The file's bytes. A file that is larger than any reply is not read to its end, and what is no file is not opened: to open a
/// FIFO is to wait for a writer.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file"));
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(REPLY_BYTES_MAX as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > REPLY_BYTES_MAX {
        let text = format!("it is larger than a reply may be, {REPLY_BYTES_MAX} bytes");
        return Err(io::Error::new(io::ErrorKind::InvalidData, text));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::cgminer::client::Client;
    use crate::cgminer::reply::{Reply, Request};
    use crate::metrics::KEYS;

    fn capture(name: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/captures").join(name)
    }

    #[test]
    fn captures_answer_as_their_miners_did() {
        let files =
            ["q__25052801_14a19a2__standby.reply", "nano3s__25021401_56abae7__high__extended.reply"].map(capture);
        let targets = start(&files).unwrap();
        for (target, file) in targets.iter().zip(&files) {
            for request in [Request::Standard, Request::Extended] {
                let raw = Client::new(target).exchange(request, Duration::from_secs(20)).unwrap();
                assert_eq!([&raw.bytes[..], b"\0"].concat(), std::fs::read(file).unwrap());
                assert!(Reply::parse(&KEYS, &raw.bytes, request, raw.is_whole).is_ok());
            }
        }
        assert_eq!(targets[0].title(), "q__25052801_14a19a2__standby");
        assert_ne!(targets[0].label, targets[1].label);
    }

    #[test]
    fn names_have_no_control_characters() {
        let name = |path: &str| name(Path::new(path)).unwrap();
        assert_eq!(name("a/Nano 3S's.reply"), "Nano 3S's");
        assert_eq!(name("b\u{1b}[31m\nWARN \u{202e}.reply"), "b\\u{1b}[31m\\nWARN \\u{202e}");
    }

    #[test]
    fn faults_name_the_file() {
        let q = capture("q__25052801_14a19a2__standby.reply");
        let twice = start(&[q.clone(), q]).unwrap_err().to_string();
        assert!(twice.starts_with("cannot replay '/") && twice.contains("another capture is called 'q__"), "{twice}");
        assert!(start(&[capture("nothing.reply")]).unwrap_err().to_string().contains("nothing.reply"));
        assert!(start(&[PathBuf::from("/")]).is_err());
    }
}
