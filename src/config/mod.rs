//! The settings: what the environment says, checked and turned into types.

mod allow_list;
mod apply;
mod environment;
mod settings;
mod target;
mod tariff;
mod time_zone;

pub use allow_list::{AddressRange, Allow};
pub use apply::Apply;
pub use environment::{Config, Faults, Price};
pub(crate) use settings::{EXPORTER_PORT, MINER_PORT};
pub use settings::{Example, SETTINGS, Setting};
pub use target::{Target, parse_list};
pub use tariff::Tariff;
