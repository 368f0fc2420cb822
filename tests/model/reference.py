"""B2's rules as a plain program in memory, written from the protocols' documents and not from Undercroft's code.

It knows nothing of how things are stored, and takes the most obvious way to every answer. What only the system can choose
(ids, secrets, the time at which it took a request) it is told (`Ask`), and it checks what the rules say of such a choice. Where
two reasons to refuse hold at once and the documents do not rank them, a refusal names both and either is right.

Where the two protocols rule differently, an operation is told the dialect. Answers are dictionaries in the words of the
B2 Native API; those of a version also have what S3 says of it.

This file has the rules of files; those of keys, buckets and large files are in files of their names, and what all share is in
`holdings.py`.
"""

from __future__ import annotations

from typing import Any

from model.buckets import Buckets
from model.digests import md5_of, sha1_of
from model.keys import Keys
from model.large_files import LargeFiles
from model.rows import rows_of, version_row
from model.things import LAST, Ask, New, Place, Range, Refused, Row, Version, refuse_for

HIDE_MARKER_TYPE = "application/x-bz-hide-marker"


class Reference(Keys, Buckets, LargeFiles):
    """The accounts of a service and all that is in them. Every operation is asked for by the id of a key, or by nobody."""

    def do(self, ask: Ask, operation: str, **arguments: Any) -> Any:
        """One operation, a method of this class: its answer, or `Refused`. Who shows a dead key gets no further."""
        self._key(ask)
        return getattr(self, operation)(ask, **arguments)

    # -- Files in one piece -------------------------------------------------------------------------------------------
    def upload(self, ask: Ask, bucket_id: str, name: str, new: New, body: bytes) -> dict[str, Any]:
        """A new version, the newest of its name unless it brings its own time."""
        bucket = self._bucket_for(ask, "writeFiles", bucket_id, name)
        reasons = set() if self._has_room(bucket, len(body)) else {"storage cap"}
        if new.only_new and self.visible(bucket_id, name) is not None:
            reasons.add("exists")
        refuse_for(reasons)
        sha1 = ("" if new.verified else "unverified:") + sha1_of(body)
        digests = (sha1, md5_of(body))
        answer = self._add(ask, bucket_id, name, "upload", new, body, digests, self._mode(new, bucket))
        return self._tell("b2:ObjectCreated:Upload", self.versions[ask.id], answer)

    def hide(self, ask: Ask, bucket_id: str, name: str) -> dict[str, Any]:
        """A hide marker on top. The native dialect wants something to hide."""
        self._bucket_for(ask, "writeFiles", bucket_id, name)
        if not ask.s3:
            newest = self._newest(bucket_id, name)
            if newest is None:
                raise Refused("nothing to hide")
            if newest.action == "hide":
                raise Refused("already hidden")
        answer = self._add(ask, bucket_id, name, "hide", New(HIDE_MARKER_TYPE, {}), b"", (sha1_of(b""), md5_of(b"")))
        return self._tell("b2:HideMarkerCreated:Hide", self.versions[ask.id], answer)

    def copy(
        self,
        ask: Ask,
        source_id: str,
        bucket_id: str,
        name: str,
        asked: Range | None,
        replaced: New | None,
        customer: str | None,
    ) -> dict[str, Any]:
        """A new version of a file's bytes or a range of them, with its type and info unless they are `replaced`.

        `customer` is whose key the source is opened with.
        """
        reasons: set[str] = set()
        bucket = self.buckets.get(bucket_id)
        if bucket is None:
            reasons.add("no bucket")
        elif not self._may(ask, "writeFiles", bucket, name):
            reasons.add("unauthorized")
        source = self._source(ask, source_id, bucket, reasons)
        body = self._opened(source, asked, customer)
        self._make_room(self.buckets[bucket_id], len(body))
        # The digests of a whole copy are the source's: copying 5 GB in an instant leaves no time to read them.
        whole = len(body) == len(source.body)
        digests = (source.sha1, source.etag) if whole else (sha1_of(body), md5_of(body))
        new = replaced or New(source.content_type, source.info)
        assert bucket is not None
        made = self._add(ask, bucket_id, name, "upload", new, body, digests, self._mode(new, bucket))
        return self._tell("b2:ObjectCreated:Copy", self.versions[ask.id], {**made, "action": "copy"})

    def delete_version(self, ask: Ask, version_id: str, name: str, bypass: bool = False) -> dict[str, Any]:
        """Remove one version for good, unless it is locked. To S3, one that is not there is deleted already."""
        bucket = self.buckets.get(self._home(version_id))
        if ask.s3 and bucket is None:
            raise Refused("no bucket")
        reasons = set() if bucket is not None else {"no version to delete"}
        if not self._may(ask, "deleteFiles", bucket, name) or (
            bypass and not self._may(ask, "bypassGovernance", bucket)
        ):
            reasons.add("unauthorized")
        refuse_for(reasons)
        version = self.versions.get(version_id)
        if version is not None and version.name == name:
            if version.action == "upload" and (version.held or (version.retained_until_ms and not bypass)):
                raise Refused("locked")
            self.graves[version_id] = self.versions.pop(version_id)
            answer = {**version_row(version), "was_marker": version.action == "hide"}
            return answer if version.action == "start" else self._tell("b2:ObjectDeleted:Delete", version, answer)
        if ask.s3:
            return {"was_marker": False}
        raise Refused("no version to delete")

    # -- Locks --------------------------------------------------------------------------------------------------------
    def retain(self, ask: Ask, version_id: str, until_ms: int | None, bypass: bool) -> dict[str, Any]:
        """Set, extend or, with None, end governance; what shortens it needs the bypass and the right to it."""
        version = self._lockable(ask, version_id, "writeFileRetentions", *(["bypassGovernance"] if bypass else []))
        before = version.retained_until_ms
        if before is not None and not bypass and (until_ms is None or until_ms < before):
            raise Refused("retained")
        version.retained_until_ms = until_ms
        return version_row(version)

    def hold(self, ask: Ask, version_id: str, on: bool) -> dict[str, Any]:
        """Put a legal hold on, or take it off."""
        version = self._lockable(ask, version_id, "writeFileLegalHolds")
        version.held = on
        return version_row(version)

    def _lockable(self, ask: Ask, version_id: str, *capabilities: str) -> Version:
        """A version whose lock may be changed; the right to that is asked for before anything else."""
        version = self.versions.get(version_id)
        bucket = self.buckets.get(self._home(version_id))
        if ask.s3:
            return self._lockable_in_s3(ask, version_id, *capabilities)
        if bucket is None:
            raise Refused("no version to delete", "lock forbidden")
        name = (version or self.graves[version_id]).name
        if not all(self._may(ask, capability, bucket, name) for capability in capabilities):
            raise Refused("lock forbidden")
        if not bucket.locks:
            raise Refused("no lock")
        if version is None:
            raise Refused("no version to delete")
        if version.action == "hide":
            raise Refused("marker lock")
        return version

    def _lockable_in_s3(self, ask: Ask, version_id: str, capability: str, *more: str) -> Version:
        """The same to S3, which finds the version first, and takes no unfinished one for a version."""
        version = self._version(ask, version_id, "no version", capability)
        if version.action != "upload":
            raise Refused("hide marker" if version.action == "hide" else "not finished")
        bucket = self.buckets[version.bucket_id]
        reasons = set() if bucket.locks else {"no lock"}
        if not all(self._may(ask, one, bucket, version.name) for one in more):
            reasons.add("lock forbidden")
        refuse_for(reasons)
        return version

    # -- Reading ------------------------------------------------------------------------------------------------------
    def read_name(
        self, ask: Ask, bucket_id: str, name: str, asked: Range | None, customer: str | None
    ) -> dict[str, Any]:
        """The newest version of a name, if it is an upload. Of a public bucket, anybody may have it."""
        bucket = self._bucket(bucket_id)
        if not bucket.public:
            self._allow(ask, "readFiles", bucket, name)
        version = self.visible(bucket_id, name)
        if version is None:
            raise Refused("no file")
        self._check_key(version, customer)
        return {**version_row(version), "body": version.body if asked is None else asked.of(version.body)}

    def read_id(self, ask: Ask, version_id: str, asked: Range | None, customer: str | None) -> dict[str, Any]:
        """An upload by its id, also an old or hidden one."""
        version = self._version(ask, version_id, "no version", "readFiles", public=True)
        if version.action != "upload":
            raise Refused("hide marker" if version.action == "hide" else "not finished")
        self._check_key(version, customer)
        return {**version_row(version), "body": version.body if asked is None else asked.of(version.body)}

    def file_info(self, ask: Ask, version_id: str) -> dict[str, Any]:
        """What is known of any version (native)."""
        return version_row(self._version(ask, version_id, "no version", "readFiles"))

    # -- Lists --------------------------------------------------------------------------------------------------------
    def list_names(self, ask: Ask, bucket_id: str, prefix: str, delimiter: str, after: Place | None) -> list[Row]:
        """Visible files by name, behind a place; names with the delimiter behind the prefix fold into folders."""
        self._bucket_for(ask, "listFiles", bucket_id, prefix)
        names = {version.name for version in self.versions_in(bucket_id)}
        visible = filter(None, (self.visible(bucket_id, name) for name in sorted(names, key=str.encode)))
        rows = rows_of(visible, prefix, delimiter, after)
        return [row._replace(place=Place(row.place.name, LAST, LAST)) for row in rows]

    def list_versions(self, ask: Ask, bucket_id: str, prefix: str, delimiter: str, after: Place | None) -> list[Row]:
        """All versions by name and then newest first, behind a place. S3 does not count unfinished ones among them."""
        self._bucket_for(ask, "listFiles", bucket_id, prefix)
        shown = [v for v in self.versions_in(bucket_id) if not ask.s3 or v.action != "start"]
        rows = rows_of(shown, prefix, delimiter, after)
        for row in rows:
            if row.version is not None:
                row.answer["latest"] = row.version is self._newest(bucket_id, row.version.name)
        return rows

    def list_unfinished(self, ask: Ask, bucket_id: str, prefix: str) -> list[dict[str, Any]]:
        """Unfinished large files: to the native API the oldest first, to S3 by name and then the oldest first.

        Of those begun in the same millisecond, the documents do not say which is older; here the lesser id is.
        """
        self._bucket_for(ask, "listFiles", bucket_id, prefix)
        found = [v for v in self.versions_in(bucket_id) if v.action == "start" and v.name.startswith(prefix)]
        found.sort(key=lambda v: (v.name.encode() if ask.s3 else b"", v.started_ms, v.id))
        return [version_row(version) for version in found]
