//! The package managers: how each is asked and told.

use std::path::{Path, PathBuf};

use netghost_core::bytes::Text;
use netghost_core::gate::Package;
use netghost_kernel::run::{Ended, Output};
use netghost_kernel::write::WriteError;
use serde::{Deserialize, Serialize};

use super::{LONGEST_QUESTION, run};

/// One of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Manager {
    /// apt-get with dpkg.
    Apt,
    /// dnf, of either generation, with rpm.
    Dnf,
    /// tdnf with rpm.
    Tdnf,
    /// zypper with rpm.
    Zypper,
}

/// How a package stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum State {
    /// Not there, but perhaps for its configuration.
    Absent,
    /// Installed, in this version.
    Installed(String),
    /// Unpacked, half configured …, in the manager's words.
    Between(String),
}

const DPKG_QUERY: &str = "/usr/bin/dpkg-query";
const RPM: &str = "/usr/bin/rpm";
/// How long apt waits for somebody else who installs, in seconds.
const APT_WAITS: &str = "DPkg::Lock::Timeout=60";

/// A row for each: its program, and its arguments before the package's name.
const COMMANDS: [(Manager, &str, &[&str]); 4] = [
    (
        Manager::Apt,
        "/usr/bin/apt-get",
        &[
            "-o",
            APT_WAITS,
            "-o",
            "Dpkg::Use-Pty=0",
            "-o",
            "Dpkg::Options::=--force-confold",
            "--quiet",
            "--yes",
            "--no-remove",
            "--no-install-recommends",
            "install",
            "--",
        ],
    ),
    (Manager::Tdnf, "/usr/bin/tdnf", &["--assumeyes", "install"]),
    (
        Manager::Dnf,
        "/usr/bin/dnf",
        &["--assumeyes", "--setopt=install_weak_deps=False", "install"],
    ),
    (
        Manager::Zypper,
        "/usr/bin/zypper",
        &[
            "--non-interactive",
            "--no-color",
            "install",
            "--no-recommends",
            "--",
        ],
    ),
];

impl Manager {
    /// The one of this host. One that has no database of packages is somebody's tool and not the host's manager.
    pub(super) fn of_this_host() -> Result<Self, WriteError> {
        let there = |program: &str| Path::new(program).is_file();
        let mut rows = COMMANDS.iter().filter(|(_, program, _)| there(program));
        rows.find(|(manager, _, _)| there(manager.asks()))
            .map(|(manager, _, _)| *manager)
            .ok_or_else(|| WriteError::NoProgram {
                program: "apt-get, dnf, tdnf or zypper".to_owned(),
            })
    }

    fn asks(self) -> &'static str {
        match self {
            Self::Apt => DPKG_QUERY,
            Self::Dnf | Self::Tdnf | Self::Zypper => RPM,
        }
    }

    /// The program that installs a package, and its arguments.
    pub(super) fn command(self, package: &Package) -> (&'static str, Vec<String>) {
        let row = COMMANDS.iter().find(|(manager, _, _)| *manager == self);
        let (program, before) = row.map_or(("", [].as_slice()), |(_, program, before)| (program, before));
        let mut args: Vec<String> = before.iter().map(|word| (*word).to_owned()).collect();
        args.push(package.as_str().to_owned());
        (program, args)
    }

    /// What else there is to say of an installation.
    pub(super) fn notes(self) -> Vec<Text> {
        match self {
            Self::Apt => Vec::new(),
            Self::Dnf | Self::Tdnf | Self::Zypper => vec![Text::from(
                "which other packages and versions it brings is decided by the package manager when it is done",
            )],
        }
    }

    /// The installed version, if there is one.
    pub(super) fn installed(self, package: &Package) -> Result<Option<String>, WriteError> {
        match self.state(package)? {
            State::Absent => Ok(None),
            State::Installed(version) => Ok(Some(version)),
            State::Between(words) => Err(WriteError::Unsupported {
                what: format!("{package} is {words}: it is for a person to repair"),
            }),
        }
    }

    /// How a package stands.
    pub(super) fn state(self, package: &Package) -> Result<State, WriteError> {
        let (question, read): (_, fn(&str) -> State) = match self {
            Self::Apt => (
                [
                    "--show",
                    "--showformat=${db:Status-Status} ${Version}\\n",
                    "--",
                    package.as_str(),
                ],
                of_dpkg,
            ),
            Self::Dnf | Self::Tdnf | Self::Zypper => (
                [
                    "--query",
                    "--queryformat=%{VERSION}-%{RELEASE}\\n",
                    "--",
                    package.as_str(),
                ],
                of_rpm,
            ),
        };
        let output = ask(self.asks(), &question)?;
        match output.ended {
            Ended::Status(0) => Ok(read(&String::from_utf8_lossy(&output.stdout))),
            Ended::Status(1) => Ok(State::Absent),
            _ => Err(unreadable(self.asks(), &output)),
        }
    }

    /// What installing a package would do, in the manager's words; nothing where it has none that could be bound.
    pub(super) fn would(self, package: &Package) -> Result<Vec<String>, WriteError> {
        if self != Self::Apt {
            return Ok(Vec::new());
        }
        let (program, mut args) = self.command(package);
        // It writes no cache either.
        let simulate = [
            "--simulate",
            "-o",
            "Dir::Cache::pkgcache=",
            "-o",
            "Dir::Cache::srcpkgcache=",
        ];
        args.splice(0..0, simulate.map(str::to_owned));
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let output = ask(program, &args)?;
        match (output.ended, output.cut) {
            (Ended::Status(0), false) => named(package, steps(&String::from_utf8_lossy(&output.stdout))),
            (_, true) => Err(unreadable(program, &output)),
            _ => Err(WriteError::NotThere {
                what: format!(
                    "a package {package} that apt-get could install ({})",
                    complaint(&output)
                ),
            }),
        }
    }
}

/// `installed 2.1.8+dfsg-1`; `config-files …` and `not-installed` are of a package that is not there.
fn of_dpkg(answer: &str) -> State {
    match answer.trim().split_once(' ') {
        Some(("installed", version)) => State::Installed(version.trim().to_owned()),
        Some(("config-files" | "not-installed", _)) => State::Absent,
        _ => match answer.trim() {
            "config-files" | "not-installed" => State::Absent,
            other => State::Between(other.to_owned()),
        },
    }
}

fn of_rpm(answer: &str) -> State {
    State::Installed(answer.trim().replace('\n', ", "))
}

/// The lines of a simulation that say what is done: `Inst iperf (2.1.8+dfsg-1 Debian:12/stable [amd64])`.
fn steps(simulated: &str) -> Vec<String> {
    let steps = simulated.lines().filter(|line| {
        let word = line.split(' ').next().unwrap_or_default();
        matches!(word, "Inst" | "Remv" | "Purg")
    });
    steps.map(str::to_owned).collect()
}

/// The steps, if one of them installs what was named. apt takes a name that no package has for a pattern, or for what another package
/// provides, and would install whatever that is.
fn named(package: &Package, steps: Vec<String>) -> Result<Vec<String>, WriteError> {
    let installs = |step: &String| {
        let mut words = step.split(' ');
        let (does, what) = (words.next(), words.next().unwrap_or_default());
        // `iperf:i386` is of another architecture than the host's own.
        does == Some("Inst") && what.split(':').next() == Some(package.as_str())
    };
    match steps.iter().any(installs) {
        true => Ok(steps),
        false => Err(WriteError::NotThere {
            what: format!("a package of the very name {package}"),
        }),
    }
}

fn ask(program: &str, args: &[&str]) -> Result<Output, WriteError> {
    let args = args.iter().map(Into::into).collect();
    run(PathBuf::from(program), args, LONGEST_QUESTION).map_err(|why| WriteError::Unreadable {
        what: format!("the answer of {program}"),
        why,
    })
}

fn unreadable(program: &str, output: &Output) -> WriteError {
    WriteError::Unreadable {
        what: format!("the answer of {program}"),
        why: format!("{}: {}", output.ended, complaint(output)),
    }
}

fn complaint(output: &Output) -> String {
    let shown = output.shown();
    let line = shown.stderr.lines().find(|line| !line.trim().is_empty());
    line.unwrap_or("it said nothing").chars().take(300).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_dpkg_calls_installed_is() {
        assert_eq!(
            of_dpkg("installed 2.1.8+dfsg-1\n"),
            State::Installed("2.1.8+dfsg-1".to_owned())
        );
        assert_eq!(of_dpkg("config-files 1.0\n"), State::Absent);
        assert_eq!(of_dpkg("not-installed \n"), State::Absent);
        assert_eq!(
            of_dpkg("half-configured 1.0\n"),
            State::Between("half-configured 1.0".to_owned())
        );
        assert_eq!(
            of_dpkg("unpacked 1.0\n"),
            State::Between("unpacked 1.0".to_owned())
        );
    }

    #[test]
    fn a_simulation_is_what_it_would_do() {
        let said = "NOTE: this is only a simulation\nInst a (1 Debian)\nConf a (1 Debian)\nRemv b [2]\n";
        assert_eq!(steps(said), ["Inst a (1 Debian)", "Remv b [2]"]);
    }

    #[test]
    fn what_is_installed_has_the_very_name() {
        let steps = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>();
        let package = |name: &str| Package::parse(name).unwrap();
        let iperf = steps(&[
            "Inst libiperf0 (3.12 Debian [amd64])",
            "Inst iperf3 (3.12 Debian [amd64])",
        ]);
        assert_eq!(named(&package("iperf3"), iperf.clone()).unwrap(), iperf);
        // As a pattern it would be both of them; as something provided, any.
        for name in ["ip.rf", "iperf", "perf3", "iperf3.12", "3.12"] {
            let error = named(&package(name), iperf.clone()).unwrap_err();
            assert_eq!(error.code(), "not_there", "{name}");
        }
        let removed = steps(&["Remv qperf [1]", "Conf qperf (1 Debian)"]);
        assert!(named(&package("qperf"), removed).is_err());
        assert!(named(&package("qperf"), steps(&["Inst qperf:i386 (1 Debian [i386])"])).is_ok());
        assert!(named(&package("qperf"), Vec::new()).is_err());
    }

    /// apt itself, which takes it for a pattern.
    #[test]
    fn a_name_is_no_pattern_for_apt() {
        let pattern = Package::parse("ap.-utils").unwrap();
        assert!(Manager::Apt.would(&pattern).is_err());
    }

    /// The name is the last argument of each, alone, behind words that are fixed.
    #[test]
    fn a_name_is_one_argument() {
        let package = Package::parse("iperf").unwrap();
        for (manager, program, before) in COMMANDS {
            let (told, args) = manager.command(&package);
            assert_eq!(told, program);
            assert_eq!(args.len(), before.len() + 1);
            assert_eq!(args.last().map(String::as_str), Some("iperf"));
            assert!(args.iter().all(|word| !word.is_empty()));
        }
    }
}
