//! PKCS#7 SignedData (RFC 5652 §5), as strictly as DER is: one signer, one content, nothing behind it.

use der::asn1::{AnyRef, ObjectIdentifier};
use der::{Decode, Header, Reader, SliceReader, Tag, TagNumber, Tagged};
use netghost_core::artifact::json::Digest;

/// The most certificates that are looked at: the signer's and a chain.
const CERTIFICATES: usize = 8;
/// id-signedData and id-data (RFC 5652 §5.1, §4).
const SIGNED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.2");
const DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.1");
/// id-contentType and id-messageDigest (RFC 5652 §11).
const CONTENT_TYPE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.3");
const MESSAGE_DIGEST: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.4");
/// id-sha256 (RFC 5754 §2.2), rsaEncryption and sha256WithRSAEncryption (RFC 8017 §A.2.4).
const SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1");
const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const RSA_SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.11");

/// What was signed, by which certificate, and the certificates that came with it. No signature was checked.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Signed<'a> {
    /// The content.
    pub(super) content: &'a [u8],
    /// The bytes that the signature is over: the content, or attributes that hold its digest.
    pub(super) message: Vec<u8>,
    /// RSA with PKCS#1 v1.5 padding and SHA-256.
    pub(super) signature: &'a [u8],
    /// The signer's name for its certificate: the issuer's name as DER, and the bytes of the serial
    /// number.
    pub(super) issuer: &'a [u8],
    /// See `issuer`.
    pub(super) serial: &'a [u8],
    /// X.509 in DER.
    pub(super) certificates: Vec<&'a [u8]>,
}

/// Why some bytes are not what Azure signs.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotSigned {
    /// Not in the one way that DER allows, cut, or with something behind it.
    #[error("not DER ({0})")]
    Der(String),
    /// Another structure.
    #[error("not SignedData of PKCS#7: {0} is not what stands there")]
    Form(&'static str),
    /// Nothing is in it that is signed.
    #[error("it holds no content: a detached signature says nothing")]
    Detached,
    /// No signer or several.
    #[error("it has {0} signers, not one")]
    Signers(usize),
    /// Too many certificates.
    #[error("it has more than {CERTIFICATES} certificates")]
    Certificates,
    /// Another algorithm.
    #[error("it is signed otherwise than by RSA with SHA-256 ({0})")]
    Algorithm(ObjectIdentifier),
    /// The signed digest is of something else.
    #[error("the digest that is signed is not that of its content")]
    Digest,
}

impl From<der::Error> for NotSigned {
    fn from(error: der::Error) -> Self {
        Self::Der(error.to_string())
    }
}

impl<'a> Signed<'a> {
    /// Reads the structure.
    pub(super) fn read(der: &'a [u8]) -> Result<Self, NotSigned> {
        let signed_data = whole(der, |outer| {
            inside(outer, Tag::Sequence, "ContentInfo", |info| {
                if oid(info)? != SIGNED_DATA {
                    return Err(NotSigned::Form("ContentInfo.contentType"));
                }
                let content = take(info, context(0), "ContentInfo.content")?;
                whole(content, |reader| take(reader, Tag::Sequence, "SignedData"))
            })
        })?;
        whole(signed_data, signed)
    }
}

/// The fields of SignedData.
fn signed<'a>(data: &mut SliceReader<'a>) -> Result<Signed<'a>, NotSigned> {
    version(data, "SignedData.version")?;
    inside(data, Tag::Set, "SignedData.digestAlgorithms", |set| {
        algorithm(set, "SignedData.digestAlgorithms", &[SHA256, RSA_SHA256])
    })?;
    let content = inside(data, Tag::Sequence, "SignedData.encapContentInfo", content)?;
    let certificates = match optional(data, context(0))? {
        Some(set) => whole(set, certificates)?,
        None => Vec::new(),
    };
    let infos = inside(data, Tag::Set, "SignedData.signerInfos", |infos| {
        all(infos, Tag::Sequence, "SignedData.signerInfos")
    })?;
    let [info] = infos.as_slice() else {
        return Err(NotSigned::Signers(infos.len()));
    };
    let signer = whole(info, |reader| signer(reader, content))?;
    Ok(Signed {
        content,
        certificates,
        message: signer.message,
        signature: signer.signature,
        issuer: signer.issuer,
        serial: signer.serial,
    })
}

fn content<'a>(info: &mut SliceReader<'a>) -> Result<&'a [u8], NotSigned> {
    if oid(info)? != DATA {
        return Err(NotSigned::Form("SignedData.encapContentInfo.eContentType"));
    }
    let content = optional(info, context(0))?.ok_or(NotSigned::Detached)?;
    whole(content, |reader| {
        take(reader, Tag::OctetString, "SignedData.encapContentInfo.eContent")
    })
}

fn certificates<'a>(set: &mut SliceReader<'a>) -> Result<Vec<&'a [u8]>, NotSigned> {
    let mut found = Vec::new();
    while !set.is_finished() {
        if found.len() == CERTIFICATES {
            return Err(NotSigned::Certificates);
        }
        if Tag::peek(set)? != Tag::Sequence {
            return Err(NotSigned::Form("SignedData.certificates"));
        }
        found.push(set.tlv_bytes()?);
    }
    Ok(found)
}

/// What a SignerInfo says.
struct Signer<'a> {
    message: Vec<u8>,
    signature: &'a [u8],
    issuer: &'a [u8],
    serial: &'a [u8],
}

fn signer<'a>(info: &mut SliceReader<'a>, content: &[u8]) -> Result<Signer<'a>, NotSigned> {
    version(info, "SignerInfo.version")?;
    let (issuer, serial) = inside(info, Tag::Sequence, "SignerInfo.sid", |sid| {
        Ok((
            element(sid, Tag::Sequence, "SignerInfo.sid.issuer")?,
            take(sid, Tag::Integer, "SignerInfo.sid.serialNumber")?,
        ))
    })?;
    // Azure names the algorithm of the signature where the digest's belongs.
    algorithm(info, "SignerInfo.digestAlgorithm", &[SHA256, RSA_SHA256])?;
    let message = match optional(info, context(0))? {
        Some(attributes) => attested(attributes, content)?,
        None => content.to_vec(),
    };
    algorithm(info, "SignerInfo.signatureAlgorithm", &[RSA, RSA_SHA256])?;
    let signature = take(info, Tag::OctetString, "SignerInfo.signature")?;
    Ok(Signer {
        message,
        signature,
        issuer,
        serial,
    })
}

/// The bytes over which a signature with attributes is (RFC 5652 §5.4), if they hold the content's digest and type, each once.
fn attested(attributes: &[u8], content: &[u8]) -> Result<Vec<u8>, NotSigned> {
    let (mut digests, mut types) = (Vec::new(), Vec::new());
    whole(attributes, |reader| {
        for attribute in all(reader, Tag::Sequence, "SignerInfo.signedAttrs")? {
            whole(attribute, |attribute| {
                let name = oid(attribute)?;
                let values = take(attribute, Tag::Set, "SignerInfo.signedAttrs.values")?;
                match name {
                    MESSAGE_DIGEST => digests.push(values),
                    CONTENT_TYPE => types.push(values),
                    _ => {}
                }
                Ok(())
            })?;
        }
        Ok(())
    })?;
    let (&[digest], &[kind]) = (digests.as_slice(), types.as_slice()) else {
        return Err(NotSigned::Form("SignerInfo.signedAttrs"));
    };
    let digest = whole(digest, |reader| {
        take(reader, Tag::OctetString, "SignerInfo.signedAttrs.messageDigest")
    })?;
    if digest != Digest::of(content).as_bytes() {
        return Err(NotSigned::Digest);
    }
    if whole(kind, oid)? != DATA {
        return Err(NotSigned::Form("SignerInfo.signedAttrs.contentType"));
    }
    let length = der::Length::try_from(attributes.len())?;
    let header = Header::new(Tag::Set, length);
    let mut message = [0; 8];
    let mut writer = der::SliceWriter::new(&mut message);
    der::Encode::encode(&header, &mut writer)?;
    Ok([writer.finish()?, attributes].concat())
}

/// Version 1: issuer and serial number name the certificate, and what is signed is plain data.
fn version(reader: &mut SliceReader<'_>, what: &'static str) -> Result<(), NotSigned> {
    match take(reader, Tag::Integer, what)? {
        [1] => Ok(()),
        _ => Err(NotSigned::Form(what)),
    }
}

fn algorithm(
    reader: &mut SliceReader<'_>,
    what: &'static str,
    known: &[ObjectIdentifier],
) -> Result<(), NotSigned> {
    inside(reader, Tag::Sequence, what, |algorithm| {
        let found = oid(algorithm)?;
        if !known.contains(&found) {
            return Err(NotSigned::Algorithm(found));
        }
        match optional(algorithm, Tag::Null)? {
            None | Some([]) => Ok(()),
            Some(_) => Err(NotSigned::Form(what)),
        }
    })
}

fn context(number: u8) -> Tag {
    Tag::ContextSpecific {
        constructed: true,
        number: TagNumber(number.into()),
    }
}

/// Reads all of some bytes.
fn whole<'a, T>(
    bytes: &'a [u8],
    read: impl FnOnce(&mut SliceReader<'a>) -> Result<T, NotSigned>,
) -> Result<T, NotSigned> {
    let mut reader = SliceReader::new(bytes)?;
    let found = read(&mut reader)?;
    reader.finish()?;
    Ok(found)
}

/// Reads all of what stands in the next element, which has this tag.
fn inside<'a, T>(
    reader: &mut SliceReader<'a>,
    tag: Tag,
    what: &'static str,
    read: impl FnOnce(&mut SliceReader<'a>) -> Result<T, NotSigned>,
) -> Result<T, NotSigned> {
    whole(take(reader, tag, what)?, read)
}

/// The content of the next element, which has this tag.
fn take<'a>(reader: &mut SliceReader<'a>, tag: Tag, what: &'static str) -> Result<&'a [u8], NotSigned> {
    let any = AnyRef::decode(reader)?;
    match any.tag() == tag {
        true => Ok(any.value()),
        false => Err(NotSigned::Form(what)),
    }
}

/// The next element with its header.
fn element<'a>(reader: &mut SliceReader<'a>, tag: Tag, what: &'static str) -> Result<&'a [u8], NotSigned> {
    match Tag::peek(reader)? == tag {
        true => Ok(reader.tlv_bytes()?),
        false => Err(NotSigned::Form(what)),
    }
}

/// The content of the next element, if it has this tag.
fn optional<'a>(reader: &mut SliceReader<'a>, tag: Tag) -> Result<Option<&'a [u8]>, NotSigned> {
    if reader.is_finished() || Tag::peek(reader)? != tag {
        return Ok(None);
    }
    Ok(Some(AnyRef::decode(reader)?.value()))
}

/// The contents of all elements that follow, each with this tag.
fn all<'a>(reader: &mut SliceReader<'a>, tag: Tag, what: &'static str) -> Result<Vec<&'a [u8]>, NotSigned> {
    let mut found = Vec::new();
    while !reader.is_finished() {
        found.push(take(reader, tag, what)?);
    }
    Ok(found)
}

fn oid(reader: &mut SliceReader<'_>) -> Result<ObjectIdentifier, NotSigned> {
    Ok(ObjectIdentifier::decode(reader)?)
}
