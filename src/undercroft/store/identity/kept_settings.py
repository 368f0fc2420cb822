"""Options of the server that an operator chose in the console. They are the server's from its next start on.

What they may be is for `settings.py` to say, which reads them as it reads options from anywhere else; here they are names and texts.
"""

from __future__ import annotations

from collections.abc import Mapping

from undercroft import limits
from undercroft.catalog import kept_settings
from undercroft.catalog.contract import Catalog, Transaction
from undercroft.store.errors import InvalidRequest
from undercroft.store.gate import Gate
from undercroft.store.identity.proofs import Proof


class KeptSettings:
    """The settings that the catalog keeps, for every process and node of the server."""

    def __init__(self, catalog: Catalog, gate: Gate) -> None:
        self._catalog = catalog
        self._gate = gate

    async def all_of(self) -> dict[str, str]:
        """What is kept, by the names of the options."""
        return await self._catalog.scan(kept_settings.all_of)

    async def change(self, proof: Proof, values: Mapping[str, str | None]) -> None:
        """Keep these values; None: keep none of it. Whoever asks has given the password again.

        Raises `BadCredentials`, and `InvalidRequest` for what is too long.
        """
        for name, value in values.items():
            if value is not None and len(value) > limits.KEPT_SETTING_MAX_LENGTH:
                raise InvalidRequest(f"At most {limits.KEPT_SETTING_MAX_LENGTH} characters.", name)

        async def change(tx: Transaction) -> None:
            await proof.check(tx)
            for name, value in values.items():
                if value is None:
                    await kept_settings.delete(tx, name)
                else:
                    await kept_settings.put(tx, name, value)

        await self._gate.write(change)
