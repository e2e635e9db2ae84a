//! Tunnel metadata (`enum nft_tunnel_key_attributes`).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::fields::{Fields, words};
use crate::bytes::Hex;
use crate::netfilter::model::{GeneveOption, Tunnel, TunnelOptions};
use crate::raw::attr::{Attr, attrs};

/// `NFT_TUNNEL_F_*`.
const FLAGS: [(u32, &str); 3] = [(1, "zero-checksum"), (2, "dont-fragment"), (4, "sequence")];

/// The outer addresses, and the flow label of IPv6.
#[derive(Default)]
struct Outer {
    source: Option<IpAddr>,
    destination: Option<IpAddr>,
    flow_label: Option<u32>,
}

pub(super) fn read(data: &[u8]) -> Option<Tunnel> {
    let fields = Fields::read(data, &[1, 2, 3, 4, 5, 6, 7, 8, 9])?;
    let outer = match (fields.bytes(2), fields.bytes(3)) {
        (Some(_), Some(_)) => return None,
        (Some(data), None) => ipv4(data)?,
        (None, Some(data)) => ipv6(data)?,
        (None, None) => Outer::default(),
    };
    let port = |kind| Some(fields.maybe(kind, Fields::be16)?.filter(|port| *port != 0));
    let byte = |kind| Some(fields.maybe(kind, Fields::u8)?.filter(|byte| *byte != 0));
    Some(Tunnel {
        id: fields.be32(1)?,
        source: outer.source,
        destination: outer.destination,
        flow_label: outer.flow_label.filter(|label| *label != 0),
        source_port: port(7)?,
        destination_port: port(8)?,
        tos: byte(5)?,
        ttl: byte(6)?,
        flags: words(&FLAGS, fields.maybe(4, Fields::be32)?.unwrap_or(0))?,
        options: match fields.bytes(9) {
            Some(data) => options(data)?,
            None => None,
        },
    })
}

/// `enum nft_tunnel_key_ip_attributes`.
fn ipv4(data: &[u8]) -> Option<Outer> {
    let fields = Fields::read(data, &[1, 2])?;
    let address = |kind| {
        let bytes = fields.maybe(kind, Fields::array::<4>)?;
        Some(bytes.map(|bytes| IpAddr::V4(Ipv4Addr::from(bytes))))
    };
    Some(Outer {
        source: address(1)?,
        destination: address(2)?,
        flow_label: None,
    })
}

/// `enum nft_tunnel_key_ip6_attributes`.
fn ipv6(data: &[u8]) -> Option<Outer> {
    let fields = Fields::read(data, &[1, 2, 3])?;
    let address = |kind| {
        let bytes = fields.maybe(kind, Fields::array::<16>)?;
        Some(bytes.map(|bytes| IpAddr::V6(Ipv6Addr::from(bytes))))
    };
    Some(Outer {
        source: address(1)?,
        destination: address(2)?,
        flow_label: fields.maybe(3, Fields::be32)?,
    })
}

/// `enum nft_tunnel_key_opts_attributes`: of one kind; Geneve has as many as there are options.
fn options(data: &[u8]) -> Option<Option<TunnelOptions>> {
    let all: Vec<Attr<'_>> = attrs(data).collect::<Result<_, _>>().ok()?;
    Some(match all.as_slice() {
        [] => None,
        [one] if one.kind == 1 => {
            let gbp = Fields::read(one.value, &[1])?.be32(1)?;
            Some(TunnelOptions::Vxlan { gbp })
        }
        [one] if one.kind == 2 => Some(erspan(one.value)?),
        all if all.iter().all(|one| one.kind == 3) => {
            let options: Option<Vec<GeneveOption>> = all.iter().map(|one| geneve(one.value)).collect();
            Some(TunnelOptions::Geneve { options: options? })
        }
        _ => return None,
    })
}

/// `enum nft_tunnel_opts_erspan_attributes`.
fn erspan(data: &[u8]) -> Option<TunnelOptions> {
    let fields = Fields::read(data, &[1, 2, 3, 4])?;
    let index = fields.maybe(2, Fields::be32)?;
    let hardware = fields.maybe(3, Fields::u8)?;
    let direction = fields.maybe(4, Fields::u8)?;
    match (fields.be32(1)?, index, hardware, direction) {
        (1, Some(index), None, None) => Some(TunnelOptions::Erspan1 { index }),
        (2, None, Some(hardware), Some(direction @ 0..=1)) => {
            Some(TunnelOptions::Erspan2 { hardware, direction })
        }
        _ => None,
    }
}

/// `enum nft_tunnel_opts_geneve_attributes`.
fn geneve(data: &[u8]) -> Option<GeneveOption> {
    let fields = Fields::read(data, &[1, 2, 3])?;
    Some(GeneveOption {
        class: fields.be16(1)?,
        option_type: fields.u8(2)?,
        data: Hex(fields.bytes(3)?.to_vec()),
    })
}
