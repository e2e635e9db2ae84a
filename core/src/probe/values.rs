//! Versions of tools, and messages as the kernel would send them for what a tool printed.

/// A version of which two numbers count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Version(pub(super) u32, pub(super) u32);

impl Version {
    /// From the first word that begins with two numbers and a point between them, behind any letters: `iproute2-6.1.0`,
    /// `6.18.44-azure`.
    pub(super) fn find(text: &str) -> Option<Self> {
        text.split([' ', ',', '-']).find_map(|word| {
            let (major, rest) = word.split_once('.')?;
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            Some(Self(major.parse().ok()?, rest.get(..digits)?.parse().ok()?))
        })
    }
}

/// A message in the making: a fixed header, then attributes.
#[derive(Debug, Clone)]
pub(super) struct Message(Vec<u8>);

impl Message {
    pub(super) fn new(header: &[u8]) -> Self {
        Self(header.to_vec())
    }

    /// Adds an attribute. One that is longer than an attribute can be is none of what tools print.
    pub(super) fn attribute(mut self, kind: u16, value: &[u8]) -> Self {
        let length = u16::try_from(value.len().saturating_add(4)).unwrap_or(u16::MAX);
        self.0.extend(length.to_ne_bytes());
        self.0.extend(kind.to_ne_bytes());
        self.0.extend(value);
        self.0.resize(self.0.len().next_multiple_of(4), 0);
        self
    }

    pub(super) fn some(self, kind: u16, value: Option<Vec<u8>>) -> Self {
        match value {
            Some(value) => self.attribute(kind, &value),
            None => self,
        }
    }

    pub(super) fn bytes(self) -> Vec<u8> {
        self.0
    }
}

/// The bytes of an address.
pub(super) fn address(text: &str) -> Option<Vec<u8>> {
    Some(match text.parse().ok()? {
        std::net::IpAddr::V4(address) => address.octets().to_vec(),
        std::net::IpAddr::V6(address) => address.octets().to_vec(),
    })
}

/// The bytes of a hardware address, `00:11:22:33:44:55`; tunnels have an address of IP there.
pub(super) fn hardware(text: &str) -> Option<Vec<u8>> {
    if text.contains('.') || text.contains("::") {
        return address(text);
    }
    let byte = |pair: &str| {
        let plain = pair.len() == 2 && pair.bytes().all(|byte| byte.is_ascii_hexdigit());
        plain.then(|| u8::from_str_radix(pair, 16).ok()).flatten()
    };
    let bytes: Vec<u8> = text.split(':').map(byte).collect::<Option<_>>()?;
    // Ethernet and InfiniBand; of other lengths an address of IP looks like one.
    matches!(bytes.len(), 6 | 20).then_some(bytes)
}
