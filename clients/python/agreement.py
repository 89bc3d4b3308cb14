"""Shared secrets, key pairs, and encryption under RSA."""

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from imports import OAEP
from walk import CONTEXT, PLAINTEXT, expect


def walk(w):
    with w.call("DeriveSharedSecret"):
        ours = ec.generate_private_key(ec.SECP256R1())
        answer = w.kms.derive_shared_secret(
            KeyId=w.arns["p256 agree"], KeyAgreementAlgorithm="ECDH", PublicKey=der(ours.public_key())
        )
        expect("the secret", answer["SharedSecret"], ours.exchange(ec.ECDH(), public_key(w, "p256 agree")))
    encapsulation(w, {"KeyId": w.arns["ml-kem"], "EncapsulationAlgorithm": "ML_KEM"})
    pairs(w, {"KeyId": w.arns["symmetric"], "KeyPairSpec": "ECC_NIST_P256", "EncryptionContext": CONTEXT})
    rsa(w, {"KeyId": w.arns["rsa encrypt"], "EncryptionAlgorithm": "RSAES_OAEP_SHA_256"})


def encapsulation(w, members):
    with w.call("Encapsulate"):
        answer = w.kms.encapsulate(**members)
        secret, ciphertext = answer["SharedSecret"], answer["SharedSecretCiphertextBlob"]
        expect("the bytes", [len(secret), len(ciphertext)], [32, 1088])
    with w.call("Decapsulate"):
        opened = w.kms.decapsulate(**members, SharedSecretCiphertextBlob=ciphertext)
        expect("the secret", opened["SharedSecret"], secret)
        secret, ciphertext = public_key(w, "ml-kem").encapsulate()
        opened = w.kms.decapsulate(**members, SharedSecretCiphertextBlob=ciphertext)
        expect("our own secret", opened["SharedSecret"], secret)


def pairs(w, members):
    with w.call("GenerateDataKeyPair"):
        answer = w.kms.generate_data_key_pair(**members)
        expect("the public half", answer["PublicKey"], public_half(answer["PrivateKeyPlaintext"]))
        opened = w.kms.decrypt(CiphertextBlob=answer["PrivateKeyCiphertextBlob"], EncryptionContext=CONTEXT)
        expect("the private half", opened["Plaintext"], answer["PrivateKeyPlaintext"])
    with w.call("GenerateDataKeyPairWithoutPlaintext"):
        answer = w.kms.generate_data_key_pair_without_plaintext(**members)
        expect("a plaintext", "PrivateKeyPlaintext" in answer, False)
        opened = w.kms.decrypt(CiphertextBlob=answer["PrivateKeyCiphertextBlob"], EncryptionContext=CONTEXT)
        expect("the public half", answer["PublicKey"], public_half(opened["Plaintext"]))


def rsa(w, members):
    with w.call("Encrypt RSAES_OAEP_SHA_256"):
        ciphertext = w.kms.encrypt(**members, Plaintext=PLAINTEXT)["CiphertextBlob"]
        opened = w.kms.decrypt(**members, CiphertextBlob=ciphertext)
        expect("the plaintext", opened["Plaintext"], PLAINTEXT)
    with w.call("Decrypt RSAES_OAEP_SHA_256"):
        opened = w.kms.decrypt(**members, CiphertextBlob=public_key(w, "rsa encrypt").encrypt(PLAINTEXT, OAEP))
        expect("the plaintext", opened["Plaintext"], PLAINTEXT)
        expect("the key", opened["KeyId"], members["KeyId"])


def public_key(w, name):
    return serialization.load_der_public_key(w.kms.get_public_key(KeyId=w.arns[name])["PublicKey"])


def public_half(private):
    key = serialization.load_der_private_key(private, None)
    expect("the curve", key.curve.name, "secp256r1")
    return der(key.public_key())


def der(public):
    return public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
