//! `netghost-controller completions` and `man`.

use std::path::PathBuf;

use anyhow::Context;
use clap::CommandFactory;
use clap_complete::Shell;
use serde_json::Value;

use super::failure::Failure;
use super::{Answer, Args};

/// Which shell.
#[derive(Debug, clap::Args)]
pub(super) struct Completions {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

/// Where to.
#[derive(Debug, clap::Args)]
pub(super) struct Man {
    /// A directory; pages of the same names in it are replaced
    directory: PathBuf,
}

impl Completions {
    pub(super) fn run(self) -> Result<Answer, Failure> {
        let mut text = Vec::new();
        clap_complete::generate(self.shell, &mut Args::command(), "netghost-controller", &mut text);
        Ok(plain(String::from_utf8_lossy(&text).into_owned()))
    }
}

impl Man {
    pub(super) fn run(self) -> Result<Answer, Failure> {
        let what = || format!("write manual pages to {}", self.directory.display());
        std::fs::create_dir_all(&self.directory)
            .and_then(|()| {
                pages(Args::command())
                    .into_iter()
                    .try_for_each(|(name, page)| std::fs::write(self.directory.join(name), page))
            })
            .with_context(what)
            .map_err(|error| Failure::failed("write", error))?;
        Ok(plain(String::new()))
    }
}

/// The page of the program and one for each command, of section 8 as a daemon's are: `netghost controller` of the operator's
/// command has the same names in section 1.
fn pages(command: clap::Command) -> Vec<(String, Vec<u8>)> {
    let mut command = command.disable_help_subcommand(true);
    command.build();
    let mut pages = Vec::new();
    add(&command, &mut pages);
    pages
}

fn add(command: &clap::Command, pages: &mut Vec<(String, Vec<u8>)>) {
    let mut page = Vec::new();
    let manual = clap_mangen::Man::new(command.clone()).section("8");
    if manual.render(&mut page).is_ok() {
        let name = command.get_display_name().unwrap_or(command.get_name());
        pages.push((format!("{name}.8"), page));
    }
    command.get_subcommands().for_each(|below| add(below, pages));
}

fn plain(text: String) -> Answer {
    Answer {
        status: 0,
        document: Value::Null,
        text,
        next: None,
    }
}
