"""A selection: some files and some folders, as somebody ticks them off, and all visible files that it comes to."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from undercroft import limits
from undercroft.store.errors import NoSuchFile
from undercroft.store.files.listing import Lists
from undercroft.store.files.reads import Reads
from undercroft.store.identity.principals import Principal
from undercroft.store.model import Bucket, FileVersion


class Selections(Lists, Reads):
    """The part of the file store that goes through selections."""

    async def selected(
        self, principal: Principal, bucket: Bucket, names: Sequence[str]
    ) -> AsyncIterator[FileVersion | str]:
        """The visible files of these names and, where a slash ends one, of all that begin with it; a page at a time.

        For a name that has no visible file comes the name itself. What changes meanwhile may be seen before or after.
        """
        for name in names:
            if not name.endswith("/"):
                try:
                    yield await self.current(principal, bucket, name, data=False)
                except NoSuchFile:
                    yield name
                continue
            start = name
            while True:
                page = await self.list_names(
                    principal, bucket, prefix=name, start=start, limit=limits.SELECTION_PAGE_NAMES
                )
                for row in page.rows:
                    if isinstance(row, FileVersion):
                        yield row
                if page.following is None:
                    break
                start = page.following.name
