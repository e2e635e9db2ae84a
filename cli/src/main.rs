//! The `netghost` command.

use netghost_cli::world::World;

fn main() -> std::process::ExitCode {
    let line = std::env::args_os().collect();
    netghost_cli::run(line, &World::real()).into()
}
