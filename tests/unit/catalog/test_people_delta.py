"""Data of a release that knew no people: its accounts go on to have B2, and the oldest is the operator's."""

from __future__ import annotations

from contextlib import closing
from unittest.mock import patch

import apsw

from undercroft.catalog import sqlite_deltas
from undercroft.catalog.schema import DELTAS

OURS = next(number for number, delta in enumerate(DELTAS) if "is_operator" in "".join(delta))


def test_accounts_of_an_older_release_have_the_product_and_the_oldest_is_the_operators(tmp_path):
    with closing(apsw.Connection(str(tmp_path / "catalog.db"))) as raw:
        with patch.object(sqlite_deltas, "SCHEMA_VERSION", OURS):
            sqlite_deltas.apply_deltas(raw)
        for account_id, created_ms in (("younger", 2), ("oldest", 1)):
            raw.execute(
                "INSERT INTO accounts (account_id, email, password_hash, created_ms) VALUES (?1, ?1, 'x', ?2)",
                (account_id, created_ms),
            )
        sqlite_deltas.apply_deltas(raw)
        assert raw.execute("SELECT account_id, is_operator, time_zone FROM accounts ORDER BY 1").fetchall() == [
            ("oldest", 1, "UTC"), ("younger", 0, "UTC"),
        ]  # fmt: skip
        assert raw.execute("SELECT account_id, product, enabled, terms_version FROM products ORDER BY 1").fetchall() == [
            ("oldest", "b2", 1, None), ("younger", "b2", 1, None),
        ]  # fmt: skip
