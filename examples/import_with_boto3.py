#!/usr/bin/env python3
"""Bring your own key with boto3: import it, delete it, import it again.

usage: import_with_boto3.py ENDPOINT

The credentials and the Region come from the environment. The default is keyhold dev's.
The package cryptography is needed only for RSAES-OAEP.
"""

import os
import sys
from datetime import datetime, timedelta, timezone

import boto3
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding

PLAINTEXT = b"the combination is 12-34-56"
CONTEXT = {"room": "archive"}


def connect(endpoint):
    return boto3.client(
        "kms",
        endpoint_url=endpoint,
        region_name=os.environ.get("AWS_DEFAULT_REGION", "us-east-1"),
        aws_access_key_id=os.environ.get("AWS_ACCESS_KEY_ID", "test"),
        aws_secret_access_key=os.environ.get("AWS_SECRET_ACCESS_KEY", "test"),
    )


def import_material(kms, key_id, material):
    """Wrap material with RSAES_OAEP_SHA_1 and import it for 90 days."""
    params = kms.get_parameters_for_import(
        KeyId=key_id, WrappingAlgorithm="RSAES_OAEP_SHA_1", WrappingKeySpec="RSA_4096"
    )
    public = serialization.load_der_public_key(params["PublicKey"])
    assert public.key_size == 4096, f"asked for RSA_4096, got {public.key_size} bits"
    oaep = padding.OAEP(mgf=padding.MGF1(hashes.SHA1()), algorithm=hashes.SHA1(), label=None)
    return kms.import_key_material(
        KeyId=key_id,
        ImportToken=params["ImportToken"],
        EncryptedKeyMaterial=public.encrypt(material, oaep),
        ExpirationModel="KEY_MATERIAL_EXPIRES",
        ValidTo=datetime.now(timezone.utc) + timedelta(days=90),
    )


def expect_state(kms, key_id, want):
    state = kms.describe_key(KeyId=key_id)["KeyMetadata"]["KeyState"]
    assert state == want, f"the key should be {want}, and is {state}"
    print(f"  the key is {state}")


def expect_decrypts(kms, ciphertext):
    answer = kms.decrypt(CiphertextBlob=ciphertext, EncryptionContext=CONTEXT)
    assert answer["Plaintext"] == PLAINTEXT, "the decrypted plaintext differs"
    print("  the ciphertext decrypts")


def expect_refused(exception, call, **members):
    try:
        call(**members)
    except exception as refusal:
        assert refusal.response["ResponseMetadata"]["RequestId"], "a refusal has no request ID"
        print(f"  refused with {type(refusal).__name__}")
    else:
        raise AssertionError(f"expected {exception.__name__}, but it succeeded")


def main(endpoint):
    kms = connect(endpoint)

    print("Create a key without key material")
    created = kms.create_key(Origin="EXTERNAL")
    assert created["ResponseMetadata"]["RequestId"], "an answer has no request ID"
    key_id = created["KeyMetadata"]["KeyId"]
    print(f"  key {key_id}")
    expect_state(kms, key_id, "PendingImport")

    print("Import key material of our own")
    material = os.urandom(32)
    material_id = import_material(kms, key_id, material)["KeyMaterialId"]
    expect_state(kms, key_id, "Enabled")

    print("Use it")
    ciphertext = kms.encrypt(KeyId=key_id, Plaintext=PLAINTEXT, EncryptionContext=CONTEXT)["CiphertextBlob"]
    expect_decrypts(kms, ciphertext)

    print("Delete the key material, not the key")
    kms.delete_imported_key_material(KeyId=key_id)
    expect_state(kms, key_id, "PendingImport")
    expect_refused(kms.exceptions.KMSInvalidStateException, kms.encrypt, KeyId=key_id, Plaintext=PLAINTEXT)

    print("Import other key material")
    expect_refused(
        kms.exceptions.IncorrectKeyMaterialException,
        import_material, kms=kms, key_id=key_id, material=os.urandom(32),
    )

    print("Import the same key material again")
    again = import_material(kms, key_id, material)["KeyMaterialId"]
    assert again == material_id, f"the same material should be {material_id}, and is {again}"
    expect_state(kms, key_id, "Enabled")
    expect_decrypts(kms, ciphertext)

    print("ok")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
