//! Contexts: the controllers that somebody has logged in to, each in a directory that only they can enter.
//!
//! ```text
//! current                       the name of the one in use
//! contexts/NAME/context.toml    where the controller is
//! contexts/NAME/identity.pem    key, certificate and the controller's authority, 0600
//! contexts/NAME/keys/           the controller's published keys, pinned
//! contexts/NAME/approvers.pem   the approvers' CA, pinned
//! contexts/NAME/head.dsse.json  the last head of its audit log that was verified here
//! ```

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use netghost_client::{Address, Proxy};
use netghost_core::artifact::name::Name;
use serde::Deserialize;

use crate::error::Failure;
use crate::store::atomic;
use crate::world::World;

const SETTINGS: &str = "context.toml";
const CURRENT: &str = "current";

/// The directory of all contexts.
#[derive(Debug, Clone)]
pub struct Contexts {
    root: PathBuf,
}

/// One context.
#[derive(Debug, Clone)]
pub struct Context {
    /// Its name.
    pub name: Name,
    /// Its directory.
    pub directory: PathBuf,
    /// What is written in it.
    pub settings: Settings,
}

/// What is known of the controller without asking it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// HOST:PORT.
    pub controller: String,
    /// The trust domain of its identities.
    pub domain: String,
    /// As whom one is logged in.
    pub user: Name,
    /// What they could do then; the controller decides.
    pub role: String,
    /// `http://[USER:PASSWORD@]HOST:PORT`.
    #[serde(default)]
    pub proxy: Option<String>,
}

impl Settings {
    /// Where the controller is.
    pub fn address(&self) -> Result<Address, Failure> {
        Address::parse(&self.controller).map_err(|error| Failure::failed("context", error))
    }

    /// Through which proxy.
    pub fn proxy(&self) -> Result<Option<Proxy>, Failure> {
        let parsed = self.proxy.as_deref().map(Proxy::parse).transpose();
        // The text may hold a password.
        parsed.map_err(|_| {
            Failure::failed(
                "context",
                anyhow!("the proxy is not http://[USER:PASSWORD@]HOST:PORT"),
            )
        })
    }

    fn to_toml(&self) -> String {
        // A JSON string of printable text is a TOML basic string.
        let quoted = |text: &str| serde_json::to_string(text).unwrap_or_default();
        let rows = [
            ("controller", Some(self.controller.as_str())),
            ("domain", Some(self.domain.as_str())),
            ("user", Some(self.user.as_str())),
            ("role", Some(self.role.as_str())),
            ("proxy", self.proxy.as_deref()),
        ];
        let line = |(key, value): (&str, Option<&str>)| Some(format!("{key} = {}\n", quoted(value?)));
        rows.into_iter().filter_map(line).collect()
    }
}

impl Contexts {
    /// By the XDG Base Directory Specification: `$XDG_CONFIG_HOME/netghost`, else `$HOME/.config/netghost`.
    pub fn open(world: &World) -> Result<Self, Failure> {
        let absolute = |path: &Option<PathBuf>| path.clone().filter(|path| path.is_absolute());
        let home = absolute(&world.home).map(|home| home.join(".config"));
        let config = absolute(&world.config_home).or(home).ok_or_else(|| {
            let error = anyhow!("there is no place for contexts");
            Failure::usage("no_place", error).hint("set XDG_CONFIG_HOME or HOME to an absolute path")
        })?;
        Ok(Self {
            root: config.join("netghost"),
        })
    }

    /// The directory of the command's configuration.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Where a context of this name is or would be.
    pub fn directory(&self, name: &Name) -> PathBuf {
        self.root.join("contexts").join(name.as_str())
    }

    /// All names, sorted.
    pub fn names(&self) -> Result<Vec<Name>, Failure> {
        let directory = self.root.join("contexts");
        let entries = match fs::read_dir(&directory) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries
                .with_context(|| format!("cannot list {}", directory.display()))
                .map_err(failed)?,
        };
        let mut names = Vec::new();
        for entry in entries {
            let file_name = entry.map_err(|error| failed(error.into()))?.file_name();
            // A login that was cut short has a name that begins with a dot.
            names.extend(file_name.to_str().and_then(|name| Name::parse(name).ok()));
        }
        names.sort();
        Ok(names)
    }

    /// One of them.
    pub fn get(&self, name: &Name) -> Result<Context, Failure> {
        self.find(name)?.ok_or_else(|| self.unknown(name))
    }

    /// One of them, if it exists.
    pub fn find(&self, name: &Name) -> Result<Option<Context>, Failure> {
        let directory = self.directory(name);
        let path = directory.join(SETTINGS);
        let text = match fs::read_to_string(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            text => text
                .with_context(|| format!("cannot read {}", path.display()))
                .map_err(failed)?,
        };
        let settings: Settings = toml::from_str(&text)
            .with_context(|| format!("{} is not as it was written", path.display()))
            .map_err(|error| failed(error).hint("log in again"))?;
        Ok(Some(Context {
            name: name.clone(),
            directory,
            settings,
        }))
    }

    fn unknown(&self, name: &Name) -> Failure {
        let names: Vec<String> = self
            .names()
            .unwrap_or_default()
            .iter()
            .map(ToString::to_string)
            .collect();
        let hint = if names.is_empty() {
            "there is none yet; `netghost login --controller HOST:PORT` makes one".to_owned()
        } else {
            format!("there are {}", names.join(", "))
        };
        Failure::usage("no_such_context", anyhow!("there is no context {name}")).hint(hint)
    }

    /// The one in use, if any.
    pub fn current(&self) -> Result<Option<Name>, Failure> {
        let path = self.root.join(CURRENT);
        let text = match fs::read_to_string(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            text => text
                .with_context(|| format!("cannot read {}", path.display()))
                .map_err(failed)?,
        };
        Name::parse(text.trim_end())
            .map(Some)
            .with_context(|| format!("{} is not as it was written", path.display()))
            .map_err(|error| failed(error).hint("choose one with `netghost context use NAME`"))
    }

    /// Takes one into use.
    pub fn set_current(&self, name: &Name) -> Result<(), Failure> {
        let path = self.root.join(CURRENT);
        atomic::directories(&self.root)
            .and_then(|()| atomic::replace(&path, 0o600, format!("{name}\n").as_bytes()))
            .with_context(|| format!("cannot write {}", path.display()))
            .map_err(failed)
    }

    /// Writes what is known of the controller into a context's directory.
    pub fn write(directory: &Path, settings: &Settings) -> Result<(), Failure> {
        let path = directory.join(SETTINGS);
        atomic::replace(&path, 0o600, settings.to_toml().as_bytes())
            .with_context(|| format!("cannot write {}", path.display()))
            .map_err(failed)
    }

    /// Takes one away, its key first; its certificate ends by itself within a day.
    pub fn remove(&self, name: &Name) -> Result<Context, Failure> {
        let context = self.get(name)?;
        if self.current()?.as_ref() == Some(name) {
            let path = self.root.join(CURRENT);
            fs::remove_file(&path)
                .with_context(|| format!("cannot remove {}", path.display()))
                .map_err(failed)?;
        }
        let identity = netghost_client::Files::new(&context.directory).path();
        for path in [identity, context.directory.join(SETTINGS)] {
            match fs::remove_file(&path) {
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                done => done
                    .with_context(|| format!("cannot remove {}", path.display()))
                    .map_err(failed)?,
            }
        }
        fs::remove_dir_all(&context.directory)
            .with_context(|| format!("cannot remove {}", context.directory.display()))
            .map_err(failed)?;
        Ok(context)
    }

    /// A directory to log in to: the context's own where there is one, else one that no name leads to yet.
    pub fn login_directory(&self, name: &Name) -> Result<PathBuf, Failure> {
        let own = self.directory(name);
        let directory = if own.join(SETTINGS).exists() {
            own
        } else {
            self.root.join("contexts").join(format!(".login-{name}"))
        };
        atomic::directories(&directory)
            .with_context(|| format!("cannot make {}", directory.display()))
            .map_err(failed)?;
        Ok(directory)
    }

    /// Gives a directory that was logged in to its name.
    pub fn finish(&self, name: &Name, directory: &Path) -> Result<(), Failure> {
        let own = self.directory(name);
        if own != *directory {
            fs::rename(directory, &own)
                .with_context(|| format!("cannot make {}", own.display()))
                .map_err(failed)?;
            fs::File::open(self.root.join("contexts"))
                .and_then(|directory| directory.sync_all())
                .with_context(|| format!("cannot make {}", own.display()))
                .map_err(failed)?;
        }
        Ok(())
    }
}

/// Writes a file of a context whole, whatever was there.
pub(crate) fn keep(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    atomic::directories(path.parent().unwrap_or(path))
        .and_then(|()| atomic::replace(path, 0o600, bytes))
        .with_context(|| format!("cannot write {}", path.display()))
        .map_err(failed)
}

fn failed(error: anyhow::Error) -> Failure {
    Failure::failed("context", error)
}
