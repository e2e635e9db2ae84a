//! Hosts on which something that is not followed decides what the next boot loads: none of them comes out as one that loads
//! what runs.

use super::*;

/// A host that would load what it runs, were it not for what `change` does to it.
fn changed(change: &dyn Fn(&mut Disk)) -> Persisted {
    let mut disk = Disk::new();
    disk.service("nftables.service", "/usr/sbin/nft -f /etc/nftables.conf");
    disk.put("/etc/nftables.conf", FILE);
    change(&mut disk);
    persisted(&host(&disk, vec![rules(SectionName::Nftables, nft(FILE))]))
}

/// The unit with lines of its own in `[Unit]` and `[Service]`.
fn unit(disk: &mut Disk, more: &str, service: &str) {
    let path = "/usr/lib/systemd/system/nftables.service";
    let run = "ExecStart=/usr/sbin/nft -f /etc/nftables.conf";
    disk.put(path, &format!("[Unit]\n{more}\n[Service]\n{service}\n{run}\n"));
}

#[test]
fn a_command_whose_words_systemd_alters_is_not_followed() {
    for word in [
        "\"/etc/other.conf\"",
        "$CONF",
        "${CONF}",
        "/etc/%i.conf",
        "/etc/a\\x20b",
        "etc/other.conf",
    ] {
        let found = changed(&|disk| disk.service("nftables.service", &format!("/usr/sbin/nft -f {word}")));
        assert_eq!(found.verdict, Answer::Unknown, "{word}");
        assert!(requested(&found)[0].contains("not followed"), "{found:?}");
        // Nothing runs, and nothing is seen to be loaded: not the same.
        let mut disk = Disk::new();
        disk.service("nftables.service", &format!("/usr/sbin/nft -f {word}"));
        assert_eq!(
            persisted(&host(&disk, Vec::new())).verdict,
            Answer::Unknown,
            "{word}"
        );
    }
}

#[test]
fn conditions_of_a_unit_decide_whether_it_starts() {
    let starts = |more: &'static str, service: &'static str| {
        let found = changed(&|disk| unit(disk, more, service));
        (found.services[0].starts, found.verdict)
    };
    let (met, unmet, open) = (
        (Some(true), Answer::Same),
        (Some(false), Answer::Differs),
        (None, Answer::Unknown),
    );
    for (more, wanted) in [
        ("", met),
        ("ConditionPathExists=/etc/nftables.conf", met),
        ("AssertPathExists=/etc/nftables.conf", met),
        ("ConditionPathExists=!/etc/nope", met),
        ("ConditionVirtualization=vm\nConditionPathExists=", met),
        ("ConditionPathExists=/etc/nope", unmet),
        ("AssertPathExists=/etc/nope", unmet),
        ("ConditionPathExists=!/etc/nftables.conf", unmet),
        ("ConditionPathExists=/run/now", open),
        ("ConditionPathExists=|/etc/nftables.conf", open),
        ("ConditionFileIsExecutable=/etc/nftables.conf", open),
        ("ConditionVirtualization=vm", open),
    ] {
        assert_eq!(starts(more, ""), wanted, "{more}");
    }
    assert_eq!(starts("", "ExecCondition=/bin/ask"), open);
}

#[test]
fn a_link_to_nothing_takes_a_dependency_away() {
    let link = "multi-user.target.wants/nftables.service";
    let found = changed(&|disk| disk.put(&format!("/etc/systemd/system/{link}"), "->/dev/null"));
    assert_eq!(
        (found.services[0].starts, found.verdict),
        (Some(false), Answer::Differs)
    );
    // The one that comes with the package does not count then.
    let found = changed(&|disk| {
        disk.put(&format!("/etc/systemd/system/{link}"), "->/dev/null");
        disk.put(
            &format!("/usr/lib/systemd/system/{link}"),
            "->../nftables.service",
        );
    });
    assert_eq!(
        (found.services[0].starts, found.verdict),
        (Some(false), Answer::Differs)
    );
}

#[test]
fn of_two_services_that_exclude_each_other_neither_is_sure() {
    let conflict = |disk: &mut Disk| {
        unit(disk, "Conflicts=shutdown.target iptables.service", "");
        disk.service(
            "iptables.service",
            "/usr/sbin/iptables-restore /etc/sysconfig/iptables",
        );
    };
    let found = changed(&conflict);
    assert!(found.services.iter().all(|row| row.starts.is_none()), "{found:?}");
    assert_eq!(found.verdict, Answer::Unknown);
    let found = changed(&|disk| {
        conflict(disk);
        disk.remove("/etc/systemd/system/multi-user.target.wants/iptables.service");
    });
    assert_eq!(found.verdict, Answer::Same);
}

#[test]
fn a_script_of_old_in_place_of_a_unit_is_not_followed() {
    let by_script = |link: &str| {
        changed(&|disk| {
            disk.remove("/usr/lib/systemd/system/nftables.service");
            disk.put("/etc/init.d/nftables", "#!/bin/sh");
            disk.put(link, "->../init.d/nftables");
        })
    };
    assert_eq!(by_script("/etc/rc2.d/S05nftables").verdict, Answer::Unknown);
    let found = by_script("/etc/rc2.d/K05nftables");
    assert_eq!(
        (found.verdict, found.services[0].starts),
        (Answer::Differs, Some(false))
    );
}

#[test]
fn what_the_tools_refuse_is_not_loaded() {
    let windows = |text: &str| text.replace('\n', "\r\n");
    let found = changed(&|disk| disk.put("/etc/nftables.conf", &windows(FILE)));
    assert_eq!(found.verdict, Answer::Unknown);
    assert!(requested(&found)[0].contains("carriage return"), "{found:?}");
    let found = changed(&|disk| {
        disk.put("/etc/nftables.conf", "include \"/etc/b.nft\"\n");
        disk.put("/etc/b.nft", &windows(FILE));
    });
    assert_eq!(found.verdict, Answer::Unknown);
    let mut disk = by_netfilter_persistent("legacy");
    disk.put("/etc/iptables/rules.v4", &windows(SAVED));
    let runs = rules(
        SectionName::XtablesLegacyIpv4,
        save(SAVED, Family::Ip, Plane::Legacy),
    );
    assert_eq!(persisted(&host(&disk, vec![runs])).verdict, Answer::Unknown);
}

#[test]
fn rules_that_need_an_ipset_load_only_where_it_is_made_before() {
    for rule in [
        "-A INPUT -m set --match-set bad src -j DROP",
        "-A INPUT -m set ! --match-set bad src,dst -j DROP",
        "-A INPUT -j SET --add-set bad src",
    ] {
        let text = SAVED.replace("COMMIT", &format!("{rule}\nCOMMIT"));
        let mut disk = by_netfilter_persistent("legacy");
        disk.put("/etc/iptables/rules.v4", &text);
        let runs = rules(
            SectionName::XtablesLegacyIpv4,
            save(&text, Family::Ip, Plane::Legacy),
        );
        let found = persisted(&host(&disk, vec![runs]));
        assert_eq!(found.verdict, Answer::Unknown, "{rule}");
        assert!(requested(&found)[0].contains("the ipset bad"), "{found:?}");
    }
}

#[test]
fn a_file_that_takes_away_what_others_load_leaves_it_open() {
    let both = |begin: &str| {
        let mut disk = by_netfilter_persistent("nft");
        disk.service("nftables.service", "/usr/sbin/nft -f /etc/nftables.conf");
        disk.put("/etc/nftables.conf", "include \"/etc/a.nft\"\n");
        disk.put("/etc/a.nft", &format!("{begin}{FILE}"));
        let mut runs = nft(FILE);
        runs.tables.extend(save(SAVED, Family::Ip, Plane::Nft).tables);
        runs.tables
            .sort_by(|a, b| (a.family, &a.name).cmp(&(b.family, &b.name)));
        persisted(&host(&disk, vec![rules(SectionName::Nftables, runs)])).verdict
    };
    assert_eq!(both(""), Answer::Same);
    // What it makes again is its own.
    assert_eq!(
        both("table inet filter\ndelete table inet filter\n"),
        Answer::Same
    );
    for begin in [
        "flush ruleset\n",
        "flush \\\n ruleset\n",
        "flush ruleset ip\n",
        "table ip filter\ndelete table ip filter\n",
        "table filter\ndelete table filter\n",
    ] {
        assert_eq!(both(begin), Answer::Unknown, "{begin}");
    }
}

#[test]
fn a_file_that_includes_itself_is_named_once() {
    let found = changed(&|disk| disk.put("/etc/nftables.conf", "include \"/etc/nftables.conf\"\n"));
    assert_eq!(found.verdict, Answer::Unknown);
    assert_eq!(found.loads[0].files, ["/etc/nftables.conf"]);
}

#[test]
fn firewalld_makes_no_table_of_its_own_by_iptables() {
    let with = |settings: &str, runs: Vec<Section>| {
        let mut disk = Disk::new();
        disk.service(
            "firewalld.service",
            "/usr/sbin/firewalld --nofork $FIREWALLD_ARGS",
        );
        disk.put("/etc/firewalld/firewalld.conf", settings);
        persisted(&host(&disk, runs))
    };
    let found = with("FirewallBackend=iptables\n", Vec::new());
    assert_eq!((found.verdict, shown(&found)), (Answer::Unknown, Vec::new()));
    let found = with("FirewallBackend=nftables\n", Vec::new());
    assert_eq!(found.verdict, Answer::Differs, "its table comes back");
    // What it says is not understood: nothing is said to come back.
    for settings in [
        "FirewallBackend=other\n",
        "FirewallBackend=nftables\nFirewallBackend=iptables\n",
    ] {
        let found = with(settings, Vec::new());
        assert_eq!(
            (found.verdict, shown(&found)),
            (Answer::Unknown, Vec::new()),
            "{settings}"
        );
    }
}

#[test]
fn a_script_of_ufw_that_may_do_anything_is_not_followed() {
    let quiet = "#!/bin/sh\nset -e\ncase \"$1\" in\nstart)\n    # typically required\n    ;;\n*)\n    echo \"'$1' not supported\"\n    \
                 echo \"Usage: before.init {start|stop|flush-all|status}\"\n    ;;\nesac\n";
    let with = |line: &str| {
        let mut disk = Disk::new();
        disk.service("ufw.service", "/lib/ufw/ufw-init start quiet");
        disk.put("/etc/ufw/ufw.conf", "ENABLED=yes\n");
        disk.put(
            "/etc/default/ufw",
            "IPV6=no\nDEFAULT_INPUT_POLICY=\"DROP\"\nDEFAULT_OUTPUT_POLICY=\"ACCEPT\"\nDEFAULT_FORWARD_POLICY=\"DROP\"\n",
        );
        disk.put(
            "/etc/ufw/before.init",
            &quiet.replace("    # typically required", line),
        );
        disk.restore("nft");
        persisted(&host(&disk, Vec::new())).verdict
    };
    assert_eq!(with("# quiet"), Answer::Differs, "what it says comes back");
    for line in [
        "/root/own.sh",
        "iptables -F",
        ". /etc/own",
        "echo x | sh",
        "echo `own`",
        "echo $(own)",
        "echo x; own",
        "exit 0 && own",
        "own &",
    ] {
        assert_eq!(with(line), Answer::Unknown, "{line}");
    }
}
