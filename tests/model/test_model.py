"""Undercroft does what the documents say, operation by operation: the reference model beside it, in random walks.

`make test-full` walks far longer, and along other ways each time; a failure prints the shortest way to it that was found.
"""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from harness.server import Server
from model.cap_rules import CapRules
from model.cast import OWNER
from model.event_rules import EventRules
from model.machine import Machine
from model.replication_rules import ReplicationRules
from model.through_faces import ThroughFaces
from model.through_store import ThroughStore

EXAMPLE_STEPS_MAX = 50
EXAMPLE_STEPS = 15  # What an example has on average, with some room: rules may find nothing to do.
EXAMPLES_MAX = 60  # At a time: hypothesis keeps something of each, 5 MiB of it where there were parts.
# Steps by way: together 2,000 at CI size and 100,000 at full size.
STEPS = {"native": (400, 20_000), "s3": (400, 20_000), "both": (400, 20_000), "store": (800, 40_000)}


class NativeMachine(ReplicationRules):
    """Through the native face."""


class S3Machine(ReplicationRules):
    """Through the S3 face, and the native one for what S3 lacks."""

    dialects = (True,)


class MixedMachine(ReplicationRules):
    """Through both faces over one store."""

    dialects = (False, True)


class StoreMachine(EventRules, CapRules, ReplicationRules):
    """Through two stores over one data directory, in both dialects, with a clock that is set, told of all events,
    replicated, and held to caps.
    """

    dialects = (False, True)

    def _work(self) -> None:
        """What waits is replicated, with events told apart from those before and after.

        Of what waits for room under a cap, nothing is ruled as to which comes first. So there is no cap meanwhile.
        """
        self.both("cap_storage", self.accounts[OWNER], False, size=None)
        for bucket in self.model.buckets.values():
            self.both("told", self.owner_of(bucket.id), False, bucket=bucket)
        super()._work()
        for bucket in self.model.buckets.values():
            self.both("told", self.owner_of(bucket.id), False, bucket=bucket, unordered=True)


@pytest.mark.timeout(7200)
def test_the_store_does_what_the_model_does(
    tmp_path: Path, full_size: bool, record_property: Callable[[str, Any], None]
) -> None:
    with contextlib.closing(ThroughStore(tmp_path)) as driver:
        StoreMachine.driver = driver
        walk(StoreMachine, "store", full_size, record_property)


@pytest.mark.timeout(7200)
@pytest.mark.parametrize(("way", "machine"), [("native", NativeMachine), ("s3", S3Machine), ("both", MixedMachine)])
def test_a_server_of_several_workers_does_what_the_model_does(
    way: str,
    machine: type[Machine],
    make_server: Callable[..., Server],
    full_size: bool,
    record_property: Callable[[str, Any], None],
) -> None:
    server = make_server("--workers", "3").start()
    with contextlib.closing(ThroughFaces(server)) as driver:
        machine.driver = driver
        walk(machine, way, full_size, record_property)
    server.stop()
    assert not server.faults(), server.faults()


def walk(machine: type[Machine], way: str, full_size: bool, record_property: Callable[[str, Any], None]) -> None:
    """Run a machine until it has gone as many steps as it should: the same ones each time, or at full size new ones."""
    wanted = STEPS[way][full_size]
    machine.steps = machine.successes = machine.refusals = 0
    examples = min(wanted // EXAMPLE_STEPS, EXAMPLES_MAX)
    while machine.steps < wanted:
        run_state_machine_as_test(
            machine,
            settings=settings(
                max_examples=examples,
                stateful_step_count=EXAMPLE_STEPS_MAX,
                derandomize=not full_size,
                database=None,
                deadline=None,
                print_blob=full_size,
                phases=[Phase.generate, Phase.shrink],
                suppress_health_check=list(HealthCheck),
            ),
        )
        gc.collect()  # What a run leaves refers to itself, and is of a few objects with many bytes: nobody else hurries.
        assert full_size or machine.steps >= wanted, (
            f"{machine.steps} steps: the same examples again would show nothing"
        )
        examples = min(max(10, (wanted - machine.steps) // EXAMPLE_STEPS), EXAMPLES_MAX)
    record_property("steps", machine.steps)
    record_property("answers_compared", machine.successes)
    record_property("refusals_compared", machine.refusals)
    figures = f"{machine.steps} steps, {machine.successes} answers and {machine.refusals} refusals as ruled"
    print(f"{way}: {figures}")  # noqa: T201 - the figure of the note.
