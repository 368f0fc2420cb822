"""To a server through its faces: each operation through the face of its dialect."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

from harness.hostile import Client
from harness.server import Server
from model import through_native, through_s3
from model.replicating_node import ReplicatingNode
from model.through_native import ThroughNative
from model.through_s3 import ThroughS3


class ThroughFaces:
    """A server with two accounts."""

    clock_is_set = False
    default_sse = "SSE-B2"

    def __init__(self, server: Server) -> None:
        other = server.create_account("stranger@example.com")
        owners = [
            Client(server, server.key_id, server.application_key),
            Client(server, other["keyId"], other["applicationKey"]),
        ]
        self._names: dict[str, str] = {}  # Of buckets by their ids.
        self._native = ThroughNative(server, owners)
        self._s3 = ThroughS3(self._native.clients, owners, self._names)
        self._node = ReplicatingNode(server, owners)

    def close(self) -> None:
        """Leave the server to itself."""
        self._node.close()

    def begin(self) -> list[tuple[str, str, Iterable[str]]]:
        """Begin an example: the accounts that there are, each with the id and the capabilities of its key."""
        return self._native.begin()

    def now_ms(self) -> int:
        """The time, which the server's machine shares."""
        return time.time_ns() // 1_000_000

    def starts_with(self, *, s3: bool) -> bool:
        """Whether a list that starts at a name holds that name."""
        return not s3

    def pass_time(self, by_ms: int) -> None:
        """Nobody moves this clock."""
        raise NotImplementedError(by_ms)

    def knows(self, operation: str) -> bool:
        """Whether S3 has the operation."""
        return hasattr(self._s3, operation)

    def do(self, operation: str, s3: bool, actor: str | None, **arguments: Any) -> Any:
        """One operation through one face, but for the work that no face asks for. Raises `Refusal`."""
        if operation == "replicate_all":
            return self._node.replicate_all()
        self._node.keep_lease()
        said = (self._s3 if s3 else self._native).do(operation, actor, **arguments)
        if operation == "create_bucket":
            self._names[said["id"]] = said["name"]
        return said

    def words(self, operation: str, reason: str, s3: bool) -> str:
        """What a refusal of the operation for this reason says: status and code."""
        if s3:
            return through_s3.WORDS[reason]
        return through_native.OF_OPERATION.get((operation, reason)) or through_native.WORDS[reason]
