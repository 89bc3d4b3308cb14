"""Decrypt a ciphertext of Keyhold without Keyhold: see docs/ciphertext-format.md.

decrypt_offline.py MATERIAL_FILE [KEY=VALUE ...] < blob   prints the plaintext; the pairs are the encryption context
decrypt_offline.py --id KEY_ID MATERIAL_FILE              prints the ID of the key material in the key
"""
import hmac, os, pathlib, struct, sys
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

def hkdf(material, info, length):
    return HKDF(SHA256(), length, None, info).derive(material)

def material_id(material, key_id):
    return hkdf(material, b"keyhold material id v1" + key_id, 32)

def decrypt(material, blob, context):
    if len(blob) < 173 or blob[0] != 1:
        sys.exit("this is no ciphertext of version 1")
    if blob[49:81] != material_id(material, blob[13:49]):
        sys.exit("the ciphertext names other key material")
    derived = hkdf(material, b"keyhold ciphertext v1" + blob[:113], 64)
    if not hmac.compare_digest(derived[32:], blob[113:145]):
        sys.exit("the ciphertext is not of this key material")
    data = blob[:145] + struct.pack(">I", len(context))
    for text in (text for pair in sorted(context.items()) for text in pair):
        data += struct.pack(">I", len(text)) + text
    try:
        return AESGCM(derived[:32]).decrypt(blob[145:157], blob[157:], data)
    except InvalidTag:
        sys.exit("the ciphertext is damaged, or the encryption context is another")

if len(sys.argv) < 2:
    sys.exit(__doc__)
if sys.argv[1] == "--id":
    print(material_id(pathlib.Path(sys.argv[3]).read_bytes(), sys.argv[2].encode()).hex())
else:
    context = dict(os.fsencode(pair).split(b"=", 1) for pair in sys.argv[2:])
    sys.stdout.buffer.write(decrypt(pathlib.Path(sys.argv[1]).read_bytes(), sys.stdin.buffer.read(), context))
