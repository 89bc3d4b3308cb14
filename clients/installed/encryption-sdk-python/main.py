"""The AWS Encryption SDK for Python with a KMS keyring.

usage: main.py version | seal KEY FOLDER ROOM < PLAINTEXT | open KEY FOLDER ROOM > PLAINTEXT
"""

import sys
from importlib.metadata import version
from pathlib import Path

import aws_encryption_sdk
import boto3
from aws_cryptographic_material_providers.mpl import AwsCryptographicMaterialProviders
from aws_cryptographic_material_providers.mpl.config import MaterialProvidersConfig
from aws_cryptographic_material_providers.mpl.models import CreateAwsKmsKeyringInput
from aws_encryption_sdk.exceptions import AWSEncryptionSDKClientError


def keyring(key):
    providers = AwsCryptographicMaterialProviders(config=MaterialProvidersConfig())
    return providers.create_aws_kms_keyring(CreateAwsKmsKeyringInput(kms_key_id=key, kms_client=boto3.client("kms")))


def seal(key, folder, room):
    message, _ = aws_encryption_sdk.EncryptionSDKClient().encrypt(
        source=sys.stdin.buffer.read(), keyring=keyring(key), encryption_context={"room": room}
    )
    Path(folder, "message").write_bytes(message)


def unseal(key, folder, room):
    plaintext, _ = aws_encryption_sdk.EncryptionSDKClient().decrypt(
        source=Path(folder, "message").read_bytes(), keyring=keyring(key), encryption_context={"room": room}
    )
    sys.stdout.buffer.write(plaintext)


def show(error):
    """Show the message of the SDK, and the errors of KMS, which the SDK keeps in a list."""
    print(error, *map(repr, getattr(error.args[0], "list", [])), file=sys.stderr)


if sys.argv[1] == "version":
    print(version("aws-encryption-sdk"))
else:
    try:
        {"seal": seal, "open": unseal}[sys.argv[1]](*sys.argv[2:])
    except AWSEncryptionSDKClientError as error:
        show(error)
        sys.exit(1)
