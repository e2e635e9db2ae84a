//! Whether the entries of a table themselves tell where its base chains begin and end.
//!
//! The kernel gives a table in two answers: where chains begin (`GET_INFO`) and the entries (`GET_ENTRIES`). The second is made
//! under the lock that replacing a table takes (`get_entries` and `__do_replace` in `net/ipv4/netfilter/ip_tables.c`, likewise
//! in `ip6_tables.c` and `arp_tables.c`), so it is of one moment. The first may be of another. But when a table is loaded the
//! kernel writes into each entry from which hooks a packet can come to it (`comefrom`, by `mark_source_chains`; what the
//! loader wrote there is cleared before). As long as nothing jumps to base chains, a hook comes to the base chains' entries only
//! by walking its own chain from the beginning, so that beginning is the one place where its bit appears.
//!
//! Behind a verdict without a condition no packet comes: entries there have no bits, up to the chain's last, which is its policy in the
//! tables of every tool.

use super::Info;
use crate::netfilter::model::Family;
use crate::netfilter::xt::entry::Marked;
use crate::raw::XtablesTable;

/// True if no other beginnings of base chains fit these entries, and the policies stand at their ends. False proves nothing.
pub fn chains_are_told(family: Family, table: &XtablesTable) -> bool {
    told(family, table).unwrap_or(false)
}

fn told(family: Family, table: &XtablesTable) -> Option<bool> {
    let info = Info::read(family, &table.info.0).ok()?;
    let bytes = table.entries.0.as_slice();
    if bytes.len() != info.size {
        return Some(false);
    }
    let hooks = info.begins.iter().zip(&info.ends).enumerate();
    let bases: Vec<(u32, usize, usize)> = hooks
        .filter_map(|(hook, (begin, end))| Some((u32::try_from(hook).ok()?, *begin, *end)))
        .filter(|(hook, _, _)| info.valid_hooks & (1 << hook) != 0)
        .collect();
    let mut marks = Marks::of(bases);
    let mut offset = 0;
    while offset < bytes.len() {
        let entry = Marked::at(family, bytes, offset)?;
        offset = entry.end;
        marks.take(&entry)?;
    }
    Some(marks.fit())
}

/// What was seen so far.
struct Marks {
    /// Hook, where its chain begins and where its last entry stands; by where they begin.
    bases: Vec<(u32, usize, usize)>,
    /// How many of them are behind.
    past: usize,
    /// True between the first and the last entry of a base chain.
    inside: bool,
    /// True as long as the hook comes to the entries of this chain.
    reached: bool,
    /// Where the base chains end: at the first `ERROR`, which begins another chain or ends the table.
    end: Option<usize>,
    /// Where the lowest jump leads.
    lowest: usize,
}

impl Marks {
    fn of(mut bases: Vec<(u32, usize, usize)>) -> Self {
        bases.sort_by_key(|(_, begin, _)| *begin);
        Self {
            bases,
            past: 0,
            inside: false,
            reached: false,
            end: None,
            lowest: usize::MAX,
        }
    }

    /// The next entry; `None` where it does not fit.
    fn take(&mut self, entry: &Marked) -> Option<()> {
        if let Some(to) = entry.jump.filter(|to| *to != entry.end) {
            self.lowest = self.lowest.min(to);
        }
        if self.end.is_some() {
            return Some(());
        }
        if entry.is_error {
            self.end = Some(entry.begin);
            return Some(());
        }
        let (hook, begin, last) = *self.bases.get(self.past)?;
        let marked = entry.hooks == 1 << hook;
        let fits = if self.inside {
            marked && self.reached || entry.hooks == 0
        } else {
            marked && entry.begin == begin
        };
        self.reached = marked;
        self.inside = entry.begin != last;
        if !self.inside {
            self.past += 1;
        }
        fits.then_some(())
    }

    fn fit(&self) -> bool {
        let all = self.past == self.bases.len() && !self.inside;
        all && self.end.is_some_and(|end| self.lowest >= end)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::table;
    use super::*;

    /// The table of the kernel that the tests of decoding have, changed.
    fn told_after(change: impl Fn(&mut XtablesTable)) -> bool {
        let mut table = table().tables.remove(0);
        change(&mut table);
        chains_are_told(Family::Ip, &table)
    }

    /// Where `hook_entry` and `underflow` of a hook stand in `struct ipt_getinfo`.
    fn place(word: usize, hook: usize) -> usize {
        36 + 4 * (5 * word + hook)
    }

    fn set(bytes: &mut [u8], at: usize, value: u32) {
        bytes[at..at + 4].copy_from_slice(&value.to_ne_bytes());
    }

    #[test]
    fn a_table_as_iptables_lays_it_out_tells_its_chains() {
        assert!(told_after(|_| {}));
    }

    #[test]
    fn another_beginning_or_end_does_not_fit() {
        for (word, hook, value) in [(0, 1, 152), (0, 2, 456), (0, 3, 608), (1, 1, 304), (1, 2, 760)] {
            let changed = told_after(|table| set(&mut table.info.0, place(word, hook), value));
            assert!(!changed, "word {word} of hook {hook}: {value}");
        }
        assert!(
            !told_after(|table| set(&mut table.info.0, 32, 0b0110)),
            "a hook fewer"
        );
    }

    #[test]
    fn marks_of_other_chains_do_not_fit() {
        // FORWARD's policy, reached from INPUT or from nowhere.
        for hooks in [0b0010, 0b0110, 0] {
            assert!(
                !told_after(|table| set(&mut table.entries.0, 608 + 92, hooks)),
                "{hooks:#b}"
            );
        }
    }

    /// Behind a rule that every packet meets none comes to the rest of the chain.
    #[test]
    fn marks_end_once_in_a_chain() {
        let unreached = |places: &[usize]| {
            told_after(|table| {
                for place in places {
                    set(&mut table.entries.0, place + 92, 0);
                }
            })
        };
        assert!(unreached(&[456]));
        assert!(unreached(&[304, 456]));
        assert!(!unreached(&[304]), "reached again");
        assert!(!unreached(&[0, 152, 304, 456]), "never reached");
    }

    #[test]
    fn a_jump_to_a_base_chain_tells_nothing() {
        // The verdict of the second rule, which goes to the user chain.
        assert!(!told_after(|table| set(
            &mut table.entries.0,
            152 + 112 + 32,
            456
        )));
    }

    #[test]
    fn bytes_that_do_not_fit_together_tell_nothing() {
        assert!(!told_after(|table| table.entries.0.truncate(608)));
        assert!(!told_after(|table| table.info.0.truncate(40)));
        assert!(!told_after(|table| set(&mut table.entries.0, 88, 0)));
    }
}
