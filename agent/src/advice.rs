//! What to do about a connection that can't be made.

use std::io;

use netghost_client::DialError;
use rustls::CertificateError;

/// What to do, where more can be said than the error says.
pub fn of(error: &DialError) -> Option<String> {
    let text = match error {
        DialError::Resolve { .. } => {
            "check the controller's name in /etc/netghost/agent.toml and the VM's resolver (/etc/resolv.conf)"
                .to_owned()
        }
        DialError::Connect { address, source } => connect(address, source),
        DialError::Proxy { .. } => {
            "check `proxy` in /etc/netghost/agent.toml, and that the proxy allows CONNECT to that host and port"
                .to_owned()
        }
        DialError::Tls { source, .. } => return tls(source),
        DialError::Own(_) => "enrol again: netghost-agent enroll --replace".to_owned(),
        DialError::Http { .. } => return None,
    };
    Some(text)
}

fn connect(address: &netghost_client::Address, source: &io::Error) -> String {
    match source.kind() {
        io::ErrorKind::ConnectionRefused => format!(
            "nothing listens there: check that netghost-controller runs and listens on port {}",
            address.port
        ),
        io::ErrorKind::TimedOut => format!(
            "packets are dropped on the way: allow outbound TCP {} in the VM's firewall and in the network security groups",
            address.port
        ),
        _ => format!("check the route to {address} (ip route get {})", address.host),
    }
}

/// What the TLS library found wrong.
pub fn tls_error(error: &io::Error) -> Option<&rustls::Error> {
    error.get_ref()?.downcast_ref()
}

fn tls(source: &io::Error) -> Option<String> {
    let text = match tls_error(source)? {
        rustls::Error::InvalidCertificate(error) => match error {
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                "use a name that stands in the controller's certificate, or add this one to `names` in its configuration"
            }
            // An authority of the same name with another key is another one.
            CertificateError::UnknownIssuer | CertificateError::BadSignature => {
                "this is not the controller that was trusted: check the address; after a new CA enrol again with a new \
                 token (netghost-agent enroll --replace)"
            }
            CertificateError::Expired
            | CertificateError::ExpiredContext { .. }
            | CertificateError::NotValidYet
            | CertificateError::NotValidYetContext { .. } => {
                "a clock is wrong: set this VM's (timedatectl set-ntp true, or chronyc makestep) and look at the \
                 controller's"
            }
            _ => return None,
        },
        rustls::Error::PeerIncompatible(_)
        | rustls::Error::AlertReceived(rustls::AlertDescription::ProtocolVersion) => {
            "the other end speaks no TLS 1.3: it is no netghost controller, or something on the way breaks TLS open"
        }
        rustls::Error::InvalidMessage(_) => {
            "the other end speaks no TLS: check the port, and that no plain proxy is in the way"
        }
        _ => return None,
    };
    Some(text.to_owned())
}
