//! Why a call failed, where the reason lies below gRPC.

use std::error::Error as _;

use rustls::AlertDescription;

/// A refusal by TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The own certificate ran out, or is not valid yet: clocks may differ.
    #[error(
        "the controller says that the own certificate is out of its period: it ran out, or a clock is wrong"
    )]
    OutOfPeriod,
    /// The own certificate was issued by another authority.
    #[error("the controller does not know who issued the own certificate: it is of another controller")]
    Foreign,
    /// The own certificate is not taken for another reason.
    #[error("the controller does not take the own certificate")]
    Certificate,
    /// Another alert.
    #[error("the controller ended the connection by a TLS alert")]
    Other,
}

/// The TLS alert behind a failed call, if there was one.
pub fn refusal(status: &tonic::Status) -> Option<Refusal> {
    let mut next = status.source();
    while let Some(error) = next {
        if let Some(refusal) = of(error) {
            return Some(refusal);
        }
        next = error.source();
    }
    None
}

/// The alerts by which a peer says something of the own certificate (RFC 8446 §6.2).
const ALERTS: [AlertDescription; 8] = [
    AlertDescription::CertificateExpired,
    AlertDescription::UnknownCA,
    AlertDescription::BadCertificate,
    AlertDescription::CertificateRevoked,
    AlertDescription::CertificateUnknown,
    AlertDescription::UnsupportedCertificate,
    AlertDescription::DecryptError,
    AlertDescription::AccessDenied,
];

fn of(error: &(dyn std::error::Error + 'static)) -> Option<Refusal> {
    let io = error
        .downcast_ref::<std::io::Error>()
        .and_then(std::io::Error::get_ref);
    let inner = io.and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match inner.or_else(|| error.downcast_ref::<rustls::Error>()) {
        Some(rustls::Error::AlertReceived(alert)) => Some(by_alert(*alert)),
        Some(_) => None,
        None => by_text(&io?.to_string()),
    }
}

/// h2 keeps of an I/O error its kind and its text (`h2::proto::Error::Io`): the alert is known by how rustls words it.
fn by_text(text: &str) -> Option<Refusal> {
    let worded = |alert: AlertDescription| rustls::Error::AlertReceived(alert).to_string();
    let known = ALERTS.into_iter().find(|alert| worded(*alert) == text);
    let any = worded(AlertDescription::CloseNotify);
    let (prefix, _) = any.rsplit_once(' ')?;
    known
        .map(by_alert)
        .or_else(|| text.starts_with(prefix).then_some(Refusal::Other))
}

fn by_alert(alert: AlertDescription) -> Refusal {
    match alert {
        AlertDescription::CertificateExpired => Refusal::OutOfPeriod,
        AlertDescription::UnknownCA => Refusal::Foreign,
        AlertDescription::BadCertificate
        | AlertDescription::CertificateRevoked
        | AlertDescription::CertificateUnknown
        | AlertDescription::UnsupportedCertificate
        | AlertDescription::DecryptError
        | AlertDescription::AccessDenied => Refusal::Certificate,
        _ => Refusal::Other,
    }
}
