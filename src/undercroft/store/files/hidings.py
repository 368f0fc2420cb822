"""Hiding a selection, and undoing just that: which hide markers it made is kept for a while."""

from __future__ import annotations

from collections.abc import Sequence

from undercroft import limits
from undercroft.catalog import hidings, versions
from undercroft.catalog.contract import Rows, Transaction
from undercroft.store.dialect import NATIVE
from undercroft.store.errors import NothingToUndo
from undercroft.store.files.base import version_of
from undercroft.store.files.selections import Outcome, Selections, common_beginning
from undercroft.store.identity.principals import Principal
from undercroft.store.model import Bucket, FileVersion
from undercroft.store.operations import Operation

_ID_BYTES = 16


class Hidings(Selections):
    """The part of the file store that hides many files at once."""

    async def hide_selected(
        self, principal: Principal, bucket: Bucket, names: Sequence[str]
    ) -> tuple[Outcome, str | None]:
        """Hide every visible file of a selection, of which nothing is removed; and the id by which `undo_hiding` undoes it.

        None where nothing was hidden.
        """
        made: list[int] = []

        async def hide(version: FileVersion) -> None:
            marker = await self.hide(principal, bucket, version.name, NATIVE)
            made.append(marker.file_id.handle)

        await self._may_change_all(principal, bucket, names)
        outcome = await self._each(self._files_of_selection(principal, bucket, names), hide)
        return outcome, await self._keep_hiding(bucket, made) if made else None

    async def undo_hiding(self, principal: Principal, bucket: Bucket, hiding_id: str) -> Outcome:
        """Remove the hide markers that were made at once, and no others: what was hidden again since then stays so.

        Raises `NothingToUndo` where that was undone already, or is longer ago than `limits.HIDING_UNDONE_WITHIN_S`.
        """
        since_ms = self._ambient.now_ms() - limits.HIDING_UNDONE_WITHIN_S * 1000

        async def query(rows: Rows) -> list[FileVersion] | None:
            handles = await hidings.handles_of(rows, bucket.bucket_id, hiding_id, since_ms)
            if handles is None:
                return None
            found = [(await versions.by_handle(rows, bucket.bucket_id, handle)).version for handle in handles]
            return [version_of(row, bucket) for row in found if row is not None]

        await self._gate.enter(principal, Operation.LIST_FILES, bucket)
        markers = await self._catalog.scan(query)
        if markers is None:
            raise NothingToUndo("It was undone already, or is too long ago.")
        beginning = common_beginning([marker.name for marker in markers])
        await self._gate.enter(principal, Operation.DELETE_FILE, bucket, beginning)
        # The markers go first: whoever is interrupted can undo the rest.
        outcome = await self.delete_these(principal, bucket, markers)
        await self._gate.write(lambda tx: hidings.delete(tx, bucket.bucket_id, hiding_id))
        return outcome

    async def _keep_hiding(self, bucket: Bucket, handles: Sequence[int]) -> str:
        hiding_id, now_ms = self._ambient.random_bytes(_ID_BYTES).hex(), self._ambient.now_ms()

        async def change(tx: Transaction) -> None:
            await hidings.insert(tx, bucket.bucket_id, hiding_id, handles, now_ms)
            since_ms = now_ms - limits.HIDING_UNDONE_WITHIN_S * 1000
            await hidings.forget_old(tx, bucket.bucket_id, since_ms, limits.HIDINGS_KEPT_OF_BUCKET)

        await self._gate.write(change)
        return hiding_id
