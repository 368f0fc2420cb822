"""Which task carries out which parameters."""

from __future__ import annotations

from undercroft.store.files.service import Files
from undercroft.store.work.jobs.emptying import Emptying
from undercroft.store.work.jobs.model import Empty, Parameters, Rewind, Transfer
from undercroft.store.work.jobs.rewinding import Rewinding
from undercroft.store.work.jobs.task import Facts, Task
from undercroft.store.work.jobs.transferring import Transferring


def task_of(files: Files, parameters: Parameters, facts: Facts) -> Task:
    """The task that does what is asked."""
    match parameters:
        case Empty():
            return Emptying(files, parameters, facts)
        case Rewind():
            return Rewinding(files, parameters, facts)
        case Transfer():
            return Transferring(files, parameters, facts)
