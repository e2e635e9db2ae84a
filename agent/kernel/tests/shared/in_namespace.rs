//! Network namespaces of a test, and the time.

use std::time::{SystemTime, UNIX_EPOCH};

use netghost_lab::netns::Namespace;

/// Microseconds since 1970 UTC.
pub(crate) fn now_us() -> u64 {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    u64::try_from(elapsed.as_micros()).unwrap()
}

/// A namespace in which each line of the script has run.
pub(crate) fn namespace(script: &str) -> Namespace {
    let namespace = Namespace::new().unwrap();
    run(&namespace, script);
    namespace
}

/// Runs each line of the script.
pub(crate) fn run(namespace: &Namespace, script: &str) {
    for line in script.lines().map(str::trim).filter(|line| !line.is_empty()) {
        namespace.must(&["sh", "-c", line]).unwrap();
    }
}
