//! The name in a certificate.

use super::{Id, NotAnId};

/// Who can hold a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A VM's agent.
    Agent,
    /// A person's command.
    User,
    /// A controller.
    Controller,
}

impl Kind {
    /// All.
    pub const ALL: [Self; 3] = [Self::Agent, Self::User, Self::Controller];

    /// The word for it, as it stands in a SPIFFE id.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::User => "user",
            Self::Controller => "controller",
        }
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A SPIFFE id (<https://spiffe.io/docs/latest/spiffe-about/spiffe-concepts/#spiffe-id>) of the only form that is issued:
/// `spiffe://DOMAIN/KIND/UUID`. Names and roles live in the store, so that they can change.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SpiffeId {
    /// The trust domain: the controller's.
    pub domain: String,
    /// What it is.
    pub kind: Kind,
    /// Which one.
    pub id: Id,
}

/// A text is no SPIFFE id of this form.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotSpiffe {
    /// Not `spiffe://DOMAIN/KIND/UUID`.
    #[error("not of the form spiffe://DOMAIN/agent|user|controller/UUID")]
    Form,
    /// The last part is no id.
    #[error("its last part")]
    Id(#[from] NotAnId),
}

impl SpiffeId {
    /// Parses `spiffe://DOMAIN/KIND/UUID`.
    pub fn parse(text: &str) -> Result<Self, NotSpiffe> {
        let rest = text.strip_prefix("spiffe://").ok_or(NotSpiffe::Form)?;
        let mut parts = rest.split('/');
        let (Some(domain), Some(kind), Some(id), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(NotSpiffe::Form);
        };
        let kind = Kind::ALL.into_iter().find(|known| known.as_str() == kind);
        if !Self::is_domain(domain) {
            return Err(NotSpiffe::Form);
        }
        Ok(Self {
            domain: domain.to_owned(),
            kind: kind.ok_or(NotSpiffe::Form)?,
            id: Id::parse(id)?,
        })
    }

    /// True for a trust domain: lower-case letters, digits, dots, dashes and underscores, at most 255 (SPIFFE-ID §2.1).
    pub fn is_domain(text: &str) -> bool {
        let letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-_".contains(&byte);
        !text.is_empty() && text.len() <= 255 && text.bytes().all(letter)
    }
}

impl std::fmt::Display for SpiffeId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "spiffe://{}/{}/{}", self.domain, self.kind, self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_issued_form_is_read() {
        let text = "spiffe://example.org/agent/07070707-0707-4707-8707-070707070707";
        assert_eq!(SpiffeId::parse(text).unwrap().to_string(), text);
        for other in [
            "spiffe://example.org/agent/",
            "spiffe://example.org/root/07070707-0707-4707-8707-070707070707",
            "spiffe:///agent/07070707-0707-4707-8707-070707070707",
            "spiffe://Example.org/agent/07070707-0707-4707-8707-070707070707",
            "spiffe://example.org/agent/07070707-0707-4707-8707-070707070707/x",
            "https://example.org/agent/07070707-0707-4707-8707-070707070707",
        ] {
            assert!(SpiffeId::parse(other).is_err(), "{other}");
        }
    }
}
