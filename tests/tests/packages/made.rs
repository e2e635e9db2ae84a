//! The packages themselves: two versions, made once for all tests.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use netghost_lab::Limits;
use netghost_lab::run::run;

/// Where the lab's program is; `scripts/run-tests` builds the packaged programs beside it.
const LAB: &str = env!("CARGO_BIN_EXE_netghost-lab");

/// What is packaged.
pub(crate) const PACKAGES: [&str; 3] = ["netghost-agent", "netghost-controller", "netghost"];

/// The line that the later version's default configuration has more.
pub(crate) const LATER_DEFAULT: &str = "# A default of the later version.";

/// A directory with `old/` and `new/`, each with three debs and three rpms.
pub(crate) fn packages() -> &'static Path {
    static MADE: OnceLock<PathBuf> = OnceLock::new();
    MADE.get_or_init(|| {
        let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("packages");
        if directory.exists() {
            fs::remove_dir_all(&directory).unwrap();
        }
        fs::create_dir_all(&directory).unwrap();
        package(&directory.join("old"), &[]);
        let definitions = directory.join("definitions");
        let definitions = definitions.to_str().unwrap();
        shell(&format!(
            "cp -r packaging {definitions}
             for file in agent controller; do echo '{LATER_DEFAULT}' >>{definitions}/$file.toml; done"
        ));
        let later = ["--version", "99.1.0", "--definitions", definitions];
        package(&directory.join("new"), &later);
        directory
    })
}

/// The sources' directory.
fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Runs a script in the sources that must succeed.
pub(crate) fn shell(script: &str) -> String {
    let mut command = Command::new("sh");
    command.args(["-euc", script]).current_dir(sources());
    finish(command)
}

fn finish(command: Command) -> String {
    let limits = Limits {
        time: Duration::from_mins(5),
        ..Limits::default()
    };
    let shown = format!("{command:?}");
    let output = run(command, b"", limits).unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{shown}\n{}{stderr}", output.text());
    output.text()
}

/// Packs the programs that are built already.
fn package(out: &Path, more: &[&str]) {
    let mut command = Command::new(sources().join("scripts/package"));
    command
        .args(["--profile", "dev", "--binaries"])
        .arg(Path::new(LAB).parent().unwrap())
        .arg("--out")
        .arg(out)
        .args(more);
    finish(command);
}

/// The one package in `old/` or `new/` of this name and ending.
fn file(version: &str, name: &str, ending: &str) -> PathBuf {
    let mut found: Vec<PathBuf> = fs::read_dir(packages().join(version))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            let file = path.file_name().unwrap().to_str().unwrap();
            let rest = file.strip_prefix(name).unwrap_or_default();
            rest.starts_with(['_', '-'])
                && rest.get(1..2).is_some_and(|c| c.as_bytes()[0].is_ascii_digit())
                && file.ends_with(ending)
        })
        .collect();
    assert_eq!(found.len(), 1, "{name} {ending}: {found:?}");
    found.remove(0)
}

#[test]
fn root_package_the_same_programs_give_the_same_bytes() {
    let again = packages().join("again");
    package(&again, &[]);
    let sums = |directory: &Path| shell(&format!("cd {} && sha256sum *", directory.display()));
    let first = sums(&packages().join("old"));
    assert_eq!(first.lines().count(), 6, "{first}");
    assert_eq!(first, sums(&again));
}

#[test]
fn root_package_what_it_needs_is_what_its_symbols_need() {
    for name in PACKAGES {
        let deb = file("old", name, ".deb");
        let depends = shell(&format!("dpkg-deb --field {} Depends", deb.display()));
        let program = Path::new(LAB).with_file_name(name);
        // The loader's own list, by another tool than the script uses.
        let newest = shell(&format!(
            "readelf --version-info --wide {} | grep -o 'GLIBC_[0-9.]*' | sort -Vu | tail -n 1",
            program.display()
        ));
        let wanted = format!("libc6 (>= {})", newest.trim().trim_start_matches("GLIBC_"));
        assert!(depends.contains(&wanted), "{name}: {depends}, not {wanted}");
        let rpm = file("old", name, ".rpm");
        let requires = shell(&format!("rpm --query --package --requires {}", rpm.display()));
        let wanted = format!("libc.so.6({})(64bit)", newest.trim());
        assert!(requires.contains(&wanted), "{name}: {requires}, not {wanted}");
    }
}

#[test]
fn root_package_all_that_belongs_into_it_is_there() {
    for name in PACKAGES {
        let deb = file("old", name, ".deb");
        let listed = shell(&format!("dpkg-deb --contents {}", deb.display()));
        for line in listed.lines() {
            assert!(line.contains(" root/root "), "{line}");
        }
        for wanted in [
            format!("./usr/bin/{name}"),
            if name == "netghost" {
                "./usr/share/man/man1/netghost.1.gz".to_owned()
            } else {
                format!("./usr/share/man/man8/{name}.8.gz")
            },
            format!("./usr/share/bash-completion/completions/{name}"),
            format!("./usr/share/doc/{name}/copyright"),
            format!("./usr/share/doc/{name}/changelog.gz"),
            format!("./usr/share/doc/{name}/third-party.txt.gz"),
        ] {
            assert!(
                listed.lines().any(|line| line.ends_with(&format!(" {wanted}"))),
                "{wanted}"
            );
        }
        let licences = shell(&format!(
            "dpkg-deb --fsys-tarfile {} | tar -xO ./usr/share/doc/{name}/third-party.txt.gz | gzip -dc",
            deb.display()
        ));
        assert!(licences.contains("ring 0.17") && licences.contains("Permission to use, copy, modify"));
    }
}

#[test]
fn root_package_no_file_is_in_two_of_them() {
    let mut seen = std::collections::BTreeMap::new();
    for name in PACKAGES {
        let deb = file("old", name, ".deb");
        let listed = shell(&format!("dpkg-deb --fsys-tarfile {} | tar --list", deb.display()));
        for path in listed.lines().filter(|path| !path.ends_with('/')) {
            let other = seen.insert(path.to_owned(), name);
            assert_eq!(other, None, "{path} is in {name} too");
        }
    }
    assert!(seen.len() > 30, "{seen:?}");
}

#[test]
fn root_package_every_key_of_the_agents_default_configuration_is_known() {
    let program = Path::new(LAB).with_file_name("netghost-agent");
    let check = |edit: &str| {
        shell(&format!(
            "file=$(mktemp)
             trap 'rm $file' EXIT
             sed -E '{edit}' packaging/agent.toml >$file
             {} run --check-config --config $file",
            program.display()
        ))
    };
    check("");
    // The values that are shown are values that may be set.
    check("s/^#([a-z_]+ = )/\\1/");
}
