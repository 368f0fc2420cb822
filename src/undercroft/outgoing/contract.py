"""The contract of outgoing connections: what the store knows of them. `client.py` is the driver."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from typing import NamedTuple, Protocol

Headers = Sequence[tuple[str, bytes]]


class Answer(NamedTuple):
    """What a target answered: the status, and as much of the body as the limit allows."""

    status: int
    body: bytes


class Streamed(Protocol):
    """A body that is not in memory as a whole. Whatever `chunks` raises ends the request, and is raised by it."""

    @property
    def length(self) -> int:
        """How many bytes it has."""

    def chunks(self) -> AsyncGenerator[bytes, None]:
        """The bytes, from the first one each time: a request may have to be sent again."""


Body = bytes | Streamed


class Bounds(NamedTuple):
    """How long a request may take, from the look-up of the name to the end of the answer, and how much of that is read."""

    timeout_s: float
    answer_bytes: int


class TargetError(Exception):
    """A target cannot be reached. The message is for the owner of the target, and tells nothing of our own network."""


class TargetRefused(TargetError):
    """Nobody may have us connect there."""


class Visitor(Protocol):
    """Somebody who posts to one URL, one request after the other."""

    async def post(self, headers: Headers, body: Body, bounds: Bounds | None = None) -> Answer:
        """Send a request and wait for its answer, whatever its status, within bounds, which are those of webhooks if none are
        given. Raises `TargetError`.

        The target may get one request twice, where the connection that was kept from the last one proved to be dead.
        """

    async def close(self) -> None:
        """Let go of the connection, if there is one."""


Visit = Callable[[str], Visitor]  # A visitor to this https URL. Nothing is connected yet.


class NoWayOut:
    """The visitor of a process that has no way out."""

    def __init__(self, _url: str) -> None:
        pass

    async def post(self, headers: Headers, body: Body, bounds: Bounds | None = None) -> Answer:  # noqa: ARG002 - they go nowhere.
        """Refuse."""
        raise TargetRefused("No connections to targets are made here")

    async def close(self) -> None:
        """There is nothing to let go of."""
