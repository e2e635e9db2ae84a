//! Pieces by managed run-commands, several at a time. It is a faster way to the same bytes: whatever fails here is left to the
//! action, and what comes is held to the same frames.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::{FutureExt, StreamExt, stream};
use netghost_azure::{Arm, Managed};
use netghost_core::azure::id::ResourceId;
use netghost_core::azure::{body, inventory};
use netghost_core::probe::frame::About;
use netghost_core::probe::{PieceNumber, Script};
use serde_json::Value;
use tokio::time::{Instant, sleep, timeout};

/// Commands under way at once on one VM.
const AT_ONCE: usize = 8;
/// Between two looks at a command.
const LOOK: Duration = Duration::from_secs(2);
/// The longest that Azure lets one run, in seconds: it prints a file.
const SECONDS: u32 = 60;
/// How long a command may take to be deleted.
const DELETED: Duration = Duration::from_secs(20);

/// The pieces that could be had within a time.
pub(super) fn pieces<'a>(
    arm: &'a Arm,
    vm: &'a ResourceId,
    many: (u64, About),
    left: Duration,
) -> BoxFuture<'a, BTreeMap<PieceNumber, Vec<u8>>> {
    Box::pin(read(arm, vm, many, left))
}

async fn read(
    arm: &Arm,
    vm: &ResourceId,
    (pieces, about): (u64, About),
    left: Duration,
) -> BTreeMap<PieceNumber, Vec<u8>> {
    let deadline = Instant::now() + left;
    let Some(location) = location(arm, vm, left).await else {
        return BTreeMap::new();
    };
    // A command of an earlier reading must not pass for one of this.
    let reading: String = about.digest.to_string().chars().take(12).collect();
    let numbers = (1..=pieces)
        .filter_map(|number| u8::try_from(number).ok())
        .filter_map(PieceNumber::new);
    let all = stream::iter(numbers).map(|number| {
        let (location, name) = (location.as_str(), format!("netghost-{reading}-{}", number.get()));
        let read = async move {
            let left = deadline.saturating_duration_since(Instant::now());
            let command = format!("{vm}/runCommands/{name}").parse().ok()?;
            let read = piece(arm, &command, location, (number, left)).await;
            read.map(|read| (number, read))
        };
        read.boxed()
    });
    let mut read = BTreeMap::new();
    let mut all = all.buffered(AT_ONCE);
    while let Some(piece) = all.next().await {
        // One that fails says that the others would: the role may lack it, or the VM's agent does not know it.
        let Some((number, bytes)) = piece else { break };
        read.insert(number, bytes);
    }
    read
}

/// Where the VM is, which Azure wants to be told.
async fn location(arm: &Arm, vm: &ResourceId, left: Duration) -> Option<String> {
    let answer = arm.within(left).vm(vm).await.ok()?;
    inventory::vm(&answer.json).ok()?.location
}

/// One piece by a command of its own, which is deleted whatever comes of it.
async fn piece(
    arm: &Arm,
    command: &ResourceId,
    location: &str,
    (number, left): (PieceNumber, Duration),
) -> Option<Vec<u8>> {
    let script = Script::Piece(number).text();
    let managed = Managed {
        location,
        script: &script,
        seconds: SECONDS,
        output: None,
        errors: None,
    };
    let read = timeout(left, run(arm, command, &managed, left)).await;
    // Azure's note of a script that ran: where it stays, it is in nobody's way.
    drop(arm.within(DELETED).delete_managed_command(command).await);
    read.ok().flatten()
}

async fn run(arm: &Arm, command: &ResourceId, managed: &Managed<'_>, left: Duration) -> Option<Vec<u8>> {
    let begun = arm.within(left).put_managed_command(command, managed).await;
    begun.ok()?;
    loop {
        let answer = arm.within(left).managed_command(command).await.ok()?;
        match state(&answer.json)? {
            Seen::Ended(output) => return Some(output.into_bytes()),
            Seen::Runs => sleep(LOOK).await,
        }
    }
}

enum Seen {
    Runs,
    Ended(String),
}

/// What its instance view says; none where it is not understood, or did not end well.
fn state(command: &Value) -> Option<Seen> {
    let inner = |value: &Value, name: &str| body::field(value.as_object()?, name).cloned();
    let view = inner(&inner(command, "properties")?, "instanceView")?;
    let text = |name: &str| inner(&view, name).and_then(|value| value.as_str().map(str::to_owned));
    match text("executionState")?.as_str() {
        "Unknown" | "Pending" | "Running" => Some(Seen::Runs),
        "Succeeded" => text("output").map(Seen::Ended),
        _ => None,
    }
}
