"""The program that the wheel carries."""

import os
import sys
from pathlib import Path


def program() -> str:
    """Return the path of the program keyhold."""
    return str(Path(__file__).parent / "bin" / "keyhold")


def main() -> None:
    """Become the program, with the same arguments."""
    os.execv(program(), [program(), *sys.argv[1:]])
