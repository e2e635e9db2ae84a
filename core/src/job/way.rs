//! What of a target is read, and by which way.

use serde::{Deserialize, Serialize};

/// What of a VM is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Layer {
    /// What its own kernel holds.
    Host,
    /// What Azure computed and configured for its network interfaces.
    Azure,
}

/// By which way hosts are to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Via {
    /// By its agent; where a VM has none, by run-command.
    #[default]
    Auto,
    /// By its agent only.
    Agent,
    /// By a script that Azure runs in the VM.
    RunCommand,
    /// By a script over the user's own `ssh`.
    Ssh,
}

/// By which way a target was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Way {
    /// By its agent.
    Agent,
    /// It is the host on which the command runs.
    ThisHost,
    /// By a script that Azure ran in the VM.
    RunCommand,
    /// By a script over `ssh`.
    Ssh,
    /// From Azure Resource Manager.
    Arm,
}

/// The words of an enumeration, both ways.
macro_rules! words {
    ($kind:ident { $($variant:ident = $word:literal),+ $(,)? }) => {
        impl $kind {
            /// All, in order.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The word for it.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word),+
                }
            }

            /// The one of this word.
            pub fn parse(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|one| one.as_str() == word)
            }
        }

        impl std::fmt::Display for $kind {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

words!(Layer { Host = "host", Azure = "azure" });
words!(Via { Auto = "auto", Agent = "agent", RunCommand = "run-command", Ssh = "ssh" });
words!(Way { Agent = "agent", ThisHost = "this-host", RunCommand = "run-command", Ssh = "ssh", Arm = "arm" });

impl Via {
    /// True where nothing was said.
    pub(crate) fn is_auto(&self) -> bool {
        *self == Self::Auto
    }
}

impl Way {
    /// Which layer is read by it.
    pub fn layer(self) -> Layer {
        match self {
            Self::Arm => Layer::Azure,
            Self::Agent | Self::ThisHost | Self::RunCommand | Self::Ssh => Layer::Host,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifact::json;

    fn spelled<T: Serialize>(value: T) -> String {
        String::from_utf8(json::to_vec(&value).unwrap()).unwrap()
    }

    #[test]
    fn every_word_is_the_one_of_its_json() {
        for one in Layer::ALL {
            assert_eq!(spelled(one), format!("\"{one}\""));
            assert_eq!(Layer::parse(one.as_str()), Some(*one));
        }
        for one in Via::ALL {
            assert_eq!(spelled(one), format!("\"{one}\""));
            assert_eq!(Via::parse(one.as_str()), Some(*one));
        }
        for one in Way::ALL {
            assert_eq!(spelled(one), format!("\"{one}\""));
            assert_eq!(Way::parse(one.as_str()), Some(*one));
        }
        assert_eq!((Layer::parse(""), Via::parse("SSH")), (None, None));
    }
}
