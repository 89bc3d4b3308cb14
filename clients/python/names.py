"""Aliases, tags and the key policy."""

import json
import uuid

from walk import expect


def walk(w):
    aliases(w)
    tags(w)
    with w.call("GetKeyPolicy"):
        answer = w.kms.get_key_policy(KeyId=w.arns["symmetric"])
        expect("the name", answer["PolicyName"], "default")
        expect("the number of statements", len(json.loads(answer["Policy"])["Statement"]), 1)


def aliases(w):
    kms, arn, other = w.kms, w.arns["symmetric"], w.arns["rsa encrypt"]
    symmetric = kms.create_key()["KeyMetadata"]["Arn"]
    name = f"alias/archive-{uuid.uuid4()}"
    with w.call("CreateAlias"):
        kms.create_alias(AliasName=name, TargetKeyId=arn)
    with w.call("CreateAlias of a name in use"), w.refused("AlreadyExistsException"):
        kms.create_alias(AliasName=name, TargetKeyId=other)
    with w.call("DescribeKey by alias"):
        expect("the key", w.describe(name)["Arn"], arn)
    with w.call("ListAliases"):
        listed = kms.list_aliases(KeyId=arn)["Aliases"]
        region = arn.rpartition(":")[0]
        expect("the aliases", [(a["AliasName"], a["AliasArn"]) for a in listed], [(name, f"{region}:{name}")])
    with w.call("UpdateAlias"):
        kms.update_alias(AliasName=name, TargetKeyId=symmetric)
        expect("the key", w.describe(name)["Arn"], symmetric)
    with w.call("DeleteAlias"):
        kms.delete_alias(AliasName=name)
        with w.refused("NotFoundException"):
            w.describe(name)


def tags(w):
    kms, arn = w.kms, w.arns["symmetric"]
    both = [{"TagKey": "floor", "TagValue": ""}, {"TagKey": "room", "TagValue": "archive"}]
    with w.call("TagResource"):
        kms.tag_resource(KeyId=arn, Tags=both)
    with w.call("ListResourceTags"):
        listed = kms.list_resource_tags(KeyId=arn)["Tags"]
        expect("the tags", sorted(listed, key=lambda t: t["TagKey"]), both)
    with w.call("UntagResource"):
        kms.untag_resource(KeyId=arn, TagKeys=["floor"])
        expect("the tags", kms.list_resource_tags(KeyId=arn)["Tags"], both[1:])
