"""Asking a server through both faces, and writing down what it says and when."""

from __future__ import annotations

import hashlib
import json
import random
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import quote

from lxml import etree

from model.histories.lanes import Answer, Lane, Lanes, NoAnswer, Target
from model.histories.records import Page, Record, Said, Seen

Judge = Callable[[Answer], Said | Seen | Page | str]  # What an answer says, or `Unexpected` where it makes no sense.


class Unexpected(AssertionError):
    """An answer that no state of the names explains."""


class Knowledge:
    """What the clients of one process have heard of the names of a round."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = tuple(names)
        self.ids: defaultdict[str, list[str]] = defaultdict(list)
        self.digests: defaultdict[str, list[str]] = defaultdict(list)

    def note(self, name: str, file_id: str | None, digest: str | None) -> None:
        """Remember that somebody showed this version."""
        if file_id is not None and file_id not in self.ids[name]:
            self.ids[name].append(file_id)
        if digest is not None and digest not in self.digests[name]:
            self.digests[name].append(digest)


class Asker:
    """A client with lanes of its own."""

    def __init__(self, label: str, target: Target, lanes: Lanes, rng: random.Random) -> None:
        self._label = label
        self._target = target
        self._lanes = lanes
        self._rng = rng
        self._count = 0
        self._records: list[Record] = []
        self._known = Knowledge(())

    async def _s3(
        self,
        record: Record,
        method: str,
        target: str,
        judge: Judge,
        *,
        headers: dict[str, str] | None = None,
        body: bytes = b"",
        lane: Lane | None = None,
    ) -> bool:
        """A signed request of the S3 face."""
        signed = self._target.signer.headers(method, target, headers, host=self._target.host)
        return await self._ask(record, method, target, signed, judge, body, lane=lane)

    async def _native(
        self, record: Record, call: str, judge: Judge, *, lane: Lane | None = None, **fields: Any
    ) -> bool:
        """A JSON call of the native face."""
        body = json.dumps(fields).encode()
        return await self._ask(record, "POST", f"/b2api/v4/{call}", self._native_headers(), judge, body, lane=lane)

    async def _ask(
        self,
        record: Record,
        method: str,
        target: str,
        headers: dict[str, str],
        judge: Judge,
        body: bytes = b"",
        *,
        lane: Lane | None = None,
    ) -> bool:
        """Ask on a lane, and write down what was said and when. False where no answer came."""
        lane = lane or await self._any_lane()
        began = time.monotonic()
        try:
            answer = await lane.ask(method, target, headers, body)
        except NoAnswer:
            self._records.append(record._replace(began=began, worker=lane.worker))
            await self._lanes.drop(lane)
            return False
        ended = time.monotonic()
        try:
            said = judge(answer)
        except Unexpected as error:
            raise Unexpected(f"{record} by {method} {target}: {error}") from error
        self._records.append(record._replace(began=began, ended=ended, worker=lane.worker, said=said))
        return True

    async def _any_lane(self) -> Lane:
        if not self._lanes.open:
            await self._lanes.fill()
        return self._rng.choice(self._lanes.open)

    def _path(self, name: str) -> str:
        return f"/{self._target.bucket}/{quote(name)}"

    def _native_headers(self) -> dict[str, str]:
        return {"Host": self._target.host, "Authorization": self._target.token}

    def _s3_seen(self, name: str, answer: Answer, method: str) -> Seen:
        digest = answer.headers["etag"].strip('"')
        if method == "GET" and hashlib.md5(answer.body).hexdigest() != digest:
            raise Unexpected(f"{name} came with other bytes than its ETag says.")
        self._known.note(name, answer.headers["x-amz-version-id"], digest)
        return Seen(answer.headers["x-amz-version-id"], digest)

    def _native_seen(self, name: str, answer: Answer, method: str) -> Seen:
        digest = answer.headers["x-bz-content-sha1"]
        if method == "GET" and hashlib.sha1(answer.body).hexdigest() != digest:
            raise Unexpected(f"{name} came with other bytes than its SHA-1 says.")
        self._known.note(name, answer.headers["x-bz-file-id"], None)
        return Seen(answer.headers["x-bz-file-id"], digest)

    def _native_row(self, row: dict[str, Any]) -> Seen:
        is_marker = row["action"] == "hide"
        digest = None if is_marker else row["contentMd5"]
        self._known.note(row["fileName"], row["fileId"], digest)
        return Seen(row["fileId"], digest, is_marker=is_marker)


def unexpected(answer: Answer) -> Unexpected:
    """What no request of these can be answered with."""
    return Unexpected(f"{answer.status} {answer.body[:500]!r}")


def parsed(answer: Answer) -> etree._Element:
    """The XML of a success."""
    if answer.status != 200:
        raise unexpected(answer)
    return etree.fromstring(answer.body)


def json_of(answer: Answer) -> Any:
    """The JSON of a success."""
    if answer.status != 200:
        raise unexpected(answer)
    return json.loads(answer.body)
