//! Where a chain or flowtable is hooked in.

use super::within;
use crate::bytes::Text;
use crate::netfilter::model::OpaqueAttribute;
use crate::raw::attr::{Attr, Malformed};

/// Where a base chain is hooked in (`enum nft_hook_attributes`).
#[derive(Debug, Clone, Default)]
pub(in crate::netfilter::nft) struct HookMessage {
    pub(in crate::netfilter::nft) number: u32,
    pub(in crate::netfilter::nft) priority: i32,
    pub(in crate::netfilter::nft) devices: Vec<Text>,
    /// Attributes of the hook that are not known, each as the kernel's number of the hook's attribute around it.
    pub(in crate::netfilter::nft) opaque: Vec<OpaqueAttribute>,
}

/// `enum nft_hook_attributes`; those of a flowtable begin alike (`enum nft_flowtable_hook_attributes`), with the devices at 3.
pub(in crate::netfilter::nft) fn hook(attr: &Attr<'_>) -> Result<HookMessage, Malformed> {
    let mut out = HookMessage::default();
    for inner in attr.nested() {
        let inner = inner?;
        match inner.kind {
            1 => out.number = inner.be32("NFTA_HOOK_HOOKNUM")?,
            2 => out.priority = inner.be32("NFTA_HOOK_PRIORITY")?.cast_signed(),
            3 => out.devices.push(name_of_device(&inner)),
            4 => devices(attr.kind, &inner, &mut out)?,
            _ => out.opaque.push(within(attr.kind, &inner)),
        }
    }
    out.devices.sort();
    out.devices.dedup();
    Ok(out)
}

/// `NFTA_HOOK_DEVS`; a device may be given by the beginning of its name (`NFTA_DEVICE_PREFIX`, Linux 6.16).
pub(in crate::netfilter::nft) fn devices(
    around: u16,
    attr: &Attr<'_>,
    out: &mut HookMessage,
) -> Result<(), Malformed> {
    for device in attr.nested() {
        let device = device?;
        match device.kind {
            1 => out.devices.push(name_of_device(&device)),
            2 => {
                let beginning = device.text();
                out.devices
                    .push(Text::from([beginning.as_bytes(), b"*"].concat()));
            }
            _ => out.opaque.push(within(around, &device)),
        }
    }
    Ok(())
}

/// A star at the end of a whole name is written `\*`, since one alone stands for all names that begin so.
fn name_of_device(attr: &Attr<'_>) -> Text {
    let name = attr.text();
    match name.as_bytes().strip_suffix(b"*") {
        Some(stem) => Text::from([stem, br"\*"].concat()),
        None => name,
    }
}
