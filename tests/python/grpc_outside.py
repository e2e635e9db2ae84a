#!/usr/bin/env python3
"""Calls a controller with grpcio, an implementation of gRPC and TLS that is not ours, with the right certificates and wrong ones.

    grpc_outside.py ADDRESS PKI IDENTITY DOMAIN

ADDRESS is IP:PORT; PKI holds the controller's ca.pem and ca.key, so that certificates can be made that only their content makes wrong;
IDENTITY is an admin's file with key and certificates. Messages are given as bytes: an empty one is an empty protobuf message.
"""

import datetime
import sys
import uuid
from pathlib import Path

import grpc
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

HOUR = datetime.timedelta(hours=1)
LIST_AGENTS = "/netghost.v1.Fleet/ListAgents"
STATUS = "/netghost.v1.Fleet/Status"
MISSING = "/netghost.v1.Link/Missing"
ENROL = "/netghost.v1.Enrolment/Enrol"
# Selector { all: true }
ALL = b"\x18\x01"


def main():
    address, pki, identity, domain = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), sys.argv[4]
    ca = x509.load_pem_x509_certificate((pki / "ca.pem").read_bytes())
    ca_key = load_pem_private_key((pki / "ca.key").read_bytes(), None)
    outside = Outside(address, (pki / "ca.pem").read_bytes(), ca, ca_key, domain)
    # One file holds both; each reader takes the blocks that it knows.
    admin = (identity.read_bytes(), identity.read_bytes())
    accepted(outside, admin)
    without_certificate(outside)
    wrong_certificates(outside)
    wrong_servers(outside, admin)
    hostile_bytes(outside, admin)
    print("all refused that must be")


class Outside:
    """How to call, and how to make certificates by the controller's own authority."""

    def __init__(self, address, roots, ca, ca_key, domain):
        self.address, self.roots, self.ca, self.ca_key, self.domain = address, roots, ca, ca_key, domain

    def call(self, method, request=b"", certificate=None, roots=None, name=None, path="unary"):
        """The answer's bytes, or the error."""
        key, chain = certificate or (None, None)
        credentials = grpc.ssl_channel_credentials(roots or self.roots, key, chain)
        options = [("grpc.ssl_target_name_override", name)] if name else []
        with grpc.secure_channel(self.address, credentials, options) as channel:
            kind = channel.unary_unary if path == "unary" else channel.stream_stream
            try:
                if path == "unary":
                    return kind(method)(request, timeout=15)
                return list(kind(method)(iter(request), timeout=15))
            except grpc.RpcError as error:
                return error

    def certificate(self, kind="agent", begin=-HOUR, end=23 * HOUR, issuer=None, uri=None):
        """A key and a chain that differ from a good one in what is given."""
        ca, ca_key = issuer or (self.ca, self.ca_key)
        key = ec.generate_private_key(ec.SECP256R1())
        now = datetime.datetime.now(datetime.timezone.utc)
        uri = uri or f"spiffe://{self.domain}/{kind}/{uuid.uuid4()}"
        usages = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH])
        built = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([]))
            .issuer_name(ca.subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + begin)
            .not_valid_after(now + end)
            .add_extension(x509.SubjectAlternativeName([x509.UniformResourceIdentifier(uri)]), critical=True)
            .add_extension(usages, critical=False)
            .sign(ca_key, hashes.SHA256())
        )
        return pem(key), built.public_bytes(Encoding.PEM) + ca.public_bytes(Encoding.PEM)


def pem(key):
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def authority(name):
    """Another authority: as ours, with a key of its own."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.timezone.utc)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - HOUR)
        .not_valid_after(now + 24 * HOUR)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    return certificate, key


def show(what, answer):
    said = f"{answer.code().name}: {answer.details()}" if isinstance(answer, grpc.RpcError) else f"{len(answer)} bytes"
    print(f"{what}: {said}")


def refused(what, answer, *codes, saying=()):
    """The call failed with one of the codes, and its reason holds each of the words."""
    show(what, answer)
    if not isinstance(answer, grpc.RpcError):
        sys.exit(f"{what}: it was answered")
    if answer.code().name not in codes:
        sys.exit(f"{what}: {answer.code().name}, wanted {' or '.join(codes)}")
    missing = [word for word in saying if word not in answer.details().lower()]
    if missing:
        sys.exit(f"{what}: the reason does not say {missing}: {answer.details()}")


def accepted(outside, admin):
    for method, request in ((STATUS, b""), (LIST_AGENTS, ALL)):
        answer = outside.call(method, request, certificate=admin)
        show(f"the admin calls {method}", answer)
        if isinstance(answer, grpc.RpcError):
            sys.exit("a good certificate is refused")


def without_certificate(outside):
    for method in (STATUS, LIST_AGENTS, MISSING):
        refused(f"{method} without a certificate", outside.call(method), "UNAUTHENTICATED", saying=["certificate"])
    refused("enrolment without a token", outside.call(ENROL), "UNAUTHENTICATED", "INVALID_ARGUMENT", "FAILED_PRECONDITION")


def wrong_certificates(outside):
    # Refused by TLS: the reason is an alert, which grpcio shows or not; the connection is never good.
    gone = "UNAVAILABLE"
    other = authority("netghost CA")
    refused("a foreign certificate", outside.call(STATUS, certificate=outside.certificate("user", issuer=other)), gone)
    for what, begin, end in [("one that ran out", -26 * HOUR, -HOUR), ("one that is not valid yet", HOUR, 25 * HOUR)]:
        refused(what, outside.call(STATUS, certificate=outside.certificate("user", begin, end)), gone)
    # Signed by our own authority, but never issued: whoever got at the CA's key still has no row.
    for kind in ("user", "agent"):
        refused(
            f"a {kind}'s that was never issued",
            outside.call(STATUS, certificate=outside.certificate(kind)),
            "UNAUTHENTICATED",
            "PERMISSION_DENIED",
        )
    for uri in (
        f"spiffe://elsewhere.example/user/{uuid.uuid4()}",
        f"spiffe://{outside.domain}/root/{uuid.uuid4()}",
        f"https://{outside.domain}/user/{uuid.uuid4()}",
    ):
        answer = outside.call(STATUS, certificate=outside.certificate(uri=uri))
        refused(f"one for {uri}", answer, "UNAUTHENTICATED", "PERMISSION_DENIED")


def wrong_servers(outside, admin):
    certificate, _ = authority("netghost CA")
    roots = certificate.public_bytes(Encoding.PEM)
    refused("a server of another CA", outside.call(STATUS, certificate=admin, roots=roots), "UNAVAILABLE")
    refused("a server of another name", outside.call(STATUS, certificate=admin, name="elsewhere.example"), "UNAVAILABLE")


def hostile_bytes(outside, admin):
    refused("people do not speak as agents", outside.call(MISSING, certificate=admin), "PERMISSION_DENIED", saying=["agent"])
    garbage = bytes(range(256)) * 64
    for method in (LIST_AGENTS, "/netghost.v1.Fleet/StartJob"):
        refused(f"garbage to {method}", outside.call(method, garbage, certificate=admin), "INTERNAL", "INVALID_ARGUMENT")
    refused("garbage to enrol", outside.call(ENROL, garbage), "INTERNAL", "INVALID_ARGUMENT")
    # Field 1, a text of 200 MB: it is refused by its length, before it is kept.
    size = 200_000_000
    large = b"\x0a" + varint(size) + bytes(size)
    refused("200 MB to enrol", outside.call(ENROL, large), "OUT_OF_RANGE", "RESOURCE_EXHAUSTED", "UNAVAILABLE", "INTERNAL")
    answer = outside.call(STATUS, certificate=admin)
    show("and the admin is answered as before", answer)
    if isinstance(answer, grpc.RpcError):
        sys.exit("the controller does not answer any more")


def varint(number):
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


if __name__ == "__main__":
    main()
