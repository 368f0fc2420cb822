"""Libraries that are loaded before the C library (LD_PRELOAD), made from their sources here for this machine."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

_FOLDER = Path(__file__).parent


def make_library(name: str, folder: Path) -> Path:
    """The library of `name.c`, which stands beside this file, made in `folder`. Skips the test where there is no gcc."""
    if shutil.which("gcc") is None:
        pytest.skip(f"there is no gcc here to make the library {name} with")
    library = folder / f"{name}.so"
    flags = ["-Wall", "-Wextra", "-Werror", "-O1", "-shared", "-fPIC"]
    subprocess.run(
        ["gcc", *flags, "-o", library, _FOLDER / f"{name}.c", "-ldl", "-lpthread"],
        check=True,
        capture_output=True,
        text=True,
    )
    return library
