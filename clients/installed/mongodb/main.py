"""Client-side field level encryption of MongoDB: PyMongo with pymongocrypt.

The data key is encrypted under the KMS key, and lies in the key vault. MongoDB sends no encryption context.

usage: main.py version | seal KEY FOLDER ROOM < PLAINTEXT | open KEY FOLDER ROOM > PLAINTEXT
"""

import os
import sys
from importlib.metadata import version
from pathlib import Path
from urllib.parse import urlsplit

from bson.binary import Binary
from bson.codec_options import CodecOptions
from pymongo import MongoClient
from pymongo.encryption import Algorithm, ClientEncryption
from pymongo.server_api import ServerApi

import keyvault


def connect(folder):
    vault = MongoClient(keyvault.serve(Path(folder, "vault")), server_api=ServerApi("1"))
    credentials = {"accessKeyId": os.environ["AWS_ACCESS_KEY_ID"], "secretAccessKey": os.environ["AWS_SECRET_ACCESS_KEY"]}
    return ClientEncryption(
        kms_providers={"aws": credentials},
        key_vault_namespace="encryption.vault",
        key_vault_client=vault,
        codec_options=CodecOptions(),
        kms_tls_options={"aws": {"tlsCAFile": os.environ["SSL_CERT_FILE"]}},
    )


def seal(key, folder, _):
    client = connect(folder)
    endpoint = urlsplit(os.environ["AWS_ENDPOINT_URL"]).netloc
    master_key = {"region": os.environ["AWS_REGION"], "key": key, "endpoint": endpoint}
    data_key = client.create_data_key("aws", master_key=master_key)
    sealed = client.encrypt(
        Binary(sys.stdin.buffer.read()), Algorithm.AEAD_AES_256_CBC_HMAC_SHA_512_Random, key_id=data_key
    )
    Path(folder, "field").write_bytes(sealed)


def unseal(_, folder, __):
    sealed = Binary(Path(folder, "field").read_bytes(), subtype=6)
    sys.stdout.buffer.write(connect(folder).decrypt(sealed))


if sys.argv[1] == "version":
    print(f"{version('pymongocrypt')} with PyMongo {version('pymongo')}")
else:
    {"seal": seal, "open": unseal}[sys.argv[1]](*sys.argv[2:])
