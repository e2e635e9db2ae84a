//! A thousand edits, and what can't be seen.

use super::export::{self, ExportError, Files};
use super::*;
use crate::artifact::key::{PublicKey, Signer};

mod edits;

const CONTROLLER: &str = "07070707-0707-4707-8707-070707070707";

/// A log as it is stored.
#[derive(Debug, Clone)]
struct Log {
    records: Vec<Vec<u8>>,
    heads: Vec<Vec<u8>>,
}

fn signer(seed: u8) -> Signer {
    Signer::from_seed(&[seed; 32]).unwrap()
}

fn keys() -> Vec<PublicKey> {
    vec![signer(1).public().clone()]
}

fn event(number: u64) -> Event {
    Event::new("user/ada", "agent.tag", Outcome::Done)
        .target(format_args!("vm{number}"))
        .with("tag", format_args!("role=web{number}"))
}

impl Log {
    /// So many records, with a head after each of these numbers.
    fn new(records: u64, heads: &[u64]) -> Self {
        let mut log = Self {
            records: Vec::new(),
            heads: Vec::new(),
        };
        let mut previous = origin();
        for number in 1..=records {
            let (bytes, hash) = event(number).record(number, number * 1_000, previous).unwrap();
            log.records.push(bytes);
            previous = hash;
            if heads.contains(&number) {
                log.sign(&signer(1));
            }
        }
        log
    }

    fn sign(&mut self, signer: &Signer) {
        let head = Head {
            schema: HEAD_SCHEMA.to_owned(),
            controller: CONTROLLER.to_owned(),
            sequence: Big(self.records.len().try_into().unwrap()),
            hash: Digest::of(self.records.last().unwrap()),
            previous: self.heads.last().map_or_else(origin, |head| Digest::of(head)),
            at_us: Big(7),
        };
        self.heads.push(head.sign(signer).unwrap());
    }

    fn verify(&self, witnessed: &[Witnessed]) -> Result<Verified, AuditError> {
        verify(&self.records, &self.heads, &keys(), witnessed)
    }

    fn seen(&self, sequence: usize) -> Witnessed {
        Witnessed {
            sequence: sequence.try_into().unwrap(),
            hash: Digest::of(&self.records[sequence - 1]),
        }
    }

    /// Makes the chain whole again after an edit, as somebody would who has everything but the key.
    fn chain_again(&mut self) {
        let mut previous = origin();
        for (index, bytes) in self.records.iter_mut().enumerate() {
            let mut record: Record = json::from_slice(bytes).unwrap();
            record.sequence = Big(u64::try_from(index).unwrap() + 1);
            record.previous = previous;
            *bytes = json::to_vec(&record).unwrap();
            previous = Digest::of(bytes);
        }
    }
}

fn word(result: Result<Verified, AuditError>) -> (u64, &'static str) {
    let error = result.unwrap_err();
    (error.sequence, error.fault.word())
}

#[test]
fn a_whole_log_is_counted() {
    let log = Log::new(10, &[3, 8]);
    let verified = log.verify(&[log.seen(3), log.seen(8), log.seen(5)]).unwrap();
    assert_eq!(verified.records, 10);
    assert_eq!(verified.heads, 2);
    assert_eq!(verified.unsigned, 2);
    assert_eq!(verified.last, log.seen(10).hash);
    assert_eq!(verified.controller.as_deref(), Some(CONTROLLER));
    let empty = Log::new(0, &[]).verify(&[]).unwrap();
    assert_eq!((empty.records, empty.last, empty.controller), (0, origin(), None));
}

#[test]
fn each_fault_has_its_word_and_place() {
    let whole = Log::new(10, &[3, 8]);
    let edited = |edit: &dyn Fn(&mut Log)| {
        let mut log = whole.clone();
        edit(&mut log);
        word(log.verify(&[]))
    };
    assert_eq!(edited(&|log| log.records[4].push(b' ')), (5, "edited"));
    assert_eq!(edited(&|log| drop(log.records.remove(4))), (5, "removed"));
    assert_eq!(edited(&|log| log.records.swap(4, 5)), (5, "removed"));
    assert_eq!(
        edited(&|log| log.records.insert(4, log.records[3].clone())),
        (5, "removed")
    );
    assert_eq!(edited(&|log| log.records.truncate(7)), (8, "cut"));
    assert_eq!(edited(&|log| log.records.clear()), (3, "cut"));
    assert_eq!(edited(&|log| drop(log.heads.remove(0))), (8, "removed"));
    assert_eq!(edited(&|log| log.heads.swap(0, 1)), (8, "removed"));
    assert_eq!(edited(&|log| log.heads[1].push(b' ')), (4, "forged"));
    let rechained = edited(&|log| {
        drop(log.records.remove(4));
        log.chain_again();
    });
    assert_eq!(rechained, (8, "rewritten"));
}

#[test]
fn a_record_of_another_schema_is_not_taken() {
    let mut log = Log::new(2, &[]);
    let mut record: Record = json::from_slice(&log.records[1]).unwrap();
    record.schema = SCHEMA.replace("/v1", "/v2");
    log.records[1] = json::to_vec(&record).unwrap();
    assert_eq!(word(log.verify(&[])), (2, "edited"));
}

#[test]
fn a_head_by_another_key_or_for_another_log_is_forged() {
    let mut log = Log::new(4, &[4]);
    log.heads.clear();
    log.sign(&signer(2));
    assert_eq!(word(log.verify(&[])), (1, "forged"));
    let certificate = crate::artifact::dsse::sign(b"{}", &signer(1)).unwrap();
    log.heads = vec![certificate];
    assert_eq!(word(log.verify(&[])), (1, "forged"));
    let mut log = Log::new(6, &[4]);
    let other = Head {
        schema: HEAD_SCHEMA.to_owned(),
        controller: "other".to_owned(),
        sequence: Big(6),
        hash: log.seen(6).hash,
        previous: Digest::of(&log.heads[0]),
        at_us: Big(7),
    };
    log.heads.push(other.sign(&signer(1)).unwrap());
    assert_eq!(word(log.verify(&[])), (6, "forged"));
}

#[test]
fn a_witness_sees_what_the_log_itself_does_not_show() {
    let whole = Log::new(10, &[3, 8]);
    let seen = [whole.seen(8)];
    // Records and heads cut together leave a log that agrees with itself: the stated limit, but for the witness.
    let mut cut = whole.clone();
    cut.records.truncate(5);
    cut.heads.truncate(1);
    assert_eq!(cut.verify(&[]).unwrap().records, 5);
    assert_eq!(word(cut.verify(&seen)), (8, "cut"));
    // The same for the last head alone.
    let mut headless = whole.clone();
    headless.heads.truncate(1);
    assert_eq!(headless.verify(&[]).unwrap().unsigned, 7);
    assert_eq!(word(headless.verify(&seen)), (8, "cut"));
    // Whoever has the key can write another log; the witness tells.
    let mut rewritten = Log::new(3, &[3]);
    for record in Log::new(9, &[]).records.iter().skip(4) {
        rewritten.records.push(record.clone());
    }
    rewritten.chain_again();
    rewritten.sign(&signer(1));
    assert_eq!(rewritten.verify(&[]).unwrap().records, 8);
    assert_eq!(word(rewritten.verify(&seen)), (8, "rewritten"));
}

#[test]
fn what_stands_after_the_last_head_can_be_cut_unseen() {
    let mut log = Log::new(10, &[3, 8]);
    log.records.truncate(8);
    let verified = log.verify(&[log.seen(8)]).unwrap();
    assert_eq!((verified.records, verified.unsigned), (8, 0));
    // Nor does anything tell of an edit there that makes the chain whole again: it is counted as unsigned.
    let mut log = Log::new(10, &[3, 8]);
    drop(log.records.remove(8));
    log.chain_again();
    assert_eq!(log.verify(&[]).unwrap().unsigned, 1);
}

#[test]
fn events_are_redacted_as_they_are_made() {
    let event = Event::new("user/ada", "login", Outcome::Denied)
        .target("netghost1.a.b")
        .with("password", "hunter2");
    let (bytes, _) = event.record(1, 1, origin()).unwrap();
    let text = String::from_utf8(bytes).unwrap();
    assert!(!text.contains("hunter2") && !text.contains("netghost1"), "{text}");
}

fn exported(log: &Log) -> Files {
    let lines = |lines: &[Vec<u8>]| {
        lines
            .iter()
            .flat_map(|line| [line, &b"\n"[..]].concat())
            .collect()
    };
    let key = &keys()[0];
    let mut files = Files::from([
        (export::RECORDS.to_owned(), lines(&log.records)),
        (export::HEADS.to_owned(), lines(&log.heads)),
        (export::key_path(key), key.to_pem().unwrap().into_bytes()),
    ]);
    export::seal(&mut files);
    files
}

#[test]
fn an_export_comes_back() {
    for log in [Log::new(10, &[3, 8]), Log::new(2, &[]), Log::new(0, &[])] {
        let files = exported(&log);
        let export = export::read(&files).unwrap();
        assert_eq!(export.keys, keys());
        let verified = verify(export.records, &export.heads, &export.keys, &[]).unwrap();
        assert_eq!(Ok(verified), log.verify(&[]).map_err(|error| error.to_string()));
    }
}

#[test]
fn an_edited_export_is_refused_even_with_new_sums() {
    let whole = exported(&Log::new(10, &[3, 8]));
    for name in whole.keys() {
        let mut files = whole.clone();
        files.get_mut(name).unwrap().push(b'x');
        assert!(export::read(&files).is_err(), "{name} edited");
        files.remove(name);
        assert!(export::read(&files).is_err(), "{name} removed");
    }
    let sealed = |edit: &dyn Fn(&mut Files)| {
        let mut files = whole.clone();
        edit(&mut files);
        export::seal(&mut files);
        export::read(&files).map(drop)
    };
    let cut = sealed(&|files| {
        files.get_mut(export::RECORDS).unwrap().pop();
    });
    assert!(matches!(cut, Err(ExportError::Cut(_))));
    let missing = sealed(&|files| drop(files.remove(export::HEADS)));
    assert!(matches!(missing, Err(ExportError::Missing(_))));
    let more = sealed(&|files| drop(files.insert("more".to_owned(), vec![])));
    assert!(matches!(more, Err(ExportError::Foreign(_))));
    let other = sealed(&|files| {
        let pem = signer(2).public().to_pem().unwrap().into_bytes();
        files.insert(export::key_path(&keys()[0]), pem);
    });
    assert!(matches!(other, Err(ExportError::OtherKey(_))));
}
