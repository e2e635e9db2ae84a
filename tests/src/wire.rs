//! What travels between a client, the keeper of a VM and the command loop inside it: one JSON object per line.

use std::io::{self, BufRead, Read, Write};
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::error::LabError;
use crate::run::{Limits, Output, Status};

/// The longest line read: two streams of [`Limits`]' default and much to spare. A guest can't fill the host's memory.
const LONGEST_LINE: u64 = 256 << 20;

/// Bytes of requests that may be on their way into a guest. The kernel's terminal buffer holds 4,096; when it fills up, the serial
/// line of User-Mode Linux 6.1 stops and does not start again.
pub(crate) const WINDOW: usize = 2048;

/// One command to run in a VM.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Request {
    /// Chosen by the sender; the answer repeats it.
    pub(crate) id: u64,
    pub(crate) argv: Vec<String>,
    #[serde(with = "base64_bytes")]
    pub(crate) input: Vec<u8>,
    pub(crate) limits: Limits,
}

/// A line from the command loop in a guest.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum FromGuest {
    /// The loop is ready.
    Hello,
    /// So many bytes of requests have been read in all.
    Taken(u64),
    /// The answer to the request of that id.
    Answer { id: u64, answer: Answer },
}

/// What became of a request.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Answer {
    Done {
        status: Status,
        #[serde(with = "base64_bytes")]
        stdout: Vec<u8>,
        #[serde(with = "base64_bytes")]
        stderr: Vec<u8>,
    },
    Start {
        program: String,
        errno: Option<i32>,
    },
    TimedOut {
        command: String,
        seconds: u64,
        stderr: String,
    },
    TooMuchOutput {
        command: String,
        stdout: bool,
        limit: usize,
    },
    Other {
        message: String,
    },
    /// The VM has ended or never came up; from the keeper, with the end of the console.
    Died {
        what: String,
        console: String,
    },
}

impl From<Result<Output, LabError>> for Answer {
    fn from(result: Result<Output, LabError>) -> Self {
        match result {
            Ok(Output {
                status,
                stdout,
                stderr,
            }) => Self::Done {
                status,
                stdout,
                stderr,
            },
            Err(LabError::Start { program, source }) => Self::Start {
                program,
                errno: source.raw_os_error(),
            },
            Err(LabError::TimedOut {
                command,
                seconds,
                stderr,
            }) => Self::TimedOut {
                command,
                seconds,
                stderr,
            },
            Err(LabError::TooMuchOutput {
                command,
                stream,
                limit,
            }) => Self::TooMuchOutput {
                command,
                stdout: stream == "stdout",
                limit,
            },
            Err(other) => Self::Other {
                message: other.to_string(),
            },
        }
    }
}

impl Answer {
    /// The answer as the caller of `exec` on VM `vm` gets it.
    pub(crate) fn into_result(self, vm: &str) -> Result<Output, LabError> {
        Err(match self {
            Self::Done {
                status,
                stdout,
                stderr,
            } => {
                return Ok(Output {
                    status,
                    stdout,
                    stderr,
                });
            }
            Self::Start { program, errno } => LabError::Start {
                program,
                source: errno.map_or_else(|| io::ErrorKind::Other.into(), io::Error::from_raw_os_error),
            },
            Self::TimedOut {
                command,
                seconds,
                stderr,
            } => LabError::TimedOut {
                command,
                seconds,
                stderr,
            },
            Self::TooMuchOutput {
                command,
                stdout,
                limit,
            } => LabError::TooMuchOutput {
                command,
                stream: if stdout { "stdout" } else { "stderr" },
                limit,
            },
            Self::Other { message } => LabError::Guest {
                vm: vm.to_owned(),
                message,
            },
            Self::Died { what, console } => LabError::Died {
                vm: vm.to_owned(),
                what,
                console,
            },
        })
    }
}

/// Time for the answer itself to travel, above the command's own time. An emulated machine can be slow.
pub(crate) const TRAVEL: Duration = Duration::from_secs(20);

/// Reads one line; `None` at the end of the stream.
pub(crate) fn read_line<T: DeserializeOwned>(from: &mut impl BufRead) -> io::Result<Option<T>> {
    let mut line = Vec::new();
    if from.take(LONGEST_LINE).read_until(b'\n', &mut line)? == 0 {
        return Ok(None);
    }
    if line.last() != Some(&b'\n') {
        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "a line was cut"));
    }
    serde_json::from_slice(&line).map(Some).map_err(|error| {
        let start = String::from_utf8_lossy(line.get(..80).unwrap_or(&line)).into_owned();
        io::Error::new(io::ErrorKind::InvalidData, format!("{error} in {start:?}"))
    })
}

/// Writes one line.
pub(crate) fn write_line(to: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    let mut line = serde_json::to_vec(value)?;
    line.push(b'\n');
    to.write_all(&line)?;
    to.flush()
}

mod base64_bytes {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use serde::de::Error as _;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&STANDARD.encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(from)?;
        STANDARD.decode(text).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_comes_back_as_it_was() {
        let bytes: Vec<u8> = (0..=255).collect();
        let sent = FromGuest::Answer {
            id: 7,
            answer: Answer::Done {
                status: Status::Signalled(9),
                stdout: bytes.clone(),
                stderr: vec![],
            },
        };
        let mut wire = Vec::new();
        write_line(&mut wire, &sent).unwrap();
        assert_eq!(wire.iter().filter(|byte| **byte == b'\n').count(), 1);
        let FromGuest::Answer { id: 7, answer } = read_line(&mut &*wire).unwrap().unwrap() else {
            panic!()
        };
        assert_eq!(
            answer.into_result("vm1").unwrap(),
            Output {
                status: Status::Signalled(9),
                stdout: bytes,
                stderr: vec![]
            }
        );
    }

    #[test]
    fn a_cut_or_foreign_line_is_an_error_and_the_end_is_none() {
        assert!(read_line::<FromGuest>(&mut &b""[..]).unwrap().is_none());
        assert!(
            read_line::<FromGuest>(&mut &b"\"hello\""[..]).is_err(),
            "no newline"
        );
        assert!(read_line::<FromGuest>(&mut &b"login: \n"[..]).is_err());
    }

    #[test]
    fn errors_keep_their_kind() {
        let sent = Answer::from(Err(LabError::TooMuchOutput {
            command: "yes".into(),
            stream: "stderr",
            limit: 5,
        }));
        let back = sent.into_result("vm1").unwrap_err();
        assert!(
            matches!(
                back,
                LabError::TooMuchOutput {
                    stream: "stderr",
                    limit: 5,
                    ..
                }
            ),
            "{back}"
        );
        let died = Answer::Died {
            what: "it ended".into(),
            console: "Kernel panic".into(),
        };
        assert!(
            died.into_result("vm1")
                .unwrap_err()
                .to_string()
                .contains("Kernel panic")
        );
    }
}
