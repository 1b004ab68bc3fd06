//! What is exported: the catalogue of metric families, and where each value comes from.

pub mod catalogue;
pub mod keys;
pub mod psu;
