//! One message of a dump of filters (`RTM_NEWTFILTER`, 44) or chains (`RTM_NEWCHAIN`, 100).

use super::kinds::{self, Kind};
use super::names::protocol;
use super::{Chain, Filter, FilterRuntime, Place};
use crate::bytes::Text;
use crate::raw::attr::{Attr, attrs};
use crate::raw::lift::{Fault, Fields, OpaqueAttribute, whole};
use crate::raw::{NetlinkRaw, RawMessage};
use crate::tc::action::{self, Decoded};
use crate::tc::options::{self, Options, Stop};
use crate::tc::order::Trees;
use crate::tc::schema::{Names, Out, without};
use crate::tc::setting::{Setting, Value};
use crate::tc::stats;

/// A decoded message.
#[derive(Debug)]
pub(in crate::tc) enum Message {
    /// A filter with its kernel number, and its actions before it is known which are shared.
    Filter(Box<Found>),
    /// A chain.
    Chain(Chain),
}

/// A filter as found.
#[derive(Debug, Clone)]
pub(in crate::tc) struct Found {
    pub(in crate::tc) filter: Filter,
    pub(in crate::tc) runtime: FilterRuntime,
    pub(in crate::tc) actions: Vec<Decoded>,
    /// The number that the kernel gave it, 0 for the head of a priority.
    pub(in crate::tc) handle: u32,
    /// The qdisc or block that it belongs to.
    pub(in crate::tc) owner: (u32, u32),
}

/// `tcm_ifindex` of a shared block (`TCM_IFINDEX_MAGIC_BLOCK`); the block's number then stands in `tcm_parent`.
const BLOCK: u32 = 0xffff_ffff;
const NEW_CHAIN: u16 = 100;

// TCA_*, `linux/rtnetlink.h`.
const KIND: u16 = 1;
const OPTIONS: u16 = 2;
const STATS: u16 = 3;
const XSTATS: u16 = 4;
const STATS2: u16 = 7;
const PAD: u16 = 9;
const CHAIN: u16 = 11;

/// Decodes one message. Of a chain the kernel names the qdisc only, not the class or the way that was asked about, so its
/// place is that of the request before it, if that was kept.
pub(in crate::tc) fn message(
    raw: &NetlinkRaw,
    trees: &Trees<'_>,
    message: &RawMessage,
    asked: Option<u32>,
) -> Result<Message, Fault> {
    let mut fields = Fields::new(&message.payload.0, "struct tcmsg");
    let _family_and_padding = fields.u32()?;
    let index = fields.u32()?;
    let (handle, told_parent, info) = (fields.u32()?, fields.u32()?, fields.u32()?);
    let parent = match asked {
        Some(asked) if message.message_type == NEW_CHAIN => asked,
        _ => told_parent,
    };
    let all = whole(attrs(fields.rest()))?;
    let device = match index {
        BLOCK => None,
        index => Some(raw.named(index)?),
    };
    let place = place(trees, device.as_ref(), parent);
    let class = |id: u32| match &device {
        Some(device) => trees.name(device, id, 0),
        None => crate::tc::order::id_text(id),
    };
    let names = Names {
        links: Some(raw),
        class: &class,
    };
    let head = Head {
        place,
        handle,
        info,
        owner: (index, if index == BLOCK { parent } else { parent >> 16 }),
    };
    let decoded = if message.message_type == NEW_CHAIN {
        chain(head.place, &all, names).map(Message::Chain)
    } else {
        filter(head, &all, names).map(|found| Message::Filter(Box::new(found)))
    };
    decoded.map_err(|stop| match stop {
        Stop::Malformed(malformed) => Fault::Malformed(malformed),
        Stop::NoLink(index) => Fault::NoLink(index),
        Stop::Unknown(_) => Fault::Malformed(crate::raw::attr::Malformed::Missing { what: "TCA_KIND" }),
    })
}

/// What the header of a message says.
struct Head {
    place: Place,
    handle: u32,
    info: u32,
    owner: (u32, u32),
}

fn place(trees: &Trees<'_>, device: Option<&Text>, parent: u32) -> Place {
    let Some(device) = device else {
        return Place::Block { block: parent };
    };
    let parent = match parent {
        // `TC_H_MIN_INGRESS`, and the `ingress` qdisc itself.
        0xffff_fff2 | 0xffff_0000 => "ingress".to_owned(),
        0xffff_fff3 => "egress".to_owned(),
        _ => trees.parent_name(device, parent, 0),
    };
    Place::Device {
        device: device.clone(),
        parent,
    }
}

fn find<'a, 'b>(all: &'b [Attr<'a>], number: u16) -> Option<&'b Attr<'a>> {
    all.iter().find(|attr| attr.kind == number)
}

fn chain(place: Place, all: &[Attr<'_>], names: Names<'_>) -> Result<Chain, Stop> {
    let kind = find(all, KIND).map(Attr::text);
    let payload = find(all, OPTIONS).map(|attr| attr.value);
    let mut options = Options::None;
    if let (Some(kind), Some(payload)) = (&kind, payload) {
        options = told(kind, 0, payload, names)?.options;
    }
    let chain = find(all, CHAIN).map(|attr| attr.ne32("TCA_CHAIN")).transpose()?;
    Ok(Chain {
        place,
        chain: chain.unwrap_or_default(),
        kind,
        options,
    })
}

/// What a filter's options say.
struct Told {
    options: Options,
    class: Option<String>,
    own: Vec<Setting>,
    actions: Vec<Decoded>,
}

fn filter(head: Head, all: &[Attr<'_>], names: Names<'_>) -> Result<Found, Stop> {
    let kind = find(all, KIND).ok_or(crate::raw::attr::Malformed::Missing { what: "TCA_KIND" })?;
    let kind = kind.text();
    let payload = find(all, OPTIONS).map(|attr| attr.value).unwrap_or_default();
    let mut told = told(&kind, head.handle, payload, names)?;
    let chain = find(all, CHAIN).map(|attr| attr.ne32("TCA_CHAIN")).transpose()?;
    let known =
        |attr: &&Attr<'_>| !matches!(attr.kind, KIND | OPTIONS | STATS | XSTATS | STATS2 | PAD | CHAIN);
    let mut other: Vec<OpaqueAttribute> = all.iter().filter(known).map(|attr| (*attr).into()).collect();
    other.sort();
    let word = kind.as_str().unwrap_or_default();
    let mut runtime = FilterRuntime {
        handle: kinds::handle(word, head.handle),
        in_hardware: hardware(&mut told.own),
        own: told.own,
        ..FilterRuntime::default()
    };
    if let Some(stats) = find(all, STATS2) {
        runtime.statistics = stats::decode("", false, *stats)?;
    }
    let filter = Filter {
        place: head.place,
        chain: chain.unwrap_or_default(),
        priority: u16::try_from(head.info >> 16).unwrap_or_default(),
        // `tcm_info` holds the protocol in network order in its lower half.
        protocol: protocol(u16::from_be(
            u16::try_from(head.info & 0xffff).unwrap_or_default(),
        )),
        handle: kinds::meaning(word, head.handle),
        kind,
        class: told.class,
        options: told.options,
        actions: Vec::new(),
        somewhere_here: false,
        other,
    };
    Ok(Found {
        filter,
        runtime,
        actions: told.actions,
        handle: head.handle,
        owner: head.owner,
    })
}

fn told(kind: &Text, handle: u32, payload: &[u8], names: Names<'_>) -> Result<Told, Stop> {
    let form = kinds::named(kind.as_str().unwrap_or_default());
    let all = whole(attrs(payload))?;
    let mut told = Told {
        options: Options::None,
        class: None,
        own: Vec::new(),
        actions: Vec::new(),
    };
    let mut apart = Vec::new();
    if let Some(form) = form {
        apart = vec![form.actions, form.police];
        told.actions = actions(form, &all, names)?;
    }
    let rest = without(payload, &apart)?;
    if rest.is_empty() {
        return Ok(told);
    }
    let mut out = Out::new(names);
    let outcome = match form {
        Some(form) => (form.read)(&rest, handle, &mut out),
        None => Err(Stop::Unknown("filters of this kind are not decoded".to_owned())),
    };
    match outcome {
        Ok(()) => {
            told.class = take_class(&mut out.settings);
            told.own = out.runtime;
            if !out.settings.is_empty() {
                told.options = Options::Settings {
                    settings: out.settings,
                };
            }
        }
        Err(Stop::Unknown(why)) => {
            let counters = form.map(|form| form.counters).unwrap_or_default();
            told.options = options::opaque(&without(&rest, counters)?, why).options;
        }
        Err(stop) => return Err(stop),
    }
    Ok(told)
}

fn actions(form: &Kind, all: &[Attr<'_>], names: Names<'_>) -> Result<Vec<Decoded>, Stop> {
    let mut found = Vec::new();
    for attr in all {
        if attr.kind == form.actions {
            found.extend(action::list(attr.value, names)?);
        } else if attr.kind == form.police {
            // The old form holds one `police`, without what newer actions have around it.
            found.push(action::told_to(Text::from("police"), attr.value, names)?);
        }
    }
    Ok(found)
}

fn take_class(settings: &mut Vec<Setting>) -> Option<String> {
    let at = settings.iter().position(|setting| setting.name == "classid")?;
    match settings.remove(at).value {
        Value::Class(class) => Some(class),
        _ => None,
    }
}

/// `in_hw` and `not_in_hw` say which came of it, whatever was asked.
fn hardware(own: &mut Vec<Setting>) -> Option<bool> {
    let at = own
        .iter()
        .position(|setting| matches!(setting.name.as_str(), "in_hw" | "not_in_hw"))?;
    Some(own.remove(at).name == "in_hw")
}
