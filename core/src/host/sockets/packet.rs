//! One `struct packet_diag_msg` with its attributes.

use crate::bytes::Text;
use crate::facts::{Fact, Property, Value};
use crate::raw::HostRaw;
use crate::raw::attr::{Attr, Malformed, attrs, take};
use crate::raw::lift::{Fault, Fields};

use super::{Socket, unless_zero};

/// `sizeof(struct packet_diag_msg)`.
const HEADER: usize = 16;

// Attributes, `PACKET_DIAG_*`.
const INFO: u16 = 0;
const MEMBERSHIPS: u16 = 1;
const RECEIVE_RING: u16 = 2;
const SEND_RING: u16 = 3;
const FANOUT: u16 = 4;
const USER: u16 = 5;
const MEMORY: u16 = 6;
const FILTER: u16 = 7;

/// `PDI_*` that a program sets.
const SET_FLAGS: [(u32, &str); 4] = [(2, "auxdata"), (4, "origdev"), (8, "vnethdr"), (16, "loss")];
/// `PDI_RUNNING`.
const RUNNING: u32 = 1;
/// `ETH_P_ALL`.
const EVERYTHING: u16 = 3;
/// Where `SK_MEMINFO_DROPS` stands (`linux/sock_diag.h`).
const DROPS_AT: usize = 32;
/// `sizeof(struct packet_diag_mclist)`.
const MEMBERSHIP: usize = 44;
/// `sizeof(struct sock_filter)`.
const INSTRUCTION: usize = 8;
/// The index of a socket whose link went away.
const GONE: u32 = u32::MAX;

pub(super) fn socket(raw: &HostRaw, payload: &[u8]) -> Result<Socket, Fault> {
    let mut header = Fields::new(payload, "struct packet_diag_msg");
    let (_family, kind, protocol, inode) = (header.u8()?, header.u8()?, header.u16()?, header.u32()?);
    let _cookie = header.u64()?;
    let mut read = Read::default();
    let mut other = Vec::new();
    for attr in attrs(payload.get(HEADER..).unwrap_or_default()) {
        let attr = attr?;
        if !read.take(raw, attr)? {
            other.push(attr.into());
        }
    }
    let mut key = vec![
        Text::from("packet"),
        Text::from(kind_word(kind)),
        Text::from(protocol_word(protocol)),
    ];
    key.extend(read.device);
    let mut config = Fact::new("socket", key.clone());
    config.properties = read.config;
    config.other = other;
    let mut runtime = Fact::new("socket", key).with("inode", Value::number(inode));
    runtime.properties.extend(read.runtime);
    Ok(Socket {
        config,
        runtime,
        passing: false,
        gap: read
            .kept_back
            .then_some("filters of packet sockets are shown to CAP_NET_ADMIN: run as root or grant it"),
    })
}

#[derive(Default)]
struct Read {
    device: Option<Text>,
    config: Vec<Property>,
    runtime: Vec<Property>,
    /// The kernel showed an empty filter in place of the real one.
    kept_back: bool,
}

impl Read {
    fn take(&mut self, raw: &HostRaw, attr: Attr<'_>) -> Result<bool, Fault> {
        match attr.kind {
            INFO => self.info(raw, attr)?,
            MEMBERSHIPS => {
                let all: Result<Vec<_>, _> = attr
                    .value
                    .chunks(MEMBERSHIP)
                    .map(|one| membership(raw, one))
                    .collect();
                let mut all = all?;
                all.sort();
                let some = (!all.is_empty()).then(|| Property::new("memberships", Value::List(all)));
                self.config.extend(some);
            }
            RECEIVE_RING => self.config.push(Property::new("rx_ring", ring(attr)?)),
            SEND_RING => self.config.push(Property::new("tx_ring", ring(attr)?)),
            FANOUT => self.fanout(attr.ne32("PACKET_DIAG_FANOUT")?),
            USER => self
                .config
                .extend(unless_zero("uid", attr.ne32("PACKET_DIAG_UID")?)),
            MEMORY => {
                let drops = attr.value.get(DROPS_AT..).unwrap_or_default();
                if !drops.is_empty() {
                    let drops = u32::from_ne_bytes(take(drops, "PACKET_DIAG_MEMINFO")?);
                    self.runtime.push(Property::new("drops", Value::number(drops)));
                }
            }
            FILTER if attr.value.is_empty() => self.kept_back = true,
            FILTER => self
                .config
                .push(Property::new("filter", instructions(attr.value)?)),
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// `struct packet_diag_info`.
    fn info(&mut self, raw: &HostRaw, attr: Attr<'_>) -> Result<(), Fault> {
        let mut fields = Fields::new(attr.value, "struct packet_diag_info");
        match fields.u32()? {
            0 => {}
            GONE => self.runtime.push(Property::new("link_gone", Value::Flag)),
            index => self.device = Some(raw.named(index)?),
        }
        // `tpacket_version`: 0 is the first.
        self.config.extend(unless_zero("version", fields.u32()?));
        self.config.extend(unless_zero("reserve", fields.u32()?));
        self.config.extend(unless_zero("copy_threshold", fields.u32()?));
        self.config.extend(unless_zero("timestamp", fields.u32()?));
        let flags = fields.u32()?;
        for (bit, word) in SET_FLAGS {
            self.config
                .extend((flags & bit != 0).then(|| Property::new(word, Value::Flag)));
        }
        let known = SET_FLAGS.iter().fold(RUNNING, |all, (bit, _)| all | bit);
        self.config.extend(unless_zero("flags", flags & !known));
        if flags & RUNNING != 0 {
            self.runtime.push(Property::new("running", Value::Flag));
        }
        Ok(())
    }

    /// The group's number may be the kernel's choice; how it shares packets out is not. `PACKET_FANOUT_*`.
    fn fanout(&mut self, value: u32) {
        let kind = match value >> 16 & 0xff {
            0 => "hash".to_owned(),
            1 => "lb".to_owned(),
            2 => "cpu".to_owned(),
            3 => "rollover".to_owned(),
            4 => "rnd".to_owned(),
            5 => "qm".to_owned(),
            6 => "cbpf".to_owned(),
            7 => "ebpf".to_owned(),
            other => other.to_string(),
        };
        self.config.push(Property::new("fanout", Value::word(kind)));
        self.config.extend(unless_zero("fanout_flags", value >> 24));
        self.runtime
            .push(Property::new("fanout_group", Value::number(value & 0xffff)));
    }
}

fn kind_word(kind: u8) -> String {
    match kind {
        2 => "dgram".to_owned(),
        3 => "raw".to_owned(),
        10 => "packet".to_owned(),
        other => other.to_string(),
    }
}

fn protocol_word(protocol: u16) -> String {
    match protocol {
        0 => "none".to_owned(),
        EVERYTHING => "all".to_owned(),
        other => format!("0x{other:04x}"),
    }
}

/// `struct packet_diag_mclist`: a link and what is taken from it beyond its own.
fn membership(raw: &HostRaw, bytes: &[u8]) -> Result<Value, Fault> {
    let mut fields = Fields::new(bytes, "struct packet_diag_mclist");
    let (index, count) = (fields.u32()?, fields.u32()?);
    let (kind, length) = (fields.u16()?, fields.u16()?);
    let address: [u8; 32] = take(fields.rest(), "pdmc_addr")?;
    let word = match kind {
        0 => "multicast".to_owned(),
        1 => "promiscuous".to_owned(),
        2 => "allmulti".to_owned(),
        3 => "unicast".to_owned(),
        other => other.to_string(),
    };
    let mut group = vec![
        Property::new("dev", Value::Text(raw.named(index)?)),
        Property::new("type", Value::word(word)),
    ];
    let used = address.get(..usize::from(length)).unwrap_or(&address);
    if !used.is_empty() {
        group.push(Property::new(
            "address",
            Value::Bytes(crate::bytes::Hex(used.to_vec())),
        ));
    }
    if count != 1 {
        group.push(Property::new("count", Value::number(count)));
    }
    Ok(Value::Group(group))
}

/// `struct packet_diag_ring`.
fn ring(attr: Attr<'_>) -> Result<Value, Malformed> {
    const FIELDS: [&str; 7] = [
        "block_size",
        "block_nr",
        "frame_size",
        "frame_nr",
        "retire_ms",
        "private",
        "features",
    ];
    let mut fields = Fields::new(attr.value, "struct packet_diag_ring");
    let mut group = Vec::new();
    for name in FIELDS {
        group.extend(unless_zero(name, fields.u32()?));
    }
    Ok(Value::Group(group))
}

/// Classic BPF as `ss` prints it: code, jumps, operand.
fn instructions(bytes: &[u8]) -> Result<Value, Malformed> {
    let one = |bytes: &[u8]| {
        let mut fields = Fields::new(bytes, "struct sock_filter");
        let (code, yes, no, operand) = (fields.u16()?, fields.u8()?, fields.u8()?, fields.u32()?);
        Ok(Value::word(format!("0x{code:02x} {yes} {no} {operand}")))
    };
    let all: Result<Vec<_>, _> = bytes.chunks(INSTRUCTION).map(one).collect();
    all.map(Value::List)
}
