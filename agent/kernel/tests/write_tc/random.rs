//! Random trees of what every kernel has: htb in htb, token buckets, plain queues, filters with tables of their own.
//!
//! `NETGHOST_CASES` says how many, `NETGHOST_SEED` repeats a failure.

use super::dice::{self, Dice};
use super::*;

/// A tree as it grows: commands of `tc`.
struct Tree {
    random: Dice,
    commands: Vec<String>,
    /// Handles of qdiscs that were given out.
    handles: u64,
}

impl Tree {
    fn new(seed: u64) -> Self {
        let mut tree = Self {
            random: Dice::new(seed),
            commands: Vec::new(),
            handles: 0,
        };
        tree.qdisc("root", 0);
        if tree.random.chance(2) {
            tree.ingress();
        }
        tree
    }

    fn rate(&mut self) -> String {
        let unit = self.random.pick(&["kbit", "mbit", "gbit"]);
        format!("{}{unit}", 1 + self.random.below(70))
    }

    /// A qdisc, and what hangs below it.
    fn qdisc(&mut self, parent: &str, depth: u32) {
        self.handles += 1;
        let handle = format!("{:x}", self.handles);
        let named = match self.random.chance(3) {
            true => String::new(),
            false => format!("handle {handle}: "),
        };
        let end = if depth > 2 { 3 } else { 5 };
        let told = match self.random.below(end) {
            0 => format!("pfifo limit {}", 1 + self.random.below(5000)),
            1 => format!("bfifo limit {}", 1 + self.random.below(500_000)),
            2 => self.bucket(),
            _ => return self.htb(parent, &handle, depth),
        };
        self.commands
            .push(format!("qdisc add dev v0 {parent} {named}{told}"));
        if told.starts_with("tbf") && !named.is_empty() && self.random.chance(2) {
            self.qdisc(&format!("parent {handle}:1"), depth + 1);
        }
    }

    fn bucket(&mut self) -> String {
        let burst = 1600 + self.random.below(100_000);
        let limit = burst + self.random.below(100_000);
        let overhead = match self.random.chance(3) {
            true => format!(" overhead {}", self.random.below(60)),
            false => String::new(),
        };
        format!("tbf rate {} burst {burst} limit {limit}{overhead}", self.rate())
    }

    fn htb(&mut self, parent: &str, handle: &str, depth: u32) {
        let default = self.random.below(9);
        let r2q = 1 + self.random.below(60);
        self.commands.push(format!(
            "qdisc add dev v0 {parent} handle {handle}: htb default {default} r2q {r2q}"
        ));
        let mut classes = vec![format!("{handle}:")];
        for number in 1..=1 + self.random.below(5) {
            let parents: Vec<&str> = classes.iter().map(String::as_str).collect();
            let above = self.random.pick(&parents).to_owned();
            let id = format!("{handle}:{number:x}");
            let (rate, ceil) = (self.rate(), self.rate());
            let quantum = 1000 + self.random.below(60_000);
            self.commands.push(format!(
                "class add dev v0 parent {above} classid {id} htb rate {rate} ceil {ceil} quantum {quantum} prio {}",
                self.random.below(8)
            ));
            classes.push(id);
        }
        // Leaves: those that no other hangs on.
        for id in classes.iter().skip(1) {
            let is_leaf = !self
                .commands
                .iter()
                .any(|command| command.contains(&format!("parent {id} classid")));
            if is_leaf && self.random.chance(2) {
                self.qdisc(&format!("parent {id}"), depth + 1);
            }
        }
        for _ in 0..self.random.below(4) {
            let to: Vec<&str> = classes.iter().map(String::as_str).collect();
            let to = self.random.pick(&to).to_owned();
            let told = self.matched();
            self.commands
                .push(format!("filter add dev v0 parent {handle}: {told} flowid {to}"));
        }
    }

    fn matched(&mut self) -> String {
        let priority = 1 + self.random.below(5);
        let what = match self.random.below(4) {
            0 => format!("match ip dport {} 0xffff", self.random.port()),
            1 => format!("match ip src 10.{}.0.0/16", self.random.below(256)),
            2 => format!(
                "match ip protocol {} 0xff match ip tos 0x10 0xff",
                self.random.below(256)
            ),
            _ => format!(
                "match u32 {} 0x{:x} at {}",
                self.random.below(1 << 31),
                self.random.below(1 << 31),
                4 * self.random.below(5)
            ),
        };
        format!("protocol ip prio {priority} u32 {what}")
    }

    fn ingress(&mut self) {
        let kind = self.random.pick(&["ingress", "clsact"]).to_owned();
        self.commands.push(format!("qdisc add dev v0 {kind}"));
        for _ in 0..self.random.below(4) {
            let (told, way) = (
                self.matched(),
                self.random.pick(&["redirect", "mirror"]).to_owned(),
            );
            self.commands.push(format!(
                "filter add dev v0 ingress {told} action mirred egress {way} dev v1"
            ));
        }
    }
}

#[test]
fn root_random_trees_are_removed_replaced_and_put_back() {
    let (cases, first) = (dice::cases(40), dice::first_seed());
    let mut refused = 0;
    for seed in first..first + cases {
        let tree = Tree::new(seed);
        let namespace = namespace("");
        for command in &tree.commands {
            // Some say nonsense, such as a filter that is there twice; what remains is a tree.
            namespace.exec(&["sh", "-c", &format!("tc {command}")]).unwrap();
        }
        let mut operations = vec![
            remove("v0", QdiscPlace::Root),
            replace("v0", QdiscSpec::Pfifo { limit: 33 }),
        ];
        if tree
            .commands
            .iter()
            .any(|command| command.contains("dev v0 ingress") || command.contains("clsact"))
        {
            operations.push(remove("v0", QdiscPlace::Ingress));
        }
        for operation in operations {
            match there_and_back(&namespace, &operation) {
                Ok(()) => {}
                Err(why) if why.starts_with("unsupported") => {
                    refused += 1;
                    assert!(refused * 10 < cases, "{operation:?}: {why}");
                }
                Err(why) => panic!("NETGHOST_SEED={seed}: {operation:?}: {why}\n{:#?}", tree.commands),
            }
        }
    }
}
