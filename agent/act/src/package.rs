//! Packages of the distribution, by its own package manager: arguments as a vector, no shell.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use netghost_core::artifact::json::{self, Digest};
use netghost_core::bytes::Text;
use netghost_core::gate::{Effect, Package};
use netghost_kernel::run::{Ended, Output, Run};
use netghost_kernel::write::{Standing, WriteError};
use serde::{Deserialize, Serialize};

use crate::exec;
use crate::work::Failure;

mod manager;

use manager::Manager;

/// How long a package manager may run.
pub const LONGEST: Duration = Duration::from_secs(10 * 60);
/// How long a question to one may take.
const LONGEST_QUESTION: Duration = Duration::from_secs(60);
/// How many bytes of its output are kept.
const MOST_OUTPUT: usize = 256 << 10;
/// How much of it goes into an answer, in bytes.
const MOST_SHOWN: usize = 4 << 10;
/// What maintainer scripts need, and nothing else.
const ENVIRONMENT: [(&str, &str); 2] = [
    ("PATH", "/usr/sbin:/usr/bin:/sbin:/bin"),
    ("DEBIAN_FRONTEND", "noninteractive"),
];

/// An installation that was planned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Installation {
    /// What is shown of it.
    pub effect: Effect,
    package: Package,
    manager: Manager,
    /// What the manager says that it would do.
    would: Vec<String>,
}

impl Installation {
    /// What installing it would do, by what the manager says. Nothing is changed.
    ///
    /// # Errors
    /// It is installed, there is no such package, or no manager that is known.
    pub(crate) fn plan(package: &Package) -> Result<Self, WriteError> {
        let manager = Manager::of_this_host()?;
        if let Some(version) = manager.installed(package)? {
            return Err(WriteError::NotThere {
                what: format!("{package} {version} is installed already: what would be installed"),
            });
        }
        let would = manager.would(package)?;
        let object = format!("package {package}");
        let command = manager.command(package);
        let mut change = vec![Text::from(shown(&command))];
        change.extend(would.iter().map(|line| Text::from(line.as_str())));
        Ok(Self {
            effect: Effect {
                change,
                inverse: Vec::new(),
                before: state(package, None, &would)?,
                after: None,
                irreversible: Some(Text::from(
                    "maintainer scripts run as root, and removing a package does not take back what they did",
                )),
                notes: manager.notes(),
                object: Text::from(object),
            },
            package: package.clone(),
            manager,
            would,
        })
    }

    /// Installs it, if it is not installed and the manager would still do the same.
    ///
    /// # Errors
    /// Nothing was installed; but for [`WriteError::Half`].
    pub(crate) fn install(&self, trace: &Path) -> Result<Option<Text>, Failure> {
        if self.now()? != self.effect.before {
            return Err(WriteError::Moved {
                object: self.effect.object.to_string(),
            }
            .into());
        }
        let (program, args) = self.manager.command(&self.package);
        let mut words = vec!["exec".into(), "--trace".into(), trace.as_os_str().to_owned()];
        words.extend(["--parent".into(), std::process::id().to_string().into()]);
        words.extend([OsString::from("--"), program.into()]);
        words.extend(args.into_iter().map(OsString::from));
        let ran = run(PathBuf::from(exec::OWN), words, LONGEST);
        let said = ran.as_ref().ok().map(said);
        let done = ran.as_ref().is_ok_and(succeeded);
        let (what, why) = (self.effect.object.to_string(), ended(&ran));
        let error = match (self.manager.installed(&self.package), done) {
            (Ok(Some(_)), true) => return Ok(said),
            (Ok(None), false) => WriteError::Refused { what, why },
            (Ok(None), true) => WriteError::Half {
                what,
                why: "the package manager says that it did it, and there is no such package: see what it did"
                    .to_owned(),
            },
            (Ok(Some(_)) | Err(_), _) => WriteError::Half { what, why },
        };
        Err(Failure { error, output: said })
    }

    /// Whether it is installed.
    ///
    /// # Errors
    /// The manager does not say.
    pub(crate) fn standing(&self) -> Result<Standing, WriteError> {
        match self.manager.state(&self.package)? {
            manager::State::Absent => Ok(Standing::Before),
            manager::State::Installed(_) => Ok(Standing::After),
            manager::State::Between(_) => Ok(Standing::Between),
        }
    }

    fn now(&self) -> Result<Digest, WriteError> {
        let installed = self.manager.installed(&self.package)?;
        let would = match installed {
            None => self.manager.would(&self.package)?,
            Some(_) => Vec::new(),
        };
        state(&self.package, installed.as_deref(), &would)
    }
}

/// The digest of what is bound: which version is there, and what the manager would do.
fn state(package: &Package, installed: Option<&str>, would: &[String]) -> Result<Digest, WriteError> {
    json::digest(&(package.as_str(), installed, would)).map_err(|error| WriteError::Refused {
        what: format!("package {package}"),
        why: error.to_string(),
    })
}

fn shown((program, args): &(&str, Vec<String>)) -> String {
    let words = std::iter::once(*program).chain(args.iter().map(String::as_str));
    words.collect::<Vec<_>>().join(" ")
}

fn run(program: PathBuf, args: Vec<OsString>, limit: Duration) -> Result<Output, String> {
    let run = Run {
        program,
        args,
        env: ENVIRONMENT
            .iter()
            .map(|(name, value)| (name.into(), value.into()))
            .collect(),
        limit,
        most_output: MOST_OUTPUT,
    };
    run.run().map_err(|error| error.to_string())
}

fn succeeded(output: &Output) -> bool {
    output.ended == Ended::Status(0) && !output.timed_out
}

/// How it ended, with the last thing that it complained of.
fn ended(ran: &Result<Output, String>) -> String {
    match ran {
        Err(error) => error.clone(),
        Ok(output) if output.timed_out => format!("it took longer than {} s", LONGEST.as_secs()),
        Ok(output) => {
            let shown = output.shown();
            let last = shown.stderr.lines().rfind(|line| !line.trim().is_empty());
            format!("{}: {}", output.ended, last.unwrap_or("it said nothing"))
        }
    }
}

/// The end of what it said.
fn said(output: &Output) -> Text {
    let shown = output.shown();
    let all = format!("{}{}", shown.stdout, shown.stderr);
    let from = all.len().saturating_sub(MOST_SHOWN);
    let at = (from..=all.len()).find(|at| all.is_char_boundary(*at));
    Text::from(at.and_then(|at| all.get(at..)).unwrap_or_default())
}
