//! Documents that leave the process: canonical JSON, manifests, certificates.

pub mod json;
