//! Network namespaces by the names that a snapshot has for them.

use std::path::Path;

use netghost_core::bytes::Text;
use netghost_core::host::namespaces::NAMES;
use netghost_kernel::namespaces::{self, Namespace};
use netghost_kernel::write::WriteError;

/// The namespace that this process is in.
const OWN: &[u8] = b"init";

/// Runs something in a network namespace. A name is compared with those that there are, and never opened as a file.
///
/// # Errors
/// There is none of that name, or it can't be entered.
pub(crate) fn within<T: Send>(name: &Text, inside: impl FnOnce() -> T + Send) -> Result<T, WriteError> {
    if name.as_bytes() == OWN {
        return Ok(inside());
    }
    let unreadable = |error: std::io::Error| WriteError::Unreadable {
        what: format!("network namespace {name}"),
        why: error.to_string(),
    };
    let listed = namespaces::list().map_err(unreadable)?;
    let found = listed.namespaces.iter().find(|namespace| is(namespace, name));
    match found {
        Some(namespace) if namespace.own => Ok(inside()),
        Some(namespace) => namespaces::within(namespace, inside).map_err(unreadable),
        None => Err(WriteError::NotThere {
            what: format!("network namespace {name}"),
        }),
    }
}

fn is(namespace: &Namespace, name: &Text) -> bool {
    let by_file = || {
        let file = Path::new(name.as_str()?);
        let plain = file.components().count() == 1 && !file.is_absolute();
        plain.then(|| namespace.paths.contains(&Path::new(NAMES).join(file)))
    };
    namespace.known_as == *name || by_file().unwrap_or(false)
}
