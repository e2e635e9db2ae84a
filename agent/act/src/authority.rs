//! `/etc/netghost/approvers.pem`: whose list of approvers this VM believes.

use std::path::Path;

use netghost_core::artifact::key::PublicKey;
use netghost_core::gate::Refusal;

use crate::trusted;

/// The approvers' CA.
///
/// # Errors
/// [`Refusal::NoAuthority`]: no file, one that can't be trusted, or no key in it.
pub fn read(path: &Path) -> Result<PublicKey, Refusal> {
    let pem = trusted::read(path).map_err(|why| Refusal::NoAuthority { why })?;
    PublicKey::from_pem(&pem).map_err(|error| Refusal::NoAuthority {
        why: format!("{} holds no Ed25519 key: {error}", path.display()),
    })
}
