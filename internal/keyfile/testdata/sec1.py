"""Writes the EC private key of a PEM file as SEC 1 in DER, with a scalar that has lost a zero or has one more."""
import sys

from cryptography.hazmat.primitives.serialization import load_pem_private_key

with open(sys.argv[1], "rb") as f:
    scalar = load_pem_private_key(f.read(), None).private_numbers().private_value
octets = scalar.to_bytes(32, "big")
octets = octets.lstrip(b"\0") if sys.argv[2] == "strip" else b"\0" + octets
curve = bytes.fromhex("a00a06082a8648ce3d030107")  # P-256
body = b"\x02\x01\x01\x04" + bytes([len(octets)]) + octets + curve
sys.stdout.buffer.write(b"\x30" + bytes([len(body)]) + body)
