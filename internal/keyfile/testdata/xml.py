"""Writes the RSA private key of a PEM file as RSAKeyValue, as .NET does."""
import base64
import sys

from cryptography.hazmat.primitives.serialization import load_pem_private_key

with open(sys.argv[1], "rb") as f:
    n = load_pem_private_key(f.read(), None).private_numbers()
members = {"Modulus": n.public_numbers.n, "Exponent": n.public_numbers.e, "P": n.p, "Q": n.q,
           "DP": n.dmp1, "DQ": n.dmq1, "InverseQ": n.iqmp, "D": n.d}
octets = {k: base64.b64encode(v.to_bytes((v.bit_length() + 7) // 8, "big")).decode() for k, v in members.items()}
print("<RSAKeyValue>" + "".join(f"<{k}>{v}</{k}>" for k, v in octets.items()) + "</RSAKeyValue>")
