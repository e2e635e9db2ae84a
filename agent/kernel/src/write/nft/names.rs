//! The sets and chains that expressions name.
//!
//! What has no name of its own gets one from the kernel when it is made, so it is given another each time. Within the batch
//! that makes it, it is known by a number (`NFTA_LOOKUP_SET_ID` and its like).

use netghost_core::bytes::Text;
use netghost_core::raw::attr::Malformed;

use super::attributes::{Attributes, Piece, name, pieces, value};

/// `NFTA_LIST_ELEM`.
pub(super) const ELEMENT: u16 = 1;
/// `NFTA_EXPR_NAME` and `NFTA_EXPR_DATA`.
pub(super) const EXPRESSION: (u16, u16) = (1, 2);

/// What a name is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Set,
    Chain,
}

/// Where an expression names something: inside these attributes the name, and beside it the number.
struct Site {
    expression: &'static [u8],
    kind: Kind,
    within: &'static [u16],
    name: u16,
    id: u16,
}

/// `enum nft_lookup_attributes`, `nft_dynset_attributes`, `nft_objref_attributes`; `NFTA_IMMEDIATE_DATA`, `NFTA_DATA_VERDICT` and
/// `enum nft_verdict_attributes`.
const SITES: [Site; 4] = [
    Site {
        expression: b"lookup",
        kind: Kind::Set,
        within: &[],
        name: 1,
        id: 4,
    },
    Site {
        expression: b"dynset",
        kind: Kind::Set,
        within: &[],
        name: 1,
        id: 2,
    },
    Site {
        expression: b"objref",
        kind: Kind::Set,
        within: &[],
        name: 4,
        id: 5,
    },
    Site {
        expression: b"immediate",
        kind: Kind::Chain,
        within: &[2, 2],
        name: 2,
        id: 3,
    },
];

/// What stands in the place of a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Instead {
    /// Another name.
    pub(super) name: Option<Text>,
    /// The number by which the batch knows it.
    pub(super) id: Option<u32>,
}

/// The name of an expression, without its NUL.
pub(super) fn expression_name<'a>(parts: &[Piece<'a>]) -> &'a [u8] {
    let name = value(parts, EXPRESSION.0).unwrap_or_default();
    name.strip_suffix(b"\0").unwrap_or(name)
}

/// What a list of expressions names, in order.
pub(super) fn named(expressions: &[u8]) -> Result<Vec<(Kind, Text)>, Malformed> {
    let mut out = Vec::new();
    for element in pieces(expressions)? {
        let parts = pieces(element.value)?;
        let Some(site) = site(&parts) else { continue };
        let mut inside = pieces(value(&parts, EXPRESSION.1).unwrap_or_default())?;
        for kind in site.within {
            inside = pieces(value(&inside, *kind).unwrap_or_default())?;
        }
        out.extend(name(&inside, site.name).map(|name| (site.kind, name)));
    }
    Ok(out)
}

/// The expressions with other names where `instead` gives them. All else stays as it is, byte for byte.
pub(super) fn renamed(
    expressions: &[u8],
    instead: &dyn Fn(Kind, &Text) -> Option<Instead>,
) -> Result<Attributes, Malformed> {
    let mut out = Attributes::default();
    for element in pieces(expressions)? {
        let parts = pieces(element.value)?;
        let changed = match site(&parts) {
            Some(site) => {
                let data = value(&parts, EXPRESSION.1).unwrap_or_default();
                inside(data, site.within, site, instead)?
            }
            None => None,
        };
        let Some(changed) = changed else {
            out.raw(element.whole);
            continue;
        };
        let mut expression = Attributes::default();
        for part in &parts {
            match part.kind == EXPRESSION.1 {
                true => expression.nest(EXPRESSION.1, &changed),
                false => expression.raw(part.whole),
            }
        }
        out.nest(ELEMENT, &expression);
    }
    Ok(out)
}

fn site(parts: &[Piece<'_>]) -> Option<&'static Site> {
    let name = expression_name(parts);
    SITES.iter().find(|site| site.expression == name)
}

/// The attributes with the name replaced; `None` where it stays.
fn inside(
    data: &[u8],
    within: &[u16],
    site: &Site,
    instead: &dyn Fn(Kind, &Text) -> Option<Instead>,
) -> Result<Option<Attributes>, Malformed> {
    let all = pieces(data)?;
    let mut out = Attributes::default();
    if let [kind, deeper @ ..] = within {
        let Some(value) = value(&all, *kind) else {
            return Ok(None);
        };
        let Some(changed) = inside(value, deeper, site, instead)? else {
            return Ok(None);
        };
        for piece in &all {
            match piece.kind == *kind {
                true => out.nest(*kind, &changed),
                false => out.raw(piece.whole),
            }
        }
        return Ok(Some(out));
    }
    let Some(instead) = name(&all, site.name).and_then(|name| instead(site.kind, &name)) else {
        return Ok(None);
    };
    for piece in all
        .iter()
        .filter(|piece| piece.kind != site.name && piece.kind != site.id)
    {
        out.raw(piece.whole);
    }
    if let Some(name) = &instead.name {
        out.text(site.name, name);
    }
    if let Some(id) = instead.id {
        out.be32(site.id, id);
    }
    Ok(Some(out))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `nft` writes them so for `ip saddr @known tcp dport { 1, 2 } jump { … }`, the rest left out.
    fn expressions() -> Vec<u8> {
        let mut out = Attributes::default();
        let mut push = |name: &str, data: &Attributes| {
            let mut expression = Attributes::default();
            expression.text(1, &name.into());
            expression.nest(2, data);
            out.nest(ELEMENT, &expression);
        };
        for set in ["known", "__set3"] {
            let mut data = Attributes::default();
            data.text(1, &set.into());
            data.be32(2, 1);
            push("lookup", &data);
        }
        let (mut verdict, mut data, mut immediate) = (
            Attributes::default(),
            Attributes::default(),
            Attributes::default(),
        );
        verdict.be32(1, 0xffff_fffd);
        verdict.text(2, &"__chain7".into());
        data.nest(2, &verdict);
        immediate.be32(1, 0);
        immediate.nest(2, &data);
        push("immediate", &immediate);
        out.finish().unwrap()
    }

    #[test]
    fn names_are_found_and_replaced_and_nothing_else() {
        let bytes = expressions();
        let all = [
            (Kind::Set, "known".into()),
            (Kind::Set, "__set3".into()),
            (Kind::Chain, "__chain7".into()),
        ];
        assert_eq!(named(&bytes).unwrap(), all);
        let same = renamed(&bytes, &|_, _| None).unwrap().finish().unwrap();
        assert_eq!(same, bytes);
        let instead = |kind, name: &Text| {
            name.as_bytes().starts_with(b"__").then(|| Instead {
                name: (kind == Kind::Set).then(|| "__set%d".into()),
                id: Some(9),
            })
        };
        let changed = renamed(&bytes, &instead).unwrap().finish().unwrap();
        assert_eq!(
            named(&changed).unwrap(),
            [(Kind::Set, "known".into()), (Kind::Set, "__set%d".into())]
        );
        // Back again, it is what it was.
        let back = renamed(&changed, &|_, name| {
            (name.as_bytes() == b"__set%d").then(|| Instead {
                name: Some("__set3".into()),
                id: None,
            })
        });
        let back = back.unwrap().finish().unwrap();
        let lookups = |bytes: &[u8]| {
            let all = pieces(bytes).unwrap();
            all.iter()
                .take(2)
                .map(|piece| piece.value.len())
                .collect::<Vec<_>>()
        };
        assert_eq!(lookups(&back), lookups(&bytes));
    }
}
