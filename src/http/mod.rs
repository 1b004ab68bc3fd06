//! Connections in, requests and responses out. Knows neither miners nor Prometheus.
//!
//! [`Gate`] accepts connections, reads one request from each and sends one response, which it gets from a [`Handler`]: the
//! site. Which connections stay when there are too many is decided in `admission`. `inner` fences in `tiny_http`, which only
//! ever sees requests that the gate made up.

mod admission;
mod gate;
mod inner;
mod limits;
mod private_socket;
pub mod request;
pub mod response;

pub use admission::{Counters, Counts};
pub use gate::Gate;
pub use limits::Limits;
pub use request::RequestHead;
pub use response::{Body, Pieces, Response};

/// What answers requests. A panic becomes a 500.
pub trait Handler: Send + Sync {
    /// What answering this request takes. Called before it is admitted, so it must be quick.
    fn class(&self, request: &RequestHead) -> Class;

    /// Answers a request.
    fn answer(&self, request: &RequestHead) -> Response;
}

/// What answering a request takes, which decides what it may have to wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Little time and little memory.
    Quick,
    /// Much memory. Only one response for each path is made at a time.
    Large,
    /// Time, spent waiting for another machine. Such requests have workers of their own, so that machines that do not
    /// answer never keep a request of another class waiting.
    Remote,
}
