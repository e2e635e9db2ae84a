//! The Python environment that holds the oracles.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

const HELP: &str = "these tests need their oracles from the Python Package Index: install python3-venv and python3-pip and \
                    allow pip to reach an index, or set NETGHOST_TEST_VENV to an environment that has \
                    tests/python/requirements.txt";

/// The interpreter of `$NETGHOST_TEST_VENV`, else of an environment under the build directory, which is made at first use.
pub(crate) fn python() -> &'static Path {
    static PYTHON: OnceLock<PathBuf> = OnceLock::new();
    PYTHON.get_or_init(|| match std::env::var_os("NETGHOST_TEST_VENV") {
        Some(given) => Path::new(&given).join("bin/python"),
        None => made(&Path::new(env!("CARGO_TARGET_TMPDIR")).join("venv")),
    })
}

fn made(venv: &Path) -> PathBuf {
    let requirements = Path::new(env!("CARGO_MANIFEST_DIR")).join("python/requirements.txt");
    let wanted = std::fs::read(&requirements).unwrap();
    let (python, stamp) = (venv.join("bin/python"), venv.join("requirements.installed"));
    if std::fs::read(&stamp).is_ok_and(|installed| installed == wanted) {
        return python;
    }
    run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(venv));
    let pip = [
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "-r",
    ];
    run(Command::new(&python).args(pip).arg(&requirements));
    std::fs::write(&stamp, wanted).unwrap();
    python
}

fn run(command: &mut Command) {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}\n{HELP}"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?} failed\n{said}\n{HELP}");
}
