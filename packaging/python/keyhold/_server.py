"""A server in a process of its own."""

import json
import os
import re
import subprocess
import threading
from datetime import datetime, timedelta, timezone
from typing import Dict, Optional

from ._program import program

ACCOUNT = "000000000000"
ACCESS_KEY_ID = "test"
SECRET_ACCESS_KEY = "test"

_ENDPOINT = re.compile(r"^ *endpoint +(\S+)$")
_REGION = re.compile(r"export AWS_REGION=(\S+)")


class KeyholdError(Exception):
    """The server did not start, or a command failed. The message has what the program printed."""


class Server:
    """A server that keeps everything in memory. start() makes one.

    endpoint           its address, such as http://127.0.0.1:40001
    region             the Region of the seed file, or us-east-1; the server serves every Region
    access_key_id      credentials of the root of the account 000000000000
    secret_access_key
    """

    def __init__(self, process: subprocess.Popen, endpoint: str, region: str):
        self._process = process
        self.endpoint = endpoint
        self.region = region
        self.access_key_id = ACCESS_KEY_ID
        self.secret_access_key = SECRET_ACCESS_KEY

    def boto3(self) -> Dict[str, str]:
        """Return the arguments of boto3.client and boto3.resource for this server."""
        return {
            "endpoint_url": self.endpoint,
            "region_name": self.region,
            "aws_access_key_id": self.access_key_id,
            "aws_secret_access_key": self.secret_access_key,
        }

    def environment(self) -> Dict[str, str]:
        """Return the variables of the environment by which programs of AWS SDKs find this server."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ENDPOINT_URL_KMS": self.endpoint,
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_ACCESS_KEY_ID": self.access_key_id,
            "AWS_SECRET_ACCESS_KEY": self.secret_access_key,
        }

    def advance(self, duration: timedelta) -> datetime:
        """Move the clock forward by which keys and import tokens expire, and return its time.

        Signatures follow wall time, so clients work as before.
        """
        return self._clock("advance", f"{int(duration.total_seconds())}s")

    def now(self) -> datetime:
        """Return the time of the clock by which keys and import tokens expire."""
        return self._clock("show")

    def stop(self) -> None:
        """End the server. All its data is lost."""
        self._process.terminate()
        self._process.wait()

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, *_) -> None:
        self.stop()

    def _clock(self, *command: str) -> datetime:
        out = subprocess.run(
            [program(), "clock", *command, "--output", "json"],
            env={**_without_aws(), **self.environment()},
            capture_output=True,
            text=True,
        )
        if out.returncode != 0:
            raise KeyholdError(out.stderr)
        text = json.loads(out.stdout)["Now"]
        return datetime.fromtimestamp(text, timezone.utc)


def start(seed: Optional[str] = None) -> Server:
    """Start a server on a free port of the loopback interface.

    seed is a file that declares keys (docs/seed-file.md).
    """
    command = [program(), "dev", "--addr", "127.0.0.1:0"]
    if seed is not None:
        command += ["--seed", os.fspath(seed)]
    process = subprocess.Popen(
        command,
        env=_without_aws(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    endpoint, region, printed = None, None, []
    for line in process.stdout:
        printed.append(line)
        endpoint = endpoint or _match(_ENDPOINT, line)
        region = region or _match(_REGION, line)
        if endpoint and region:
            threading.Thread(target=_drain, args=(process.stdout,), daemon=True).start()
            return Server(process, endpoint, region)
    process.wait()
    raise KeyholdError("".join(printed))


def _match(pattern: "re.Pattern[str]", line: str) -> Optional[str]:
    found = pattern.search(line)
    return found.group(1) if found else None


def _drain(pipe) -> None:
    """Read what the server logs, so that the server never waits for a reader."""
    for _ in pipe:
        pass


def _without_aws() -> Dict[str, str]:
    """Return the environment without settings of AWS, which belong to other servers."""
    return {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
