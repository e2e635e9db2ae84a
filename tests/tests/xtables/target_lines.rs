//! Targets as rules to load, in the words of the save tool.

/// Table, chain, words as `iptables-save` prints them.
pub(crate) type Line = (&'static str, &'static str, &'static str);

/// Of both families.
#[rustfmt::skip]
pub(crate) const BOTH: &[Line] = &[
    ("raw", "PREROUTING", "-j TRACE"),
    ("raw", "PREROUTING", "-j CT --notrack"),
    ("raw", "PREROUTING", "-j CT --zone 5"),
    ("raw", "PREROUTING", "-j CT --zone mark"),
    ("raw", "PREROUTING", "-j CT --zone-orig 5"),
    ("raw", "PREROUTING", "-j CT --zone-reply mark"),
    ("raw", "PREROUTING", "-p tcp -j CT --helper ftp --ctevents new,destroy --expevents new --zone 7"),
    ("raw", "PREROUTING", "-j CT"),
    ("mangle", "PREROUTING", "-p tcp -j TCPOPTSTRIP --strip-options 2,3,19,77,200"),
    ("mangle", "PREROUTING", "-j DSCP --set-dscp 0x2e"),
    ("mangle", "PREROUTING", "-j TOS --set-tos 0x10/0x3f"),
    ("mangle", "PREROUTING", "-j TOS --set-tos 0x10/0xff"),
    ("mangle", "PREROUTING", "-j TOS --set-tos 0x10/0x00"),
    ("mangle", "POSTROUTING", "-j CLASSIFY --set-class 0001:0abc"),
    ("mangle", "PREROUTING", "-j MARK --set-xmark 0x1/0x2"),
    ("mangle", "PREROUTING", "-j CONNMARK --set-xmark 0x1/0xff --left-shift-mark 3"),
    ("mangle", "PREROUTING", "-j CONNMARK --save-mark --nfmask 0xf --ctmask 0xff --right-shift-mark 8"),
    ("mangle", "PREROUTING", "-j CONNMARK --restore-mark --nfmask 0xffffffff --ctmask 0xffffffff --left-shift-mark 8"),
    ("mangle", "PREROUTING", "-j CONNSECMARK --save"),
    ("mangle", "PREROUTING", "-j CONNSECMARK --restore"),
    ("mangle", "POSTROUTING", "-j CHECKSUM --checksum-fill"),
    ("mangle", "PREROUTING", "-j RATEEST --rateest-name RE1 --rateest-interval 250.0ms --rateest-ewmalog 500.0ms"),
    ("mangle", "PREROUTING", "-j RATEEST --rateest-name RE2 --rateest-interval 8.0s --rateest-ewmalog 128.0s"),
    ("mangle", "PREROUTING", "-p tcp -j HMARK --hmark-src-prefix 24 --hmark-dst-prefix 16 --hmark-sport-mask 0xff00 --hmark-dport-mask 0x00ff --hmark-proto-mask 0xff --hmark-rnd 0x00000001 --hmark-mod 10 --hmark-offset 7"),
    ("mangle", "PREROUTING", "-p esp -j HMARK --hmark-spi 0x00001234 --hmark-rnd 0x00000001 --hmark-mod 3 --hmark-tuple ct"),
    ("mangle", "FORWARD", "-p tcp -m tcp --tcp-flags SYN,RST SYN -j TCPMSS --set-mss 1400"),
    ("filter", "INPUT", "-j AUDIT --type accept"),
    ("filter", "INPUT", "-j AUDIT --type reject"),
    ("filter", "INPUT", "-j IDLETIMER --timeout 30 --label foo"),
    ("filter", "INPUT", "-j IDLETIMER --timeout 30 --label bar --alarm"),
    ("filter", "INPUT", "-p tcp -j SYNPROXY --sack-perm --timestamp --wscale 7 --mss 1460 --ecn"),
    ("filter", "INPUT", "-p tcp -j SYNPROXY"),
    ("nat", "PREROUTING", "-p tcp -j REDIRECT --to-ports 1-4 --random"),
    ("nat", "PREROUTING", "-p tcp -j DNAT --to-destination :80-90/100"),
    ("nat", "POSTROUTING", "-p tcp -j MASQUERADE --to-ports 5-6 --random-fully"),
];

/// Of IPv4 alone.
#[rustfmt::skip]
pub(crate) const IPV4: &[Line] = &[
    ("mangle", "PREROUTING", "-j TTL --ttl-set 64"),
    ("mangle", "PREROUTING", "-j TTL --ttl-inc 3"),
    ("mangle", "PREROUTING", "-j TTL --ttl-dec 3"),
    ("mangle", "PREROUTING", "-p tcp -j ECN --ecn-tcp-remove"),
    ("mangle", "PREROUTING", "-p tcp -j ECN --ecn-tcp-ece 1 --ecn-ip-ect 2"),
    ("mangle", "PREROUTING", "-p tcp -j ECN --ecn-tcp-ece 0 --ecn-tcp-cwr 1"),
    ("mangle", "PREROUTING", "-p tcp -j TPROXY --on-port 80 --on-ip 1.2.3.4 --tproxy-mark 0x1/0xff"),
    ("mangle", "PREROUTING", "-p udp -j TPROXY --on-port 0 --on-ip 0.0.0.0 --tproxy-mark 0x0/0x0"),
    ("mangle", "PREROUTING", "-j TEE --gateway 1.2.3.4"),
    ("mangle", "PREROUTING", "-j TEE --gateway 1.2.3.4 --oif lo"),
    ("nat", "PREROUTING", "-j NETMAP --to 1.2.3.0/24"),
    ("nat", "PREROUTING", "-j NETMAP --to 1.2.3.4/32"),
    ("nat", "PREROUTING", "-p tcp -j DNAT --to-destination 1.2.3.4:80-90/100 --random"),
    ("nat", "POSTROUTING", "-j SNAT --to-source 1.2.3.4-1.2.3.9 --persistent"),
];

/// Of IPv6 alone.
#[rustfmt::skip]
pub(crate) const IPV6: &[Line] = &[
    ("mangle", "PREROUTING", "-j HL --hl-set 64"),
    ("mangle", "PREROUTING", "-j HL --hl-inc 3"),
    ("mangle", "PREROUTING", "-j HL --hl-dec 3"),
    ("mangle", "PREROUTING", "-p tcp -j TPROXY --on-port 80 --on-ip 2001:db8::1 --tproxy-mark 0x1/0xff"),
    ("mangle", "PREROUTING", "-j TEE --gateway 2001:db8::1 --oif lo"),
    ("mangle", "PREROUTING", "-j DNPT --src-pfx fd00::/48 --dst-pfx 2001:db8:1::/48"),
    ("mangle", "POSTROUTING", "-j SNPT --src-pfx fd00::/64 --dst-pfx 2001:db8:1::/64"),
    ("nat", "PREROUTING", "-j NETMAP --to 2001:db8::/64"),
    ("nat", "PREROUTING", "-j DNAT --to-destination 2001:db8::1-2001:db8::5 --persistent"),
    ("nat", "PREROUTING", "-p tcp -j DNAT --to-destination [2001:db8::1]:80-90/100"),
];

/// One block for each table.
pub(crate) fn ruleset(lines: &[Line]) -> String {
    let mut out = String::new();
    for table in ["raw", "mangle", "nat", "filter"] {
        out += &format!("*{table}\n");
        for (_, chain, words) in lines.iter().filter(|(of, ..)| *of == table) {
            out += &format!("-A {chain} {words}\n");
        }
        out += "COMMIT\n";
    }
    out
}
