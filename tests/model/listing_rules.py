"""The rules for lists of files: walked page by page, while rows are deleted."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import strategies as st
from hypothesis.stateful import rule

from model.cast import Cast, actors, flags, picks
from model.material import delimiters, names, page_sizes, prefixes
from model.things import LAST, Place, Row


class ListingRules(Cast):
    """Draws lists; every one is a step."""

    @rule(
        actor=actors,
        bucket=picks,
        versions=flags,
        prefix=prefixes,
        delimiter=delimiters,
        start=st.just("") | names,
        sizes=page_sizes,
        deletes=st.lists(st.integers(0, 5), max_size=4),
        s3=flags,
    )
    def list_files(
        self,
        actor: int,
        bucket: int,
        versions: bool,
        prefix: str,
        delimiter: str,
        start: str,
        sizes: list[int],
        deletes: list[int],
        s3: bool,
    ) -> None:
        """Walk a list from a name on, and delete on the way what was listed last or comes next."""
        s3 = self._s3(s3)
        target = self.a_bucket(bucket)
        self.walk_while(
            "list_versions" if versions else "list_names",
            self._actor(actor),
            s3,
            sizes,
            after=self._behind(start, prefix, delimiter, s3=s3) if start else None,
            between=self._deleting(list(deletes), s3=s3),
            start={"start": start},
            moved=False,
            bucket=target,
            prefix=prefix,
            delimiter=delimiter,
        )

    @rule(
        actor=actors,
        version=picks,
        delimiter=delimiters,
        sizes=page_sizes,
        deletes=st.lists(st.integers(0, 5)),
        s3=flags,
    )
    def list_from_version(
        self, actor: int, version: int, delimiter: str, sizes: list[int], deletes: list[int], s3: bool
    ) -> None:
        """Walk a list of versions from one version on: with it to the native API, behind it to S3. It may be deleted."""
        target = self.a_version(version)
        s3 = self._s3(s3)
        if target is None or target.bucket_id not in self.model.buckets or (s3 and target.action == "start"):
            return
        place = target.place
        self.walk_while(
            "list_versions",
            self._actor(actor),
            s3,
            sizes,
            after=place if s3 else place._replace(inverted_sequence=place.inverted_sequence - 1),
            between=self._deleting(deletes, s3=s3),
            start={"start": target.name, "start_id": target.id},
            moved=target.id in self.model.graves,
            bucket=self.model.buckets[target.bucket_id],
            prefix="",
            delimiter=delimiter,
        )

    def _deleting(self, deletes: list[int], *, s3: bool) -> Callable[[list[Row], int], bool]:
        """What happens between two pages: 1 deletes what was listed last, 2 what comes next, 3 both."""

        def between(rows: list[Row], limit: int) -> bool:
            drawn = deletes.pop() if deletes else 0
            deleted = False
            for wanted, index in ((1, limit - 1), (2, limit)):
                if drawn & wanted and drawn < 4 and index < len(rows) and rows[index].version is not None:
                    version = rows[index].version
                    owner = self.owner_of(version.bucket_id)
                    self.both("delete_version", owner, s3, version=version, name=version.name)
                    deleted = True
            return deleted

        return between

    def _behind(self, start: str, prefix: str, delimiter: str, *, s3: bool) -> Place:
        """Behind which place a list begins that starts at a name."""
        raw = start.encode()
        if self.driver.starts_with(s3=s3):
            return Place(raw)
        _, found, rest = start.removeprefix(prefix).partition(delimiter) if delimiter else ("", "", "")
        is_folder = start.startswith(prefix) and found and not rest
        return Place(raw + b"\xff") if is_folder else Place(raw, LAST, LAST)
