//! Random rulesets as the round trips have them.

use netghost_lab::netns::Namespace;

use crate::host::Host;

#[path = "../round_trips/nft/generator.rs"]
mod generator;
#[path = "../round_trips/nft/values.rs"]
mod values;

/// A random ruleset, without the lines that `nft` does not take.
pub(crate) fn host(seed: u64) -> Host {
    let mut lines = generator::Generator::new(seed).ruleset();
    loop {
        let namespace = Namespace::new().unwrap();
        let done = namespace
            .exec_with_input(&["nft", "-f", "-"], (lines.join("\n") + "\n").as_bytes())
            .unwrap();
        if done.status.success() {
            return Host(namespace);
        }
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        let mut places = said.lines().filter_map(|line| {
            let at = line.strip_prefix("/dev/stdin:")?.split(':').next()?;
            at.parse::<usize>().ok()?.checked_sub(1)
        });
        let at = places
            .next()
            .unwrap_or_else(|| panic!("NETGHOST_SEED={seed}: {said}"));
        lines.remove(at);
    }
}
