"""The plugin of pytest."""

from typing import Iterator

import pytest

from ._server import Server, start


@pytest.fixture
def keyhold_seed():
    """The seed file of the server, or None. Override this fixture to name a file."""
    return None


@pytest.fixture
def keyhold(keyhold_seed) -> Iterator[Server]:
    """A server for one test, which keeps everything in memory."""
    with start(keyhold_seed) as server:
        yield server
