"""A multi-Region key, from its creation to its deletion."""

import re
from datetime import datetime, timedelta, timezone

from walk import ABROAD, HOME, PLAINTEXT, expect


def walk(w):
    with w.call("CreateKey of a multi-Region key"):
        key = w.kms.create_key(MultiRegion=True)["KeyMetadata"]
        key_id, here = key["KeyId"], key["Arn"]
        expect("a multi-Region key", key["MultiRegion"], True)
        expect("an ID of one", re.fullmatch("mrk-[0-9a-f]{32}", key_id) is not None, True)
        primary = {"Arn": here, "Region": HOME}
        want = {"MultiRegionKeyType": "PRIMARY", "PrimaryKey": primary, "ReplicaKeys": []}
        expect("the Regions", key["MultiRegionConfiguration"], want)
    there = here.replace(f":{HOME}:", f":{ABROAD}:")
    replication(w, key_id, there)
    with w.call("DescribeKey in both Regions"):
        primary_is(w, here, there)
    with w.call("Decrypt in the other Region"):
        travels(w.kms, w.abroad, key_id, there)
        travels(w.abroad, w.kms, key_id, here)
    with w.call("UpdatePrimaryRegion"):
        w.kms.update_primary_region(KeyId=key_id, PrimaryRegion=ABROAD)
        primary_is(w, there, here)
    with w.call("UpdatePrimaryRegion where no replica is"), w.refused("NotFoundException"):
        w.abroad.update_primary_region(KeyId=key_id, PrimaryRegion="ap-south-1")
    deletion(w, key_id)


def replication(w, key_id, there):
    with w.call("ReplicateKey"):
        key = w.kms.replicate_key(KeyId=key_id, ReplicaRegion=ABROAD)["ReplicaKeyMetadata"]
        expect("the ARN and the state", [key["Arn"], key["KeyState"]], [there, "Enabled"])
    with w.call("ReplicateKey where a replica is"), w.refused("AlreadyExistsException"):
        w.kms.replicate_key(KeyId=key_id, ReplicaRegion=ABROAD)
    with w.call("ReplicateKey of a single-Region key"), w.refused("UnsupportedOperationException"):
        w.kms.replicate_key(KeyId=w.arns["symmetric"], ReplicaRegion=ABROAD)


def primary_is(w, primary, replica):
    """Check that both Regions agree on the primary key, and that each names its own key."""
    for client, region in (w.kms, HOME), (w.abroad, ABROAD):
        key_id = primary.rpartition("/")[2]
        key = client.describe_key(KeyId=key_id)["KeyMetadata"]
        own = primary if region_of(primary) == region else replica
        expect("the ARN", key["Arn"], own)
        want = {
            "MultiRegionKeyType": "PRIMARY" if own == primary else "REPLICA",
            "PrimaryKey": {"Arn": primary, "Region": region_of(primary)},
            "ReplicaKeys": [{"Arn": replica, "Region": region_of(replica)}],
        }
        expect("the Regions", key["MultiRegionConfiguration"], want)


def region_of(arn):
    return arn.split(":")[3]


def travels(source, destination, key_id, arn):
    """Check that a ciphertext of one Region decrypts in the other, under the ARN in that Region."""
    ciphertext = source.encrypt(KeyId=key_id, Plaintext=PLAINTEXT)["CiphertextBlob"]
    opened = destination.decrypt(CiphertextBlob=ciphertext)
    expect("the key and the plaintext", [opened["KeyId"], opened["Plaintext"]], [arn, PLAINTEXT])


def deletion(w, key_id):
    """Delete the primary key, which is in the other Region by now and waits for its replica."""
    with w.call("ScheduleKeyDeletion of a primary key"):
        answer = w.abroad.schedule_key_deletion(KeyId=key_id, PendingWindowInDays=7)
        got = [answer["KeyState"], answer["PendingWindowInDays"], answer.get("DeletionDate")]
        expect("the state, the days, and no date", got, ["PendingReplicaDeletion", 7, None])
    with w.call("Encrypt with a key pending replica deletion"), w.refused("KMSInvalidStateException"):
        w.abroad.encrypt(KeyId=key_id, Plaintext=PLAINTEXT)
    with w.call("ScheduleKeyDeletion of a replica key"):
        answer = w.kms.schedule_key_deletion(KeyId=key_id, PendingWindowInDays=7)
        expect("the state", answer["KeyState"], "PendingDeletion")
        left = answer["DeletionDate"] - datetime.now(timezone.utc)
        expect("the date", abs(left - timedelta(days=7)) < timedelta(hours=1), True)
