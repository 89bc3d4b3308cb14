"""Keyhold for tests: a complete server that speaks the AWS KMS API, with a clock that the test moves.

    with keyhold.start() as server:
        kms = boto3.client("kms", **server.boto3())
        ...
        server.advance(timedelta(days=90))

With pytest, the fixture keyhold is a server for one test.
"""

from ._program import program
from ._server import ACCESS_KEY_ID, ACCOUNT, SECRET_ACCESS_KEY, KeyholdError, Server, start
from ._version import __version__

__all__ = [
    "ACCESS_KEY_ID",
    "ACCOUNT",
    "SECRET_ACCESS_KEY",
    "KeyholdError",
    "Server",
    "__version__",
    "program",
    "start",
]
