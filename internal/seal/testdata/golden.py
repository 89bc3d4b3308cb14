"""Prints golden.txt: a root key file, the wrapped keyring under it, and values
that the keyring sealed, made from the layouts in the comments of this package by
other code. Run it by hand, with the Python of examples/requirements.txt; all of it
must open for ever.
"""
import base64
import hashlib
import json
import struct

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


def fixed(name, size):
    return hashlib.sha256(name.encode()).digest()[:size]


def encrypt(name, secret, salt, purpose, value, ad):
    nonce = fixed(name + " nonce", 12)
    key = HKDF(SHA256(), 32, salt, purpose).derive(secret)
    return nonce + AESGCM(key).encrypt(nonce, value, ad)


ROOT = fixed("root key", 32)
DATA_KEYS = {1: fixed("data key 1", 32), 2: fixed("data key 2", 32)}


def wrapped(version):
    name = f"wrapped {version}"
    salt = fixed(name + " salt", 16)
    context = f"keyhold data key v1 {version}".encode()
    return salt + encrypt(name, ROOT, salt, b"keyhold root v1", DATA_KEYS[version], context)


def sealed(version, purpose, place, value):
    name = f"sealed {version} {purpose}"
    salt = fixed(name + " salt", 16)
    header = b"\x01" + struct.pack(">I", version) + salt
    return header + encrypt(name, DATA_KEYS[version], salt, purpose.encode(), value, header + place)


def text(b):
    return base64.b64encode(b).decode()


print("root key file: keyhold-root-key-v1:" + text(ROOT))
keys = [{"version": v, "wrapped": text(wrapped(v))} for v in DATA_KEYS]
print("keyring:", json.dumps({"format": 1, "keys": keys}))
for v in DATA_KEYS:
    for purpose in "record", "material":
        print(f"{purpose} {v}:", text(sealed(v, f"keyhold {purpose} v1", b"place", f"{purpose} {v}".encode())))
