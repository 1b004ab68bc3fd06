//! The captures of `tests/captures`, and replies made out of one of them.

use std::fs;
use std::path::PathBuf;

/// What the exporter sends, the same to every miner.
pub const REQUEST: &[u8] = b"version+summary+stats+config+devs+devdetails+pools";

/// What a part says when the firmware does not know the command. Code 14 has no Description.
pub const INVALID_COMMAND: &str = "STATUS=E,When=1775396000,Code=14,Msg=Invalid command|";

/// What `pools` says on a miner that has none: an error that is an answer.
pub const NO_POOLS: &str = "STATUS=E,When=1775396000,Code=8,Msg=No pools,Description=cgminer 4.11.1|";

/// The names of all captures, sorted, without `.reply`.
pub fn capture_names() -> Vec<String> {
    let entries = fs::read_dir(directory()).expect("tests/captures").map(|entry| entry.expect("an entry").file_name());
    let names = entries.map(|name| name.into_string().expect("a name in UTF-8"));
    let mut names: Vec<_> = names.filter_map(|name| name.strip_suffix(".reply").map(str::to_owned)).collect();
    names.sort();
    assert!(names.len() >= 9, "captures are missing: {names:?}");
    names
}

/// The bytes of one capture, its NUL included.
pub fn capture(name: &str) -> Vec<u8> {
    let path = directory().join(format!("{name}.reply"));
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The whole reply of a Nano 3S at work: three pools, 6,423.03 GH/s.
pub fn nano3s() -> Vec<u8> {
    Reply::nano3s().bytes()
}

fn directory() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/captures")
}

/// A reply taken apart into its `CMD=` parts, to be put together wrongly.
#[derive(Clone)]
pub struct Reply(Vec<Part>);

/// One part: the command, and what follows its `CMD=command|`.
#[derive(Clone)]
struct Part {
    command: String,
    text: Vec<u8>,
}

impl Reply {
    /// The Nano 3S's reply in parts.
    pub fn nano3s() -> Self {
        let reply = String::from_utf8(capture("nano3s__25021401_56abae7__high")).expect("a capture in UTF-8");
        let text = reply.strip_suffix('\0').and_then(|text| text.strip_prefix("CMD=")).expect("a whole reply");
        let part = |part: &str| {
            let (command, text) = part.split_once('|').expect("a record after CMD");
            // Each part but the last lost its closing bar to the separator.
            let text = format!("{}|", text.strip_suffix('|').unwrap_or(text));
            Part { command: command.to_owned(), text: text.into_bytes() }
        };
        Self(text.split("|CMD=").map(part).collect())
    }

    /// Without one part.
    pub fn without(mut self, command: &str) -> Self {
        self.0.remove(self.index(command));
        self
    }

    /// With one part said again at the end.
    pub fn repeating(mut self, command: &str) -> Self {
        self.0.push(self.0[self.index(command)].clone());
        self
    }

    /// With two parts in each other's place.
    pub fn swapping(mut self, one: &str, other: &str) -> Self {
        let (one, other) = (self.index(one), self.index(other));
        self.0.swap(one, other);
        self
    }

    /// With another text for one part.
    pub fn saying(mut self, command: &str, text: &str) -> Self {
        let index = self.index(command);
        text.as_bytes().clone_into(&mut self.0[index].text);
        self
    }

    /// With these bytes replaced wherever they stand in one part; they must stand somewhere.
    pub fn replacing(mut self, command: &str, from: &[u8], to: &[u8]) -> Self {
        let index = self.index(command);
        let mut rest = self.0[index].text.as_slice();
        let mut text = Vec::new();
        while let Some(at) = rest.windows(from.len()).position(|window| window == from) {
            text.extend_from_slice(&rest[..at]);
            text.extend_from_slice(to);
            rest = &rest[at + from.len()..];
        }
        assert!(!text.is_empty(), "{:?} does not stand in {command}", String::from_utf8_lossy(from));
        text.extend_from_slice(rest);
        self.0[index].text = text;
        self
    }

    /// The text without its NUL.
    pub fn text(&self) -> Vec<u8> {
        let part = |part: &Part| [b"CMD=", part.command.as_bytes(), b"|", &part.text].concat();
        self.0.iter().flat_map(part).collect()
    }

    /// The text with its NUL.
    pub fn bytes(&self) -> Vec<u8> {
        [self.text().as_slice(), b"\0"].concat()
    }

    fn index(&self, command: &str) -> usize {
        self.0.iter().position(|part| part.command == command).unwrap_or_else(|| panic!("no part {command}"))
    }
}

#[test]
fn a_capture_taken_apart_is_the_capture() {
    assert_eq!(Reply::nano3s().bytes(), capture("nano3s__25021401_56abae7__high"));
    let commands: Vec<_> = Reply::nano3s().0.into_iter().map(|part| part.command).collect();
    assert_eq!(commands.join("+").as_bytes(), REQUEST);
}
