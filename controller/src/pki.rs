//! The certificate authority and the identities it issues.

/// The controller's certificate authority.
#[derive(Debug)]
pub struct Authority {
    /// The trust domain.
    pub domain: String,
}
