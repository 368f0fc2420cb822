"""A key that is deleted stops at once: on every worker, through both faces, and for every token it was given."""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections import Counter
from collections.abc import Iterator

import pytest

from harness.key_users import BUCKET, Account, Done, User, working
from harness.processes import wait_until
from harness.server import Server
from harness.wire import Connection, Wires

WORKERS = 3
CLIENTS = 12
CI_ROUNDS = 2
FULL_ROUNDS = 30
BEFORE_S = (0.3, 1.0)  # How long the clients work before their key is deleted: a random time between these.
PATIENCE_S = 120.0
AT_ONCE = 24  # Uploads that all but end when their key is deleted.
CI_INSTANTS = 6
FULL_INSTANTS = 200

pytestmark = pytest.mark.timeout(1800)


@pytest.fixture(scope="module")
def account(tmp_path_factory) -> Iterator[Account]:
    server = Server(tmp_path_factory.mktemp("keys") / "data", options=("--workers", str(WORKERS))).start()
    yield Account(server, WORKERS)
    server.stop()
    assert not server.faults(), server.faults()


def test_after_a_delete_is_acknowledged_no_request_of_the_key_that_begins_succeeds_on_any_worker(account, full_size):
    before: Counter[str] = Counter()
    after: Counter[tuple[str, int]] = Counter()
    for number in range(FULL_ROUNDS if full_size else CI_ROUNDS):
        key = account.new_key()
        users = [User(account, key, number) for number in range(CLIENTS)]
        everything = {*users[0].operations, *users[1].operations}
        with working(users) as done:
            if number == 0:
                wait_until(lambda: everything <= _succeeded(done), "not all succeeded", PATIENCE_S)  # noqa: B023 - now.
            else:
                time.sleep(random.uniform(*BEFORE_S))
            account.delete_key(key[0])
            deleted = time.monotonic()
            wait_until(
                lambda: _tried_everywhere(_since(done, deleted), everything),  # noqa: B023 - called at once.
                "not everything was tried on every worker after the delete",
                PATIENCE_S,
            )
        unlike = [one for one in done if one.status not in {200, 204, 401, 403}]
        assert not unlike, unlike[:5]
        late = _since(done, deleted)
        assert not [one for one in late if one.status < 300], [one for one in late if one.status < 300][:10]
        before.update(one.operation for one in done if one.status < 300)
        after.update((one.face, one.worker) for one in late)
    told = f"{before.total()} requests succeeded before, 0 of {after.total()} after the delete: {dict(after)}"
    print(f"\n{told}")  # noqa: T201 - for the note.


def _succeeded(done: list[Done]) -> set[str]:
    return {one.operation for one in list(done) if one.status < 300}


def _since(done: list[Done], moment: float) -> list[Done]:
    return [one for one in list(done) if one.began > moment]


def _tried_everywhere(late: list[Done], everything: set[str]) -> bool:
    """Whether everything was tried, and every worker was asked through each of the two faces."""
    asked = {(one.face, one.worker) for one in late if one.worker}
    return everything <= {one.operation for one in late} and len(asked) == 2 * WORKERS


def test_what_was_not_committed_when_the_delete_was_acknowledged_never_is(account, full_size):
    """Uploads of both faces end on all workers in the very moment in which their key is deleted: some get in before it,
    and are there when the delete is acknowledged; the others are refused, and nothing of them comes later."""
    stored = refused = 0
    instants = FULL_INSTANTS if full_size else CI_INSTANTS
    for number in range(10 * instants):
        if number >= instants and stored and refused:
            break
        key = account.new_key()
        outcome = asyncio.run(_all_in_one_instant(account, key, f"instant-{number}/"))
        stored += outcome.count(200)
        refused += len(outcome) - outcome.count(200)
        assert set(outcome) <= {200, 401, 403}, outcome
    print(f"\n{stored} uploads got in before the delete, {refused} were refused")  # noqa: T201 - for the note.
    assert stored
    assert refused


async def _all_in_one_instant(account: Account, key: tuple[str, str], prefix: str) -> list[int]:
    """The answers of uploads whose last bytes are sent around the delete of their key."""
    wires = Wires(account.server, key=key)
    names = [f"{prefix}{number:02}" for number in range(AT_ONCE)]
    bodies = [os.urandom(random.choice([10, 5_000, 100_000])) for _ in names]
    made = [
        wires.native_upload(account.bucket_id, name, body) if number % 2 else wires.s3_upload(f"/{BUCKET}/{name}", body)
        for number, (name, body) in enumerate(zip(names, bodies, strict=True))
    ]
    connections = [await Connection.open(account.server) for _ in names]
    for connection, wire in zip(connections, made, strict=True):
        await connection.send(wire.data[:-1])
    listed: list[list[str]] = []

    def delete_and_list() -> None:
        account.delete_key(key[0])
        listed.append(_names(account, prefix))

    async def finish(connection: Connection, last: bytes) -> int:
        await asyncio.sleep(random.uniform(0, 0.01))  # So that some are before the delete and some behind it.
        await connection.send(last)
        return (await connection.answer()).status

    deleting = asyncio.create_task(asyncio.to_thread(delete_and_list))
    pairs = zip(connections, made, strict=True)
    outcome = await asyncio.gather(*(finish(connection, wire.data[-1:]) for connection, wire in pairs))
    await deleting
    for connection in connections:
        await connection.close()
    there = [name for name, status in zip(names, outcome, strict=True) if status == 200]
    assert _names(account, prefix) == there, "What is stored is not what was acknowledged."
    assert listed == [there], "Something was committed after the delete of its key had been acknowledged."
    return outcome


def _names(account: Account, prefix: str) -> list[str]:
    found = account.caller.call("b2_list_file_versions", bucketId=account.bucket_id, prefix=prefix, maxFileCount=1000)
    return [row["fileName"] for row in found["files"]]


@pytest.mark.parametrize("face", ["native", "s3", "s3 in signed chunks"])
@pytest.mark.parametrize("size", [1000, 300_000])
def test_an_upload_under_way_when_its_key_is_deleted_is_refused_and_leaves_nothing(account, face, size):
    key_id, secret = account.new_key()
    server, name, body = account.server, f"under-way-{face.replace(' ', '-')}-{size}", os.urandom(size)
    wires = Wires(server, key=(key_id, secret))
    wire = {
        "native": lambda: wires.native_upload(account.bucket_id, name, body),
        "s3": lambda: wires.s3_upload(f"/{BUCKET}/{name}", body),
        "s3 in signed chunks": lambda: wires.s3_chunked_upload(f"/{BUCKET}/{name}", body),
    }[face]()

    async def upload() -> int:
        async with await Connection.open(server) as connection:
            await connection.send(wire.data[:-100])
            await asyncio.sleep(0.1)  # The server is in the midst of the body when the key goes; it may be, at least.
            await asyncio.to_thread(account.delete_key, key_id)
            await connection.send(wire.data[-100:])
            return (await connection.answer()).status

    assert asyncio.run(upload()) in {401, 403}
    listed = account.caller.call("b2_list_file_versions", bucketId=account.bucket_id, prefix=name)
    assert listed["files"] == []
