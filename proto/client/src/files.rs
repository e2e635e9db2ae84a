//! An identity on disk: one file with key, certificate and authority, replaced whole.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::identity::{Identity, IdentityError};
use crate::key::{Key, KeyError};

const IDENTITY: &str = "identity.pem";
const PENDING: &str = "pending.pem";

/// Why an identity could not be kept or read.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// A file could not be used.
    #[error("{what} {}", .path.display())]
    File {
        /// What was tried.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// Others can read the key.
    #[error("{} is open to others (mode {mode:04o}): make it 0600, and get a new identity if others had access", .path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// Not a key and two certificates in PEM.
    #[error("{} was edited or damaged", .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
    },
    /// The key in it.
    #[error("the key in {}", .path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: KeyError,
    },
    /// The certificate in it.
    #[error("the certificate in {}", .path.display())]
    Identity {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: IdentityError,
    },
}

/// A directory that holds an identity.
#[derive(Debug, Clone)]
pub struct Files {
    directory: PathBuf,
}

impl Files {
    /// In this directory, which must exist.
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self {
            directory: directory.into(),
        }
    }

    /// The file of the identity.
    pub fn path(&self) -> PathBuf {
        self.directory.join(IDENTITY)
    }

    /// The key to enrol with: the one of an earlier try, else a new one that is on the disk before it is used.
    pub fn pending(&self) -> Result<Key, FileError> {
        let path = self.directory.join(PENDING);
        if let Some(pem) = read(&path)? {
            return Key::from_pem(&pem).map_err(|source| FileError::Key { path, source });
        }
        let key = Key::generate().map_err(|source| FileError::Key {
            path: path.clone(),
            source,
        })?;
        replace(&path, key.to_pem().as_bytes())?;
        Ok(key)
    }

    /// The identity, or nothing where there is none yet.
    pub fn load(&self) -> Result<Option<Identity>, FileError> {
        let path = self.path();
        let Some(pem) = read(&path)? else {
            return Ok(None);
        };
        let damaged = || FileError::Damaged { path: path.clone() };
        let begin = pem.find("-----BEGIN CERTIFICATE-----").ok_or_else(damaged)?;
        let (key, certificates) = pem.split_at_checked(begin).ok_or_else(damaged)?;
        let certificates = certificates_from(certificates).ok_or_else(damaged)?;
        let [certificate, authority]: [Vec<u8>; 2] = certificates.try_into().map_err(|_| damaged())?;
        let key = Key::from_pem(key).map_err(|source| FileError::Key {
            path: path.clone(),
            source,
        })?;
        Identity::new(certificate, authority, key)
            .map(Some)
            .map_err(|source| FileError::Identity { path, source })
    }

    /// Waits until no other process changes the directory. The lock goes with the file.
    pub fn lock(&self) -> Result<File, FileError> {
        let lock = || -> io::Result<File> {
            let directory = File::open(&self.directory)?;
            directory.lock()?;
            Ok(directory)
        };
        lock().map_err(file("lock", &self.directory))
    }

    /// Puts a new identity in the place of the one with this certificate, and says what lies there then: where another
    /// process has put another one there meanwhile, that one stays. A pending key is of an enrolment, and stays too.
    pub fn renew(&self, old: &[u8], new: Identity) -> Result<Identity, FileError> {
        let _lock = self.lock()?;
        let path = self.path();
        let found = self.load()?;
        let found = found.ok_or_else(|| file("read", &path)(io::ErrorKind::NotFound.into()))?;
        if found.certificate != old {
            return Ok(found);
        }
        self.write(&new)?;
        Ok(new)
    }

    fn write(&self, identity: &Identity) -> Result<(), FileError> {
        let mut pem = identity.key.to_pem();
        pem.push_str(&certificate_pem(&identity.certificate));
        pem.push_str(&certificate_pem(&identity.authority));
        replace(&self.path(), pem.as_bytes())
    }

    /// Puts an identity in the place of the one that is there, and drops the pending key.
    ///
    /// Where another process may renew it at the same time, hold the lock.
    pub fn save(&self, identity: &Identity) -> Result<(), FileError> {
        self.write(identity)?;
        let path = self.directory.join(PENDING);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(file("remove", &path)(error)),
            _ => Ok(()),
        }
    }
}

fn file(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> FileError {
    let path = path.to_path_buf();
    move |source| FileError::File { what, path, source }
}

fn read(path: &Path) -> Result<Option<Zeroizing<String>>, FileError> {
    let mode = match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        found => found.map_err(file("read", path))?.permissions().mode() & 0o7777,
    };
    if mode & 0o077 != 0 {
        let path = path.to_path_buf();
        return Err(FileError::Open { path, mode });
    }
    let text = fs::read_to_string(path).map_err(file("read", path))?;
    Ok(Some(Zeroizing::new(text)))
}

/// Gives a file other content, whole, whatever was there.
fn replace(path: &Path, content: &[u8]) -> Result<(), FileError> {
    let temporary = path.with_extension("tmp");
    let write = || {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600);
        let mut out = options.open(&temporary)?;
        out.set_permissions(fs::Permissions::from_mode(0o600))?;
        out.write_all(content)?;
        out.sync_all()?;
        fs::rename(&temporary, path)?;
        File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
    };
    write().map_err(file("write", path))
}

fn certificate_pem(der: &[u8]) -> String {
    let body = STANDARD.encode(der);
    let mut pem = "-----BEGIN CERTIFICATE-----\n".to_owned();
    for (at, letter) in body.chars().enumerate() {
        if at > 0 && at % 64 == 0 {
            pem.push('\n');
        }
        pem.push(letter);
    }
    pem.push_str("\n-----END CERTIFICATE-----\n");
    pem
}

fn certificates_from(pem: &str) -> Option<Vec<Vec<u8>>> {
    let mut all = Vec::new();
    for part in pem.split("-----BEGIN CERTIFICATE-----").skip(1) {
        let (body, rest) = part.split_once("-----END CERTIFICATE-----")?;
        let body: String = body.split_ascii_whitespace().collect();
        all.push(STANDARD.decode(body).ok()?);
        if !rest.trim().is_empty() {
            return None;
        }
    }
    Some(all)
}

#[cfg(test)]
mod tests {
    use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, SanType};

    use super::*;

    struct Place(PathBuf);

    impl Place {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("netghost-client-{name}-{}", std::process::id()));
            fs::create_dir(&path).unwrap();
            Self(path)
        }
    }

    impl Drop for Place {
        fn drop(&mut self) {
            fs::remove_dir_all(&self.0).unwrap();
        }
    }

    fn issued(key: &Key, uri: &str) -> (Vec<u8>, Vec<u8>) {
        let ca_key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        let ca = params.self_signed(&ca_key).unwrap();
        let issuer = Issuer::new(params, ca_key);
        let mut leaf = CertificateParams::new(Vec::new()).unwrap();
        leaf.subject_alt_names = vec![SanType::URI(uri.try_into().unwrap())];
        let key = KeyPair::from_pem(&key.to_pem()).unwrap();
        let leaf = leaf.signed_by(&key, &issuer).unwrap();
        (leaf.der().to_vec(), ca.der().to_vec())
    }

    const URI: &str = "spiffe://example.org/agent/07070707-0707-4707-8707-070707070707";

    #[test]
    fn an_identity_comes_back_whole() {
        let place = Place::new("whole");
        let files = Files::new(&place.0);
        assert!(files.load().unwrap().is_none());
        let key = files.pending().unwrap();
        assert_eq!(
            files.pending().unwrap().spki(),
            key.spki(),
            "an earlier key is used again"
        );
        let (certificate, authority) = issued(&key, URI);
        files
            .save(&Identity::new(certificate.clone(), authority.clone(), key).unwrap())
            .unwrap();
        let back = files.load().unwrap().unwrap();
        assert_eq!((back.certificate, back.authority), (certificate, authority));
        assert_eq!(back.spiffe.to_string(), URI);
        assert_ne!(
            files.pending().unwrap().spki(),
            back.key.spki(),
            "a used key is not pending"
        );
    }

    fn identity() -> Identity {
        let key = Key::generate().unwrap();
        let (certificate, authority) = issued(&key, URI);
        Identity::new(certificate, authority, key).unwrap()
    }

    #[test]
    fn a_renewal_replaces_what_was_renewed_and_nothing_else() {
        let place = Place::new("renewal");
        let files = Files::new(&place.0);
        let (first, second, third) = (identity(), identity(), identity());
        let [old, new] = [&first, &second].map(|identity| identity.certificate.clone());
        assert!(files.renew(&old, identity()).is_err(), "there is none yet");
        files.save(&first).unwrap();
        let pending = files.pending().unwrap();
        assert_eq!(files.renew(&old, second).unwrap().certificate, new);
        assert_eq!(files.load().unwrap().unwrap().certificate, new);
        let stays = files.renew(&old, third).unwrap();
        assert_eq!(stays.certificate, new, "the certificate was another already");
        assert_eq!(files.load().unwrap().unwrap().certificate, new);
        let still = files.pending().unwrap();
        assert_eq!(
            still.spki(),
            pending.spki(),
            "an enrolment under way keeps its key"
        );
    }

    #[test]
    fn a_renewal_waits_for_an_enrolment() {
        let place = Place::new("waits");
        let files = Files::new(&place.0);
        let (old, enrolled) = (identity(), identity());
        files.save(&old).unwrap();
        let lock = files.lock().unwrap();
        let renewal = std::thread::spawn({
            let files = files.clone();
            move || files.renew(&old.certificate, identity()).unwrap().certificate
        });
        std::thread::sleep(std::time::Duration::from_millis(200));
        files.save(&enrolled).unwrap();
        drop(lock);
        assert_eq!(renewal.join().unwrap(), enrolled.certificate);
        assert_eq!(files.load().unwrap().unwrap().certificate, enrolled.certificate);
    }

    #[test]
    fn a_certificate_goes_with_its_key_and_one_name() {
        let (key, other) = (Key::generate().unwrap(), Key::generate().unwrap());
        let (certificate, authority) = issued(&key, URI);
        let wrong = Identity::new(certificate, authority, other);
        assert!(matches!(wrong, Err(IdentityError::OtherKey)));
        let (certificate, authority) = issued(&key, "https://example.org/");
        let wrong = Identity::new(certificate, authority, key);
        assert!(matches!(wrong, Err(IdentityError::Name(_))));
    }

    #[test]
    fn what_is_open_or_edited_is_refused() {
        let place = Place::new("edited");
        let files = Files::new(&place.0);
        let key = files.pending().unwrap();
        let (certificate, authority) = issued(&key, URI);
        files
            .save(&Identity::new(certificate, authority, key).unwrap())
            .unwrap();
        let whole = fs::read_to_string(files.path()).unwrap();
        for cut in (0..whole.len() - 1).step_by(97) {
            fs::write(files.path(), &whole[..cut]).unwrap();
            assert!(files.load().is_err(), "cut at {cut}");
        }
        fs::write(files.path(), &whole).unwrap();
        fs::set_permissions(files.path(), fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(files.load(), Err(FileError::Open { mode: 0o640, .. })));
    }
}
