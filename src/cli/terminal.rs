//! What goes to standard output and, whatever the log level, to standard error; colours where a terminal wants them.

use std::io::{self, IsTerminal, Write};

use crate::cli::error::Error;
use crate::config::Config;

/// Escape sequences of terminals (ECMA-48, SGR): bold text.
pub const BOLD: &str = "\x1b[1m";
/// Cyan text.
pub const CYAN: &str = "\x1b[36m";
/// Bold red text.
pub const RED: &str = "\x1b[1;31m";
/// Text as usual.
pub const PLAIN: &str = "\x1b[0m";
/// Back to the first column, and clear the line.
pub const CLEAR_LINE: &str = "\r\x1b[K";

/// Prints to standard output. That nobody reads on, as `head` does not, is no error of this program; a full disk is.
pub fn print(text: impl AsRef<[u8]>) -> Result<(), Error> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_ref()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Error::Failed(format!("cannot write to standard output: {error}")))
        }
        _ => Ok(()),
    }
}

/// Prints to standard error, as it is.
pub fn notify(text: &str) {
    let _ = io::stderr().write_all(text.as_bytes());
}

/// Prints an error to standard error, the program's name before each line. A text in it that comes from elsewhere cannot
/// control the terminal.
pub fn print_error(text: &str) {
    const PROGRAM: &str = env!("CARGO_PKG_NAME");
    let name = if wants_colour(&io::stderr()) { format!("{RED}{PROGRAM}:{PLAIN}") } else { format!("{PROGRAM}:") };
    let _ = writeln!(io::stderr(), "{name} {}", printable(text).replace('\n', &format!("\n{name} ")));
}

/// A text with its control characters escaped, but for line feeds.
fn printable(text: &str) -> String {
    let (mut out, is_raw) = (String::new(), |c: char| !c.is_control() || c == '\n');
    text.chars().for_each(|c| if is_raw(c) { out.push(c) } else { out.extend(c.escape_default()) });
    out
}

/// Whether an output is a terminal that takes colours.
pub fn wants_colour(output: &impl IsTerminal) -> bool {
    output.is_terminal() && Config::wants_colour()
}
