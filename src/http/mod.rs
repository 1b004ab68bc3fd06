//! Connections in, requests and responses out. Knows neither miners nor Prometheus.

pub mod admission;
pub mod gate;
pub mod inner;
pub mod limits;
pub mod private_socket;
pub mod request;
