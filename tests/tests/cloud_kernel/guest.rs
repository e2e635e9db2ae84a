//! Commands in the machine, in one go: each costs an emulated machine tenths of a second.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use netghost_core::artifact::json::Digest;
use netghost_core::artifact::manifest::load;
use netghost_core::snapshot::Snapshot;
use netghost_lab::{Kind, Lab, Limits, Plan, Vm};

/// The lab's program; the command is built beside it.
const LAB: &str = env!("CARGO_BIN_EXE_netghost-lab");
/// Where the scripts of the guest are; it sees this machine's files.
pub(crate) const SCRIPTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cloud_kernel");
const EBTABLES: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../core/src/netfilter/xt/ebt/tests/linux-6.1.ebt"
);

/// What the steps of a script printed, by their names.
pub(crate) type Steps = BTreeMap<String, String>;

/// A machine that is up.
pub(crate) struct Guest {
    lab: Lab,
    program: PathBuf,
}

impl Guest {
    pub(crate) fn up() -> Self {
        let lab = Lab::up(&Plan::new(&[Kind::Qemu]).with_program(LAB)).unwrap();
        let built = Path::new(LAB).with_file_name("netghost");
        assert!(
            built.is_file(),
            "{} is missing: `cargo build --workspace --bins`",
            built.display()
        );
        // What is not read need not travel.
        let program = built.with_file_name(format!("netghost-stripped-{}", std::process::id()));
        let mut strip = Command::new("strip");
        strip.arg("--strip-debug").arg("-o").arg(&program).arg(&built);
        assert!(strip.status().unwrap().success());
        Self { lab, program }
    }

    fn vm(&self) -> &Vm {
        self.lab.vm("vm1").unwrap()
    }

    pub(crate) fn write(&self, path: &str, text: &[u8]) {
        let argv = ["sh", "-c", &format!("cat >{path}")];
        self.vm().exec_with_input(&argv, text).unwrap().ok(&argv).unwrap();
    }

    /// Runs a script, all of whose steps must succeed. `step NAME COMMAND…` in it keeps what the command prints under the name;
    /// `$netghost` is the command and `$scripts` the directory of the scripts.
    pub(crate) fn steps(&self, script: &str) -> Steps {
        let prelude = "set -u; export XDG_STATE_HOME=/run/store; scripts=$1 ebtables=$2 netghost=$3\n\
            step() { printf '@@ %s\\n' \"$1\"; shift; \"$@\"; printf '\\n@@ %s\\n' $?; }\n";
        let script = format!("{prelude}{script}");
        let program = self.program.display().to_string();
        let argv = ["sh", "-c", &script, "sh", SCRIPTS, EBTABLES, &program];
        let limits = Limits {
            time: Duration::from_secs(300),
            ..Limits::default()
        };
        let output = self.vm().exec_within(&argv, b"", limits).unwrap();
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        println!("{errors}");
        let text = String::from_utf8(output.stdout).unwrap();
        let mut found = Steps::new();
        let mut pieces = text.split("@@ ").skip(1);
        while let (Some(begin), Some(end)) = (pieces.next(), pieces.next()) {
            let (name, printed) = begin.split_once('\n').unwrap();
            assert_eq!(end.trim_end(), "0", "{name}: {printed}\n{errors}");
            found.insert(name.to_owned(), printed.trim_end().to_owned());
        }
        assert!(!found.is_empty(), "{errors}");
        found
    }

    /// A snapshot that was saved there under this name, whole: every object is held against its digest.
    pub(crate) fn snapshot(&self, name: &str) -> Snapshot {
        let steps = self.steps(&format!(
            "cd /run/store/netghost
            step manifest cat baselines/{name}/manifest.json
            step objects grep -r . objects/sha256"
        ));
        let objects: BTreeMap<String, &str> = steps["objects"]
            .lines()
            .map(|line| {
                let (path, object) = line.split_once(':').unwrap();
                (
                    path.trim_start_matches("objects/sha256/").replace('/', ""),
                    object,
                )
            })
            .collect();
        let get = |digest: &Digest| Ok(objects[&digest.to_string()].as_bytes().to_vec());
        load(steps["manifest"].as_bytes(), &get).unwrap()
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        // It may have gone with the directory that it was built in.
        std::fs::remove_file(&self.program).ok();
    }
}
