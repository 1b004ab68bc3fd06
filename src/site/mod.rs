//! What is served: from a path to a response.

pub mod chart;
pub mod debug;
pub mod fleet_page;
pub mod html;
pub mod metrics_page;
pub mod miner_page;
pub mod probe;
pub mod router;
pub mod service_discovery;
pub mod summary;
