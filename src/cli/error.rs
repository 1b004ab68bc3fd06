//! Why the program ends without success, and with which exit code.

use crate::config::environment::Faults;

/// Why the program ends without success.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// Arguments or settings are wrong. What is wrong with them, and what would be right.
    Usage(String),
    /// It did not work. What did not, and why.
    Failed(String),
}

/// What the exit codes mean, for the documentation.
pub const EXIT_CODES: &[(u8, &str)] = &[
    (0, "all is well"),
    (1, "it did not work: no answer, a port that is taken, an exporter that is not well"),
    (2, "arguments or settings are wrong"),
];

impl Error {
    /// The exit code: one of [`EXIT_CODES`].
    pub fn code(&self) -> u8 {
        match self {
            Self::Failed(_) => 1,
            Self::Usage(_) => 2,
        }
    }

    /// What to print.
    pub fn text(&self) -> &str {
        match self {
            Self::Failed(text) | Self::Usage(text) => text,
        }
    }
}

impl From<Faults> for Error {
    fn from(faults: Faults) -> Self {
        Self::Usage(faults.to_string())
    }
}
