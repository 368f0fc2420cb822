"""The `undercroft` command inside this process: much quicker than starting one for each command."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest
import structlog

from harness.server import clean_environment
from undercroft.cli import main


def run_in_process(
    folder: Path, *arguments: str, stdin: str = "", data: bool = True, **environment: str
) -> tuple[int, str, str]:
    """The exit code, output and errors of a command, with `data` on the data directory of the folder."""
    if data:
        arguments = (*arguments, "--data", str(folder / "data"))
    out, err = io.StringIO(), io.StringIO()
    with (
        mock.patch.dict(os.environ, {**clean_environment(folder), **environment}, clear=True),
        mock.patch.object(sys, "argv", ["undercroft", *arguments]),
        mock.patch.object(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode("utf-8", "surrogateescape")))),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        _unchanged(),
        pytest.raises(SystemExit) as ended,
    ):
        main()
    return int(ended.value.code or 0), out.getvalue(), err.getvalue()


@contextlib.contextmanager
def _unchanged() -> Iterator[None]:
    """Gives back what a command changes for its whole process."""
    umask, handlers, level = os.umask(0o077), logging.root.handlers[:], logging.root.level
    try:
        yield
    finally:
        os.umask(umask)
        structlog.reset_defaults()
        logging.root.handlers[:] = handlers
        logging.root.setLevel(level)
