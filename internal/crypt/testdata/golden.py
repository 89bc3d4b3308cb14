"""Prints golden.txt: ciphertext blobs and a material ID, made from the layout in
docs/ciphertext-format.md by other code than the server's. Run it by hand, with
the Python of examples/requirements.txt; the server must open these blobs for ever.
"""
import base64
import hashlib
import struct

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_ID = "1234abcd-12ab-34cd-56ef-1234567890ab"
MATERIAL = bytes(range(32))
CASES = [  # name, plaintext, encryption context in the order that it is given
    ("empty", b"", {}),
    ("plain", b"attack at dawn", {}),
    ("one pair", b"attack at dawn", {"purpose": "test"}),
    ("pairs by bytes", "Grüße, 鍵".encode(), {"é": "1", "z": "2", "Z": "3", "": "", "𝄞": "4", "\uffff": "5"}),
    ("long", bytes(range(256)) * 16, {"length": "4096"}),
]


def material_id(key_id, material):
    return HKDF(SHA256(), 32, None, b"keyhold material id v1" + key_id.encode()).derive(material)


def associated_data(header, context):
    pairs = sorted((k.encode(), v.encode()) for k, v in context.items())
    ad = header + struct.pack(">I", len(pairs))
    for pair in pairs:
        for s in pair:
            ad += struct.pack(">I", len(s)) + s
    return ad


def blob(name, plaintext, context):
    salt = hashlib.sha256(b"salt " + name.encode()).digest()
    nonce = hashlib.sha256(b"nonce " + name.encode()).digest()[:12]
    header = b"\x01" + b"111122223333" + KEY_ID.encode() + material_id(KEY_ID, MATERIAL)
    derived = HKDF(SHA256(), 64, None, b"keyhold ciphertext v1" + header + salt).derive(MATERIAL)
    before_nonce = header + salt + derived[32:]
    ad = associated_data(before_nonce, context)
    return before_nonce + nonce + AESGCM(derived[:32]).encrypt(nonce, plaintext, ad)


print("material id:", material_id(KEY_ID, MATERIAL).hex())
for case in CASES:
    print(case[0] + ":", base64.b64encode(blob(*case)).decode())
