//! The approvers' CA that a context trusts: its digest goes into every join token that is made there.

use std::path::Path;

use anyhow::anyhow;
use netghost_core::artifact::key::PublicKey;

use super::{AUTHORITY, public_key};
use crate::error::Failure;
use crate::fleet::contexts::keep;

/// The CA that is trusted in the context of this directory, if any.
pub fn pinned(context: &Path) -> Result<Option<PublicKey>, Failure> {
    let path = context.join(AUTHORITY);
    match path.exists() {
        true => public_key(&path).map(Some),
        false => Ok(None),
    }
}

/// Trusts a CA in the context of this directory. Another one takes its place only if that is said.
pub fn pin(context: &Path, ca: &PublicKey, replace: bool) -> Result<(), Failure> {
    match pinned(context)? {
        Some(known) if known == *ca => return Ok(()),
        Some(known) if !replace => {
            let error = anyhow!(
                "this context trusts the approvers' CA {}, and this one is {}",
                known.id(),
                ca.id()
            );
            return Err(Failure::act("other_authority", error)
                .hint("ask who has the CA; if it was made anew, say --replace, and put it on every VM"));
        }
        _ => {}
    }
    let pem = ca.to_pem().map_err(|error| Failure::failed("internal", error))?;
    keep(&context.join(AUTHORITY), pem.as_bytes())
}
