"""Creation, use and end of grants."""

import uuid
from datetime import datetime, timedelta, timezone

from walk import CONTEXT, PLAINTEXT, expect

OPERATIONS = ["Decrypt", "Encrypt"]
CONSTRAINTS = {"EncryptionContextSubset": CONTEXT}


def walk(w):
    arn = w.arns["symmetric"]
    account = arn.split(":")[4]
    members = {
        "KeyId": arn,
        "GranteePrincipal": f"arn:aws:iam::{account}:role/archivist",
        "RetiringPrincipal": f"arn:aws:iam::{account}:user/auditor-{uuid.uuid4()}",
        "Operations": OPERATIONS,
        "Constraints": CONSTRAINTS,
    }
    grant = creation(w, members)
    listing(w, members, grant["GrantId"])
    tokens(w, arn, grant["GrantToken"])
    ends(w, members, grant["GrantToken"])


def creation(w, members):
    with w.call("CreateGrant"):
        grant = w.kms.create_grant(**members, Name="archive")
        expect("an ID and a token", [len(grant["GrantId"]) > 0, len(grant["GrantToken"]) > 0], [True, True])
    with w.call("CreateGrant of the same name"):
        again = w.kms.create_grant(**members, Name="archive")
        expect("the grant", again["GrantId"], grant["GrantId"])
        expect("the same token", again["GrantToken"] == grant["GrantToken"], False)
    return grant


def listing(w, members, grant_id):
    with w.call("ListGrants"):
        listed = w.kms.list_grants(KeyId=members["KeyId"])["Grants"]
        expect("the grants", [g["GrantId"] for g in listed], [grant_id])
        for name, want in {**members, "Name": "archive"}.items():
            got = listed[0][name]
            expect(name, sorted(got) if name == "Operations" else got, want)
        age = datetime.now(timezone.utc) - listed[0]["CreationDate"]
        expect("new", abs(age) < timedelta(hours=1), True)
    with w.call("ListRetirableGrants"):
        listed = w.kms.list_retirable_grants(RetiringPrincipal=members["RetiringPrincipal"])["Grants"]
        expect("the grants", [g["GrantId"] for g in listed], [grant_id])


def tokens(w, arn, token):
    with w.call("Encrypt with a grant token"):
        ciphertext = encrypt(w, arn, token)["CiphertextBlob"]
        opened = w.kms.decrypt(CiphertextBlob=ciphertext, EncryptionContext=CONTEXT, GrantTokens=[token])
        expect("the plaintext", opened["Plaintext"], PLAINTEXT)
        expect("the key", opened["KeyId"], arn)
    with w.call("Encrypt with a token of no grant"), w.refused("InvalidGrantTokenException"):
        encrypt(w, arn, "made-up")


def encrypt(w, arn, token):
    return w.kms.encrypt(KeyId=arn, Plaintext=PLAINTEXT, EncryptionContext=CONTEXT, GrantTokens=[token])


def ends(w, members, token):
    kms, arn = w.kms, members["KeyId"]
    with w.call("RetireGrant by its token"):
        kms.retire_grant(GrantToken=token)
        none_left(w, arn)
    with w.call("Encrypt with the token of a retired grant"), w.refused("InvalidGrantTokenException"):
        encrypt(w, arn, token)
    with w.call("RetireGrant by its ID"):
        kms.retire_grant(KeyId=arn, GrantId=kms.create_grant(**members)["GrantId"])
        none_left(w, arn)
    with w.call("RevokeGrant"):
        grant_id = kms.create_grant(**members)["GrantId"]
        kms.revoke_grant(KeyId=arn, GrantId=grant_id)
        none_left(w, arn)
    with w.call("RevokeGrant of no grant"), w.refused("NotFoundException"):
        kms.revoke_grant(KeyId=arn, GrantId=grant_id)


def none_left(w, arn):
    expect("the grants", w.kms.list_grants(KeyId=arn)["Grants"], [])
