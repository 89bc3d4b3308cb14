"""What a project that uses the wheel would test."""

from datetime import timedelta

import boto3
import keyhold as package
import pytest

SEED = """
[[key]]
id = "11111111-1111-4111-8111-111111111111"
aliases = ["alias/seeded"]
"""


@pytest.fixture
def kms(keyhold):
    return boto3.client("kms", **keyhold.boto3())


def test_round_trip(kms):
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    blob = kms.encrypt(KeyId=key, Plaintext=b"hello")["CiphertextBlob"]
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"hello"


def test_each_test_has_a_server_of_its_own(kms):
    assert kms.list_keys()["Keys"] == []


def test_clock(keyhold, kms):
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    kms.enable_key_rotation(KeyId=key)
    before = keyhold.now()
    assert keyhold.advance(timedelta(days=366)) - before >= timedelta(days=366)
    assert len(kms.list_key_rotations(KeyId=key)["Rotations"]) == 1


class TestSeed:
    @pytest.fixture
    def keyhold_seed(self, tmp_path):
        path = tmp_path / "seed.toml"
        path.write_text(SEED)
        return path

    def test_seed(self, kms):
        assert kms.describe_key(KeyId="alias/seeded")["KeyMetadata"]["KeyId"].startswith("11111111-")


def test_wrong_seed(tmp_path):
    with pytest.raises(package.KeyholdError, match="missing.toml"):
        package.start(tmp_path / "missing.toml")


def test_clock_does_not_go_back(keyhold):
    with pytest.raises(package.KeyholdError):
        keyhold.advance(timedelta(days=-1))


def test_stop():
    with package.start() as server:
        pass
    assert server._process.returncode is not None
