//! Structures that the kernel at hand does not take, written field by field from their headers.

use super::golden::Golden;
use crate::netfilter::model::Family;

#[rustfmt::skip]
pub(super) const WRITTEN: [Golden; 18] = [
    // mark_mask, mark_value, laddr, lport.
    (Family::Ip, "TPROXY", 0, 16, "ff00000001000000 01020304 0050", "-j TPROXY --on-port 80 --on-ip 1.2.3.4 --tproxy-mark 0x1/0xff"),
    // tos.
    (Family::Ip, "TOS", 0, 8, "10", "-j TOS --set-tos 0x10/0x3f"),
    // mark, mode: set, and, or.
    (Family::Ip, "MARK", 1, 16, "05 0*7 00", "-j MARK --set-xmark 0x5/0xffffffff"),
    (Family::Ip, "MARK", 1, 16, "05 0*7 01", "-j MARK --set-xmark 0x0/0xfffffffa"),
    (Family::Ip, "MARK", 1, 16, "05 0*7 02", "-j MARK --set-xmark 0x5/0x5"),
    // ctmark, ctmask, nfmask, mode.
    (Family::Ip, "CONNMARK", 1, 16, "01000000 ff000000 ffffffff 00", "-j CONNMARK --set-xmark 0x1/0xff"),
    (Family::Ip, "CONNMARK", 1, 16, "00000000 ff000000 0f000000 02", "-j CONNMARK --restore-mark --nfmask 0xf --ctmask 0xff"),
    // flags, zone, ct_events, exp_events, helper, timeout.
    (Family::Ip, "CT", 0, 40, "0000 0700 04000000 01000000 667470", "-j CT --helper ftp --ctevents destroy --expevents new --zone 7"),
    (Family::Ip6, "CT", 1, 72, "0000 0700 0*8 0*16 6c6f6e", "-j CT --timeout lon --zone 7"),
    (Family::Ip, "CT", 2, 72, "1400 0000 0*8 0*16 6c6f6e", "-j CT --timeout lon --zone-orig mark"),
    // mode, secid, secctx; then secid last.
    (Family::Ip, "SECMARK", 0, 264, "01000000 00000000 615f743a7330", "-j SECMARK --selctx a_t:s0"),
    (Family::Ip6, "SECMARK", 1, 264, "01615f743a7330", "-j SECMARK --selctx a_t:s0"),
    // id, always_blink, delay.
    (Family::Ip, "LED", 0, 40, "6e65746669 6c7465722d666f6f 0*14 01 05000000", "-j LED --led-trigger-id foo --led-delay 5 --led-always-blink"),
    (Family::Ip6, "LED", 0, 40, "6e65746669 6c7465722d666f6f 0*15 ffffffff", "-j LED --led-trigger-id foo --led-delay inf"),
    // flags, clustermac, num_total_nodes, num_local_nodes, local_nodes, hash_mode, hash_initval.
    (Family::Ip, "CLUSTERIP", 0, 64, "01000000 010203040506 0400 0100 0200 0*32 01000000 05000000", "-j CLUSTERIP --new --hashmode sourceip-sourceport --clustermac 01:02:03:04:05:06 --total-nodes 4 --local-node 2 --hash-init 5"),
    (Family::Ip, "CLUSTERIP", 0, 64, "", "-j CLUSTERIP"),
    // timeout, label.
    (Family::Ip, "IDLETIMER", 0, 40, "1e000000 666f6f", "-j IDLETIMER --timeout 30 --label foo"),
    // src_pfx, dst_pfx, src_pfx_len, dst_pfx_len.
    (Family::Ip6, "SNPT", 0, 40, "fd 0*15 20010db80001 0*10 3030", "-j SNPT --src-pfx fd00::/48 --dst-pfx 2001:db8:1::/48"),
];
