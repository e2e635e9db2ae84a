//! User-Mode Linux, as Debian's package `user-mode-linux` has it.

use std::process::Command;

use super::{Commands, Machine, need, system_script};
use crate::error::Result;
use crate::kind::Kind;

const PROGRAM: &str = "/usr/bin/linux.uml";
const MODULES: &str = "/usr/lib/uml/modules";

pub(super) fn check() -> Result<()> {
    need(Kind::Uml, "user-mode-linux", &[PROGRAM])?;
    need(Kind::Uml, "user-mode-linux", &[MODULES])?;
    need(Kind::Uml, "kmod", &["/sbin/modprobe"])?;
    need(Kind::Uml, "busybox-static", &["/bin/busybox"]).map(drop)
}

pub(super) fn prepare(machine: &Machine<'_>) -> Result<Commands> {
    check()?;
    let script = machine.write("init", &init_script(machine))?;
    let mut command = Command::new(PROGRAM);
    command
        .args(["mem=512M", "rootfstype=hostfs", "ro", "quiet"])
        // The console goes to stderr; the first serial line is the channel, over stdin and stdout.
        .args(["con=null", "con0=null,fd:2", "ssl=null", "ssl0=fd:0,fd:1"])
        .arg(format!("uml_dir={}/", machine.dir.file("uml").display()))
        .arg(format!("umid={}", machine.vm))
        .arg(format!(
            "vec0:transport=tap,ifname={},depth=128,gro=1",
            machine.vm
        ))
        .arg(format!("init={}", script.display()))
        .arg(format!("VM={}", machine.vm));
    Ok(Commands {
        server: None,
        machine: command,
    })
}

/// Writes through hostfs would reach the machine's own files: it is mounted read-only, and everything happens in an overlay
/// above it. `pivot_root`, not `chroot`, so that the kernel's own `modprobe` runs in the overlay too.
fn init_script(machine: &Machine<'_>) -> String {
    let system = system_script(
        machine.program,
        &format!("mkdir -p /lib/modules\nmount --bind {MODULES} /lib/modules\n"),
        "/dev/ttyS0",
    );
    format!(
        "#!/bin/sh\n\
         export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root\n\
         mount -t tmpfs tmpfs /run || exit\n\
         mkdir /run/upper /run/work /run/root\n\
         insmod {MODULES}/$(uname -r)/kernel/fs/overlayfs/overlay.ko || exit\n\
         mount -t overlay -o lowerdir=/,upperdir=/run/upper,workdir=/run/work overlay /run/root || exit\n\
         cd /run/root\n\
         mount -t proc proc proc\n\
         mount -t sysfs sys sys\n\
         mount -t devtmpfs dev dev\n\
         pivot_root . mnt || exit\n\
         cd /\n\
         umount -l /mnt\n\
         {system}"
    )
}
