//! Machines with kernels of their own: what to start, and the script that runs in them first.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::error::{LabError, Result};
use crate::kind::Kind;
use crate::record::RunDir;

mod initramfs;
mod qemu;
mod uml;

/// What is needed to start one machine.
#[derive(Debug)]
pub(crate) struct Machine<'a> {
    pub(crate) dir: &'a RunDir,
    /// The VM's name, also of its tap in the fabric.
    pub(crate) vm: &'a str,
    /// This program, at a path that the guest sees too.
    pub(crate) program: &'a Path,
}

/// The processes of a machine, in the order in which they start. The last one's stdin and stdout are the channel to the
/// command loop inside, its stderr is part of the console.
#[derive(Debug)]
pub(crate) struct Commands {
    /// A file server, and the socket that must exist before the machine starts.
    pub(crate) server: Option<(Command, PathBuf)>,
    pub(crate) machine: Command,
}

impl Machine<'_> {
    /// Writes the files that the machine starts from and says how to start it.
    pub(crate) fn prepare(&self, kind: Kind) -> Result<Commands> {
        match kind {
            Kind::Uml => uml::prepare(self),
            Kind::Qemu => qemu::prepare(self),
            Kind::Netns => Err(LabError::NoCommand),
        }
    }

    fn write(&self, what: &str, text: &str) -> Result<PathBuf> {
        use std::os::unix::fs::PermissionsExt as _;
        let path = self.dir.vm_file(self.vm, what);
        std::fs::write(&path, text)
            .and_then(|()| std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)))
            .map_err(|source| LabError::File {
                doing: "write",
                path: path.clone(),
                source,
            })?;
        Ok(path)
    }
}

/// Fails with the missing package when such a VM can't be started on this machine.
///
/// # Errors
/// [`LabError::Missing`].
pub fn check(kind: Kind) -> Result<()> {
    match kind {
        Kind::Netns => Ok(()),
        Kind::Uml => uml::check(),
        Kind::Qemu => qemu::check(),
    }
}

/// Fails unless one of the files is there; hands out the first that is.
fn need(kind: Kind, package: &'static str, files: &[&str]) -> Result<PathBuf> {
    files
        .iter()
        .map(PathBuf::from)
        .find(|path| path.exists())
        .ok_or_else(|| LabError::Missing {
            kind,
            what: files.join(" or "),
            package,
        })
}

/// What both kinds do in the overlay once it is `/`: the mounts of a small system, then the command loop. The shell stays
/// process 1 and collects orphans.
///
/// `finish` is run before the loop, `device` is its channel.
fn system_script(program: &Path, finish: &str, device: &str) -> String {
    let program = program.display();
    format!(
        "mount -t tmpfs -o mode=755 run /run\n\
         mkdir -p /run/lock /run/netns /dev/pts /dev/shm\n\
         mount -t devpts devpts /dev/pts\n\
         mount -t tmpfs shm /dev/shm\n\
         {finish}\
         hostname \"$VM\"\n\
         '{program}' guest {device}\n\
         echo 'the command loop has ended'\n\
         exec /bin/busybox poweroff -f\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_named_with_its_package() {
        let error = need(
            Kind::Uml,
            "user-mode-linux",
            &["/nonexistent/a", "/nonexistent/b"],
        )
        .unwrap_err();
        assert_eq!(
            error.to_string(),
            "a uml VM needs /nonexistent/a or /nonexistent/b: apt-get install user-mode-linux"
        );
        assert_eq!(
            need(Kind::Uml, "coreutils", &["/nonexistent", "/"]).unwrap(),
            Path::new("/")
        );
    }
}
