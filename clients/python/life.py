"""Rotation, the last usage and deletion."""

from datetime import datetime, timedelta, timezone

from walk import CONTEXT, PLAINTEXT, expect


def walk(w):
    arn = w.arns["symmetric"]
    rotation(w, arn)
    schedule(w, arn)
    with w.call("GetKeyLastUsage"):
        usage = w.kms.get_key_last_usage(KeyId=arn)["KeyLastUsage"]
        expect("the operation", usage["Operation"], "Decrypt")
        expect("now", abs(datetime.now(timezone.utc) - usage["Timestamp"]) < timedelta(minutes=5), True)
    deletion(w, arn)


def rotation(w, arn):
    kms = w.kms
    with w.call("RotateKeyOnDemand"):
        kms.rotate_key_on_demand(KeyId=arn)
    with w.call("ListKeyRotations"):
        rotations = kms.list_key_rotations(KeyId=arn)["Rotations"]
        expect("the rotations", [r["RotationType"] for r in rotations], ["ON_DEMAND"])
        materials = kms.list_key_rotations(KeyId=arn, IncludeKeyMaterial="ALL_KEY_MATERIAL")["Rotations"]
        expect("the materials", [m["KeyMaterialState"] for m in materials], ["NON_CURRENT", "CURRENT"])
    with w.call("Decrypt after the rotation"):
        opened = kms.decrypt(CiphertextBlob=w.ciphertext, EncryptionContext=CONTEXT)
        expect("the plaintext", opened["Plaintext"], PLAINTEXT)
        expect("the material", opened["KeyMaterialId"], materials[0]["KeyMaterialId"])


def schedule(w, arn):
    kms = w.kms
    with w.call("EnableKeyRotation"):
        kms.enable_key_rotation(KeyId=arn, RotationPeriodInDays=180)
    with w.call("GetKeyRotationStatus"):
        status = kms.get_key_rotation_status(KeyId=arn)
        expect("the period", [status["KeyRotationEnabled"], status["RotationPeriodInDays"]], [True, 180])
        left = status["NextRotationDate"] - datetime.now(timezone.utc)
        expect("the date", abs(left - timedelta(days=180)) < timedelta(hours=1), True)
    with w.call("DisableKeyRotation"):
        kms.disable_key_rotation(KeyId=arn)
        expect("enabled", kms.get_key_rotation_status(KeyId=arn)["KeyRotationEnabled"], False)


def deletion(w, arn):
    kms = w.kms
    with w.call("ScheduleKeyDeletion"):
        answer = kms.schedule_key_deletion(KeyId=arn, PendingWindowInDays=7)
        expect("the state", [answer["KeyState"], answer["PendingWindowInDays"]], ["PendingDeletion", 7])
        left = answer["DeletionDate"] - datetime.now(timezone.utc)
        expect("the date", abs(left - timedelta(days=7)) < timedelta(hours=1), True)
    with w.call("Encrypt with a key pending deletion"), w.refused("KMSInvalidStateException"):
        kms.encrypt(KeyId=arn, Plaintext=PLAINTEXT)
    with w.call("CancelKeyDeletion"):
        kms.cancel_key_deletion(KeyId=arn)
        expect("the state", w.describe(arn)["KeyState"], "Disabled")
