"""What is behind the parameters of a job."""

from __future__ import annotations

from undercroft.store.files.service import Files
from undercroft.store.work.jobs.emptying import Emptying
from undercroft.store.work.jobs.model import Empty, Parameters, Rewind, Snapshot, Transfer, Walk
from undercroft.store.work.jobs.rewinding import Rewinding
from undercroft.store.work.jobs.snapshot_order import SnapshotOrder
from undercroft.store.work.jobs.task import Facts, Order, Task
from undercroft.store.work.jobs.transferring import Transferring

WALKS = tuple(str(kind.__struct_config__.tag) for kind in (Empty, Rewind, Transfer))


def order_of(files: Files, parameters: Parameters, facts: Facts) -> Order:
    """What is asked for."""
    if isinstance(parameters, Snapshot):
        return SnapshotOrder(parameters)
    return task_of(files, parameters, facts)


def task_of(files: Files, parameters: Walk, facts: Facts) -> Task:
    """The task that does what is asked, by walking."""
    match parameters:
        case Empty():
            return Emptying(files, parameters, facts)
        case Rewind():
            return Rewinding(files, parameters, facts)
        case Transfer():
            return Transferring(files, parameters, facts)
