"""Options of the server that an operator chose: kept for the next start, by whoever has the password at that moment."""

from __future__ import annotations

import pytest

from harness.asynchronous import asynchronous
from harness.people import open_people, proof
from undercroft import limits
from undercroft.store import errors


@asynchronous
async def test_what_is_chosen_is_kept_and_taken_back_and_nothing_of_it_where_a_part_is_too_long(tmp_path):
    async with open_people(tmp_path) as bench:
        kept = bench.store.administrations.kept_settings
        shown = await proof(bench)
        await kept.change(shown, {"region": "eu-north-9", "domain": "example.com", "public_url": None})
        assert await kept.all_of() == {"region": "eu-north-9", "domain": "example.com"}
        with pytest.raises(errors.InvalidRequest):
            await kept.change(shown, {"region": None, "domain": "x" * (limits.KEPT_SETTING_MAX_LENGTH + 1)})
        await kept.change(shown, {"domain": None})
        assert await kept.all_of() == {"region": "eu-north-9"}


@asynchronous
async def test_a_password_that_was_changed_meanwhile_changes_nothing(tmp_path):
    async with open_people(tmp_path) as bench:
        kept, account_id = bench.store.administrations.kept_settings, bench.bucket.account_id
        shown = await proof(bench)
        await bench.store.identity.accounts.reset_password(account_id, "another password altogether")
        with pytest.raises(errors.BadCredentials):
            await kept.change(shown, {"region": "eu-north-9"})
        assert await kept.all_of() == {}
