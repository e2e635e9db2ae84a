//! The log, on standard error.

use netghost_controller::config::Level;
use tracing_subscriber::EnvFilter;

/// Logs from now on. Other crates are heard from `warn` on, unless everything is wanted.
pub(super) fn start(level: Level) {
    let level = tracing::Level::from(level).as_str().to_ascii_lowercase();
    let filter = match level.as_str() {
        "trace" => "trace".to_owned(),
        _ => format!("warn,netghost_controller={level}"),
    };
    // The journal has its own clock and no colours.
    let journal = std::env::var_os("JOURNAL_STREAM").is_some();
    let subscriber = tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .with_target(false)
        .with_env_filter(EnvFilter::new(filter));
    // A test may have set one up already; then that one hears.
    drop(match journal {
        true => subscriber.without_time().try_init(),
        false => subscriber.try_init(),
    });
}
