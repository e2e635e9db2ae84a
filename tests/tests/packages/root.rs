//! A root of the machine's own distribution with systemd, made once and only read afterwards.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use netghost_lab::Limits;
use netghost_lab::run::run;

/// `nftables` makes the drift; `rpm` installs the other kind of package.
const INCLUDE: &str = "systemd,systemd-sysv,nftables,rpm";

/// The root's directory. It stays under cargo's target directory for later runs.
pub(crate) fn root() -> &'static Path {
    static ROOT: OnceLock<PathBuf> = OnceLock::new();
    ROOT.get_or_init(made)
}

fn made() -> PathBuf {
    let (suite, mirror, components) = distribution();
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR"));
    fs::create_dir_all(directory).unwrap();
    let root = directory.join(format!("root-{suite}-{}", INCLUDE.replace(',', "-")));
    // One at a time, also among several runs of the tests.
    let lock = File::create(root.with_extension("lock")).unwrap();
    lock.lock().unwrap();
    if root.is_dir() {
        return root;
    }
    let unfinished = root.with_extension("unfinished");
    if unfinished.exists() {
        fs::remove_dir_all(&unfinished).unwrap();
    }
    let mut command = Command::new("debootstrap");
    command
        .args([
            "--variant=minbase",
            &format!("--include={INCLUDE}"),
            components,
            &suite,
        ])
        .arg(&unfinished)
        .arg(mirror);
    let limits = Limits {
        time: Duration::from_mins(10),
        ..Limits::default()
    };
    let output = run(command, b"", limits).unwrap();
    assert!(output.status.success(), "debootstrap: {}", output.text());
    fs::rename(&unfinished, &root).unwrap();
    root
}

/// Suite, mirror and components: the binaries fit no older distribution than the one they are built on.
fn distribution() -> (String, String, &'static str) {
    let release = fs::read_to_string("/etc/os-release").unwrap();
    let value = |key: &str| {
        let line = release
            .lines()
            .find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
        line.unwrap_or_default().trim_matches('"').to_owned()
    };
    let (mirror, components) = match value("ID").as_str() {
        "debian" => ("http://deb.debian.org/debian", "--components=main"),
        "ubuntu" => ("http://archive.ubuntu.com/ubuntu", "--components=main,universe"),
        other => panic!("no mirror is known for {other}: run this on Debian or Ubuntu"),
    };
    let mirror = std::env::var("NETGHOST_TEST_MIRROR").unwrap_or_else(|_| mirror.to_owned());
    (value("VERSION_CODENAME"), mirror, components)
}
