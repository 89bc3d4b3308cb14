"""Verify without Keyhold that an event is in an audit log: see docs/proof-format.md.

verify_proof.py LOG_KEY PROOF_FILE [WITNESS_KEY ...] < event

LOG_KEY and WITNESS_KEY are verifier keys, NAME+ID+KEY. The event is the line of the log. All given
witnesses must have cosigned the checkpoint.
"""
import base64, hashlib, re, sys
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

LOG, WITNESS = 1, 4  # the first byte of a key: which kind of signature the key makes

class Invalid(Exception):
    pass

def decode(text):
    try:
        raw = base64.b64decode(text, validate=True)
    except ValueError:
        raise Invalid("not base64: " + text)
    if base64.b64encode(raw).decode() != text:
        raise Invalid("not base64: " + text)
    return raw

def number(text):
    if not re.fullmatch("0|[1-9][0-9]{0,18}", text):
        raise Invalid("not a number: " + text)
    return int(text)

def parse_key(text, kind):
    name, _, rest = text.partition("+")
    key_id, _, key = rest.partition("+")
    raw = decode(key)
    if len(raw) != 33 or raw[0] != kind:
        raise Invalid("not the verifier key of a " + ("log" if kind == LOG else "witness"))
    if hashlib.sha256(name.encode() + b"\n" + raw).hexdigest()[:8] != key_id:
        raise Invalid("the ID in the verifier key does not belong to the key")
    return name, bytes.fromhex(key_id), Ed25519PublicKey.from_public_bytes(raw[1:])

def signature_of(signatures, name, key_id):
    *lines, rest = signatures.split("\n")
    if rest:
        raise Invalid("the last line of the checkpoint is not whole")
    for line in lines:
        dash, _, rest = line.partition(" ")
        signer, _, text = rest.partition(" ")
        if dash == "—" and signer == name and decode(text)[:4] == key_id:
            return decode(text)[4:]
    raise Invalid("the checkpoint has no signature of " + name)

def verify_checkpoint(note, log_key, witness_keys):
    body, gap, signatures = note.partition("\n\n")
    body += "\n"
    if not gap:
        raise Invalid("the checkpoint has no signatures")
    name, key_id, key = parse_key(log_key, LOG)
    key.verify(signature_of(signatures, name, key_id), body.encode())
    for text in witness_keys:
        witness, key_id, key = parse_key(text, WITNESS)
        signed = signature_of(signatures, witness, key_id)
        seconds = int.from_bytes(signed[:8], "big")
        key.verify(signed[8:], b"cosignature/v1\ntime %d\n" % seconds + body.encode())
    origin, size, root = body.split("\n")[:3]
    if origin != name:
        raise Invalid("the checkpoint is of the log " + origin)
    return origin, number(size), decode(root)

def parse_proof(text):
    head, gap, note = text.partition("\n\n")
    lines = head.split("\n")
    if not gap or lines.pop(0) != "c2sp.org/tlog-proof@v1":
        raise Invalid("not a proof of the form c2sp.org/tlog-proof@v1")
    if lines and lines[0].startswith("extra "):
        lines.pop(0)
    if not lines or not lines[0].startswith("index "):
        raise Invalid("the proof has no index")
    return number(lines[0][len("index "):]), [decode(line) for line in lines[1:]], note

def root_of(leaf, index, size, path):
    """Returns the root of a tree (RFC 9162, section 2.1.3.2)."""
    here, last = index, size - 1
    for sibling in path:
        if last == 0:
            raise Invalid("the path is too long")
        if here & 1 or here == last:
            leaf = hashlib.sha256(b"\1" + sibling + leaf).digest()
            while here and not here & 1:
                here, last = here >> 1, last >> 1
        else:
            leaf = hashlib.sha256(b"\1" + leaf + sibling).digest()
        here, last = here >> 1, last >> 1
    if last:
        raise Invalid("the path is too short")
    return leaf

def verify(event, proof, log_key, witness_keys):
    index, path, note = parse_proof(proof)
    origin, size, root = verify_checkpoint(note, log_key, witness_keys)
    if index >= size:
        raise Invalid("the index is not below the size of the checkpoint")
    if root_of(hashlib.sha256(b"\0" + event).digest(), index, size, path) != root:
        raise Invalid("the event and its path do not lead to the root of the checkpoint")
    return f"line {index} of the first {size} lines of {origin}"

if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    try:
        with open(sys.argv[2], encoding="utf-8", newline="") as file:
            proof = file.read()
        print(verify(sys.stdin.buffer.read().removesuffix(b"\n"), proof, sys.argv[1], sys.argv[3:]))
    except (Invalid, InvalidSignature, UnicodeDecodeError) as e:
        sys.exit("not proved: " + (str(e) or "a signature is wrong"))
