//! Revisions that this machine's tools don't write, and matches that its kernel lacks: bytes written field by field from
//! the headers, beside the words that say the same.

use super::captured::{of_text, printed};
use super::is_opaque;
use crate::bytes::Hex;
use crate::netfilter::model::{Family, Item, Opaque, Plane, Rule, Ruleset, Table};
use crate::netfilter::unresolved;
use crate::netfilter::xt::{SetNames, decode_match, name_sets};

/// Fields one after the other: numbers in host order, text, zeros.
#[derive(Default)]
struct Fields(Vec<u8>);

impl Fields {
    fn u8(mut self, all: &[u8]) -> Self {
        self.0.extend(all);
        self
    }

    fn u16(mut self, number: u16) -> Self {
        self.0.extend(number.to_ne_bytes());
        self
    }

    fn u32(mut self, number: u32) -> Self {
        self.0.extend(number.to_ne_bytes());
        self
    }

    fn u64(mut self, number: u64) -> Self {
        self.0.extend(number.to_ne_bytes());
        self
    }

    /// Text in a field that ends at `end`.
    fn text(mut self, text: &str, end: usize) -> Self {
        self.0.extend(text.as_bytes());
        self.to(end)
    }

    /// Zeros up to `end`.
    fn to(mut self, end: usize) -> Self {
        self.0.resize(end, 0);
        self
    }
}

fn new() -> Fields {
    Fields::default()
}

const ONES: [u8; 16] = [0xff; 16];

/// Name, revision, structure, words.
type Case = (&'static str, u8, Fields, &'static str);

#[rustfmt::skip]
fn older_revisions() -> Vec<Case> {
    vec![
        ("tos", 0, new().u8(&[0x10, 1]), "-m tos ! --tos 0x10/0xff"),
        ("cgroup", 0, new().u32(5).u32(1), "-m cgroup ! --cgroup 5"),
        ("cgroup", 1, new().u8(&[0, 1, 0, 1]).to(4100).u32(7).to(4112), "-m cgroup ! --cgroup 7"),
        ("cgroup", 1, new().u8(&[1, 0, 1, 0]).text("a/b", 4112), "-m cgroup ! --path \"a/b\""),
        ("cgroup", 2, new().u8(&[1, 0, 0, 0]).text("web", 528), "-m cgroup --path web"),
        ("bpf", 0, new().u16(1).to(4).u16(6).u8(&[0, 0]).u32(9).to(528), "-m bpf --bytecode \"1,6 0 0 9\""),
        ("bpf", 1, new().u16(1).u16(0).u32(3).text("/sys/fs/bpf/x", 528), "-m bpf --object-pinned \"/sys/fs/bpf/x\""),
        ("owner", 0, new().u32(5).u32(6).to(32).u8(&[3, 1]).to(36), "-m owner ! --uid-owner 5 --gid-owner 6"),
        ("iprange", 0, new().u8(&[1, 1, 1, 1, 1, 1, 1, 9]).to(16).u8(&[0x11]).to(20), "-m iprange ! --src-range 1.1.1.1-1.1.1.9"),
        ("mark", 0, new().u64(1).u64(u64::MAX).u8(&[1]).to(24), "-m mark ! --mark 0x1"),
        ("connmark", 0, new().u64(1).u64(3).to(24), "-m connmark --mark 0x1/0x3"),
        ("multiport", 0, new().u8(&[1, 2]).u16(5).u16(80).to(32), "-m multiport --dports 5,80"),
        ("connlimit", 0, new().u8(&[255, 255, 0, 0]).to(16).u32(5).u32(1).to(32), "-m connlimit --connlimit-upto 5 --connlimit-mask 16 --connlimit-saddr"),
        ("recent", 0, new().u32(60).u32(4).u8(&[4, 0]).text("x", 210).u8(&[1]).to(212), "-m recent --update --seconds 60 --hitcount 4 --name x --mask 255.255.255.255 --rdest"),
        ("string", 0, new().u16(0).u16(0xffff).text("bm", 20).text("abc", 148).u8(&[3, 1]).to(160), "-m string ! --string \"abc\" --algo bm"),
        ("socket", 1, new().u8(&[1]), "-m socket --transparent"),
        ("socket", 2, new().u8(&[3]), "-m socket --transparent --nowildcard"),
        ("nfacct", 0, new().text("x", 40), "-m nfacct --nfacct-name x"),
    ]
}

#[rustfmt::skip]
fn rates_and_virtual_servers() -> Vec<Case> {
    vec![
        ("hashlimit", 1, new().text("x", 16).u32(4).u32(2000).u32(7).u32(0).u32(0).u32(1000).u32(1000).u8(&[24, 32]).to(56), "-m hashlimit --hashlimit-upto 5/sec --hashlimit-burst 7 --hashlimit-mode srcip --hashlimit-name x --hashlimit-srcmask 24"),
        ("hashlimit", 2, new().text("x", 256).u64(200_000).u64(5).u32(0x10).u32(0).u32(9).u32(1000).u32(1000).u8(&[32, 32]).to(304), "-m hashlimit --hashlimit-above 5/sec --hashlimit-burst 5 --hashlimit-name x --hashlimit-htable-max 9"),
        ("ipvs", 0, new().to(38).u8(&[1, 1]), "-m ipvs ! --ipvs"),
        ("ipvs", 0, new().to(34).u8(&[6]).to(39).u8(&[3]), "-m ipvs --vproto 6"),
        ("ipvs", 0, new().u8(&[10, 0, 0, 0]).to(16).u8(&[255, 0, 0, 0]).to(32).u8(&[0, 80, 6, 3, 0, 81, 0x16, 0x7e]), "-m ipvs ! --vproto 6 ! --vaddr 10.0.0.0/8 --vport 80 --vdir REPLY --vmethod GATE --vportctl 81"),
        ("policy", 0, new().u8(&[1, 2, 3, 4]).to(16).u8(&ONES).to(74).u8(&[1, 1]).to(304).u16(2).u16(1).to(308), "-m policy --dir out --pol ipsec ! --tunnel-src 1.2.3.4"),
        ("conntrack", 1, new().to(136).u16(6).u16(80u16.to_be()).to(146).u16(0x103).u16(0x100).u8(&[8, 0]).to(152), "-m conntrack --ctstate NEW --ctproto 6 ! --ctorigsrcport 80"),
        ("conntrack", 2, new().to(146).u16(0x41).u16(0x40).u16(0x42).u16(4).to(156), "-m conntrack --ctstate ESTABLISHED,SNAT ! --ctstatus ASSURED"),
    ]
}

#[test]
fn older_revisions_say_what_the_words_say() {
    for (name, revision, fields, words) in older_revisions().into_iter().chain(rates_and_virtual_servers()) {
        let items = decode_match(Family::Ip, &name.into(), revision, &fields.0);
        assert_eq!(
            String::from_utf8_lossy(&printed(Family::Ip, &items)),
            words,
            "{name} {revision}: {items:?}"
        );
        assert_eq!(of_text(Family::Ip, words.as_bytes()), items, "{words}");
    }
}

/// One bit or value more than is known.
#[test]
#[rustfmt::skip]
fn what_no_header_names_is_opaque() {
    let cases: Vec<Case> = vec![
        ("socket", 1, new().u8(&[2]), "a flag of a later revision"),
        ("socket", 3, new().u8(&[8]), ""),
        ("rpfilter", 0, new().u8(&[0x10]), ""),
        ("connlimit", 1, new().u8(&ONES).u32(5).u32(4).to(32), ""),
        ("connlimit", 1, new().u8(&[255, 0, 255, 0]).to(16).u32(5).to(32), "a mask with a hole"),
        ("recent", 1, new().to(8).u8(&[3]).to(228), "two actions"),
        ("recent", 1, new().to(8).u8(&[0x41]).to(228), ""),
        ("hashlimit", 1, new().text("x", 16).u32(0x20).u32(2000).to(56), "bytes came with revision 2"),
        ("hashlimit", 3, new().text("x", 256).u64(7_777_777).u64(5).to(312), "an interval of no rate"),
        ("time", 0, new().u32(0).u32(9).u32(0).u32(0).u32(2).u8(&[2, 4]).to(24), ""),
        ("time", 0, new().u32(0).u32(9).u32(0).u32(0).u32(3).u8(&[2, 0]).to(24), "a day 0"),
        ("statistic", 0, new().u16(2).to(24), "a third mode"),
        ("u32", 0, new().to(1980).u8(&[12]).to(1984), "more tests than there are"),
        ("bpf", 1, new().u16(2).u16(1).to(528), "a program by descriptor"),
        ("bpf", 1, new().u16(0).u16(65).to(528), "more instructions than there are"),
        ("ecn", 0, new().u8(&[2, 0, 0]).to(4), ""),
        ("dccp", 0, new().to(8).u16(4).u16(0).u16(0x0400).to(16), "half of the types without name"),
        ("sctp", 0, new().to(264).u32(1).to(284).u32(8).to(292), ""),
        ("osf", 0, new().text("Linux", 32).u32(6).u32(0x10).to(48), ""),
        ("cgroup", 2, new().u8(&[1, 1]).to(528), "both"),
        ("devgroup", 0, new().u32(0x10).to(20), ""),
        ("owner", 0, new().to(32).u8(&[0x10]).to(36), "a command"),
        ("quota", 0, new().u32(2).to(24), ""),
        ("policy", 0, new().to(304).u16(0x11).to(308), ""),
        ("connbytes", 0, new().to(16).u8(&[3]).to(24), ""),
        ("connlabel", 0, new().u16(128).to(4), ""),
        ("cluster", 0, new().to(12).u32(2), ""),
        ("ttl", 0, new().u8(&[4, 0]), ""),
        ("tos", 2, new().u8(&[4, 0, 0]), "a revision to come"),
    ];
    for (name, revision, fields, why) in cases {
        let items = decode_match(Family::Ip, &name.into(), revision, &fields.0);
        assert!(is_opaque(&items), "{name} {revision} {why}: {items:?}");
    }
}

#[test]
fn l2tp_is_read_though_no_tool_has_words_for_it() {
    let fields = new().u32(5).u32(6).u8(&[3, 1, 0x0f]).to(12);
    let items = decode_match(Family::Ip, &"l2tp".into(), 0, &fields.0);
    assert!(!is_opaque(&items));
    assert!(printed(Family::Ip, &items).starts_with(b"[not in words of iptables"));
}

fn of_rule(items: Vec<Item>) -> Ruleset {
    let rule = Rule { items, comment: None };
    let chain = crate::netfilter::model::Chain {
        name: "X".into(),
        base: None,
        comment: None,
        rules: vec![rule],
        opaque: Vec::new(),
    };
    let table = Table {
        family: Family::Ip,
        name: "filter".into(),
        flags: Vec::new(),
        comment: None,
        chains: vec![chain],
        sets: Vec::new(),
        objects: Vec::new(),
        opaque: Vec::new(),
    };
    Ruleset {
        plane: Plane::Legacy,
        tables: vec![table],
        hook_order: Vec::new(),
    }
}

fn sets() -> Vec<(u8, Fields, &'static str)> {
    vec![
        (
            0,
            new().u16(7).to(4).u32(1).u32(2).to(32),
            "-m set --match-set one src,dst",
        ),
        (
            0,
            new().u16(7).to(4).u32(6).to(32),
            "-m set ! --match-set one dst",
        ),
        (1, new().u16(7).u8(&[2, 5]), "-m set ! --match-set one dst,src"),
        (
            2,
            new().u16(7).u8(&[1, 0x82]),
            "-m set --match-set one src --return-nomatch",
        ),
        (
            3,
            new()
                .u16(7)
                .u8(&[1, 0])
                .to(8)
                .u8(&[3])
                .to(16)
                .u64(9)
                .to(40)
                .u32(8)
                .to(48),
            "-m set --match-set one dst ! --update-counters --packets-lt 9",
        ),
        (
            4,
            new()
                .u16(7)
                .u8(&[1, 2])
                .to(8)
                .u64(5)
                .u8(&[4])
                .to(24)
                .u64(7)
                .u8(&[2])
                .to(40)
                .u32(0x10)
                .to(48),
            "-m set --match-set one src ! --update-subcounters --packets-gt 5 ! --bytes-eq 7",
        ),
    ]
}

#[test]
fn a_set_is_named_where_its_name_is_known_and_else_a_gap() {
    let names: SetNames = [(7, "one".into())].into();
    for (revision, fields, words) in sets() {
        let mut ruleset = of_rule(decode_match(Family::Ip, &"set".into(), revision, &fields.0));
        name_sets(&mut ruleset, &SetNames::new());
        assert_eq!(unresolved::gaps(&ruleset).len(), 1, "{words}");
        name_sets(&mut ruleset, &names);
        assert_eq!(unresolved::gaps(&ruleset), [], "{words}");
        let items = &ruleset.tables[0].chains[0].rules[0].items;
        assert_eq!(String::from_utf8_lossy(&printed(Family::Ip, items)), words);
        assert_eq!(&of_text(Family::Ip, words.as_bytes()), items);
    }
    // A flag for a dimension that is not there.
    let mut wrong = of_rule(decode_match(
        Family::Ip,
        &"set".into(),
        1,
        &new().u16(7).u8(&[1, 4]).0,
    ));
    name_sets(&mut wrong, &names);
    assert!(matches!(
        &wrong.tables[0].chains[0].rules[0].items[..],
        [Item::Opaque(Opaque { payload: Hex(_), .. })]
    ));
}
