//! What went wrong with a call, in terms that its caller can act on.

use std::fmt;
use std::ops::Deref;
use std::time::Duration;

use crate::answer::RequestIds;

/// A call that gave no answer to build on. Read its fields through [`Failure`].
#[derive(Debug)]
pub struct ArmError(Box<Failure>);

/// What is known of a failed call.
#[derive(Debug)]
pub struct Failure {
    /// The call: method and path, `POST /subscriptions/…/effectiveRouteTable`.
    pub call: String,
    /// What went wrong.
    pub kind: Kind,
    /// The HTTP status of the last answer, where one came.
    pub status: Option<u16>,
    /// Azure's code, `AuthorizationFailed`, where it named one.
    pub code: Option<String>,
    /// What Azure or the network said, bounded in length.
    pub message: String,
    /// The ids by which Azure's support finds the request.
    pub ids: RequestIds,
    /// How often the call was made again before.
    pub retries: u32,
    /// The URL of the long-running operation that the call had started, and which may go on in Azure.
    pub operation: Option<String>,
    /// True where a long-running operation ended this way after it had been accepted.
    pub asynchronous: bool,
}

/// What went wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// The login lacks a permission (`AuthorizationFailed`), or a policy or firewall of Azure forbids the call.
    Forbidden {
        /// The missing action, `Microsoft.Network/networkInterfaces/effectiveRouteTable/action`, where it was named.
        action: Option<String>,
        /// The scope it is missing at.
        scope: Option<String>,
    },
    /// Azure refused the token, also a fresh one.
    Unauthenticated,
    /// No token was to be had.
    NoToken,
    /// There is no such subscription in the login's tenant, or the login can't see it.
    NoSubscription,
    /// There is no such resource, or group.
    NotFound {
        /// True where Resource Manager itself said so (`ResourceNotFound`, `ResourceGroupNotFound`); false where the
        /// resource's provider did (`NotFound`).
        by_resource_manager: bool,
    },
    /// What was asked for exists only while the VM runs.
    NotRunning,
    /// More calls than the limit, to the end of the retries or the deadline.
    Throttled {
        /// When Azure would take the call again.
        retry_after: Option<Duration>,
    },
    /// Another operation held the resource, to the end of the retries or the deadline.
    Locked,
    /// A quota or a count of resources is exhausted: no waiting helps.
    Quota,
    /// The resource is not the one that was read before (`If-Match`).
    Changed,
    /// Azure took the call for wrong, or refused it for another reason.
    Rejected,
    /// An error of Azure's own.
    Server,
    /// A long-running operation was cancelled.
    Cancelled,
    /// A long-running operation failed, for none of the reasons above.
    OperationFailed,
    /// The answer was no JSON: a page of a proxy or a login, as a rule.
    NotJson {
        /// The type that it claimed.
        content_type: String,
        /// True where it is a page for a browser.
        html: bool,
    },
    /// The answer ended before its end: the connection broke within the body, or its JSON stops midway.
    Cut,
    /// The answer was of no known shape: whole, and no valid JSON or without a part that belongs there.
    Malformed,
    /// The answer is longer than the limit.
    TooLarge,
    /// A URL in an answer leads to another host. It was not followed: a token would have gone there.
    OtherHost,
    /// Pages that go round in a circle, or have no end.
    Endless,
    /// The time for the call was over.
    Deadline,
    /// Resource Manager could not be reached, or the connection broke.
    Network,
    /// The call's own arguments are wrong. Nothing was sent.
    Argument,
}

impl Kind {
    /// The kind in words, up to where the message follows.
    fn words(&self) -> String {
        let text = match self {
            Self::Forbidden {
                action: Some(action),
                scope: Some(scope),
            } => {
                return format!("the login may not do {action} at {scope}");
            }
            Self::Forbidden {
                action: Some(action),
                scope: None,
            } => return format!("the login may not do {action}"),
            Self::NotJson {
                content_type,
                html: false,
            } => return format!("the answer is {content_type}, no JSON"),
            Self::NotJson {
                content_type,
                html: true,
            } => {
                return format!(
                    "the answer is a page for a browser ({content_type}), as of a proxy or a login"
                );
            }
            Self::Throttled {
                retry_after: Some(after),
            } => {
                return format!(
                    "throttled; Azure takes the call again in {} s",
                    after.as_secs_f64().ceil()
                );
            }
            Self::Throttled { retry_after: None } => "throttled",
            Self::Forbidden { .. } => "forbidden",
            Self::Unauthenticated => "Azure refused the token, also a fresh one",
            Self::NoToken => "no token",
            Self::NoSubscription => "no such subscription, or none that the login can see",
            Self::NotFound { .. } => "not found",
            Self::NotRunning => "the VM is not running",
            Self::Locked => "another operation holds the resource",
            Self::Quota => "a quota is exhausted",
            Self::Changed => "the resource was changed meanwhile",
            Self::Rejected => "refused",
            Self::Server => "an error in Azure",
            Self::Cancelled => "the operation was cancelled",
            Self::OperationFailed => "the operation failed",
            Self::Cut => "the answer was cut off",
            Self::Malformed => "the answer is not of a known form",
            Self::TooLarge => "the answer is too long",
            Self::OtherHost => "an answer leads to another host, which is not followed",
            Self::Endless => "the pages have no end",
            Self::Deadline => "the time for it was over",
            Self::Network => "the network failed",
            Self::Argument => "wrong use",
        };
        text.to_owned()
    }
}

impl ArmError {
    pub(crate) fn new(call: &str, kind: Kind, message: impl Into<String>) -> Self {
        Self(Box::new(Failure {
            call: call.to_owned(),
            kind,
            status: None,
            code: None,
            message: message.into(),
            ids: RequestIds::default(),
            retries: 0,
            operation: None,
            asynchronous: false,
        }))
    }

    pub(crate) fn with(mut self, change: impl FnOnce(&mut Failure)) -> Self {
        change(&mut self.0);
        self
    }
}

impl Deref for ArmError {
    type Target = Failure;

    fn deref(&self) -> &Failure {
        &self.0
    }
}

impl fmt::Display for ArmError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.call, self.kind.words())?;
        match (self.status, &self.code) {
            (Some(status), Some(code)) => write!(f, " ({status} {code})")?,
            (Some(status), None) => write!(f, " ({status})")?,
            (None, Some(code)) => write!(f, " ({code})")?,
            (None, None) => {}
        }
        if !self.message.is_empty() {
            write!(f, ": {}", self.message)?;
        }
        if self.retries > 0 {
            write!(f, "; tried {} times", u64::from(self.retries) + 1)?;
        }
        if let Some(operation) = &self.operation {
            write!(f, "; its operation is {operation}")?;
        }
        write!(f, "{}", self.ids)
    }
}

impl std::error::Error for ArmError {}
