//! Looks for what a lab has left on the machine.

/// Everything on the machine that carries the lab's name: namespaces, its directory, live processes.
pub(crate) fn traces(name: &str) -> Vec<String> {
    let names = |dir: &str| std::fs::read_dir(dir).into_iter().flatten().flatten();
    let mut found: Vec<String> = names("/run/netns")
        .chain(names("/run/netghost-lab"))
        .map(|entry| entry.path().display().to_string())
        .filter(|path| path.contains(name))
        .collect();
    for process in names("/proc") {
        let words = std::fs::read(process.path().join("cmdline")).unwrap_or_default();
        let words = String::from_utf8_lossy(&words).replace('\0', " ");
        if words.contains(name) && !process.path().ends_with(std::process::id().to_string()) {
            found.push(words);
        }
    }
    found
}
