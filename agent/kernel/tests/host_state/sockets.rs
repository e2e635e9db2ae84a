//! Sockets against `ss`.

use std::net::{TcpListener, UdpSocket};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use netghost_core::section::SectionName::Sockets;
use netghost_lab::Namespace;

use super::{captured, changes, facts, namespace, printed, shown};

/// A socket option that the standard library has no call for.
#[allow(unsafe_code, reason = "the standard library has no setsockopt")]
fn option<T>(socket: &impl AsRawFd, level: i32, name: i32, value: &T) {
    let length = libc::socklen_t::try_from(size_of::<T>()).unwrap();
    // SAFETY: `value` has `length` bytes, which the kernel only reads.
    let result = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            level,
            name,
            std::ptr::from_ref(value).cast(),
            length,
        )
    };
    assert_eq!(result, 0, "{}", std::io::Error::last_os_error());
}

#[allow(unsafe_code, reason = "the standard library has no raw sockets")]
fn socket(family: i32, kind: i32, protocol: i32) -> OwnedFd {
    // SAFETY: takes numbers and no memory; a descriptor that it gives is ours.
    unsafe {
        let fd = libc::socket(family, kind | libc::SOCK_CLOEXEC, protocol);
        assert!(fd >= 0, "{}", std::io::Error::last_os_error());
        OwnedFd::from_raw_fd(fd)
    }
}

/// `tcp LISTEN 0 128 [::]:443`: what `ss` shows as ours.
fn theirs(namespace: &Namespace) -> Vec<String> {
    let lines = printed(namespace, "ss -H -n -l -t -u");
    let mut all: Vec<_> = lines
        .lines()
        .map(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            let (address, port) = words[4].rsplit_once(':').unwrap();
            let address = address.trim_matches(['[', ']']);
            let (address, device) = address.split_once('%').unwrap_or((address, ""));
            let address = if address == "*" { "::" } else { address };
            format!("{} {address} {port} {device}", words[0])
                .trim()
                .to_owned()
        })
        .collect();
    all.sort();
    all
}

#[test]
fn root_reads_the_sockets_that_ss_shows() {
    let namespace = namespace("ip link add v0 type veth peer name v1");
    let open = || {
        let four = TcpListener::bind("127.0.0.1:5001").unwrap();
        let six = TcpListener::bind("[::1]:5002").unwrap();
        let any = TcpListener::bind("[::]:5003").unwrap();
        let bound = UdpSocket::bind("0.0.0.0:5004").unwrap();
        option(&bound, libc::SOL_SOCKET, libc::SO_BINDTODEVICE, b"v0\0");
        option(&bound, libc::SOL_SOCKET, libc::SO_MARK, &7u32);
        option(&four, libc::SOL_IP, libc::IP_TOS, &16u32);
        option(&four, libc::SOL_IP, libc::IP_TRANSPARENT, &1u32);
        let peer = UdpSocket::bind("127.0.0.1:5005").unwrap();
        peer.connect("127.0.0.1:5004").unwrap();
        (four, six, any, bound, peer)
    };
    let held = namespace.enter(open).unwrap();
    let section = captured(&namespace, Sockets);
    let (config, runtime) = facts(&section);
    let mut ours: Vec<String> = config
        .facts
        .iter()
        .map(|fact| {
            fact.key
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join(" ")
        })
        .collect();
    ours.sort();
    assert_eq!(ours, theirs(&namespace));
    let shown_config = shown(config);
    let of = |start: &str| {
        shown_config
            .iter()
            .find(|line| line.starts_with(start))
            .unwrap()
            .clone()
    };
    assert!(
        of("socket tcp 127.0.0.1 5001").contains(" tos 16 class_id 6 transparent"),
        "{shown_config:?}"
    );
    assert_eq!(
        of("socket udp 0.0.0.0 5004 v0"),
        "socket udp 0.0.0.0 5004 v0 mark 7"
    );
    let connected = shown(runtime)
        .into_iter()
        .find(|line| line.starts_with("socket udp 127.0.0.1 5005 "));
    assert!(connected.unwrap().contains("peer 127.0.0.1 5004"));
    drop(held);
    assert_eq!(shown(facts(&captured(&namespace, Sockets)).0), [""; 0]);
}

/// Queues, inode, owner and whether IPv6 alone is served, as `ss -e` has them.
#[test]
fn root_reads_what_sockets_are_as_ss_shows_it() {
    let namespace = namespace("ip link set lo up");
    let open = || {
        let own = TcpListener::bind("127.0.0.1:5001").unwrap();
        let udp = [UdpSocket::bind("0.0.0.0:5003"), UdpSocket::bind("[::]:5004")].map(Result::unwrap);
        // What waits to be read and to be accepted.
        udp[0].send_to(b"waiting", "127.0.0.1:5003").unwrap();
        let client = std::net::TcpStream::connect("127.0.0.1:5001").unwrap();
        (own, udp, client)
    };
    let held = namespace.enter(open).unwrap();
    let section = captured(&namespace, Sockets);
    let (config, runtime) = facts(&section);
    let listed = printed(&namespace, "ss -H -n -l -t -u -e");
    let mut compared = 0;
    for line in listed.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let port = words[4].rsplit_once(':').unwrap().1;
        let found = |facts: &netghost_core::facts::Facts| {
            let mut all = facts.facts.iter();
            all.find(|fact| fact.key.get(2).is_some_and(|key| key.as_str() == Some(port)))
                .unwrap()
                .clone()
        };
        let (config, runtime) = (found(config), found(runtime));
        let word = |name: &str| words.iter().find_map(|word| word.strip_prefix(name));
        let said = |value: Option<&netghost_core::facts::Value>| value.map(ToString::to_string);
        assert_eq!(config.key[0].as_str(), Some(words[0]));
        assert_eq!(
            said(runtime.property("recv_q")).as_deref(),
            Some(words[2]),
            "{line}"
        );
        let waiting = if words[0] == "tcp" {
            config.property("backlog")
        } else {
            runtime.property("send_q")
        };
        assert_eq!(said(waiting).as_deref(), Some(words[3]), "{line}");
        assert_eq!(said(runtime.property("inode")).as_deref(), word("ino:"), "{line}");
        assert_eq!(said(config.property("uid")).as_deref(), word("uid:"), "{line}");
        assert_eq!(
            config.property("v6only").is_some(),
            word("v6only:") == Some("1"),
            "{line}"
        );
        compared += 1;
    }
    assert_eq!(compared, 3, "{listed}");
    let waits = |line: &str| line.split_whitespace().nth(2) != Some("0");
    assert_eq!(listed.lines().filter(|line| waits(line)).count(), 2, "{listed}");
    drop(held);
}

#[test]
fn root_reads_raw_and_packet_sockets_with_their_filters() {
    let namespace = namespace("ip link add v0 type veth peer name v1");
    let open = || {
        let raw = socket(libc::AF_INET, libc::SOCK_RAW, 89);
        let packet = socket(libc::AF_PACKET, libc::SOCK_RAW, i32::from(0x0003u16.to_be()));
        let mut code = [
            libc::sock_filter {
                code: 0x28,
                jt: 0,
                jf: 0,
                k: 12,
            },
            libc::sock_filter {
                code: 0x06,
                jt: 0,
                jf: 0,
                k: 65535,
            },
        ];
        let filter = libc::sock_fprog {
            len: 2,
            filter: code.as_mut_ptr(),
        };
        option(&packet, libc::SOL_SOCKET, libc::SO_ATTACH_FILTER, &filter);
        (raw, packet)
    };
    let before = captured(&namespace, Sockets);
    let held = namespace.enter(open).unwrap();
    let after = captured(&namespace, Sockets);
    assert_eq!(
        shown(facts(&after).0),
        [
            "socket packet raw all filter [0x28 0 0 12 0x06 0 0 65535]",
            "socket raw 0.0.0.0 89",
        ]
    );
    assert_eq!(changes(&before, &after).len(), 2);
    let listed = printed(&namespace, "ss -H -0 -b -e");
    assert!(
        listed.contains("0x28 0 0 12") && listed.contains("0x06 0 0 65535"),
        "{listed}"
    );
    drop(held);
}

#[test]
fn root_finds_one_change_for_one_socket() {
    let namespace = namespace("ip link set lo up");
    let listen = || TcpListener::bind("127.0.0.1:5001").unwrap();
    let held = namespace.enter(listen).unwrap();
    let before = captured(&namespace, Sockets);
    let second = namespace.enter(|| UdpSocket::bind("[::]:5353").unwrap()).unwrap();
    let after = captured(&namespace, Sockets);
    assert_eq!(changes(&before, &after), ["fact_added socket/udp/::/5353"]);
    drop((held, second));
    // The same again, with other inodes.
    let again = namespace.enter(listen).unwrap();
    assert_eq!(changes(&before, &captured(&namespace, Sockets)), [""; 0]);
    option(&again, libc::SOL_IP, libc::IP_TRANSPARENT, &1u32);
    let changed = changes(&before, &captured(&namespace, Sockets));
    assert_eq!(changed, ["fact_changed socket/tcp/127.0.0.1/5001"]);
    // A socket that asks for no port gets one of the range: that is no configuration.
    let before = captured(&namespace, Sockets);
    let passing = namespace
        .enter(|| UdpSocket::bind("127.0.0.1:0").unwrap())
        .unwrap();
    let after = captured(&namespace, Sockets);
    assert_eq!(changes(&before, &after), [""; 0]);
    assert_eq!(facts(&after).1.facts.len(), 2);
    drop(passing);
}
