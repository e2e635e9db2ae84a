#!/usr/bin/env python3
"""Azure's instance metadata service, as far as `netghost-agent enroll --azure` asks it, for a VM of the lab.

    metadata_service.py DIRECTORY VM SUBSCRIPTION RESOURCE

Certificates and signatures are openssl's. A root, an intermediate and a signer are made in DIRECTORY at first use; `root.pem` and
`intermediate.pem` are what a controller is given. As the real service does, it refuses who says no `Metadata: true` or comes
through a proxy, takes a nonce of 32 characters, limits its caller (the first question is answered by 429), and may answer from its
memory (the first document is of an older nonce).
"""

import base64
import json
import pathlib
import subprocess
import sys
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs, urlsplit

ADDRESS = ("169.254.169.254", 80)
CA = "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n"
LEAF = (
    "basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature,keyEncipherment\n"
    "extendedKeyUsage=clientAuth,serverAuth\n"
    "subjectAltName=DNS:westeurope.metadata.azure.com,DNS:metadata.azure.com\n"
)


def openssl(directory, *words, given=None):
    """What an openssl command writes."""
    run = subprocess.run(["openssl", *words], cwd=directory, input=given, capture_output=True, check=False)
    if run.returncode != 0:
        raise SystemExit(f"openssl {' '.join(words)}: {run.stderr.decode()}")
    return run.stdout


def certify(directory):
    """The chain, made once."""
    if (directory / "signer.pem").exists():
        return
    directory.mkdir(parents=True, exist_ok=True)
    for name, subject, extensions, issuer in [
        ("root", "/CN=Lab Root", CA, None),
        ("intermediate", "/CN=Lab TLS Issuing CA 01", CA, "root"),
        ("signer", "/CN=metadata.azure.com", LEAF, "intermediate"),
    ]:
        (directory / f"{name}.ext").write_text(extensions)
        request = ["req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{name}.key", "-subj", subject]
        openssl(directory, *request, "-out", f"{name}.csr")
        by = ["-CA", f"{issuer}.pem", "-CAkey", f"{issuer}.key"] if issuer else ["-signkey", f"{name}.key"]
        sign = ["x509", "-req", "-in", f"{name}.csr", *by, "-days", "2", "-extfile", f"{name}.ext"]
        openssl(directory, *sign, "-out", f"{name}.pem")


class Service(BaseHTTPRequestHandler):
    """Answers one question after another."""

    protocol_version = "HTTP/1.1"
    directory, vm, subscription, resource = pathlib.Path(), "", "", ""
    asked, documents = 0, 0

    def do_GET(self):
        Service.asked += 1
        url = urlsplit(self.path)
        query = parse_qs(url.query, strict_parsing=True)
        if self.headers.get("Metadata") != "true" or "X-Forwarded-For" in self.headers:
            return self.answer(400, {"error": "Bad request. Required metadata header not specified"})
        if query.get("api-version") != ["2020-09-01"]:
            return self.answer(400, {"error": "Bad request. api-version is invalid"})
        if Service.asked == 1:
            return self.answer(429, {"error": "Too many requests"})
        if url.path == "/metadata/instance/compute":
            return self.answer(200, {"vmId": self.vm, "resourceId": self.resource, "name": "web-1"})
        if url.path == "/metadata/attested/document":
            return self.attested(query["nonce"])
        return self.answer(404, {"error": "Not found"})

    def attested(self, nonces):
        """The document for a nonce; the first is one of before."""
        if len(nonces) != 1 or not 1 <= len(nonces[0]) <= 32:
            return self.answer(400, {"error": "Bad request. nonce"})
        Service.documents += 1
        stamp = lambda seconds: time.strftime("%m/%d/%y %H:%M:%S -0000", time.gmtime(seconds))
        now = time.time()
        content = {
            "licenseType": "",
            "nonce": nonces[0] if Service.documents > 1 else "20260101-000000",
            "plan": {"name": "", "product": "", "publisher": ""},
            "sku": "12",
            "subscriptionId": self.subscription,
            "timeStamp": {"createdOn": stamp(now), "expiresOn": stamp(now + 6 * 3600)},
            "vmId": self.vm,
        }
        signature = openssl(
            self.directory, "cms", "-sign", "-nodetach", "-noattr", "-binary", "-md", "sha256", "-outform", "DER",
            "-signer", "signer.pem", "-inkey", "signer.key",
            given=json.dumps(content, separators=(",", ":")).encode(),
        )
        return self.answer(200, {"encoding": "pkcs7", "signature": base64.b64encode(signature).decode()})

    def answer(self, status, document):
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def main():
    directory, Service.vm, Service.subscription, Service.resource = sys.argv[1:]
    Service.directory = pathlib.Path(directory)
    certify(Service.directory)
    HTTPServer(ADDRESS, Service).serve_forever()


main()
