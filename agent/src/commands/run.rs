//! `netghost-agent run`.

use std::sync::Arc;

use netghost_client::Files;
use sd_notify::NotifyState;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::args::Run;
use crate::check;
use crate::config::Config;
use crate::disk::{Disk, private_directory};
use crate::failure::{Failure, Status};
use crate::link::driver::{self, Setup};
use crate::outside::{Host, random};
use crate::spool::{self, Spool};
use crate::status::Board;
use crate::status::socket::Socket;

/// Serves the controller until the process is told to end.
pub(super) fn run(config: &Config, args: &Run) -> Result<Status, Failure> {
    if args.check_config {
        return Ok(Status::Good);
    }
    log(config);
    let runtime = super::runtime()?;
    let setup = setup(config)?;
    let ended = runtime.block_on(serve(config, setup));
    // A capture that still reads is not waited for: what it would have kept is captured anew.
    runtime.shutdown_background();
    ended
}

/// To standard error, which systemd's journal keeps; it knows the time and the unit itself.
fn log(config: &Config) {
    let builder = tracing_subscriber::fmt()
        .with_max_level(config.log_level)
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .with_target(false);
    // A second logger in one process is refused; the first one serves.
    drop(if std::env::var_os("JOURNAL_STREAM").is_some() {
        builder.without_time().try_init()
    } else {
        builder.try_init()
    });
}

fn setup(config: &Config) -> Result<Setup, Failure> {
    let state = &config.state_directory;
    private_directory(state).map_err(|error| {
        Failure::failed("state", format_args!("cannot make {}: {error}", state.display()))
    })?;
    let not_enrolled = || {
        let path = Files::new(state).path();
        Failure::usage(
            "not_enrolled",
            format_args!("not enrolled: {} is not there", path.display()),
        )
        .hint("netghost-agent enroll --controller HOST:PORT --token-file FILE")
    };
    Files::new(state).load()?.ok_or_else(not_enrolled)?;
    let address = check::address(config).ok_or_else(|| {
        Failure::usage(
            "no_controller",
            "no controller is configured, and none was enrolled with",
        )
        .hint("set `controller = \"HOST:PORT\"` in /etc/netghost/agent.toml")
    })?;
    let host = Host::this();
    let disk = Disk::default();
    let (spool, kept) = Spool::open(state, config.spool_limit, disk.clone(), &host.boot_id)
        .map_err(|error| not_opened(&error))?;
    tracing::info!(controller = %address, in_hand = kept.len(), "netghost-agent {}", env!("CARGO_PKG_VERSION"));
    Ok(Setup {
        state: state.clone(),
        address,
        proxy: config.proxy.clone(),
        host,
        act_socket: config.act_socket.clone(),
        spool: Arc::new(spool),
        kept,
        disk,
        board: Board::default(),
        seed: random().map_err(|error| Failure::of("internal", &error))?,
    })
}

fn not_opened(error: &spool::Error) -> Failure {
    let failure = Failure::of("spool", error);
    match error {
        spool::Error::Locked { .. } => failure.hint("stop the other one: systemctl stop netghost-agent"),
        _ => failure.hint("the directory must belong to the agent's user"),
    }
}

async fn serve(config: &Config, setup: Setup) -> Result<Status, Failure> {
    let ends = |kind| signal(kind).map_err(|error| Failure::of("internal", &error));
    let mut ends = [ends(SignalKind::terminate())?, ends(SignalKind::interrupt())?];
    let path = config.status_socket();
    let socket = Socket::bind(&path).map_err(|error| {
        Failure::failed(
            "status_socket",
            format_args!("cannot listen at {}: {error}", path.display()),
        )
        .hint("the directory must belong to the agent's user; see runtime_directory in the configuration")
    })?;
    let board = setup.board.clone();
    // Without systemd there is nobody to tell.
    drop(sd_notify::notify(&[NotifyState::Ready]));
    tokio::select! {
        () = driver::run(setup, end(&mut ends)) => {}
        () = socket.serve(&board) => {}
    }
    drop(sd_notify::notify(&[NotifyState::Stopping]));
    tracing::info!("stopped");
    Ok(Status::Good)
}

async fn end([terminate, interrupt]: &mut [Signal; 2]) {
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}
