#!/usr/bin/env python3
"""The calls of clients/README.md through boto3, against the server at ENDPOINT.

usage: main.py ENDPOINT
"""

import sys

import boto3
from botocore.config import Config

import agreement
import grants
import imports
import keys
import life
import names
import regions
import signatures
import symmetric
from walk import ABROAD, HOME, Difference, Walk


def connect(endpoint, region):
    return boto3.client(
        "kms",
        endpoint_url=endpoint,
        region_name=region,
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(retries={"total_max_attempts": 1}),
    )


def main(endpoint):
    w = Walk(connect(endpoint, HOME), connect(endpoint, ABROAD))
    for part in (keys, names, symmetric, imports, signatures, agreement, grants, regions, life):
        part.walk(w)
    print(f"ok {w.calls} calls")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    try:
        main(sys.argv[1])
    except Difference as difference:
        sys.exit(str(difference))
