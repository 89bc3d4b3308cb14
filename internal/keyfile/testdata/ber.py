"""Writes DER on standard input as BER: the outer SEQUENCE with an indefinite length, or with a longer one."""
import sys

der = sys.stdin.buffer.read()
head = 2 + (der[1] & 0x7F if der[1] & 0x80 else 0)
body = der[head:]
if sys.argv[1] == "indefinite":
    out = b"\x30\x80" + body + b"\0\0"
else:
    out = b"\x30\x84" + len(body).to_bytes(4, "big") + body
sys.stdout.buffer.write(out)
