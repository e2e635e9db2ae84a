#!/usr/bin/env python3
"""Checks certificates with securesystemslib, a DSSE implementation that is not ours.

    verify_dsse.py DIRECTORY SEED

DIRECTORY holds key.pem, other.pem (another public key) and certificates *.dsse.json signed with key.pem's key. Each must
verify with key.pem, must not with other.pem, and must not after any of 1,000 random edits of its signed content.
"""

import base64
import copy
import hashlib
import json
import random
import sys
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import SSlibKey

EDITS = 1_000


def main():
    directory, seed = Path(sys.argv[1]), int(sys.argv[2])
    print(f"seed {seed}")
    chance = random.Random(seed)
    key, other = read_key(directory / "key.pem"), read_key(directory / "other.pem")
    certificates = sorted(directory.glob("*.dsse.json"))
    if not certificates:
        sys.exit("there is no certificate to check")
    for path in certificates:
        envelope = json.loads(path.read_bytes())
        if not accepts(envelope, key):
            sys.exit(f"{path.name} is rejected")
        if accepts(envelope, other) or accepts(envelope, SSlibKey(key.keyid, other.keytype, other.scheme, other.keyval)):
            sys.exit(f"{path.name} is accepted with another key")
        check_statement(path.name, envelope)
        for number in range(EDITS):
            edited, what = edit(envelope, chance)
            if accepts(edited, key):
                sys.exit(f"{path.name} is accepted after edit {number} ({what})")
        print(f"{path.name}: accepted; rejected after each of {EDITS} edits")


def read_key(path):
    """The key under the id that we state for it: the SHA-256 of its SPKI, computed here by another library."""
    public = load_pem_public_key(path.read_bytes())
    spki = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return SSlibKey.from_crypto(public, keyid=hashlib.sha256(spki).hexdigest())


def accepts(envelope, key):
    try:
        # from_dict changes what it is given.
        Envelope.from_dict(copy.deepcopy(envelope)).verify([key], 1)
    except (VerificationError, ValueError, KeyError):
        return False
    return True


def check_statement(name, envelope):
    if envelope["payloadType"] != "application/vnd.in-toto+json":
        sys.exit(f"{name} has the payload type {envelope['payloadType']}")
    statement = json.loads(base64.b64decode(envelope["payload"], validate=True))
    if statement["_type"] != "https://in-toto.io/Statement/v1" or not statement["subject"]:
        sys.exit(f"{name} holds no in-toto statement")


def edit(envelope, chance):
    """The envelope with one edit of what is signed or of the signature."""
    edited = copy.deepcopy(envelope)
    part = chance.choice(["payload", "payload", "sig", "payloadType"])
    if part == "payloadType":
        content = change(bytearray(edited[part], "ascii"), chance, 0x7F)
        edited[part] = content.decode("ascii")
        return edited, part
    holder = edited if part == "payload" else edited["signatures"][0]
    content = change(bytearray(base64.b64decode(holder[part])), chance, 0xFF)
    holder[part] = base64.b64encode(content).decode("ascii")
    return edited, part


def change(content, chance, mask):
    before = bytes(content)
    while bytes(content) == before:
        at = chance.randrange(len(content))
        kind = chance.choice(["flip", "swap", "cut", "insert"])
        if kind == "flip":
            content[at] ^= 1 << chance.randrange(mask.bit_length())
        elif kind == "swap":
            to = chance.randrange(len(content))
            content[at], content[to] = content[to], content[at]
        elif kind == "cut":
            del content[at:]
        else:
            content.insert(at, chance.randrange(mask + 1))
    return content


if __name__ == "__main__":
    main()
