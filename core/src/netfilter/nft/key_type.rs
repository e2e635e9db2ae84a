//! The keys of sets: `nft` numbers its datatypes and packs a concatenation's into one number, six bits each
//! (`enum datatypes` and `TYPE_BITS`, nftables `include/datatype.h`).

use super::typed::Type;

/// One part of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) ty: Type,
    /// Its length in bytes; `None` where the set's key length says it.
    pub(super) width: Option<usize>,
}

const TYPE_BITS: u32 = 6;

/// Number, word, type, length in bytes.
/// A row of [`DATATYPES`].
pub(crate) type Datatype = (u32, &'static str, Type, Option<usize>);

pub(crate) const DATATYPES: [Datatype; 41] = [
    (2, "nf_proto", Type::Network, Some(1)),
    (4, "integer", Type::Bytes, None),
    (5, "string", Type::Text, None),
    (7, "ipv4_addr", Type::Ipv4, Some(4)),
    (8, "ipv6_addr", Type::Ipv6, Some(16)),
    (9, "ether_addr", Type::Mac, Some(6)),
    (10, "ether_type", Type::Network, Some(2)),
    (11, "arp_op", Type::Network, Some(2)),
    (12, "inet_proto", Type::Network, Some(1)),
    (13, "inet_service", Type::Network, Some(2)),
    (14, "icmp_type", Type::Network, Some(1)),
    (15, "tcp_flag", Type::TcpFlags, Some(1)),
    (16, "dccp_pkttype", Type::Network, Some(1)),
    (17, "mh_type", Type::Network, Some(1)),
    (18, "time", Type::Host, Some(4)),
    (19, "mark", Type::Host, Some(4)),
    (20, "iface_index", Type::IfIndex, Some(4)),
    (21, "iface_type", Type::Host, Some(2)),
    (22, "realm", Type::Host, Some(4)),
    (23, "classid", Type::Host, Some(4)),
    (24, "uid", Type::Host, Some(4)),
    (25, "gid", Type::Host, Some(4)),
    (26, "ct_state", Type::CtState, Some(4)),
    (27, "ct_dir", Type::Host, Some(1)),
    (28, "ct_status", Type::CtStatus, Some(4)),
    (29, "icmpv6_type", Type::Network, Some(1)),
    (30, "ct_label", Type::CtLabel, Some(16)),
    (31, "pkt_type", Type::Network, Some(1)),
    (32, "icmp_code", Type::Network, Some(1)),
    (33, "icmpv6_code", Type::Network, Some(1)),
    (34, "icmpx_code", Type::Network, Some(1)),
    (35, "devgroup", Type::Host, Some(4)),
    (36, "dscp", Type::Network, Some(1)),
    (37, "ecn", Type::Network, Some(1)),
    (38, "fib_addrtype", Type::Reachability, Some(4)),
    (39, "boolean", Type::Host, Some(1)),
    (40, "ct_event", Type::CtEvent, Some(4)),
    (41, "ifname", Type::IfName, Some(16)),
    (42, "igmp_type", Type::Network, Some(1)),
    (45, "day", Type::Host, Some(1)),
    (46, "cgroupsv2", Type::Group, Some(8)),
];

/// The word for a datatype and its parts. `fields` are the lengths of the parts of a concatenation, where they are said
/// (`NFTA_SET_FIELD_LEN`). A datatype that is not known is named by its number, and its keys stay bytes.
pub(super) fn parts(number: u32, length: usize, fields: &[u32]) -> (String, Vec<Part>) {
    let numbers = unpack(number);
    let rows: Option<Vec<_>> = numbers
        .iter()
        .map(|number| DATATYPES.iter().find(|row| row.0 == *number))
        .collect();
    let rows = rows.filter(|rows| !rows.is_empty());
    let widths = rows.as_ref().and_then(|rows| widths(rows, length, fields));
    let (Some(rows), Some(widths)) = (rows, widths) else {
        return (
            format!("datatype {number}"),
            vec![Part {
                ty: Type::Bytes,
                width: None,
            }],
        );
    };
    let name = rows.iter().map(|row| row.1).collect::<Vec<_>>().join(" . ");
    (
        name,
        rows.iter()
            .zip(widths)
            .map(|(row, width)| Part { ty: row.2, width })
            .collect(),
    )
}

fn unpack(mut number: u32) -> Vec<u32> {
    let mut out = Vec::new();
    while number != 0 {
        out.push(number & ((1 << TYPE_BITS) - 1));
        number >>= TYPE_BITS;
    }
    out.reverse();
    out
}

/// The length of each part; each part of a concatenation takes whole registers. `None` where they are not those of the key.
fn widths(rows: &[&Datatype], length: usize, fields: &[u32]) -> Option<Vec<Option<usize>>> {
    if let [row] = rows {
        let fits = row.3.is_none_or(|width| width == length);
        return fits.then(|| vec![row.3]);
    }
    let said: Vec<Option<usize>> = fields.iter().map(|bytes| usize::try_from(*bytes).ok()).collect();
    let widths: Option<Vec<usize>> = rows
        .iter()
        .zip(said.into_iter().chain(std::iter::repeat(None)))
        .map(|(row, said)| match (row.3, said) {
            (Some(own), Some(said)) => (own == said).then_some(own),
            (own, said) => own.or(said),
        })
        .collect();
    let widths = widths?;
    let total: usize = widths.iter().map(|width| width.next_multiple_of(4)).sum();
    (total == length).then(|| widths.into_iter().map(Some).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn concatenations_unpack_in_order() {
        let (name, parts) = parts((7 << 6) | 13, 8, &[]);
        assert_eq!(name, "ipv4_addr . inet_service");
        assert_eq!(
            parts[1],
            Part {
                ty: Type::Network,
                width: Some(2)
            }
        );
    }

    /// `typeof vlan id . ip saddr`.
    #[test]
    fn a_part_of_any_length_is_as_long_as_is_said() {
        let number = (4 << 6) | 7;
        let (name, read) = parts(number, 8, &[2, 4]);
        assert_eq!(name, "integer . ipv4_addr");
        assert_eq!((read[0].width, read[1].width), (Some(2), Some(4)));
        for (length, fields) in [(8, &[][..]), (8, &[5, 4]), (12, &[2, 4]), (8, &[2, 3])] {
            assert!(
                parts(number, length, fields).0.starts_with("datatype"),
                "{length} {fields:?}"
            );
        }
    }

    #[test]
    fn what_does_not_fit_stays_bytes() {
        assert_eq!(parts(7, 16, &[]).0, "datatype 7");
        assert_eq!(
            parts(63, 4, &[]).1,
            [Part {
                ty: Type::Bytes,
                width: None
            }]
        );
        assert_eq!(parts(0, 4, &[]).0, "datatype 0");
    }
}
