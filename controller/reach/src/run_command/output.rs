//! What run-command hands back: statuses with messages, in which both streams stand as text.

use netghost_core::azure::body;
use serde_json::Value;

use super::RunCommandError;

/// What a script printed, as far as Azure kept it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Streams {
    pub(super) stdout: Vec<u8>,
    pub(super) stderr: String,
}

/// What stands in front of the streams in the one message of a Linux VM.
const STDOUT: &str = "[stdout]\n";
const STDERR: &str = "\n[stderr]\n";

impl Streams {
    /// The standard output. Where nothing stands there, what was said instead.
    pub(super) fn answer(self) -> Result<Vec<u8>, RunCommandError> {
        let said = shown(&self.stderr);
        match (self.stdout.iter().all(u8::is_ascii_whitespace), said.is_empty()) {
            (true, false) => Err(RunCommandError::Said { said }),
            _ => Ok(self.stdout),
        }
    }
}

/// The streams of a result: of a Linux VM one status whose message holds both, of others one status for each.
pub(super) fn streams(result: &Value) -> Result<Streams, RunCommandError> {
    let list = result.as_object().and_then(|object| body::field(object, "value"));
    let list = list.and_then(Value::as_array).filter(|list| !list.is_empty());
    let list = list.ok_or_else(|| unknown("it has no list of statuses"))?;
    let (mut stdout, mut stderr) = (None, None);
    for status in list {
        let (code, message) = read(status)?;
        let lower = code.to_ascii_lowercase();
        let words: Vec<&str> = lower.split('/').collect();
        let slot = match words.as_slice() {
            [_, .., "failed"] | [_, "failed", ..] => {
                return Err(RunCommandError::Failed { said: shown(message) });
            }
            ["provisioningstate", "succeeded", ..] => {
                let (out, err) = both(message)?;
                set(&mut stderr, err)?;
                set(&mut stdout, out)?;
                continue;
            }
            ["componentstatus", "stdout", "succeeded"] => &mut stdout,
            ["componentstatus", "stderr", "succeeded"] => &mut stderr,
            _ => return Err(unknown(&format!("its status {:?} is not known", shown(code)))),
        };
        set(slot, message)?;
    }
    let stdout = stdout.ok_or_else(|| unknown("no status holds the standard output"))?;
    Ok(Streams {
        stdout: stdout.as_bytes().to_vec(),
        stderr: stderr.unwrap_or_default().to_owned(),
    })
}

fn set<'a>(slot: &mut Option<&'a str>, message: &'a str) -> Result<(), RunCommandError> {
    match slot.replace(message) {
        None => Ok(()),
        Some(_) => Err(unknown("two statuses hold the same stream")),
    }
}

/// The code and the message, or where there is no message what is displayed.
fn read(status: &Value) -> Result<(&str, &str), RunCommandError> {
    let object = status
        .as_object()
        .ok_or_else(|| unknown("a status is no object"))?;
    let text = |name: &str| match body::field(object, name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.as_str())),
        Some(_) => Err(unknown(&format!("{name} is no text"))),
    };
    let code = text("code")?.ok_or_else(|| unknown("a status has no code"))?;
    let message = match text("message")? {
        Some(message) => message,
        None => text("displayStatus")?.unwrap_or_default(),
    };
    Ok((code, message))
}

/// `Enable succeeded: \n[stdout]\n…\n[stderr]\n…`
fn both(message: &str) -> Result<(&str, &str), RunCommandError> {
    let streams = message
        .split_once(STDOUT)
        .filter(|(before, _)| before.is_empty() || before.ends_with('\n'));
    let (_, streams) = streams.ok_or_else(|| unknown("its message has no [stdout]"))?;
    // An empty output has no line of its own in front.
    if let Some(err) = streams.strip_prefix(STDERR.trim_start()) {
        return Ok(("", err));
    }
    streams
        .split_once(STDERR)
        .ok_or_else(|| unknown("its message has no [stderr]"))
}

fn unknown(why: &str) -> RunCommandError {
    RunCommandError::Unknown { why: why.to_owned() }
}

/// Text without control characters, bounded: what a VM says may be meant for a terminal.
pub(super) fn shown(text: &str) -> String {
    let plain: String = text
        .chars()
        .map(|letter| if letter.is_control() { ' ' } else { letter })
        .collect();
    let words: Vec<&str> = plain.split_whitespace().collect();
    words.join(" ").chars().take(300).collect()
}
