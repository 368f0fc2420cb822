"""Bringing a SQLite file to the schema of this release."""

from __future__ import annotations

from typing import cast

import apsw

from undercroft.catalog.contract import CatalogTooNew
from undercroft.catalog.schema import COMPATIBLE_VERSION, DELTAS, SCHEMA_VERSION

_TYPES = {"BYTES": "BLOB", "BIG": "INTEGER", "CLUSTERED": "WITHOUT ROWID"}


def apply_deltas(raw: apsw.Connection) -> None:
    """Apply the deltas that are missing, a transaction each. Raises `CatalogTooNew` and the errors of the engine."""
    raw.execute(
        "CREATE TABLE IF NOT EXISTS catalog_schema (schema_version INTEGER NOT NULL, compatible INTEGER NOT NULL)"
    )
    found = raw.execute("SELECT schema_version, compatible FROM catalog_schema").fetchall()
    version, compatible = cast("tuple[int, int]", found[0]) if found else (0, 0)
    if compatible > SCHEMA_VERSION:
        raise CatalogTooNew(
            f"This data was written by a newer release (schema {version}); this one knows schema {SCHEMA_VERSION}."
        )
    for number in range(version + 1, SCHEMA_VERSION + 1):
        with raw:
            for statement in DELTAS[number - 1]:
                raw.execute(statement.format(**_TYPES))
            raw.execute("DELETE FROM catalog_schema")
            raw.execute("INSERT INTO catalog_schema VALUES (?1, ?2)", (number, COMPATIBLE_VERSION))
