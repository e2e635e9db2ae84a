//! What a lab has made, written down before it is made, so that anyone can remove it after a crash.

use std::fs::{self, File};
use std::io;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::{LabError, Result};
use crate::fabric::Subnet;
use crate::kind::Kind;
use crate::process::Process;

pub mod remove;

/// Where labs write down what they make.
const ROOT: &str = "/run/netghost-lab";

/// Longest lab name: namespace names and socket paths are built from it.
const LONGEST_NAME: usize = 32;

/// Everything known about a lab.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The process whose end makes the lab a leftover; none for a lab that stays until `down`.
    pub owner: Option<Process>,
    /// All named network namespaces, the fabric first.
    pub namespaces: Vec<String>,
    /// The VMs in order.
    pub vms: Vec<VmRecord>,
}

/// Everything known about a VM.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VmRecord {
    /// `vm1`, `vm2` …
    pub name: String,
    /// What it is made of.
    pub kind: Kind,
    /// Its address in the fabric.
    pub address: Ipv4Addr,
    /// What it sees around it.
    #[serde(default)]
    pub subnet: Subnet,
}

/// The directory of one lab.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunDir {
    name: String,
    path: PathBuf,
}

impl RunDir {
    /// The directory of the lab of that name, whether it is there or not.
    ///
    /// # Errors
    /// [`LabError::BadName`] for what could leave the directory above.
    pub fn of(name: &str) -> Result<Self> {
        let fine = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        let good = name.len() <= LONGEST_NAME
            && name.bytes().all(fine)
            && name
                .bytes()
                .next()
                .is_some_and(|first| first.is_ascii_alphanumeric());
        if !good {
            return Err(LabError::BadName(name.to_owned()));
        }
        Ok(Self {
            name: name.to_owned(),
            path: Path::new(ROOT).join(name),
        })
    }

    /// The lab's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A file of the lab.
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// A file of a VM of the lab: `vm1.console`, `vm1.socket` …
    pub fn vm_file(&self, vm: &str, what: &str) -> PathBuf {
        self.path.join(format!("{vm}.{what}"))
    }

    /// The lab's name for a network namespace.
    pub fn namespace(&self, what: &str) -> String {
        format!("ngl-{}-{what}", self.name)
    }

    /// What the lab wrote down.
    ///
    /// # Errors
    /// [`LabError::NoLab`] when there is none; [`LabError::File`] when it can't be read or understood.
    pub fn record(&self) -> Result<Record> {
        let path = self.file("lab.json");
        let file = |source| LabError::File {
            doing: "read",
            path: path.clone(),
            source,
        };
        match fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| file(error.into())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(LabError::NoLab(self.name.clone())),
            Err(error) => Err(file(error)),
        }
    }

    /// Writes the record; a reader sees the old one or the new one, never a part.
    pub(crate) fn write(&self, record: &Record) -> Result<()> {
        let path = self.file("lab.json");
        let new = self.file("lab.json.new");
        serde_json::to_vec_pretty(record)
            .map_err(io::Error::from)
            .and_then(|bytes| fs::write(&new, bytes))
            .and_then(|()| fs::rename(&new, &path))
            .map_err(|source| LabError::File {
                doing: "write",
                path,
                source,
            })
    }

    /// Writes down the calling process as one of the lab's, to be ended with it.
    ///
    /// # Errors
    /// Where the lab has been removed meanwhile, or `/proc` can't be read.
    pub(crate) fn add_current_process(&self, label: &str) -> Result<Process> {
        let path = self.vm_file(label, "process");
        let file = |source| LabError::File {
            doing: "write",
            path: path.clone(),
            source,
        };
        let process = Process::current().map_err(file)?;
        let new = self.vm_file(label, "process.new");
        serde_json::to_vec(&process)
            .map_err(io::Error::from)
            .and_then(|bytes| fs::write(&new, bytes))
            .and_then(|()| fs::rename(&new, &path))
            .map_err(file)?;
        Ok(process)
    }

    /// The processes that wrote themselves down.
    fn processes(&self) -> Result<Vec<Process>> {
        let file = |source| LabError::File {
            doing: "read",
            path: self.path.clone(),
            source,
        };
        let mut processes = Vec::new();
        for entry in fs::read_dir(&self.path).map_err(file)? {
            let path = entry.map_err(file)?.path();
            if path.extension().is_some_and(|extension| extension == "process") {
                let bytes = fs::read(&path).map_err(file)?;
                processes.push(serde_json::from_slice(&bytes).map_err(|error| file(error.into()))?);
            }
        }
        Ok(processes)
    }
}

/// Names of all labs that have a directory, in order.
///
/// # Errors
/// When the directory of all labs is there and can't be read.
pub fn labs() -> Result<Vec<String>> {
    let file = |source| LabError::File {
        doing: "read",
        path: ROOT.into(),
        source,
    };
    let entries = match fs::read_dir(ROOT) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(file(error)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(file)?;
        if entry.file_type().map_err(file)?.is_dir() {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    names.sort();
    Ok(names)
}

/// Held while labs are claimed or removed: two of that at once would take apart each other's work. Ends with the process.
pub(crate) struct Lock(#[expect(dead_code, reason = "held, never read")] File);

impl Lock {
    pub(crate) fn take() -> Result<Self> {
        let path = Path::new(ROOT).join(".lock");
        fs::create_dir_all(ROOT)
            .and_then(|()| File::create(&path))
            .and_then(|file| file.lock().map(|()| file))
            .map(Self)
            .map_err(|source| LabError::File {
                doing: "lock (are you root?)",
                path,
                source,
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_inside_the_directory() {
        for bad in [
            "",
            ".",
            "..",
            "../x",
            "a/b",
            "-a",
            ".a",
            "a b",
            "ä",
            &"a".repeat(33),
        ] {
            assert!(matches!(RunDir::of(bad), Err(LabError::BadName(_))), "{bad}");
        }
        for good in ["a", "lab-1", "A.b_c", &"a".repeat(32)] {
            assert_eq!(RunDir::of(good).unwrap().name(), good);
        }
    }
}
