"""Encryption under a symmetric key, data keys and random bytes."""

from walk import CONTEXT, PLAINTEXT, expect


def walk(w):
    arn = w.arns["symmetric"]
    encryption(w, arn)
    data_keys(w, arn)
    with w.call("ReEncrypt"):
        moved = w.kms.re_encrypt(
            CiphertextBlob=w.ciphertext, SourceEncryptionContext=CONTEXT,
            DestinationKeyId=w.arns["rsa encrypt"], DestinationEncryptionAlgorithm="RSAES_OAEP_SHA_1",
        )
        expect("the keys", [moved["SourceKeyId"], moved["KeyId"]], [arn, w.arns["rsa encrypt"]])
        opened = w.kms.decrypt(
            CiphertextBlob=moved["CiphertextBlob"], KeyId=w.arns["rsa encrypt"], EncryptionAlgorithm="RSAES_OAEP_SHA_1"
        )
        expect("the plaintext", opened["Plaintext"], PLAINTEXT)
    with w.call("GenerateRandom"):
        some, others = (w.kms.generate_random(NumberOfBytes=1024)["Plaintext"] for _ in range(2))
        expect("the number of bytes", len(some), 1024)
        expect("the same bytes again", some == others, False)
    with w.call("DisableKey"):
        w.kms.disable_key(KeyId=arn)
        with w.refused("DisabledException"):
            w.kms.encrypt(KeyId=arn, Plaintext=PLAINTEXT)
    with w.call("EnableKey"):
        w.kms.enable_key(KeyId=arn)
        w.kms.encrypt(KeyId=arn, Plaintext=PLAINTEXT)


def encryption(w, arn):
    kms = w.kms
    with w.call("Encrypt"):
        answer = kms.encrypt(KeyId=arn, Plaintext=PLAINTEXT, EncryptionContext=CONTEXT)
        expect("the key", answer["KeyId"], arn)
        expect("the algorithm", answer["EncryptionAlgorithm"], "SYMMETRIC_DEFAULT")
        w.ciphertext = answer["CiphertextBlob"]
    with w.call("Decrypt"):
        answer = kms.decrypt(CiphertextBlob=w.ciphertext, EncryptionContext=CONTEXT)
        expect("the plaintext", answer["Plaintext"], PLAINTEXT)
        expect("the key", answer["KeyId"], arn)
    with w.call("Decrypt in another context"), w.refused("InvalidCiphertextException"):
        kms.decrypt(CiphertextBlob=w.ciphertext, EncryptionContext={"room": "cellar"})
    with w.call("Encrypt as a dry run"), w.refused("DryRunOperationException"):
        kms.encrypt(KeyId=arn, Plaintext=PLAINTEXT, DryRun=True)
    with w.call("Encrypt of 4,097 bytes"), w.refused("ValidationException"):
        kms.encrypt(KeyId=arn, Plaintext=bytes(4097))


def data_keys(w, arn):
    kms = w.kms
    with w.call("GenerateDataKey"):
        answer = kms.generate_data_key(KeyId=arn, KeySpec="AES_256", EncryptionContext=CONTEXT)
        expect("the number of bytes", len(answer["Plaintext"]), 32)
        opened = kms.decrypt(CiphertextBlob=answer["CiphertextBlob"], EncryptionContext=CONTEXT)
        expect("the data key", opened["Plaintext"], answer["Plaintext"])
    with w.call("GenerateDataKeyWithoutPlaintext"):
        answer = kms.generate_data_key_without_plaintext(KeyId=arn, NumberOfBytes=32)
        expect("a plaintext", "Plaintext" in answer, False)
        opened = kms.decrypt(CiphertextBlob=answer["CiphertextBlob"])
        expect("the number of bytes", len(opened["Plaintext"]), 32)
