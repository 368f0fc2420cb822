"""The `undercroft` command: serving, and the operator's work on a data directory, whether it is being served or not.

Exit codes: 0 done, 1 failed, 2 wrong usage, 74 when serving ended with a fatal storage error.
"""

from __future__ import annotations

import os
import sys

_PRIVATE = 0o077  # Whatever a command makes is for its user alone.


def main() -> None:
    """Run the command of `sys.argv`, and exit."""
    os.umask(_PRIVATE)
    _import_structlog_quickly()
    from undercroft.cli.commands import app
    from undercroft.serve.exits import FAILED, USAGE, StartError
    from undercroft.settings import SettingsError

    try:
        app(prog_name="undercroft")
    except SettingsError as error:
        _complain(str(error), USAGE)
    except StartError as error:
        _complain(str(error), error.exit_code)
    except KeyboardInterrupt:
        sys.exit(FAILED)


def _complain(message: str, exit_code: int) -> None:
    sys.stderr.write(f"undercroft: {message}\n")
    sys.exit(exit_code)


def _import_structlog_quickly() -> None:
    """Import structlog as if rich were not installed.

    It would import most of rich for tracebacks that we do not use, a tenth of a second and 5 MB in every process.
    """
    if "rich" in sys.modules:
        return
    sys.modules["rich"] = None  # type: ignore[assignment]  # So Python marks a module that must not be imported.
    try:
        import structlog  # noqa: F401
    finally:
        del sys.modules["rich"]
