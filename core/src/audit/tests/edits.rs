//! A thousand random edits of a log, each of which must be found.

use super::*;

const RECORDS: u64 = 60;
const EDITS: usize = 1_000;

/// A small generator (Knuth's MMIX constants): the same edits at each run.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % bound
    }
}

/// Changes one byte to another, anywhere.
fn edit_byte(bytes: &mut [u8], random: &mut Random) {
    let at = random.below(bytes.len());
    bytes[at] ^= u8::try_from(1 + random.below(255)).unwrap();
}

fn edit_field(record: &mut Record, random: &mut Random) {
    match random.below(8) {
        0 => record.actor.push('x'),
        1 => record.action.push('x'),
        2 => record.targets.clear(),
        3 => record.outcome = Outcome::Denied,
        4 => record.arguments[0].value.push('x'),
        5 => record.at_us.0 += 1,
        6 => record.schema.push('x'),
        _ => record.arguments.clear(),
    }
}

fn edit(log: &mut Log, random: &mut Random) -> &'static str {
    let count = log.records.len();
    let at = random.below(count);
    match random.below(11) {
        0 => {
            edit_byte(&mut log.records[at], random);
            "a byte of a record"
        }
        1 => {
            log.records.remove(at);
            "a record removed"
        }
        2 => {
            log.records.swap(at, (at + 1 + random.below(count - 1)) % count);
            "two records swapped"
        }
        3 => {
            let copy = log.records[at].clone();
            log.records.insert(random.below(count), copy);
            "a record repeated"
        }
        4 => {
            log.records.truncate(at);
            "the tail cut"
        }
        5 => {
            let mut record: Record = json::from_slice(&log.records[at]).unwrap();
            edit_field(&mut record, random);
            log.records[at] = json::to_vec(&record).unwrap();
            "a field changed"
        }
        6 => {
            let mut record: Record = json::from_slice(&log.records[at]).unwrap();
            record.actor.push('x');
            log.records[at] = json::to_vec(&record).unwrap();
            log.chain_again();
            "a field changed and all chained again"
        }
        7 => {
            log.records.remove(at);
            log.chain_again();
            "a record removed and all chained again"
        }
        8 => {
            let head = random.below(log.heads.len());
            edit_byte(&mut log.heads[head], random);
            "a byte of a head"
        }
        9 => {
            // The last one is the stated limit.
            log.heads.remove(random.below(log.heads.len() - 1));
            "a head removed"
        }
        _ => {
            let head = random.below(log.heads.len());
            let copy = log.heads[head].clone();
            log.heads.insert(random.below(log.heads.len()), copy);
            "a head repeated"
        }
    }
}

#[test]
fn a_thousand_random_edits_are_all_found() {
    let whole = Log::new(RECORDS, &[1, 17, 18, 40, RECORDS]);
    whole.verify(&[]).unwrap();
    let mut random = Random(1);
    let mut kinds = std::collections::BTreeMap::<&str, usize>::new();
    for number in 0..EDITS {
        let mut log = whole.clone();
        let what = edit(&mut log, &mut random);
        *kinds.entry(what).or_default() += 1;
        let found = log.verify(&[]);
        assert!(found.is_err(), "edit {number}, {what}, was not found");
    }
    assert_eq!(kinds.len(), 11, "{kinds:?}");
}
