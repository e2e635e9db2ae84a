//! What brings a script to a host and its answer back.

use super::parts::Parts;
use super::reading::{Reading, ReadingError};
use super::script::Script;

/// How often a script runs whose answer was not whole.
const TRIES: u8 = 3;

/// How much of an answer arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keeps {
    /// All of it.
    Everything,
    /// At most this many bytes, those at the end.
    Tail(usize),
}

/// A way to a host: ssh, run-command. It carries fixed scripts and nothing of ours or anybody else's beside them.
pub trait Carrier {
    /// Why a script could not be run there.
    type Error;

    /// How much of an answer arrives.
    fn keeps(&self) -> Keeps;

    /// Runs a script on the host with `sh` and gives its standard output, however the script ended: whether it is whole is
    /// told by its frame. A way that knows that it did not run, or that its answer is lost, says so as an error.
    fn run(&mut self, script: Script) -> impl Future<Output = Result<Vec<u8>, Self::Error>> + Send;
}

/// Why a host was not read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError<E: std::error::Error + 'static> {
    /// The way there failed.
    #[error("cannot run the probe on the host")]
    Carrier(#[source] E),
    /// What came back is not taken.
    #[error("cannot take the probe's answer")]
    Answer(#[source] ReadingError),
}

/// Reads a host: runs script after script until everything is there. What is kept on the host is removed, whatever comes of it.
///
/// # Errors
/// If the way fails, or if an answer is not whole the third time.
pub async fn read<C: Carrier>(carrier: &mut C) -> Result<Parts, ReadError<C::Error>>
where
    C::Error: std::error::Error + 'static,
{
    let mut reading = Reading::new(carrier.keeps()).map_err(ReadError::Answer)?;
    while let Some(script) = reading.script() {
        if let Err(error) = step(carrier, &mut reading, script).await {
            if reading.leaves_something() && script != Script::Remove {
                // The first failure is the one to tell.
                drop(carrier.run(Script::Remove).await);
            }
            return Err(error);
        }
    }
    reading.into_parts().map_err(ReadError::Answer)
}

async fn step<C: Carrier>(
    carrier: &mut C,
    reading: &mut Reading,
    script: Script,
) -> Result<(), ReadError<C::Error>>
where
    C::Error: std::error::Error + 'static,
{
    let mut tries = TRIES;
    loop {
        tries = tries.saturating_sub(1);
        let output = carrier.run(script).await.map_err(ReadError::Carrier)?;
        match reading.take(&output) {
            Ok(()) => return Ok(()),
            Err(error) if tries > 0 && error.may_pass() => {}
            Err(error) => return Err(ReadError::Answer(error)),
        }
    }
}
