//! `netghost-controller`: founds, serves and keeps a controller.

mod commands;

fn main() -> std::process::ExitCode {
    commands::run(&std::env::args_os().collect::<Vec<_>>())
}
