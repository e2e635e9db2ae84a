//! The authority's files: `ca.pem`, and `ca.key`, which only its owner can read, in a directory that only its owner enters.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use netghost_core::bytes::to_hex;
use netghost_core::fleet::SpiffeId;
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use zeroize::Zeroizing;

use super::{Authority, Error, leaf};
use crate::outside::Outside;

const CERTIFICATE: &str = "ca.pem";
const KEY: &str = "ca.key";
/// The longest file that is read, in bytes; both have less than one KiB.
const LONGEST: u64 = 64 * 1024;

impl Authority {
    /// Makes an authority in a new directory, or an empty one. Both files appear together, or neither.
    pub fn create(directory: &Path, domain: &str, outside: &Outside) -> Result<Self, Error> {
        if !SpiffeId::is_domain(domain) {
            return Err(Error::Domain(domain.to_owned()));
        }
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let certificate = leaf::authority(domain, &key, outside)?.self_signed(&key)?;
        let pem = Zeroizing::new(key.serialize_pem());
        let new = sibling(directory, outside)?;
        let written = write_both(&new, certificate.pem().as_bytes(), pem.as_bytes())
            .and_then(|()| put_in_place(&new, directory));
        if let Err(error) = written {
            // What could not be put in place is of no use, and holds a key.
            if let Err(source) = std::fs::remove_dir_all(&new) {
                tracing::warn!(path = %new.display(), %source, "a directory of an authority that was not made stays");
            }
            return Err(error);
        }
        let path = directory.join(KEY);
        Self::assemble(certificate.der().to_vec(), key).ok_or(Error::Mismatch(path))
    }

    /// Opens the authority in a directory.
    pub fn open(directory: &Path) -> Result<Self, Error> {
        let (certificate_path, key_path) = (directory.join(CERTIFICATE), directory.join(KEY));
        let entered = std::fs::metadata(directory).map_err(failed("enter", directory))?;
        private(directory, &entered)?;
        let pem = Zeroizing::new(read(&key_path, true)?);
        let key = KeyPair::from_pem(&pem)
            .ok()
            .filter(|key| key.is_compatible(&PKCS_ECDSA_P256_SHA256))
            .ok_or_else(|| Error::Form {
                path: key_path.clone(),
                wanted: "an ECDSA P-256 key (PKCS#8 in PEM)",
            })?;
        let certificate = CertificateDer::from_pem_slice(read(&certificate_path, false)?.as_bytes());
        let certificate = certificate.map_err(|_| Error::Form {
            path: certificate_path,
            wanted: "a certificate (X.509 in PEM)",
        })?;
        Self::assemble(certificate.to_vec(), key).ok_or(Error::Mismatch(key_path))
    }
}

/// A name beside the directory that no other process draws.
fn sibling(directory: &Path, outside: &Outside) -> Result<PathBuf, Error> {
    let mut name = std::ffi::OsString::from(".");
    name.push(directory.file_name().unwrap_or_default());
    name.push(format!(".{}", to_hex(&outside.random::<8>()?)));
    let parent = match directory.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(parent)
        .map_err(failed("make", parent))?;
    Ok(parent.join(name))
}

fn write_both(directory: &Path, certificate: &[u8], key: &[u8]) -> Result<(), Error> {
    DirBuilder::new()
        .mode(0o700)
        .create(directory)
        .map_err(failed("make", directory))?;
    write(&directory.join(CERTIFICATE), certificate, 0o644)?;
    write(&directory.join(KEY), key, 0o600)?;
    sync(directory)
}

/// Renames over a directory that is absent or empty; the kernel refuses another (rename(2), ENOTEMPTY).
fn put_in_place(new: &Path, directory: &Path) -> Result<(), Error> {
    match std::fs::rename(new, directory) {
        Ok(()) => {}
        Err(source) if source.kind() == std::io::ErrorKind::DirectoryNotEmpty => {
            return Err(Error::Exists(directory.to_path_buf()));
        }
        Err(source) => return Err(failed("make", directory)(source)),
    }
    match directory.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => sync(parent),
        _ => sync(Path::new(".")),
    }
}

fn write(path: &Path, bytes: &[u8], mode: u32) -> Result<(), Error> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(path)
        .and_then(|mut file| {
            file.write_all(bytes)?;
            file.sync_all()
        })
        .map_err(failed("write", path))
}

fn read(path: &Path, secret: bool) -> Result<String, Error> {
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(rustix::fs::OFlags::NOFOLLOW.bits().cast_signed())
        .open(path)
        .map_err(failed("open", path))?;
    if secret {
        private(path, &file.metadata().map_err(failed("look at", path))?)?;
    }
    let mut text = String::new();
    file.take(LONGEST)
        .read_to_string(&mut text)
        .map_err(failed("read", path))?;
    Ok(text)
}

/// Refuses what others than its owner can enter, read or write.
fn private(path: &Path, found: &std::fs::Metadata) -> Result<(), Error> {
    let mode = found.mode() & 0o777;
    if mode & 0o077 == 0 {
        return Ok(());
    }
    Err(Error::Exposed {
        path: path.to_path_buf(),
        mode,
    })
}

fn sync(directory: &Path) -> Result<(), Error> {
    File::open(directory)
        .and_then(|open| open.sync_all())
        .map_err(failed("write", directory))
}

fn failed(what: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Error {
    let path = path.to_path_buf();
    move |source| Error::File { what, path, source }
}
