//! A thin client of Azure Resource Manager.
//!
//! It gets tokens, keeps to Azure's limits, waits for long-running operations, follows pages, and hands out bodies as Azure
//! gave them, or an error that says what to do about it. What a body means is decided in `netghost_core::azure`.
//!
//! - [`Arm`] is the client; [`Arm::within`] gives its calls a time.
//! - [`Arm::discover`] finds network interfaces and VMs; [`NicReader`] reads them into snapshots.
//! - Pure, with the time given in: the bucket of a limit ([`bucket`]), whether a call is made again ([`retry`]), the shapes of
//!   long-running operations (`lro`), what an error means (`judge`).

pub mod bucket;
pub mod retry;

mod answer;
mod arm;
mod call;
mod cloud;
mod credential;
mod discover;
mod error;
mod http;
mod judge;
mod lro;
mod ops;
mod pages;
mod read;
mod sections;
mod send;
mod throttle;
mod token;
mod within;

pub use answer::{Answer, RequestIds};
pub use arm::{Arm, Build, NotMade, Settings};
pub use cloud::{BadCloud, Cloud, CloudSettings};
pub use credential::{Credential, CredentialSettings};
pub use discover::{DiscoverError, Found, Machine, Missing};
pub use error::{ArmError, Failure, Kind};
pub use http::SetUp;
pub use ops::{Managed, Period, Scope};
pub use pages::Pages;
pub use sections::{NicReader, Read, Reading};
pub use token::{NoToken, Token, TokenSource};
pub use within::Within;
