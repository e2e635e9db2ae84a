//! Completions for shells, and manual pages.

use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use clap::CommandFactory;
use clap_complete::Shell;

use crate::args::Args;
use crate::error::Failure;
use crate::output::write_new;

/// Prints the completions of a shell.
#[derive(Debug, clap::Args)]
pub struct Completions {
    /// The shell
    shell: Shell,
}

/// Writes the manual.
#[derive(Debug, clap::Args)]
pub struct Man {
    /// Write one page for each command into this directory; without it, the first page goes to standard output
    directory: Option<PathBuf>,
}

/// The script for a shell.
pub fn completions(args: &Completions) -> Vec<u8> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Args::command(), "netghost", &mut script);
    script
}

/// The first page, or what was written.
pub fn man(args: &Man) -> Result<Vec<u8>, Failure> {
    let mut command = Args::command();
    // Makes the subcommands complete, so that their pages name the flags that they inherit.
    command.build();
    let Some(directory) = &args.directory else {
        return page(&command);
    };
    std::fs::create_dir_all(directory)
        .with_context(|| format!("cannot make {}", directory.display()))
        .map_err(|error| Failure::failed("write", error))?;
    let mut written = 0_usize;
    pages(&command, "netghost", directory, &mut written)?;
    Ok(format!("{written} pages in {}\n", directory.display()).into_bytes())
}

fn pages(command: &clap::Command, name: &str, directory: &Path, written: &mut usize) -> Result<(), Failure> {
    // A page has at most the name of its command; clap wants names that live as long as the program.
    let named = command.clone().display_name(name.to_owned());
    write_new(&directory.join(format!("{name}.1")), &page(&named)?)?;
    *written += 1;
    for below in command
        .get_subcommands()
        .filter(|below| below.get_name() != "help")
    {
        pages(below, &format!("{name}-{}", below.get_name()), directory, written)?;
    }
    Ok(())
}

fn page(command: &clap::Command) -> Result<Vec<u8>, Failure> {
    let mut page = Vec::new();
    clap_mangen::Man::new(command.clone())
        .render(&mut page)
        .map_err(|error| Failure::failed("internal", anyhow!(error)))?;
    Ok(page)
}
