//! The other side: whoever passes a demand on.

use std::io;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use netghost_core::gate::{Answer, Demand, LONGEST_DEMAND};

use crate::frame;

/// Where the process listens.
pub const SOCKET: &str = "/run/netghost/act.sock";
/// Longer than a package manager is given.
const PATIENCE: Duration = Duration::from_secs(20 * 60);

/// Makes one demand.
///
/// # Errors
/// Nobody listens, or the connection's.
pub fn ask(socket: &Path, demand: &Demand) -> io::Result<Answer> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    frame::give(&mut stream, demand)?;
    frame::take(&mut stream, LONGEST_DEMAND)
}
