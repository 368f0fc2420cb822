"""P11, through both faces as a whole: mutated requests over a living store get answers of the protocol, and none is a 500."""

from __future__ import annotations

import asyncio
import gc

import pytest

from harness.fuzz.campaign import run_campaign
from harness.fuzz.faces import living_faces

CI_INPUTS = 1_500
FULL_INPUTS = 50_000
SEED = 1


@pytest.fixture
def faces(tmp_path):
    loop = asyncio.new_event_loop()
    opening = living_faces(tmp_path, loop)
    try:
        yield loop.run_until_complete(opening.__aenter__())
        loop.run_until_complete(opening.__aexit__(None, None, None))
    finally:
        loop.close()


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", ["native-face", "s3-face", "tokens"])
def test_any_request_gets_an_answer_of_its_protocol(name, faces, full_size):
    outcome = run_campaign(faces.targets()[name], FULL_INPUTS if full_size else CI_INPUTS, seed=SEED)
    print(f"\n{name}: {outcome}")  # noqa: T201 - the figures of the note.


@pytest.mark.parametrize("name", ["native-face", "s3-face"])
def test_no_request_leaves_a_circle_that_would_keep_its_body_in_memory(name, faces):
    """P9: an idle process collects nothing, so whatever a circle of references holds would stay."""
    target = faces.targets()[name]
    broken = [
        data.replace(b"/v4/", b"/v4/b2_", 1).replace(b"uploadId=", b"uploadId=0", 1) + b"<[" for data in target.corpus
    ]
    requests = [*target.corpus, *broken]
    for data in requests:
        target.check(data)  # What is made once, such as caches of parsers, may refer to itself.
    gc.collect()
    gc.disable()
    gc.freeze()
    try:
        for data in requests:
            label = target.check(data)
            assert gc.collect() == 0, (label, data)
    finally:
        gc.unfreeze()
        gc.enable()
