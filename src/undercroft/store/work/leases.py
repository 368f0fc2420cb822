"""Leases on background work: one process at a time does each kind, on one node or many, with the same code."""

from __future__ import annotations

from undercroft.catalog import leases
from undercroft.store.ambient import Ambient
from undercroft.store.gate import Gate


class Leases:
    """The leases of one process."""

    def __init__(self, gate: Gate, ambient: Ambient) -> None:
        self._gate = gate
        self._ambient = ambient
        self._owner = ambient.random_bytes(8).hex()

    async def take(self, work: str, duration_s: float) -> bool:
        """Take or renew the lease of this work; False while another process holds it."""
        now_ms = self._ambient.now_ms()
        until_ms = now_ms + int(duration_s * 1000)
        return await self._gate.write(lambda tx: leases.take(tx, work, self._owner, now_ms, until_ms)) is not None
