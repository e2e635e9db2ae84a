//! The small files of the state directory beside the identity.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use netghost_core::artifact::json::Digest;
use netghost_core::bytes::{Big, from_hex, to_hex};
use netghost_proto::convert::{BadField, digest};
use netghost_proto::v1;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::disk::Disk;

/// Where the agent was enrolled.
pub const ENROLMENT: &str = "enrolment.json";
/// The approvers' CA that the join token named.
pub const APPROVERS: &str = "approvers.json";
/// The last head of the audit log.
pub const HEAD: &str = "head.json";

/// Where the agent was enrolled, and as what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Enrolment {
    /// `netghost.enrolment/v1`.
    pub schema: String,
    /// HOST:PORT.
    pub controller: String,
    /// The name in the fleet at enrolment.
    pub name: String,
    /// Microseconds since 1970 UTC.
    pub at_us: Big,
}

impl Enrolment {
    /// The schema of the file.
    pub const SCHEMA: &str = "netghost.enrolment/v1";
}

/// Whose approvals will be taken: kept from the token, so that no controller can say otherwise later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Approvers {
    /// `netghost.approvers_pin/v1`.
    pub schema: String,
    /// SHA-256 of the SPKI of the approvers' CA.
    pub ca: Digest,
}

impl Approvers {
    /// The schema of the file.
    pub const SCHEMA: &str = "netghost.approvers_pin/v1";
}

/// The last head of the controller's audit log that this agent saw: a witness that the controller can't make unsaid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    /// `netghost.seen_head/v1`.
    pub schema: String,
    /// The number of the last record under it.
    pub sequence: Big,
    /// The hash of that record.
    pub hash: Digest,
    /// The DSSE envelope that signs both, in hexadecimal digits.
    pub signed: String,
}

impl Head {
    /// The schema of the file.
    pub const SCHEMA: &str = "netghost.seen_head/v1";
    /// The longest envelope that is kept, in bytes.
    const LONGEST: usize = 8 * 1024;

    /// The head as it goes to the controller.
    pub fn to_wire(&self) -> v1::AuditHead {
        v1::AuditHead {
            sequence: self.sequence.0,
            hash: self.hash.as_bytes().to_vec().into(),
            signed: from_hex(&self.signed).unwrap_or_default().into(),
        }
    }
}

impl TryFrom<&v1::AuditHead> for Head {
    type Error = BadField;

    fn try_from(head: &v1::AuditHead) -> Result<Self, BadField> {
        if head.signed.len() > Self::LONGEST {
            return Err(BadField::new("signed", "an envelope longer than 8 KiB"));
        }
        Ok(Self {
            schema: Self::SCHEMA.to_owned(),
            sequence: Big(head.sequence),
            hash: digest("hash", &head.hash)?,
            signed: to_hex(&head.signed),
        })
    }
}

/// Reads a small file; nothing where there is none.
pub fn read<T: DeserializeOwned>(state: &Path, name: &str) -> io::Result<Option<T>> {
    match std::fs::read(state.join(name)) {
        Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes)?)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Writes a small file, whole.
pub fn write(disk: &Disk, state: &Path, name: &str, content: &impl Serialize) -> io::Result<()> {
    disk.replace(&state.join(name), 0o600, &serde_json::to_vec(content)?)
}

/// Gives what root made in the state directory to the directory's owner, who serves.
pub fn give_to_owner(state: &Path) -> io::Result<()> {
    if !rustix::process::geteuid().is_root() {
        return Ok(());
    }
    let owner = std::fs::metadata(state)?;
    let files = std::fs::read_dir(state)?.collect::<io::Result<Vec<_>>>()?;
    let paths = files
        .iter()
        .map(std::fs::DirEntry::path)
        .collect::<Vec<PathBuf>>();
    for path in paths {
        let found = std::fs::symlink_metadata(&path)?;
        if found.is_file() && found.uid() != owner.uid() {
            std::os::unix::fs::lchown(&path, Some(owner.uid()), Some(owner.gid()))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Scratch;

    #[test]
    fn a_head_comes_back() {
        let scratch = Scratch::new();
        let wire = v1::AuditHead {
            sequence: u64::MAX,
            hash: vec![7; 32].into(),
            signed: b"{}".to_vec().into(),
        };
        assert_eq!(read::<Head>(&scratch.0, HEAD).unwrap(), None);
        let head = Head::try_from(&wire).unwrap();
        write(&Disk::default(), &scratch.0, HEAD, &head).unwrap();
        assert_eq!(read::<Head>(&scratch.0, HEAD).unwrap().unwrap().to_wire(), wire);
    }

    #[test]
    fn what_is_no_head_is_not_kept() {
        let head = |hash: usize, signed: usize| {
            Head::try_from(&v1::AuditHead {
                sequence: 1,
                hash: vec![7; hash].into(),
                signed: vec![1; signed].into(),
            })
        };
        assert!(head(32, 8 * 1024).is_ok());
        assert!(head(31, 1).is_err());
        assert!(head(32, 8 * 1024 + 1).is_err());
    }
}
