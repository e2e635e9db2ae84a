use super::*;

/// `struct ipt_getinfo` and the entries of an empty `filter` table: three policies (ACCEPT) and the end, laid out by
/// `linux/netfilter_ipv4/ip_tables.h`. `policy` is the verdict of INPUT.
pub(super) fn filter_table(policy: i32, packets: u64) -> XtablesTable {
    let mut entries = Vec::new();
    for verdict in [policy, -2, -2] {
        entries.extend(entry(40, packets));
        entries.extend(target(40, b"", &verdict.to_ne_bytes()));
    }
    entries.extend(entry(64, 0));
    entries.extend(target(64, b"ERROR", b"ERROR"));
    let mut info = b"filter".to_vec();
    info.resize(32, 0);
    let begins = [0_u32, 0, 152, 304, 0];
    let words = [
        &[0b1110][..],
        &begins,
        &begins,
        &[4, u32::try_from(entries.len()).unwrap()],
    ]
    .concat();
    words.iter().for_each(|word| info.extend(word.to_ne_bytes()));
    XtablesTable {
        name: "filter".into(),
        info: Hex(info),
        entries: Hex(entries),
    }
}

fn entry(target_size: u16, packets: u64) -> Vec<u8> {
    let mut entry = vec![0; 88];
    entry.extend(112_u16.to_ne_bytes());
    entry.extend((112 + target_size).to_ne_bytes());
    entry.extend([0; 4]);
    entry.extend(packets.to_ne_bytes());
    entry.extend([0; 8]);
    entry
}

fn target(size: u16, name: &[u8], data: &[u8]) -> Vec<u8> {
    let mut target = size.to_ne_bytes().to_vec();
    target.extend(name);
    target.resize(32, 0);
    target.extend(data);
    target.resize(size.into(), 0);
    target
}

/// Gives one answer after the other, the last one for ever.
struct Script {
    names: Vec<Result<Vec<Text>, i32>>,
    tables: Vec<Result<Option<XtablesTable>, i32>>,
    asked: usize,
}

fn next<T: Clone>(script: &mut Vec<Result<T, i32>>) -> io::Result<T> {
    let answer = if script.len() > 1 {
        script.remove(0)
    } else {
        script[0].clone()
    };
    answer.map_err(io::Error::from_raw_os_error)
}

impl Source for Script {
    fn sets(&mut self, _: &[XtablesTable]) -> Result<Vec<SetName>, DumpError> {
        Ok(Vec::new())
    }

    fn names(&mut self) -> Result<Vec<Text>, ReadError> {
        next(&mut self.names).map_err(ReadError::Names)
    }

    fn table(&mut self, name: &Text) -> Result<Option<XtablesTable>, ReadError> {
        self.asked += 1;
        next(&mut self.tables).map_err(|source| ReadError::Table {
            table: name.clone(),
            source,
        })
    }
}

fn section(tables: Vec<Result<Option<XtablesTable>, i32>>) -> (Section, usize) {
    let names = vec![Ok(vec![Text::from("filter")])];
    let mut script = Script {
        names,
        tables,
        asked: 0,
    };
    (read_from(IPV4, &mut script, &|| 7), script.asked)
}

#[test]
fn two_readings_that_differ_in_counters_agree() {
    let (read, asked) = section(vec![Ok(Some(filter_table(-2, 1))), Ok(Some(filter_table(-2, 2)))]);
    assert_eq!(read.state, State::Captured);
    assert_eq!((read.taken_at_us, asked), (7, 2));
    let Some(Content::Netfilter { config, runtime }) = read.content else {
        panic!("no content")
    };
    assert_eq!(config.tables[0].chains.len(), 3);
    let counters = runtime.tables[0].chains[0].policy_counters.unwrap();
    assert_eq!(counters.packets.0, 2, "the later reading is the one that is kept");
}

#[test]
fn a_policy_that_changes_is_read_again() {
    let (read, asked) = section(vec![Ok(Some(filter_table(-2, 0))), Ok(Some(filter_table(-1, 0)))]);
    assert_eq!((read.state, asked), (State::Captured, 3));
}

#[test]
fn a_writer_that_never_rests_ends_in_torn() {
    let tables = (0..40)
        .map(|n| Ok(Some(filter_table(if n % 2 == 0 { -1 } else { -2 }, 0))))
        .collect();
    let (read, asked) = section(tables);
    assert_eq!(read.state.word(), "torn");
    assert_eq!(asked, 9);
    assert!(read.content.is_some(), "what was read is shown");
    let (moving, _) = section(vec![Ok(None)]);
    assert_eq!((moving.state.word(), moving.content), ("torn", None));
}

#[test]
fn a_table_that_vanishes_is_listed_again() {
    let mut script = Script {
        names: vec![Ok(vec!["filter".into()]), Ok(vec![])],
        tables: vec![Err(libc::ENOENT)],
        asked: 0,
    };
    let read = read_from(IPV4, &mut script, &|| 0);
    assert_eq!((read.state, script.asked), (State::Captured, 1));
    let Some(Content::Netfilter { config, .. }) = read.content else {
        panic!("no content")
    };
    assert!(config.tables.is_empty());
}

#[test]
fn what_is_refused_is_never_empty() {
    let (read, _) = section(vec![Err(libc::EPERM)]);
    assert_eq!(read.state.word(), "unreadable");
    assert!(
        read.state.why().unwrap().contains("CAP_NET_ADMIN"),
        "{:?}",
        read.state
    );
    for (errno, word) in [
        (libc::ENOENT, "not_applicable"),
        (libc::EACCES, "unreadable"),
        (libc::EIO, "unreadable"),
    ] {
        let mut script = Script {
            names: vec![Err(errno)],
            tables: vec![],
            asked: 0,
        };
        let read = read_from(IPV6, &mut script, &|| 0);
        assert_eq!((read.state.word(), read.content), (word, None), "errno {errno}");
    }
}

#[test]
fn a_table_that_does_not_fit_together_is_unreadable_and_keeps_its_bytes() {
    let mut broken = filter_table(-2, 0);
    broken.entries.0.truncate(300);
    let (read, _) = section(vec![Ok(Some(broken))]);
    assert_eq!(read.state.word(), "unreadable");
    assert!(read.content.is_none() && read.raw.is_some());
    assert!(read.state.why().unwrap().contains("filter"), "{:?}", read.state);
}

/// Where `/proc` is not mounted, no list of tables is there, whatever tables there are.
#[test]
fn without_proc_a_missing_list_proves_nothing() {
    let unmounted = listed("/nothing", "/nothing/ip_tables_names").unwrap_err();
    assert_eq!(refused(IPV4, &unmounted).word(), "unreadable");
    let without_module = listed("/", "/nothing").unwrap_err();
    assert_eq!(refused(IPV4, &without_module).word(), "not_applicable");
}
