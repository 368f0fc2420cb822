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
        self._until_ms: dict[str, int] = {}

    async def take(self, work: str, duration_s: float) -> bool:
        """Take or renew the lease of this work; False while another process holds it.

        One of our own that reaches further than half of this is not renewed yet, which spares a write.
        """
        now_ms = self._ambient.now_ms()
        until_ms = now_ms + int(duration_s * 1000)
        if (now_ms + until_ms) // 2 < self._until_ms.get(work, 0) <= until_ms:
            return True
        if await self._gate.write(lambda tx: leases.take(tx, work, self._owner, now_ms, until_ms)) is None:
            return False
        self._until_ms[work] = until_ms
        return True
