"""Calls, their labels, and comparisons of their results."""

from contextlib import contextmanager

from botocore.exceptions import ClientError

HOME, ABROAD = "us-east-1", "eu-west-2"
CONTEXT = {"room": "archive"}
PLAINTEXT = b"the combination is 12-34-56"


class Difference(Exception):
    """A result that differs from the expected one."""


class Walk:
    """The clients of two Regions, the number of calls, and the ARNs of the keys by purpose."""

    def __init__(self, kms, abroad):
        self.kms = kms
        self.abroad = abroad
        self.calls = 0
        self.arns = {}

    @contextmanager
    def call(self, label):
        """Print the label after its steps, or name the step that failed."""
        try:
            yield
        except Exception as error:
            raise Difference(f"{label}: {error}") from error
        self.calls += 1
        print(label, flush=True)

    @contextmanager
    def refused(self, name):
        """Check that the call fails with the SDK's own exception, or with its general exception for this code."""
        try:
            exception = getattr(self.kms.exceptions, name)
        except AttributeError:
            exception = ClientError
        try:
            yield
        except exception as refusal:
            expect("the code", refusal.response["Error"]["Code"], name)
            expect("the status", refusal.response["ResponseMetadata"]["HTTPStatusCode"], 400)
        except Exception as error:
            raise Difference(f"expected {name}, got {error}") from error
        else:
            raise Difference(f"expected {name}, but it succeeded")

    def describe(self, key_id):
        return self.kms.describe_key(KeyId=key_id)["KeyMetadata"]


def expect(what, got, want):
    if got != want:
        raise Difference(f"{what}: expected {want!r}, got {got!r}")
