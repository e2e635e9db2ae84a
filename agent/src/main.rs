//! The `netghost-agent` process.

fn main() -> std::process::ExitCode {
    let line: Vec<_> = std::env::args_os().collect();
    netghost_agent::commands::run(&line).into()
}
