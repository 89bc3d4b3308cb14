"""Writes PKCS #8 on standard input as version 1 of RFC 5958, with a public key of zeros beside the private one."""
import sys

der = sys.stdin.buffer.read()
head = 2 + (der[1] & 0x7F if der[1] & 0x80 else 0)
body = b"\x02\x01\x01" + der[head + 3:] + b"\x81\x42\x00" + b"\x04" + bytes(64)
sys.stdout.buffer.write(b"\x30\x81" + bytes([len(body)]) + body)
