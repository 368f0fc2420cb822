"""Event notifications for tests: short ways to set rules and to have them delivered, and a target that is a plain object."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from harness.stores import Bench
from undercroft.catalog import outbox
from undercroft.outgoing.contract import Answer, Headers, TargetError
from undercroft.store.buckets.notification_rules import Rule, Target
from undercroft.store.model import Bucket

URL = "https://hooks.example.com/b2"
SECRET = "0123456789abcdefghijklmnopqrstuv"
ALL = ("b2:ObjectCreated:*", "b2:HideMarkerCreated:*", "b2:ObjectDeleted:*")


def rule(name: str = "the-rule", **changes: Any) -> Rule:
    """A rule that wants to hear of everything."""
    given = {"event_types": ALL, "is_enabled": True, "object_name_prefix": "", "max_events_per_batch": 1} | changes
    return Rule(name=name, **{"target": Target(URL), **given})


async def set_rules(bench: Bench, *rules: Rule) -> list[Rule]:
    """Give the bench's bucket these rules."""
    answered = await bench.store.notifications.set_rules(bench.principal, bench.bucket.bucket_id, rules)
    bench.bucket = await bench.store.buckets.find(bucket_id=bench.bucket.bucket_id)
    return answered


async def suspension_of(bench: Bench) -> str | None:
    """Why the bench's first rule is suspended, as whoever asks for the rules is told."""
    return (await bench.store.notifications.rules(bench.principal, bench.bucket.bucket_id))[0].suspension_reason


async def deliver(bench: Bench) -> None:
    """Have the steward look once, and its turns end."""
    await bench.store.work.deliveries.run()
    await bench.store.work.deliveries.finish_turns()


async def waiting(bench: Bench, bucket: Bucket | None = None) -> list[outbox.Event]:
    """The events that wait for the rules of a bucket, the bench's own if none is given."""
    found = bucket or bench.bucket
    return [
        waits.event
        for one in found.notification_rules
        for waits in await outbox.head(bench.catalog.rows, found.bucket_id, one.rule_id, 1000)
    ]


class Inbox:
    """The way to all targets: keeps what was posted, and answers as it is told."""

    def __init__(self, answer: Callable[[str, bytes], int] = lambda _url, _body: 200, log: Path | None = None) -> None:
        """`answer` may raise `TargetError`. What arrives is also appended to `log`, for others to read after a death."""
        self.answer = answer
        self.posted: list[tuple[str, Headers, bytes]] = []
        self.opened = self.closed = 0
        self._log = log

    def __call__(self, url: str) -> _Visitor:
        self.opened += 1
        return _Visitor(self, url)

    def take(self, url: str, headers: Headers, body: bytes) -> int:
        """Somebody posts this."""
        self.posted.append((url, headers, body))
        if self._log is not None:
            with self._log.open("ab") as file:
                file.write(body + b"\n")
        return self.answer(url, body)

    def take_all(self, bucket_id: str) -> list[dict[str, Any]]:
        """The events of a bucket, in order, which are then forgotten."""
        taken = [event for event in self.events if event["bucketId"] == bucket_id]
        self.posted = [one for one in self.posted if json.loads(one[2])["events"][0]["bucketId"] != bucket_id]
        return taken

    @property
    def batches(self) -> list[list[dict[str, Any]]]:
        """The events of each request."""
        return [json.loads(body)["events"] for _, _, body in self.posted]

    @property
    def events(self) -> list[dict[str, Any]]:
        """All events that came, in order."""
        return [event for batch in self.batches for event in batch]

    @property
    def heard(self) -> list[tuple[str, str]]:
        """Type and name of each event, in short."""
        return [(event["eventType"].removeprefix("b2:"), event["objectName"]) for event in self.events]


class _Visitor:
    def __init__(self, inbox: Inbox, url: str) -> None:
        self._inbox = inbox
        self._url = url

    async def post(self, headers: Headers, body: bytes) -> Answer:
        return Answer(self._inbox.take(self._url, headers, body), b"taken")

    async def close(self) -> None:
        self._inbox.closed += 1


def unreachable(_url: str, _body: bytes) -> int:
    """An answer of an inbox whose host is down."""
    raise TargetError("No connection to hooks.example.com: connection refused")


def events_in(log: Path) -> list[dict[str, Any]]:
    """What an inbox appended to its log, over all its lives."""
    if not log.exists():
        return []
    return [event for line in log.read_bytes().splitlines() for event in json.loads(line)["events"]]


def first_time(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The events without those that came again, in the order in which they first came."""
    firsts: dict[str, dict[str, Any]] = {}
    for event in events:
        firsts.setdefault(event["eventId"], event)
    return list(firsts.values())
