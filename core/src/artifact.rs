//! Documents that leave the process: canonical JSON, manifests, snapshots shown whole, certificates.

pub mod certificate;
pub mod document;
pub mod dsse;
pub mod json;
pub mod key;
pub mod manifest;
pub mod name;
pub mod object;
pub mod sums;

#[cfg(test)]
pub(crate) mod sample;
