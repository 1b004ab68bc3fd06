//! Why the program ends without success, and with which exit code.

use crate::config::Faults;

/// Why the program ends without success.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// Arguments or settings are invalid: why, and what would be right.
    Usage(String),
    /// Anything else: what failed, and why.
    Failed(String),
}

/// What the exit codes mean, for the documentation.
pub const EXIT_CODES: &[(u8, &str)] = &[
    (0, "success"),
    (1, "failure: no miner answered, the port is in use, or the exporter is unhealthy"),
    (2, "invalid arguments or settings"),
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
