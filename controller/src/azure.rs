//! How this controller asks Azure.

use netghost_azure::Arm;

/// The login to Azure that this controller uses, if it has one.
#[derive(Debug, Clone)]
pub struct Azure {
    /// The client.
    pub arm: Arm,
    /// The subscription in which names are looked for.
    pub subscription: Option<String>,
}
