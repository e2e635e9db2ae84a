//! What was read, kept.

use std::path::Path;

use anyhow::anyhow;
use netghost_core::artifact::document::to_document;
use netghost_core::artifact::json::Digest;
use netghost_core::artifact::manifest::Meta;
use netghost_core::artifact::sums::{self, Sums};

use super::Read;
use super::end::Known;
use crate::error::Failure;
use crate::output::write_new;

/// Writes the snapshots of the interfaces and the bodies of their virtual networks into a new directory, with their digests.
///
/// # Errors
/// Where an end is more than its interface: what is kept would be asked another question.
pub(super) fn write(place: &Path, read: &Read) -> Result<(), Failure> {
    let Read { ends, vnets, .. } = read;
    for end in ends {
        let why = match &end.known {
            Known::Public(_) => "its interface is kept, and not that it was asked for by its public address",
            Known::Storage(..) => "a storage account is not kept",
            Known::End(_) | Known::Internet | Known::Nothing(..) => continue,
        };
        let error = anyhow!("{} can't be asked again from files: {why}", end.word);
        return Err(Failure::usage("not_kept", error).hint("leave `--save` out"));
    }
    std::fs::create_dir(place).map_err(|error| {
        Failure::failed(
            "write",
            anyhow!(error).context(format!("cannot make {}", place.display())),
        )
    })?;
    let internal = |error: anyhow::Error| Failure::failed("internal", error);
    let mut files: Vec<(String, Vec<u8>)> = Vec::new();
    for (end, name) in ends.iter().zip(["source.json", "destination.json"]) {
        let Some(snapshot) = &end.snapshot else { continue };
        let document = to_document(snapshot, &Meta::default()).map_err(|error| internal(anyhow!(error)))?;
        files.push((name.to_owned(), line(&document).map_err(internal)?));
    }
    for (at, vnet) in vnets.iter().enumerate() {
        files.push((format!("vnet-{}.json", at + 1), line(vnet).map_err(internal)?));
    }
    let mut named = Sums::new();
    for (name, bytes) in files {
        write_new(&place.join(&name), &bytes)?;
        named.insert(name, Digest::of(&bytes));
    }
    write_new(&place.join("SHA256SUMS"), sums::write(&named).as_bytes())
}

fn line(document: &impl serde::Serialize) -> anyhow::Result<Vec<u8>> {
    let mut bytes = serde_json::to_vec(document)?;
    bytes.push(b'\n');
    Ok(bytes)
}
