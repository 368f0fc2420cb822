"""A disk that fails at chosen system calls: a library that is loaded before the C library (LD_PRELOAD).

It is told in two ways. For a real server there is a file of rules. While it exists, each call of it fails with EIO: a line
is the name of a call and what the path must contain, where `|` stands for its end. So `fdatasync catalog.db|` fails the
database's syncs and not those of its log. For a process that breaks its own calls there is `Plan`.
"""

from __future__ import annotations

import ctypes
import os
from enum import IntFlag
from pathlib import Path
from typing import NamedTuple

from harness.preload import make_library

_VARIABLE = "UNDERCROFT_TEST_FAULTS"


class Calls(IntFlag):
    """The classes of system calls, as the library numbers them."""

    OPEN = 1
    CREATE = 2  # Opening a file that is not there yet.
    READ = 4
    WRITE = 8
    SYNC = 16
    TRUNCATE = 32
    ALLOCATE = 64
    MKDIR = 128
    RENAME = 256
    LINK = 512
    UNLINK = 1024
    STATVFS = 2048


# What a full disk refuses.
GROWING = Calls.CREATE | Calls.WRITE | Calls.ALLOCATE | Calls.MKDIR | Calls.RENAME | Calls.LINK
EVERY_CALL = ~Calls(0)  # All of the above.


class Plan(NamedTuple):
    """The n-th call of these classes fails with this error number, and with `stays` every later one.

    With `cuts_short`, the n-th call takes half of its bytes if it is one that writes. An error number of 0 fails nothing.
    """

    calls: Calls
    nth: int
    error: int
    stays: bool = False
    cuts_short: bool = False


class OwnDisk:
    """The disk of this very process, which was started with `FailingDisk.environment`."""

    def __init__(self) -> None:
        self._library = ctypes.CDLL(None)
        self._library.failing_disk_hit.restype = ctypes.c_char_p
        self._library.failing_disk_count.restype = ctypes.c_long

    def arm(self, root: Path, plan: Plan) -> None:
        """From now on, calls on what lies under the folder go after the plan, in every thread."""
        nth = ctypes.c_long(plan.nth)
        self._library.failing_disk_arm(
            bytes(root), int(plan.calls), nth, plan.error, int(plan.stays), int(plan.cuts_short)
        )

    def disarm(self) -> None:
        """From now on, nothing fails."""
        self._library.failing_disk_disarm()

    def count(self, calls: Calls) -> int:
        """How many calls of these classes there were since the latest plan was armed, whatever it says of them."""
        return self._library.failing_disk_count(int(calls))

    @property
    def hit(self) -> str:
        """The n-th call of the latest plan and its path under the folder, `fsync /blobs/ab`; empty where there was none."""
        return self._library.failing_disk_hit().decode()


class FailingDisk:
    """The library, made for this machine in `folder`, and the file of rules."""

    def __init__(self, folder: Path) -> None:
        self._rules = folder / "faults"
        self._library = make_library("failing_disk", folder)

    @property
    def environment(self) -> dict[str, str]:
        """What a server must have in its environment."""
        return {"LD_PRELOAD": str(self._library), _VARIABLE: str(self._rules)}

    def fail(self, *rules: str) -> None:
        """From now on, calls after these rules fail."""
        new = self._rules.with_suffix(".new")
        new.write_text("".join(rule + "\n" for rule in rules))
        os.replace(new, self._rules)  # noqa: PTH105 - at once: a server never sees half of the rules.

    def heal(self) -> None:
        """From now on, nothing fails."""
        self._rules.unlink(missing_ok=True)
