//! Security modules, against what the kernel says elsewhere.

use netghost_core::section::SectionName::SecurityLabels;
use netghost_core::section::State;

use super::{facts, namespace, printed, read, shown};

/// SELinux and Smack are there exactly if their file systems are; AppArmor says it itself.
#[test]
fn root_reads_the_modules_that_can_refuse() {
    let namespace = namespace("ip link set lo up");
    let section = read(&namespace, SecurityLabels);
    let systems = printed(&namespace, "cat /proc/filesystems");
    let apparmor = printed(
        &namespace,
        "cat /sys/module/apparmor/parameters/enabled 2>/dev/null || true",
    );
    let active = [
        ("selinux", systems.contains("selinuxfs")),
        ("smack", systems.contains("smackfs")),
        ("apparmor", apparmor == "Y"),
    ];
    if let State::NotApplicable { why } = &section.state {
        assert!(why.contains("capability"), "the list is the proof: {why}");
        assert!(active.iter().all(|(_, there)| !there), "{active:?}");
        return;
    }
    let shown = shown(facts(&section).0);
    for (module, there) in active {
        let found = shown
            .iter()
            .any(|line| line.starts_with(&format!("module {module}")));
        assert_eq!(found, there, "{module}: {shown:?} {:?}", section.state);
    }
    assert_ne!(shown, [""; 0], "{:?}", section.state);
}
