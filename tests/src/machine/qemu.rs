//! An emulated machine (no KVM) with Debian's cloud kernel.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Commands, Machine, initramfs, need, system_script};
use crate::error::{LabError, Result};
use crate::kind::Kind;

const PROGRAM: &str = "/usr/bin/qemu-system-x86_64";
/// Debian 12's is part of QEMU and written in C, later ones are a program of their own with other options.
const FILE_SERVER_C: &str = "/usr/lib/qemu/virtiofsd";
const FILE_SERVER: &str = "/usr/libexec/virtiofsd";

pub(super) fn check() -> Result<()> {
    need(Kind::Qemu, "qemu-system-x86", &[PROGRAM])?;
    need(
        Kind::Qemu,
        "qemu-system-common (Debian 12) or virtiofsd",
        &[FILE_SERVER_C, FILE_SERVER],
    )?;
    need(Kind::Qemu, "busybox-static", &["/bin/busybox"])?;
    need(Kind::Qemu, "cpio", &["/usr/bin/cpio", "/bin/cpio"])?;
    need(Kind::Qemu, "kmod", &["/sbin/modprobe"])?;
    kernel().map(drop)
}

/// The newest cloud kernel that has its modules: its image and its release.
fn kernel() -> Result<(PathBuf, String)> {
    let missing = || LabError::Missing {
        kind: Kind::Qemu,
        what: "/boot/vmlinuz-*-cloud-amd64 with its modules".to_owned(),
        package: "linux-image-cloud-amd64",
    };
    let mut releases: Vec<String> = fs::read_dir("/boot")
        .map_err(|_| missing())?
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter_map(|name| name.strip_prefix("vmlinuz-").map(str::to_owned))
        .filter(|release| release.ends_with("-cloud-amd64") && modules(release).join("modules.dep").exists())
        .collect();
    releases.sort_by_key(|release| numbers(release));
    let release = releases.pop().ok_or_else(missing)?;
    Ok((Path::new("/boot").join(format!("vmlinuz-{release}")), release))
}

pub(super) fn modules(release: &str) -> PathBuf {
    Path::new("/lib/modules").join(release)
}

/// So that 6.1.0-9 comes before 6.1.0-10.
fn numbers(release: &str) -> Vec<u32> {
    release
        .split(|c: char| !c.is_ascii_digit())
        .filter_map(|number| number.parse().ok())
        .collect()
}

pub(super) fn prepare(machine: &Machine<'_>) -> Result<Commands> {
    check()?;
    let (image, release) = kernel()?;
    let initrd = initramfs::build(machine, &release)?;
    let socket = machine.dir.vm_file(machine.vm, "virtiofs");
    let console = machine.dir.vm_file(machine.vm, "serial");
    let mut command = Command::new(PROGRAM);
    command
        .args([
            "-accel",
            "tcg",
            "-cpu",
            "max",
            "-M",
            "q35,memory-backend=mem",
            "-m",
            "512M",
            "-smp",
            "1",
        ])
        .args(["-object", "memory-backend-memfd,id=mem,size=512M,share=on"])
        .args(["-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"])
        .arg("-kernel")
        .arg(image)
        .arg("-initrd")
        .arg(initrd)
        .arg("-append")
        .arg(format!(
            "console=ttyS0 quiet panic=-1 net.ifnames=0 mitigations=off tsc=unstable VM={}",
            machine.vm
        ))
        .args(["-chardev", &format!("file,id=console,path={}", console.display())])
        .args(["-serial", "chardev:console"])
        // The channel is a virtio port: no terminal, and not a byte at a time.
        .args([
            "-chardev",
            "stdio,id=channel,signal=off",
            "-device",
            "virtio-serial-pci",
        ])
        .args(["-device", "virtserialport,chardev=channel"])
        .args(["-chardev", &format!("socket,id=files,path={}", socket.display())])
        .args(["-device", "vhost-user-fs-pci,chardev=files,tag=rootfs"])
        .args([
            "-netdev",
            &format!("tap,id=net,ifname={},script=no,downscript=no", machine.vm),
        ])
        .args([
            "-device",
            &format!("virtio-net-pci,netdev=net,mac={}", mac(machine.vm)),
        ]);
    Ok(Commands {
        server: Some((file_server(&socket), socket)),
        machine: command,
    })
}

/// Every VM has a layer 2 of its own, so the address only has to be there; it is made from the name to be the same each time.
fn mac(vm: &str) -> String {
    let number = vm
        .bytes()
        .fold(0_u8, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte));
    format!("52:54:00:00:00:{number:02x}")
}

fn file_server(socket: &Path) -> Command {
    let socket = socket.display();
    let mut command;
    if Path::new(FILE_SERVER_C).exists() {
        command = Command::new(FILE_SERVER_C);
        command
            .arg(format!("--socket-path={socket}"))
            .args(["-o", "source=/", "-o", "sandbox=chroot", "-o", "cache=auto"])
            .arg("--rlimit-nofile=0");
    } else {
        command = Command::new(FILE_SERVER);
        command.arg(format!("--socket-path={socket}")).args([
            "--shared-dir=/",
            "--sandbox=chroot",
            "--cache=auto",
            "--rlimit-nofile=0",
        ]);
    }
    command
}

/// The first script of the guest, in the initramfs; `/system` below becomes the second, in the overlay.
pub(super) fn init_script() -> &'static str {
    "#!/bin/sh\n\
     mount -t proc proc /proc\n\
     mount -t sysfs sys /sys\n\
     mount -t devtmpfs dev /dev\n\
     for module in $(cat /modules.order); do insmod \"$module\" || echo \"no $module\"; done\n\
     mkdir -p /lower /over /new\n\
     mount -t virtiofs -o ro rootfs /lower || exit\n\
     mount -t tmpfs over /over\n\
     mkdir /over/upper /over/work\n\
     mount -t overlay -o lowerdir=/lower,upperdir=/over/upper,workdir=/over/work overlay /new || exit\n\
     cp /system /new/netghost-lab-init\n\
     for part in proc sys dev; do mount --move /$part /new/$part; done\n\
     exec switch_root /new /netghost-lab-init\n"
}

/// The second script. There is one virtio port, and no udev that would give it a better name.
pub(super) fn second_script(program: &Path) -> String {
    let system = system_script(program, "rm /netghost-lab-init\n", "/dev/vport*p*");
    format!(
        "#!/bin/sh\n\
         export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root\n\
         {system}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_sort_by_number() {
        assert!(numbers("6.1.0-9-cloud-amd64") < numbers("6.1.0-10-cloud-amd64"));
    }
}
