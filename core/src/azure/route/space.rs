//! The address space, cut at the bounds of prefixes: within a piece the same prefixes contain every address.

use std::cmp::Reverse;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::azure::net::{Net, from_bits};

/// A run of addresses of one family, as numbers of its width.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Span {
    pub(super) ipv4: bool,
    pub(super) first: u128,
    pub(super) last: u128,
}

impl Span {
    fn all(ipv4: bool) -> Self {
        let last = if ipv4 { u128::from(u32::MAX) } else { u128::MAX };
        Self { ipv4, first: 0, last }
    }

    fn zero(self) -> IpAddr {
        if self.ipv4 {
            IpAddr::V4(Ipv4Addr::UNSPECIFIED)
        } else {
            IpAddr::V6(Ipv6Addr::UNSPECIFIED)
        }
    }

    /// True where `next` goes on where this ends.
    pub(super) fn meets(self, next: Self) -> bool {
        self.ipv4 == next.ipv4 && self.last.checked_add(1) == Some(next.first)
    }

    /// The fewest prefixes that hold exactly these addresses.
    pub(super) fn prefixes(self) -> Vec<Net> {
        let width: u32 = if self.ipv4 { 32 } else { 128 };
        let mut prefixes = Vec::new();
        let mut next = Some(self.first);
        while let Some(first) = next.filter(|first| *first <= self.last) {
            // As many host bits as the first address leaves and the last one allows.
            let room = (self.last - first).checked_add(1).map_or(width, u128::ilog2);
            let host = first.trailing_zeros().min(room).min(width);
            let length = u8::try_from(width - host).unwrap_or(u8::MAX);
            prefixes.extend(Net::new(from_bits(first, self.zero()), length));
            next = 1u128.checked_shl(host).and_then(|size| first.checked_add(size));
        }
        prefixes
    }
}

/// Walks over both families in pieces. `rows`: for each of `N` lists the prefixes with their names. `visit` gets each piece
/// with the names of those that contain it, list by list, in no order.
pub(super) fn walk<const N: usize>(rows: [&[(Net, usize)]; N], mut visit: impl FnMut(Span, [&[usize]; N])) {
    for ipv4 in [true, false] {
        let family = rows.map(|rows| sorted(rows, ipv4));
        let whole = Span::all(ipv4);
        let starts = starts(family.iter().flatten().map(|row| row.bounds), whole);
        let mut stacks: [Vec<(u128, usize)>; N] = std::array::from_fn(|_| Vec::new());
        let mut rest: [_; N] = family.each_ref().map(|rows| rows.iter().peekable());
        for (at, first) in starts.iter().enumerate() {
            let following = starts.get(at + 1).map(|next| next - 1);
            let span = Span {
                first: *first,
                last: following.unwrap_or(whole.last),
                ..whole
            };
            for (stack, rest) in stacks.iter_mut().zip(&mut rest) {
                // What begins later lies inside what is open, so the ended ones are on top.
                while stack.last().is_some_and(|(last, _)| last < first) {
                    stack.pop();
                }
                while let Some(row) = rest.next_if(|row| row.bounds.0 == *first) {
                    stack.push((row.bounds.1, row.name));
                }
            }
            let names: [Vec<usize>; N] = stacks
                .each_ref()
                .map(|stack| stack.iter().map(|(_, name)| *name).collect());
            visit(span, names.each_ref().map(Vec::as_slice));
        }
    }
}

#[derive(Debug)]
struct Row {
    bounds: (u128, u128),
    name: usize,
}

/// Those of the family, the widest first where several begin at one address.
fn sorted(rows: &[(Net, usize)], ipv4: bool) -> Vec<Row> {
    let family = rows.iter().filter(|(net, _)| net.is_ipv4() == ipv4);
    let mut rows: Vec<Row> = family
        .map(|(net, name)| Row {
            bounds: net.bounds(),
            name: *name,
        })
        .collect();
    rows.sort_unstable_by_key(|row| (row.bounds.0, Reverse(row.bounds.1), row.name));
    rows
}

/// Where pieces begin.
fn starts(bounds: impl Iterator<Item = (u128, u128)>, whole: Span) -> Vec<u128> {
    let ends = |last: u128| last.checked_add(1).filter(|next| *next <= whole.last);
    let mut starts = vec![whole.first];
    for (first, last) in bounds {
        starts.push(first);
        starts.extend(ends(last));
    }
    starts.sort_unstable();
    starts.dedup();
    starts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn net(text: &str) -> Net {
        text.parse().unwrap()
    }

    fn span(first: &str, last: &str) -> Span {
        let bounds = |text: &str| net(text).bounds().0;
        Span {
            ipv4: net(first).is_ipv4(),
            first: bounds(first),
            last: bounds(last),
        }
    }

    #[test]
    fn a_run_is_the_fewest_prefixes() {
        let text = |span: Span| {
            span.prefixes()
                .iter()
                .map(Net::to_string)
                .collect::<Vec<_>>()
                .join(" ")
        };
        assert_eq!(text(Span::all(true)), "0.0.0.0/0");
        assert_eq!(text(Span::all(false)), "::/0");
        assert_eq!(text(span("10.0.0.1", "10.0.0.1")), "10.0.0.1/32");
        assert_eq!(
            text(span("10.0.0.1", "10.0.0.6")),
            "10.0.0.1/32 10.0.0.2/31 10.0.0.4/31 10.0.0.6/32"
        );
        assert_eq!(
            text(span("255.255.255.254", "255.255.255.255")),
            "255.255.255.254/31"
        );
        assert_eq!(
            text(span("::1", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"))
                .split(' ')
                .count(),
            128
        );
    }

    #[test]
    fn pieces_cover_both_families_and_name_what_contains_them() {
        let rows = [
            (net("10.0.0.0/8"), 0),
            (net("10.0.0.0/16"), 1),
            (Net::ALL_IPV4, 2),
            (net("ff00::/8"), 3),
        ];
        let other = [(net("10.0.0.0/16"), 7)];
        let mut pieces = Vec::new();
        walk([&rows, &other], |span, [one, two]| {
            pieces.push((span, one.to_vec(), two.to_vec()));
        });
        let shown: Vec<String> = pieces
            .iter()
            .map(|(span, one, two)| {
                let first = from_bits(span.first, span.zero());
                format!("{first} {one:?} {two:?}")
            })
            .collect();
        let expected = [
            "0.0.0.0 [2] []",
            "10.0.0.0 [2, 0, 1] [7]",
            "10.1.0.0 [2, 0] []",
            "11.0.0.0 [2] []",
            ":: [] []",
            "ff00:: [3] []",
        ];
        assert_eq!(shown, expected);
        assert!(
            pieces
                .windows(2)
                .all(|pair| pair[0].0.meets(pair[1].0) || pair[0].0.ipv4 != pair[1].0.ipv4)
        );
        assert_eq!(pieces.last().unwrap().0.last, u128::MAX);
    }
}
