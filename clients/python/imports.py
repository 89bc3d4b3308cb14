"""Key material of our own."""

import os
from datetime import datetime, timedelta, timezone

from cryptography.hazmat.primitives import hashes, hmac, serialization
from cryptography.hazmat.primitives.asymmetric import padding

from walk import CONTEXT, PLAINTEXT, expect

OAEP = padding.OAEP(mgf=padding.MGF1(hashes.SHA256()), algorithm=hashes.SHA256(), label=None)


def walk(w):
    kms, material = w.kms, os.urandom(32)
    with w.call("CreateKey of origin EXTERNAL"):
        created = kms.create_key(Origin="EXTERNAL")["KeyMetadata"]
        expect("the state", created["KeyState"], "PendingImport")
        arn = created["Arn"]
    with w.call("GetParametersForImport"):
        params = parameters(kms, arn)
        left = params["ParametersValidTo"] - datetime.now(timezone.utc)
        expect("valid for a day", timedelta(hours=23) < left < timedelta(hours=25), True)
    with w.call("ImportKeyMaterial"):
        valid_to = (datetime.now(timezone.utc) + timedelta(days=90)).replace(microsecond=0)
        members = {"ExpirationModel": "KEY_MATERIAL_EXPIRES", "ValidTo": valid_to}
        material_id = bring(kms, arn, params, material, **members)["KeyMaterialId"]
        key = w.describe(arn)
        expect("the state", key["KeyState"], "Enabled")
        expect("the expiry", [key["ExpirationModel"], key["ValidTo"]], ["KEY_MATERIAL_EXPIRES", valid_to])
    with w.call("Encrypt with imported material"):
        ciphertext = kms.encrypt(KeyId=arn, Plaintext=PLAINTEXT, EncryptionContext=CONTEXT)["CiphertextBlob"]
    with w.call("DeleteImportedKeyMaterial"):
        kms.delete_imported_key_material(KeyId=arn)
        expect("the state", w.describe(arn)["KeyState"], "PendingImport")
    with w.call("Encrypt without material"), w.refused("KMSInvalidStateException"):
        kms.encrypt(KeyId=arn, Plaintext=PLAINTEXT)
    with w.call("ImportKeyMaterial of other bytes"), w.refused("IncorrectKeyMaterialException"):
        bring(kms, arn, params, os.urandom(32), ExpirationModel="KEY_MATERIAL_DOES_NOT_EXPIRE")
    with w.call("ImportKeyMaterial again"):
        again = bring(kms, arn, parameters(kms, arn), material, ExpirationModel="KEY_MATERIAL_DOES_NOT_EXPIRE")
        expect("the material", again["KeyMaterialId"], material_id)
    with w.call("Decrypt with imported material"):
        opened = kms.decrypt(CiphertextBlob=ciphertext, EncryptionContext=CONTEXT)
        expect("the plaintext", opened["Plaintext"], PLAINTEXT)
    with w.call("ImportKeyMaterial HMAC_256"):
        mac_key(kms, material)


def mac_key(kms, material):
    created = kms.create_key(Origin="EXTERNAL", KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC")
    arn = created["KeyMetadata"]["Arn"]
    bring(kms, arn, parameters(kms, arn), material, ExpirationModel="KEY_MATERIAL_DOES_NOT_EXPIRE")
    ours = hmac.HMAC(material, hashes.SHA256())
    ours.update(PLAINTEXT)
    answer = kms.generate_mac(KeyId=arn, Message=PLAINTEXT, MacAlgorithm="HMAC_SHA_256")
    expect("the code", answer["Mac"], ours.finalize())


def parameters(kms, arn):
    params = kms.get_parameters_for_import(
        KeyId=arn, WrappingAlgorithm="RSAES_OAEP_SHA_256", WrappingKeySpec="RSA_2048"
    )
    expect("the key", params["KeyId"], arn)
    expect("its bits", serialization.load_der_public_key(params["PublicKey"]).key_size, 2048)
    return params


def bring(kms, arn, params, material, **members):
    wrapped = serialization.load_der_public_key(params["PublicKey"]).encrypt(material, OAEP)
    return kms.import_key_material(
        KeyId=arn, ImportToken=params["ImportToken"], EncryptedKeyMaterial=wrapped, **members
    )
