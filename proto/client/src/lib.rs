//! The caller's side of the wire, for the agent and for the command.
//!
//! A caller trusts one certificate authority and no other: by its certificate once it is enrolled, by the fingerprint in a
//! token before. TLS is 1.3 only, without resumption.

mod dial;
mod enrol;
mod files;
mod identity;
mod key;
mod proxy;
mod refusal;
mod trust;
mod watched;

pub use dial::{Address, Dial, DialError, NotAnAddress};
pub use enrol::{EnrolError, attest, challenge, enrol, recover, renewed};
pub use files::{FileError, Files};
pub use identity::{Identity, IdentityError};
pub use key::{Key, KeyError};
pub use proxy::Proxy;
pub use refusal::{Refusal, refusal};
pub use trust::{Trust, fingerprint};
