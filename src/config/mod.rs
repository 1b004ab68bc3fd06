//! The settings: what the environment says, checked and turned into types.

pub mod allow_list;
pub mod apply;
pub mod environment;
pub mod settings;
pub mod target;
pub mod tariff;
pub mod time_zone;
