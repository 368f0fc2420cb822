"""What the state machine asks of Undercroft, by whichever way: one interface, with an adapter for each way.

An adapter has a method for each operation of the reference model. Where the model takes ids, an adapter takes the model's
own objects, since a face may want a name beside an id. It answers in the model's words with as much as its face tells, or
raises `Refusal` with what the face said.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol

Answer = dict[str, Any]
Page = tuple[list[Answer], Any]  # The rows, and the cursor of the next page or None.


class Refusal(Exception):
    """A refusal in the words of the face: status and code, or the name of the store's error."""

    def __init__(self, said: str) -> None:
        super().__init__(said)
        self.said = said


class Driver(Protocol):
    """A way to Undercroft. `clock_is_set` tells whether its clock moves only by `pass_time`."""

    clock_is_set: bool
    default_sse: str | None  # How files are encrypted in buckets that were never told.

    def begin(self) -> list[tuple[str, str, Iterable[str]]]:
        """Begin an example: the accounts that there are, each with the id and the capabilities of its key."""

    def now_ms(self) -> int:
        """The time by Undercroft's clock."""

    def starts_with(self, *, s3: bool) -> bool:
        """Whether a list that starts at a name holds that name; else it starts behind the name, or behind its folder."""

    def pass_time(self, by_ms: int) -> None:
        """Move a clock that is set."""

    def do(self, operation: str, s3: bool, actor: str | None, **arguments: Any) -> Any:
        """One operation in a dialect, asked for by a key or by nobody. Raises `Refusal`."""

    def knows(self, operation: str) -> bool:
        """Whether S3 has the operation; for one that it lacks the native dialect is taken."""

    def words(self, operation: str, reason: str, s3: bool) -> str:
        """What a refusal of the operation for this reason says."""
