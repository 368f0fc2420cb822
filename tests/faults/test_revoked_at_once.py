"""What is revoked otherwise than by deleting a key stops at once on every worker too: a suspended account, an expired
key, a bucket that is not public any more."""

from __future__ import annotations

import itertools
import math
import random
import threading
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

import pytest

from harness.background import work_later
from harness.key_users import Account, OnePerWorker, User, working
from harness.processes import wait_until
from harness.server import Server
from undercroft.store import Store

WORKERS = 3
CLIENTS = 8
READERS = 6
PATIENCE_S = 120.0

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[Server]:
    running = Server(tmp_path_factory.mktemp("revoked") / "data", options=("--workers", str(WORKERS))).start()
    yield running
    running.stop()
    assert not running.faults(), running.faults()


def test_after_a_suspension_no_request_of_the_account_that_begins_succeeds_on_any_worker(server, full_size):
    for number in range(10 if full_size else 1):
        email = f"suspended{number}@example.com"
        made = server.create_account(email)
        key = made["keyId"], made["applicationKey"]
        account = Account(server, WORKERS, key=key, bucket=f"suspended-{number}")
        users = [User(account, key, number) for number in range(CLIENTS)]
        everything = {*users[0].operations, *users[1].operations}
        with working(users) as done:
            succeeded = _Watch(lambda: {one.operation for one in list(done) if one.status < 300}, everything)
            succeeded.wait("not everything succeeded")
            since = suspend(server, email)
            late = _Watch(lambda: {one.operation for one in list(done) if one.began > since}, everything)  # noqa: B023
            late.wait("not everything was tried after the suspension")
        behind = [one for one in done if one.began > since]
        assert not [one for one in behind if one.status not in {401, 403}], behind[:5]
        _assert_every_worker({one.worker for one in behind})


def test_from_the_moment_a_key_expires_no_request_that_begins_succeeds_on_any_worker(server, full_size):
    account = Account(server, WORKERS, bucket="expiring")
    for _ in range(10 if full_size else 1):
        connections = [OnePerWorker(server, WORKERS) for _ in range(CLIENTS)]
        began = time.monotonic()
        rehearsed = account.new_key()
        for number in range(CLIENTS):
            User(account, rehearsed, number, connections[number])
        # Long enough to get going on this machine, however busy it is.
        key = account.new_key(validDurationInSeconds=2 + math.ceil(3 * (time.monotonic() - began)))
        end_ms = account.expires_ms
        users = [User(account, key, number, connections[number]) for number in range(CLIENTS)]
        everything = {*users[0].operations, *users[1].operations}
        with working(users) as done:
            late = _Watch(lambda: {one.operation for one in list(done) if one.began_ms > end_ms}, everything)  # noqa: B023
            late.wait("not everything was tried after the key had expired")
        assert any(one.status < 300 for one in done), "The key was of no use while it was valid."
        behind = [one for one in done if one.began_ms >= end_ms]
        assert not [one for one in behind if one.status not in {401, 403}], behind[:5]
        _assert_every_worker({one.worker for one in behind})


def suspend(server: Server, email: str) -> float:
    """Suspend the account from outside the server, as the command does; the moment in which that was acknowledged."""
    acknowledged: list[float] = []

    async def work(store: Store) -> None:
        await store.identity.accounts.set_suspended(email, suspended=True)
        acknowledged.append(time.monotonic())

    work_later(server, 0, work)
    return acknowledged[0]


class Reading(NamedTuple):
    """A download by nobody in particular."""

    target: str
    worker: int
    began: float
    ended: float
    status: int


def test_a_bucket_is_public_or_private_for_the_next_request_on_every_worker(server, full_size):
    account = Account(server, WORKERS, bucket="turning")
    targets = ["/turning/inline", "/turning/blob", "/file/turning/inline", "/file/turning/blob"]
    readings: list[Reading] = []
    stop = threading.Event()

    def read() -> None:
        connections = OnePerWorker(server, WORKERS)
        while not stop.is_set():
            target, method = random.choice(targets), random.choice(["GET", "HEAD"])
            began = time.monotonic()
            status, _ = connections.exchange(method, target, {})
            readings.append(Reading(target, connections.worker, began, time.monotonic(), status))
        connections.close()

    turns: list[tuple[float, float, bool]] = [(0.0, 0.0, False)]
    threads = [threading.Thread(target=read) for _ in range(READERS)]
    for thread in threads:
        thread.start()
    try:
        for is_public in itertools.islice(itertools.cycle([True, False]), 200 if full_size else 8):
            kind = "allPublic" if is_public else "allPrivate"
            asked = time.monotonic()
            account.caller.call(
                "b2_update_bucket", accountId=account.account_id, bucketId=account.bucket_id, bucketType=kind
            )
            turns.append((asked, time.monotonic(), is_public))
            wait_until(
                lambda: (
                    len({(one.target, one.worker) for one in list(readings) if one.began > turns[-1][1]})
                    >= len(targets) * WORKERS
                ),
                "not every worker was asked for everything after the bucket had turned",
                PATIENCE_S,
            )
    finally:
        stop.set()
        for thread in threads:
            thread.join(PATIENCE_S)
    turns.append((time.monotonic(), time.monotonic(), False))
    judged = 0
    for (_, told, is_public), (next_asked, _, _) in itertools.pairwise(turns):
        between = [one for one in readings if one.began > told and one.ended < next_asked]
        judged += len(between)
        expected = {200} if is_public else {401, 403}
        assert not [one for one in between if one.status not in expected], (is_public, between[:5])
    print(f"\n{judged} downloads by nobody while a bucket turned {len(turns) - 2} times")  # noqa: T201 - for the note.


class _Watch:
    """Waits until everything that is wanted has been seen."""

    def __init__(self, seen: Callable[[], set[str]], wanted: set[str]) -> None:
        self._seen = seen
        self._wanted = wanted

    def wait(self, what: str) -> None:
        wait_until(lambda: self._wanted <= self._seen(), what, PATIENCE_S)


def _assert_every_worker(workers: set[int]) -> None:
    assert len(workers - {0}) == WORKERS, workers
