"""When each application key was last used, from where and for what: gathered in memory, written down every few seconds."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from undercroft import limits
from undercroft.catalog.key_uses import KeyUseRow


class KeyUses:
    """The last uses that this process has seen and not written down. For the event loop's thread alone."""

    def __init__(self, now_ms: Callable[[], int]) -> None:
        self._now_ms = now_ms
        self._uses: dict[str, tuple[int, str, str, str]] = {}

    def note(self, key_id: str, address: str, face: str, call: str) -> None:
        """Note that whoever is at this address has proven to hold the key. On every request's bill: no row is made here.

        Of more keys than `KEY_USES_GATHERED` at once, those that come last are left out until their next use.
        """
        if key_id in self._uses or len(self._uses) < limits.KEY_USES_GATHERED:
            self._uses[key_id] = (self._now_ms(), address, face, call)

    def take(self) -> list[KeyUseRow]:
        """What has gathered, which is no longer this one's."""
        uses, self._uses = self._uses, {}
        return [KeyUseRow(key_id, *use) for key_id, use in uses.items()]

    def put_back(self, rows: Iterable[KeyUseRow]) -> None:
        """Keep what could not be written down, for the next time, but for keys that have been used again."""
        for row in rows:
            self._uses.setdefault(row.key_id, row[1:])
