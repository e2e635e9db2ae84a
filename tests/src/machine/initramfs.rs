//! The first files of an emulated machine: busybox, the modules that reach the host's files, and a script.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use super::Machine;
use super::qemu::{init_script, modules, second_script};
use crate::error::{LabError, Result};
use crate::run::{Limits, command, run};

/// Modules that are asked for; what they need comes with them.
const MODULES: [&str; 5] = [
    "virtio_pci",
    "virtio_net",
    "virtio_console",
    "virtiofs",
    "overlay",
];

/// Programs that the first script uses.
const PROGRAMS: [&str; 8] = [
    "sh",
    "mount",
    "cat",
    "insmod",
    "mkdir",
    "echo",
    "cp",
    "switch_root",
];

/// Builds the archive and says where it is.
pub(super) fn build(machine: &Machine<'_>, release: &str) -> Result<PathBuf> {
    let tree = machine.dir.vm_file(machine.vm, "initramfs");
    let archive = machine.dir.vm_file(machine.vm, "initrd");
    lay_out(&tree, machine.program, &modules(release)).map_err(|source| LabError::File {
        doing: "build the initramfs in",
        path: tree.clone(),
        source,
    })?;
    let script = format!(
        "cd '{}' && find . | cpio -o -H newc >'{}'",
        tree.display(),
        archive.display()
    );
    let argv = ["sh", "-c", &script];
    run(command(&argv)?, b"", Limits::default())?.ok(&argv)?;
    Ok(archive)
}

fn lay_out(tree: &Path, program: &Path, modules: &Path) -> io::Result<()> {
    for part in ["bin", "proc", "sys", "dev", "modules"] {
        fs::create_dir_all(tree.join(part))?;
    }
    fs::copy("/bin/busybox", tree.join("bin/busybox"))?;
    for name in PROGRAMS {
        symlink("busybox", tree.join("bin").join(name))?;
    }
    let mut order = String::new();
    for module in load_order(&fs::read_to_string(modules.join("modules.dep"))?, &MODULES)? {
        let name = Path::new(&module).file_name().ok_or(io::ErrorKind::InvalidData)?;
        fs::copy(modules.join(&module), tree.join("modules").join(name))?;
        order.push_str(&format!("/modules/{}\n", name.to_string_lossy()));
    }
    fs::write(tree.join("modules.order"), order)?;
    executable(&tree.join("init"), init_script())?;
    executable(&tree.join("system"), &second_script(program))
}

fn executable(path: &Path, text: &str) -> io::Result<()> {
    fs::write(path, text)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))
}

/// The files to load in their order, each once, from the text of `modules.dep` (`man 5 modules.dep`): a line names a module
/// and everything it needs, the deepest need last.
fn load_order(dependencies: &str, wanted: &[&str]) -> io::Result<Vec<String>> {
    let lines: BTreeMap<String, (&str, &str)> = dependencies
        .lines()
        .filter_map(|line| line.split_once(':'))
        .map(|(file, needs)| (module_name(file), (file, needs)))
        .collect();
    let mut order: Vec<String> = Vec::new();
    for module in wanted {
        let (file, needs) = lines.get(*module).ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::NotFound,
                format!("the kernel has no module {module}"),
            )
        })?;
        for file in needs.split_ascii_whitespace().rev().chain([*file]) {
            if !order.iter().any(|loaded| loaded == file) {
                order.push(file.to_owned());
            }
        }
    }
    Ok(order)
}

fn module_name(file: &str) -> String {
    let name = file.rsplit('/').next().unwrap_or(file);
    name.split('.').next().unwrap_or(name).replace('-', "_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn needs_come_first_and_once() {
        let text = "k/virtio_ring.ko: k/virtio.ko\nk/virtio.ko:\nk/a.ko: k/virtio_ring.ko k/virtio.ko\nk/b-c.ko: k/virtio.ko\n";
        let order = load_order(text, &["a", "b_c"]).unwrap();
        assert_eq!(order, ["k/virtio.ko", "k/virtio_ring.ko", "k/a.ko", "k/b-c.ko"]);
        assert!(load_order(text, &["absent"]).is_err());
    }
}
