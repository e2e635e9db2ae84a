//! `HMARK` (`linux/netfilter/xt_HMARK.h`).

use super::{Options, Struct, forms, given, number};
use crate::netfilter::model::{Family, TargetOption, Value};

/// The bits of `flags`, by the place of the option: each is set where the option was given.
const SOURCE: u32 = 1;
const DESTINATION: u32 = 1 << 1;
const SPI: u32 = 1 << 2;
const SPI_MASK: u32 = 1 << 3;
const SPORT: u32 = 1 << 4;
const DPORT: u32 = 1 << 5;
const SPORT_MASK: u32 = 1 << 6;
const DPORT_MASK: u32 = 1 << 7;
const PROTO_MASK: u32 = 1 << 8;
const RND: u32 = 1 << 9;
const MODULUS: u32 = 1 << 10;
const OFFSET: u32 = 1 << 11;
const CT: u32 = 1 << 12;
const KNOWN: u32 = (1 << 13) - 1;

/// `struct xt_hmark_info`. A value that is there without its flag, or a flag whose value shares its place with another's,
/// can't be said in options.
pub(super) fn hmark(family: Family, payload: &[u8]) -> Options {
    let info = Struct::new(payload, 60)?;
    let asked = info.u32(40)?;
    let ports = SPORT_MASK | DPORT_MASK;
    let overlap =
        (asked & SPI_MASK != 0 && asked & ports != 0) || (asked & SPI != 0 && asked & (SPORT | DPORT) != 0);
    if asked & !KNOWN != 0 || overlap {
        return None;
    }
    let mut options = Vec::new();
    let mut put = |bit: u32, name: &str, value: u32| -> Option<()> {
        if asked & bit != 0 {
            options.push(given(name, number(value)));
        } else if value != 0 {
            return None;
        }
        Some(())
    };
    put(SOURCE, "hmark-src-prefix", prefix(family, info, 0)?)?;
    put(DESTINATION, "hmark-dst-prefix", prefix(family, info, 16)?)?;
    let spi = |at| info.bytes::<4>(at).map(u32::from_be_bytes);
    if asked & SPI_MASK == 0 {
        put(SPORT_MASK, "hmark-sport-mask", info.be16(32)?.into())?;
        put(DPORT_MASK, "hmark-dport-mask", info.be16(34)?.into())?;
    } else {
        put(SPI_MASK, "hmark-spi-mask", spi(32)?)?;
    }
    if asked & SPI == 0 {
        put(SPORT, "hmark-sport", info.be16(36)?.into())?;
        put(DPORT, "hmark-dport", info.be16(38)?.into())?;
    } else {
        put(SPI, "hmark-spi", spi(36)?)?;
    }
    put(PROTO_MASK, "hmark-proto-mask", info.u16(44)?.into())?;
    put(RND, "hmark-rnd", info.u32(48)?)?;
    put(MODULUS, "hmark-mod", info.u32(52)?)?;
    put(OFFSET, "hmark-offset", info.u32(56)?)?;
    let tuple = Value::Flags(vec!["ct".to_owned()]);
    let ct: Option<TargetOption> = (asked & CT != 0).then(|| given("hmark-tuple", tuple));
    options.extend(ct);
    Some(options)
}

/// The length of a mask of leading ones.
fn prefix(family: Family, info: Struct<'_>, at: usize) -> Option<u32> {
    let mask = info.address(family, at)?;
    match forms::network(mask, mask)? {
        Value::Address(address) => Some(if address.is_ipv4() { 32 } else { 128 }),
        Value::Prefix { length, .. } => Some(length.into()),
        _ => None,
    }
}
