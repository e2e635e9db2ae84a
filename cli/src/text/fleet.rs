//! A fleet for people.

use netghost_core::fleet::{Selector, Tag};
use netghost_core::job::Way;

use super::comparison::plural;

mod agents;
mod audit;
mod baselines;
mod check;
mod contexts;
mod jobs;
mod sweeps;
mod tokens;
mod windows;

pub use agents::{agent, agents, controller};
pub use audit::audit;
pub use baselines::{baseline, baselines};
pub use check::check;
pub use contexts::contexts;
pub use jobs::{job, target};
pub use sweeps::sweeps;
pub use tokens::tokens;
pub use windows::{window, windows};

/// What stands where there is nothing.
const NONE: &str = "-";

/// Columns below their heads; `nothing` where there is no row.
fn table<const N: usize>(heads: [&str; N], rows: Vec<[String; N]>, nothing: &str) -> String {
    if rows.is_empty() {
        return format!("{nothing}\n");
    }
    let heads = heads.map(str::to_owned).to_vec();
    let cells = |row: [String; N]| row.iter().map(|cell| one_line(cell)).collect();
    let all: Vec<Vec<String>> = std::iter::once(heads)
        .chain(rows.into_iter().map(cells))
        .collect();
    super::table::columns(&all, 0)
}

/// A text from outside as it may stand in a line: it can't begin another one.
pub(super) fn one_line(text: &str) -> String {
    text.replace('\n', "\\n")
}

fn tags(tags: &[Tag]) -> String {
    if tags.is_empty() {
        return NONE.to_owned();
    }
    tags.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

fn selector(selector: &Selector) -> String {
    let names = selector.names.iter().cloned();
    let tags = selector.tags.iter().map(ToString::to_string);
    let azure = selector.azure.iter().cloned();
    let all = selector.all.then(|| "all".to_owned());
    let members = selector.members.then(|| "the baseline's members".to_owned());
    all.into_iter()
        .chain(members)
        .chain(names)
        .chain(tags)
        .chain(azure)
        .collect::<Vec<_>>()
        .join(" ")
}

/// How many there are of what; hosts are VMs, what Azure Resource Manager shows are network interfaces.
fn counted(all: usize, of_azure: usize) -> String {
    let hosts = all.saturating_sub(of_azure);
    match (hosts, of_azure) {
        (_, 0) => plural(all, "VM"),
        (0, _) => plural(all, "network interface"),
        _ => format!(
            "{all} targets ({}, {})",
            plural(hosts, "VM"),
            plural(of_azure, "network interface")
        ),
    }
}

/// The word of a way, where there is one.
fn way(way: Option<Way>) -> String {
    or_none(way.map(Way::as_str))
}

fn or_none(text: Option<&str>) -> String {
    text.unwrap_or(NONE).to_owned()
}

/// Lines of a name and its value.
fn lines(rows: &[(&str, String)]) -> String {
    let rows: Vec<Vec<String>> = rows
        .iter()
        .map(|(name, value)| vec![(*name).to_owned(), one_line(value)])
        .collect();
    super::table::columns(&rows, 2)
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_name_from_outside_begins_no_row() {
        let row = ["vm1\nvm2".to_owned(), "up".to_owned()];
        let text = super::table(["NAME", "STATE"], vec![row], "none");
        assert_eq!(text, "NAME      STATE\nvm1\\nvm2  up\n");
        assert_eq!(super::table(["NAME"], Vec::new(), "none"), "none\n");
    }
}
