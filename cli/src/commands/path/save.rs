//! What was read, kept.

use std::path::Path;

use anyhow::anyhow;
use netghost_core::artifact::document::to_document;
use netghost_core::artifact::json::Digest;
use netghost_core::artifact::manifest::Meta;
use netghost_core::artifact::sums::{self, Sums};

use super::end::Found;
use crate::error::Failure;
use crate::output::write_new;

/// Writes the snapshots of the interfaces into a new directory, with their digests.
pub(super) fn write(place: &Path, ends: &[Found; 2]) -> Result<(), Failure> {
    std::fs::create_dir(place).map_err(|error| {
        Failure::failed(
            "write",
            anyhow!(error).context(format!("cannot make {}", place.display())),
        )
    })?;
    let mut named = Sums::new();
    for (end, name) in ends.iter().zip(["source.json", "destination.json"]) {
        let Some(snapshot) = &end.snapshot else { continue };
        let document =
            to_document(snapshot, &Meta::default()).map_err(|error| Failure::failed("internal", error))?;
        let mut bytes = serde_json::to_vec(&document).map_err(|error| Failure::failed("internal", error))?;
        bytes.push(b'\n');
        write_new(&place.join(name), &bytes)?;
        named.insert(name.to_owned(), Digest::of(&bytes));
    }
    write_new(&place.join("SHA256SUMS"), sums::write(&named).as_bytes())
}
