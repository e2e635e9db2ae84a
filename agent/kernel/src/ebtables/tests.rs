use std::io;

use super::*;

/// Gives one answer after the other, the last one for ever.
struct Script {
    answers: Vec<Result<Option<EbtablesTable>, i32>>,
    asked: Vec<String>,
}

impl Source for Script {
    fn table(&mut self, name: &str) -> Result<Option<EbtablesTable>, Asked> {
        self.asked.push(name.to_owned());
        let answer = if self.answers.len() > 1 {
            self.answers.remove(0)
        } else {
            self.answers[0].clone()
        };
        answer.map_err(|errno| match errno {
            libc::ENOPROTOOPT => Asked::NotThere,
            errno => Asked::Failed(io::Error::from_raw_os_error(errno)),
        })
    }
}

/// An empty `filter` table, laid out by `linux/netfilter_bridge/ebtables.h`: three chains with their policies.
fn filter(policy: i32) -> EbtablesTable {
    let mut entries = Vec::new();
    for name in ["INPUT", "FORWARD", "OUTPUT"] {
        let mut head = vec![0; 4];
        head.extend(name.as_bytes());
        head.resize(40, 0);
        head.extend(policy.to_ne_bytes());
        head.resize(48, 0);
        entries.extend(head);
    }
    let mut info = b"filter".to_vec();
    info.resize(32, 0);
    for word in [0b1110_u32, 0, 144, 0] {
        info.extend(word.to_ne_bytes());
    }
    EbtablesTable {
        name: "filter".into(),
        info: Hex(info),
        entries: Hex(entries),
        counters: Hex(Vec::new()),
    }
}

fn only_filter(module: &str) -> Presence {
    if matches!(module, "ebtables" | "ebtable_filter") {
        Presence::CanAsk
    } else {
        Presence::Absent
    }
}

fn section(answers: Vec<Result<Option<EbtablesTable>, i32>>) -> (Section, Vec<String>) {
    let mut script = Script {
        answers,
        asked: Vec::new(),
    };
    (read_from(&only_filter, &mut script, &|| 7), script.asked)
}

#[test]
fn only_tables_whose_module_is_there_are_asked_for() {
    let (read, asked) = section(vec![Ok(Some(filter(-2)))]);
    assert_eq!(read.state, State::Captured);
    assert_eq!(asked, ["filter", "filter"]);
    assert!(
        read.warnings.is_empty(),
        "a table with a policy of its own was there before"
    );
    let (fresh, _) = section(vec![Ok(Some(filter(-1)))]);
    assert_eq!(fresh.warnings[0].code, "TABLES_MADE");
    let Some(Content::Netfilter { config, .. }) = fresh.content else {
        panic!("no content")
    };
    assert_eq!(config.tables[0].chains.len(), 3);
}

#[test]
fn without_its_module_nothing_is_asked_and_the_state_says_why() {
    for (presence, word) in [
        (Presence::Absent, "not_applicable"),
        (Presence::Unknown, "unreadable"),
    ] {
        let mut script = Script {
            answers: Vec::new(),
            asked: Vec::new(),
        };
        let read = read_from(&|_| presence, &mut script, &|| 7);
        assert_eq!(read.state.word(), word);
        assert!(script.asked.is_empty() && read.content.is_none());
    }
}

#[test]
fn what_is_refused_is_never_empty() {
    for (errno, word) in [
        (libc::ENOPROTOOPT, "not_applicable"),
        (libc::EPERM, "unreadable"),
        (libc::ENOENT, "unreadable"),
    ] {
        let (read, _) = section(vec![Err(errno)]);
        assert_eq!((read.state.word(), read.content), (word, None), "errno {errno}");
    }
}

#[test]
fn a_table_that_moves_is_read_again() {
    let (read, asked) = section(vec![Ok(None), Ok(Some(filter(-2)))]);
    // The first reading is dropped, the next two agree.
    assert_eq!((read.state, asked.len()), (State::Captured, 3));
    let moving = (0..40).map(|n| Ok(Some(filter(-1 - n % 2)))).collect();
    let (read, _) = section(moving);
    assert_eq!(read.state.word(), "torn");
    assert!(read.content.is_some(), "what was read is shown");
}

#[test]
fn a_table_that_does_not_fit_together_is_unreadable_and_keeps_its_bytes() {
    let mut broken = filter(-2);
    broken.entries.0.truncate(100);
    let (read, _) = section(vec![Ok(Some(broken))]);
    assert_eq!(read.state.word(), "unreadable");
    assert!(read.content.is_none() && read.raw.is_some());
}

/// This kernel or another: the section is read, or says by proof why not.
#[test]
fn root_this_host_is_answered() {
    let read = read(&|| 7);
    assert!(read.state.is_known(), "{:?}", read.state);
}
