"""Signatures, verified with only the public key and by the server, and MACs."""

from hashlib import sha256

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, utils

from walk import PLAINTEXT, expect

SHA256 = hashes.SHA256()
PSS = padding.PSS(mgf=padding.MGF1(SHA256), salt_length=padding.PSS.DIGEST_LENGTH)


def walk(w):
    rsa = {"KeyId": w.arns["rsa sign"], "SigningAlgorithm": "RSASSA_PSS_SHA_256", "MessageType": "RAW"}
    with w.call("GetPublicKey"):
        answer = w.kms.get_public_key(KeyId=rsa["KeyId"])
        expect("the bits", serialization.load_der_public_key(answer["PublicKey"]).key_size, 2048)
        expect("the usage", [answer["KeyUsage"], answer["KeySpec"]], ["SIGN_VERIFY", "RSA_2048"])
        expect("PSS is there", rsa["SigningAlgorithm"] in answer["SigningAlgorithms"], True)
    signature = sign(w, "RSASSA_PSS_SHA_256", rsa, lambda public, s: public.verify(s, PLAINTEXT, PSS, SHA256))
    with w.call("Verify of another message"), w.refused("KMSInvalidSignatureException"):
        w.kms.verify(**rsa, Message=PLAINTEXT + b"!", Signature=signature)
    digest = sha256(PLAINTEXT).digest()
    sign(
        w, "ECDSA_SHA_256",
        {"KeyId": w.arns["p256 sign"], "SigningAlgorithm": "ECDSA_SHA_256", "MessageType": "DIGEST"},
        lambda public, s: public.verify(s, digest, ec.ECDSA(utils.Prehashed(SHA256))), digest,
    )
    sign(
        w, "ED25519_SHA_512",
        {"KeyId": w.arns["ed25519"], "SigningAlgorithm": "ED25519_SHA_512", "MessageType": "RAW"},
        lambda public, s: public.verify(s, PLAINTEXT),
    )
    sign(
        w, "ECDSA_SHA_256 on secp256k1",
        {"KeyId": w.arns["secp256k1"], "SigningAlgorithm": "ECDSA_SHA_256", "MessageType": "RAW"},
        lambda public, s: public.verify(s, PLAINTEXT, ec.ECDSA(SHA256)),
    )
    sign(
        w, "ML_DSA_SHAKE_256",
        {"KeyId": w.arns["ml-dsa"], "SigningAlgorithm": "ML_DSA_SHAKE_256", "MessageType": "RAW"},
        lambda public, s: (expect("the bytes", len(s), 2420), public.verify(s, PLAINTEXT)),
    )
    codes(w, {"KeyId": w.arns["hmac"], "MacAlgorithm": "HMAC_SHA_256"})


def sign(w, name, members, check, message=PLAINTEXT):
    """Sign, and verify the signature with the public key and with the server."""
    with w.call(f"Sign {name}"):
        answer = w.kms.sign(**members, Message=message)
        expect("the key", answer["KeyId"], members["KeyId"])
        expect("the algorithm", answer["SigningAlgorithm"], members["SigningAlgorithm"])
        public = w.kms.get_public_key(KeyId=members["KeyId"])["PublicKey"]
        check(serialization.load_der_public_key(public), answer["Signature"])
    with w.call(f"Verify {name}"):
        verified = w.kms.verify(**members, Message=message, Signature=answer["Signature"])
        expect("valid", verified["SignatureValid"], True)
    return answer["Signature"]


def codes(w, members):
    with w.call("GenerateMac"):
        mac = w.kms.generate_mac(**members, Message=PLAINTEXT)["Mac"]
        expect("the number of bytes", len(mac), 32)
    with w.call("VerifyMac"):
        expect("valid", w.kms.verify_mac(**members, Message=PLAINTEXT, Mac=mac)["MacValid"], True)
    with w.call("VerifyMac of another message"), w.refused("KMSInvalidMacException"):
        w.kms.verify_mac(**members, Message=PLAINTEXT + b"!", Mac=mac)
