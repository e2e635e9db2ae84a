//! What an agent says of itself first.

use netghost_proto::convert::BadField;
use netghost_proto::{PROTOCOL, v1};
use tonic::Status;

/// The longest of the texts in a `Hello`, in bytes; Linux's own names are shorter.
const TEXT: usize = 255;
/// How many capabilities an agent may name.
const CAPABILITIES: usize = 64;

/// A `Hello` that was checked.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Hello {
    /// The highest version that both speak.
    pub(crate) protocol: u32,
    pub(crate) capabilities: Vec<String>,
    pub(crate) boot_id: String,
    pub(crate) host_name: String,
    pub(crate) kernel: String,
    pub(crate) version: String,
    /// The agent's wall clock, microseconds since 1970 UTC.
    pub(crate) clock_us: u64,
    /// The last head of the audit log that the agent saw.
    pub(crate) head: Option<v1::AuditHead>,
    /// Which run of which process this is.
    pub(crate) process: String,
}

impl TryFrom<v1::Hello> for Hello {
    type Error = Status;

    fn try_from(hello: v1::Hello) -> Result<Self, Status> {
        let protocol = common(hello.protocol_min, hello.protocol_max)?;
        if hello.capabilities.len() > CAPABILITIES {
            let many = format!(
                "at most {CAPABILITIES} are named, not {}",
                hello.capabilities.len()
            );
            return Err(BadField::new("capabilities", many).into());
        }
        let capabilities = hello
            .capabilities
            .into_iter()
            .map(|one| text("capabilities", one));
        let process = text("process_id", hello.process_id)?;
        if process.is_empty() {
            return Err(BadField::new("process_id", "it is empty").into());
        }
        Ok(Self {
            protocol,
            capabilities: capabilities.collect::<Result<_, _>>()?,
            boot_id: text("boot_id", hello.boot_id)?,
            host_name: text("host_name", hello.host_name)?,
            kernel: text("kernel", hello.kernel)?,
            version: text("version", hello.version)?,
            clock_us: hello.clock_us,
            head: hello.head,
            process,
        })
    }
}

/// The highest version of both ranges.
fn common(min: u32, max: u32) -> Result<u32, Status> {
    let (ours_min, ours_max) = (*PROTOCOL.start(), *PROTOCOL.end());
    let highest = max.min(ours_max);
    if min <= highest && highest >= ours_min {
        return Ok(highest);
    }
    let older = if max < ours_min { "agent" } else { "controller" };
    Err(Status::failed_precondition(format!(
        "the agent speaks protocol {min} to {max}, this controller {ours_min} to {ours_max}: upgrade the {older}"
    )))
}

/// A text for people: of bounded length, in one line.
fn text(field: &'static str, text: String) -> Result<String, BadField> {
    if text.len() > TEXT {
        return Err(BadField::new(field, format_args!("longer than {TEXT} bytes")));
    }
    if text.chars().any(char::is_control) {
        return Err(BadField::new(field, "it has a control character"));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_common_version_is_taken() {
        assert_eq!(common(0, 9).unwrap(), *PROTOCOL.end());
        assert_eq!(common(1, 1).unwrap(), 1);
        for (min, max, word) in [(0, 0, "agent"), (2, 3, "controller"), (1, 0, "agent")] {
            let status = common(min, max).unwrap_err();
            assert_eq!(status.code(), tonic::Code::FailedPrecondition);
            assert!(
                status.message().ends_with(&format!("upgrade the {word}")),
                "{status:?}"
            );
            assert!(status.message().contains("controller 1 to 1"), "{status:?}");
        }
    }

    #[test]
    fn texts_are_bounded_and_plain() {
        let hello = |version: &str, process: &str| {
            Hello::try_from(v1::Hello {
                protocol_min: 1,
                protocol_max: 1,
                version: version.to_owned(),
                process_id: process.to_owned(),
                ..v1::Hello::default()
            })
        };
        assert!(hello("0.1", "p").is_ok());
        for (version, process) in [
            ("a\nb", "p"),
            (&"x".repeat(256), "p"),
            ("0.1", ""),
            ("\x1b[2J", "p"),
        ] {
            assert_eq!(
                hello(version, process).unwrap_err().code(),
                tonic::Code::InvalidArgument
            );
        }
    }
}
