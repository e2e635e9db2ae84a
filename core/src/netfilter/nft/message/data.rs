//! Expressions and data inside messages.

use super::required;
use crate::netfilter::model::Verdict;
use crate::raw::attr::{Attr, Malformed};

/// An attribute inside one that must be understood whole.
fn unknown(what: &'static str, kind: u16) -> Malformed {
    Malformed::Value {
        what,
        value: kind.into(),
    }
}

/// An expression: its name and its attributes (`enum nft_expr_attributes`).
pub(in crate::netfilter::nft) fn expression<'a>(attr: &Attr<'a>) -> Result<(&'a str, &'a [u8]), Malformed> {
    let (mut name, mut data) = (None, [].as_slice());
    for attr in attr.nested() {
        let attr = attr?;
        match attr.kind {
            1 => name = Some(attr.value),
            2 => data = attr.value,
            other => return Err(unknown("nft_expr_attributes", other)),
        }
    }
    let name = required(name, "NFTA_EXPR_NAME")?;
    let name = name.strip_suffix(b"\0").unwrap_or(name);
    let name = std::str::from_utf8(name).map_err(|_| Malformed::Missing {
        what: "NFTA_EXPR_NAME",
    })?;
    Ok((name, data))
}

/// `NFTA_DATA_VALUE` or `NFTA_DATA_VERDICT`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::netfilter::nft) enum Data<'a> {
    Value(&'a [u8]),
    Verdict(Verdict),
}

pub(in crate::netfilter::nft) fn data<'a>(attr: &Attr<'a>) -> Result<Data<'a>, Malformed> {
    let missing = Malformed::Missing {
        what: "NFTA_DATA_VALUE",
    };
    let attr = attr.nested().next().ok_or(missing)??;
    match attr.kind {
        1 => Ok(Data::Value(attr.value)),
        2 => verdict(&attr).map(Data::Verdict),
        other => Err(unknown("nft_data_attributes", other)),
    }
}

/// `enum nft_verdict_attributes` and `enum nft_verdicts`.
fn verdict(attr: &Attr<'_>) -> Result<Verdict, Malformed> {
    let (mut code, mut chain) = (None, None);
    for attr in attr.nested() {
        let attr = attr?;
        match attr.kind {
            1 => code = Some(attr.be32("NFTA_VERDICT_CODE")?.cast_signed()),
            2 => chain = Some(attr.text()),
            other => return Err(unknown("nft_verdict_attributes", other)),
        }
    }
    let target = || required(chain.clone(), "NFTA_VERDICT_CHAIN");
    Ok(match required(code, "NFTA_VERDICT_CODE")? {
        0 => Verdict::Drop,
        1 => Verdict::Accept,
        3 => Verdict::Queue,
        -1 => Verdict::Continue,
        -3 => Verdict::Jump { chain: target()? },
        -4 => Verdict::Goto { chain: target()? },
        -5 => Verdict::Return,
        other => {
            return Err(Malformed::Value {
                what: "NFTA_VERDICT_CODE",
                value: other.cast_unsigned().into(),
            });
        }
    })
}
