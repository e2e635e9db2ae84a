//! The kinds of qdiscs and classes that tables describe (`linux/pkt_sched.h`).

use super::options::Stop;
use super::schema::{Attribute, Field, Names, Out};
use super::setting::Setting;

mod fair;
mod random;
mod scheduled;
mod strict;
mod xstats;

pub(super) use scheduled::CLOCKS;
pub(super) use xstats::own as own_statistics;

/// How a kind's options are laid out.
#[derive(Clone, Copy)]
pub(super) enum Form {
    /// Attributes.
    Attributes(&'static [Attribute]),
    /// One structure, and the order in which `tc` prints its fields, where that is another.
    Structure(&'static [Field], &'static [&'static str]),
    /// By a function of its own.
    Own(fn(&[u8], &mut Out<'_>) -> Result<(), Stop>),
}

/// Settings and what stands among them that is runtime.
pub(super) type Told = (Vec<Setting>, Vec<Setting>);

/// The form of a qdisc's options, if this kind is known.
pub(super) fn qdisc(kind: &str) -> Option<Form> {
    let tables = [fair::QDISCS, random::QDISCS, scheduled::QDISCS, strict::QDISCS];
    lookup(&tables, kind)
}

/// The form of the options of a class of such a qdisc.
pub(super) fn class(kind: &str) -> Option<Form> {
    lookup(&[strict::CLASSES], kind)
}

fn lookup(tables: &[&[(&str, Form)]], kind: &str) -> Option<Form> {
    tables
        .iter()
        .flat_map(|table| table.iter())
        .find(|(name, _)| *name == kind)
        .map(|(_, form)| *form)
}

pub(super) fn decode(form: Form, payload: &[u8], names: Names<'_>) -> Result<Told, Stop> {
    let mut out = Out::new(names);
    match form {
        Form::Attributes(table) => out.attributes(table, payload)?,
        Form::Structure(fields, order) => {
            out.structure(fields, payload)?;
            arrange(&mut out.settings, order);
        }
        Form::Own(read) => read(payload, &mut out)?,
    }
    Ok((out.settings, out.runtime))
}

/// Puts settings into the order of their names; those that are not named stay behind, as they were.
pub(super) fn arrange(settings: &mut [Setting], order: &[&str]) {
    settings.sort_by_key(|setting| {
        let place = order.iter().position(|name| *name == setting.name);
        place.unwrap_or(usize::MAX)
    });
}
