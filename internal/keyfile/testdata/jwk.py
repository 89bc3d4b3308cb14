"""Writes the private key of a PEM file as a JSON Web Key, changed by the words that follow it.

Words are members to leave out (-p), members to set (crv=P-256K), and strip: leave out zeros at the beginning."""
import base64
import json
import sys

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key


def octets(n, size=None):
    size = (n.bit_length() + 7) // 8 if "strip" in sys.argv else size or (n.bit_length() + 7) // 8
    return base64.urlsafe_b64encode(n.to_bytes(size, "big")).rstrip(b"=").decode()


with open(sys.argv[1], "rb") as f:
    key = load_pem_private_key(f.read(), None)
n = key.private_numbers()
if isinstance(key, rsa.RSAPrivateKey):
    jwk = {"kty": "RSA", "n": octets(n.public_numbers.n), "e": octets(n.public_numbers.e), "d": octets(n.d),
           "p": octets(n.p), "q": octets(n.q), "dp": octets(n.dmp1), "dq": octets(n.dmq1), "qi": octets(n.iqmp)}
else:
    size = (key.key_size + 7) // 8
    names = {"secp256r1": "P-256", "secp384r1": "P-384", "secp521r1": "P-521", "secp256k1": "secp256k1"}
    jwk = {"kty": "EC", "crv": names[key.curve.name], "d": octets(n.private_value, size),
           "x": octets(n.public_numbers.x, size), "y": octets(n.public_numbers.y, size)}
jwk |= {"kid": "one", "key_ops": ["sign"]}
for word in sys.argv[2:]:
    if word.startswith("-"):
        del jwk[word[1:]]
    elif "=" in word:
        name, _, value = word.partition("=")
        jwk[name] = value
print(json.dumps(jwk, indent=1))
