//! The manual pages.

use std::path::Path;

use clap::CommandFactory;

use crate::args::Args;
use crate::failure::{Failure, Status, answer};

/// Prints the page of the whole command, or writes a page for each command into a directory, as section 8.
pub(super) fn man(directory: Option<&Path>) -> Result<Status, Failure> {
    let command = Args::command();
    let Some(directory) = directory else {
        let mut out = Vec::new();
        let page = clap_mangen::Man::new(command).section("8");
        page.render(&mut out)
            .map_err(|error| Failure::of("internal", &error))?;
        return answer(&String::from_utf8_lossy(&out)).map(|()| Status::Good);
    };
    for (name, page) in pages(command) {
        let path = directory.join(format!("{name}.8"));
        std::fs::write(&path, page).map_err(|error| {
            Failure::failed("write", format_args!("cannot write {}: {error}", path.display()))
        })?;
    }
    Ok(Status::Good)
}

fn pages(command: clap::Command) -> Vec<(String, Vec<u8>)> {
    let mut command = command.disable_help_subcommand(true);
    command.build();
    let below: Vec<clap::Command> = command.get_subcommands().cloned().collect();
    std::iter::once(command)
        .chain(below)
        .filter_map(|command| {
            // `netghost-agent-enroll`, once it is built.
            let name = command
                .get_display_name()
                .unwrap_or(command.get_name())
                .to_owned();
            let mut out = Vec::new();
            let page = clap_mangen::Man::new(command).section("8");
            page.render(&mut out).ok().map(|()| (name, out))
        })
        .collect()
}
