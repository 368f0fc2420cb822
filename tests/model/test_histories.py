"""P5: what clients of several workers are told at the same time can be told in one order, name by name, and lists keep
their rules.

Every request is recorded with its call and its answer: uploads, conditional ones among them, hides, deletes of
versions, reads by name and by id, HEADs, lists of names and of versions, through both faces and every worker, from
several processes. Each round has new names, so each is a history from the first version on. `histories/list_rules.py`
has the exact rule for lists.
"""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from harness.processes import wait_until
from harness.server import Server
from model.histories.arena import Arena, Round
from model.histories.contender import Mix
from model.histories.history import History
from model.histories.list_rules import ListRules
from model.histories.records import Record, Said, Seen

WORKERS = 3
KILLS_A_SERVER = 4  # A worker that dies young is started again later each time.
KILL_AFTER_S = (0.03, 0.3)  # How long a round is under way before the kill: a random time between these.
ANSWERS = {  # What a run has to have met, by action: otherwise its clients did not really contend.
    "upload": {"made", Said.CONDITION_FAILED, Said.NOT_VISIBLE},
    "hide": {"made", Said.HIDDEN_ALREADY, Said.NOT_VISIBLE},
    "delete": {Said.DONE, Said.GONE, Said.MARKER},
    "read": {"a version", Said.NOT_VISIBLE, Said.NO_VERSIONS},
    "read version": {"a version", Said.GONE, Said.MARKER},
    "list names": {"a page"},
    "list versions": {"a page"},
}

pytestmark = pytest.mark.timeout(3600)


class Tally:
    """What a run was made of."""

    def __init__(self) -> None:
        self.requests = 0
        self.lost = 0
        self.pages = 0
        self.histories = 0
        self.elsewhere = 0  # Requests of a name that another worker had changed last.
        self.by_worker: Counter[int] = Counter()
        self.answers: dict[str, set[object]] = {action: set() for action in ANSWERS}

    def add(self, records: list[Record]) -> None:
        """Count a round."""
        last_change: dict[str, int] = {}
        for one in sorted(records, key=lambda one: one.began):
            self.requests += 1
            self.lost += not one.is_answered
            self.by_worker[one.worker] += 1
            self.answers[one.action].add(_kind(one))
            self.elsewhere += last_change.get(one.name, one.worker) != one.worker
            if one.action in {"upload", "hide", "delete"}:
                last_change[one.name] = one.worker

    def __str__(self) -> str:
        return (
            f"{self.requests} requests ({self.lost} without an answer) in {self.histories} histories of one name,"
            f" {self.pages} pages of lists, {self.elsewhere} requests on another worker than"
            " the change before them: all linearizable"
        )


def _kind(one: Record) -> object:
    match one.said:
        case str():
            return "made"
        case Seen():
            return Said.NO_VERSIONS if one.said.is_marker else "a version"
        case Said() | None:
            return one.said
    return "a page"


def judge(one: Round, records: list[Record], tally: Tally) -> None:
    """Every name of the round is linearizable, and its lists keep their rules."""
    history = History(one.names, records)
    history.check()
    rules = ListRules(history)
    rules.check()
    tally.add(records)
    tally.histories += len(one.names)
    tally.pages += rules.pages


def rounds_of(count: int, names: int, requests: int, mix: Mix) -> Iterator[Round]:
    for number in range(count):
        prefix = f"{names}-names/{number}/"
        yield Round(number, tuple(f"{prefix}{name:03}" for name in range(names)), prefix, requests, mix)


def play(arena: Arena, rounds: Iterator[Round]) -> Tally:
    """Play the rounds one after the other; each is judged while the next one is under way."""
    tally = Tally()
    before: tuple[Round, list[Record]] | None = None
    for one in rounds:
        arena.begin(one)
        if before is not None:
            judge(*before, tally)
        before = one, arena.end(one)
    assert before is not None
    judge(*before, tally)
    return tally


@contextmanager
def arena_of(make_server: Callable[..., Server]) -> Iterator[tuple[Server, Arena]]:
    """A server, and clients of it; a run's seed is told so that what clients chose can be chosen again."""
    server = make_server("--workers", str(WORKERS)).start()
    seed = random.randrange(1 << 32)
    print(f"\nseed {seed}", end=" ")  # noqa: T201 - tells how to ask the same again.
    with Arena(server, workers=WORKERS, seed=seed) as arena:
        yield server, arena


def assert_quiet(server: Server, tally: Tally) -> None:
    """Nobody was left without an answer, and the server found no fault with itself."""
    assert not tally.lost
    assert not server.faults(), server.faults()[:3]
    shares = [tally.by_worker[worker] / tally.requests for worker in tally.by_worker]
    assert len(shares) == WORKERS
    assert min(shares) > 0.1, tally.by_worker


def test_what_many_clients_of_few_names_are_told_can_be_told_in_one_order(make_server, full_size):
    with arena_of(make_server) as (server, arena):
        tally = play(arena, rounds_of(1600 if full_size else 12, 3, 10, Mix()))
        print(tally)  # noqa: T201 - for the note.
    assert_quiet(server, tally)
    missing = {action: wanted - tally.answers[action] for action, wanted in ANSWERS.items()}
    # What clients meet is chance; a few rounds may do without the rarest answers.
    assert not any(missing.values()) or not full_size, missing
    assert tally.elsewhere > tally.requests / 4


def test_lists_of_many_names_show_every_acknowledged_write_and_nothing_that_was_never_there(make_server, full_size):
    mix = Mix(upload=40, hide=10, delete=10, read=5, read_version=5, list_names=20, list_versions=10)
    with arena_of(make_server) as (server, arena):
        tally = play(arena, rounds_of(200 if full_size else 2, 40, 20, mix))
        print(tally)  # noqa: T201 - for the note.
    assert_quiet(server, tally)
    assert tally.pages > tally.requests / 4


def test_a_worker_killed_in_the_middle_leaves_what_it_was_asked_for_done_or_not_done(make_server, full_size):
    """What got no answer may have happened or not; what got one has happened, whichever worker is asked for it."""
    tally, kills = Tally(), 0
    for _ in range(20 if full_size else 1):
        with arena_of(make_server) as (server, arena):
            processes = len(server.children())
            records: list[Record] = []
            for one in rounds_of(1 + KILLS_A_SERVER, 3, 15, Mix()):
                wait_until(lambda: len(server.children()) == processes, "no new worker")  # noqa: B023 - called here.
                arena.begin(one)
                alive = {child.pid for child in server.children()}
                workers = sorted({record.worker for record in records} & alive)
                if workers:
                    time.sleep(random.uniform(*KILL_AFTER_S))
                    os.kill(random.choice(workers), signal.SIGKILL)
                    kills += 1
                records = arena.end(one)
                judge(one, records, tally)
            unlike = [line for line in server.faults() if "process_ended" not in line]
            assert not unlike, unlike[:3]
            server.stop()
    print(f"{kills} kills: {tally}")  # noqa: T201 - for the note.
    assert tally.lost > 0, "No kill came in the middle of anything."
