//! What has to work after a change, besides a new connection to the controller.

use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use netghost_core::gate::{Action, Check};

use crate::namespace;

/// How long a connection may take.
const PATIENCE: Duration = Duration::from_secs(3);

/// Makes an action's checks, side by side, in its network namespace; why one of them failed.
pub(crate) fn failed(action: &Action) -> Option<String> {
    let all = || {
        thread::scope(|scope| {
            let running: Vec<_> = action
                .checks
                .iter()
                .map(|check| scope.spawn(move || one(check)))
                .collect();
            running.into_iter().find_map(|check| {
                check
                    .join()
                    .unwrap_or_else(|_| Some("a check was lost".to_owned()))
            })
        })
    };
    match action.checks.is_empty() {
        true => None,
        false => namespace::within(&action.namespace, all)
            .unwrap_or_else(|error| Some(format!("enter {}: {error}", action.namespace))),
    }
}

fn one(check: &Check) -> Option<String> {
    let Check::TcpConnect { to } = check;
    match TcpStream::connect_timeout(to, PATIENCE) {
        Ok(_) => None,
        Err(error) => Some(format!("no TCP connection to {to}: {error}")),
    }
}
