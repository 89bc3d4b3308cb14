"""Keys of every family."""

from walk import expect

FAMILIES = [
    ("symmetric", "SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT", "CreateKey SYMMETRIC_DEFAULT"),
    ("rsa sign", "RSA_2048", "SIGN_VERIFY", "CreateKey RSA_2048 to sign"),
    ("rsa encrypt", "RSA_2048", "ENCRYPT_DECRYPT", "CreateKey RSA_2048 to encrypt"),
    ("p256 sign", "ECC_NIST_P256", "SIGN_VERIFY", "CreateKey ECC_NIST_P256 to sign"),
    ("p256 agree", "ECC_NIST_P256", "KEY_AGREEMENT", "CreateKey ECC_NIST_P256 to agree"),
    ("secp256k1", "ECC_SECG_P256K1", "SIGN_VERIFY", "CreateKey ECC_SECG_P256K1 to sign"),
    ("ed25519", "ECC_NIST_EDWARDS25519", "SIGN_VERIFY", "CreateKey ECC_NIST_EDWARDS25519 to sign"),
    ("hmac", "HMAC_256", "GENERATE_VERIFY_MAC", "CreateKey HMAC_256"),
    ("ml-dsa", "ML_DSA_44", "SIGN_VERIFY", "CreateKey ML_DSA_44"),
    ("ml-kem", "ML_KEM_768", "ENCAPSULATE_DECAPSULATE", "CreateKey ML_KEM_768"),
]
DESCRIPTION = "Schlüssel für das Archiv, 鍵"
NO_KEY = "00000000-0000-4000-8000-000000000000"


def walk(w):
    kms = w.kms
    for name, spec, usage, label in FAMILIES:
        with w.call(label):
            created = kms.create_key(KeySpec=spec, KeyUsage=usage)["KeyMetadata"]
            w.arns[name] = created["Arn"]
            got = [created[m] for m in ("KeySpec", "KeyUsage", "KeyState", "Origin")]
            expect("the key", got, [spec, usage, "Enabled", "AWS_KMS"])
    with w.call("DescribeKey"):
        expect("the metadata", w.describe(created["KeyId"]), created)
    with w.call("DescribeKey of no key"), w.refused("NotFoundException"):
        w.describe(NO_KEY)
    with w.call("UpdateKeyDescription"):
        kms.update_key_description(KeyId=w.arns["symmetric"], Description=DESCRIPTION)
        expect("the description", w.describe(w.arns["symmetric"])["Description"], DESCRIPTION)
    with w.call("ListKeys"):
        pages = list(kms.get_paginator("list_keys").paginate(PaginationConfig={"PageSize": 3}))
        arns = [k["KeyArn"] for page in pages for k in page["Keys"]]
        expect("pages of more than 3", [p for p in pages if len(p["Keys"]) > 3], [])
        expect("our keys", sorted(a for a in arns if a in w.arns.values()), sorted(w.arns.values()))
