//! The wire of netghost: the generated types of `netghost.v1`, and conversions at its edge.
//!
//! Domain types become wire types by `From`; wire types become domain types by `TryFrom`, whose error names the bad field.
//! Nothing behind the edge sees a wire type.

pub mod convert;

/// The generated messages, clients and servers of `netghost/v1/netghost.proto`, where each is described.
pub mod v1 {
    #![allow(
        missing_docs,
        unreachable_pub,
        clippy::allow_attributes_without_reason,
        clippy::pedantic,
        clippy::too_many_lines,
        reason = "generated code, described in the .proto file"
    )]
    tonic::include_proto!("netghost.v1");
}

/// The highest and the lowest protocol version that this build speaks.
pub const PROTOCOL: std::ops::RangeInclusive<u32> = 1..=1;

/// The longest message on a control stream, in bytes. A connection's memory grows to its largest message and stays there.
pub const CONTROL_MESSAGE: usize = 16 * 1024;

/// The longest chunk of an upload, in bytes.
pub const UPLOAD_CHUNK: usize = 256 * 1024;

/// What is signed by the old key when an identity is recovered, before the certificate request's bytes.
pub const RECOVER: &[u8] = b"netghost recover v1\n";
