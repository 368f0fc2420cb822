"""P4 on a real server: its steward is killed again and again while clients write and delete."""

from __future__ import annotations

import pytest

from harness.background import named_blobs
from harness.clock import JumpingClock
from harness.load import Load
from harness.processes import blob_files, wait_until
from undercroft import limits


@pytest.mark.timeout(600)
def test_p4_a_server_whose_steward_is_killed_again_and_again_reclaims_all_that_was_deleted(
    make_server, tmp_path, full_size
):
    clock = JumpingClock(tmp_path)
    server = make_server("--workers", "2", environment=clock.environment).start()
    load = Load(server)
    rounds = 10 if full_size else 2
    # Past the grace of what was deleted and the leases of the dead, and in all no further than a signature may differ.
    step_s = limits.RECLAIM_GRACE_S + 15
    assert (rounds + 1) * step_s < limits.CLOCK_SKEW_MAX_S
    for number in range(rounds):
        with load.running():
            wait_until(lambda before=load.acknowledged: load.acknowledged > before + 40, "the load does not run")
        clock.set((number + 1) * step_s)
        for _ in range(2):
            before = set(blob_files(server))
            wait_until(
                lambda before=before: set(blob_files(server)) < before or set(before) == set(named_blobs(server)),
                "no steward takes the work up",
            )
            victim = server.children()[-1]
            victim.kill()
            wait_until(lambda: len(server.children()) == 4, "the steward is not replaced")
    clock.set((rounds + 1) * step_s)
    wait_until(lambda: set(blob_files(server)) == set(named_blobs(server)), "what was deleted is still there", 60.0)
    clock.set(0)
    load.verify()
    server.stop()
