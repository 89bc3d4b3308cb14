"""Signs requests with botocore and prints the headers to send.

Reads from standard input {"id", "secret", "region", "requests": [{"url",
"headers", "body"}]}, the body in base64. Writes a list of header objects.
"""

import base64
import json
import sys

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

job = json.load(sys.stdin)
signer = SigV4Auth(Credentials(job["id"], job["secret"]), "kms", job["region"])
signed = []
for r in job["requests"]:
    request = AWSRequest(
        method="POST",
        url=r["url"],
        headers=r["headers"],
        data=base64.b64decode(r["body"]),
    )
    signer.add_auth(request)
    signed.append(dict(request.headers.items()))
json.dump(signed, sys.stdout)
