//! `ifi_flags`: `IFF_*` of `linux/if.h`.

/// The flag that switches a link on.
pub(super) const UP: u32 = 1;

/// Set by the kernel from what the driver sees.
const RUNTIME: [(u32, &str); 3] = [(0x40, "running"), (0x1_0000, "lower_up"), (0x2_0000, "dormant")];

/// The rest. Promisc and allmulti are here as a person set them: a capture raises only the counts beside them.
const CONFIG: [(u32, &str); 15] = [
    (0x2, "broadcast"),
    (0x4, "debug"),
    (0x8, "loopback"),
    (0x10, "pointopoint"),
    (0x20, "notrailers"),
    (0x80, "noarp"),
    (0x100, "promisc"),
    (0x200, "allmulti"),
    (0x400, "master"),
    (0x800, "slave"),
    (0x1000, "multicast"),
    (0x2000, "portsel"),
    (0x4000, "automedia"),
    (0x8000, "dynamic"),
    (0x4_0000, "echo"),
];

/// The words of the flags that are configuration, without [`UP`]; bits without a word as `0x80000`. Sorted.
pub(super) fn config(flags: u32) -> Vec<String> {
    let runtime = RUNTIME.iter().fold(UP, |mask, (bit, _)| mask | bit);
    let mut words = named(flags, &CONFIG);
    let known = CONFIG.iter().fold(runtime, |mask, (bit, _)| mask | bit);
    words.extend(
        (0..u32::BITS)
            .map(|bit| 1 << bit)
            .filter(|bit| flags & bit & !known != 0)
            .map(|bit| format!("{bit:#x}")),
    );
    words.sort();
    words
}

/// The words of the flags that are runtime, sorted.
pub(super) fn runtime(flags: u32) -> Vec<String> {
    let mut words = named(flags, &RUNTIME);
    words.sort();
    words
}

fn named(flags: u32, table: &[(u32, &str)]) -> Vec<String> {
    table
        .iter()
        .filter(|(bit, _)| flags & bit != 0)
        .map(|(_, word)| (*word).to_owned())
        .collect()
}
