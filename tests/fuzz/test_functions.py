"""P11: whatever bytes come, each reader of input takes them or refuses them in its protocol's words, soon.

One test a target; what each judges stands beside it, in `harness/fuzz`. A finding names the input, which
`replay(target, input)` judges again; it then goes into the table of `test_regressions.py`.
"""

from __future__ import annotations

import os

import pytest

from harness.fuzz.campaign import run_campaign
from harness.fuzz.targets import TARGETS

CI_INPUTS = 2_000
FULL_INPUTS = 1_000_000
SEED = int(os.environ.get("UNDERCROFT_FUZZ_SEED", "1"))  # Another seed makes other inputs.


@pytest.mark.timeout(7200)
@pytest.mark.parametrize("name", sorted(TARGETS))
def test_any_input_is_taken_or_refused_in_the_words_of_the_protocol(name, full_size):
    outcome = run_campaign(TARGETS[name], FULL_INPUTS if full_size else CI_INPUTS, seed=SEED)
    print(f"\n{name}: {outcome}")  # noqa: T201 - the figures of the note.
